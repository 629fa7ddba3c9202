"""Folders and a server for the tests of the embedded PostgreSQL.

Rule: each test has a folder of its own that every account may enter (pytest's `tmp_path` is
closed to them, which is a case of its own in test_places.py).
Source: design.md 7 (tests leave none behind).
"""

from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import pytest

from comptoir.storage.copied_testing import take_copy
from comptoir.storage.embedded import EmbeddedPostgres
from comptoir.storage.embedded_testing import DISK, MEMORY, open_folder


@pytest.fixture
def ground() -> Iterator[Path]:
    """Give a quick folder."""
    with open_folder(MEMORY) as folder:
        yield folder


@pytest.fixture
def disk() -> Iterator[Path]:
    """Give a folder on a real disk, where programs may be run too."""
    with open_folder(DISK) as folder:
        yield folder


@pytest.fixture
async def postgres(ground: Path) -> AsyncGenerator[EmbeddedPostgres]:
    """Give a server object that is destroyed at the end, started or not."""
    server = EmbeddedPostgres(ground / "data", roots=(ground / "roots",))
    yield server
    await server.destroy()


@pytest.fixture
async def furnished(ground: Path) -> AsyncGenerator[EmbeddedPostgres]:
    """Give a server as `postgres`, whose cluster is a copy: for what is not about making one."""
    server = EmbeddedPostgres(ground / "data")
    await take_copy(server)
    yield server
    await server.destroy()
