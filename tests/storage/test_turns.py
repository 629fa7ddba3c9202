"""The asyncio loop does all that is ready in one turn of trio, and lets others have theirs.

Source: storage/turns.py; design.md 10 (what a batch costs by itself).
"""

from collections.abc import AsyncGenerator, Callable
from typing import Any, cast

import pytest
import trio
import trio_asyncio

from comptoir.storage.turns import CALLBACKS_MAX, in_whole_turns


class Turns(trio.abc.Instrument):
    """Counts the turns of trio."""

    def __init__(self) -> None:
        self.count = 0

    def before_io_wait(self, timeout: float) -> None:
        """A turn has ended."""
        del timeout
        self.count += 1


@pytest.fixture
async def loop() -> AsyncGenerator[Any]:
    """A loop of trio-asyncio in whole turns."""
    async with cast(Any, trio_asyncio).open_loop() as opened:
        in_whole_turns(opened)
        await (
            trio.testing.wait_all_tasks_blocked()
        )  # it waits in the step that we have put around its own
        opened.call_soon(int)
        await trio.testing.wait_all_tasks_blocked()
        yield opened


async def _count_turns(act: Callable[[Callable[[], None]], None]) -> int:
    """How many turns pass until what is called at the end of an act has been."""
    ended = trio.Event()
    turns = Turns()
    trio.lowlevel.add_instrument(turns)
    try:
        act(ended.set)
        await ended.wait()
    finally:
        trio.lowlevel.remove_instrument(turns)
    return turns.count


async def test_what_is_ready_is_done_in_one_turn(loop: Any) -> None:
    """Callbacks in order, and those that they beget: one turn does them, the next wakes who waits."""
    done: list[str] = []

    def act(end: Callable[[], None]) -> None:
        def beget() -> None:
            done.append("begetter")
            loop.call_soon(done.append, "child")
            loop.call_soon(end)

        loop.call_soon(done.append, "first")
        loop.call_soon(beget)
        loop.call_soon(done.append, "last")

    assert await _count_turns(act) == 2
    assert done == ["first", "begetter", "last", "child"]


@pytest.mark.parametrize("begets", ["a callback", "a timer that is due", "both in turns"])
async def test_callbacks_that_beget_callbacks_hold_nobody_up(loop: Any, begets: str) -> None:
    """A chain without an end takes turns with everybody else, so many callbacks in each."""
    called = 0
    going = True

    def again() -> None:
        nonlocal called
        called += 1
        if going and (begets == "a callback" or (begets == "both in turns" and called % 3)):
            loop.call_soon(again)
        elif going:
            loop.call_later(0, again)

    loop.call_soon(again)
    seen: list[int] = []
    for _ in range(40):
        await trio.lowlevel.checkpoint()
        seen.append(called)
    going = False  # before anything is judged: the loop ends when nothing is ready
    await trio.testing.wait_all_tasks_blocked()
    assert all(count <= (turn + 2) * CALLBACKS_MAX for turn, count in enumerate(seen))
    assert seen[-1] > CALLBACKS_MAX


async def test_timers_ring_and_what_is_cancelled_is_not_called(loop: Any) -> None:
    """A timer is called when it is due, after what was ready before it; what was cancelled, never."""
    done: list[str] = []
    rung = trio.Event()
    loop.call_later(0.001, rung.set)
    loop.call_soon(done.append, "no").cancel()
    loop.call_later(0.0005, done.append, "no").cancel()
    loop.call_soon(done.append, "yes")
    await rung.wait()
    assert done == ["yes"]
