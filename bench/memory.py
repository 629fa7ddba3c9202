"""Bytes per resident idle wallet (aim <= 8 KiB), as the process sees them.

Every wallet has been credited once, so it has a task, a mailbox and a state; measured is the growth of
resident memory from 2,000 to 22,000 wallets, so that what the process has anyway does not count.
"""

import gc
from pathlib import Path
from typing import Any

import trio

from bench.results import write
from comptoir.actors.wallet.messages import Credit
from comptoir.engine import Address
from comptoir.engine.boot import memory_engine
from comptoir.engine.engine import Engine
from comptoir.engine.settings import Settings

__all__ = ["main", "measure"]

FIRST = 2_000
MORE = 20_000
STEP = 4_000
PASSIVATED_BUT = 1_000
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


async def _grown(resident_max: int) -> list[int]:
    """Bytes that the process has grown by, with each further step of wallets."""
    settings = Settings().having({("engine", "resident_actors_max"): resident_max})
    async with memory_engine(settings) as engine:
        await _credit(engine, 0, FIRST)
        gc.collect()
        before, grown = _resident_bytes(), [0]
        for first in range(FIRST, FIRST + MORE, STEP):
            await _credit(engine, first, STEP)
            gc.collect()
            grown.append(_resident_bytes() - before)
        wallets = next(h for h in engine.statistics().hosts if h.kind == "wallet")
        assert wallets.resident == min(resident_max, FIRST + MORE)
        assert wallets.busy == 0
    return grown


def measure() -> dict[str, Any]:
    """Bytes per wallet; the memory journal's own copy of each wallet is measured and taken off.

    The journal's share is that of the same credits with all but a few wallets passivated.
    """
    whole, journal = trio.run(_grown, FIRST + MORE), trio.run(_grown, PASSIVATED_BUT)
    points = [
        {"resident": FIRST + STEP * n, "mib": (both - alone) / 2**20}
        for n, (both, alone) in enumerate(zip(whole, journal, strict=True))
    ]
    return {
        "bytes_each": (whole[-1] - journal[-1]) / MORE,
        "bytes_each_with_journal": whole[-1] / MORE,
        "points": points,
    }


def main() -> None:
    """Print and keep the figures."""
    figures = measure()
    each, both = figures["bytes_each"], figures["bytes_each_with_journal"]
    print(
        f"resident idle wallet: {each:,.0f} bytes (aim <= 8,192); {both:,.0f} with what the "
        f"in-memory journal keeps of it, {both - each:,.0f}"
    )
    write("memory", figures)


if __name__ == "__main__":
    main()
