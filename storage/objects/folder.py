"""Documents in an encrypted folder beside the database: the default, with what S3 promises of an upload.

The rule: an object is there whole or not at all. It is written under another name, synced, and linked to its
own name in one step that fails where something is already: so an address is used once, two uploads at once
cannot mix, and a killed daemon leaves nothing but a draft, which the next start removes. Nothing is ever in
memory but one chunk. Names on the disk are keyed digests: a listing of the folder tells nothing of anybody.
What it may take of the disk is bounded, and the disk never fills up: the database may be on the same one.
Source: spec.md S12, S20, X13, X30; design.md 7; docs/adr/0036-documents-pass-the-actors-by.md.
"""

import errno
import hmac
import os
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from io import BufferedIOBase
from pathlib import Path
from typing import Final, Protocol, TypeVar

import trio

from comptoir.engine.objects import (
    Incoming,
    ObjectFacts,
    ObjectKey,
    UploadAddress,
    UploadRefused,
    UploadTerms,
)
from comptoir.engine.values import Address
from comptoir.storage.errors import KeyStoreUnavailable
from comptoir.storage.keys.file import sync_folder
from comptoir.storage.objects.errors import ObjectMissing, ObjectsUnavailable, ObjectTampered
from comptoir.storage.objects.sealed_file import (
    CHUNK_BYTES,
    KEY_BYTES,
    FileReader,
    FileWriter,
    stored_bytes,
)
from comptoir.storage.objects.signing import UploadSigner
from comptoir.storage.sealing import Sealer
from comptoir.storage.vault import VaultTampered, make_key_file, read_key_file, read_keys

__all__ = ["DISK_BYTES_FREE_MIN", "FolderOptions", "FolderStore"]

T = TypeVar("T")

DISK_BYTES_FREE_MIN: Final = 512 * 1024 * 1024
"""Stays free whatever is uploaded: the database writes on, on the same disk by default."""
THREADS_MAX: Final = 4
"""At work on documents at once; the others of the process are for keys and names."""
DRAFTS: Final = "drafts"
OBJECTS: Final = "objects"
NAME_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class FolderOptions:
    """Where the folder is, and what it may take."""

    root: Path
    bucket: str
    bytes_max: int
    """Of all objects together, as stored."""
    owner_kind: str
    """Kind of the actor that an object belongs to: whose key seals it."""
    disk_bytes_free_min: int = DISK_BYTES_FREE_MIN


