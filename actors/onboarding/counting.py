"""What files add to the sums of their day: how long they were in a stage and for whom it waited, who gave up and
where, and what had to be sent again (S39, E17).

The rules:
- a stage is counted when it is left, on the day on which it is, by its time in business hours and
  nights alike, since a client waits through both;
- a file has an entry error when, as it is whole for the first time, something of it had to be sent again, a document
  says another thing than was declared (what of it counts is configured, `onboarding.differences_counted`), or somebody contests what a partner attested.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from comptoir.actors.onboarding.differing import compared
from comptoir.actors.onboarding.machine import (
    DocumentRefused,
    OnboardingExpired,
    OnboardingInitiated,
)
from comptoir.actors.onboarding.people import contests_of
from comptoir.actors.onboarding.state import OnboardingState
from comptoir.actors.onboarding.terms import OnboardingTerms, terms_of
from comptoir.actors.onboarding_day.messages import (
    TO_ACCOUNT,
    WHOLE,
    WHOLE_ALONE,
    WHOLE_REVIEWED,
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
HELD: Final = "COMPLIANCE_HOLD"
APPROVED: Final = "KYC_APPROVED"
ENTERED: Final = "DOCUMENTS_UPLOADED"
DIFFERS: Final = "DATA_INCONSISTENT"
"""A document says another thing than was declared (S20)."""
REFUSALS: Final = ("approval_refused", "account_refused")
"""Causes of files that nobody has abandoned: somebody said no."""


def tell(state: OnboardingState, decision: Decision[Any], context: Context) -> Iterator[Message]:
    """What one decision of a file adds."""
    after: OnboardingState = decision.state
    was = state.phase.value
    if was not in (after.phase.value, NEWBORN):
        since = state.history[-1].at if state.history else state.created_at
        yield CountStage(was, WAITS[was], context.now - since)
        yield from _reached(state, after, context.now - state.created_at)
        if was == ABANDONED and state.cause not in REFUSALS:
            yield CountFate("resumed")
    if _entered(after) and not _entered(state):
        yield CountFate("entered")
        if _mistaken(after, terms_of(context)):
            yield CountFate("mistaken")
    for event in decision.events:
        if isinstance(event, OnboardingInitiated):
            yield CountFate("begun")
        elif isinstance(event, OnboardingExpired):
            yield CountFate("abandoned", was)
        elif isinstance(event, DocumentRefused):
            yield CountFate("corrected", event.code)


def _reached(state: OnboardingState, after: OnboardingState, whole: int) -> Iterator[Message]:
    """What has become of a file that has left its stage; `whole`: since its beginning, ms."""
    was, becomes = state.phase.value, after.phase.value
    if becomes in OUTCOMES:
        yield CountFate("decided")
        yield CountStage(WHOLE, "all", whole)
        if HELD in (was, *(line.after for line in state.history)):
            yield CountStage(WHOLE_REVIEWED, "all", whole)
        elif becomes == APPROVED:
            yield CountStage(WHOLE_ALONE, "all", whole)
    if becomes == COMPLETED:
        yield CountFate("completed")
        yield CountStage(TO_ACCOUNT, "all", whole)
    if becomes == ABANDONED and after.cause in REFUSALS:
        yield CountFate("refused", was)


def _entered(state: OnboardingState) -> bool:
    """Whether it has ever been whole."""
    return any(line.after == ENTERED for line in state.history)


def _mistaken(state: OnboardingState, terms: OnboardingTerms) -> bool:
    codes = {DIFFERS, *terms.differences}
    differs = any(not codes.isdisjoint(one.reasons) for one in compared(state))
    return bool(state.asked_again) or differs or bool(contests_of(state))
