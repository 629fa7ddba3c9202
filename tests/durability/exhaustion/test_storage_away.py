"""The database refuses every connection, or its disk is full, while a bank sends.

Rule: 503 with Retry-After, at once and never 500; health says so and the daemon lives; when storage
is back the daemon takes webhooks again within five seconds by itself, with nothing lost or doubled.
Source: issue 3, deliver, 7; design.md 7 (while PostgreSQL is away); interface.md 1, 5.
"""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trio

from comptoir.engine.testing import Answered
from comptoir.storage.embedded import EmbeddedPostgres
from comptoir.storage.embedded_testing import AS_ROOT
from comptoir.storage.errors import StorageError

SIZE_MIB = 224
"""Room for a new cluster (about 60 MiB with its log), some segments of log, and the journal."""
SWITCHES_MAX = 14
"""Segments of 16 MiB: more than fit, so that writing the log itself fails."""
OUTAGE_SECONDS = 60.0
"""A minute (issue 3, deliver 7)."""
PAUSE_SECONDS = 0.5
"""Between two looks at a daemon whose database is away."""
NOTICED_SECONDS_MAX = 5.0
QUICK_SECONDS_MAX = 2.0
"""For a refusal, on a busy machine: it waits for nothing."""
GROWN_KIB_MAX = 32 * 1024
FULL_SECONDS = 5.0
"""Long enough for several attempts to start the server in vain."""
PROXY = Path(__file__).with_name("proxy.py")
IMPATIENT = {"COMPTOIR_ENGINE__ASK_TIMEOUT_S": "0.5"}
PORTS = range(30_000, 32_000)
"""Below those that the kernel gives to whoever asks for any."""

Town = Any
"""tests/durability/exhaustion/conftest.py."""
Refused = Callable[[Answered], str]


