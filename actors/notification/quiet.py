"""Quiet hours: whether it is quiet at a moment, and when that ends. Pure functions.

Rule: quiet hours are wall-clock times of the person's own zone, and so move with its summer time. An end that
the clocks leap over comes as much later, one that they show twice is the first (RFC 5545, 3.3.5).

Source: spec.md S44; IANA time zone data base; RFC 5545.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

__all__ = ["MINUTES", "is_zone", "quiet_until"]

MINUTES = 24 * 60
"""Of a day."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def is_zone(name: str) -> bool:
    """Whether the data base has a zone of this name; it must be of the characters that names have."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def quiet_until(now: int, time_zone: str, begin: int, end: int) -> int | None:
    """When it is quiet no longer, in ms since 1970; None where it is not quiet now.

    Args:
        now: business time, ms since 1970.
        time_zone: of the IANA data base.
        begin: minutes after midnight at which it gets quiet.
        end: likewise at which that is over; on the next day where it is not after `begin`; the same as
            `begin`: it is never quiet.
    """
    zone = ZoneInfo(time_zone)
    local = (_EPOCH + timedelta(milliseconds=now)).astimezone(zone)
    minute = local.hour * 60 + local.minute
    since = (minute - begin) % MINUTES
    length = (end - begin) % MINUTES
    if since >= length:
        return None
    day = local.date() + timedelta(days=int(end <= minute))
    over = datetime(day.year, day.month, day.day, end // 60, end % 60, tzinfo=zone)
    until = (over.astimezone(UTC) - _EPOCH) // _MILLISECOND
    # On the night of a change the two clocks may disagree: never before now, or the timer would turn in a ring.
    return max(until, now + 1)
