"""A series of public numbers.

Source: spec.md S9; design.md 4.
"""

from comptoir.actors.numbering.machine import MACHINE, NumberingState, Phase
from comptoir.actors.numbering.messages import DrawNumber, NumberDrawn
from comptoir.engine import Address, Decision
from comptoir.engine.boot import memory_engine
from comptoir.engine.machine import Context

SERIES = Address("numbering", "ONB-2026")


def test_numbers_rise_by_one_and_are_given_once() -> None:
    """S9: the first is 1; each is bound to who asked for it."""
    state = NumberingState(Phase.COUNTING)
    drawn: list[object] = []
    for reference in ("a", "b", "c"):
        found = MACHINE.decide(state, DrawNumber(reference), Context(SERIES, 0, state.last))
        assert isinstance(found, Decision)
        assert found.once[0].key == f"numbering:{reference}"
        state = found.state
        drawn.append(found.reply)
    assert drawn == [NumberDrawn(1), NumberDrawn(2), NumberDrawn(3)]


async def test_the_same_request_gets_the_same_number() -> None:
    """S9, interface.md 1: a request that is run again under its key draws no second one."""
    async with memory_engine() as engine:
        asked = ["a", "b", "a", "c", "b"]
        replies = [(await engine.ask(SERIES, DrawNumber(one))).reply for one in asked]
    assert replies == [NumberDrawn(n) for n in (1, 2, 1, 3, 2)]
