"""What reviews add to the sums of their day: what people decide against what the rules recommended (S26)."""

from collections.abc import Iterator
from typing import Any

from comptoir.actors.onboarding_day.messages import CountReview
from comptoir.actors.review.state import ReviewDecided
from comptoir.engine import Decision, Message
from comptoir.engine.machine import Context

__all__ = ["tell"]


def tell(_state: object, decision: Decision[Any], _context: Context) -> Iterator[Message]:
    """One count per decision of a person."""
    for event in decision.events:
        if isinstance(event, ReviewDecided):
            yield CountReview(event.recommendation, event.approved, event.overdue)
