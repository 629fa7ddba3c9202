"""What a daemon does beside the work: counting for /metrics, forgetting, watching its loop.

Rule: it reads and forgets, it decides nothing; while the database is away it waits.
"""

from collections.abc import Sequence

import trio

from comptoir.engine.clock import BusinessClock
from comptoir.engine.errors import Stopping, Unavailable
from comptoir.engine.journal import Journal
from comptoir.engine.telemetry import EngineCollector

__all__ = ["Housekeeping"]

FIGURES_PERIOD_S = 1.0
"""How often counts that need the database are taken."""
PURGE_PERIOD_S = 60.0
LAG_PERIOD_S = 0.25


class Housekeeping:
    """The chores of one daemon."""

    def __init__(
        self,
        journal: Journal,
        collector: EngineCollector,
        clock: BusinessClock,
        names: Sequence[str],
    ) -> None:
        self._journal = journal
        self._collector = collector
        self._clock = clock
        self._names = tuple(names)

    async def run(self) -> None:
        """Do the chores until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._count)
            nursery.start_soon(self._purge)
            nursery.start_soon(self._watch_lag)

    async def take_figures(self) -> None:
        """Count what is pending and what is dead, by kind and by queue."""
        if not self._journal.available:
            return
        counted = dict.fromkeys(self._names, 0)
        for (kind, group), rows in (await self._journal.count_pending(self._clock.now())).items():
            name = kind if group == "message" else group
            counted[name] = counted.get(name, 0) + rows
        self._collector.pending = counted
        self._collector.dead_letters = await self._journal.count_dead_letters()

    async def _count(self) -> None:
        while True:
            await trio.sleep(FIGURES_PERIOD_S)
            try:
                await self.take_figures()
            except Unavailable:
                continue

    async def _purge(self) -> None:
        while True:
            await trio.sleep(PURGE_PERIOD_S)
            try:
                while await self._journal.purge(self._clock.now()):
                    await trio.lowlevel.checkpoint()
            except (Unavailable, Stopping):
                continue

    async def _watch_lag(self) -> None:
        while True:
            due = trio.current_time() + LAG_PERIOD_S
            await trio.sleep_until(due)
            self._collector.loop_lag_s = trio.current_time() - due