class Proxy:
    """The way to the database."""

    def __init__(self, target: Path) -> None:
        self.port = secrets.choice(PORTS)
        self._child = subprocess.Popen(
            [sys.executable, str(PROXY), str(self.port), str(target)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._heard("accept")

    def tell(self, what: str) -> None:
        """`refuse` or `accept`; returns when it does."""
        assert self._child.stdin is not None
        self._child.stdin.write(f"{what}\n")
        self._child.stdin.flush()
        self._heard(what)

    def _heard(self, what: str) -> None:
        assert self._child.stdout is not None
        assert self._child.stdout.readline().strip() == what

    def end(self) -> None:
        """End the program."""
        self._child.communicate("")


@pytest.fixture
async def proxied(
    postgres: EmbeddedPostgres, build_town: Callable[..., Town], disk_folder: Path
) -> "tuple[Town, Proxy]":
    """Give a town whose daemon reaches its database through a proxy."""
    await postgres.create_database("town")
    folder = postgres.url("town").rpartition("host=")[2]
    proxy = Proxy(Path(folder) / ".s.PGSQL.5432")
    url = f"postgresql://comptoir@127.0.0.1:{proxy.port}/town?sslmode=disable"
    return build_town(postgres, "town", url, disk_folder, **IMPATIENT), proxy


async def live_through_an_outage(town: Town, proxy: Proxy, refused: Refused) -> str:
    """Refuse every connection to the database for a minute; what is worth telling of it."""
    town.open()
    await town.until_acknowledged()
    user = town.world["connections"][0][1]
    proxy.tell("refuse")
    noticed = await town.until_outcome("503", NOTICED_SECONDS_MAX)
    began, before = time.monotonic(), town.kib("VmRSS")
    slowest, asked = 0.0, 0
    while time.monotonic() - began < OUTAGE_SECONDS:
        for path in ("/health/ready", f"/api/v1/wallets/{user}"):
            answer, spent = town.ask(path)
            slowest, asked = max(slowest, spent), asked + 1
            if path == "/health/ready":
                assert answer.status == 503, answer
                assert answer.json()["status"] == "degraded"
                assert answer.json()["checks"]["storage"] != "ok"
            else:
                assert refused(answer) == "STORAGE_UNAVAILABLE"
        answer, spent = town.ask("/health/live")
        assert answer.status == 200
        slowest = max(slowest, spent)
        await trio.sleep(PAUSE_SECONDS)
    heard = town.news()
    grown = town.kib("VmRSS") - before
    proxy.tell("accept")
    back = await town.until_acknowledged()
    ready = await town.until_ready()
    counts = await town.settle()
    assert slowest < QUICK_SECONDS_MAX
    assert grown < GROWN_KIB_MAX
    # What was already decided when the database left is acknowledged when it is back, or lost to
    # its caller; everything else is refused. `left` is the bank's own doing.
    assert set(heard) <= {"503 STORAGE_UNAVAILABLE", "503 OVERLOADED", "left"}
    return (
        f"connection refused for {OUTAGE_SECONDS:g} s: first 503 after {noticed:.2f} s, {len(heard)} webhooks "
        f"and {asked} reads answered meanwhile, the slowest in {slowest:.2f} s, {grown} KiB more; "
        f"taken again after {back:.2f} s, ready after {ready:.2f} s; {counts}"
    )


async def test_connection_refused_for_a_minute(
    proxied: tuple[Town, Proxy], refused: Refused, tell: Callable[[str], None]
) -> None:
    """S43, X19: everything is refused quickly with 503, and taken within 5 s of the return."""
    try:
        tell(await live_through_an_outage(*proxied, refused))
    finally:
        proxied[1].end()


@pytest.fixture
def small_disk(disk_folder: Path) -> Iterator[Path]:
    """Give a file system of its own."""
    if not AS_ROOT:
        pytest.skip("a small file system is mounted as root only")
    here = disk_folder / "small"
    here.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m,mode=711", "tmpfs", str(here)]
    done = subprocess.run(mount, check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"mount is not permitted here: {done.stderr.strip()}")
    yield here
    trio.run(EmbeddedPostgres(here / "data").destroy)  # where the test did not end it itself
    subprocess.run(["umount", "--lazy", str(here)], check=True)


def fill(ballast: Path) -> None:
    """Take all the room that is left on a file system."""
    with ballast.open("ab", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(size))


async def exhaust(postgres: EmbeddedPostgres, ballast: Path) -> None:
    """Take the room, and have the server need more for its log: it cannot go on, and ends."""
    for _ in range(SWITCHES_MAX):
        fill(ballast)
        try:
            await postgres.run_sql(
                "create table if not exists public.filler (x int); insert into public.filler "
                "values (1); select pg_switch_wal();"
            )
        except StorageError:
            return
    raise AssertionError("the disk was not full")


async def live_through_a_full_disk(town: Town, ballast: Path, refused: Refused) -> str:
    """Fill the disk, see the daemon refuse, free the disk; what is worth telling of it."""
    town.open()
    await town.until_acknowledged()
    server = town.postgres.status().pid
    await exhaust(town.postgres, ballast)
    noticed = await town.until_outcome("503", NOTICED_SECONDS_MAX)
    # As a long enough want of room does; it can only be started again when there is some.
    assert server is not None
    with contextlib.suppress(ProcessLookupError):  # it came to its end by itself, and is waited for
        os.kill(server, signal.SIGQUIT)
    began = time.monotonic()
    while time.monotonic() - began < FULL_SECONDS:
        fill(ballast)  # a server that ends gives room back
        assert town.daemon.get("/health/live").status == 200
        answer = town.daemon.get("/health/ready")
        assert refused_health(answer), answer
        await trio.sleep(0.05)
    assert {outcome.partition(" ")[0] for outcome in town.news()} <= {"503", "left"}
    assert town.daemon.running, town.daemon.said()
    ballast.unlink()
    back = await town.until_acknowledged()
    ready = await town.until_ready()
    assert town.postgres.status().pid not in (server, None), "the server was never at its end"
    counts = await town.settle()
    return (
        f"first 503 after {noticed:.2f} s; freed: taken again after {back:.2f} s, ready after "
        f"{ready:.2f} s; {counts}"
    )


def refused_health(answer: Answered) -> bool:
    """Whether health says that storage is away."""
    return answer.status == 503 and answer.json()["checks"]["storage"] != "ok"


async def test_a_full_disk_below_the_data_folder(
    small_disk: Path,
    build_town: Callable[..., Town],
    refused: Refused,
    tell: Callable[[str], None],
) -> None:
    """S43, X19: database, keys and the daemon's own log share a full disk; the embedded server, which
    ends, is started again by the daemon as soon as there is room.
    """
    data = small_disk / "data"
    town = build_town(
        EmbeddedPostgres(data),
        "comptoir",
        "",
        small_disk,
        COMPTOIR_STORAGE__DATA_DIR=str(data),
        **IMPATIENT,
    )
    told = await live_through_a_full_disk(town, small_disk / "ballast", refused)
    tell(f"full disk below the data folder: {told}")


async def test_a_full_disk_below_the_database_alone(
    small_disk: Path,
    disk_folder: Path,
    build_town: Callable[..., Town],
    refused: Refused,
    tell: Callable[[str], None],
) -> None:
    """S43, X19: a database of somebody else's, whose own watcher starts it again."""
    postgres = EmbeddedPostgres(small_disk / "data")
    await postgres.start()
    await postgres.create_database("town")
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(postgres.watch)
            town = build_town(postgres, "town", postgres.url("town"), disk_folder, **IMPATIENT)
            told = await live_through_a_full_disk(town, small_disk / "ballast", refused)
            nursery.cancel_scope.cancel()
    finally:
        await postgres.destroy()
    tell(f"full disk below the database alone: {told}")
