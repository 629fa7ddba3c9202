"""What became of a payment, as a function of the set of what was said of it: whatever the order, however often.

The rules, first that applies:
1. what is said of another payment than was ordered, or of one that was never sent, is for a person: held;
2. money that came back is back, whatever was said before: returned;
3. paid and not paid contradict each other: held;
4. paid: completed; not paid (failed, expired): failed;
5. sent, and nobody knows: held; else it is under way.

Source: spec.md S46, S50, X26, X27; design.md 6.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from enum import Enum
from types import MappingProxyType
from typing import Final

from comptoir.actors.withdrawal.messages import (
    COMPLETED,
    EXPIRED,
    FAILED,
    MISMATCH,
    RETURNED,
    UNKNOWN,
)

__all__ = ["HISTORY_MAX", "Phase", "outcome_of", "status_of"]

HISTORY_MAX = 32
"""Steps remembered of one withdrawal: more than its states; whoever repeats contradictions adds none."""


class Phase(Enum):
    """How far a withdrawal is."""

    NONE = "none"
    PENDING = "pending"
    CANCELLED = "cancelled"
    QUEUED = "queued"
    """It waits in a batch that is not closed."""
    INITIATING = "initiating"
    """The order is on its way to whoever pays."""
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    RETURNED = "returned"
    HELD = "held"
    """A person has to find out what is true; the points stay blocked."""


_STATUSES: Final[Mapping[Phase, Phase]] = MappingProxyType(
    {Phase.INITIATING: Phase.PROCESSING, Phase.QUEUED: Phase.PENDING}
)


def outcome_of(before: Phase, reports: AbstractSet[str]) -> Phase:
    """Where a payment stands.

    Args:
        before: the phase in which nothing has been said.
        reports: all that was ever said of it.
    """
    paid, unpaid = COMPLETED in reports, FAILED in reports or EXPIRED in reports
    if MISMATCH in reports:
        return Phase.HELD
    if RETURNED in reports:
        return Phase.RETURNED
    if paid and unpaid:
        return Phase.HELD
    if paid:
        return Phase.COMPLETED
    if unpaid:
        return Phase.FAILED
    return Phase.HELD if UNKNOWN in reports else before


def status_of(phase: Phase) -> str:
    """The word of S46 and X26."""
    return _STATUSES.get(phase, phase).value
