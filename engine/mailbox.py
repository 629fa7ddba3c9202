"""A bounded mailbox: offered to without waiting, taken from in runs.

The rule: a full mailbox refuses at once (the asker hears Overloaded, a row stays in its table);
nothing ever waits to get in, so a cycle of full mailboxes cannot deadlock (design.md 2).

Ours rather than trio's memory channel, because an actor takes everything that waits in one step
(that is what lets a hot one commit many decisions together), because "is anything in it or in hand"
must be answerable without a checkpoint, and because an idle one must cost little: it is an empty
list and three words.
"""

from typing import Generic, TypeVar

import trio

__all__ = ["Mailbox"]

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Messages that wait for one actor, oldest first; one reader."""

    __slots__ = ("_items", "_limit", "_reader", "closed")

    def __init__(self, limit: int) -> None:
        assert limit > 0
        self._items: list[T] = []
        self._limit = limit
        self._reader: trio.lowlevel.Task | None = None
        self.closed = False

    def __len__(self) -> int:
        return len(self._items)

    def offer(self, item: T) -> bool:
        """Put an item at the end; False if it is full or closed, and then nothing has changed."""
        if self.closed or len(self._items) >= self._limit:
            return False
        self._items.append(item)
        self._wake()
        return True

    def close(self) -> None:
        """Take no more; the reader gets what is left, then an empty run."""
        self.closed = True
        self._wake()

    def _wake(self) -> None:
        if self._reader is not None:
            reader, self._reader = self._reader, None
            trio.lowlevel.reschedule(reader)

    async def take(self, limit: int) -> list[T]:
        """Wait until there is something and take up to `limit`; an empty list means closed."""
        if not self._items and not self.closed:
            assert self._reader is None, "a mailbox has one reader"
            self._reader = trio.lowlevel.current_task()

            def abort(_raise_cancel: object) -> trio.lowlevel.Abort:
                self._reader = None
                return trio.lowlevel.Abort.SUCCEEDED

            await trio.lowlevel.wait_task_rescheduled(abort)
        run = self._items[:limit]
        del self._items[:limit]
        return run

    def drain(self) -> list[T]:
        """Take everything at once, without waiting: the end of an actor."""
        items, self._items = self._items, []
        return items
