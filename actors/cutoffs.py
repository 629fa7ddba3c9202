"""When batches of payouts close, and on which days banks settle: pure functions of a time zone and a calendar.

The rule: a cut-off is a time of day of the settings on a business day; a business day is one on which TARGET
settles. A batch is named after its cut-off, so whoever knows the time knows which batch is open.
Source: spec.md S50, X25, X27; ECB, "TARGET closing days" (in force since 2002: Saturdays, Sundays, 1 January,
Good Friday, Easter Monday, 1 May, 25 and 26 December); Meeus, Astronomical Algorithms, chapter 8 (Easter).
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache, partial
from typing import Final, cast
from zoneinfo import ZoneInfo

import msgspec

from comptoir.engine.machine import Context
from comptoir.engine.settings import Settings

__all__ = [
    "BATCH_ID_CHARACTERS",
    "CUTOFFS",
    "Cutoffs",
    "batch_id",
    "closing_days",
    "cutoff_of",
    "cutoffs_of",
    "following",
    "is_batch_id",
    "is_business_day",
]

CUTOFFS: Final = "cutoffs"
FILES_MAX: Final = 999
"""Batches of one cut-off: ten million transfers, where each has 10,000."""
BATCH_ID_CHARACTERS: Final = 19
is_batch_id: Final = re.compile(r"PB-[0-9]{12}-[0-9]{3}").fullmatch
SATURDAY: Final = 5
HOUR_MS: Final = 3_600_000
DAYS_AHEAD_MAX: Final = 15
"""No more days in a row are closed, by far."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=64)
def closing_days(year: int) -> frozenset[date]:
    """The days of a year on which TARGET is closed, weekends aside."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = b // 4, b % 4
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = c // 4, c % 4
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    easter = date(year, month, day + 1)
    return frozenset(
        (
            date(year, 1, 1),
            easter - timedelta(days=2),
            easter + timedelta(days=1),
            date(year, 5, 1),
            date(year, 12, 25),
            date(year, 12, 26),
        )
    )


def is_business_day(day: date) -> bool:
    """Whether payments are settled on it."""
    return day.weekday() < SATURDAY and day not in closing_days(day.year)


class Cutoffs(msgspec.Struct, frozen=True):
    """What the configuration says about batches."""

    on: bool = False
    """Whether withdrawals are paid by batches at all."""
    zone: str = "Europe/Paris"
    times: tuple[str, ...] = ("14:00",)
    """HH:MM, ascending."""
    transfers_max: int = 10_000
    """Of one batch; those that come then join the next one of the same cut-off."""
    sum_cents_max: int = 0
    """Likewise; 0: no bound."""
    patience_ms: int = 24 * HOUR_MS
    """So long a closed batch waits for its approval until it is escalated, and as long again until it ends."""

    @classmethod
    def of(cls, settings: Settings) -> "Cutoffs":
        """As configured."""
        chosen = settings.payouts
        return cls(
            settings.withdrawals.payout == "pain001",
            chosen.time_zone,
            tuple(sorted(chosen.cut_offs)),
            chosen.transfers_max,
            chosen.sum_cents_max,
            chosen.approval_hours * HOUR_MS,
        )

    def day_of(self, now: int) -> date:
        """The day that it is where the cut-offs are."""
        return _moment(now).astimezone(ZoneInfo(self.zone)).date()

    def after(self, now: int) -> int:
        """The next cut-off after a moment; both are business time, ms."""
        first = self.day_of(now)
        ahead = (first + timedelta(days=days) for days in range(DAYS_AHEAD_MAX))
        days = (day for day in ahead if is_business_day(day))
        return next(
            due for day in days for due in map(partial(self._due, day), self.times) if due > now
        )

    def _due(self, day: date, clock: str) -> int:
        """A time of day there, as business time."""
        at = datetime.combine(day, time.fromisoformat(clock), ZoneInfo(self.zone))
        return round((at - _EPOCH) / timedelta(milliseconds=1))

    def business_days_on(self, now: int, days: int) -> int:
        """The same time of day so many business days later; a moment on another day counts from there on.

        Args:
            now: business time, ms.
            days: 1 or more.
        """
        here = _moment(now).astimezone(ZoneInfo(self.zone))
        day = here.date()
        while days:
            day += timedelta(days=1)
            days -= is_business_day(day)
        at = datetime.combine(day, here.time(), ZoneInfo(self.zone))
        return round((at - _EPOCH) / timedelta(milliseconds=1))

    def execution_day(self, now: int) -> date:
        """The day on which an order that is signed now is to be executed: today, or the next business day."""
        day = self.day_of(now)
        while not is_business_day(day):
            day += timedelta(days=1)
        return day


def _moment(ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=ms)


def batch_id(cutoff_at: int, ordinal: int = 1) -> str:
    """The name of a batch, which is its file's MsgId as well: `PB-YYYYMMDDHHMM-NNN`, in UTC."""
    assert 1 <= ordinal <= FILES_MAX, "no cut-off has so many batches"
    return f"PB-{_moment(cutoff_at):%Y%m%d%H%M}-{ordinal:03d}"


def cutoff_of(name: str) -> int:
    """The cut-off of a batch, business time in ms."""
    at = datetime.strptime(name[3:15], "%Y%m%d%H%M").replace(tzinfo=UTC)
    return round((at - _EPOCH) / timedelta(milliseconds=1))


def following(name: str) -> str:
    """The batch after it, of the same cut-off."""
    return batch_id(cutoff_of(name), int(name[-3:]) + 1)


_OFF: Final = Cutoffs()


def cutoffs_of(context: Context) -> Cutoffs:
    """Those in force for this decision."""
    return cast("Cutoffs", context.references.get(CUTOFFS, _OFF))
