"""Bytes per resident idle wallet (aim <= 8 KiB), as the process sees them.

Every wallet has been credited once, so it has a task, a mailbox and a state; measured is the growth of
resident memory from 2,000 to 22,000 wallets, so that what the process has anyway does not count.
"""

import gc
from pathlib import Path

import trio

from comptoir.actors.wallet.messages import Credit
from comptoir.engine import Address
from comptoir.engine.boot import memory_engine
from comptoir.engine.engine import Engine
from comptoir.engine.settings import Settings

__all__ = ["main", "measure"]

FIRST = 2_000
MORE = 20_000
PAGE_BYTES = 4096


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES


async def _credit(engine: Engine, first: int, count: int) -> None:
    async with trio.open_nursery() as nursery:
        limit = trio.CapacityLimiter(256)

        async def one(number: int) -> None:
            async with limit:
                message = Credit("seed", f"t{number}", "p1", 1000, 1000, 500, f"tag{number}")
                await engine.ask(Address("wallet", f"user{number}"), message)

        for number in range(first, first + count):
            nursery.start_soon(one, number)


async def measure() -> float:
    """Bytes per wallet; the memory journal's own copy of each wallet is measured and taken off."""
    settings = Settings().having({("engine", "resident_actors_max"): FIRST + MORE})
    async with memory_engine(settings) as engine:
        await _credit(engine, 0, FIRST)
        gc.collect()
        before = _resident_bytes()
        await _credit(engine, FIRST, MORE)
        gc.collect()
        grown = _resident_bytes() - before
        resident = engine.statistics()
        wallets = next(h for h in resident.hosts if h.kind == "wallet")
        assert wallets.resident == FIRST + MORE
        assert wallets.busy == 0
    return grown / MORE


async def _journal_share() -> float:
    """What the in-memory journal keeps per wallet: the same credits with all wallets passivated."""
    settings = Settings().having({("engine", "resident_actors_max"): 1_000})
    async with memory_engine(settings) as engine:
        await _credit(engine, 0, FIRST)
        gc.collect()
        before = _resident_bytes()
        await _credit(engine, FIRST, MORE)
        gc.collect()
        return (_resident_bytes() - before) / MORE


def main() -> None:
    """Print the figure."""
    whole = trio.run(measure)
    journal = trio.run(_journal_share)
    print(
        f"resident idle wallet: {whole - journal:,.0f} bytes (aim <= 8,192); "
        f"{whole:,.0f} with what the in-memory journal keeps of it, {journal:,.0f}"
    )


if __name__ == "__main__":
    main()
