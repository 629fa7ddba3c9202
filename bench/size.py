"""What size costs: 1,000 wallets in a database beside 200,000 (aim: the same within 10 %).

Three loads of the same credits, each on both databases in turn, a slice each, so that what
the machine does besides falls on both:

- `hot`: a random thousand of the wallets, which stay in memory;
- `cold`: any wallet at all, and a daemon that may keep few, so that nearly each credit wakes a
  connection and a wallet up and sends two others to sleep, at either size;
- `uniform`: any wallet at all, with the bounds that the daemon has by itself. Here the sizes differ
  in kind: a thousand wallets stay in memory, 200,000 do not.

Then the comings and goings of actors alone: how many a second are woken up, are pushed out by
others, and leave when idle, what one costs in memory, and how long the loop was held.

Rule: after every slice the ledger must have grown by exactly what was sent, in entries and points.

    BENCH_USERS=200000 BENCH_COUNT=2000 BENCH_ROUNDS=9 BENCH_JSON=size.json make bench ARGS=size
"""

import gc
import json
import logging
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from subprocess import PIPE
from typing import Any

import structlog
import trio

from bench.ask import report
from bench.populate import disk_folder, points_of, populate, settings_for
from comptoir.actors.connection.messages import KIND, LinkConnection
from comptoir.engine import Address
from comptoir.engine.boot import Daemon
from comptoir.engine.hosting import HostStatistics
from comptoir.storage.embedded import EmbeddedPostgres
from comptoir.storage.ledger_testing import audit

__all__ = ["main"]

FEW = 1_000
HOT = 1_000
TASKS = 64
RESIDENT = "COMPTOIR_ENGINE__RESIDENT_ACTORS_MAX"
LOADS: dict[str, dict[str, str]] = {"hot": {}, "cold": {RESIDENT: "200"}, "uniform": {}}
TURNOVER = 20_000
"""Actors woken up and sent to sleep: as many as a daemon keeps of a kind by itself."""
GROWN_SQL = """select json_build_array(count(*), coalesce(sum(points), 0),
    pg_current_wal_lsn() - '0/0'::pg_lsn) from report.entry;"""
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


# The child: one daemon, one round, on one database.


async def _pour(daemon: Daemon, users: list[int], prefix: str) -> None:
    """One purchase of each user named, from many tasks; returns when the last is credited."""
    numbers = iter(range(len(users)))

    async def ask_on() -> None:
        for number in numbers:
            address = Address(KIND, daemon.blind("seed", f"c{users[number]}"))
            await daemon.ask(address, report(number, prefix))

    async with trio.open_nursery() as nursery:
        for _ in range(TASKS):
            nursery.start_soon(ask_on)
    assert await daemon.quiesce(120)


async def _credit_slice(daemon: Daemon, job: dict[str, Any]) -> dict[str, float]:
    """So many purchases of the crowd, timed."""
    chance, crowd = random.Random(job["prefix"]), _crowd(job)
    woken, cpu, began = _activations(daemon), time.process_time(), time.perf_counter()
    await _pour(daemon, chance.choices(crowd, k=job["count"]), job["prefix"])
    return {
        "seconds": time.perf_counter() - began,
        "cpu_s": time.process_time() - cpu,
        "woken": _activations(daemon) - woken,
    }


async def _warm(daemon: Daemon, job: dict[str, Any]) -> dict[str, float]:
    """A purchase of each of a thousand, so that what can be in memory is."""
    await _pour(daemon, random.Random(1).sample(_crowd(job), HOT), job["prefix"])
    return {}


def _crowd(job: dict[str, Any]) -> Sequence[int]:
    everybody = range(job["users"])
    return random.Random(2).sample(everybody, HOT) if job["load"] == "hot" else everybody


def _activations(daemon: Daemon) -> int:
    return sum(host.activations_total for host in _hosts(daemon))


def _hosts(daemon: Daemon) -> tuple[HostStatistics, ...]:
    assert daemon.engine is not None
    return daemon.engine.statistics().hosts


