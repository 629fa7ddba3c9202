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

    __slots__ = ("_items", "_limit", "_reader", "called", "closed")

    def __init__(self, limit: int) -> None:
        assert limit > 0
        self._items: list[T] = []
        self._limit = limit
        self._reader: trio.lowlevel.Task | None = None
        self.closed = False
        self.called = False
        """Whether the reader was called and has not come yet."""

    def __len__(self) -> int:
        return len(self._items)

    def offer(self, item: T) -> bool:
        """Put an item at the end; False if it is full or closed, and then nothing has changed."""
        if not self.put(item):
            return False
        self._wake()
        return True

    def put(self, item: T) -> bool:
        """As `offer`, and let the reader sleep: whoever puts sees to it that it is called."""
        if self.closed or len(self._items) >= self._limit:
            return False
        self._items.append(item)
        return True

    def call(self) -> None:
        """Have the reader return from `wait_called`, now or when it comes to it."""
        self.called = True
        self._wake()

    def head(self, limit: int) -> list[T]:
        """The oldest items, up to a number; they stay."""
        return self._items[:limit]

    def drop(self, count: int) -> None:
        """Take the oldest items out."""
        del self._items[:count]

    def take_now(self, limit: int) -> list[T]:
        """Take up to `limit` items, without waiting."""
        run = self._items[:limit]
        del self._items[:limit]
        return run

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
            await self._sleep()
        return self.take_now(limit)

    async def wait_called(self) -> None:
        """Wait until the reader is called, or the mailbox is closed."""
        if not self.called and not self.closed:
            await self._sleep()
        self.called = False

    async def _sleep(self) -> None:
        assert self._reader is None, "a mailbox has one reader"
        self._reader = trio.lowlevel.current_task()

        def abort(_raise_cancel: object) -> trio.lowlevel.Abort:
            self._reader = None
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)

    def drain(self) -> list[T]:
        """Take everything at once, without waiting: the end of an actor."""
        items, self._items = self._items, []
        return items
