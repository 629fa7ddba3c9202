"""What a gateway has parked: when it is let go, at what pace, and what a failed probe costs (X18, E5).

The rules:
- a parked call stays parked in its table until it is its turn: it is read a page at a time, and worked on
  at `release_per_s`. So an outage that parked 100,000 calls ends in no burst, neither upon the party nor
  upon the database, and what waits is counted as parked as long as it waits;
- a probe is the breaker's question and no attempt of the call: if it fails, the call is parked again. A
  call that every probe was made with for `PARKED_MS_MAX` counts its attempts after all, since a call that
  nobody ever answers must end.

Times are I/O time in seconds, but for those of attempts.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping

import msgspec
import trio

from comptoir.engine.breaker import Breaker
from comptoir.engine.decision import Attempt
from comptoir.engine.errors import Unavailable
from comptoir.engine.gateway_spec import (
    PARKED_MS_MAX,
    PROBED,
    CallFault,
    GatewayBounds,
    GatewayStatistics,
)
from comptoir.engine.journal import Pending

__all__ = ["PAGE_ROWS", "Parked", "Parking", "is_spared", "parked_of", "probed"]

PAGE_ROWS = 64
"""Parked calls read in one step, at least."""


class Parked(msgspec.Struct, frozen=True):
    """How one gateway stands (E5)."""

    gateway: str
    breaker: str
    """`closed`, `open` or `half-open`."""
    parked: int
    """Calls that wait for the party to come back."""
    waiting: int
    """Calls that are due and wait for nothing but their turn."""
    in_flight: int
    probe_at: int | None
    """When it is asked whether it is back: business time, ms; None where calls go out."""
    release_per_s: float
    released_at: int | None
    """About when the last parked call is released, if it is back at the next probe; None: none is."""


def parked_of(
    figures: Iterable[GatewayStatistics], pending: Mapping[tuple[str, str], int], now: int
) -> list[Parked]:
    """How all gateways stand.

    Args:
        figures: of the gateways.
        pending: rows by kind and class, as a journal counts them.
        now: business time, ms.
    """
    found: list[Parked] = []
    for one in figures:
        calls = pending.get((one.kind, "parked"), 0)
        waiting = pending.get((one.kind, "message"), 0)
        probe_at = None if one.breaker == "closed" else now + one.probe_in_ms
        released_at = now + one.release_ms(calls) if calls else None
        found.append(
            Parked(
                one.kind, one.breaker, calls, waiting, one.in_flight, probe_at, one.release_per_s,
                released_at,
            )
        )  # fmt: skip
    return found


def is_spared(row: Pending, fault: CallFault, now: int) -> bool:
    """Whether a probe that failed costs its call nothing."""
    first = next((attempt.at for attempt in row.attempts if attempt.outcome == PROBED), now)
    return fault.sick and fault.retryable and now - first < PARKED_MS_MAX


def probed(row: Pending, now: int) -> tuple[Attempt, ...]:
    """The attempts of a call that was a probe; only the first time is kept, or they would grow for ever."""
    if any(attempt.outcome == PROBED for attempt in row.attempts):
        return row.attempts
    return (*row.attempts, Attempt(now, PROBED))


class Parking:
    """The pace of one gateway, and which of its parked calls are on their way through it."""

    def __init__(self, bounds: GatewayBounds, breaker: Breaker) -> None:
        self.total = 0
        self._interval_s = 1 / bounds.release_per_s
        self._recovery_s = bounds.breaker.recovery_ms / 1000
        self._breaker = breaker
        self._turn = 0.0
        self._paced_until = 0.0
        self._pulled: set[int] = set()
        self._any = trio.Event()
        """Set while there may be parked calls; an earlier life may have left some."""
        self._any.set()

    def begin(self) -> None:
        """The gateway starts, maybe again: nothing is on its way."""
        self._pulled.clear()
        self._any.set()

    def add(self) -> None:
        """A call was parked."""
        self.total += 1
        self._any.set()

    async def wait_for_any(self) -> None:
        """Wait until there may be parked calls: a gateway that works has none, and wakes up for nothing."""
        await self._any.wait()

    def recovered(self) -> None:
        """The party is back: for a recovery time all calls go out at the pace, the new ones too."""
        self._paced_until = trio.current_time() + self._recovery_s

    def leave(self, row: Pending) -> None:
        """A call has been worked on."""
        self._pulled.discard(row.id)

    @property
    def wait_ms(self) -> int:
        """How long until a parked call would be let through; 0: it would be."""
        return self._breaker.wait_ms(round(trio.current_time() * 1000))

    async def release(
        self, parked: Callable[[int], Awaitable[list[Pending]]], offer: Callable[[Pending], bool]
    ) -> None:
        """Give parked calls their turns, one after the other, until none is left or none may go.

        Args:
            parked: reads so many of them, the longest parked first.
            offer: takes one; False where there is no room.
        """
        self._any = trio.Event()
        while True:
            # A reading that begins now may show them, though they are done when it ends.
            pulled = frozenset(self._pulled)
            try:
                rows = await parked(len(pulled) + PAGE_ROWS)
            except Unavailable:
                self._any.set()
                return
            fresh = [row for row in rows if row.id not in pulled]
            for row in fresh:
                if not await self._take_turn() or not offer(row):
                    self._any.set()
                    return
                self._pulled.add(row.id)
            if not fresh:
                return

    async def _take_turn(self) -> bool:
        """Wait for the next turn; whether a call may go then."""
        self._turn = max(trio.current_time(), self._turn + self._interval_s)
        await trio.sleep_until(self._turn)
        return self.wait_ms == 0

    async def pace(self) -> None:
        """Hold whoever takes calls up to the pace, for as long as the party is only just back."""
        if trio.current_time() < self._paced_until:
            await trio.sleep(self._interval_s)
