"""How long an asker waits: to the deadline, not less, and not for nothing.

Source: engine/deadlines.py; design.md 2 (`ask` has a deadline).
"""

import pytest
import trio
from trio.testing import MockClock

from comptoir.engine.deadlines import PERIOD_S, STANDSTILL_S, Deadlines
from comptoir.engine.engine import Engine
from comptoir.engine.errors import EngineError
from comptoir.engine.gateway_spec import GatewayBounds
from comptoir.engine.toys import Party, toy_parts
from comptoir.engine.waiter import Waiter
from comptoir.storage.testing import MemoryJournal

TIMEOUT_S = 10.0


class LateError(EngineError):
    """What those who waited too long hear."""


async def _waited(waiter: "Waiter[int]") -> float:
    began = trio.current_time()
    with pytest.raises(LateError):
        await waiter.wait()
    return trio.current_time() - began


async def test_an_asker_is_told_at_its_deadline(autojump_clock: MockClock) -> None:
    """Not before it, and at most two periods after it."""
    deadlines = Deadlines(TIMEOUT_S, LateError)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(deadlines.run)
        await trio.sleep(1)
        waiter: Waiter[int] = Waiter()
        deadlines.add(waiter)
        assert TIMEOUT_S <= await _waited(waiter) <= TIMEOUT_S + 2 * PERIOD_S + 1e-6
        nursery.cancel_scope.cancel()


async def test_a_standstill_is_no_time_to_answer_in(autojump_clock: MockClock) -> None:
    """S71: a daemon that was stopped for a minute gives those who ask next their whole time, and
    those who had asked what was left of theirs.
    """
    deadlines = Deadlines(TIMEOUT_S, LateError)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(deadlines.run)
        await trio.sleep(1)
        before: Waiter[int] = Waiter()
        deadlines.add(before)
        autojump_clock.jump(60)  # stopped, and continued
        after: Waiter[int] = Waiter()
        deadlines.add(after)
        assert await _waited(before) >= TIMEOUT_S - STANDSTILL_S
        assert after.done or await _waited(after) < PERIOD_S
        nursery.cancel_scope.cancel()


async def test_whoever_was_answered_is_left_alone(autojump_clock: MockClock) -> None:
    """An answer stands, and costs no room any longer than until the next asker."""
    deadlines = Deadlines(TIMEOUT_S, LateError)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(deadlines.run)
        first: Waiter[int] = Waiter()
        deadlines.add(first)
        first.give(7)
        deadlines.add(Waiter[int]())
        assert len(deadlines) == 1
        await trio.sleep(2 * TIMEOUT_S)
        assert await first.wait() == 7
        assert len(deadlines) == 0
        nursery.cancel_scope.cancel()


class Steps(trio.abc.Instrument):
    """Counts how often any task does something."""

    count = 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        """One."""
        del task
        self.count += 1


async def test_nobody_is_looked_after_while_nobody_waits(autojump_clock: MockClock) -> None:
    """S71: a daemon that has nothing to do does nothing; whoever asks after an hour of that has their whole time."""
    deadlines, steps = Deadlines(TIMEOUT_S, LateError), Steps()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(deadlines.run)
        await trio.sleep(1)
        trio.lowlevel.add_instrument(steps)
        await trio.sleep(3600)
        trio.lowlevel.remove_instrument(steps)
        assert steps.count <= 3, "ours, and none of the deadlines"
        waiter: Waiter[int] = Waiter()
        deadlines.add(waiter)
        assert TIMEOUT_S <= await _waited(waiter) <= TIMEOUT_S + 2 * PERIOD_S + 1e-6
        nursery.cancel_scope.cancel()


async def test_an_idle_engine_seldom_wakes_up(autojump_clock: MockClock) -> None:
    """S71: gateways that have parked nothing, and askers that are not there, wake nobody ten times a second."""
    steps = Steps()
    async with MemoryJournal.open() as journal:
        parts = toy_parts(journal, Party().gateway(GatewayBounds()))
        async with Engine(parts).running():
            await trio.sleep(10)
            trio.lowlevel.add_instrument(steps)
            await trio.sleep(600)
            trio.lowlevel.remove_instrument(steps)
    assert steps.count < 600 * 10, steps.count
