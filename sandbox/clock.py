"""The sandbox's business clock: wall time plus what a test added.

Rule: timestamps that parties put into messages come from here; I/O deadlines stay on real time.

Source: interface.md 10 ("Time across two processes").
"""

import time
from datetime import UTC, datetime, timedelta

import trio

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock:
    """Wall time in milliseconds since 1970, moved forward by `advance`."""

    def __init__(self) -> None:
        self._added_ms = 0
        self._moved = trio.Event()

    @property
    def added_ms(self) -> int:
        """What was added to wall time since the start or the last reset, in milliseconds."""
        return self._added_ms

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self._added_ms

    def advance(self, milliseconds: int) -> None:
        """Moves business time forward; never back, since a party's clock only goes on."""
        assert milliseconds >= 0
        self._added_ms += milliseconds
        self._moved.set()
        self._moved = trio.Event()

    async def until(self, at_ms: int) -> None:
        """Wait until business time is there, by itself or moved."""
        while (left_ms := at_ms - self.now_ms()) > 0:
            with trio.move_on_after(left_ms / 1000):
                await self._moved.wait()

    def reset(self) -> None:
        self._added_ms = 0


def rfc3339(milliseconds: int) -> str:
    """Milliseconds since 1970 as RFC 3339 in UTC with milliseconds and `Z`."""
    at = _EPOCH + timedelta(milliseconds=milliseconds)
    return at.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def parse_rfc3339(text: str) -> int:
    """RFC 3339 with an offset as milliseconds since 1970; raises `ValueError` otherwise."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("the time has no offset")
    return (at - _EPOCH) // timedelta(milliseconds=1)
