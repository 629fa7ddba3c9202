"""When batches close: against a calendar that is written down, and over a change of the clocks.

Source: spec.md X25, X27; ECB, TARGET closing days; actors/cutoffs.py.
"""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.cutoffs import (
    Cutoffs,
    batch_id,
    closing_days,
    cutoff_of,
    following,
    is_batch_id,
    is_business_day,
)

PARIS = Cutoffs(on=True, times=("09:30", "14:00"))
EASTERS = {
    2024: date(2024, 3, 31), 2025: date(2025, 4, 20), 2026: date(2026, 4, 5), 2027: date(2027, 3, 28),
    2028: date(2028, 4, 16), 2038: date(2038, 4, 25), 2285: date(2285, 3, 22),
}  # fmt: skip
"""As calendars print them; with the latest and the earliest that there are."""


def ms(text: str) -> int:
    """A moment as business time."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize("year", EASTERS)
def test_target_is_closed_around_easter(year: int) -> None:
    """X25: Good Friday and Easter Monday of that year, and four days of every year."""
    easter = EASTERS[year].toordinal()
    moving = {day for day in closing_days(year) if abs(day.toordinal() - easter) < 3}
    assert {day.toordinal() - easter for day in moving} == {-2, 1}
    fixed = {(day.month, day.day) for day in closing_days(year) - moving}
    assert fixed == {(1, 1), (5, 1), (12, 25), (12, 26)}


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-12-01T08:29:59Z", "2026-12-01T08:30:00Z"),
        ("2026-12-01T08:30:00Z", "2026-12-01T13:00:00Z"),
        ("2026-12-01T13:00:00Z", "2026-12-02T08:30:00Z"),
        # A weekend; Christmas and the day after it before a weekend; Easter.
        ("2026-12-04T13:00:01Z", "2026-12-07T08:30:00Z"),
        ("2026-12-24T20:00:00Z", "2026-12-28T08:30:00Z"),
        ("2026-04-02T20:00:00Z", "2026-04-07T07:30:00Z"),
        # Summer time begins on 29 March 2026 and ends on 25 October.
        ("2026-03-27T20:00:00Z", "2026-03-30T07:30:00Z"),
        ("2026-10-23T20:00:00Z", "2026-10-26T08:30:00Z"),
        # Midnight in Paris comes before that in UTC.
        ("2026-12-31T23:30:00Z", "2027-01-04T08:30:00Z"),
    ],
)
def test_the_next_cut_off(now: str, due: str) -> None:
    """X25, X27: of local times, on business days alone."""
    assert PARIS.after(ms(now)) == ms(due)


@given(st.datetimes(datetime(2024, 1, 1), datetime(2060, 1, 1)))  # noqa: DTZ001  # made aware below
def test_a_cut_off_is_ahead_on_a_business_day_and_names_its_batch(moment: datetime) -> None:
    """X27: whenever it is asked for; and by its name a batch knows its time again."""
    now = round(moment.replace(tzinfo=UTC).timestamp() * 1000)
    due = PARIS.after(now)
    assert now < due < now + 7 * 86_400_000
    assert is_business_day(PARIS.day_of(due))
    name = batch_id(due)
    assert is_batch_id(name)
    assert cutoff_of(name) == due
    assert (cutoff_of(following(name)), following(name)[-3:]) == (due, "002")


def test_what_is_signed_on_a_closed_day_is_executed_on_the_next() -> None:
    """X25: `ReqdExctnDt` is never a day on which no bank executes."""
    assert PARIS.execution_day(ms("2026-12-25T10:00:00Z")) == date(2026, 12, 28)
    assert PARIS.execution_day(ms("2026-12-28T10:00:00Z")) == date(2026, 12, 28)


@pytest.mark.parametrize(
    ("now", "days", "due"),
    [
        ("2026-11-27T16:00:00Z", 1, "2026-11-30T16:00:00Z"),
        ("2026-11-27T16:00:00Z", 3, "2026-12-02T16:00:00Z"),
        ("2026-11-28T10:00:00Z", 1, "2026-11-30T10:00:00Z"),
        ("2026-12-24T10:00:00Z", 1, "2026-12-28T10:00:00Z"),
        # The clocks change between: it stays the same time of day in Paris.
        ("2026-03-27T10:00:00Z", 1, "2026-03-30T09:00:00Z"),
        # Before midnight in UTC it is Saturday in Paris.
        ("2026-11-27T23:30:00Z", 1, "2026-11-29T23:30:00Z"),
    ],
)
def test_business_days_on(now: str, days: int, due: str) -> None:
    """X31, S27: the same time of day, so many business days later."""
    assert PARIS.business_days_on(ms(now), days) == ms(due)


@given(st.integers(ms("2020-01-01T00:00:00Z"), ms("2040-01-01T00:00:00Z")), st.integers(1, 30))
def test_business_days_on_are_as_many(now: int, days: int) -> None:
    """X31: so many business days lie between, and the last of them is one."""
    due = PARIS.business_days_on(now, days)
    first, last = PARIS.day_of(now).toordinal(), PARIS.day_of(due).toordinal()
    between = [is_business_day(date.fromordinal(one)) for one in range(first + 1, last + 1)]
    assert between[-1]
    assert sum(between) == days
