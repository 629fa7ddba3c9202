"""Quiet hours: whether it is quiet now, and when that ends, by the clock of a person's own zone (S44)."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.notification.quiet import MINUTES, is_zone, quiet_until

PARIS = "Europe/Paris"
MINUTE_MS = 60_000
ZONES = st.sampled_from((PARIS, "America/New_York", "Asia/Kolkata", "Pacific/Apia", "UTC"))
TIMES = st.integers(0, 4_000_000_000_000)
CLOCKS = st.integers(0, MINUTES - 1)


def ms(text: str, zone: str = PARIS) -> int:
    """A wall-clock time of a zone as business time."""
    moment = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))
    return round(moment.timestamp() * 1000)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-01-10T21:59", None),
        ("2026-01-10T22:00", "2026-01-11T08:00"),
        ("2026-01-11T03:00", "2026-01-11T08:00"),
        ("2026-01-11T07:59", "2026-01-11T08:00"),
        ("2026-01-11T08:00", None),
        ("2026-01-11T12:00", None),
        # The nights on which the clocks change: the end is at eight by the clock all the same.
        ("2026-03-28T23:00", "2026-03-29T08:00"),
        ("2026-10-24T23:00", "2026-10-25T08:00"),
    ],
)
def test_over_midnight(now: str, until: str | None) -> None:
    """S44: from ten to eight, by the clock of Paris, winter and summer."""
    found = quiet_until(ms(now), PARIS, 22 * 60, 8 * 60)
    assert found == (None if until is None else ms(until))


def test_within_a_day() -> None:
    """S44: a nap in the afternoon ends on the same day."""
    assert quiet_until(ms("2026-06-01T13:30"), PARIS, 13 * 60, 15 * 60) == ms("2026-06-01T15:00")
    assert quiet_until(ms("2026-06-01T15:30"), PARIS, 13 * 60, 15 * 60) is None


def test_the_same_hour_in_two_zones() -> None:
    """S44: it is night in Paris, and not in New York."""
    now = ms("2026-06-01T02:00")
    assert quiet_until(now, PARIS, 22 * 60, 8 * 60) is not None
    assert quiet_until(now, "America/New_York", 22 * 60, 8 * 60) is None


@given(now=TIMES, zone=ZONES, begin=CLOCKS, end=CLOCKS)
def test_it_ends(now: int, zone: str, begin: int, end: int) -> None:
    """S44: what waits is told within a day and an hour, and then it is not quiet any more."""
    until = quiet_until(now, zone, begin, end)
    if begin == end:
        assert until is None
        return
    if until is None:
        local = datetime.fromtimestamp(now / 1000, UTC).astimezone(ZoneInfo(zone))
        since = (local.hour * 60 + local.minute - begin) % MINUTES
        assert since >= (end - begin) % MINUTES
        return
    # A zone may leave out a day (Apia, 2011-12-30): a second one, then.
    assert now < until <= now + timedelta(days=2, hours=2) // timedelta(milliseconds=1)


def test_zones() -> None:
    """S44: what is no zone is known before it is reckoned in."""
    assert is_zone(PARIS)
    assert not any(map(is_zone, ("Europe/Atlantis", "Europe", "../passwd", "")))
