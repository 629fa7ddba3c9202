"""Databases and journals for the storage tests: one cluster per version, a fresh database per test.

Rule: what the clusters are is said in clusters.py; nothing of one test is there for the next.
"""

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pytest
import trio

from comptoir.engine.journal import Journal
from comptoir.storage.journal import JournalOptions, PostgresJournal
from comptoir.storage.journal_testing import NOW
from comptoir.storage.testing import MemoryJournal, MemoryTables
from comptoir.storage.vault import Vault
from tests.storage.clusters import WHEEL, Cluster, cluster_of

VAULT = Vault({"k1": bytes(range(32))})


class Backend(Protocol):
    """Where a journal can be opened, closed, and opened again."""

    name: str

    def open(self, *, batch_decisions_max: int = 256) -> AbstractAsyncContextManager[Any]:
        """A journal on the same durable tables each time."""
        ...

    async def usurp(self) -> None:
        """Raise the epoch as another daemon would."""
        ...


@pytest.fixture(scope="session")
def cluster_18() -> Iterator[Cluster]:
    """PostgreSQL 18, the wheel's."""
    with cluster_of(WHEEL) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def cluster_15(postgresql_15: Path) -> Iterator[Cluster]:
    """PostgreSQL 15, Debian's: the oldest that we support."""
    with cluster_of(postgresql_15) as cluster:
        yield cluster


@dataclass
class PostgresBackend:
    """A database of a cluster."""

    name: str
    cluster: Cluster
    database: str

    @property
    def url(self) -> str:
        """Its DSN."""
        return self.cluster.url(self.database)

    def run(self, *statements: str) -> str:
        """Run statements as superuser."""
        return self.cluster.run(*statements, database=self.database)

    @asynccontextmanager
    async def open(self, *, batch_decisions_max: int = 256) -> AsyncGenerator[PostgresJournal]:
        """A journal on it."""
        options = JournalOptions(batch_decisions_max=batch_decisions_max, now=NOW, readers=2)
        async with PostgresJournal.open(self.url, VAULT, options) as journal:
            yield journal

    async def usurp(self) -> None:
        """Raise the epoch as another daemon would."""
        statement = "update comptoir.writer set epoch = epoch + 1 where lane = 0"
        await trio.to_thread.run_sync(self.run, statement)


@dataclass
class MemoryBackend:
    """Tables in memory."""

    name: str = "memory"
    tables: MemoryTables = field(default_factory=MemoryTables)

    @asynccontextmanager
    async def open(self, *, batch_decisions_max: int = 256) -> AsyncGenerator[MemoryJournal]:
        """A journal on them."""
        async with MemoryJournal.open(
            self.tables, batch_decisions_max=batch_decisions_max
        ) as journal:
            yield journal

    async def usurp(self) -> None:
        """Raise the epoch as another daemon would."""
        await trio.lowlevel.checkpoint()
        self.tables.epoch += 1


@pytest.fixture
def postgres(cluster_18: Cluster) -> PostgresBackend:
    """A fresh, migrated database of PostgreSQL 18."""
    return PostgresBackend("postgres18", cluster_18, cluster_18.migrated())


@pytest.fixture(params=["memory", "postgres18", "postgres15"])
def backend(
    request: pytest.FixtureRequest, backend_of: Callable[[str], PostgresBackend]
) -> Backend:
    """Each place where the contract holds."""
    return MemoryBackend() if request.param == "memory" else backend_of(request.param)


@pytest.fixture
def backend_of(request: pytest.FixtureRequest) -> Callable[[str], PostgresBackend]:
    """A fresh, migrated database of the server with this name: `postgres18`, `postgres15`."""

    def made(name: str) -> PostgresBackend:
        cluster: Cluster = request.getfixturevalue(f"cluster_{name.removeprefix('postgres')}")
        return PostgresBackend(name, cluster, cluster.migrated())

    return made


@pytest.fixture(params=["postgres18", "postgres15"])
def each_postgres(
    request: pytest.FixtureRequest, backend_of: Callable[[str], PostgresBackend]
) -> PostgresBackend:
    """A fresh, migrated database of each server that we support."""
    return backend_of(request.param)


def is_journal(journal: PostgresJournal | MemoryJournal) -> Journal:
    """Both fulfil the engine's protocol: the type checkers read this line."""
    return journal