async def _turnover(daemon: Daemon, job: dict[str, Any]) -> dict[str, float]:
    """Wake connections up by asking for what is so already, which writes nothing."""
    lag = _Lag()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lag.watch)
        memory = _resident_bytes()
        crowd = random.Random(job["prefix"]).sample(range(job["users"]), 2 * job["count"])
        woken = await _wake(daemon, crowd[: job["count"]])
        gc.collect()
        assert _resident(daemon) == job["count"], "some fell asleep again before the last woke up"
        each = (_resident_bytes() - memory) / job["count"]
        pushed = await _wake(daemon, crowd[job["count"] :])
        lag.worst_s = 0.0
        began = time.perf_counter()
        while _resident(daemon):  # noqa: ASYNC110  # nobody is told when an actor leaves
            await trio.sleep(0.1)
        asleep, held_s = time.perf_counter(), lag.worst_s
        gc.collect()
        kept = (_resident_bytes() - memory) / job["count"]
        await _wake(daemon, crowd[: job["count"]])
        again = (_resident_bytes() - memory) / job["count"]
        nursery.cancel_scope.cancel()
    return {
        "woken_per_s": woken,
        "pushed_out_per_s": pushed,
        "bytes_each": each,
        "bytes_each_left_behind": kept,
        "bytes_each_again": again,
        "seconds_to_sleep": asleep - began,
        "loop_held_ms": held_s * 1000,
    }


async def _wake(daemon: Daemon, users: list[int]) -> float:
    """Ask each of these connections something; how many a second."""
    waiting = iter(users)

    async def ask_on() -> None:
        for user in waiting:
            address = Address(KIND, daemon.blind("seed", f"c{user}"))
            await daemon.ask(address, LinkConnection(f"c{user}", f"user{user}"))

    began = time.perf_counter()
    async with trio.open_nursery() as nursery:
        for _ in range(TASKS):
            nursery.start_soon(ask_on)
    return len(users) / (time.perf_counter() - began)


class _Lag:
    """How long the loop was held, at worst."""

    def __init__(self) -> None:
        self.worst_s = 0.0

    async def watch(self) -> None:
        """Come back every ms, and see how late."""
        while True:
            due = trio.current_time() + 0.001
            await trio.sleep_until(due)
            self.worst_s = max(self.worst_s, trio.current_time() - due)


def _resident(daemon: Daemon) -> int:
    return sum(host.resident for host in _hosts(daemon) if host.kind == KIND)


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES


async def _populate(daemon: Daemon, job: dict[str, Any]) -> dict[str, float]:
    began = time.perf_counter()
    await populate(daemon, job["users"])
    return {"seconds": time.perf_counter() - began}


JOBS: dict[str, Callable[[Daemon, dict[str, Any]], Awaitable[dict[str, float]]]] = {
    "credits": _credit_slice,
    "warm": _warm,
    "turnover": _turnover,
    "populate": _populate,
}


async def _child(start: dict[str, Any]) -> None:
    """A daemon that does one job after the other, told and answered as lines of JSON."""
    settings = settings_for(start["url"], Path(start["folder"]), **start["settings"])
    async with Daemon(settings).open(listen=False) as daemon:
        # Two such daemons take turns; what one owes to its own past must not fall to the other.
        async for line in trio.wrap_file(sys.stdin):
            job = json.loads(line)
            found = await JOBS[job["job"]](daemon, job)
            sys.stdout.write(json.dumps(found) + "\n")
            sys.stdout.flush()


# The parent: the server, the two databases, the turns, the sums.


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


class _Side:
    """One of the two databases, and the daemon that works on it now."""

    def __init__(self, server: EmbeddedPostgres, folder: Path, users: int) -> None:
        self.users = users
        self.name = f"wallets_{users}"
        self._server = server
        self._folder = folder
        self._child: subprocess.Popen[str] | None = None

    @contextmanager
    def daemon(self, **settings: str) -> Generator[None]:
        """Have a daemon with these settings until the end of the block."""
        command = [sys.executable, "-m", "bench.size"]
        child = subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True)
        try:
            self._child = child
            start = {"url": self._server.url(self.name), "folder": str(self._folder)}
            self._tell({**start, "settings": settings})
            yield
        finally:
            self._child = None
            child.communicate()

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
        line = await trio.to_thread.run_sync(self._child.stdout.readline)
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
        """The database and what is in it, known to the planner as autovacuum would make it known."""
        await self._server.create_database(self.name)
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


