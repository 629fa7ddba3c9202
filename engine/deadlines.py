"""Deadlines of many waiters by one task, for a wait that almost always ends in time.

Rule: a waiter is failed within `PERIOD_S` after its deadline, never before it. A cancel scope per wait
would be exact and cost a fifth of the ask; here a wait costs one entry in a queue, which is in order
because all have the same time-out.

A daemon that stood still (SIGSTOP, swap, a paused machine) answers nobody meanwhile: that time counts for
nothing, or all who asked before it, and whoever asks first after it, would be told that it was too late.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

import trio

from comptoir.engine.errors import EngineError
from comptoir.engine.waiter import Asker

__all__ = ["Deadlines"]

PERIOD_S = 0.1
STANDSTILL_S = 1.0
"""A period that took longer than this was a standstill, and counts for so much."""


class Deadlines:
    """Waiters with one time-out, oldest first; as many as asks are under way, and some done ones."""

    def __init__(self, timeout_s: float, late: Callable[[], EngineError]) -> None:
        self._timeout_s = timeout_s
        self._late = late
        self._waiting: deque[tuple[float, Asker[Any]]] = deque()
        self._now = 0.0
        self._asleep: trio.Event | None = None
        """Set by whoever asks while nobody waits: until then there is nothing to look after."""

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, waiter: Asker[Any]) -> None:
        """Fail this waiter if it is not done in time."""
        waiting = self._waiting
        while waiting and waiting[0][1].done:
            waiting.popleft()
        # The clock may be a period old; a period is added so that nobody is failed too early.
        waiting.append((self._now + self._timeout_s + PERIOD_S, waiter))
        if self._asleep is not None:
            self._asleep.set()
            self._asleep = None

    async def run(self) -> None:
        """Fail those that are late, until cancelled."""
        waiting, before = self._waiting, trio.current_time()
        while True:
            if not waiting:
                self._asleep = asked = trio.Event()
                await asked.wait()
                before = trio.current_time()  # the time that nobody waits through counts for nobody
            await trio.sleep(PERIOD_S)
            after = trio.current_time()
            self._now += min(after - before, STANDSTILL_S)
            before = after
            while waiting and (waiting[0][1].done or waiting[0][0] <= self._now):
                waiting.popleft()[1].fail(self._late())