class FolderStore:
    """An `ObjectStore` and an `UploadDoor` over one folder."""

    def __init__(self, options: FolderOptions, sealer: Sealer, secret: bytes, held: int) -> None:
        """Take up a folder that is there (`open` makes it)."""
        self._options = options
        self._sealer = sealer
        self._signer = UploadSigner(secret, options.bucket)
        self._names = blake2b(secret, digest_size=32, person=b"object names").digest()
        self._limiter = trio.CapacityLimiter(THREADS_MAX)
        self._held = held
        """Bytes of what is there, and of what is on its way."""

    def __repr__(self) -> str:
        return f"<FolderStore {self._held} of {self._options.bytes_max} bytes>"

    @classmethod
    async def open(cls, options: FolderOptions, sealer: Sealer) -> "FolderStore":
        """Make the folder where there is none; what a killed daemon was writing is removed.

        Raises:
            ObjectsUnavailable: the disk does not let us.
        """
        with _mapped_errors():
            secret, held = await trio.to_thread.run_sync(_prepared, options.root)
        return cls(options, sealer, secret, held)

    # What everybody asks (engine/objects.py).

    def presign(self, terms: UploadTerms, base_url: str, now_ms: int) -> UploadAddress:
        """As `ObjectStore.presign`; the address leads to this daemon (http/uploads.py)."""
        del now_ms  # its end is in the terms
        return self._signer.sign(terms, base_url)

    async def facts(self, key: ObjectKey) -> ObjectFacts | None:
        """As `ObjectReads.facts`: what was counted and hashed as it came, sealed in its head.

        Raises:
            ObjectTampered: it is not what was stored.
        """
        try:
            reader, file = await self._run(partial(self._open, key))
        except ObjectMissing:
            return None
        await self._run(file.close)
        return reader.facts

    async def delete(self, key: ObjectKey) -> None:
        """As `ObjectReads.delete`."""
        self._held -= await self._run(partial(_remove, self._place(key)))

    @asynccontextmanager
    async def read(self, key: ObjectKey) -> AsyncGenerator[AsyncIterator[bytes]]:
        """As `ObjectStore.read`."""
        reader, file = await self._run(partial(self._open, key))

        async def chunks() -> AsyncIterator[bytes]:
            while (chunk := await self._run(reader.read)) is not None:
                yield chunk

        try:
            yield chunks()
        finally:
            file.close()  # of what was only read: nothing is written, so nothing waits

    # What the daemon's own route asks.

    def judge(self, path: str, query: Mapping[str, str]) -> UploadTerms | None:
        """As `UploadDoor.judge`."""
        return self._signer.judge(path, query)

    async def is_used(self, key: ObjectKey) -> bool:
        """As `UploadDoor.is_used`."""
        return await self._run(self._place(key).exists)

    @asynccontextmanager
    async def receive(self, terms: UploadTerms) -> AsyncGenerator[Incoming]:
        """As `UploadDoor.receive`."""
        cost = stored_bytes(terms.size_bytes)
        if self._held + cost > self._options.bytes_max:
            raise UploadRefused("UPLOAD_NO_ROOM")
        self._held += cost
        arrival: _Arrival | None = None
        try:
            if await self._run(partial(_free_bytes, self._options.root)) < (
                cost + self._options.disk_bytes_free_min
            ):
                raise UploadRefused("UPLOAD_NO_ROOM")
            arrival = await self._begin(terms)
            yield arrival
        finally:
            if arrival is None or not arrival.finished:
                self._held -= cost
            if arrival is not None:
                with trio.CancelScope(shield=True):  # else a draft stays until the next start
                    await self._run(arrival.close)

    async def _begin(self, terms: UploadTerms) -> "_Arrival":
        key = os.urandom(KEY_BYTES)
        owner = Address(self._options.owner_kind, terms.key.owner)
        wrapped = self._sealer.seal(key, self._identity(terms.key), owner)
        try:
            await self._sealer.make_durable()  # no file is older than its person's key
        except KeyStoreUnavailable as error:
            raise ObjectsUnavailable(str(error)) from error
        draft = self._options.root / DRAFTS / secrets.token_hex(16)
        writer = await self._run(partial(_begin_file, draft, key, wrapped))
        return _Arrival(terms, writer, (draft, self._place(terms.key)), self._run)

    # How it is found and opened.

    def _place(self, key: ObjectKey) -> Path:
        path = f"{self._options.bucket}/{key.path}".encode()
        name = hmac.new(self._names, path, "sha256").hexdigest()
        return self._options.root / OBJECTS / name[:2] / name

    def _identity(self, key: ObjectKey) -> bytes:
        return f"object|{self._options.bucket}/{key.path}".encode()

    def _open(self, key: ObjectKey) -> tuple[FileReader, BufferedIOBase]:
        try:
            file = self._place(key).open("rb")
        except FileNotFoundError:
            raise ObjectMissing("there is no such object") from None
        try:
            identity = self._identity(key)
            return FileReader(file, lambda wrapped: self._sealer.open(wrapped, identity)), file
        except VaultTampered:
            file.close()
            raise ObjectTampered("the key of a stored object is not its own") from None
        except BaseException:
            file.close()
            raise

    async def _run(self, work: Callable[[], T]) -> T:
        """Do what blocks in a thread."""
        with _mapped_errors():
            return await trio.to_thread.run_sync(work, limiter=self._limiter)


