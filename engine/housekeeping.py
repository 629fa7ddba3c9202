"""What a daemon does beside the work: counting for /metrics, forgetting, watching its loop.

Rule: it reads and forgets, it decides nothing; while the database is away it waits. A chore that
crashes is counted and done again when it is due next: none of them is worth the daemon.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog
import trio

from comptoir.engine.bulkhead import Contained
from comptoir.engine.clock import BusinessClock
from comptoir.engine.errors import Stopping, Unavailable
from comptoir.engine.gateway_spec import HOLD
from comptoir.engine.journal import Journal
from comptoir.engine.telemetry import EngineCollector

__all__ = ["Housekeeping"]

log = structlog.get_logger("comptoir.housekeeping")

FIGURES_PERIOD_S = 1.0
"""How often counts that need the database are taken."""
PURGE_PERIOD_S = 60.0
ENDED_PERIOD_S = 3600.0
"""How often what has ended is looked through: days decide, and all of a kind is read."""
REST = 20
"""A chore rests so many times as long as it took: to count 100,000 pending rows takes the database
0.15 s, and every second that would be much."""
LAG_PERIOD_S = 0.25
HELD = (HOLD,)
"""Queues whose letters wait for a person, however long."""


class Housekeeping:
    """The chores of one daemon."""

    def __init__(
        self,
        journal: Journal,
        collector: EngineCollector,
        clock: BusinessClock,
        names: Sequence[str],
        kept_ms: Mapping[str, int],
    ) -> None:
        """Hold what the chores need.

        Args:
            journal: what is counted, and forgotten from.
            collector: where figures go.
            clock: business time.
            names: of kinds and queues, which are counted also where there is nothing.
            kept_ms: for how long after its end what is kept: dead letters under `dead_letters`, every
                other by its kind of actor.
        """
        self._journal = journal
        self._collector = collector
        self._clock = clock
        self._names = tuple(names)
        self._kept_ms = dict(kept_ms)
        self._dead_letters_ttl_ms = self._kept_ms.pop("dead_letters")
        self._crashes = Contained()

    async def run(self) -> None:
        """Do the chores until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._again, FIGURES_PERIOD_S, self.take_figures)
            nursery.start_soon(self._again, PURGE_PERIOD_S, self._purge)
            nursery.start_soon(self._again, PURGE_PERIOD_S, self.expire_dead_letters)
            nursery.start_soon(self._again, ENDED_PERIOD_S, self.expire_ended)
            nursery.start_soon(self._watch_lag)

    async def _again(self, period_s: float, chore: Callable[[], Awaitable[None]]) -> None:
        took_s = 0.0
        while True:
            await trio.sleep(max(period_s, REST * took_s))
            began = trio.current_time()
            try:
                await chore()
            except (Unavailable, Stopping):
                continue
            except Exception as crash:  # noqa: BLE001  # a bulkhead
                self._crashes.note(log, "chore crashed", crash, chore=chore.__name__)
                self._collector.chores_crashed = self._crashes.total
            finally:
                took_s = trio.current_time() - began

    async def take_figures(self) -> None:
        """Count what is pending and what is dead, by kind and by queue."""
        if not self._journal.available:
            return
        counted = dict.fromkeys(self._names, 0)
        found = await self._journal.count_pending(self._clock.now())
        for (kind, group), rows in found.items():
            name = kind if group == "message" else group
            counted[name] = counted.get(name, 0) + rows
        self._collector.pending = counted
        self._collector.parked = {
            kind: rows for (kind, group), rows in found.items() if group == "parked"
        }
        self._collector.dead_letters = await self._journal.count_dead_letters()

    async def _purge(self) -> None:
        while await self._journal.purge(self._clock.now()):
            await trio.lowlevel.checkpoint()

    async def expire_dead_letters(self) -> None:
        """Delete dead letters past their time (X23), and tell of which queue and how many only.

        A call of unknown outcome that is held for a person has no such time: it may be a payment.
        """
        before = self._clock.now() - self._dead_letters_ttl_ms
        while expired := await self._journal.expire_dead(before, HELD):
            for queue, letters in expired.items():
                log.info("dead letters expired", queue=queue, letters=letters)
                self._collector.dead_letters_expired[queue] += letters
            await trio.lowlevel.checkpoint()

    async def expire_ended(self) -> None:
        """Delete actors that have ended long ago, and tell of which kind and how many only."""
        for kind, kept_ms in self._kept_ms.items():
            before, gone = self._clock.now() - kept_ms, 0
            page: str | None = ""
            while page is not None:
                page, deleted = await self._journal.expire_actors(kind, page, before)
                gone += deleted
                await trio.lowlevel.checkpoint()
            if gone:
                log.info("ended actors expired", kind=kind, actors=gone)

    async def _watch_lag(self) -> None:
        while True:
            due = trio.current_time() + LAG_PERIOD_S
            await trio.sleep_until(due)
            self._collector.loop_lag_s = trio.current_time() - due
