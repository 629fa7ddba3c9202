"""Mailboxes and waiters: bounded, in order, safe against cancellation (design.md 2)."""

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from comptoir.engine.deadlines import PERIOD_S, Deadlines
from comptoir.engine.errors import AskTimeout
from comptoir.engine.mailbox import Mailbox
from comptoir.engine.waiter import Waiter


async def test_full_mailbox_refuses_and_changes_nothing(autojump_clock: MockClock) -> None:
    """A full mailbox says False at once; what is in it stays, in order."""
    box: Mailbox[int] = Mailbox(3)
    assert [box.offer(n) for n in range(5)] == [True, True, True, False, False]
    assert len(box) == 3
    assert await box.take(2) == [0, 1]
    assert box.offer(9)
    assert await box.take(10) == [2, 9]


async def test_reader_waits_and_is_woken_once(autojump_clock: MockClock) -> None:
    """A waiting reader gets everything that came until it runs, as one run."""
    box: Mailbox[str] = Mailbox(8)
    got: list[list[str]] = []

    async def read() -> None:
        got.append(await box.take(8))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        await wait_all_tasks_blocked()
        assert not got
        box.offer("a")
        box.offer("b")
    assert got == [["a", "b"]]


async def test_cancelled_reader_takes_nothing(autojump_clock: MockClock) -> None:
    """A reader that is cancelled while waiting leaves the mailbox as it was."""
    box: Mailbox[int] = Mailbox(2)
    with trio.move_on_after(1) as scope:
        await box.take(1)
    assert scope.cancelled_caught
    assert box.offer(1)
    assert await box.take(1) == [1]


async def test_woken_reader_that_is_then_cancelled_loses_nothing(autojump_clock: MockClock) -> None:
    """Waking and cancelling at the same moment: the item is in the run or still in the mailbox."""
    box: Mailbox[int] = Mailbox(2)
    got: list[int] = []

    async def read(scope: trio.CancelScope) -> None:
        with scope:
            got.extend(await box.take(1))

    async with trio.open_nursery() as nursery:
        scope = trio.CancelScope()
        nursery.start_soon(read, scope)
        await wait_all_tasks_blocked()
        box.offer(7)
        scope.cancel()
    assert sorted((*got, *box.drain())) == [7]


async def test_closed_mailbox_gives_what_is_left_and_then_nothing(
    autojump_clock: MockClock,
) -> None:
    """After closing nothing is taken in; the reader gets the rest, then an empty run."""
    box: Mailbox[int] = Mailbox(4)
    box.offer(1)
    box.close()
    assert not box.offer(2)
    assert await box.take(4) == [1]
    assert await box.take(4) == []


async def test_closing_wakes_the_reader(autojump_clock: MockClock) -> None:
    """A reader that waits on an empty mailbox is told of its end."""
    box: Mailbox[int] = Mailbox(4)
    async with trio.open_nursery() as nursery:

        async def close() -> None:
            await wait_all_tasks_blocked()
            box.close()

        nursery.start_soon(close)
        assert await box.take(4) == []


@given(st.integers(1, 5), st.lists(st.integers(0, 4), max_size=40))
def test_mailbox_is_a_bounded_queue(limit: int, steps: list[int]) -> None:
    """0 offers, n > 0 takes up to n: as a list with a length does (the outside oracle)."""

    async def play() -> None:
        box: Mailbox[int] = Mailbox(limit)
        model: list[int] = []
        for index, step in enumerate(steps):
            if step == 0:
                taken = box.offer(index)
                assert taken == (len(model) < limit)
                model += [index] * taken
            elif model:
                assert await box.take(step) == model[:step]
                del model[:step]
            assert len(box) == len(model)
        assert box.drain() == model
        assert len(box) == 0

    trio.run(play)


async def test_waiter_gives_what_came_first(autojump_clock: MockClock) -> None:
    """The first result stands; later ones, good or bad, are ignored."""
    waiter: Waiter[int] = Waiter()
    waiter.give(1)
    waiter.give(2)
    waiter.fail(ValueError("late"))
    assert await waiter.wait() == 1


async def test_waiter_raises_its_error_in_the_waiting_task(autojump_clock: MockClock) -> None:
    """An error is raised where it is waited for."""
    waiter: Waiter[int] = Waiter()

    async def fail() -> None:
        await wait_all_tasks_blocked()
        waiter.fail(LookupError("no"))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(fail)
        with pytest.raises(LookupError):
            await waiter.wait()


async def test_giving_to_who_left_disturbs_nobody(autojump_clock: MockClock) -> None:
    """A waiter whose task was cancelled takes the result in silence."""
    waiter: Waiter[int] = Waiter()
    with trio.move_on_after(1):
        await waiter.wait()
    waiter.give(3)
    await trio.lowlevel.checkpoint()
    assert await waiter.wait() == 3


async def test_result_that_came_before_the_cancellation_is_heard(autojump_clock: MockClock) -> None:
    """Giving and then cancelling in one step: the result is not lost."""
    waiter: Waiter[int] = Waiter()
    got: list[int] = []

    async def wait(scope: trio.CancelScope) -> None:
        with scope:
            got.append(await waiter.wait())

    async with trio.open_nursery() as nursery:
        scope = trio.CancelScope()
        nursery.start_soon(wait, scope)
        await wait_all_tasks_blocked()
        waiter.give(5)
        scope.cancel()
    assert got == [5]


async def test_deadlines_fail_who_is_late_and_only_those(autojump_clock: MockClock) -> None:
    """A waiter is failed within a period after its time, never before; done ones are let go."""
    deadlines = Deadlines(2.0, lambda: AskTimeout("late"))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(deadlines.run)
        await wait_all_tasks_blocked()
        late, timely = Waiter[int](), Waiter[int]()
        began = trio.current_time()
        deadlines.add(late)
        deadlines.add(timely)
        await trio.sleep(1.0)
        timely.give(1)
        with pytest.raises(AskTimeout):
            await late.wait()
        waited = trio.current_time() - began
        assert 2.0 <= waited <= 2.0 + 3 * PERIOD_S
        assert await timely.wait() == 1
        await trio.sleep(1.0)
        assert len(deadlines) == 0
        nursery.cancel_scope.cancel()
