"""The same message without HTTP: `engine.ask`, durable and credited, on a real PostgreSQL.

Rule: what is counted is the whole work (take once, match among 200 partners, hand over, credit a
FIFO lot, all committed with fsync on), the same that a webhook causes; the clock stops when the last
credit is durable, not when the last ask is answered.
"""

import json
import os
import random
import resource
import sys
import tempfile
import time

import trio

from comptoir.actors.connection.messages import LinkConnection, TransactionReported
from comptoir.actors.merchants.messages import MERCHANTS, ImportPartners, Partner
from comptoir.engine import Address
from comptoir.engine.boot import Daemon
from comptoir.engine.settings import Settings

CONNECTIONS = 1000
PARTNERS = 200


def report(number: int, prefix: str) -> TransactionReported:
    """One purchase at a partner, under a card-statement label."""
    partner = number % PARTNERS
    return TransactionReported(
        provider="seed",
        event="transaction.created",
        transaction_id=f"{prefix}{number}",
        amount_cents=1000 + number % 9000,
        currency="EUR",
        direction="DEBIT",
        date="2026-11-20",
        merchant_name=f"PAIEMENT CB 2311 ENSEIGNE {partner:03d} PARIS",
        mcc="5411",
        city="Paris",
        country="FR",
    )


async def prepare(daemon: Daemon) -> None:
    """Import partners and connections."""
    partners = tuple(
        Partner(id=f"p{n}", name=f"Enseigne {n:03d}", rate_bp=500) for n in range(PARTNERS)
    )
    await daemon.ask(MERCHANTS, ImportPartners(partners))
    async with trio.open_nursery() as nursery:
        for n in range(CONNECTIONS):
            nursery.start_soon(
                daemon.ask,
                Address("connection", daemon.blind("seed", f"c{n}")),
                LinkConnection(f"c{n}", f"user{n}"),
            )


async def pour(daemon: Daemon, count: int, tasks: int, prefix: str) -> float:
    """Ask `count` times from `tasks` tasks; seconds until all is credited."""
    numbers = iter(range(count))
    chance = random.Random(1)
    addresses = [Address("connection", daemon.blind("seed", f"c{n}")) for n in range(CONNECTIONS)]

    async def ask_on() -> None:
        for number in numbers:
            await daemon.ask(chance.choice(addresses), report(number, prefix))

    began = time.perf_counter()
    async with trio.open_nursery() as nursery:
        for _ in range(tasks):
            nursery.start_soon(ask_on)
    acknowledged = time.perf_counter() - began
    assert await daemon.quiesce(60)
    total = time.perf_counter() - began
    print(
        f"   acknowledged after {acknowledged:.2f} s, credited after {total:.2f} s", file=sys.stderr
    )
    return total


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def measure(count: int = 20_000, tasks: int = 128) -> dict[str, float]:
    """Credits per second through `engine.ask`, and this process's CPU per 1,000."""
    with tempfile.TemporaryDirectory(prefix="ctb-") as folder:
        os.chmod(folder, 0o711)  # noqa: PTH101  # before anything runs; the database's account must pass
        settings = Settings.load(
            None,
            {
                "COMPTOIR_STORAGE__DATA_DIR": folder + "/d",
                "COMPTOIR_WEBHOOKS__SEED__SECRETS": json.dumps(["bench-secret-of-24-bytes"]),
            },
        )
        async with Daemon(settings).open(listen=False) as daemon:
            await prepare(daemon)
            await pour(daemon, 2000, tasks, "warm")
            cpu = _cpu_s()
            seconds = await pour(daemon, count, tasks, "run")
            cpu = _cpu_s() - cpu
            assert daemon.engine is not None
            figures = daemon.engine.statistics()
            batches = figures.journal.batches_total
            print(
                f"   {figures.journal.seconds_committing_total:.2f} s committing", file=sys.stderr
            )
            decided = figures.journal.decisions_total
            return {
                "credited_per_s": count / seconds,
                "cpu_s_per_1000": cpu / count * 1000,
                "decisions_per_batch": decided / batches,
            }


def main() -> None:
    """Print the figures."""
    figures = trio.run(measure, int(os.environ.get("BENCH_COUNT", "20000")))
    print(
        f"engine.ask, durable and credited: {figures['credited_per_s']:,.0f} /s (aim 6,000); "
        f"{figures['cpu_s_per_1000']:.2f} CPU-s per 1,000 in the daemon; "
        f"{figures['decisions_per_batch']:.0f} decisions per batch"
    )


if __name__ == "__main__":
    main()
