"""What may be said to whoever sums up one day of onboarding (S26, S27, S39, E17).

Another machine may import this module and nothing else of this package (design.md 1). Sums are all that is kept: of a
day nobody learns whose files they were.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

import msgspec

from comptoir.engine.values import Address, Message

__all__ = [
    "BANDS",
    "COLLECTION",
    "KIND",
    "SPREAD_HOURS",
    "TO_ACCOUNT",
    "WHOLE",
    "WHOLE_ALONE",
    "WHOLE_REVIEWED",
    "Calls",
    "CountCalls",
    "CountCase",
    "CountFate",
    "CountReview",
    "CountStage",
    "Rules",
    "Stage",
    "Sums",
    "Waits",
    "band_of",
    "day_at",
    "day_of",
    "days_until",
]

KIND = "onboarding_day"
COLLECTION: Final = "onboarding_day"
"""Collection of the sums: a document per day, shaped like `Sums`."""
DAY_MS: Final = 86_400_000
SPREAD_HOURS: Final = (1, 4, 8, 24, 48, 72, 120, 240, 720)
"""Upper bounds of the times that a stage takes; S27's 24 hours and 3 days, S39's 5 days among them."""
BAND_POINTS: Final = 10
BANDS: Final = (*(f"{low:02d}" for low in range(0, 100, BAND_POINTS)), "none")
"""Of a score: 00 is 0 to 9, 90 is 90 to 100; `none`: nothing was scored (X3). Ten of them is what the field takes."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

WHOLE: Final = "TO_DECISION"
"""From a file's beginning to its decision: no stage, and beside them all."""
WHOLE_ALONE: Final = "TO_APPROVAL_ALONE"
"""Likewise, of files that the rules approved and no person had to look at (S27: 24 hours)."""
WHOLE_REVIEWED: Final = "TO_DECISION_REVIEWED"
"""Likewise, of files that a person had to look at (S27: 2 to 3 days)."""
TO_ACCOUNT: Final = "TO_ACCOUNT"
"""Likewise to its client's account (S39)."""
Waits = Literal["client", "compliance", "provider", "advisor", "mainframe", "all"]
"""Whom a stage waits for (E17); `all`: of WHOLE and its parts, and of TO_ACCOUNT."""
Outcome = Literal["approved", "held", "rejected"]


class CountStage(Message, frozen=True):
    """A file has left a stage."""

    stage: str
    """ADR-001's word (S13, S14), or `REVIEW`."""
    waits: Waits
    ms: int
    """How long it was there, in business time."""


class CountFate(Message, frozen=True):
    """Something has become of a file."""

    fate: Literal[
        "begun", "decided", "abandoned", "resumed", "corrected", "completed", "refused", "entered",
        "mistaken",
    ]  # fmt: skip
    """`resumed`: an abandoned one goes on after all; `corrected`: one document had to be sent again; `completed`: its
    client has an account; `refused`: an advisor, or the mainframe, has said no to a decided one; `entered`: all that is
    needed of it is there, for the first time; `mistaken`: likewise, and something of it had been entered wrongly.
    """
    cause: str = ""
    """Stage in which it was abandoned or refused, or code of why a document was refused."""


class CountCase(Message, frozen=True):
    """A client was assessed."""

    rules_version: str
    score: int | None
    recommendation: str
    factors: Mapping[str, int]
    """Points by factor, those that hold."""
    outcome: Outcome


class CountReview(Message, frozen=True):
    """A person has decided what the rules had recommended something about."""

    recommendation: str | None
    approved: bool
    overdue: bool
    screened: bool = False
    """It was first held because a list or the media named somebody: approved, it was stopped wrongly (S27)."""


class CountCalls(Message, frozen=True):
    """A party was asked."""

    party: str
    calls: int


class Stage(msgspec.Struct, frozen=True):
    """Times of one stage."""

    waits: Waits
    files: int = 0
    ms: int = 0
    spread: tuple[int, ...] = (0,) * (len(SPREAD_HOURS) + 1)
    """Files by `SPREAD_HOURS`; the last: longer."""


class Rules(msgspec.Struct, frozen=True):
    """What one version of the rules has decided."""

    cases: int = 0
    bands: Mapping[str, int] = {}
    """Decisions by band of their score."""
    factors: Mapping[str, int] = {}
    """Decisions in which a factor held."""
    recommended: Mapping[str, int] = {}
    outcomes: Mapping[str, int] = {}


Calls = Mapping[str, int]


class Sums(msgspec.Struct, frozen=True):
    """A day, or some of them."""

    stages: Mapping[str, Stage] = {}
    fates: Mapping[str, int] = {}
    """`abandoned:DOCUMENTS_PENDING`, `corrected:PHOTO_BLURRED`, `begun`."""
    rules: Mapping[str, Rules] = {}
    """By version."""
    reviews: Mapping[str, int] = {}
    """`REJECT:approved`; `overdue`, `screened` and `cleared` beside them."""
    calls: Calls = {}
    """By party."""


def band_of(score: int | None) -> str:
    """Where a score falls."""
    if score is None:
        return "none"
    low = min(score, 99) // BAND_POINTS * BAND_POINTS
    return f"{low:02d}"


def day_of(at: int) -> str:
    """The day of a moment, YYYY-MM-DD in UTC.

    Args:
        at: business time, ms since 1970.
    """
    return (_EPOCH + timedelta(milliseconds=at)).date().isoformat()


def days_until(at: int, days: int) -> list[str]:
    """So many days that end with that of a moment, the oldest first."""
    return [day_of(at - back * DAY_MS) for back in reversed(range(days))]


def day_at(at: int) -> Address:
    """Who sums up the day of a moment."""
    return Address(KIND, day_of(at))
