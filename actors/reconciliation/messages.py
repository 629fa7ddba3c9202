"""What may be said to whoever has payments compared, and what a comparison comes to (S46, S50, X27).

Another machine may import this module and nothing else of this package (design.md 1). A report has amounts, states
and our own references in it, and nobody's name or account.
"""

from datetime import date
from typing import Final

import msgspec

from comptoir.engine.values import Message

__all__ = [
    "COLLECTION",
    "KIND",
    "PROVIDER",
    "STATEMENT",
    "DayCompared",
    "DayUncompared",
    "Difference",
    "KeepReconciling",
    "ReconciliationDue",
    "Report",
    "Total",
    "report_key",
]

KIND = "reconciliation"
COLLECTION = "reconciliation"
"""The last report of each day and source, the newest day first."""
PROVIDER, STATEMENT = "provider", "statement"
"""Sources: the keys of the actors."""
_DAYS_MAX: Final = 9_999_999


def report_key(day: str, source: str = "") -> str:
    """The key of a report; without a source: where those of that day begin."""
    return f"{_DAYS_MAX - date.fromisoformat(day).toordinal():07d}:{source}"


class Total(msgspec.Struct, frozen=True):
    """Payments of one currency."""

    currency: str
    payments: int
    cents: int


class Difference(msgspec.Struct, frozen=True):
    """One order, or one payment, that does not fit."""

    reference: str
    kind: str
    """`missing_there`, `missing_here`, `doubled`, `amount` or `state`: the first that applies."""
    ours: str = ""
    """Our status of it; empty: there is none."""
    theirs: str = ""
    our_cents: int | None = None
    their_cents: int | None = None
    """Of all that they name so."""


class Report(msgspec.Struct, frozen=True):
    """A day, compared."""

    source: str
    day: str
    at: int
    """When: business time, ms."""
    ours: tuple[Total, ...]
    """Orders that left on that day."""
    theirs: tuple[Total, ...]
    """What is said of these, and of that day beside them."""
    differences: int
    rows: tuple[Difference, ...]
    """The first of them, by reference."""


class KeepReconciling(Message, frozen=True):
    """There is somebody who can be compared with (engine/boot)."""


class ReconciliationDue(Message, frozen=True):
    """One's own later self: it is time."""


class DayCompared(Message, frozen=True):
    """A day was compared."""

    report: Report


class DayUncompared(Message, frozen=True):
    """It could not be."""

    day: str
    code: str
