"""Wallets' holds and withdrawals for tests of the edge: what a test sets, and what real actors would say.

The rule: it fulfils that part of `comptoir.http.port.ApiPort`. Source: comptoir.http.port.
"""

from collections.abc import Sequence

from comptoir.actors.numbering.messages import DrawNumber, NumberDrawn
from comptoir.actors.wallet.messages import HoldPoints, PointsHeld
from comptoir.actors.withdrawal.messages import (
    BeginWithdrawal,
    CancelWithdrawal,
    Order,
    PaymentReported,
    Step,
    WithdrawalDescribed,
)
from comptoir.engine import Address, Message, Refused, Reply

__all__ = ["FakePayouts"]

ASKED_MS = 1_763_994_600_000
STATUSES = {BeginWithdrawal: "pending", CancelWithdrawal: "cancelled"}
IBAN = "FR1420041010050500013M02606"


class FakePayouts:
    """The withdrawals of a daemon that a test makes up."""

    def __init__(self) -> None:
        self.withdrawal_owners: dict[str, str] = {}
        """Withdrawals that are held: whose they are."""

    async def withdrawals(self, user_id: str, after: str, limit: int) -> Sequence[str]:
        """As set, in their order."""
        owned = self.withdrawal_owners.items()
        places = sorted(f"{0:015d}:{name}" for name, owner in owned if owner == user_id)
        return [place for place in places if place > after][:limit]

    def of_payouts(self, address: Address, message: Message) -> Reply | None:
        """What is answered to what is said to these actors; None: it is said to others."""
        if isinstance(message, DrawNumber):
            return NumberDrawn(1)
        if isinstance(message, HoldPoints):
            self.withdrawal_owners[message.withdrawal_id] = address.key
            return PointsHeld(ASKED_MS)
        if address.kind != "withdrawal" or isinstance(message, PaymentReported):
            return None
        owner = self.withdrawal_owners.get(address.key)
        if owner is None:
            raise Refused("NOT_FOUND", "there is no withdrawal of this id")
        reference = "REWAPP-WD-2025-11-24-001"
        order = Order(owner, 950, 1, 950, 0, 950, "EUR", IBAN, "Ada Lovelace", reference, 0)
        status = STATUSES.get(type(message), "held")
        return WithdrawalDescribed(status, order, ASKED_MS, (Step(status, ASKED_MS),))
