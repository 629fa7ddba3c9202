"""The machine of a series: it counts.

Rule: a number is given once, and is durable before anybody hears of it; a request that came to nothing leaves
a gap. A series is as long as its name lives: a withdrawal's is one day's (S56).

Source: spec.md S56; design.md 4.
"""

from enum import Enum

from comptoir.actors.numbering.messages import KIND, DrawNumber, NumberDrawn
from comptoir.engine import Decision, Event, Reply, State
from comptoir.engine.machine import Context, Machine, row

__all__ = ["MACHINE", "REPLIES", "NumberGiven", "NumberingState"]


class Phase(Enum):
    """Whether it ever gave one."""

    UNUSED = "unused"
    COUNTING = "counting"


class NumberingState(State, frozen=True):
    """How many were given."""

    phase: Phase
    given: int = 0


class NumberGiven(Event, frozen=True):
    """A number was given."""

    number: int


def _draw(
    state: NumberingState, _message: DrawNumber, _context: Context
) -> Decision[NumberingState]:
    number = state.given + 1
    counted = NumberingState(Phase.COUNTING, number)
    return Decision(counted, NumberDrawn(number), events=(NumberGiven(number),))


MACHINE: Machine[NumberingState] = Machine(
    KIND,
    phases=Phase,
    messages=(DrawNumber,),
    rows=(
        row(Phase.UNUSED, DrawNumber, _draw, Phase.COUNTING),
        row(Phase.COUNTING, DrawNumber, _draw, Phase.COUNTING),
    ),
)

REPLIES: tuple[type[Reply], ...] = (NumberDrawn,)
