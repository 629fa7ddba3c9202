"""What may be said to a bank connection, and what it answers (S52, S56, X19, X23).

Another machine may import this module and nothing else of this package (design.md 1).
"""

from comptoir.engine.values import Message, Reply

__all__ = [
    "KIND",
    "LinkConnection",
    "Linked",
    "TransactionHeld",
    "TransactionReported",
    "TransactionTaken",
    "once_key",
]

KIND = "connection"


class TransactionReported(Message, frozen=True):
    """A provider reports one card transaction (`transaction.created`, S56), verified and parsed."""

    provider: str
    event: str
    transaction_id: str
    amount_cents: int
    """>= 0; the direction carries the sign."""
    currency: str
    """ISO 4217."""
    direction: str
    """DEBIT (a purchase) or CREDIT (a refund)."""
    date: str
    """The purchase's day, YYYY-MM-DD."""
    merchant_name: str
    """The card-statement label."""
    mcc: str = ""
    """ISO 18245 category, four digits, or empty."""
    city: str = ""
    country: str = ""
    original_transaction_id: str = ""
    """On a refund: the purchase that it takes back, when the provider names it (interface.md 6)."""


class TransactionHeld(Message, frozen=True):
    """One's own later self: a transaction that came before its connection was known.

    Parked for `webhooks.unknown_connection_hours`, released when the connection appears.
    """

    report: TransactionReported


class LinkConnection(Message, frozen=True):
    """Make the connection known, or bring what is known of it up to date (import, linking)."""

    connection_id: str
    user_id: str
    provider: str = "seed"
    bank_name: str = ""
    card_last4: str = ""
    consent_expires_on: str = ""


class TransactionTaken(Reply, frozen=True):
    """The transaction is durable."""

    outcome: str
    """`matched`, `refund`, `unmatched`, `ignored`, or `parked` when the connection is unknown."""
    candidate: bool = False
    """Whether an unmatched one looked like a partner's (X22)."""

    @property
    def parked(self) -> bool:
        """Kept until its connection is known (interface.md 6, row 11)."""
        return self.outcome == "parked"


class Linked(Reply, frozen=True):
    """What importing or linking did: `imported`, `updated` or `unchanged`."""

    change: str


def once_key(provider: str, event: str, reference: str) -> str:
    """What makes a webhook the same as one taken before, whatever the rest of its body (X16)."""
    return f"{provider}:{event}:{reference}"
