"""Statements that tests make up, and a reader of CSV of their own.

Source: RFC 4180; docs/statements.md.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from comptoir.actors.wallet.statement import Line
from comptoir.engine.books import Change, Month, Movement, Total
from comptoir.http.statement import Statement, add, period

__all__ = ["BOOKS", "MONTH", "NOTHING", "at", "history", "made", "records"]

PARIS = ZoneInfo("Europe/Paris")
MONTH = "2025-11"
BOOKS = ("available", "pending", "blocked", "shortfall")
NOTHING: Change = (0, 0, 0, 0)
HOUR = 3_600_000


def at(text: str) -> int:
    """A time in UTC, in ms."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def history(
    *points: int, begin: str = "2025-11-03T10:00:00", partner: str = "Chez Nous"
) -> list[Line]:
    """Credits and holds of so many points, an hour apart."""
    told: list[Line] = []
    after = NOTHING
    for number, moved in enumerate(points, 1):
        change: Change = (moved, 0, 0, 0) if moved > 0 else (moved, 0, -moved, 0)
        after = add(after, change)
        kind, withdrawal = ("credit", None) if moved > 0 else ("hold", "wd_" + "0" * 20)
        when = at(begin) + number * HOUR
        one = Movement(number, when, kind, change, after, "lt_1", f"tx-{number}", withdrawal)
        told.append(Line(one, partner if moved > 0 else None))
    return told


def records(text: str) -> Iterator[list[str]]:
    """CSV by the grammar of RFC 4180, section 2, and nothing more forgiving."""
    field = r'(?:"((?:[^"]|"")*)"|([^",\r\n]*))'
    place, row = 0, list[str]()
    while place < len(text):
        found = re.compile(field).match(text, place)
        assert found is not None
        quoted, bare = found.groups()
        row.append(bare if quoted is None else quoted.replace('""', '"'))
        place = found.end()
        if text.startswith("\r\n", place):
            yield row
            row, place = [], place + 2
        else:
            assert text[place] == ",", "a field ends with a comma or a line's end"
            place += 1
    assert not row, "the last record ends, too"


def made(lines: Sequence[Line], **more: Any) -> Statement:
    """A statement of November, of all of these."""
    when = period(MONTH, PARIS)
    assert when is not None
    kinds = sorted({x.movement.kind for x in lines})
    totals: list[Total] = []
    for kind in kinds:
        total = NOTHING
        ours = [x.movement.change for x in lines if x.movement.kind == kind]
        for change in ours:
            total = add(total, change)
        totals.append(Total(kind, len(ours), total))
    closing = lines[-1].movement.after if lines else NOTHING
    month = Month(0, len(lines), NOTHING, closing, tuple(totals))
    fields: dict[str, Any] = {"begins": True, "more": False, **more}
    return Statement("u-1", when, False, month, lines, **fields)
