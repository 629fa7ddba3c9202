"""Which months of the event journal have a partition, as far as this writer knows.

The rule: no event waits for a partition: a month is made (with the two after it) before the first
event of it is sent, and an event without a month goes to the default partition and is counted, for
an alert. Source: design.md 7.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

__all__ = ["Months"]

MONTHS_KEPT_MAX = 240
"""Beyond twenty years of distinct months the set starts anew; asking again makes nothing twice."""


def start_of_month(moment: int) -> int | None:
    """First ms of the month (UTC) of a time in ms since 1970; None beyond the calendar's years."""
    try:
        when = datetime.fromtimestamp(moment / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return int(datetime(when.year, when.month, 1, tzinfo=UTC).timestamp()) * 1000


class Months:
    """Months asked for, months made, and the events that found none."""

    def __init__(self) -> None:
        self._asked: set[int] = set()
        self._made: set[int] = set()
        self._month = (0, 0)
        self.missed = 0
        """Events that went to the default partition."""

    def unmade(self, moments: Sequence[int]) -> list[int]:
        """One moment for each month that was not asked for yet."""
        if not moments:
            return []
        first, beyond = self._month
        if first <= min(moments) and max(moments) < beyond:
            return []  # all in the month of the last batch, nearly always
        found: dict[int, int] = {}
        for moment in moments:
            month = start_of_month(moment)
            if month is not None and month not in self._asked:
                found.setdefault(month, moment)
        return list(found.values())

    def add(self, moment: int, made: Iterable[int]) -> None:
        """The month of `moment` was asked for, and these (their first ms) exist now."""
        month = start_of_month(moment)
        assert month is not None
        if len(self._asked) >= MONTHS_KEPT_MAX:
            self._asked.clear()
        self._asked.add(month)
        self._made.update(made)
        if month in self._made:
            following = start_of_month(month + 32 * 86_400_000)
            self._month = (month, following or month)

    def count_missed(self, moments: Sequence[int]) -> None:
        """Count the events whose month has no partition."""
        first, beyond = self._month
        if moments and not (first <= min(moments) and max(moments) < beyond):
            self.missed += sum(start_of_month(moment) not in self._made for moment in moments)
