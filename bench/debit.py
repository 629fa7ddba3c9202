"""What a debit costs a wallet of few lots and one of many, by the daemon's own wallets on PostgreSQL.

The rule: a debit is a withdrawal's hold as the API asks for it: the wallet reads its oldest lots, decides, and
answers when it is durable. Its points are given back at once, so that each debit finds the same lots. The wallets
take turns, and the median round counts. Once, all lots of the larger one are blocked by one debit: the
largest that a wallet takes.
Source: issue 7, "Must show"; actors/wallet/reading.py.
"""

import statistics
import time
from typing import Any

import trio

from comptoir.actors.programme import PROGRAMME, Programme
from comptoir.actors.wallet.messages import AVAILABLE, Credit, HoldPoints, MovePoints
from comptoir.actors.wallet.reading import LOTS_MAX, wallet_spec
from comptoir.actors.withdrawal.kind import withdrawal_spec
from comptoir.actors.withdrawal.messages import Order
from comptoir.engine import Address
from comptoir.engine.clock import BusinessClock
from comptoir.engine.engine import Engine
from comptoir.engine.parts import Parts
from comptoir.engine.spec import Bounds
from comptoir.storage.journal import JournalOptions, PostgresJournal
from comptoir.storage.vault import Vault

__all__ = ["measure_debits"]

FEW = 10
ROUNDS = 9
DEBITS = 40
LOT_POINTS = 100
DEBITED = 150
"""Points of a debit: of two lots."""
WAITING_MAX = 32
CENTURY_MS = 100 * 365 * 86_400_000


class _Wallet:
    """One wallet, and how it is asked."""

    def __init__(self, engine: Engine, lots: int) -> None:
        self.engine, self.lots = engine, lots
        self.address = Address("wallet", f"bench-{lots}")
        self.debits = 0

    async def fill(self) -> None:
        """So many purchases of a hundred points each."""
        limit = trio.CapacityLimiter(WAITING_MAX)

        async def credit(number: int) -> None:
            async with limit:
                told = Credit("seed", f"tx-{self.lots}-{number}", "p", 1000, 1000, 1000, "tag")
                await self.engine.ask(self.address, told)

        async with trio.open_nursery() as nursery:
            for number in range(self.lots):
                nursery.start_soon(credit, number)

    async def debit(self, points: int) -> float:
        """Seconds until points are blocked; they are given back."""
        self.debits += 1
        name, user = f"wd_{self.lots}_{self.debits}", self.address.key
        order = Order(user, points, 1, points, 0, points, "EUR", "FR", "A", "R", CENTURY_MS)
        began = time.perf_counter()
        await self.engine.ask(self.address, HoldPoints(name, order))
        seconds = time.perf_counter() - began
        await self.engine.ask(self.address, MovePoints(name, AVAILABLE))
        return seconds


async def measure_debits(url: str) -> dict[str, Any]:
    """Milliseconds of a debit by the number of lots, from a fresh database."""
    vault = Vault({"k1": b"bench-bench-bench-bench-bench-be"})
    async with PostgresJournal.open(url, vault, JournalOptions()) as journal:
        parts = Parts(
            journal=journal,
            clock=BusinessClock(),
            actors=(
                wallet_spec(Bounds(), lambda _decided: None),
                withdrawal_spec(Bounds(), lambda _decided: None),
            ),
            constants={PROGRAMME: Programme()},
        )
        async with Engine(parts).running() as engine:
            wallets = [_Wallet(engine, FEW), _Wallet(engine, LOTS_MAX)]
            for wallet in wallets:
                await wallet.fill()
            rounds: list[list[float]] = [[] for _ in wallets]
            for _ in range(ROUNDS):
                for wallet, found in zip(wallets, rounds, strict=True):
                    times = [await wallet.debit(DEBITED) for _ in range(DEBITS)]
                    found.append(statistics.median(times))
            most = await wallets[-1].debit(LOTS_MAX * LOT_POINTS)
    return {
        **{
            str(wallet.lots): round(statistics.median(found) * 1000, 2)
            for wallet, found in zip(wallets, rounds, strict=True)
        },
        "all": round(most * 1000),
    }
