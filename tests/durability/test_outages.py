"""Storage that refuses to write for a while: a full disk, a database that became read-only.

Rule: the daemon says 503, keeps what it has, loses and doubles nothing, and goes on by itself when
storage does; whoever sent again meanwhile is told that it was a duplicate.
Source: issue 2, "Must show", "Bad input"; design.md 7 ("While PostgreSQL is away").
"""

import contextlib
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trio

from comptoir.engine.testing import Answered, Process
from comptoir.storage.bridge import Target, open_bridge
from comptoir.storage.embedded import EmbeddedPostgres
from comptoir.storage.embedded_testing import AS_ROOT
from comptoir.storage.ledger_testing import audit, wallets

Life = Callable[..., Process]

SIZE_MIB = 160
"""Room for a new cluster (about 60 MiB with its log) and for a batch of anything."""
CENTS = 1_000
POINTS = 100
WEBHOOKS_MAX = 3_000
"""Some tables must grow within so many, whatever room was left in their last pages."""
BACK_SECONDS_MAX = 20.0
IMPATIENT = {"COMPTOIR_ENGINE__ASK_TIMEOUT_S": "0.5"}
"""The first webhook of an outage waits for its answer; the others are refused at once."""


@pytest.fixture
def small_disk(disk_folder: Path) -> Iterator[Path]:
    """Give a file system of its own of a few MiB."""
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


def purchase(number: int) -> bytes:
    """A purchase worth `POINTS`."""
    data = {
        "transaction_id": f"t{number}",
        "connection_id": "cn-1",
        "account_id": "a",
        "amount": CENTS / 100,
        "currency": "EUR",
        "direction": "DEBIT",
        "date": "2026-11-20",
        "merchant": {"name": "MAISON ESSAI"},
    }
    return json.dumps({"event": "transaction.created", "data": data}).encode()


def furnish(daemon: Process) -> None:
    """One partner, one connection."""
    assert daemon.load("partners", "id,name,rate_bp\np,Maison Essai,1000\n").status == 200
    assert daemon.load("connections", "connection_id,user_id\ncn-1,u1\n").status == 200


def fill(ballast: Path) -> None:
    """Take all the room that is left on a file system."""
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(size))


def refused(answer: Answered) -> bool:
    """Whether storage was the reason, said as interface.md 1 demands."""
    if answer.status != 503:
        assert answer.status == 202, answer
        return False
    assert answer.json()["code"] in {"STORAGE_UNAVAILABLE", "OVERLOADED"}
    headers = {name.lower(): value for name, value in answer.headers.items()}
    assert int(headers["retry-after"]) > 0
    return True


async def until_taken(daemon: Process, number: int) -> int:
    """Send one webhook again until it is acknowledged; the status."""
    until = time.monotonic() + BACK_SECONDS_MAX
    while time.monotonic() < until:
        answer = daemon.webhook(purchase(number))
        if answer.status in (200, 202):
            return answer.status
        assert answer.status == 503, answer
        await trio.sleep(0.05)
    raise AssertionError(f"it does not come back: {daemon.said()}")


async def check(daemon: Process, postgres: EmbeddedPostgres, database: str, count: int) -> None:
    """All of so many purchases are credited once, and the daemon is well."""
    assert daemon.post("/dev/v1/quiesce", {"timeoutSeconds": 20}).status == 200
    ledger = await audit(postgres, database)
    assert (ledger.faults, ledger.due) == ({}, 0)
    assert await wallets(postgres, database) == {"u1": (count * POINTS, 0, 0, 0)}
    assert daemon.get("/health/ready").status == 200
    assert daemon.stop() == 0


async def test_a_full_disk_refuses_and_goes_on(small_disk: Path, new_life: Life) -> None:
    """Issue 2, full disk: 503 while there is no room, then on without loss or doubling."""
    data = small_disk / "data"
    daemon = new_life("", small_disk, COMPTOIR_STORAGE__DATA_DIR=str(data), **IMPATIENT)
    daemon.log = small_disk.parent / "stderr.log"
    daemon.start()
    furnish(daemon)
    assert daemon.webhook(purchase(0)).status == 202
    ballast = small_disk / "ballast"
    fill(ballast)
    number = next((n for n in range(1, WEBHOOKS_MAX) if refused(daemon.webhook(purchase(n)))), None)
    assert number is not None, "the disk was not full"
    assert refused(daemon.webhook(purchase(number + 1))), "at once, and again"
    assert daemon.get("/health/ready").status == 503
    assert daemon.get("/health/live").status == 200
    ballast.unlink()
    for late in (number, number + 1):
        await until_taken(daemon, late)
    await check(daemon, EmbeddedPostgres(data), "comptoir", number + 2)


async def test_a_database_that_became_read_only_refuses_and_goes_on(
    comptoir_postgres_server: EmbeddedPostgres,
    comptoir_postgres: str,
    new_life: Life,
    disk_folder: Path,
) -> None:
    """Issue 2, read-only database: as after a failover to a replica, 503 until it takes writes. What was
    decided before is kept: its batch is on its way, behind a lock of ours, when the database becomes read-only.

    (A webhook that comes later may find the daemon informed, by whatever else it writes: then it is refused
    at the door, kept by nobody, and new when it comes again.)
    """
    database = comptoir_postgres.partition("?")[0].rpartition("/")[2]
    server = comptoir_postgres_server

    async def read_only(value: str, but: int = 0) -> None:
        """Change it for new sessions, and end the old ones but one."""
        await server.run_sql(
            f"alter database {database} set default_transaction_read_only = {value};"
            "select pg_terminate_backend(pid) from pg_stat_activity "
            f"where datname = '{database}' and pid <> {but};"
        )

    daemon = new_life(comptoir_postgres, disk_folder, **IMPATIENT).start()
    furnish(daemon)
    assert daemon.webhook(purchase(0)).status == 202
    async with open_bridge() as bridge:
        holder = await bridge.connect(Target(comptoir_postgres))
        [(pid,)] = await holder.fetch("select pg_backend_pid()")
        await holder.run_script("begin; select from comptoir.writer for update")
        assert refused(daemon.webhook(purchase(1))), "decided, and not durable yet"
        await read_only("on", but=pid)
    assert refused(daemon.webhook(purchase(2)))
    assert daemon.get("/health/ready").status == 503
    assert daemon.get("/api/v1/wallets/u1").status in (200, 503)
    await read_only("off")
    assert await until_taken(daemon, 1) == 200, "it was kept, and committed when that was possible"
    await until_taken(daemon, 2)
    await check(daemon, server, database, 3)
