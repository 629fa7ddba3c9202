"""What is known of rows that wait in the table: of one address, and of those that an earlier life left.

Source: design.md 2, 3 and 7.
"""

from collections.abc import Iterable

import msgspec
import trio

from comptoir.engine.values import Address

__all__ = ["CATCH_UP_S", "Backlog", "LeftBehind"]

CATCH_UP_S = 1.0
"""How long a start waits for what an earlier life left: after a crash it is a few rows, and milliseconds.
After a long outage it may be a million addresses, for which nobody's question is to wait."""


class Backlog(msgspec.Struct):
    """Rows of one address that were not handed over."""

    rows: int = 0
    """About how many were skipped and not handed over since."""
    changes: int = 0
    """Grows with every row skipped, so that a reading that began before knows. Not the greatest id:
    what is released or falls due has an older one."""
    pumping: bool = False


class LeftBehind:
    """Addresses for which an earlier life left rows, until those were read and offered once.

    A daemon that serves before that answers its first callers from states that lack what an earlier
    answer had promised: a client who was told to be signed in is nobody for a moment.
    """

    def __init__(self) -> None:
        self._addresses = set[Address]()
        self._none = trio.Event()

    def found(self, addresses: Iterable[Address]) -> None:
        """These were left."""
        self._addresses.update(addresses)
        if not self._addresses:
            self._none.set()

    def offered(self, address: Address) -> None:
        """What is left of it was read, and offered as far as there was room."""
        self._addresses.discard(address)
        if not self._addresses:
            self._none.set()

    async def caught_up(self) -> bool:
        """Wait until none is left, for `CATCH_UP_S` at most; whether it is so."""
        with trio.move_on_after(CATCH_UP_S):
            await self._none.wait()
        return self._none.is_set()
