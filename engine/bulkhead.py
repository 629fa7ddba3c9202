"""Crashes that were contained where they happened: counted and told, never hidden.

The rule: what watches and delivers (delivery, snapshots, chores) works on many things in turn, so a
crash over one of them must not end the work on the others; it is logged with its place, counted for
ever and shown by the readiness for a while, and the thing is tried again at a pace.
Source: design.md 5 (a crash is contained by the nearest supervisor, and is visible).
"""

from collections import deque
from typing import Any

import trio

from comptoir.engine.errors import log_crash

__all__ = ["Contained"]

LATELY_S = 60.0
CRASHES_SHOWN_MAX = 100
"""Times that are remembered; beyond, "lately" is at least so many."""


class Contained:
    """The crashes of one place."""

    __slots__ = ("_times", "total")

    def __init__(self) -> None:
        self.total = 0
        self._times: deque[float] = deque(maxlen=CRASHES_SHOWN_MAX)

    def __repr__(self) -> str:
        return f"<Contained {self.recent} lately, {self.total} in all>"

    def note(self, log: Any, event: str, crash: Exception, **names: str) -> None:
        """Log a crash and count it."""
        log_crash(log, event, crash, **names)
        self.total += 1
        self._times.append(trio.current_time())

    @property
    def recent(self) -> int:
        """How many there were within the last minute; at most `CRASHES_SHOWN_MAX`."""
        since = trio.current_time() - LATELY_S
        return sum(at > since for at in self._times)
