"""What a long journal costs: an empty one beside one of 5 million events (50 million: SIZE=large).

Appends: credits a second on both, a slice each in turn. Recovery: from starting the program to its
ready line, after the daemon alone was killed under load, and after its PostgreSQL was, too. Aim: the
same for both.

The old events are written by COPY, spread over the year before; they are as large as real ones, and
random inside, because nobody reads them here, and they have their leaves. Each journal has a server of its own, so that the recovery of one is not the other's.

    BENCH_EVENTS=5000000 BENCH_ROUNDS=5 BENCH_COUNT=2000 make bench ARGS=history
"""

import hashlib
import os
import random
import shutil
import statistics
import struct
import sys
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import asyncpg
import trio
import uvloop

from bench.databases import Database, PatientPostgres, Turns, ratio, take_turns
from bench.populate import PARTNERS, SECRET, disk_folder, variables
from bench.results import write
from bench.sides import load
from comptoir.engine.testing import Process
from comptoir.storage._cluster import SUPERUSER

__all__ = ["Template", "copy_events", "main", "rows"]

NAME: Final = "journal"
USERS: Final = 1_000
EVENTS: Final = {"": 5_000_000, "large": 50_000_000}
BYTES_PER_EVENT: Final = 600
"""Measured: 350 with the index and the leaf; the rest is room for its log."""
BYTES_FREE_MIN: Final = 3 * 2**30
PAYLOAD_BYTES: Final = 221
"""Of a sealed `PointsCredited`, on average."""
YEAR_MS: Final = 365 * 86_400_000
EPOCH_2000_MS: Final = 946_684_800_000
"""Where PostgreSQL's binary timestamps begin."""
CHUNK: Final = 5_000
BATCH: Final = 100
"""Events of one row of leaves."""
LOAD_COUNT: Final = 1_000
SIGNATURE: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER: Final = struct.pack("!h", -1)


class Template:
    """What an event has beside its number and moment, as COPY's binary format has it."""

    def __init__(self, chance: random.Random, user: int) -> None:
        payload = chance.randbytes(PAYLOAD_BYTES)
        texts = (b"wallet", b"user%d" % user, b"PointsCredited", payload)
        self.event = b"".join(struct.pack("!i", len(text)) + text for text in texts)
        self.leaf = hashlib.sha256(b"\0" + payload).digest()


def rows(
    numbers: range, moments: tuple[int, int], templates: list[Template]
) -> tuple[bytes, bytes]:
    """Rows of `event` and of `leaf` with these numbers, in the binary format.

    Args:
        numbers: dense.
        moments: ms of business time of the first one, and microseconds between two.
        templates: taken in turn.
    """
    first_ms, step_us = moments
    began_us = (first_ms - EPOCH_2000_MS) * 1000
    pack, count = struct.Struct("!hiqiq").pack, len(templates)
    events = (
        pack(6, 8, n, 8, began_us + (n - numbers.start) * step_us) + templates[n % count].event
        for n in numbers
    )
    return b"".join(events), b"".join(_leaf_rows(numbers, templates))


def _leaf_rows(numbers: range, templates: list[Template]) -> Iterator[bytes]:
    """Rows of `leaf`: first number, and the hashes of so many events as a batch has."""
    head, count = struct.Struct("!hiqi").pack, len(templates)
    for first in range(numbers.start, numbers.stop, BATCH):
        batch = range(first, min(first + BATCH, numbers.stop))
        hashes = b"".join(templates[n % count].leaf for n in batch)
        yield head(2, 8, first, len(hashes)) + hashes


async def copy_events(url: str, events: int) -> None:
    """Write old events, make the writer go on after them, and say so to nobody else."""
    session = await asyncpg.connect(url)
    last = int(await session.fetchval("select event_number from comptoir.writer"))
    began_ms = time.time_ns() // 1_000_000 - YEAR_MS
    for month in range(0, 13, 3):
        await session.fetchval(
            "select comptoir.ensure_event_partitions($1)", began_ms + month * YEAR_MS // 12
        )
    chance = random.Random(1)
    templates = [Template(chance, user) for user in range(USERS)]
    step_us = YEAR_MS * 1000 // events
    targets = (
        ("event", ["number", "at", "kind", "key", "type", "payload"]),
        ("leaf", ["first", "hashes"]),
    )

    async def source(table: int) -> AsyncGenerator[bytes]:
        yield SIGNATURE
        for first in range(last + 1, last + events + 1, CHUNK):
            numbers = range(first, min(first + CHUNK, last + events + 1))
            at_ms = began_ms + (first - last - 1) * step_us // 1000
            yield rows(numbers, (at_ms, step_us), templates)[table]
        yield TRAILER

    for number, (table, columns) in enumerate(targets):
        await session.copy_to_table(
            table, schema_name="comptoir", columns=columns, source=source(number), format="binary"
        )
    await session.execute("update comptoir.writer set event_number = event_number + $1", events)
    await session.close()


