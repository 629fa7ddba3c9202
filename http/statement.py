"""A statement as a value, and as JSON: what every format of it is made from.

The rule: what is shown adds up. A page begins with the balance before its first movement; opening, totals and
closing are the whole month's; and that opening and what moved give the closing is checked before anything is
shown, for books that disagree are an error of ours and no statement.
Source: spec.md S47; interface.md 7; docs/statements.md.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Any, Final
from zoneinfo import ZoneInfo

from comptoir.actors.wallet.statement import Line
from comptoir.engine.books import Change, Month
from comptoir.http.queries import cursor
from comptoir.http.times import rfc3339

__all__ = ["BOOKS", "Period", "Statement", "add", "is_provisional", "period", "shown"]

BOOKS: Final = ("available", "pending", "blocked", "shortfall")
SETTLING_MS: Final = 600_000
"""What was decided before a month's end is written within moments; after so long it is certain that all is."""
_MONTH: Final = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])").fullmatch


@dataclass(frozen=True, slots=True)
class Period:
    """A month in a time zone."""

    month: str
    zone: ZoneInfo
    since: int
    """Business time, ms: its first."""
    until: int
    """The first that is not in it."""

    def day(self, at: int) -> date:
        """The day of a time, there."""
        return datetime.fromtimestamp(at / 1000, self.zone).date()


def period(text: str, zone: ZoneInfo) -> Period | None:
    """The month that `YYYY-MM` names; None where it names none of this century."""
    form = _MONTH(text)
    if form is None:
        return None
    year, month = int(form[1]), int(form[2])
    begins = datetime(year, month, 1, tzinfo=zone)
    ends = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=zone)
    return Period(text, zone, *(round(x.timestamp() * 1000) for x in (begins, ends)))


def add(one: Change, other: Change, sign: int = 1) -> Change:
    """Book by book."""
    a, p, b, s = (x + sign * y for x, y in zip(one, other, strict=True))
    return a, p, b, s


@dataclass(frozen=True, slots=True)
class Statement:
    """A month of a wallet, with one page of its movements."""

    user_id: str
    period: Period
    provisional: bool
    month: Month
    lines: Sequence[Line]
    begins: bool
    """Whether this is the month's first page."""
    more: bool
    """Whether there are movements behind this page."""

    def __post_init__(self) -> None:
        """Hold the books to each other."""
        balance = self.month.opening
        for total in self.month.totals:
            balance = add(balance, total.change)
        assert balance == self.month.closing, "what moved is not what the balances say"
        for line, following in pairwise(self.lines):
            moved = add(line.movement.after, following.movement.change)
            assert moved == following.movement.after, (
                "a movement is missing, or is not what it says"
            )

    @property
    def movements(self) -> int:
        """Of the whole month."""
        return sum(total.movements for total in self.month.totals)

    @property
    def carried(self) -> Change:
        """The balance before this page."""
        if not self.lines:
            return self.month.closing
        first = self.lines[0].movement
        return add(first.after, first.change, -1)

    @property
    def next_cursor(self) -> str | None:
        """Of the page behind this one."""
        return cursor(self.lines[-1].movement.id) if self.more else None


def is_provisional(period: Period, now: int) -> bool:
    """Whether there may be more in a month than is written now."""
    return now < period.until + SETTLING_MS


def _books(change: Change) -> dict[str, int]:
    return dict(zip(BOOKS, change, strict=True))


def _movement(line: Line, period: Period) -> dict[str, Any]:
    one = line.movement
    return {
        "entryId": str(one.id),
        "occurredAt": rfc3339(one.at),
        "date": period.day(one.at).isoformat(),
        "kind": one.kind,
        "change": _books(one.change),
        "balanceAfter": _books(one.after),
        "partner": line.partner,
        "lotId": one.lot,
        "transactionId": one.transaction,
        "withdrawalId": one.withdrawal,
    }


def shown(statement: Statement) -> Mapping[str, Any]:
    """GET /api/v1/wallets/{userId}/statements/{month}, as JSON."""
    month, when = statement.month, statement.period
    return {
        "userId": statement.user_id,
        "month": when.month,
        "timeZone": when.zone.key,
        "beginsAt": rfc3339(when.since),
        "endsAt": rfc3339(when.until),
        "provisional": statement.provisional,
        "opening": _books(month.opening),
        "closing": _books(month.closing),
        "movements": statement.movements,
        "totals": [
            {"kind": one.kind, "movements": one.movements, "change": _books(one.change)}
            for one in month.totals
        ],
        "items": [_movement(line, when) for line in statement.lines],
        "nextCursor": statement.next_cursor,
    }
