"""Payments by the provider of the source: what it is asked, once, and what is made of what it says."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from comptoir.actors.gateways.messages import InitiatePayment
from comptoir.actors.gateways.payout_seed import payout_gateway
from comptoir.actors.withdrawal.messages import (
    OutcomeUnknown,
    PaymentInitiated,
    PaymentReported,
)
from comptoir.engine.gateway_spec import CallContext, CallFault, GatewayBounds, Operation
from tests.actors.gateways.provider import Provider

REFERENCE = "REWAPP-WD-2025-11-24-001"
IBAN = "FR1420041010050500013M02606"
ORDER = InitiatePayment("wd_1", REFERENCE, 950, "EUR", IBAN, "Ada Lovelace")
CONTEXT = CallContext(1_800_000_000_000, 1, "wd_1:initiate:1")
INITIATE, FIND = "POST /payments/initiate", "GET /payments"


@pytest.fixture
def provider() -> Provider:
    """The party."""
    made = Provider()
    made.answers[INITIATE] = (201, {"paymentId": "pay_1", "status": "INITIATED"})
    return made


@pytest.fixture
async def operation(provider: Provider) -> AsyncIterator[Operation]:
    """The one that pays."""
    async with provider.client() as client:
        spec = payout_gateway(client, ("us", "s3cret"), GatewayBounds())
        assert (spec.kind, spec.dead_queue, spec.hold_queue) == (
            "payout", "dlq:withdrawals", "dlq:withdrawals",
        )  # fmt: skip
        yield spec.operations[InitiatePayment]


async def test_it_is_never_sent_again(operation: Operation) -> None:
    """S50, design.md 6: confirm-first, under a key that is the same after a restart; whoever withdrew hears
    of a no, and of an outcome that nobody knows.
    """
    assert not operation.idempotent
    assert operation.business_key(ORDER) == "wd_1:initiate:1"
    assert operation.failed(ORDER, "PAYMENT_REFUSED") == PaymentReported(
        "failed", reason="PAYMENT_REFUSED"
    )
    assert operation.held(ORDER, "OUTCOME_UNKNOWN") == OutcomeUnknown()


@pytest.mark.parametrize(
    ("cents", "amount"),
    [(950, b"9.50"), (5, b"0.05"), (100, b"1.00"), (123_456_789_01, b"123456789.01")],
)
async def test_what_is_ordered(
    operation: Operation, provider: Provider, cents: int, amount: bytes
) -> None:
    """S51, S56: the amount is a number with its cents, and was never a float; we are known by HTTP Basic."""
    order = InitiatePayment("wd_1", REFERENCE, cents, "EUR", IBAN, "Ada Lovelace")
    assert await operation.call(order, CONTEXT) == PaymentInitiated("pay_1")
    (request,) = provider.requests
    assert b'"amount":' + amount + b"," in request.content
    assert json.loads(request.content) == {
        "withdrawalId": "wd_1", "reference": REFERENCE, "amount": float(amount), "currency": "EUR",
        "beneficiary": {"iban": IBAN, "name": "Ada Lovelace"},
    }  # fmt: skip
    assert request.headers["authorization"] == "Basic " + base64.b64encode(b"us:s3cret").decode()


@pytest.mark.parametrize(
    ("status", "code", "known"),
    [
        (400, "PAYMENT_REFUSED", True),
        (422, "PAYMENT_REFUSED", True),
        (429, "PAYMENT_REFUSED", True),
        (302, "PAYMENT_REFUSED", True),
        (500, "PAYOUT_UNAVAILABLE", False),
        (503, "PAYOUT_UNAVAILABLE", False),
    ],
)
async def test_a_no_is_an_answer_and_an_outage_is_none(
    operation: Operation, provider: Provider, status: int, code: str, known: bool
) -> None:
    """S50, X26: only what the party has surely not done is told as failed."""
    provider.answers[INITIATE] = (status, {})
    with pytest.raises(CallFault, match=code) as caught:
        await operation.call(ORDER, CONTEXT)
    assert (not caught.value.retryable and not caught.value.sick) is known


@pytest.mark.parametrize("answer", [b"", b"[]", b"{}", b'{"paymentId": ""}', b'{"paymentId": 1}'])
async def test_an_answer_that_names_no_payment_is_unknown(
    operation: Operation, provider: Provider, answer: bytes
) -> None:
    """S50: it may have been taken: then it is looked up, and not told as failed."""
    provider.answers[INITIATE] = (201, answer)
    with pytest.raises(CallFault, match="BANK_ANSWER_INVALID") as caught:
        await operation.call(ORDER, CONTEXT)
    assert caught.value.retryable


def _one(status: str, **fields: Any) -> dict[str, Any]:
    return {"paymentId": "pay_1", "status": status, "reference": REFERENCE, **fields}


@pytest.mark.parametrize(
    ("items", "found"),
    [
        ([_one("INITIATED")], PaymentInitiated("pay_1")),
        ([_one("SOMETHING_NEW")], PaymentInitiated("pay_1")),
        ([_one("COMPLETED")], PaymentReported("completed", "pay_1")),
        ([_one("FAILED")], PaymentReported("failed", "pay_1")),
        ([_one("RETURNED")], PaymentReported("returned", "pay_1")),
        ([_one("EXPIRED")], PaymentReported("expired", "pay_1")),
        ([], None),
        ([_one("INITIATED", reference="another")], None),
        ([_one("INITIATED"), _one("INITIATED", paymentId="pay_2")], None),
    ],
)
async def test_what_became_of_it(
    operation: Operation, provider: Provider, items: list[Any], found: object
) -> None:
    """S50, S64: looked up by our reference; of none, and of two, a person must know."""
    provider.answers[FIND] = (200, {"items": items})
    assert operation.look_up is not None
    assert await operation.look_up(ORDER, CONTEXT) == found
    assert provider.requests[0].url.params["reference"] == REFERENCE
