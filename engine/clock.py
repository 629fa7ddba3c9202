"""Business time: what timers, expiries and windows are measured in (design.md 8).

Two clocks, never mixed: I/O time is trio's and bounds calls; business time is this one, is stored,
and may be moved forward by a test across processes (interface.md 10). Engine code reads either from
the engine only. It never runs backwards within a process: a wall clock set back by NTP holds
business time still until it catches up, so that due times stay ordered.
"""

import time
from collections.abc import Callable

__all__ = ["BusinessClock"]


class BusinessClock:
    """Milliseconds since 1970, as wall time plus an offset that only a manual clock may grow."""

    def __init__(
        self,
        *,
        manual: bool = False,
        offset_ms: int = 0,
        wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self.manual = manual
        self.offset_ms = offset_ms
        self._wall_ms = wall_ms
        self._latest = 0

    def now(self) -> int:
        """Business time now, ms since 1970."""
        now = self._wall_ms() + self.offset_ms
        if now < self._latest:
            return self._latest
        self._latest = now
        return now

    def offset_after(self, seconds: float) -> int:
        """The offset in ms that a manual clock would have after a step, to be stored before it.

        Raises:
            ValueError: the clock is not manual, or the step is negative.
        """
        if not self.manual:
            raise ValueError("the clock follows the wall; set clock.mode = manual")
        if seconds < 0:
            raise ValueError("business time never runs backwards")
        return self.offset_ms + round(seconds * 1000)

    def advance(self, seconds: float) -> int:
        """Move a manual clock forward.

        Returns:
            The new offset in ms.

        Raises:
            ValueError: the clock is not manual, or the step is negative.
        """
        self.offset_ms = self.offset_after(seconds)
        return self.offset_ms

    def __repr__(self) -> str:
        return f"<BusinessClock {'manual' if self.manual else 'wall'} {self.offset_ms:+d} ms>"
