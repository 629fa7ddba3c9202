"""Stores to try: a folder under fresh keys, and a real S3 server for the whole module."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from comptoir.engine.objects import ObjectKey, UploadRefused, UploadTerms
from comptoir.storage.keys.opening import Opened
from comptoir.storage.objects.folder import FolderOptions, FolderStore
from comptoir.storage.objects.s3 import S3Store
from comptoir.storage.sealing import Sealer
from tests.storage.keys.conftest import Home
from tests.storage.objects.seaweed import BUCKET, Seaweed, seaweed

NOW = 1_760_000_000_000
MIB = 1024 * 1024


def key_of(name: str = "doc_1.pdf", owner: str = "ONB-2026-00001") -> ObjectKey:
    """Of a document."""
    return ObjectKey(owner, "IDENTITY", name)


def terms_of(
    size: int, sha256: str = "", key: ObjectKey | None = None, until: int = NOW + 3_600_000
) -> UploadTerms:
    """Of an upload."""
    return UploadTerms(key or key_of(), "application/pdf", size, sha256, until)


@dataclass
class Folder:
    """A folder that is opened again and again, as starts would."""

    root: Path
    opened: Opened
    options: FolderOptions = field(init=False)

    def __post_init__(self) -> None:
        self.options = FolderOptions(
            self.root, BUCKET, bytes_max=64 * MIB, owner_kind="onboarding", disk_bytes_free_min=0
        )

    @property
    def sealer(self) -> Sealer:
        """What seals its keys."""
        return self.opened.keyring

    async def open(self) -> FolderStore:
        """The store of a start."""
        return await FolderStore.open(self.options, self.sealer)

    def files(self) -> list[Path]:
        """Everything that lies there but its key file."""
        return [one for one in self.root.rglob("*") if one.is_file() and one.name != "names.json"]


@pytest.fixture
async def folder(tmp_path: Path) -> Folder:
    """Nothing was ever stored in it."""
    return Folder(tmp_path / "documents", await Home(tmp_path / "keys").open())


@pytest.fixture
async def store(folder: Folder) -> FolderStore:
    """It, opened."""
    return await folder.open()


@pytest.fixture(scope="module")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seaweed]:
    """One S3 server."""
    with seaweed(tmp_path_factory.mktemp("seaweed")) as server:
        yield server


@pytest.fixture
async def s3(s3_server: Seaweed) -> AsyncIterator[S3Store]:
    """An adapter for it."""
    async with httpx.AsyncClient(trust_env=False, timeout=30.0) as client:
        yield S3Store(s3_server.options, s3_server.signer, client)


async def put(store: FolderStore, data: bytes, terms: UploadTerms) -> str:
    """Upload as the daemon's route does; the answer's code, or the digest."""
    try:
        async with store.receive(terms) as incoming:
            for start in range(0, len(data), 65_536):
                await incoming.write(data[start : start + 65_536])
            return await incoming.finish()
    except UploadRefused as refused:
        return refused.code
