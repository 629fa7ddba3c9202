"""A one-shot result that one task waits for and anyone may give, once.

It exists because it is the cheapest honest way between two trio tasks: no lock, no event loop
call, no cancel scope of its own. Rule: giving is synchronous and never fails; whoever stopped
waiting (cancelled, past its deadline) simply does not hear.

Source: trio's manual, "Low-level blocking: wait_task_rescheduled".
"""

from typing import Generic, Protocol, TypeVar

import trio

from comptoir.engine.errors import EngineError

__all__ = ["Asker", "Waiter"]

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


class Asker(Protocol[T_contra]):
    """Whoever is to hear a result: a task that waits (`Waiter`), or an object that does not need one.

    Both calls return at once and raise nothing; they come from whoever made the result durable.
    """

    @property
    def done(self) -> bool:
        """It has heard, or no longer cares."""
        ...

    def give(self, value: T_contra, /) -> None:
        """Hear the result; a second one is ignored."""
        ...

    def fail(self, error: EngineError, /) -> None:
        """Hear an error instead."""
        ...


class Waiter(Generic[T]):
    """Give a value or an error; one task waits for it."""

    __slots__ = ("_error", "_task", "_value", "done")

    def __init__(self) -> None:
        self.done = False
        self._value: T | None = None
        self._error: Exception | None = None
        self._task: trio.lowlevel.Task | None = None

    def give(self, value: T) -> None:
        """Set the result; a second one is ignored, the first stands."""
        if not self.done:
            self.done = True
            self._value = value
            self._wake()

    def fail(self, error: Exception) -> None:
        """Set an error, raised in the waiting task."""
        if not self.done:
            self.done = True
            self._error = error
            self._wake()

    def _wake(self) -> None:
        if self._task is not None:
            task, self._task = self._task, None
            trio.lowlevel.reschedule(task)

    async def wait(self) -> T:
        """Return the value or raise the error; cancellation leaves the giver undisturbed."""
        if self.done:
            await trio.lowlevel.cancel_shielded_checkpoint()
        else:
            self._task = trio.lowlevel.current_task()

            def abort(_raise_cancel: object) -> trio.lowlevel.Abort:
                self._task = None
                return trio.lowlevel.Abort.SUCCEEDED

            await trio.lowlevel.wait_task_rescheduled(abort)
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]  # done without an error: give() set it
