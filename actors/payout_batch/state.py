"""What a batch remembers: figures and names of who did what, never a row."""

from enum import Enum
from typing import Final

import msgspec

from comptoir.actors.payout_batch.messages import Booking
from comptoir.engine import Event, State

__all__ = [
    "CLOSED",
    "BatchApproved",
    "BatchClosed",
    "BatchEscalated",
    "BatchRefused",
    "BatchReleased",
    "BatchState",
    "Errand",
    "FileTaken",
    "Phase",
    "TransferLeft",
]


CLOSED: Final = "closed"
"""The word of the errand by which its withdrawals hear that they stay in it."""


class Phase(Enum):
    """How far a batch is."""

    NONE = "none"
    OPEN = "open"
    CLOSING = "closing"
    """Its withdrawals are being told, row after row, and counted."""
    AWAITING = "awaiting_approval"
    APPROVED = "approved"
    """Its file is fixed. What the bank says of it changes its withdrawals, and not the batch."""
    DISSOLVING = "dissolving"
    """Its withdrawals get their points back, row after row."""
    REJECTED = "rejected"
    EXPIRED = "expired"
    EMPTY = "empty"
    """All of them had left before it closed: nobody has to sign nothing."""


class Errand(msgspec.Struct, frozen=True):
    """Something that every row is told."""

    word: str
    """CLOSED, or a word of a report."""
    reason: str = ""
    booking: Booking = Booking()
    transfers: int = 0
    """Counted so far, and summed up."""
    cents: int = 0


class BatchState(State, frozen=True):
    """Sealed as a whole at rest."""

    phase: Phase
    transfers: int = 0
    sum_cents: int = 0
    currency: str = ""
    closed_at: int = 0
    maker: str = ""
    checker: str = ""
    reason: str = ""
    digest: str = ""
    execution_on: str = ""
    decide_by: int = 0
    escalated: bool = False
    downloads: int = 0
    errands: tuple[Errand, ...] = ()
    """The first is under way."""
    said: tuple[str, ...] = ()
    """Of the whole of it by the bank: once each."""
    released: bool = False
    """The maker has not closed it: its cut-off had."""


class BatchClosed(Event, frozen=True):
    """Nothing joins it any more, and nothing leaves it."""

    maker: str
    transfers: int
    sum_cents: int


class BatchReleased(Event, frozen=True):
    """Somebody stands for what nobody had closed by hand."""

    maker: str
    transfers: int
    sum_cents: int


class BatchApproved(Event, frozen=True):
    """This file may be given to the bank."""

    checker: str
    maker: str
    digest: str
    transfers: int
    sum_cents: int
    execution_on: str


class BatchRefused(Event, frozen=True):
    """It will not be paid."""

    code: str
    checker: str
    reason: str


class BatchEscalated(Event, frozen=True):
    """Nobody has decided in time."""


class FileTaken(Event, frozen=True):
    """Somebody has the file."""

    reader: str
    digest: str


class TransferLeft(Event, frozen=True):
    """It is not paid by this batch."""

    withdrawal_id: str
