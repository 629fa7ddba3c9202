"""The payments side of the bank aggregator: orders taken, settled by hand, and told by webhooks.

Rule: as the source has it, which promises no idempotency: an order that comes twice is paid twice, so that
whoever sends one twice is found out. The body of an order and the search by reference are ours (S51 names
the path alone); the webhooks are S52's, with one more for money that came back (X26).
Source: spec.md S50 to S52, S56, X26, X27; interface.md 10.
"""

import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
import orjson
from msgspec import Meta

from comptoir.sandbox.clock import rfc3339
from comptoir.sandbox.errors import Refused, decode
from comptoir.sandbox.faults import Direction, Operation
from comptoir.sandbox.parties.hooks import Hooks
from comptoir.sandbox.parties.party import Effect, Inbound, Stage, require_basic
from comptoir.sandbox.parties.seed import NAME
from comptoir.sandbox.wire.router import Call, Route
from comptoir.sandbox.wire.server import Outcome, json_reply

KEPT_MAX = 20_000
"""Payments: beyond it the oldest is forgotten."""
_Text = Annotated[str, Meta(min_length=1, max_length=140)]


class _Given(msgspec.Struct, forbid_unknown_fields=True, frozen=True, rename="camel"):
    """A body that is read whole."""


class Beneficiary(_Given, frozen=True):
    """Who is paid."""

    iban: Annotated[str, Meta(pattern=r"^[A-Z]{2}[0-9]{2}[A-Z0-9]{1,30}\Z")]
    name: _Text


class Initiate(_Given, frozen=True):
    """`POST /payments/initiate`."""

    withdrawal_id: _Text
    reference: Annotated[str, Meta(min_length=1, max_length=35)]
    """EndToEndId of SEPA."""
    amount: Decimal
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z")]
    beneficiary: Beneficiary


class Settle(_Given, frozen=True):
    """`POST /control/payments/{id}/settle`."""

    outcome: Literal["completed", "failed", "returned", "expired"]
    reason: Annotated[str, Meta(max_length=35)] = ""
    """ISO 20022: AC04, ..."""
    times: Annotated[int, Meta(ge=1, le=10)] = 1


@dataclass(slots=True)
class Payment:
    """An order that was taken."""

    id: str
    order: Initiate
    at_ms: int
    status: str = "INITIATED"
    untold: list[bytes] = field(default_factory=list[bytes])

    def shown(self) -> dict[str, Any]:
        """As whoever looks at all of them sees it."""
        return {
            "paymentId": self.id,
            "withdrawalId": self.order.withdrawal_id,
            "reference": self.order.reference,
            "amount": _number(self.order.amount),
            "currency": self.order.currency,
            "beneficiary": {
                "iban": self.order.beneficiary.iban,
                "name": self.order.beneficiary.name,
            },
            "status": self.status,
            "at": rfc3339(self.at_ms),
        }


@dataclass(slots=True)
class Payments:
    """All orders that were taken."""

    stage: Stage
    hooks: Hooks
    """Where payments are told of."""
    _payments: OrderedDict[str, Payment] = field(default_factory=OrderedDict[str, Payment])

    def inbound(self) -> tuple[Inbound, ...]:
        """What the daemon asks."""
        initiate = Operation("payments.initiate", Direction.INBOUND)
        find = Operation("payments.find", Direction.INBOUND)
        return (
            Inbound(initiate, "POST", "/payments/initiate", self._initiate),
            Inbound(find, "GET", "/payments", self._find, ("reference",)),
        )

    def routes(self) -> list[Route]:
        """What tests ask."""
        return [
            Route("GET", "/control/payments", self._list),
            Route("POST", "/control/payments/{id}/settle", self._settle),
            Route("POST", f"/control/{NAME}/webhooks", self.hooks.set),
        ]

    def reset(self) -> None:
        """Forgets everything."""
        self._payments.clear()
        self.hooks.reset()

    def _initiate(self, call: Call) -> Effect:
        try:
            require_basic(call)
            order = decode(call.request.body, Initiate)
            if order.amount <= 0 or order.amount != round(order.amount, 2):
                raise Refused(422, "AMOUNT_INVALID", "above 0, and of whole cents")
        except Refused as refusal:
            return Effect(json_reply(refusal.status, refusal.document()), happened=False)
        payment = Payment(f"pay_{secrets.token_hex(8)}", order, self.stage.clock.now_ms())
        self._payments[payment.id] = payment
        if len(self._payments) > KEPT_MAX:
            self._payments.popitem(last=False)
        answer = {"paymentId": payment.id, "status": payment.status}
        return Effect(json_reply(201, answer), happened=True)

    def _find(self, call: Call) -> Effect:
        try:
            require_basic(call)
        except Refused as refusal:
            return Effect(json_reply(refusal.status, refusal.document()), happened=False)
        wanted = call.query.get("reference", "")
        items = [
            {"paymentId": one.id, "status": one.status, "reference": wanted}
            for one in self._payments.values()
            if one.order.reference == wanted
        ]
        return Effect(json_reply(200, {"items": items}), happened=False)

    async def _list(self, _call: Call) -> Outcome:
        return json_reply(200, {"items": [one.shown() for one in self._payments.values()]})

    async def _settle(self, call: Call) -> Outcome:
        """It ends so, and whoever ordered it is told."""
        payment = self._payments.get(call.argument)
        if payment is None:
            raise Refused(404, "NOT_FOUND", "no such payment, or forgotten since")
        settled = decode(call.request.body, Settle)
        payment.status = settled.outcome.upper()
        answers: list[dict[str, Any]] = []
        for _ in range(settled.times):
            answers += await self.hooks.tell(payment.untold, self._told(payment, settled))
        return json_reply(
            200, {"paymentId": payment.id, "status": payment.status, "answers": answers}
        )

    def _told(self, payment: Payment, settled: Settle) -> dict[str, Any]:
        """The webhook of S56."""
        order, iban = payment.order, payment.order.beneficiary.iban
        data: dict[str, Any] = {
            "payment_id": payment.id,
            "withdrawal_id": order.withdrawal_id,
            "amount": _number(order.amount),
            "currency": order.currency,
            "status": payment.status,
            "reference": order.reference,
            "beneficiary_iban": f"{iban[:4]}****{iban[-4:]}",
        }
        if settled.reason:
            data["reason"] = settled.reason
        at = rfc3339(self.stage.clock.now_ms())
        return {"event": f"payment.{settled.outcome}", "timestamp": at, "data": data}


def _number(amount: Decimal) -> orjson.Fragment:
    """A JSON number with its two decimals, as in S56."""
    return orjson.Fragment(f"{amount:.2f}")
