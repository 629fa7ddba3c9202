"""What files add to the sums of their day: how long they were in a stage and for whom it waited, who gave up and
where, and what had to be sent again (S39, E17).

The rule: a stage is counted when it is left, on the day on which it is, by its time in business hours and nights
alike, since a client waits through both.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from comptoir.actors.onboarding.machine import (
    DocumentRefused,
    OnboardingExpired,
    OnboardingInitiated,
)
from comptoir.actors.onboarding.state import OnboardingState
from comptoir.actors.onboarding_day.messages import (
    TO_ACCOUNT,
    WHOLE,
    CountFate,
    CountStage,
    Waits,
)
from comptoir.engine import Decision, Message
from comptoir.engine.machine import Context

__all__ = ["WAITS", "tell"]

WAITS: Final[Mapping[str, Waits]] = {
    "INITIATED": "client",
    "DOCUMENTS_PENDING": "client",
    "DOCUMENTS_UPLOADED": "provider",
    "KYC_PENDING": "provider",
    "COMPLIANCE_HOLD": "compliance",
    "KYC_APPROVED": "provider",
    "SIGNATURE_PENDING": "client",
    "SIGNED": "advisor",
    "ACCOUNT_CREATION_PENDING": "mainframe",
    "INCOMPLETE": "client",
}
"""Whom a file waits for in each stage that is left again (S13, S14)."""
OUTCOMES: Final = frozenset({"KYC_APPROVED", "KYC_REJECTED"})
NEWBORN: Final = "NONE"
ABANDONED: Final = "INCOMPLETE"
COMPLETED: Final = "COMPLETED"
REFUSALS: Final = ("approval_refused", "account_refused")
"""Causes of files that nobody has abandoned: somebody said no."""


def tell(state: OnboardingState, decision: Decision[Any], context: Context) -> Iterator[Message]:
    """What one decision of a file adds."""
    after: OnboardingState = decision.state
    was, becomes = state.phase.value, after.phase.value
    if was not in (becomes, NEWBORN):
        since = state.history[-1].at if state.history else state.created_at
        yield CountStage(was, WAITS[was], context.now - since)
        if becomes in OUTCOMES:
            yield CountFate("decided")
            yield CountStage(WHOLE, "all", context.now - state.created_at)
        if becomes == COMPLETED:
            yield CountFate("completed")
            yield CountStage(TO_ACCOUNT, "all", context.now - state.created_at)
        if becomes == ABANDONED and after.cause in REFUSALS:
            yield CountFate("refused", was)
        if was == ABANDONED and state.cause not in REFUSALS:
            yield CountFate("resumed")
    for event in decision.events:
        if isinstance(event, OnboardingInitiated):
            yield CountFate("begun")
        elif isinstance(event, OnboardingExpired):
            yield CountFate("abandoned", was)
        elif isinstance(event, DocumentRefused):
            yield CountFate("corrected", event.code)
