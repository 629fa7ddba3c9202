"""What reviews add to the sums of their day: what people decide against what the rules recommended (S26), and of whom
screening had stopped that they were stopped wrongly (S27).

The rule: a file counts as stopped by screening when that was why it was held before its decision; a client who is
found on a list later is no file that waits, and is not counted.
"""

from collections.abc import Iterator
from typing import Any, Final

from comptoir.actors.onboarding_day.messages import CountReview
from comptoir.actors.review.state import ReviewDecided, ReviewState
from comptoir.engine import Decision, Message
from comptoir.engine.machine import Context

__all__ = ["STOPPED", "tell"]

STOPPED: Final = frozenset({"SANCTIONS_SUSPECTED", "SANCTIONS_CONFIRMED", "PEP", "ADVERSE_MEDIA"})
"""Reasons that are somebody's name on a list or in the media (X3)."""
LATER: Final = "NEW_HIT"
"""Found after the decision, by rescreening (E4)."""


def tell(state: ReviewState, decision: Decision[Any], _context: Context) -> Iterator[Message]:
    """One count per decision of a person."""
    for event in decision.events:
        if isinstance(event, ReviewDecided):
            screened = LATER not in state.reasons and not STOPPED.isdisjoint(state.reasons)
            yield CountReview(event.recommendation, event.approved, event.overdue, screened)
