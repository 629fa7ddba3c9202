"""What may be said to a withdrawal, one actor per payout (S46, S50, X25 to X27).

Another machine may import this module and nothing else of this package (design.md 1).
"""

import msgspec

from comptoir.engine.values import Message, Reply

__all__ = [
    "COLLECTION",
    "COMPLETED",
    "EXPIRED",
    "FAILED",
    "KIND",
    "MISMATCH",
    "REPORTS",
    "RETURNED",
    "UNKNOWN",
    "BeginWithdrawal",
    "CancelWithdrawal",
    "DescribeWithdrawal",
    "Order",
    "OutcomeUnknown",
    "PaymentInitiated",
    "PaymentReported",
    "SettleWithdrawal",
    "SettlementOver",
    "Step",
    "WithdrawalDescribed",
    "listing_of",
    "place_of",
]

KIND = "withdrawal"
COLLECTION = "withdrawal"
"""The documents by which a person's withdrawals are listed; they say nothing but that there is one."""

COMPLETED = "completed"
FAILED = "failed"
RETURNED = "returned"
EXPIRED = "expired"
REPORTS = frozenset((COMPLETED, FAILED, RETURNED, EXPIRED))
"""What whoever pays may say of a payment."""
UNKNOWN = "unknown"
"""It was sent, and nobody can say whether it arrived: a person has to find out."""
MISMATCH = "mismatch"
"""A report that is not about what was ordered: another amount, currency or payment."""

_TIME_MAX = 10**15 - 1


def listing_of(user_id: str) -> str:
    """The beginning of the keys of one person's withdrawals: no other id's begins so."""
    return f"{len(user_id)}:{user_id}:"


def place_of(asked_at: int, withdrawal_id: str = "") -> str:
    """The key of a withdrawal's document after `listing_of`: the newest first."""
    return f"{_TIME_MAX - asked_at:015d}:{withdrawal_id}"


class Order(msgspec.Struct, frozen=True):
    """What is to be paid to whom. Fixed when it is asked for, and sealed with whatever holds it (X21)."""

    user_id: str
    points: int
    rate_cents: int
    """Of a point."""
    gross_cents: int
    fee_cents: int
    net_cents: int
    currency: str
    iban: str
    """Electronic format."""
    beneficiary: str
    reference: str
    """`REWAPP-WD-YYYY-MM-DD-NNN` (S56): SEPA's EndToEndId."""
    settlement_ms: int
    """Between the order and its payment (X25)."""


class BeginWithdrawal(Message, frozen=True):
    """The wallet has blocked the points. Said twice, by the wallet and by whoever asks: whichever comes first
    begins it, so that who was told that it has begun finds it.
    """

    order: Order
    asked_at: int
    """When the points were blocked: the settlement hold counts from there."""


class SettlementOver(Message, frozen=True):
    """One's own timer: it is to be paid now (X25)."""


class CancelWithdrawal(Message, frozen=True):
    """Its person does not want it any more; only before it is paid."""


class PaymentInitiated(Message, frozen=True):
    """Whoever pays has taken the order."""

    payment_id: str


class OutcomeUnknown(Message, frozen=True):
    """The order was sent, no answer came, and nobody there knows of it: it is never sent again."""


class PaymentReported(Message, frozen=True):
    """Whoever pays says what became of it; said twice, in any order, or by another's mistake."""

    event: str
    """One of REPORTS."""
    payment_id: str = ""
    """Empty: it was refused before it had one."""
    amount_cents: int | None = None
    currency: str = ""
    reason: str = ""
    """Why it failed or came back: a reason of ISO 20022 (AC04), or whoever pays' own."""


class SettleWithdrawal(Message, frozen=True):
    """Two people of the house have found out what became of a payment that is held (E14)."""

    outcome: str
    """COMPLETED or FAILED: the last word, until money comes back or something new is said."""
    maker: str
    """Who has found it out; another has approved it."""
    reason: str


class DescribeWithdrawal(Message, frozen=True):
    """Say how far it is."""


class Step(msgspec.Struct, frozen=True):
    """One status of its history."""

    status: str
    at: int
    """Business time, ms."""
    code: str = ""
    """Why, where something went wrong."""


class WithdrawalDescribed(Reply, frozen=True):
    """A withdrawal."""

    status: str
    """S46, X26: pending, processing, completed, failed, cancelled, returned, held."""
    order: Order
    asked_at: int
    history: tuple[Step, ...]
