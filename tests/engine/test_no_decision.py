"""A machine that answers what is no decision: a bug that its actor alone must bear."""

from collections.abc import Callable
from typing import Any

import pytest
from trio.testing import MockClock

from comptoir.engine.engine import Engine
from comptoir.engine.errors import Failed
from comptoir.engine.spec import Bounds, BreakerBounds, Intensity
from comptoir.engine.toys import Do, Send, Toy, toy_parts, toy_spec
from comptoir.engine.values import Address
from comptoir.storage.testing import MemoryJournal, MemoryTables

StateOf = Callable[[MemoryTables, Address], Toy]

A = Address("toy", "a")
B = Address("toy", "b")
CALM = Bounds(intensity=Intensity(1000), breaker=BreakerBounds(1000))


async def test_what_is_no_decision_is_a_crash_of_its_actor_alone(
    autojump_clock: MockClock, state_of: StateOf
) -> None:
    """Design.md 5: a machine that forgets a branch and answers nothing hurts neither who asks another
    actor nor the journal that hands its rows over.
    """
    tables = MemoryTables()
    spec = toy_spec(bounds=CALM)
    decide = spec.machine.decide

    def forgetful(state: Any, message: Any, context: Any) -> Any:
        return None if message.label == "forgotten" else decide(state, message, context)

    spec.machine.decide = forgetful  # type: ignore[method-assign]  # the bug is planted
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal, actors=(spec,))).running() as engine,
    ):
        await engine.ask(B, Do("wake up"))
        with pytest.raises(Failed):
            await engine.ask(B, Do("forgotten"))
        await engine.ask(A, Do("sends", send=(Send("toy", "b", Do("forgotten")),)))
        await engine.ask(A, Do("sends", send=(Send("toy", "b", Do("good", add=3)),)))
        assert await engine.quiesce(5)
        figures = engine.statistics()
        assert (figures.journal.crashes_total, figures.delivery.stranded_total) == (0, 0)
        assert figures.delivery.held == 0
    assert state_of(tables, B).total == 3
    assert [row.kind for row in tables.messages.values()] == ["dead", "dead"]
