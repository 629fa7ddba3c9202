"""Payments by the provider of the source: `POST /payments/initiate` (S50, S51, X27).

Rule: confirm-first. The source promises no idempotency, so an order leaves once, and what became of one
whose answer was lost is looked up by our reference; the path for that is ours, since the source names none.
What the payment comes to is told by webhooks (S52, S56), or was told by the look-up already.
Source: spec.md S46, S50, S51, S56, S64, X21, X26, X27; design.md 6.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final, cast

import httpx
import msgspec
from msgspec import Meta

from comptoir.actors.gateways.bank import SERVER_ERRORS, TOO_MANY_REQUESTS, read_answer
from comptoir.actors.gateways.messages import PAYOUT, InitiatePayment, LookUpPayment
from comptoir.actors.withdrawal.messages import (
    COMPLETED,
    EXPIRED,
    FAILED,
    RETURNED,
    OutcomeUnknown,
    PaymentInitiated,
    PaymentReported,
)
from comptoir.engine.gateway_spec import (
    CallContext,
    CallFault,
    GatewayBounds,
    GatewaySpec,
    Operation,
)
from comptoir.engine.values import Message

__all__ = ["STATUSES", "payout_gateway", "sent"]

STATUSES: Final[Mapping[str, str]] = MappingProxyType(
    {"COMPLETED": COMPLETED, "FAILED": FAILED, "RETURNED": RETURNED, "EXPIRED": EXPIRED}
)
"""What ends a payment; any other word is one that is under way."""
QUEUE: Final = "dlq:withdrawals"
_Id = Annotated[str, Meta(min_length=1, max_length=128)]


class _Payment(msgspec.Struct, frozen=True, rename="camel"):
    """What is read of a payment; other fields never become a value."""

    payment_id: _Id
    status: Annotated[str, Meta(max_length=64)] = ""
    reference: Annotated[str, Meta(max_length=128)] = ""


class _Found(msgspec.Struct, frozen=True):
    items: Annotated[list[_Payment], Meta(max_length=100)]


_INITIATED = msgspec.json.Decoder(_Payment)
_FOUND = msgspec.json.Decoder(_Found)


def payout_gateway(
    client: httpx.AsyncClient, credentials: tuple[str, str], bounds: GatewayBounds
) -> GatewaySpec:
    """The gateway `payout` over an HTTP client whose base URL is the provider's.

    Args:
        client: with the provider's base URL.
        credentials: our id there and what proves it (HTTP Basic).
        bounds: deadlines, calls at once, breaker.
    """
    basic = httpx.BasicAuth(*credentials)

    async def initiate(order: InitiatePayment, context: CallContext) -> Message:
        del context
        units, cents = divmod(order.amount_cents, 100)
        body = {
            "withdrawalId": order.withdrawal_id,
            "reference": order.reference,
            "amount": msgspec.Raw(f"{units}.{cents:02d}".encode()),  # a number, and never a float
            "currency": order.currency,
            "beneficiary": {"iban": order.iban, "name": order.beneficiary},
        }
        request = client.build_request(
            "POST",
            "/payments/initiate",
            content=msgspec.json.encode(body),
            headers={"content-type": "application/json"},
        )
        payment: _Payment = read_answer(await sent(client, request, basic), _INITIATED)
        return PaymentInitiated(payment.payment_id)

    async def look_up(
        order: InitiatePayment | LookUpPayment, context: CallContext
    ) -> Message | None:
        del context
        query = {"reference": order.reference}
        request = client.build_request("GET", "/payments", params=query)
        found: _Found = read_answer(await sent(client, request, basic), _FOUND)
        ours = [one for one in found.items if one.reference == order.reference]
        if len(ours) != 1:  # none; or more than were ever ordered, which a person must see
            return None
        event = STATUSES.get(ours[0].status)
        if event is None:
            return PaymentInitiated(ours[0].payment_id)
        return PaymentReported(event, ours[0].payment_id)

    async def look_again(asked: LookUpPayment, context: CallContext) -> Message:
        return await look_up(asked, context) or OutcomeUnknown()

    def refused(_order: Any, code: str) -> Message:
        return PaymentReported(FAILED, reason=code)

    def held(_order: Any, _code: str) -> Message:
        return OutcomeUnknown()

    operation = Operation(
        initiate,
        lambda order: f"{cast('InitiatePayment', order).withdrawal_id}:initiate:1",
        idempotent=False,
        look_up=look_up,
        failed=refused,
        held=held,
    )
    overdue = Operation(
        look_again, lambda asked: f"{cast('LookUpPayment', asked).withdrawal_id}:overdue"
    )
    operations: dict[type[Message], Operation] = {
        InitiatePayment: operation,
        LookUpPayment: overdue,
    }
    return GatewaySpec(PAYOUT.kind, operations, bounds, dead_queue=QUEUE, hold_queue=QUEUE)


async def sent(
    client: httpx.AsyncClient, request: httpx.Request, auth: httpx.Auth
) -> httpx.Response:
    """Send a request; an outage of the party's is one, and a no is an answer.

    Raises:
        CallFault: PAYOUT_UNREACHABLE, PAYOUT_UNAVAILABLE, or PAYMENT_REFUSED where it said no.
    """
    try:
        response = await client.send(request, auth=auth)
    except httpx.TransportError as error:
        raise CallFault("PAYOUT_UNREACHABLE", retryable=True) from error
    if response.status_code >= SERVER_ERRORS:
        raise CallFault("PAYOUT_UNAVAILABLE", retryable=True)
    if response.status_code == TOO_MANY_REQUESTS or not response.is_success:
        raise CallFault("PAYMENT_REFUSED", retryable=False, sick=False)
    return response