@contextmanager
def _mapped_errors() -> Generator[None]:
    """What the disk says, as ours; a full one is no room."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UploadRefused("UPLOAD_NO_ROOM") from None
        name = errno.errorcode.get(error.errno or 0, "unknown")
        raise ObjectsUnavailable(f"the folder of documents: {name}") from None


class _Run(Protocol):
    """Does what blocks in a thread."""

    async def __call__(self, work: Callable[[], T]) -> T: ...


class _Arrival:
    """An object on its way in."""

    def __init__(
        self,
        terms: UploadTerms,
        writing: tuple[FileWriter, BufferedIOBase],
        places: tuple[Path, Path],
        run: "_Run",
    ) -> None:
        self._terms = terms
        self._writer, self._file = writing
        self._draft, self._place = places
        self._run = run
        self._parts = bytearray()
        """Not written yet: senders cut small, and a thread costs as much for little as for a chunk."""
        self._size = 0
        self.finished = False
        """It is there."""

    async def write(self, data: bytes) -> None:
        """As `Incoming.write`.

        Raises:
            UploadRefused: more than its address allows.
        """
        self._size += len(data)
        if self._size > self._terms.size_bytes:
            raise UploadRefused("UPLOAD_TOO_LONG")
        self._parts += data
        if len(self._parts) >= CHUNK_BYTES:
            parts, self._parts = self._parts, bytearray()
            await self._run(partial(self._writer.write, parts))

    async def finish(self) -> str:
        """As `Incoming.finish`; once begun it is not given up in the middle, so that we know what is there."""
        if self._size != self._terms.size_bytes:
            raise UploadRefused("UPLOAD_TOO_SHORT")
        facts: ObjectFacts | None = None
        with trio.CancelScope(shield=True):
            facts = await self._run(self._publish)
        assert facts is not None, "nothing cancels it"
        return facts.sha256

    def _publish(self) -> ObjectFacts:
        self._writer.write(self._parts)
        if self._terms.sha256 and self._writer.sha256 != self._terms.sha256:
            raise UploadRefused("UPLOAD_DIGEST_MISMATCH")
        facts = self._writer.finish(self._terms.media_type)
        folder = self._place.parent
        if not folder.is_dir():
            folder.mkdir(mode=0o700, exist_ok=True)
            sync_folder(folder.parent)
        try:
            os.link(self._draft, self._place)
        except FileExistsError:
            raise UploadRefused("UPLOAD_USED") from None
        self.finished = True
        sync_folder(folder)
        return facts

    def close(self) -> None:
        """The draft goes, whatever became of it."""
        self._draft.unlink(missing_ok=True)
        self._file.close()


def _begin_file(draft: Path, key: bytes, wrapped: bytes) -> tuple[FileWriter, BufferedIOBase]:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    file = os.fdopen(os.open(draft, flags, 0o600), "wb")
    return FileWriter(file, key, wrapped), file


def _prepared(root: Path) -> tuple[bytes, int]:
    """Make what is missing; the folder's secret, and what its objects take."""
    for folder in (root, root / DRAFTS, root / OBJECTS):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for draft in (root / DRAFTS).iterdir():
        draft.unlink()
    key_file = root / "names.json"
    if not key_file.exists():
        make_key_file(key_file)
    secret = read_keys(read_key_file(key_file))["k1"]
    held = sum(one.stat().st_size for one in (root / OBJECTS).glob("??/*"))
    return secret, held


def _remove(place: Path) -> int:
    """Remove a file for good; its size, or 0."""
    try:
        size = place.stat().st_size
        place.unlink()
    except FileNotFoundError:
        return 0
    sync_folder(place.parent)
    return size


def _free_bytes(root: Path) -> int:
    disk = os.statvfs(root)
    return disk.f_bavail * disk.f_frsize
