"""What a file knows, and how its status and its documents change.

Source: spec.md S12 to S16; X6.
"""

from collections.abc import Mapping
from enum import Enum

import msgspec

from comptoir.actors.onboarding.messages import (
    ClientInfo,
    Document,
    KycShown,
    Move,
    Opened,
    Said,
    Submitted,
)
from comptoir.actors.onboarding.onward_messages import Onward
from comptoir.engine import State

__all__ = ["OnboardingState", "Phase", "find", "moved", "with_document"]


class Phase(Enum):
    """ADR-001's words (S13, S14)."""

    NONE = "NONE"
    INITIATED = "INITIATED"
    DOCUMENTS_PENDING = "DOCUMENTS_PENDING"
    DOCUMENTS_UPLOADED = "DOCUMENTS_UPLOADED"
    """All that is needed is accepted, and another document is still being looked at."""
    KYC_PENDING = "KYC_PENDING"
    KYC_APPROVED = "KYC_APPROVED"
    COMPLIANCE_HOLD = "COMPLIANCE_HOLD"
    KYC_REJECTED = "KYC_REJECTED"
    SIGNATURE_PENDING = "SIGNATURE_PENDING"
    SIGNED = "SIGNED"
    """It waits for the last word of an advisor (X5)."""
    ACCOUNT_CREATION_PENDING = "ACCOUNT_CREATION_PENDING"
    COMPLETED = "COMPLETED"
    INCOMPLETE = "INCOMPLETE"


class OnboardingState(State, frozen=True):
    """Sealed as a whole at rest, by the file's own key."""

    phase: Phase
    opened: Opened | None = None
    client: ClientInfo | None = None
    documents: tuple[Document, ...] = ()
    history: tuple[Move, ...] = ()
    created_at: int = 0
    expires_at: int = 0
    """Last moment for its documents: business time, ms."""
    updated_at: int = 0
    said: Mapping[str, tuple[Said, ...]] = {}
    """The profile: what each source says of each field (profile.py)."""
    version: int = 0
    """Of the profile."""
    submissions: tuple[Submitted, ...] = ()
    resumed: int = 0
    """How often it has gone on after it was INCOMPLETE."""
    cause: str = ""
    """Why it is INCOMPLETE."""
    forgotten: bool = False
    """Its time is over, or its client wanted it gone: nothing of them is left in it (keeping.py)."""
    asked_again: int = 0
    """How many documents had to be sent again: what was found in them, not that they had not come (S39)."""
    relation_ended_at: int = 0
    """When its client, who had an account, was a client no longer: business time, ms; 0: they are one, or never were."""
    round: int = 0
    """How often its client has been assessed."""
    kyc: KycShown | None = None
    """What the last assessment came to."""
    onward: Onward = Onward()
    """What it has behind the decision: signature, approval, account."""


def find(state: OnboardingState, document_id: str) -> Document | None:
    """A document by its id."""
    return next((one for one in state.documents if one.id == document_id), None)


def with_document(state: OnboardingState, document: Document, now: int) -> OnboardingState:
    """With this one, in the place of the one that had its id, or as the last."""
    others = tuple(document if one.id == document.id else one for one in state.documents)
    documents = others if find(state, document.id) else (*others, document)
    return msgspec.structs.replace(state, documents=documents, updated_at=now)


def moved(state: OnboardingState, to: Phase, move: tuple[str, str], now: int) -> OnboardingState:
    """In another phase, with its line of history; in the same one as it was.

    Args:
        state: before.
        to: the phase.
        move: the event's name, and who did it.
        now: business time, ms.
    """
    if state.phase is to:
        return state
    event, actor = move
    line = Move(state.phase.value, to.value, event, actor, now)
    return msgspec.structs.replace(state, phase=to, history=(*state.history, line), updated_at=now)
