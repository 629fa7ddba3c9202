"""What a review remembers, and what has happened to it.

Source: spec.md S7, S11, S27, X4, X5, X31.
"""

from enum import Enum

import msgspec

from comptoir.actors.review.messages import Note, ReviewDescribed
from comptoir.engine import Event, State

__all__ = [
    "LIVE",
    "Phase",
    "ReviewApprovedOnce",
    "ReviewClaimed",
    "ReviewDecided",
    "ReviewEscalated",
    "ReviewLapsed",
    "ReviewNoted",
    "ReviewOpened",
    "ReviewReleased",
    "ReviewSnoozed",
    "ReviewState",
    "ReviewUntold",
    "ReviewWithdrawn",
    "ReviewWoken",
    "described",
    "with_note",
]


class Phase(Enum):
    """How far a review is."""

    NONE = "none"
    OPEN = "open"
    CLAIMED = "claimed"
    """Somebody looks at it, and nobody else decides it."""
    SNOOZED = "snoozed"
    """Put off until a moment, with a reason."""
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


LIVE = (Phase.OPEN, Phase.CLAIMED, Phase.SNOOZED)
"""It waits for somebody."""


class ReviewState(State, frozen=True):
    """Sealed as a whole at rest."""

    phase: Phase
    round: int = 0
    client_type: str = ""
    reasons: tuple[str, ...] = ()
    makers: tuple[str, ...] = ()
    accelerated: bool = False
    score: int | None = None
    recommendation: str | None = None
    opened_at: int = 0
    due_at: int = 0
    overdue: bool = False
    claimed_by: str = ""
    claimed_until: int = 0
    snoozed_until: int = 0
    snoozes: int = 0
    """Of this round."""
    notes: tuple[Note, ...] = ()
    """Of all rounds, the oldest first."""
    decided_by: str = ""
    decided_at: int = 0
    reason: str = ""
    two_people: bool = False
    """Of this round; who of them was the first, and why they approved it."""
    first: str = ""
    first_reason: str = ""


class ReviewOpened(Event, frozen=True):
    """Somebody must look."""

    round: int
    due_at: int
    accelerated: bool


class ReviewClaimed(Event, frozen=True):
    """Somebody does."""

    reviewer: str


class ReviewReleased(Event, frozen=True):
    """They have given it back."""

    reviewer: str


class ReviewLapsed(Event, frozen=True):
    """Their claim was not renewed in time."""

    reviewer: str


class ReviewNoted(Event, frozen=True):
    """Something is remembered; what, stands in the review."""

    reviewer: str


class ReviewSnoozed(Event, frozen=True):
    """It is put off."""

    reviewer: str
    until: int


class ReviewWoken(Event, frozen=True):
    """It waits again."""


class ReviewEscalated(Event, frozen=True):
    """Nobody has decided by the time that it was due: an alert."""

    round: int


class ReviewDecided(Event, frozen=True):
    """A person has decided."""

    round: int
    reviewer: str
    approved: bool
    recommendation: str | None
    """What the rules had recommended: what the person is measured against."""
    waited_ms: int
    overdue: bool
    first: str = ""
    """Who had approved it before, where that takes two people."""


class ReviewApprovedOnce(Event, frozen=True):
    """One person has approved what takes two: it waits for the other."""

    round: int
    reviewer: str


class ReviewWithdrawn(Event, frozen=True):
    """Nobody needs to look any more."""

    round: int


class ReviewUntold(Event, frozen=True):
    """Compliance did not hear of it by mail."""

    code: str


def described(state: ReviewState) -> ReviewDescribed:
    """As it is told."""
    assert state.phase is not Phase.NONE, "asked of reviews that there are"
    return ReviewDescribed(
        state.phase.value, state.round, state.client_type, state.reasons, state.score,
        state.recommendation, state.accelerated, state.claimed_by, state.due_at, state.opened_at,
        state.snoozed_until, state.overdue, state.notes, state.decided_by, state.decided_at,
        state.reason, state.two_people, state.first, state.first_reason,
    )  # fmt: skip


def with_note(state: ReviewState, note: Note) -> ReviewState:
    """With one more of them."""
    return msgspec.structs.replace(state, notes=(*state.notes, note))
