"""What may be said to a bank's report, and what it answers (X26, X27).

Another machine may import this module and nothing else of this package (design.md 1).
"""

from hashlib import blake2b
from typing import Final

import msgspec

from comptoir.actors.sepa.words import Finding
from comptoir.engine.values import Message, Reply

__all__ = [
    "DIFFERS",
    "FINDINGS_MAX",
    "KIND",
    "STATEMENTS",
    "UNKNOWN",
    "DescribeReport",
    "Leftover",
    "ReportDescribed",
    "TakeReport",
    "UnmatchedFinding",
    "report_key",
    "statement_key",
]

KIND = "payout_report"
STATEMENTS: Final = "statement_entry"
"""What statements have booked: `{"reference", "amountCents", "currency", "bookedOn", "direction",
"statementId", "returnReason"?}`, in the order of days. What we think was paid is reconciled against it."""
FINDINGS_MAX: Final = 200
"""Of one message: one decision, some milliseconds."""
UNKNOWN: Final = "PAYMENT_UNKNOWN"
"""No transfer or batch of ours is called so."""
DIFFERS: Final = "PAYMENT_DIFFERS"
"""There is one, of another amount, currency or batch."""


def report_key(kind: str, message_id: str) -> str:
    """The key of a report's actor: what a bank calls it, which is its own for ever."""
    return f"pr_{blake2b(f'{kind}|{message_id}'.encode(), digest_size=10).hexdigest()}"


def statement_key(booked_on: str, statement_id: str, reference: str, direction: str) -> str:
    """The key of an entry: the same one when it is told again."""
    return f"{booked_on}:{statement_id}:{reference}:{direction}"


class TakeReport(Message, frozen=True):
    """A part of what it says; the parts come in their order."""

    kind: str
    """Such as `camt.054.001.08`."""
    message_id: str
    digest: str
    """SHA-256 of the file, hex."""
    part: int
    """From 0."""
    last: bool
    findings: tuple[Finding, ...]
    ignored: int = 0
    """Of the whole; said with the last part."""


class UnmatchedFinding(Message, frozen=True):
    """Something is said of what is not known, or differs: a person has to look. Delivered again it is looked up
    anew.
    """

    why: str
    """UNKNOWN or DIFFERS."""
    message_id: str
    word: str
    """This and what follows: of the finding."""
    reference: str
    batch: str
    amount_cents: int | None
    currency: str
    reason: str
    booked_on: str
    direction: str

    @classmethod
    def of(cls, why: str, message_id: str, finding: Finding) -> "UnmatchedFinding":
        """What is said, flat, so that a person may read it in a letter."""
        return cls(why, message_id, *msgspec.structs.astuple(finding))

    @property
    def finding(self) -> Finding:
        """What is said."""
        return Finding(
            self.word, self.reference, self.batch, self.amount_cents, self.currency, self.reason,
            self.booked_on, self.direction,
        )  # fmt: skip


class DescribeReport(Message, frozen=True):
    """Say what became of it."""


class Leftover(msgspec.Struct, frozen=True):
    """What is for a person to look at."""

    code: str
    reference: str
    batch: str


class ReportDescribed(Reply, frozen=True):
    """A report."""

    kind: str
    message_id: str
    digest: str
    parts: int
    """Taken so far."""
    complete: bool
    applied: int
    unmatched: int
    ignored: int
    leftovers: tuple[Leftover, ...]
    """The first of those that are unmatched."""
    taken_at: int
