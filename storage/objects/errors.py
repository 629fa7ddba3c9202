"""What can be wrong with stored documents, one class per situation; no text holds a name or a person.

Rule: as storage/errors.py; what the edge answers by itself is an error of the engine's (engine/objects.py).
"""

from comptoir.engine.objects import ObjectsUnavailable, UploadRefused
from comptoir.storage.errors import StorageError

__all__ = [
    "ObjectMissing",
    "ObjectTampered",
    "ObjectsRefused",
    "ObjectsUnavailable",
    "UploadRefused",
]


class ObjectsRefused(StorageError):
    """The store says no: who we are there, the bucket, or what we may."""

    CODE = "OBJECTS_REFUSED"
    REMEDY = "see documents.s3: access key, bucket, region"


class ObjectMissing(StorageError):
    """There is nothing under this key."""

    CODE = "OBJECT_MISSING"
    REMEDY = "have it uploaded again"


class ObjectTampered(StorageError):
    """What lies there is not what was stored: changed, cut short, mixed up, or of another object."""

    CODE = "OBJECT_TAMPERED"
    REMEDY = "restore it from a backup, or have it uploaded again"
