"""Wallets' holds and withdrawals for tests of the edge: what a test sets, and what real actors would say.

The rule: it fulfils that part of `comptoir.http.port.ApiPort`. Source: comptoir.http.port.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from msgspec import DecodeError, msgpack

from comptoir.actors.gateways.payee import PayeeVerified, VerifyPayee
from comptoir.actors.numbering.messages import DrawNumber, NumberDrawn
from comptoir.actors.wallet.messages import (
    AdjustmentDescribed,
    DescribeAdjustment,
    HoldPoints,
    PointsHeld,
    ProposeAdjustment,
)
from comptoir.actors.withdrawal.messages import (
    MATCH,
    BeginWithdrawal,
    CancelWithdrawal,
    Order,
    PaymentReported,
    Step,
    WithdrawalDescribed,
)
from comptoir.engine import Address, Message, Refused, Reply
from comptoir.http.books_testing import FakeBooks

__all__ = ["FakePayouts"]

ASKED_MS = 1_763_994_600_000
STATUSES: Mapping[type[Message], str] = {BeginWithdrawal: "pending", CancelWithdrawal: "cancelled"}
IBAN = "FR1420041010050500013M02606"


class FakePayouts(FakeBooks):
    """The withdrawals of a daemon that a test makes up."""

    def __init__(self) -> None:
        super().__init__()
        self.withdrawal_owners: dict[str, str] = {}
        """Withdrawals that are held: whose they are."""
        self.orders: dict[str, Order] = {}
        """What was asked for."""
        self.late: list[str] = []
        """Those that are overdue."""
        self.reports: dict[str, Mapping[str, Any]] = {}
        """Of payments that were compared, by their keys."""
        self.payee = PayeeVerified(MATCH)
        self.payees_asked: list[tuple[VerifyPayee, str]] = []
        self.adjusted: dict[str, dict[str, Any]] = {}
        """What is noted of adjustments."""

    def note_adjustment(self, name: str, user_id: str, points: int, maker: str) -> None:
        """One that waits for a second person."""
        self.adjusted[name] = {
            "user_id": user_id, "points": points, "status": "proposed", "maker": maker,
            "approval": f"apr_{name.removeprefix('adj_')}", "asked_at": ASKED_MS,
        }  # fmt: skip

    async def adjustments(self, after: str, limit: int) -> Sequence[str]:
        """As noted, in their order."""
        places = sorted(f"{0:015d}:{name}" for name in self.adjusted)
        return [place for place in places if place > after][:limit]

    async def adjustment(self, adjustment_id: str) -> Mapping[str, Any] | None:
        """As noted."""
        return self.adjusted.get(adjustment_id)

    async def withdrawals(self, user_id: str, after: str, limit: int) -> Sequence[str]:
        """As set, in their order."""
        owned = self.withdrawal_owners.items()
        places = sorted(f"{0:015d}:{name}" for name, owner in owned if owner == user_id)
        return [place for place in places if place > after][:limit]

    async def overdue(self, after: str, limit: int) -> Sequence[tuple[str, bool]]:
        """As set."""
        places = sorted(f"{0:015d}:{name}" for name in self.late)
        return [(place, True) for place in places if place > after][:limit]

    async def reconciliations(
        self, after: str, limit: int
    ) -> Sequence[tuple[str, Mapping[str, Any]]]:
        """As set, in their order."""
        return [one for one in sorted(self.reports.items()) if one[0] > after][:limit]

    async def verify_payee(self, wanted: VerifyPayee, asker: str) -> PayeeVerified:
        """As set."""
        self.payees_asked.append((wanted, asker))
        return self.payee

    def seal_quote(self, user_id: str, quote: bytes) -> bytes:
        """Readable, so that a test can change it; its end tells whether it was."""
        return quote + sha256(user_id.encode() + quote).digest()

    def open_quote(self, sealed: bytes) -> bytes | None:
        """What was sealed for anybody whom it names."""
        quote, digest = sealed[:-32], sealed[-32:]
        try:
            owner = str(msgpack.decode(quote)[0])
        except (DecodeError, ValueError, TypeError, IndexError):
            return None
        return quote if sha256(owner.encode() + quote).digest() == digest else None

    def of_payouts(self, address: Address, message: Message) -> Reply | None:
        """What is answered to what is said to these actors; None: it is said to others."""
        if isinstance(message, DrawNumber):
            return NumberDrawn(1)
        if isinstance(message, HoldPoints):
            self.withdrawal_owners[message.withdrawal_id] = address.key
            self.orders[message.withdrawal_id] = message.order
            return PointsHeld(ASKED_MS)
        if isinstance(message, ProposeAdjustment):
            self.note_adjustment(message.adjustment_id, address.key, message.points, message.maker)
            return AdjustmentDescribed("proposed", message.points, message.maker, "", ASKED_MS, 0)
        if isinstance(message, DescribeAdjustment):
            one = self.adjusted[message.adjustment_id]
            return AdjustmentDescribed(
                "applied", one["points"], one["maker"], "another", ASKED_MS, ASKED_MS
            )
        if address.kind != "withdrawal" or isinstance(message, PaymentReported):
            return None
        owner = self.withdrawal_owners.get(address.key)
        if owner is None:
            raise Refused("NOT_FOUND", "there is no withdrawal of this id")
        reference = "REWAPP-WD-2025-11-24-001"
        shown = Order(owner, 950, 1, 950, 0, 950, "EUR", IBAN, "Ada Lovelace", reference, 0)
        kind: type[Message] = type(message)
        status = STATUSES.get(kind, "held")
        order = self.orders.get(address.key, shown)
        return WithdrawalDescribed(status, order, ASKED_MS, (Step(status, ASKED_MS),))