async def compare(sides: list[_Side], load: str, rounds: int, count: int) -> dict[str, Any]:
    """One load on both databases in turn, a slice each; the ratio is of neighbours in time."""
    found: list[list[dict[str, float]]] = [[] for _ in sides]
    run = f"{load}-{time.time_ns()}"
    with ExitStack() as stack:
        for side in sides:
            stack.enter_context(side.daemon(**LOADS[load]))
            await side.do("warm", load=load, prefix=f"{run}-warm-")
        for number in range(rounds):
            order = list(zip(sides, found, strict=True))
            for side, mine in order if number % 2 else reversed(order):
                mine.append(await side.credit(load, f"{run}-{number}-", count))
    ratio = statistics.median(
        few["seconds"] / many["seconds"] for few, many in zip(*found, strict=True)
    )
    figures: dict[str, Any] = {"ratio": ratio}
    for side, mine in zip(sides, found, strict=True):
        median = {
            "credits_per_s": count / statistics.median(one["seconds"] for one in mine),
            "cpu_us": statistics.median(one["cpu_s"] for one in mine) / count * 1e6,
            "database_cpu_us": statistics.median(one["database_cpu_s"] for one in mine)
            / count
            * 1e6,
            "woken": statistics.fmean(one["woken"] for one in mine) / count,
            "wal_bytes": statistics.fmean(one["wal_bytes"] for one in mine) / count,
        }
        figures[str(side.users)] = median
        print(
            f"  {load:>8}, {side.users:>7,} wallets: {median['credits_per_s']:6,.0f} credits/s; each "
            f"{median['cpu_us']:.0f} us of the daemon's CPU, "
            f"{median['database_cpu_us']:.0f} us of the database's, {median['woken']:.2f} actors woken up, "
            f"{median['wal_bytes'] / 1024:.1f} KiB of log"
        )
    print(f"{load}: {ratio:.2f} of the small database's rate (aim 0.90 or more)", flush=True)
    return figures


async def turnover(side: _Side) -> dict[str, float]:
    """The comings and goings of actors alone."""
    actors = min(TURNOVER, side.users // 2)
    bounds = {RESIDENT: str(actors), "COMPTOIR_ENGINE__IDLE_S": "15"}
    with side.daemon(**bounds):
        found = await side.do("turnover", prefix="turnover", count=actors)
    print(
        f"{actors:,} actors: {found['woken_per_s']:,.0f} woken up a second, "
        f"{found['pushed_out_per_s']:,.0f} where each pushes another out; "
        f"{found['bytes_each']:,.0f} bytes each while idle (aim <= 8,192), "
        f"{found['bytes_each_left_behind']:,.0f} when gone (the allocator's), "
        f"{found['bytes_each_again']:,.0f} when there again; all asleep after "
        f"{found['seconds_to_sleep']:.1f} s (idle_s 15), the loop held for "
        f"{found['loop_held_ms']:.1f} ms at most"
    )
    return found


async def _measure() -> dict[str, Any]:
    many = int(os.environ.get("BENCH_USERS", "200000"))
    count = int(os.environ.get("BENCH_COUNT", "2000"))
    rounds = int(os.environ.get("BENCH_ROUNDS", "9"))
    with disk_folder() as folder:
        server = EmbeddedPostgres(folder)
        await server.start()
        try:
            sides = [_Side(server, folder, users) for users in (FEW, many)]
            for side in sides:
                await side.make()
            figures = {load: await compare(sides, load, rounds, count) for load in LOADS}
            figures["turnover"] = await turnover(sides[1])
            for side in sides:
                await side.check()
        finally:
            with trio.CancelScope(shield=True):
                await server.destroy()
    return figures


def main() -> None:
    """Print the figures; BENCH_JSON names a file for them."""
    figures = trio.run(_measure)
    if target := os.environ.get("BENCH_JSON"):
        Path(target).write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    # Standard output is for answers, and for nothing that a daemon has to say besides.
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    trio.run(_child, json.loads(sys.stdin.readline()))
