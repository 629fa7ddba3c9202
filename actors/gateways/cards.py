"""What a card is known by, and from which day on it is read: the same whoever its provider is.

Source: docs/adr/0031; spec.md S59, S60, S66, X15.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

__all__ = ["day_of", "first_day", "last_digits", "marks_of"]

LAST: Final = 4
"""Digits that S59 lets stand in clear."""
DAY_MS: Final = 86_400_000
MARGIN_DAYS: Final = 7
"""So late may the first reading be, and nothing since the link is missed; what was before is left out by whoever
reads (S60)."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def last_digits(number: str) -> str:
    """The last digits that people know an account's or a card's number by; empty: it has too few."""
    digits = [one for one in number if one in "0123456789"]
    return "".join(digits[-LAST:]) if len(digits) >= LAST else ""


def marks_of(provider: str, iban: str, seen: tuple[str, ...]) -> str:
    """What makes two links two of one card: the account's IBAN, as for any provider.

    Args:
        provider: who tells it.
        iban: with or without blanks; empty: it is not told.
        seen: where there is none it is one person's account by what they see of it, since ids are others in
            every link.
    """
    if iban:
        return "".join(iban.split()).upper()
    return ":".join((provider, *seen))


def day_of(at_ms: int) -> str:
    """The day of a moment, YYYY-MM-DD."""
    return (_EPOCH + timedelta(milliseconds=max(0, at_ms))).date().isoformat()


def first_day(now_ms: int, look_back_days: int) -> str:
    """The first day that is asked for of a connection that was never read."""
    return day_of(now_ms - (look_back_days + MARGIN_DAYS) * DAY_MS)
