"""The payments side of the bank aggregator: orders taken, settled by hand, and told by webhooks.

Rule: as the source has it, which promises no idempotency: an order that comes twice is paid twice, so that
whoever sends one twice is found out. The body of an order, the search by reference and the list by day are ours (S51
names the path alone); the webhooks are S52's, with one more for money that came back (X26). What is shown of a payment
can be made to differ from what was ordered, and payments can be there that nobody ordered.
Source: spec.md S50 to S52, S56, X26, X27; interface.md 10.
"""

import re
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

FIND_QUERY = ("reference", "from", "to", "cursor")
PAGE_MAX = 100
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch
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


class Stray(_Given, frozen=True):
    """`POST /control/payments`: one that nobody has ordered."""

    reference: Annotated[str, Meta(min_length=1, max_length=35)]
    amount: Decimal
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z")] = "EUR"
    status: Literal["INITIATED", "COMPLETED", "FAILED", "RETURNED", "EXPIRED"] = "COMPLETED"


class Change(_Given, frozen=True):
    """`POST /control/payments/{id}/change`: what is shown of it from now on; nobody is told."""

    amount: Decimal | None = None
    status: Literal["INITIATED", "COMPLETED", "FAILED", "RETURNED", "EXPIRED"] | None = None
    hidden: bool | None = None
    doubled: bool | None = None


@dataclass(slots=True)
class Payment:
    """An order that was taken."""

    id: str
    order: Initiate
    at_ms: int
    status: str = "INITIATED"
    untold: list[bytes] = field(default_factory=list[bytes])
    amount: Decimal | None = None
    """Shown instead of what was ordered."""
    hidden: bool = False
    doubled: bool = False

    def listed(self) -> list[dict[str, Any]]:
        """As a list by day has it: not at all, once or twice."""
        order = self.order
        found = {
            "paymentId": self.id,
            "reference": order.reference,
            "amount": _number(order.amount if self.amount is None else self.amount),
            "currency": order.currency,
            "status": self.status,
            "at": rfc3339(self.at_ms),
        }
        again = [{**found, "paymentId": f"{self.id}b"}] if self.doubled else []
        return [] if self.hidden else [found, *again]

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
            Inbound(find, "GET", "/payments", self._find, FIND_QUERY),
        )

    def routes(self) -> list[Route]:
        """What tests ask."""
        return [
            Route("GET", "/control/payments", self._list),
            Route("POST", "/control/payments", self._stray),
            Route("POST", "/control/payments/{id}/change", self._change),
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
        if "reference" not in call.query:
            return self._of_days(call)
        wanted = call.query["reference"]
        items = [
            {"paymentId": one.id, "status": one.status, "reference": wanted}
            for one in self._payments.values()
            if one.order.reference == wanted and not one.hidden
        ]
        return Effect(json_reply(200, {"items": items}), happened=False)

    def _of_days(self, call: Call) -> Effect:
        """Those of some days, page by page, the oldest first."""
        begin, end = call.query.get("from", ""), call.query.get("to", "")
        after = call.query.get("cursor", "0")
        if not _DAY(begin) or not _DAY(end) or not after.isdecimal():
            refusal = Refused(422, "REQUEST_INVALID", "reference; or from and to, days in UTC")
            return Effect(json_reply(422, refusal.document()), happened=False)
        found = [
            one
            for payment in self._payments.values()
            if begin <= rfc3339(payment.at_ms)[:10] < end
            for one in payment.listed()
        ]
        page = found[int(after) : int(after) + PAGE_MAX]
        more = int(after) + PAGE_MAX < len(found)
        following = str(int(after) + PAGE_MAX) if more else None
        return Effect(json_reply(200, {"items": page, "nextCursor": following}), happened=False)

    async def _stray(self, call: Call) -> Outcome:
        given = decode(call.request.body, Stray)
        payee = Beneficiary("FR7630006000011234567890189", "Somebody")
        order = Initiate(
            f"wd_{secrets.token_hex(10)}", given.reference, given.amount, given.currency, payee
        )
        now = self.stage.clock.now_ms()
        payment = Payment(f"pay_{secrets.token_hex(8)}", order, now, given.status)
        self._payments[payment.id] = payment
        return json_reply(201, {"paymentId": payment.id})

    async def _change(self, call: Call) -> Outcome:
        payment = self._payments.get(call.argument)
        if payment is None:
            raise Refused(404, "NOT_FOUND", "no such payment, or forgotten since")
        wanted = decode(call.request.body, Change)
        for name in Change.__struct_fields__:
            value = getattr(wanted, name)
            if value is not None:
                setattr(payment, name, value)
        return json_reply(200, {"items": payment.listed()})

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
