"""The machine of a series of public numbers: counted up by one for each that is asked for.

Rules:
- a number is given once, to one reference; whoever asks again under the same gets it again;
- one that was drawn and not used, because whoever asked died, is a gap, and stays one.

Source: spec.md S9; design.md 4 (public numbers).
"""

from enum import Enum
from typing import Final

import msgspec

from comptoir.actors.numbering.messages import KIND, DrawNumber, NumberDrawn
from comptoir.engine import Decision, Event, Once, Reply, State
from comptoir.engine.machine import Context, Machine, row

__all__ = ["MACHINE", "REPLIES", "NumberingState", "NumberingStep", "Phase"]

REMEMBERED_MS: Final = 86_400_000
"""As long as a request is remembered under its Idempotency-Key (interface.md 1)."""


class Phase(Enum):
    """There is one."""

    COUNTING = "counting"


class NumberingState(State, frozen=True):
    """How far it is."""

    phase: Phase
    last: int = 0


class NumberingStep(Event, frozen=True):
    """A number was given out."""

    number: int


def _draw(
    state: NumberingState, message: DrawNumber, _context: Context
) -> Decision[NumberingState]:
    number = state.last + 1
    return Decision(
        msgspec.structs.replace(state, last=number),
        NumberDrawn(number),
        events=(NumberingStep(number),),
        once=(Once("idempotency", f"{KIND}:{message.reference}", REMEMBERED_MS),),
    )


MACHINE: Machine[NumberingState] = Machine(
    KIND,
    phases=Phase,
    messages=(DrawNumber,),
    rows=(row(Phase.COUNTING, DrawNumber, _draw, Phase.COUNTING),),
)

REPLIES: tuple[type[Reply], ...] = (NumberDrawn,)
