"""What may be said about a claim, and what is answered (E9).

Another machine may import this module and nothing else of this package (design.md 1).
"""

from enum import StrEnum
from typing import Final

import msgspec

from comptoir.actors.connection.messages import TransactionReported
from comptoir.engine.values import Message, Reply

__all__ = [
    "CASES",
    "COLLECTION",
    "KIND",
    "SAME_PERSON",
    "ClaimDescribed",
    "Claimed",
    "DescribeClaim",
    "GrantClaim",
    "OpenClaim",
    "RefuseClaim",
    "Verdict",
    "place_of",
]

KIND = "claim"
COLLECTION = "claim"
"""The documents by which what waits for a decision is listed: `{"waits": bool}`, which names nobody."""
CASES = "match_case"
"""Collection of labelled cases: what was granted, as a line of a labelled set."""
SAME_PERSON: Final = "FOUR_EYES"
"""Nobody grants what they claim themselves."""
_TIME_MAX: Final = 10**15 - 1


class Verdict(StrEnum):
    """Why a purchase gave no cashback, or that it did."""

    CREDITED = "credited"
    PENDING = "pending"
    """Its points are held, or it waits for its purchase (a refund)."""
    REFUNDED = "refunded"
    IGNORED = "ignored"
    """Another currency, say: the trace tells what was matched, the status that it does not earn."""
    NOT_MATCHED = "not_matched"
    """It is kept, and can be granted."""
    NOT_KEPT = "not_kept"
    """Nothing is known of it: it was not told, not like a partner's, or longer ago than is kept."""


class Claimed(msgspec.Struct, frozen=True):
    """The purchase that is claimed."""

    report: TransactionReported
    link: str
    """Key of the connection that told it."""


def place_of(opened_at: int, claim_id: str = "") -> str:
    """The key of a claim's document: the newest first."""
    return f"{_TIME_MAX - opened_at:015d}:{claim_id}"


class OpenClaim(Message, frozen=True):
    """A person asks. Said again, it answers how far it is."""

    user_id: str
    verdict: Verdict
    trace: tuple[str, ...]
    claimed: Claimed | None = None
    """None: there is nothing to decide."""


class GrantClaim(Message, frozen=True):
    """Somebody of the house says whose purchase it was."""

    maker: str
    partner_id: str


class RefuseClaim(Message, frozen=True):
    """Somebody of the house says that it was nobody's."""

    maker: str
    reason: str


class DescribeClaim(Message, frozen=True):
    """Say how far it is."""


class ClaimDescribed(Reply, frozen=True):
    """A claim."""

    status: str
    """`answered` (there is nothing to decide), `open`, `granted` or `refused`."""
    user_id: str
    verdict: Verdict
    trace: tuple[str, ...]
    opened_at: int
    """Business time, ms."""
    report: TransactionReported | None = None
    partner_id: str = ""
    maker: str = ""
    """Who decided it."""
    reason: str = ""
    decided_at: int = 0
