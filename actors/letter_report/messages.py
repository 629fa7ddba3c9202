"""What may be said to whoever reports a dead-letter queue, and what it answers (S64, S68, X23).

Another machine may import this module and nothing else of this package (design.md 1). A report has numbers
and reasons in it, and nothing of a message.
"""

from typing import Final

import msgspec

from comptoir.engine.values import Address, Message, Reply

__all__ = [
    "KIND",
    "REPORTED",
    "Cause",
    "KeepReporting",
    "ListReports",
    "Report",
    "ReportDue",
    "ReportsListed",
]

KIND = "letter_report"
REPORTED: Final = Address(KIND, "dlq:transactions")
"""The queue that is analysed daily (S64)."""


class Cause(msgspec.Struct, frozen=True):
    """How many letters died of one thing."""

    code: str
    letters: int
    fresh: int
    """Of them, since the report before."""
    oldest: int
    """When the first died: business time, ms."""


class Report(msgspec.Struct, frozen=True):
    """A queue as it was."""

    at: int
    """Business time, ms since 1970."""
    since: int
    """When the report before was made; for the first, when reporting began."""
    letters: int
    fresh: int
    """Of them, since then."""
    oldest: int
    """When the first of them died; 0 where there are none."""
    causes: tuple[Cause, ...]
    """Most letters first; the reasons beyond `CAUSES_MAX` are in the sums only."""
    mail: str = ""
    """`sent`, `taken` by who carries mail, or the code of why it will not arrive; empty: to nobody."""


class KeepReporting(Message, frozen=True):
    """There is somebody to report to (engine/boot)."""


class ReportDue(Message, frozen=True):
    """One's own later self: a day is over."""

    since: int
    """When the report before was made."""


class ListReports(Message, frozen=True):
    """Say what was reported."""


class ReportsListed(Reply, frozen=True):
    """The newest first; as many as are kept."""

    reports: tuple[Report, ...]
    next_at: int
    """When the next is due; 0: none is."""
