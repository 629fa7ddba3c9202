"""The machine that sums up one day of onboarding.

Rules:
- whoever decides about a file says so with that very decision, so that it is counted once, whatever dies in between,
  and a restart loses nothing;
- what is counted belongs to the day on which it happened, in UTC, also where the message comes after midnight;
- what is shown is a document, so that whoever reads a month asks no actor.

Source: spec.md S26, S27, S39, E17; design.md 2; adr/0048.
"""

from enum import Enum
from typing import cast

import msgspec

from comptoir.actors.onboarding_day.adding import Countable, added, sums_of
from comptoir.actors.onboarding_day.messages import (
    COLLECTION,
    KIND,
    CountCalls,
    CountCase,
    CountFate,
    CountReview,
    CountStage,
    Sums,
)
from comptoir.engine import Decision, Message, Put, Reply, State
from comptoir.engine.machine import Context, Machine, row

__all__ = ["MACHINE", "REPLIES", "DayState", "Phase"]


class Phase(Enum):
    """Whether anything ever happened on it."""

    EMPTY = "empty"
    KEPT = "kept"


class DayState(State, frozen=True):
    """The sums."""

    phase: Phase
    sums: Sums = Sums()


def _count(state: DayState, message: Message, context: Context) -> Decision[DayState]:
    sums = added(state.sums, sums_of(cast("Countable", message)))
    shown = Put(COLLECTION, context.address.key, msgspec.to_builtins(sums))
    return Decision(DayState(Phase.KEPT, sums), documents=(shown,))


_ALL = (CountStage, CountFate, CountCase, CountReview, CountCalls)

MACHINE: Machine[DayState] = Machine(
    KIND,
    phases=Phase,
    messages=_ALL,
    rows=tuple(row(phase, one, _count, Phase.KEPT) for phase in Phase for one in _ALL),
)

REPLIES: tuple[type[Reply], ...] = ()
