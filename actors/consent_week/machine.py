"""The machine that counts the consents of one week, by provider and by what became of them.

Rules:
- a consent is counted in one week: that in which it is to end, and once it has ended, that in which it did;
- its connection says so with the very decision that changes it, so that it is counted once, whatever dies in
  between; from one week to another it goes by two messages, and is in both or in neither for that moment;
- a connection that was imported has no consent, and is counted by itself until a link gives it one: nobody reads it,
  and whoever operates the daemon is to see that (E6);
- what is shown is a document, so that whoever reads a quarter asks no actor.

Source: spec.md X20, E6, E10; design.md 2.
"""

from collections.abc import Mapping
from enum import Enum

import msgspec

from comptoir.actors.consent_week.messages import COLLECTION, KIND, Became, CountConsent
from comptoir.engine import Decision, Put, Reply, State
from comptoir.engine.machine import Context, Machine, row

__all__ = ["MACHINE", "REPLIES", "Phase", "WeekState"]


class Phase(Enum):
    """Whether any consent was ever of this week."""

    EMPTY = "empty"
    KEPT = "kept"


class WeekState(State, frozen=True):
    """The counts."""

    phase: Phase
    counts: Mapping[str, Mapping[str, int]] = {}
    """Provider -> what became of them -> how many."""


def _count(state: WeekState, message: CountConsent, context: Context) -> Decision[WeekState]:
    of_provider = dict.fromkeys((one.value for one in Became), 0)
    of_provider |= state.counts.get(message.provider, {})
    for became, change in ((message.left, -1), (message.joined, 1)):
        if became is not None:
            of_provider[became.value] += change
    counts = {**state.counts, message.provider: of_provider}
    shown = Put(COLLECTION, context.address.key, {message.provider: of_provider})
    kept = msgspec.structs.replace(state, phase=Phase.KEPT, counts=counts)
    return Decision(kept, documents=(shown,))


MACHINE: Machine[WeekState] = Machine(
    KIND,
    phases=Phase,
    messages=(CountConsent,),
    rows=(
        row(Phase.EMPTY, CountConsent, _count, Phase.KEPT),
        row(Phase.KEPT, CountConsent, _count, Phase.KEPT),
    ),
)

REPLIES: tuple[type[Reply], ...] = ()
