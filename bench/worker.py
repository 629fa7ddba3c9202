"""One daemon inside a process of its own, that does one job after the other, told as lines of JSON.

Two such daemons take turns on two databases (bench/databases.py). They are processes of their own so
that what one owes to its past, in memory or in rubbish to collect, does not fall to the other.
"""

import gc
import json
import logging
import os
import random
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import structlog
import trio

from bench.ask import report
from bench.populate import populate, settings_for
from comptoir.actors.connection.messages import KIND, LinkConnection
from comptoir.engine import Address
from comptoir.engine.boot import Daemon
from comptoir.engine.hosting import HostStatistics

__all__ = ["HOT"]

HOT = 1_000
TASKS = 64
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


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


if __name__ == "__main__":
    # Standard output is for answers, and for nothing that a daemon has to say besides.
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    trio.run(_child, json.loads(sys.stdin.readline()))
