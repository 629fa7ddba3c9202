"""A trio run as a function of one seed, and a process that can be stopped: trio's private names.

Rule: every private name of trio that the simulation leans on is in this module, which works with one
release of trio only and says so. Three things make a run repeat:

- trio shuffles what is runnable with its own `_r`; seeded, and with tasks sorted before the shuffle
  (`_ALLOW_DETERMINISTIC_SCHEDULING`), the order is the seed's. Hash order then leaks nowhere: sets of
  tasks and of cancel scopes (by address in memory) are walked only to make tasks runnable, which
  are sorted again; deadlines that tie do nothing but that either.
- time is a `MockClock` that jumps to the next deadline, so nothing waits for a real clock;
- the cyclic garbage collector is off during a run: what it would finalise, it would at any moment.

A run is some 6,400 rounds of trio's loop, and the loop is most of what it computes. So what such a run never has is
not asked for in each round: sockets (`_Quiet`), instruments, and how much real time has passed (`_still_clock`).

A stopped process (SIGSTOP) is a task whose whole tree does not run: what becomes runnable below it is
put on ice until it goes on. Its deadlines expire meanwhile, as a real one's do.
Source: design.md 8; trio 0.35, `trio/_core/_run.py` (unrolled_run, reschedule).
"""

# pyright: reportPrivateUsage=false
# The one module for trio's private names: see above.

import gc
import math
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final

import trio
from trio._core import _run
from trio.testing import MockClock

__all__ = ["Freezer", "TrioUnknown", "run_seeded"]

TRIO: Final = "0.35."
ROUNDS_UNHEARD: Final = 64
"""Rounds of the loop between two looks at what signals and threads have to say: Ctrl-C is heard within one step's time."""


class TrioUnknown(Exception):
    """Another release of trio: read this module against its source first."""


class Freezer(deque[Any]):
    """trio's queue of runnable tasks, in which whole trees of tasks can be put on ice."""

    def __init__(self, tasks: Iterable[Any] = ()) -> None:
        super().__init__(tasks)
        self._ice: list[Any] = []
        self._roots: list[Any] = []

    def _append(self, task: Any, /) -> None:
        """Make a task runnable, or put it on ice."""
        if self._frozen(task):
            self._ice.append(task)
        else:
            super().append(task)

    def freeze(self, root: Any) -> None:
        """Nothing below this task runs from now on, but for the step that is being taken."""
        self._roots.append(root)
        self._sort_again()

    def thaw(self, root: Any) -> None:
        """It goes on."""
        if root in self._roots:
            self._roots.remove(root)
            self._sort_again()

    def _sort_again(self) -> None:
        # In place of deque's own only while something is frozen: every step of a run comes by here.
        self.__dict__.pop("append", None)
        if self._roots:
            self.__dict__["append"] = self._append
        tasks = [*self, *self._ice]
        self.clear()
        self._ice.clear()
        for task in tasks:
            self.append(task)

    def _frozen(self, task: Any) -> bool:
        while task is not None:
            if task in self._roots:
                return True
            nursery = task.parent_nursery
            task = None if nursery is None else nursery.parent_task
        return False


class _Quiet:
    """trio's epoll where nobody waits for a socket: what signals and threads say is heard now and then."""

    def __init__(self, manager: Any) -> None:
        self._manager = manager
        self._rounds = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._manager, name)

    def get_events(self, timeout: float) -> Sequence[Any]:
        """Ask the system every so many rounds, or if the loop is to wait: which it never is."""
        self._rounds += 1
        if timeout or not self._rounds % ROUNDS_UNHEARD:
            heard: Sequence[Any] = self._manager.get_events(timeout)
            return heard
        return ()


def _still_clock() -> MockClock:
    """A clock that moves by jumps alone: at its rate, which is 0, nothing of the real time counts."""
    clock = MockClock(autojump_threshold=0)
    still: Any = clock
    assert clock.rate == 0

    def current_time() -> float:
        now: float = still._virtual_base
        return now

    def autojump() -> None:
        seconds = private.GLOBAL_RUN_CONTEXT.runner.deadlines.next_deadline() - still._virtual_base
        if 0 < seconds < math.inf:
            still._virtual_base += seconds

    private: Any = _run
    still.current_time = current_time
    still._autojump = autojump
    return clock


def run_seeded(seed: int, play: Callable[[Freezer], Awaitable[None]]) -> None:
    """Run `play(freezer)` to its end in virtual time; everything follows from the seed.

    Raises:
        TrioUnknown: not the release that this was written for.
    """
    if not trio.__version__.startswith(TRIO):
        raise TrioUnknown(f"trio {trio.__version__}, not {TRIO}x")
    private: Any = _run
    before = (private._ALLOW_DETERMINISTIC_SCHEDULING, private._r.getstate())
    collected = gc.isenabled()

    async def main() -> None:
        runner: Any = private.GLOBAL_RUN_CONTEXT.runner
        runner.runq = freezer = Freezer(runner.runq)
        runner.io_manager = _Quiet(runner.io_manager)
        # There is none: a look into a dict in place of trio's kind, whose `in` is a function of Python's.
        runner.instruments = dict(runner.instruments)
        await play(freezer)

    private._ALLOW_DETERMINISTIC_SCHEDULING = True
    private._r.seed(seed)
    gc.disable()
    try:
        trio.run(main, clock=_still_clock())
    finally:
        private._ALLOW_DETERMINISTIC_SCHEDULING = before[0]
        private._r.setstate(before[1])
        if collected:
            gc.enable()
