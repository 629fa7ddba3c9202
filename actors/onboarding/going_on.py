"""How a file goes on of which nothing is missing: whatever was the last thing, it ends here.

Source: spec.md S5, S13, S17; docs/onboarding.md.
"""

from typing import Final

import msgspec

from comptoir.actors.onboarding.assessing import begin
from comptoir.actors.onboarding.completing import (
    EXPIRY,
    REMINDER,
    DocumentsUploaded,
    lacking,
    unaccepted,
)
from comptoir.actors.onboarding.state import OnboardingState, Phase, moved
from comptoir.actors.onboarding.terms import terms_of
from comptoir.engine import Decision, Event
from comptoir.engine.machine import Context

__all__ = ["ON", "whole"]

ON: Final = (Phase.DOCUMENTS_UPLOADED, Phase.KYC_PENDING)
"""Where a file goes on to that has all that it needs: to be assessed, as soon as nothing is being looked at."""


def whole(
    state: OnboardingState, events: tuple[Event, ...], context: Context
) -> Decision[OnboardingState]:
    """Go on, if the file waits and nothing of it is missing; else stay, with these events."""
    terms = terms_of(context)
    waits = state.phase is Phase.DOCUMENTS_PENDING
    if not waits or unaccepted(state, terms) or lacking(state, terms):
        return Decision(state, events=events)
    move = ("DOCUMENTS_UPLOADED", "client")
    uploaded = moved(state, Phase.DOCUMENTS_UPLOADED, move, context.now)
    goes_on = begin(uploaded, (*events, DocumentsUploaded()), context)
    return msgspec.structs.replace(goes_on, cancel=(EXPIRY, REMINDER))
