"""What a bank may say of a transfer, and the word for it: the table that docs/payouts.md shows.

Source: ISO 20022 External Code Sets (ExternalPaymentTransactionStatus1Code), pain.002.001.10; protocols.md 5.6.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from comptoir.actors.withdrawal.messages import COMPLETED, FAILED

__all__ = ["INITIATED", "STATUSES", "Finding"]

INITIATED: Final = "initiated"
"""The bank has it, and works on it."""
STATUSES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "RCVD": INITIATED,
        "ACTC": INITIATED,
        "ACCP": INITIATED,
        "ACSP": INITIATED,
        "ACWC": INITIATED,
        "PDNG": INITIATED,
        "ACSC": COMPLETED,
        "ACCC": COMPLETED,
        "RJCT": FAILED,
        "CANC": FAILED,
    }
)
"""A status of pain.002, at any of its three levels."""


class Finding(msgspec.Struct, frozen=True):
    """One thing that is said."""

    word: str
    """INITIATED, or a word of `withdrawal.messages`."""
    reference: str = ""
    """EndToEndId; empty: it is said of a whole batch."""
    batch: str = ""
    """MsgId or PmtInfId of ours, where it is told."""
    amount_cents: int | None = None
    currency: str = ""
    reason: str = ""
    """A code of ISO 20022: AC04."""
    booked_on: str = ""
    """YYYY-MM-DD: it is an entry of an account; empty: a status."""
    direction: str = ""
    """Of an entry: DBIT or CRDT."""
