"""What is said to whoever keeps documents and to whoever looks at them, and what they answer.

Source: spec.md S12, S19, S20, X30; docs/uploads.md, docs/documents.md.
"""

from comptoir.engine.values import Address, Message

__all__ = [
    "INSPECTION",
    "OBJECTS",
    "DeleteObject",
    "DocumentInspected",
    "InspectDocument",
    "ObjectAbsent",
    "ObjectFound",
    "ProveObject",
]

OBJECTS = Address("objects", "")
"""The store of documents: a folder of ours, or S3 (S12, X30)."""
INSPECTION = Address("inspection", "")
"""Who looks at documents, each in a cell of its own (S19)."""


class ProveObject(Message, frozen=True):
    """What lies under this key? Whoever asks hears of it (`ObjectFound`, `ObjectAbsent`)."""

    reference: str
    """What it is about; the asker is told it again."""
    path: str
    """The key, as engine/objects.py writes it."""


class ObjectFound(Message, frozen=True):
    """This lies there, as counted and hashed from its bytes."""

    reference: str
    size_bytes: int
    media_type: str
    sha256: str


class ObjectAbsent(Message, frozen=True):
    """Nothing lies there, or nothing that can be read."""

    reference: str
    code: str
    """Why, as a stable code: `UPLOAD_MISSING` where there is nothing."""


class InspectDocument(Message, frozen=True):
    """What is the document under this key, and what does it show? Whoever asks hears of it (`DocumentInspected`,
    or `ObjectAbsent` where it could not be had).
    """

    reference: str
    """What it is about; the asker is told it again."""
    path: str
    """The key, as engine/objects.py writes it."""
    doc_type: str
    """What it was sent as: what is read of it depends on that."""
    filename: str
    media_type: str
    first_name: str
    last_name: str
    date_of_birth: str
    """What it is held against."""


class DocumentInspected(Message, frozen=True):
    """What it is, and what it shows."""

    reference: str
    sha256: str
    """Of the bytes that were looked at."""
    look: str
    """How its first page looks (actors/inspection/pictures.py); empty: nothing to see."""
    flags: tuple[str, ...]
    """Of actors/inspection/flags.py."""
    fields: dict[str, str]
    """What was read, by the names of docs/documents.md."""
    marks: tuple[str, ...] = ()
    """Keys of the sightings in which it is noted: they are to forget it when the file drops it."""
    elsewhere: tuple[str, ...] = ()
    """Numbers of other files with the same, or with one that was refused and looks like it."""


class DeleteObject(Message, frozen=True):
    """Nothing is to lie there any more."""

    path: str
