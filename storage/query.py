"""A query under way: a coroutine of asyncpg's, taken on as soon as what it waits for is there.

asyncio's own task would do it in five turns of the loop: it begins in one, goes on in another, and tells
two callbacks of its end in two more. On trio each turn passes through a channel, so that most of what a
small statement cost was its turns. Here it begins at once, and there is one turn for each answer.

The rule: leaving does not end a query, only `cancel` does; and then its owner decides when it is over,
as with a task. Source: PEP 492 and the docs of asyncio, "Futures" (what a coroutine of asyncio yields).
"""

from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar, cast

import trio

__all__ = ["Query"]

T = TypeVar("T")


class Query(Generic[T]):
    """Takes its first step when it is made; whoever likes waits for its end."""

    __slots__ = (
        "__weakref__", "_awaited", "_coroutine", "_error", "_on_end", "_soon", "_value", "_waiting", "ended",
    )  # fmt: skip

    def __init__(
        self,
        coroutine: Coroutine[Any, Any, T],
        soon: Callable[[Callable[[], None]], object],
        on_end: "Callable[[Query[Any]], None]",
    ) -> None:
        """Begin.

        Args:
            coroutine: one of asyncio's that needs no task around it: it sets no time-out.
            soon: has something called in the loop's next turn.
            on_end: hears of its end.
        """
        self._coroutine = coroutine
        self._soon = soon
        self._on_end = on_end
        self._awaited: Any = None
        """The future that it waits for."""
        self.ended = False
        """Whether there is an answer, or an error."""
        self._value: T | None = None
        self._error: BaseException | None = None
        self._waiting: list[trio.lowlevel.Task] = []
        self._step()

    def __repr__(self) -> str:
        return f"<Query {'ended' if self.ended else 'under way'}>"

    async def wait(self) -> T:
        """Wait for its end, and answer its value or raise its error."""
        if self.ended:
            await trio.lowlevel.checkpoint()
        else:
            task = trio.lowlevel.current_task()

            def leave(_raise_cancel: object) -> trio.lowlevel.Abort:
                self._waiting.remove(task)
                return trio.lowlevel.Abort.SUCCEEDED

            self._waiting.append(task)
            await trio.lowlevel.wait_task_rescheduled(leave)
        if self._error is not None:
            raise self._error
        return cast(T, self._value)

    def cancel(self) -> None:
        """Have it hear that it is cancelled where it waits."""
        if self._awaited is not None:
            self._awaited.cancel()

    def _step(self, _done: object = None) -> None:
        self._awaited = None
        try:
            awaited = self._coroutine.send(None)
        except StopIteration as end:
            self._value = end.value
            self._end()
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            self._error = error
            self._end()
        else:
            if awaited is None:  # a bare yield: to let others run
                self._soon(self._step)
                return
            self._awaited = awaited
            # As a task does, by asyncio's protocol of futures: it was awaited, not yielded.
            awaited._asyncio_future_blocking = False  # noqa: SLF001 - the protocol's name for it
            awaited.add_done_callback(self._step)

    def _end(self) -> None:
        self.ended = True
        self._on_end(self)
        waiting, self._waiting = self._waiting, []
        for task in waiting:
            trio.lowlevel.reschedule(task)
