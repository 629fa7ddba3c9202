"""Business time as the API writes it: UTC, milliseconds, Z (interface.md 1; RFC 3339)."""

import re
from datetime import UTC, date, datetime, timedelta

__all__ = ["TIME_PATTERN", "is_day", "read_rfc3339", "rfc3339"]

TIME_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,3})?Z$"
_TIME = re.compile(TIME_PATTERN.removesuffix("$")).fullmatch
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def rfc3339(ms: int) -> str:
    """A time, from ms since 1970."""
    moment = _EPOCH + timedelta(milliseconds=ms)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


def read_rfc3339(text: str) -> int | None:
    """A time in UTC as ms since 1970; None where it is none."""
    if not text.isascii() or not _TIME(text):
        return None
    try:
        return (datetime.fromisoformat(text) - _EPOCH) // timedelta(milliseconds=1)
    except ValueError:
        return None


def is_day(text: str) -> bool:
    """Whether it is a day that exists, as YYYY-MM-DD."""
    if not text.isascii() or not _DAY(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
