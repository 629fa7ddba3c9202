"""How a daemon ends: signals at every part of its life, and cancellation of an embedded one.

Rule: exit status and one line as interface.md 2 says, never a traceback; the embedded PostgreSQL is
stopped or can be adopted; what was acknowledged is there at the next start.
Source: issue 3, deliver 6; interface.md 2; spec.md S71, X19.
"""

import json
import os
import random
import re
import secrets
import signal
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import trio

from comptoir.actors.connection.messages import LinkConnection
from comptoir.engine.engine import Engine
from comptoir.engine.settings import Settings
from comptoir.engine.testing import Process
from comptoir.engine.values import Address
from comptoir.storage.embedded import EmbeddedPostgres
from comptoir.storage.embedded_testing import processes_below
from comptoir.storage.ledger_testing import audit, wallets

Life = Callable[..., Process]

STOP_SECONDS_MAX = 10
SIGNALS = (signal.SIGTERM, signal.SIGINT)
LINE = re.compile(r"^comptoir: ([A-Z][A-Z0-9_]+): ", re.MULTILINE)
UNHANDLED = {-signal.SIGTERM, -signal.SIGINT, 130}
"""A signal that comes while Python is still importing finds nobody to handle it: no work was taken."""


def first_seed() -> int:
    """The seed that was asked for, or a fresh one."""
    return int(os.environ.get("TESTS_SEED") or secrets.randbelow(1_000_000))


def ends_cleanly(daemon: Process, statuses: set[int]) -> int:
    """Hold an end to its status, its words and its time; the status."""
    status = daemon.ended(STOP_SECONDS_MAX)
    said = daemon.log.read_text(errors="replace")
    assert status in statuses, said[-2000:]
    assert "Traceback" not in said, said[-2000:]
    assert not LINE.findall(said), said[-2000:]
    return status


def furnish(daemon: Process) -> None:
    """One partner, one connection."""
    assert daemon.load("partners", "id,name,rate_bp\np,Maison Essai,1000\n").status == 200
    assert daemon.load("connections", "connection_id,user_id\ncn-1,u1\n").status == 200


def pay(daemon: Process, number: int) -> bool:
    """One purchase of 10 euros, worth 100 points; whether it was acknowledged."""
    data = {
        "transaction_id": f"t{number}",
        "connection_id": "cn-1",
        "account_id": "a",
        "amount": 10.0,
        "currency": "EUR",
        "direction": "DEBIT",
        "date": "2026-11-20",
        "merchant": {"name": "MAISON ESSAI"},
    }
    body = json.dumps({"event": "transaction.created", "data": data})
    try:
        return daemon.webhook(body.encode()).status in (200, 202)
    except OSError:
        return False


async def test_signals_during_a_start_with_an_embedded_database(
    new_life: Life, disk_folder: Path, tell: Callable[[str], None]
) -> None:
    """Once or twice, at any moment of a start: the daemon ends cleanly, and the next start serves."""
    seed = first_seed()
    tell(f"TESTS_SEED={seed} replays the moments of the signals during a start")
    rng = random.Random(seed)
    data = disk_folder / "data"
    ends: list[int] = []
    for turn in range(4):
        daemon = new_life("", disk_folder, COMPTOIR_STORAGE__DATA_DIR=str(data))
        daemon.log.unlink(missing_ok=True)
        number = SIGNALS[turn % 2]
        daemon.spawn()
        await trio.sleep(rng.uniform(0.3, 3.0))  # a moment of chance, not a condition
        daemon.send_signal(number)
        twice = turn >= 2
        if twice:
            await trio.sleep(rng.uniform(0, 0.1))
            if daemon.running:
                daemon.send_signal(number)
        ends.append(ends_cleanly(daemon, {0, *UNHANDLED}))
    daemon = new_life("", disk_folder, COMPTOIR_STORAGE__DATA_DIR=str(data)).start()
    furnish(daemon)
    assert pay(daemon, 1)
    assert daemon.stop() == 0
    assert not processes_below(data), "the embedded PostgreSQL is stopped with its daemon"
    tell(f"four signals during a start ended with {ends}")


@pytest.mark.parametrize("number", SIGNALS[1:])
async def test_a_standby_ends_at_a_signal(
    comptoir_postgres: str, new_life: Life, disk_folder: Path, number: int
) -> None:
    """A standby has taken nothing: exit 0, and the active one goes on."""
    active = new_life(comptoir_postgres, disk_folder).start()
    furnish(active)
    standby = new_life(comptoir_postgres, disk_folder)
    standby.log = disk_folder / "standby.log"
    standby.spawn()
    with trio.fail_after(30):
        while not is_standby(standby):  # noqa: ASYNC110 - another program: nothing here sets an event
            await trio.sleep(0.05)
    standby.send_signal(number)
    ends_cleanly(standby, {0})
    assert pay(active, 1)
    assert active.get("/health/ready").status == 200
    assert active.stop() == 0


def is_standby(daemon: Process) -> bool:
    """Whether it says so."""
    try:
        return bool(daemon.get("/health/ready").json()["status"] == "standby")
    except OSError:
        return False


