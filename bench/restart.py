"""A start with 100,000 messages pending: ready within 10 s (aim), and how long until all are handled.

The rows are what a daemon leaves that was killed under load: credits for wallets, purchases for
connections (each of which sends a credit on), timers that fell due meanwhile, and timers of the days
to come, which must stay. What is started is the program itself, `comptoir serve`, on a database of
20,000 users; while it works the backlog off, webhooks are sent, and each must be acknowledged.

Rule: at the end the ledger must hold exactly what the rows and the webhooks are worth.

    BENCH_USERS=20000 BENCH_ROWS=100000 BENCH_JSON=restart.json make bench ARGS=restart
"""

import json
import os
import random
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import trio

from bench.ask import report
from bench.populate import disk_folder, points_of, populate, settings_for, variables
from comptoir.actors.connection.messages import KIND
from comptoir.actors.wallet.messages import KIND as WALLET
from comptoir.actors.wallet.messages import Credit
from comptoir.engine import Address, Decision, Outgoing
from comptoir.engine.boot import Daemon
from comptoir.engine.gateway_spec import ENGINE
from comptoir.engine.journal import Decided, Fate, Run
from comptoir.engine.testing import Process
from comptoir.storage.embedded import EmbeddedPostgres
from comptoir.storage.ledger_testing import audit

__all__ = ["main"]

NAME = "backlog"
SEED = 20_251_124
PER_DECISION = 250
HOUR_MS = 3_600_000
SHARES = {"credit": 0.7, "purchase": 0.2, "timer": 0.1}
LATER = 0.1
"""Timers of days to come, beside the rows that are due."""
LEFT_SQL = """select count(*) from comptoir.message
    where class <> 'dead' and due_at <= extract(epoch from now()) * 1000;"""


def _outgoing(daemon: Daemon, kind: str, user: int, number: int) -> Outgoing:
    """A pending row of some kind: purchase `number` of a user."""
    if kind == "purchase":
        address = Address(KIND, daemon.blind("seed", f"c{user}"))
        return Outgoing(address, report(number, "left"))
    cents = 1000 + number % 9000
    credit = Credit("seed", f"left{number}", f"p{number % 200}", cents, cents, 500, f"tag{number}")
    due = None
    if kind == "timer":
        due = daemon.now_ms() - 1
    elif kind == "later":
        due = daemon.now_ms() + 24 * HOUR_MS
    return Outgoing(Address(WALLET, f"user{user}"), credit, due)


async def _leave(daemon: Daemon, users: int, rows: int) -> int:
    """Write the rows, past the engine, which would handle them; the points that they are worth."""
    chance = random.Random(SEED)
    kinds = chance.choices(list(SHARES), list(SHARES.values()), k=rows)
    kinds += ["later"] * round(rows * LATER)
    outgoing = [_outgoing(daemon, kind, chance.randrange(users), n) for n, kind in enumerate(kinds)]
    pages = [outgoing[n : n + PER_DECISION] for n in range(0, len(outgoing), PER_DECISION)]
    left, done = len(pages), trio.Event()

    def settle(_run: Run, fate: Fate) -> None:
        nonlocal left
        assert fate.why is None, fate.why
        left -= 1
        if not left:
            done.set()

    assert daemon.journal is not None
    stateless: Any = object()
    for page in pages:
        # Decided an hour ago, so that what is due just now is a timer and no message.
        decided = Decided(
            Decision(stateless, messages=tuple(page)), daemon.now_ms() - HOUR_MS, None, None
        )
        daemon.journal.submit(Run(ENGINE, None, [decided], settle, state=stateless))
    await done.wait()
    return sum(map(points_of, range(rows)))


def _memory_mib(daemon: Process, field: str) -> float:
    text = Path(f"/proc/{daemon.pid}/status").read_text()
    return int(text.split(f"{field}:")[1].split()[0]) / 1024


