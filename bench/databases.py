"""Databases that are compared by taking turns on them, each with a daemon of its own at work.

Rule: after every slice the ledger must have grown by exactly what was sent, in entries and points.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE

import trio

from bench.populate import points_of
from comptoir.storage import _locate
from comptoir.storage._cluster import SUPERUSER
from comptoir.storage.embedded import EmbeddedPostgres
from comptoir.storage.ledger_testing import audit

__all__ = ["Database", "PatientPostgres", "Turns", "ratio", "take_turns"]

GROWN_SQL = """select json_build_array(count(*), coalesce(sum(points), 0),
    pg_current_wal_lsn() - '0/0'::pg_lsn) from report.entry;"""


class PatientPostgres(EmbeddedPostgres):
    """A server whose scripts may take as long as they take: one audits millions of rows."""

    async def run_sql(self, script: str, database: str = SUPERUSER) -> str:
        """As the daemon's own, without its time limit.

        Raises:
            CalledProcessError: psql refused; what it said is on standard error.
        """
        program = (await _locate.find_binaries()).program("psql")
        url = self.url(database, SUPERUSER)
        done = await trio.run_process(
            [program, "-XqAtw", "-v", "ON_ERROR_STOP=1", "-d", url],
            stdin=script.encode(), capture_stdout=True, env=_locate.ENVIRONMENT,
        )  # fmt: skip
        return done.stdout.decode().strip()


def _sessions_cpu_s(database: str) -> float:
    """CPU of all sessions of a database: what a busy machine does not blur."""
    ticks = 0
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and f" {database} " in (process / "cmdline").read_text():
                fields = (process / "stat").read_text().rsplit(")", 1)[1].split()
                ticks += int(fields[11]) + int(fields[12])
        except OSError:
            continue  # it has ended
    return ticks / os.sysconf("SC_CLK_TCK")


class Database:
    """A database of so many users, and the daemon that works on it now."""

    def __init__(self, server: EmbeddedPostgres, folder: Path, name: str, users: int) -> None:
        self.users = users
        self.name = name
        self._server = server
        self._folder = folder
        self._child: subprocess.Popen[str] | None = None

    @contextmanager
    def daemon(self, **settings: str) -> Generator[None]:
        """Have a daemon with these settings until the end of the block."""
        command = [sys.executable, "-m", "bench.worker"]
        child = subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True)
        try:
            self._child = child
            start = {"url": self._server.url(self.name), "folder": str(self._folder)}
            self._tell({**start, "settings": settings})
            yield
        except BaseException:
            child.terminate()  # its job would go on for minutes, and nobody waits for it any more
            raise
        finally:
            self._child = None
            assert child.stdin is not None
            with suppress(BrokenPipeError):
                child.stdin.close()
            child.wait()
            assert child.stdout is not None
            child.stdout.close()

    def _tell(self, value: object) -> None:
        assert self._child is not None
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps(value) + "\n")
        self._child.stdin.flush()

    async def do(self, job: str, **more: object) -> dict[str, float]:
        """Have the daemon do one job; what it found."""
        self._tell({"job": job, "users": self.users, **more})
        assert self._child is not None
        assert self._child.stdout is not None
        line = await trio.to_thread.run_sync(self._child.stdout.readline, abandon_on_cancel=True)
        found: dict[str, float] = json.loads(line)
        return found

    async def credit(self, load: str, prefix: str, count: int) -> dict[str, float]:
        """One slice of a load; the ledger must have grown by exactly what was sent."""
        before, cpu_s = await self._grown(), _sessions_cpu_s(self.name)
        found = await self.do("credits", load=load, prefix=prefix, count=count)
        found["database_cpu_s"] = _sessions_cpu_s(self.name) - cpu_s
        after = await self._grown()
        grown = (after[0] - before[0], after[1] - before[1])
        assert grown == (count, sum(map(points_of, range(count)))), f"{self.name} grew by {grown}"
        found["wal_bytes"] = after[2] - before[2]
        return found

    async def _grown(self) -> list[int]:
        found: list[int] = json.loads(await self._server.run_sql(GROWN_SQL, self.name))
        return found

    async def make(self) -> None:
        """The database, and who is in it."""
        await self._server.create_database(self.name)
        await self.populate()

    async def populate(self) -> None:
        """Who is in it, known to the planner as autovacuum would make it known."""
        with self.daemon(COMPTOIR_STORAGE__BATCH_DECISIONS_MAX="1024"):
            found = await self.do("populate")
        await self._server.run_sql("vacuum (analyze);", self.name)
        size = await self._server.run_sql(
            "select pg_size_pretty(pg_database_size(current_database()));", self.name
        )
        print(
            f"  {self.users:,} wallets made in {found['seconds']:.0f} s: {size.strip()}", flush=True
        )

    async def check(self) -> None:
        """The whole ledger, once more, by SQL of its own."""
        ledger = await audit(self._server, self.name)
        assert (ledger.faults, ledger.due) == ({}, 0), ledger


@dataclass(frozen=True)
class Turns:
    """A load, and how much of it."""

    load: str
    settings: Mapping[str, str]
    """Of the daemons, as environment."""
    rounds: int
    count: int
    """Credits of a slice."""


async def take_turns(databases: Sequence[Database], turns: Turns) -> list[list[dict[str, float]]]:
    """One load on all databases, a slice each, round after round; the slices of each.

    A machine's speed drifts, so only neighbours in time are compared, and the order turns.
    """
    found: list[list[dict[str, float]]] = [[] for _ in databases]
    run = f"{turns.load}-{time.time_ns()}"
    with ExitStack() as stack:
        for one in databases:
            stack.enter_context(one.daemon(**turns.settings))
            await one.do("warm", load=turns.load, prefix=f"{run}-warm-")
        for number in range(turns.rounds):
            order = list(zip(databases, found, strict=True))
            for one, mine in order if number % 2 else reversed(order):
                mine.append(await one.credit(turns.load, f"{run}-{number}-", turns.count))
    return found


def ratio(few: Sequence[dict[str, float]], many: Sequence[dict[str, float]]) -> float:
    """The rate of the second by that of the first: the median of the rounds' own ratios."""
    pairs = zip(few, many, strict=True)
    return statistics.median(first["seconds"] / second["seconds"] for first, second in pairs)
