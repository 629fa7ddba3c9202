"""What may be said to a review, and what is answered (S7, S11, X4, X5, X31).

One actor per file, under the file's number; a file that is held again is a review again. Another machine may import
this module and nothing else of this package (design.md 1).
"""

from typing import Final, Literal

import msgspec

from comptoir.engine.values import Message, Reply

__all__ = [
    "KIND",
    "NOTES_MAX",
    "REVIEWS",
    "SNOOZES_MAX",
    "ClaimReview",
    "DecideReview",
    "DescribeReview",
    "Note",
    "NoteReview",
    "OpenReview",
    "ReleaseReview",
    "ReviewDescribed",
    "ReviewDue",
    "SnoozeReview",
    "WithdrawReview",
    "place_of",
]

KIND = "review"
REVIEWS = "review"
"""Documents by which the queue is listed, what is due first first: `{"waits": bool}`, by `place_of`."""
NOTES_MAX: Final = 200
"""Of one file, all its rounds together: more is a conversation, which belongs elsewhere."""
SNOOZES_MAX: Final = 3
"""Of one round: whoever wants more has to decide, or to leave it to somebody else."""
PUNCTUAL: Final = 15
"""Digits of a moment in a place: enough for thirty thousand years."""


def place_of(due_at: int, name: str) -> str:
    """Where a review stands in the queue.

    Args:
        due_at: business time, ms.
        name: number of its file.
    """
    return f"{due_at:0{PUNCTUAL}d}:{name}"


class OpenReview(Message, frozen=True):
    """A person must look. The same `round` again opens none anew."""

    round: int
    client_type: str
    reasons: tuple[str, ...]
    """Codes: why it is held."""
    makers: tuple[str, ...]
    """`sub` of those who may not decide it: who began the file (X5)."""
    accelerated: bool
    score: int | None
    recommendation: str | None
    two_people: bool = False
    """A sanction is suspected: two people approve it, and one of them alone does not (E14)."""


class ClaimReview(Message, frozen=True):
    """This person looks at it; nobody else decides it meanwhile."""

    reviewer: str


class ReleaseReview(Message, frozen=True):
    """They do not any more."""

    reviewer: str


class NoteReview(Message, frozen=True):
    """Something is to be remembered."""

    reviewer: str
    text: str


class SnoozeReview(Message, frozen=True):
    """Not before that moment (business time, ms)."""

    reviewer: str
    until: int
    reason: str


class DecideReview(Message, frozen=True):
    """The outcome; the case hears of it (`CaseReviewed`)."""

    reviewer: str
    approve: bool
    reason: str


class WithdrawReview(Message, frozen=True):
    """Nobody needs to look any more."""

    round: int


class ReviewDue(Message, frozen=True):
    """One's own later self: it is due, or was snoozed until now."""


class DescribeReview(Message, frozen=True):
    """Say how far it is."""


class Note(msgspec.Struct, frozen=True):
    """What somebody wrote down."""

    by: str
    at: int
    text: str


class ReviewDescribed(Reply, frozen=True):
    """A review."""

    status: Literal["open", "claimed", "snoozed", "approved", "rejected", "withdrawn"]
    round: int
    client_type: str
    reasons: tuple[str, ...]
    score: int | None
    recommendation: str | None
    accelerated: bool
    claimed_by: str
    due_at: int
    opened_at: int
    snoozed_until: int
    overdue: bool
    notes: tuple[Note, ...]
    decided_by: str
    decided_at: int
    reason: str
    two_people: bool = False
    approved_first_by: str = ""
    """Of two people who approve it: the first."""
    approved_first_reason: str = ""
