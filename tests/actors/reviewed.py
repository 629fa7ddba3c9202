"""Samples of a review in each of its phases, of what may be said to it, and of a day of onboarding."""

import msgspec

from comptoir.actors.gateways.messages import NoticeRefused, NoticeTaken
from comptoir.actors.onboarding_day.machine import DayState
from comptoir.actors.onboarding_day.machine import Phase as Day
from comptoir.actors.onboarding_day.messages import (
    CountCalls,
    CountCase,
    CountFate,
    CountReview,
    CountStage,
)
from comptoir.actors.review.messages import (
    ClaimReview,
    DecideReview,
    DescribeReview,
    NoteReview,
    OpenReview,
    ReleaseReview,
    ReviewDue,
    SnoozeReview,
    WithdrawReview,
)
from comptoir.actors.review.state import Phase, ReviewState
from comptoir.actors.review.terms import ReviewTerms
from comptoir.engine.values import Message, State

__all__ = ["COUNTS", "DAYS", "DAY_MS", "OPEN", "REVIEWS", "REVIEW_TERMS", "STATES"]

NOW = 1_800_000_000_000
DAY_MS = 86_400_000
REVIEW_TERMS = ReviewTerms(to=("kyc@bank.example", "mlro@bank.example"), mail=True)
OPEN = OpenReview(1, "INDIVIDUAL", ("PEP",), ("adv-1",), False, 70, "MANUAL_REVIEW")
BEGUN = ReviewState(
    Phase.OPEN, 1, "INDIVIDUAL", ("PEP",), ("adv-1",), score=70, recommendation="MANUAL_REVIEW",
    opened_at=NOW - 1000, due_at=NOW + 3 * DAY_MS,
)  # fmt: skip
CLAIMED = msgspec.structs.replace(
    BEGUN, phase=Phase.CLAIMED, claimed_by="eva", claimed_until=NOW + 1000
)
SNOOZED = msgspec.structs.replace(BEGUN, phase=Phase.SNOOZED, snoozed_until=NOW + 1000)
DECIDED = msgspec.structs.replace(BEGUN, decided_by="eva", decided_at=NOW, reason="met in person")
STATES = (
    ReviewState(Phase.NONE),
    BEGUN,
    CLAIMED,
    SNOOZED,
    msgspec.structs.replace(DECIDED, phase=Phase.APPROVED),
    msgspec.structs.replace(DECIDED, phase=Phase.REJECTED),
    msgspec.structs.replace(BEGUN, phase=Phase.WITHDRAWN),
)
AGAIN = msgspec.structs.replace(OPEN, round=2)
TO_REVIEW: tuple[Message, ...] = (
    OPEN, ClaimReview("eva"), ReleaseReview("eva"), NoteReview("max", "called the client"),
    SnoozeReview("eva", NOW + DAY_MS, "waits for a translation"), DecideReview("eva", True, "met in person"),
    WithdrawReview(1), ReviewDue(), DescribeReview(), NoticeTaken("x"), NoticeRefused("x", "MAIL_REFUSED"),
)  # fmt: skip
REVIEWS: tuple[tuple[State, Message, int], ...] = (
    *(
        (state, message, NOW)
        for state in STATES
        for message in TO_REVIEW
        if state is not STATES[5] or not isinstance(message, DecideReview)
    ),
    *((state, AGAIN, NOW) for state in STATES[1:]),
    *(
        (
            msgspec.structs.replace(state, two_people=True, claimed_by=state.claimed_by and "max"),
            DecideReview("max", True, "another birth date"),
            NOW,
        )
        for state in STATES[1:4]
    ),
    *((state, DecideReview("eva", False, "not plausible"), NOW) for state in STATES[1:4]),
    (STATES[5], DecideReview("eva", False, "met in person"), NOW),
    *((state, WithdrawReview(7), NOW) for state in STATES[1:4]),
    *((state, ReviewDue(), NOW + 2000) for state in STATES[1:4]),
)
COUNTS: tuple[Message, ...] = (
    CountStage("DOCUMENTS_PENDING", "client", 90_000_000), CountFate("begun"),
    CountCase("v7", 85, "AUTO_APPROVE", {"base": 25, "documents_valid": 20}, "approved"),
    CountReview("REJECT", True, False), CountCalls("identity", 1),
)  # fmt: skip
DAYS: tuple[tuple[State, Message], ...] = tuple(
    (DayState(phase), message) for phase in Day for message in COUNTS
)
