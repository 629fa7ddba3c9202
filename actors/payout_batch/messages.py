"""What may be said to a batch of payouts, and what it answers (S50, X27, E14).

Another machine may import this module and nothing else of this package (design.md 1). A batch and its documents
name references, withdrawals and amounts; who is paid, and on which account, is with the withdrawals, sealed.
"""

from typing import Final

from comptoir.engine.values import Message, Reply

__all__ = [
    "BATCHES",
    "KIND",
    "REFERENCES",
    "ROWS",
    "ApproveBatch",
    "BatchDescribed",
    "BatchReported",
    "Booking",
    "CloseBatch",
    "CutOffReached",
    "DecisionDue",
    "DescribeBatch",
    "DownloadNoted",
    "JoinBatch",
    "LeaveBatch",
    "NoteDownload",
    "RejectBatch",
    "WalkOn",
    "listed_key",
    "row_key",
]

KIND = "payout_batch"
BATCHES: Final = "payout_batch"
"""Documents by which batches are listed, the newest first: `{}`."""
ROWS: Final = "payout_row"
"""The rows of a batch: `{"withdrawal", "cents", "currency", "in"}`, in the order of their references."""
REFERENCES: Final = "payout_reference"
"""By EndToEndId: `{"batch", "withdrawal", "cents", "currency"}`."""
_COMPLEMENT: Final = str.maketrans("0123456789", "9876543210")


def listed_key(name: str) -> str:
    """The key of a batch's document: the newest first."""
    return f"{name.translate(_COMPLEMENT)}:{name}"


def row_key(name: str, reference: str = "") -> str:
    """The key of a row; without a reference: where those of a batch begin."""
    return f"{name}:{reference}"


class JoinBatch(Message, frozen=True):
    """A withdrawal is to be paid. One that is closed or full sends it on to the next."""

    withdrawal_id: str
    reference: str
    amount_cents: int
    currency: str


class LeaveBatch(Message, frozen=True):
    """It is not to be paid after all; only until the batch is closed."""

    withdrawal_id: str
    reference: str


class CutOffReached(Message, frozen=True):
    """One's own timer: it closes now."""


class CloseBatch(Message, frozen=True):
    """Somebody closes it before its time."""

    maker: str


class WalkOn(Message, frozen=True):
    """One's own later self: the next rows."""

    after: str
    """Key of the last row that was told."""


class ApproveBatch(Message, frozen=True):
    """A second person lets it be paid: this very file, and no other."""

    checker: str
    roles: tuple[str, ...]
    digest: str
    """SHA-256 of the file, hex."""
    execution_on: str
    """YYYY-MM-DD."""
    document: bytes
    """The file, compressed (zlib)."""


class RejectBatch(Message, frozen=True):
    """It is not to be paid: the points of all of it are available again."""

    checker: str
    reason: str


class DecisionDue(Message, frozen=True):
    """One's own timer: it has waited for long enough."""


class Booking(Message, frozen=True):
    """What a statement says beside the word."""

    booked_on: str = ""
    direction: str = ""
    statement_id: str = ""


class BatchReported(Message, frozen=True):
    """The bank says something of all of it at once."""

    word: str
    reason: str = ""
    booking: Booking = Booking()
    amount_cents: int | None = None
    """What was booked; None: no amount was told."""
    currency: str = ""


class NoteDownload(Message, frozen=True):
    """Somebody takes the file; on record before they have it."""

    reader: str


class DescribeBatch(Message, frozen=True):
    """Say how far it is."""


class DownloadNoted(Reply, frozen=True):
    """It is on record."""

    digest: str


class BatchDescribed(Reply, frozen=True):
    """A batch."""

    status: str
    """open, closing, awaiting_approval, approved, dissolving, rejected, expired, empty."""
    transfers: int
    sum_cents: int
    currency: str
    cutoff_at: int
    """Business time, ms; of the timetable, also where it was closed before."""
    closed_at: int
    """0: it is open."""
    maker: str
    """Who closed it, or released what its cut-off had closed; empty: nobody yet."""
    checker: str
    reason: str
    """Why it was rejected."""
    digest: str
    execution_on: str
    decide_by: int
    """When it is dissolved, unless somebody decides; 0: nobody has to."""
    escalated: bool
    downloads: int
    released: bool = False
    """Its cut-off has closed it, and the maker has released it."""