class _Journal:
    """One server, one database, and how many old events lie in it."""

    def __init__(self, server: PatientPostgres, folder: Path, events: int) -> None:
        self.events = events
        self.database = Database(server, folder, NAME, USERS)
        self._server = server
        self._folder = folder
        self._loads = 0

    async def make(self) -> None:
        """Migrate, write the old events, then the users."""
        await self._server.create_database(NAME)
        with self.database.daemon():
            pass  # it migrates, and ends as nobody has a job for it
        if self.events:
            began = time.perf_counter()
            url = self._server.url(NAME, SUPERUSER)
            await trio.to_thread.run_sync(lambda: uvloop.run(copy_events(url, self.events)))
            print(f"  {self.events:,} events in {time.perf_counter() - began:.0f} s", flush=True)
        await self.database.populate()
        await self._server.run_sql("checkpoint;", NAME)

    def _program(self) -> Process:
        command = [str(Path(sys.executable).with_name("comptoir")), "serve"]
        kept = {k: v for k, v in os.environ.items() if not k.startswith("COMPTOIR_")}
        values = variables(self._server.url(NAME), self._folder, COMPTOIR_INGEST__PORT="0")
        return Process(command, {**kept, **values}, self._folder)

    async def recover(self) -> tuple[float, float]:
        """Seconds to ready after SIGKILL of the daemon, and after that of its server as well."""
        await trio.to_thread.run_sync(self._work_and_die)
        began = time.perf_counter()
        daemon = await trio.to_thread.run_sync(self._program().start)
        ready_s = time.perf_counter() - began
        daemon.kill()
        await trio.to_thread.run_sync(self._work_and_die)
        began = time.perf_counter()
        await self._server.restart_immediately()
        daemon = await trio.to_thread.run_sync(self._program().start)
        recovered_s = time.perf_counter() - began
        daemon.post("/dev/v1/quiesce", {"timeoutSeconds": 60})
        daemon.stop()
        return ready_s, recovered_s

    def _work_and_die(self) -> None:
        """Take webhooks, and be killed with what they left to do."""
        daemon = self._program().start()
        self._loads += 1
        load({
            "url": daemon.ready.get("ingest") or daemon.url, "secret": SECRET, "users": USERS,
            "partners": PARTNERS, "prefix": f"die{self._loads}-{time.time_ns()}-",
            "count": LOAD_COUNT, "connections": 32,
        })  # fmt: skip
        daemon.kill()


@asynccontextmanager
async def _open(folder: Path, events: int) -> AsyncGenerator[_Journal]:
    await trio.Path(folder).mkdir(mode=0o711)
    server = PatientPostgres(folder)
    await server.start()
    try:
        journal = _Journal(server, folder, events)
        await journal.make()
        yield journal
        await journal.database.check()
    finally:
        with trio.CancelScope(shield=True):
            await server.destroy()


async def _measure(events: int, rounds: int, count: int) -> dict[str, Any]:
    with disk_folder() as folder:
        wanted = events * BYTES_PER_EVENT + BYTES_FREE_MIN
        if (free := shutil.disk_usage(folder).free) < wanted:
            sys.exit(
                f"make bench: {events:,} events take {wanted / 2**30:.0f} GiB of disk in "
                f"{folder.parent}, where {free / 2**30:.0f} are free: choose fewer with BENCH_EVENTS"
            )
        async with AsyncExitStack() as stack:
            sides = [
                await stack.enter_async_context(_open(folder / name, size))
                for name, size in (("empty", 0), ("long", events))
            ]
            turns = Turns("hot", {}, rounds, count)
            slices = await take_turns([side.database for side in sides], turns)
            starts: list[list[tuple[float, float]]] = [[] for _ in sides]
            for number in range(rounds):
                order = list(zip(sides, starts, strict=True))
                for side, mine in order if number % 2 else reversed(order):
                    mine.append(await side.recover())
    return {
        "ratio": ratio(slices[0], slices[1]),
        "ready_ratio": _later(starts, 0),
        "recovered_ratio": _later(starts, 1),
        "sides": [
            {
                "events": side.events,
                "credits_per_s": count / statistics.median(one["seconds"] for one in mine),
                "ready_s": statistics.median(one[0] for one in times),
                "recovered_s": statistics.median(one[1] for one in times),
            }
            for side, mine, times in zip(sides, slices, starts, strict=True)
        ],
    }


def _later(starts: list[list[tuple[float, float]]], which: int) -> float:
    """How many times as long the long journal's start takes: the median of the rounds' ratios."""
    ratios: list[float] = [
        many[which] / few[which] for few, many in zip(starts[0], starts[1], strict=True)
    ]
    return statistics.median(ratios)


def main() -> None:
    """Print and keep the figures."""
    usual = EVENTS.get(os.environ.get("SIZE", ""), EVENTS[""])
    events = int(os.environ.get("BENCH_EVENTS", str(usual)))
    rounds = int(os.environ.get("BENCH_ROUNDS", "5"))
    count = int(os.environ.get("BENCH_COUNT", "2000"))
    figures = trio.run(_measure, events, rounds, count)
    for one in figures["sides"]:
        print(
            f"  {one['events']:>10,} events: {one['credits_per_s']:,.0f} credits/s, ready after "
            f"{one['ready_s']:.2f} s, {one['recovered_s']:.2f} s where PostgreSQL died as well"
        )
    print(
        f"the long journal: {figures['ratio']:.2f} of the empty one's rate (aim 1), "
        f"{figures['ready_ratio']:.2f} and {figures['recovered_ratio']:.2f} times its start (aim 1)"
    )
    write("history", figures)


if __name__ == "__main__":
    main()
