"""The bureau: what it is asked, once, and what is made of what it says (S10, S21, E6)."""

import itertools
import json
from typing import Any

import httpx
import msgspec
import pytest
from jsonschema import ValidationError

from comptoir.actors.gateways.bureau import bureau_gateway
from comptoir.actors.gateways.bureau_result import KycResult, report_of
from comptoir.actors.gateways.kyc_messages import (
    CheckImpossible,
    ReadVerification,
    StartVerification,
    VerificationStarted,
)
from comptoir.actors.kyc.messages import BureauReported, Party, PostalAddress
from comptoir.engine.gateway_spec import CallContext, CallFault, GatewayBounds, Operation
from tests.actors.gateways.kyc_schemas import KYC_COMPLETED, VERIFY, hold
from tests.actors.gateways.people import CLIENT, RESULT, START, Played

CONTEXT = CallContext(0, 1, "key")
READ = ReadVerification(START.reference, START.onboarding_id, "ver_1")
DONE = {
    "id": "ver_1", "onboardingId": START.onboarding_id, "reference": START.reference, "status": "COMPLETED",
    "kycResult": RESULT,
}  # fmt: skip


def _operations(client: httpx.AsyncClient | None) -> dict[Any, Operation]:
    spec = bureau_gateway(client, "s3cret", GatewayBounds())
    assert (spec.kind, spec.dead_queue) == ("bureau", "dlq:onboarding")
    return dict(spec.operations)


async def test_what_is_asked() -> None:
    """S8, S21: everybody who is looked at, and what is known of them and no more; under the reference as its key."""
    party = Played({"id": "ver_1"})
    start = _operations(party.client())[StartVerification]
    entity = Party("entity", "entity", "Organization", last_name="Analytical Engines SAS")
    asked = msgspec.structs.replace(
        START, parties=(CLIENT, entity), address=PostalAddress(city="Paris", country="FR")
    )
    assert await start.call(asked, CONTEXT) == VerificationStarted(START.reference, "ver_1")
    (request,) = party.requests
    body = json.loads(request.content)
    hold(VERIFY, body)
    assert (request.method, request.url.path) == ("POST", "/v1/verifications")
    assert request.headers["idempotency-key"] == START.reference
    assert request.headers["authorization"] == "Bearer s3cret"
    assert body["parties"][1] == {
        "id": "entity", "role": "entity", "type": "ORGANIZATION", "lastName": "Analytical Engines SAS",
    }  # fmt: skip
    assert body["address"] == {"city": "Paris", "country": "FR"}


def test_the_judge_is_one() -> None:
    """S10: the source's example holds, and another word or a missing one does not."""
    right = {"eventType": "KYC_COMPLETED", "onboardingId": "ONB-2025-00123", "kycResult": RESULT}
    hold(KYC_COMPLETED, right)
    wrongs: tuple[Any, ...] = ({"score": 101}, {"riskLevel": "SOME"}, {"checks": {}})
    for wrong in wrongs:
        with pytest.raises(ValidationError):
            hold(KYC_COMPLETED, {**right, "kycResult": {**RESULT, **wrong}})


async def test_asking_twice_is_one_question() -> None:
    """S63: it may be sent again, since it is the same one by its reference; a reading is another."""
    operations = _operations(Played({}).client())
    start, read = operations[StartVerification], operations[ReadVerification]
    assert start.idempotent
    assert start.business_key(START) != read.business_key(READ)
    assert start.failed(START, "BUREAU_REFUSED") == CheckImpossible(
        START.reference, "identity", "BUREAU_REFUSED"
    )
    assert read.failed(READ, "BUREAU_REFUSED") is None


async def test_what_it_has_is_read() -> None:
    """E6: as the webhook would have told it, marked as healed; nothing, while it is at work."""
    party = Played(DONE)
    read = _operations(party.client())[ReadVerification]
    report = await read.call(READ, CONTEXT)
    assert isinstance(report, BureauReported)
    assert (report.score, report.recommendation, report.healed) == (85, "AUTO_APPROVE", True)
    assert party.requests[0].url.path == "/v1/verifications/ver_1"
    party.usual = {**DONE, "status": "PENDING", "kycResult": None}
    assert await read.call(READ, CONTEXT) is None


@pytest.mark.parametrize(
    "answer",
    [
        {**DONE, "onboardingId": "ONB-2026-00002"},
        {**DONE, "id": "ver_2"},
        {**DONE, "kycResult": None},
        {**DONE, "kycResult": {**RESULT, "score": 101}},
        {**DONE, "kycResult": {**RESULT, "score": "85"}},
        {**DONE, "kycResult": {**RESULT, "reviewedBy": "x\u202e"}},
        {**DONE, "kycResult": {**RESULT, "completedAt": "yesterday"}},
        {**DONE, "kycResult": {**RESULT, "checks": {f"c{n}": "PASSED" for n in range(33)}}},
        {**DONE, "status": "PERHAPS"},
    ],
)
async def test_what_is_about_another_or_no_finding(answer: Any) -> None:
    """S10: nothing of it becomes a report, and it says nothing of the bureau's health."""
    read = _operations(Played(answer).client())[ReadVerification]
    with pytest.raises(CallFault, match="BUREAU_ANSWER_INVALID") as caught:
        await read.call(READ, CONTEXT)
    assert not caught.value.sick


@pytest.mark.parametrize("wrong", ["../secrets", "a/b", "ü"])
async def test_an_id_is_none_of_a_path(wrong: str) -> None:
    """S21: what would lead elsewhere is not asked."""
    party = Played(DONE)
    read = _operations(party.client())[ReadVerification]
    with pytest.raises(CallFault, match="BUREAU_REFUSED"):
        await read.call(msgspec.structs.replace(READ, verification_id=wrong), CONTEXT)
    assert not party.requests


@pytest.mark.parametrize("answer", [{}, {"id": ""}, {"id": 7}, {"id": "a/b"}, {"id": "x" * 129}])
async def test_a_start_without_an_id(answer: Any) -> None:
    """S21: it is tried again, and finds the one that was begun."""
    start = _operations(Played(answer).client())[StartVerification]
    with pytest.raises(CallFault, match="BUREAU_ANSWER_INVALID") as caught:
        await start.call(START, CONTEXT)
    assert caught.value.retryable


def test_the_same_finding_has_the_same_digest() -> None:
    """X16, E6: by webhook or read, in whatever order it stood; another one has another."""
    orders = itertools.islice(itertools.permutations(RESULT.items()), 0, 5040, 360)
    reports = [
        report_of(msgspec.json.decode(json.dumps(dict(order)), type=KycResult)) for order in orders
    ]
    healed = report_of(msgspec.convert(dict(RESULT), KycResult), healed=True)
    turned = {**RESULT, "checks": dict(reversed(RESULT["checks"].items()))}
    reports += [healed, report_of(msgspec.convert(turned, KycResult))]
    assert len({one.digest for one in reports}) == 1
    other = report_of(msgspec.convert({**RESULT, "score": 84}, KycResult))
    assert other.digest != healed.digest
    assert healed.healed
    assert not other.healed


async def test_there_is_no_bureau() -> None:
    """S21: whoever asks hears so; a reading hears nothing."""
    operations = _operations(None)
    assert await operations[StartVerification].call(START, CONTEXT) == CheckImpossible(
        START.reference, "identity", "NOT_CONFIGURED"
    )
    assert await operations[ReadVerification].call(READ, CONTEXT) is None
