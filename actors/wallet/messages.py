"""What may be said to a wallet, one per user (S47, X21, X24).

Another machine may import this module and nothing else of this package (design.md 1).
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from comptoir.actors.claim.messages import PurchaseFound
from comptoir.actors.withdrawal.messages import Order
from comptoir.engine.values import Message, Reply

__all__ = [
    "AVAILABLE",
    "BLOCKED",
    "HOLDS",
    "KIND",
    "PAID",
    "STANDS_FOR",
    "TAGS",
    "TRANSACTIONS",
    "ClawBack",
    "Credit",
    "HoldPoints",
    "MovePoints",
    "PointsHeld",
    "ReleasePoints",
    "Restate",
    "TakeBack",
    "TellStanding",
    "document_key",
    "tag_of",
]

KIND = "wallet"
AVAILABLE, BLOCKED, PAID = "available", "blocked", "paid"
"""Where the points of a withdrawal are."""
HOLDS = "withdrawal_hold"
"""Collection: which points of which lots a withdrawal has, and where they are now (E7)."""
STANDS_FOR = "stands_for"
"""Field of a transaction's document: the key of the one under which the purchase was credited (E8)."""
TAGS = "purchase_tag"
"""Collection that leads from a wallet and a tag to purchases that came to it by a correction: their lots have
the tag of the amount that was told first."""
TRANSACTIONS = "transaction"
"""Collection of the documents behind GET /api/v1/transactions/{id} and report.transaction."""


def document_key(provider: str, transaction_id: str) -> str:
    """A transaction is unique per provider."""
    return f"{provider}:{transaction_id}"


def tag_of(link: str, partner_id: str, amount_cents: int) -> str:
    """What purchases of one connection, partner and amount have in common; opaque, so that the ledger shows
    no link between purchases and connections.
    """
    seed = f"{link}|{partner_id}|{amount_cents}"
    return blake2b(seed.encode(), digest_size=12).hexdigest()


class Credit(Message, frozen=True):
    """A purchase at a partner earns points; sent by the connection that matched it."""

    provider: str
    transaction_id: str
    partner_id: str
    amount_cents: int
    """>= 0: what was paid."""
    eligible_cents: int
    """The part that earns points, after the partner's cap per purchase."""
    rate_bp: int
    """The partner's rate at matching time."""
    tag: str
    """Digest of (connection, partner, amount): what an anonymous refund is matched by."""
    month: str = ""
    """YYYY-MM of the purchase, when the partner caps a month, else empty."""
    cap_cents_month: int = 0
    """With `month`: the most of one user's purchases in it that earns points."""
    link: str = ""
    """Key of the connection that tells it."""
    account: str = ""
    """The card's last four digits, where they are known (S59): two links of one person that show the same are
    of one account, and earn once.
    """


class ClawBack(Message, frozen=True):
    """A purchase was refunded in full or in part: its points are taken back, from its very lot."""

    provider: str
    refund_id: str
    """The refund's own transaction id."""
    original_id: str
    """The purchase's transaction id when the provider names it, else empty."""
    tag: str
    """Else the newest purchase with this tag (interface.md 6)."""
    amount_cents: int
    give_up_at: int = 0
    """A refund seen before its purchase waits until then (business time, ms); 0 = first try."""
    link: str = ""
    """Key of the connection that tells it: what two links tell of one purchase's refunds is not added up."""


class Restate(Message, frozen=True):
    """A purchase as a provider tells it that may tell it more than once: pending and booked under two ids, with
    another amount, deleted and there again (E8). Told for the first time, it earns.
    """

    credit: Credit
    """As it is now."""
    replaces: str
    """The id under which it was told before: its own, or that of its pending twin."""
    document: Mapping[str, Any]
    """The fields of what people see of it, for the case that it was not credited before."""
    revision: int = 0
    """Place of this word among the provider's words about this purchase: a later one is greater. 0: the
    provider numbers none, and tells them in their order.
    """
    removed: bool = False
    """It is told as one that never happened."""
    pending: bool = False
    """It is not booked yet, and may come under another id when it is."""
    elsewhere: tuple[str, ...] | None = None
    """One's own: the tags that it would have at other links of the account; None: not looked for yet."""


class TakeBack(Message, frozen=True):
    """The provider has taken a purchase back: it never happened. What it did not earn needs nothing."""

    provider: str
    transaction_id: str
    revision: int = 0
    """As in `Restate`."""


class TellStanding(Message, frozen=True):
    """A claim has had this purchase found: tell it whether it is on record here, and as what (E9, X23)."""

    claim: str
    """Key of the claim."""
    found: PurchaseFound


class ReleasePoints(Message, frozen=True):
    """One's own timer: the hold of a lot has ended; pending points become available (X24)."""

    lot_id: str
    source: str
    """The purchase's transaction id."""
    key: str
    """The purchase's document."""


class HoldPoints(Message, frozen=True):
    """A person withdraws: their points are blocked, and the withdrawal begins, or it is refused (S50)."""

    withdrawal_id: str
    order: Order


class PointsHeld(Reply, frozen=True):
    """They are blocked, or were already for this very withdrawal."""

    asked_at: int
    """Business time, ms."""


class MovePoints(Message, frozen=True):
    """The withdrawal says where its points are from now on. Said again, it changes nothing."""

    withdrawal_id: str
    place: str
    """AVAILABLE, BLOCKED or PAID."""
