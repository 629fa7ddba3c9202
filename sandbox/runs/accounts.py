"""Points counted from outside: what a correct daemon holds, by user.

Rule: a transaction counts once, whatever is sent again; a refund takes back the points of its
purchase, in whichever order the two arrive; points are integers with one floor at the very end.

Source: interface.md 1 (points) and 6 (refunds, duplicates); spec X24, X32.
"""

from collections import Counter
from dataclasses import dataclass

# Every tier that the default configuration reaches multiplies by one (interface.md 1).
MULTIPLIER_BP = 10_000

_TAKEN = 1
_REFUNDED = 2


@dataclass(frozen=True, slots=True)
class Transaction:
    """What one transaction id is worth."""

    index: int
    """Its number within the run, from 0."""
    user_id: str
    points: int
    """What it earns; 0 where no partner matches, and for a refund."""
    refunds: "Transaction | None" = None
    """The purchase that it takes back."""


def points_of(amount_cents: int, rate_bp: int, value_cents: int) -> int:
    """Points of a purchase: one floor, at the very end (X32)."""
    return amount_cents * rate_bp * MULTIPLIER_BP // (10_000 * 10_000 * value_cents)


class Account:
    """Points by user, from the transactions taken so far. One byte a transaction."""

    def __init__(self, transactions_max: int) -> None:
        self._marks = bytearray(transactions_max)
        self._by_user: Counter[str] = Counter()

    def has(self, transaction: Transaction) -> bool:
        """True where the transaction was counted."""
        return bool(self._marks[transaction.index] & _TAKEN)

    def take(self, transaction: Transaction) -> None:
        """Counts a transaction, unless it was counted before."""
        if self.has(transaction):
            return
        self._marks[transaction.index] |= _TAKEN
        purchase = transaction.refunds
        if purchase is None:
            self._add(transaction, 0 if self._marks[transaction.index] & _REFUNDED else 1)
        elif not self._marks[purchase.index] & _REFUNDED:
            self._marks[purchase.index] |= _REFUNDED
            if self._marks[purchase.index] & _TAKEN:
                self._add(purchase, -1)

    def _add(self, purchase: Transaction, sign: int) -> None:
        if purchase.points:
            self._by_user[purchase.user_id] += sign * purchase.points

    def document(self) -> dict[str, object]:
        """The total and each user's points; users who earned and lost all stand with 0."""
        return {"points": self._by_user.total(), "byUser": dict(self._by_user)}
