"""A statement as CSV: one row for each movement, between the balance before them and the balance after.

The rule: a program reads it, so names and numbers are those of the JSON, whatever the language. RFC 4180 to
the letter: CRLF, a header, quotes doubled. What others wrote (names of partners, ids of providers) is never
a formula where a spreadsheet opens it: a cell that begins as one does gets an apostrophe before it.
Source: RFC 4180; OWASP, "CSV Injection"; spec.md S47.
"""

import csv
import io
from collections.abc import Iterator
from typing import Final

from comptoir.actors.wallet.statement import Line
from comptoir.engine.books import Change
from comptoir.http.statement import BOOKS, Period, Statement
from comptoir.http.times import rfc3339

__all__ = ["COLUMNS", "CSV", "defused", "to_csv"]

CSV: Final = "text/csv; charset=utf-8; header=present"
COLUMNS: Final = (
    "entryId", "date", "occurredAt", "kind", "partner", "lotId", "transactionId", "withdrawalId",
    *BOOKS, *(f"{book}After" for book in BOOKS),
)  # fmt: skip
NO_CHANGE: Final = ("",) * len(BOOKS)
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - full width, which some read as the plain ones


def defused(text: str | None) -> str:
    """A cell of somebody else's text."""
    if not text:
        return ""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULAS) else text


def to_csv(statement: Statement) -> bytes:
    """The page of movements."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(_rows(statement))
    return text.getvalue().encode()


def _rows(statement: Statement) -> Iterator[tuple[object, ...]]:
    yield COLUMNS
    yield _balance("opening" if statement.begins else "carried", statement.carried)
    last = statement.carried
    for line in statement.lines:
        yield _movement(line, statement.period)
        last = line.movement.after
    yield _balance("carried" if statement.more else "closing", last)


def _balance(kind: str, balance: Change) -> tuple[object, ...]:
    return ("", "", "", kind, "", "", "", "", *NO_CHANGE, *balance)


def _movement(line: Line, period: Period) -> tuple[object, ...]:
    one = line.movement
    return (
        one.id, period.day(one.at).isoformat(), rfc3339(one.at), one.kind, defused(line.partner),
        defused(one.lot), defused(one.transaction), defused(one.withdrawal), *one.change, *one.after,
    )  # fmt: skip
