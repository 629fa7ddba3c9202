"""How fast PostgreSQL takes decisions through the journal, without actors or HTTP around it.

The rule: the load is a typical credit (one state, event, lot, transfer, document, consumed message,
outgoing message and `once` key), made by many wallets at once, each waiting for its own commit, as
the engine does. Every figure is of one run on one machine; run it on a fresh database.
Source: design.md 10; issue 2, "Must show".

    python bench/journal.py postgresql://…/bench
"""

import resource
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from enum import Enum
from functools import partial
from typing import Any

import trio

from comptoir.engine.decision import Decision, LotOpened, Once, Outgoing, Put, Transfer
from comptoir.engine.journal import Decided, Fate, Pending, Run
from comptoir.engine.values import Address, Event, Message, Reply, State
from comptoir.storage.journal import JournalOptions, PostgresJournal
from comptoir.storage.vault import Vault

AT = 1_790_000_000_000
ROUNDS = 9
CREDITS = 100
ROWS_PER_DECISION = 10
"""actor, event, lot (and its remaining), transfer, two balances, document, message in, out, once."""


class Phase(Enum):
    """Of the wallet of this bench."""

    OPEN = "open"


class Purse(State, frozen=True):
    """About as much as a wallet remembers."""

    phase: Phase
    available: int
    lots: int
    last: tuple[str, ...] = ()


class Credit(Message, frozen=True):
    """What a wallet is told."""

    transaction: str
    cents: int


class Credited(Event, frozen=True):
    """What it records."""

    transaction: str
    points: int


class Taken(Reply, frozen=True):
    """What it answers."""

    points: int


class _Wallet:
    """One wallet that is always waiting for a credit to become durable."""

    def __init__(self, load: "_Load", number: int) -> None:
        self.load = load
        self.address = Address("wallet", f"bench-{load.tag}-{number}")
        self.state = Purse(Phase.OPEN, 0, 0)
        self.version = 0
        self.credits = 0
        self.waiting: Pending | None = None

    def submit(self) -> None:
        """Decide one credit and hand it to the journal."""
        self.credits += 1
        user, number = self.address.key, self.credits
        tx = f"tx-{user}-{number}"
        points = 10 + number % 90
        total = self.state.available + points
        state = Purse(Phase.OPEN, total, number, (tx,))
        decision = Decision(
            state=state,
            reply=Taken(points),
            events=(Credited(tx, points),),
            messages=(Outgoing(self.address, Credit(tx, points * 100)),),
            once=(Once("webhook", f"seed:transaction.created:{tx}", 86_400_000),),
            lots=(LotOpened(f"lot-{tx}", user, tx, "tag", points, points * 100, 100, 10_000, AT),),
            transfers=(
                Transfer("issued:", f"available:{user}", points, "credit", user,
                         (total, 0, 0, 0), f"lot-{tx}", tx),
            ),
            documents=(
                Put("transaction", tx, {"provider": "seed", "user_id": user, "points": points,
                                        "amount_cents": points * 100, "status": "credited"}, user),
            ),
        )  # fmt: skip
        decided = Decided(decision, AT + number, self.waiting, None)
        run = Run(self.address, self.version, [decided], self.settle, state=self.state)
        self.state = state
        self.load.journal.submit(run)

    def settle(self, _run: Run, fate: Fate) -> None:
        """The commit: the next credit consumes the message that this one sent."""
        assert fate.why is None, fate.why
        self.version += 1
        self.waiting = fate.outgoing[0]
        self.load.credited += 1
        if self.load.credited < self.load.wanted:
            self.submit()
        elif self.load.credited == self.load.wanted:
            self.load.done.set()


class _Load:
    """Some wallets, until `wanted` credits are durable."""

    def __init__(self, journal: PostgresJournal, tag: str) -> None:
        self.journal = journal
        self.tag = tag
        self.wanted = 0
        self.credited = 0
        self.done = trio.Event()

    async def run(self, wallets: list[_Wallet], wanted: int) -> None:
        """Credit until `wanted` more are durable, and the rest has settled."""
        self.wanted = self.credited + wanted
        self.done = trio.Event()
        for wallet in wallets:
            wallet.submit()
        await self.done.wait()
        while self.journal.statistics().runs_waiting:  # noqa: ASYNC110 - the journal tells no event
            await trio.sleep(0.001)


async def _time(work: Callable[[], Awaitable[None]], decisions: int) -> tuple[float, float]:
    """(decisions per second, µs of this process's CPU per decision)."""
    cpu, started = time.process_time(), time.perf_counter()
    await work()
    seconds = time.perf_counter() - started
    return decisions / seconds, (time.process_time() - cpu) / decisions * 1e6


async def _measure_many(journal: PostgresJournal, wallets: int, wanted: int) -> dict[str, Any]:
    load = _Load(journal, f"many{wallets}")
    crowd = [_Wallet(load, number) for number in range(wallets)]
    await load.run(crowd, wallets)
    before = journal.statistics()
    rate, cpu_us = await _time(lambda: load.run(crowd, wanted), wanted)
    after = journal.statistics()
    batches = after.batches_total - before.batches_total
    decisions = after.decisions_total - before.decisions_total
    return {
        "wallets": wallets,
        "decisions_per_second": round(rate),
        "rows_per_second": round(rate * ROWS_PER_DECISION),
        "decisions_per_batch": round(decisions / batches, 1),
        "batch_ms": round(
            (after.seconds_committing_total - before.seconds_committing_total) / batches * 1e3, 2
        ),
        "cpu_us_per_decision": round(cpu_us, 1),
    }


async def _measure_wallets(journal: PostgresJournal, lots: tuple[int, ...]) -> list[float]:
    """Credits per second of wallets that have so many lots already, one credit at a time.

    They take turns, so that a machine whose speed drifts treats them alike; the median round counts.
    """
    load = _Load(journal, "lots")
    wallets = [_Wallet(load, number) for number in range(len(lots))]
    for wallet, wanted in zip(wallets, lots, strict=True):
        await load.run([wallet], wanted)
    rates: list[list[float]] = [[] for _ in wallets]
    for _ in range(ROUNDS):
        for wallet, found in zip(wallets, rates, strict=True):
            rate, _cpu = await _time(partial(load.run, [wallet], CREDITS), CREDITS)
            found.append(rate)
    return [statistics.median(found) for found in rates]


async def measure(url: str, wanted: int = 20_000) -> dict[str, Any]:
    """All figures, from a fresh database."""
    vault = Vault({"k1": b"bench-bench-bench-bench-bench-be"})
    async with PostgresJournal.open(url, vault, JournalOptions(now=AT)) as journal:
        many = [await _measure_many(journal, wallets, wanted) for wallets in (1, 32, 256, 2_000)
                if wallets > 1 or await _warm(journal)]  # fmt: skip
        few_lots, many_lots = await _measure_wallets(journal, (10, 10_000))
    return {
        "journal": many,
        "one_wallet_10_lots_credits_per_second": round(few_lots),
        "one_wallet_10000_lots_credits_per_second": round(many_lots),
        "peak_memory_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }


async def _warm(journal: PostgresJournal) -> bool:
    """Plans and caches; the single wallet is measured by its lots below."""
    load = _Load(journal, "warm")
    await load.run([_Wallet(load, number) for number in range(64)], 1_000)
    return False


if __name__ == "__main__":
    for name, figure in trio.run(measure, sys.argv[1]).items():
        print(f"{name}: {figure}")
