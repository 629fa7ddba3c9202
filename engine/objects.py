"""What the engine's other rooms may ask of the store of documents, whatever it is made of.

The rule: bytes of a document never pass an actor, a row or the journal. Whoever has a document is given an
address for one PUT of exactly these bytes (method, key, type, size, digest, end), and tells when they are
there; then the store says what it holds. Two stores keep this contract (storage/objects/): an encrypted
folder, to whose addresses the daemon itself listens, and S3. A key names nobody: it is made of the file's
number, the type of the document and a name that we drew (S12).
Source: spec.md S12, S19, S20, X30; design.md 1 and 7; docs/adr/0036-documents-pass-the-actors-by.md.
"""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol

import msgspec

from comptoir.engine.errors import EngineError

__all__ = [
    "Incoming",
    "ObjectFacts",
    "ObjectKey",
    "ObjectReads",
    "ObjectStore",
    "ObjectsUnavailable",
    "UploadAddress",
    "UploadDoor",
    "UploadRefused",
    "UploadTerms",
]

_SEGMENT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}").fullmatch


class ObjectKey(msgspec.Struct, frozen=True):
    """Where an object is: `{owner}/{kind}/{name}` (S12)."""

    owner: str
    """Number of the file that it belongs to; whoever is erased with it takes the key that seals it along."""
    kind: str
    """Type of the document."""
    name: str
    """Drawn by us; what the client calls it is personal, and stays in what is sealed."""

    @property
    def path(self) -> str:
        """The key as a store knows it."""
        return f"{self.owner}/{self.kind}/{self.name}"

    @classmethod
    def read(cls, path: str) -> "ObjectKey | None":
        """Take a path apart; None where it is none of ours."""
        segments = path.split("/")
        if len(segments) != 3 or not all(map(_SEGMENT, segments)):  # noqa: PLR2004 - owner, kind, name
            return None
        return cls(*segments)


class UploadTerms(msgspec.Struct, frozen=True):
    """What may be uploaded, exactly."""

    key: ObjectKey
    media_type: str
    size_bytes: int
    sha256: str
    """In hexadecimal; empty: not known beforehand."""
    expires_at: int
    """ms since 1970."""


class UploadAddress(msgspec.Struct, frozen=True):
    """Where to PUT it, and with which headers."""

    url: str
    headers: Mapping[str, str]


class ObjectFacts(msgspec.Struct, frozen=True):
    """What a store holds under a key, as counted and hashed from its bytes."""

    size_bytes: int
    media_type: str
    sha256: str


class ObjectsUnavailable(EngineError):
    """The store does not answer now; nothing was changed."""

    code = "OBJECTS_UNAVAILABLE"
    retry_after_s = 5
    remedy = "see that the object store, or the disk below it, is there"


class UploadRefused(Exception):
    """An upload is not taken, and nothing of it stays."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
        """A stable code of http/problems.py."""


class ObjectReads(Protocol):
    """The part of a store that checks what is there."""

    async def facts(self, key: ObjectKey) -> ObjectFacts | None:
        """What is held under a key; None if nothing.

        Raises:
            ObjectsUnavailable: the store does not answer now.
        """
        ...

    async def delete(self, key: ObjectKey) -> None:
        """Have nothing under a key; again is harmless."""
        ...


class ObjectStore(ObjectReads, Protocol):
    """Where documents are."""

    def presign(self, terms: UploadTerms, base_url: str, now_ms: int) -> UploadAddress:
        """An address for one PUT of exactly this.

        Args:
            terms: what may be uploaded.
            base_url: where this daemon is reached, for stores that it listens for.
            now_ms: business time, ms since 1970.
        """
        ...

    def read(self, key: ObjectKey) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The bytes of an object, in parts, each proven before it is given.

        Raises:
            ObjectMissing: there is none. ObjectTampered: it is not what was stored.
        """
        ...


class Incoming(Protocol):
    """One object while it arrives; nothing is there before `finish`, and nothing stays without it."""

    async def write(self, data: bytes) -> None:
        """Take a part."""
        ...

    async def finish(self) -> str:
        """Have it there, durable, and only if nothing was; its SHA-256 in hexadecimal.

        Raises:
            UploadRefused: UPLOAD_USED, UPLOAD_DIGEST_MISMATCH, UPLOAD_TOO_SHORT.
        """
        ...


class UploadDoor(Protocol):
    """The part of a store that the daemon itself takes uploads for (http/uploads.py)."""

    def judge(self, path: str, query: Mapping[str, str]) -> UploadTerms | None:
        """The terms that an address of ours carries; None if it was not signed by us."""
        ...

    async def is_used(self, key: ObjectKey) -> bool:
        """Whether something is there already."""
        ...

    def receive(self, terms: UploadTerms) -> AbstractAsyncContextManager[Incoming]:
        """Take an object in; what is not finished when the context ends is thrown away.

        Raises:
            UploadRefused: UPLOAD_NO_ROOM.
        """
        ...