@pytest.mark.parametrize("number", SIGNALS[:1])
async def test_signals_under_load_lose_nothing(
    comptoir_postgres: str,
    comptoir_postgres_server: EmbeddedPostgres,
    new_life: Life,
    disk_folder: Path,
    number: int,
) -> None:
    """Served, then told to stop once, then (the next life) twice: what was acknowledged is credited."""
    database = comptoir_postgres.partition("?")[0].rpartition("/")[2]
    sent = acknowledged = 0
    for twice in (False, True):
        daemon = new_life(comptoir_postgres, disk_folder).start()
        furnish(daemon)
        async with trio.open_nursery() as nursery:
            enough = trio.Event()

            async def pour(daemon: Process, enough: trio.Event) -> None:
                nonlocal sent, acknowledged
                while daemon.running:
                    sent += 1
                    if not await trio.to_thread.run_sync(pay, daemon, sent):
                        return
                    acknowledged += 1
                    if acknowledged % 30 == 29:
                        enough.set()

            for _ in range(4):
                nursery.start_soon(pour, daemon, enough)
            with trio.fail_after(30):
                await enough.wait()
            daemon.send_signal(number)
            if twice:
                daemon.send_signal(number)
            statuses = {0, -number} if twice else {0}
            await trio.to_thread.run_sync(ends_cleanly, daemon, statuses)
    last = new_life(comptoir_postgres, disk_folder).start()
    assert last.post("/dev/v1/quiesce", {"timeoutSeconds": 20}).status == 200
    ledger = await audit(comptoir_postgres_server, database)
    assert (ledger.faults, ledger.due) == ({}, 0)
    points = (await wallets(comptoir_postgres_server, database))["u1"][0]
    assert acknowledged * 100 <= points <= sent * 100
    assert last.stop() == 0


class Steps(trio.abc.Instrument):
    """Counts the steps of all tasks, and cancels a scope before the n-th."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.scope = trio.CancelScope()
        self.count = 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        """One more."""
        self.count += 1
        if self.count == self.limit:
            self.scope.cancel()


async def _live(settings: Settings, limit: int, acknowledged: list[str], name: str) -> int:
    """Open a daemon here, link three cards, close it; cancelled before the n-th step."""
    tasks = trio.lowlevel.current_statistics().tasks_living
    steps = Steps(limit)
    with trio.fail_after(30), trio.CancelScope() as scope:
        steps.scope = scope
        trio.lowlevel.add_instrument(steps)
        try:
            async with Engine.open(settings) as engine:
                for number in range(3):
                    label = f"{name}.{number}"
                    await engine.ask(Address("connection", label), LinkConnection(label, "u1"))
                    acknowledged.append(label)
        finally:
            trio.lowlevel.remove_instrument(steps)
    assert trio.lowlevel.current_statistics().tasks_living == tasks, f"at step {limit}"
    return steps.count


async def test_an_embedded_daemon_cancelled_at_any_step_ends_cleanly(
    comptoir_postgres: str, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    """Sockets, sessions and all: cancelled in its start, at work or in its stop, it leaves no task, no
    socket and nothing undone that it had acknowledged.
    """
    seed = first_seed()
    tell(f"TESTS_SEED={seed} replays the steps of the cancellations")
    rng = random.Random(seed)
    env = {
        "COMPTOIR_STORAGE__URL": comptoir_postgres,
        "COMPTOIR_STORAGE__DATA_DIR": str(tmp_path),
        "COMPTOIR_HTTP__PORT": "0",
        "COMPTOIR_INGEST__PORT": "0",
        "COMPTOIR_CLOCK__MODE": "manual",
    }
    settings = Settings.load(None, env)
    acknowledged: list[str] = []
    whole = await _live(settings, -1, acknowledged, "whole")
    began = time.monotonic()
    limits = [whole * n // 12 + rng.randint(1, whole // 12) for n in range(12)]
    for limit in limits:
        await _live(settings, limit, acknowledged, f"{limit}")
    tell(f"cancelled at {limits} of {whole} steps in {time.monotonic() - began:.1f} s")
    async with (
        Engine.open(settings) as engine,
        httpx.AsyncClient(base_url=engine.http_url or "") as client,
    ):
        assert (await client.get("/health/ready")).json()["status"] == "ready"
        for label in acknowledged:
            loaded = await engine.journal.load(Address("connection", label))
            assert loaded is not None, label
            assert loaded.version == 1


async def test_a_single_error_leaves_as_itself(comptoir_postgres: str, tmp_path: Path) -> None:
    """What the block around an embedded daemon raises reaches its caller as it was raised."""
    env = {"COMPTOIR_STORAGE__URL": comptoir_postgres, "COMPTOIR_STORAGE__DATA_DIR": str(tmp_path)}
    settings = Settings.load(
        None, {**env, "COMPTOIR_HTTP__PORT": "0", "COMPTOIR_INGEST__PORT": "0"}
    )
    for error in (KeyError("mine"), KeyboardInterrupt()):
        with pytest.raises(type(error)) as caught:
            async with Engine.open(settings):
                raise error
        assert caught.value is error
