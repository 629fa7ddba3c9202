"""What may be said to a wallet, one per user (S47, X21, X24).

Another machine may import this module and nothing else of this package (design.md 1).
"""

from comptoir.engine.values import Message

__all__ = ["KIND", "TRANSACTIONS", "ClawBack", "Credit", "ReleasePoints", "document_key"]

KIND = "wallet"
TRANSACTIONS = "transaction"
"""Collection of the documents behind GET /api/v1/transactions/{id} and report.transaction."""


def document_key(provider: str, transaction_id: str) -> str:
    """A transaction is unique per provider."""
    return f"{provider}:{transaction_id}"


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


class ReleasePoints(Message, frozen=True):
    """One's own timer: the hold of a lot has ended; pending points become available (X24)."""

    lot_id: str
    source: str
    """The purchase's transaction id."""
    key: str
    """The purchase's document."""