def _cpu_s(daemon: Process) -> float:
    fields = Path(f"/proc/{daemon.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _webhook(daemon: Process, user: int, number: int) -> float:
    """One purchase over HTTP while the backlog is worked off; the ms to its acknowledgement."""
    body = {
        "event": "transaction.created",
        "data": {
            "transaction_id": f"new{number}", "connection_id": f"c{user}", "account_id": "a1",
            "amount": 10.0 + number, "currency": "EUR", "direction": "DEBIT", "date": "2026-11-20",
            "merchant": {"name": "PAIEMENT CB 2311 ENSEIGNE 001 PARIS", "mcc_code": "5411"},
        },
    }  # fmt: skip
    began = time.perf_counter()
    text = json.dumps(body).encode()
    answer = await trio.to_thread.run_sync(daemon.webhook, text)
    assert answer.status == 202, answer
    return (time.perf_counter() - began) * 1000


async def _work_off(server: EmbeddedPostgres, daemon: Process, rows: int) -> dict[str, float]:
    """Watch the rows go, and send a webhook now and then."""
    began = time.perf_counter()
    acks: list[float] = []
    worth = 0
    while left := int(await server.run_sql(LEFT_SQL, NAME)):
        number = len(acks)
        acks.append(await _webhook(daemon, number, number))
        worth += (1000 + 100 * number) * 500 // 10_000
        print(f"  {left:,} rows left, {_memory_mib(daemon, 'VmRSS'):.0f} MiB", flush=True)
        await trio.sleep(0.5)
    seconds = time.perf_counter() - began
    daemon.post("/dev/v1/quiesce", {"timeoutSeconds": 60})
    return {
        "handled_seconds": seconds,
        "rows_per_s": rows / seconds,
        "cpu_ms_per_row": _cpu_s(daemon) / rows * 1000,
        "webhooks_meanwhile": len(acks),
        "webhook_points": worth,
        "ack_ms_median": statistics.median(acks) if acks else 0.0,
        "ack_ms_max": max(acks, default=0.0),
        "peak_mib": _memory_mib(daemon, "VmHWM"),
        "calm_mib": _memory_mib(daemon, "VmRSS"),
    }


async def _start(server: EmbeddedPostgres, folder: Path, rows: int) -> dict[str, float]:
    """Start the program, and see how it copes."""
    command = [str(Path(sys.executable).with_name("comptoir")), "serve"]
    kept = {k: v for k, v in os.environ.items() if not k.startswith("COMPTOIR_")}
    daemon = Process(command, {**kept, **variables(server.url(NAME), folder)}, folder)
    began = time.perf_counter()
    try:
        await trio.to_thread.run_sync(daemon.start)
        ready_s = time.perf_counter() - began
        found = await _work_off(server, daemon, rows)
        metrics = daemon.get("/metrics").body.decode()
        assert "comptoir_messages_stranded_total 0.0" in metrics, "stranded rows"
    finally:
        if daemon.running:
            daemon.stop()
    return {"ready_s": ready_s, **found}


async def _measure() -> dict[str, float]:
    users = int(os.environ.get("BENCH_USERS", "20000"))
    rows = int(os.environ.get("BENCH_ROWS", "100000"))
    with disk_folder() as folder:
        server = EmbeddedPostgres(folder)
        await server.start()
        try:
            await server.create_database(NAME)
            # The net would find rows that nobody was handed, which is what these are.
            bounds = {
                "COMPTOIR_STORAGE__BATCH_DECISIONS_MAX": "1024",
                "COMPTOIR_ENGINE__SWEEP_INTERVAL_S": "86400",
            }
            settings = settings_for(server.url(NAME), folder, **bounds)
            async with Daemon(settings).open(listen=False) as daemon:
                await populate(daemon, users)
                worth = await _leave(daemon, users, rows)
            before = await audit(server, NAME)
            found = await _start(server, folder, rows)
            after = await audit(server, NAME)
            assert (after.faults, after.due) == ({}, 0), after
            assert after.parked == round(rows * LATER), after
            assert after.points - before.points == worth + found["webhook_points"], after
        finally:
            with trio.CancelScope(shield=True):
                await server.destroy()
    print(
        f"{rows:,} messages pending for {users:,} users: ready after {found['ready_s']:.1f} s (aim "
        f"< 10), all handled {found['handled_seconds']:.1f} s later ({found['rows_per_s']:,.0f} /s, "
        f"{found['cpu_ms_per_row']:.2f} ms of the daemon's CPU each); "
        f"{found['webhooks_meanwhile']:.0f} webhooks meanwhile, acknowledged within "
        f"{found['ack_ms_median']:.0f} ms (median), {found['ack_ms_max']:.0f} ms (worst); "
        f"memory {found['peak_mib']:.0f} MiB at most, {found['calm_mib']:.0f} at the end"
    )
    return found


def main() -> None:
    """Print the figures; BENCH_JSON names a file for them."""
    figures = trio.run(_measure)
    if target := os.environ.get("BENCH_JSON"):
        Path(target).write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
