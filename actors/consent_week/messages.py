"""What may be said to whoever counts the consents of one week (E10).

Another machine may import this module and nothing else of this package (design.md 1). Numbers by provider are
all that is told: of a week nobody learns whose consents they were.
"""

from datetime import date
from enum import StrEnum
from typing import Final

from comptoir.engine.values import Address, Message

__all__ = [
    "COLLECTION",
    "KIND",
    "UNREAD",
    "Became",
    "CountConsent",
    "unread_at",
    "week_at",
    "week_of",
]

KIND = "consent_week"
COLLECTION: Final = "consent_week"
"""Collection of the counts: a document per week, a field per provider."""
UNREAD: Final = "unread"
"""Key of the count of connections that were imported and have no consent: of no week, and read by nobody (E6)."""
DAY_MS: Final = 86_400_000
EPOCH_WEEKDAY: Final = 3
"""1970-01-01 was a Thursday, the fourth day of its week (ISO 8601)."""


class Became(StrEnum):
    """What a consent is, or has become."""

    LIVE = "live"
    """It is in force, and is to end in this week."""
    RENEWED = "renewed"
    """A new one took its place."""
    LAPSED = "lapsed"
    """It ended, by its time or by the provider's word, and no new one took its place."""
    REVOKED = "revoked"
    """Its person has ended it."""


class CountConsent(Message, frozen=True):
    """A consent of this week is something else from now on."""

    provider: str
    left: Became | None
    """What it was until now; None: it was none of this week's."""
    joined: Became | None
    """What it is; None: it is none of this week's any more."""


def week_of(at: int) -> str:
    """The week of a moment, by its Monday, YYYY-MM-DD in UTC (ISO 8601).

    Args:
        at: business time, ms since 1970.
    """
    day = at // DAY_MS
    return date.fromordinal(
        date(1970, 1, 1).toordinal() + day - (day + EPOCH_WEEKDAY) % 7
    ).isoformat()


def week_at(at: int) -> Address:
    """Who counts the consents of that week."""
    return Address(KIND, week_of(at))


def unread_at() -> Address:
    """Who counts the connections that nobody can read."""
    return Address(KIND, UNREAD)
