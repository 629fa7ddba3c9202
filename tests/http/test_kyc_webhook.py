"""The bureau's webhooks, received: the rows of interface.md 6 in their order, and what a body must be.

Source: spec.md S10, S53 to S55, X4, X16; interface.md 6 and 8.
"""

from dataclasses import replace
from typing import Any

import orjson
import pytest
import trio

from comptoir.actors.kyc.messages import BureauReported, ReportTaken
from comptoir.engine import Address, Message, Overloaded
from comptoir.engine.signing_testing import sign_webhook
from comptoir.http.answers import Response
from comptoir.http.kyc_body import read
from comptoir.http.kyc_webhook import KYC_PATH, KycReception
from comptoir.http.payload_fields import BadBody
from comptoir.http.testing import NOW_MS, SECRET, FakeAnswer, FakeDaemon
from comptoir.http.webhooks import Reception, WebhookRequest
from tests.http.kyc_webhooks import EXAMPLE, RESULT, completed

OTHER = "another-secret-of-thirty-two-chars"


def receive(daemon: FakeDaemon, body: bytes, **changes: Any) -> tuple[int, dict[str, Any]]:
    """Send one webhook; status and body of the answer."""
    headers = sign_webhook(changes.get("secret", SECRET), body, changes.get("at", NOW_MS))
    headers |= changes.get("headers", {})
    given = WebhookRequest(
        changes.get("method", "POST"), KYC_PATH,
        [(key.lower().encode(), value.encode()) for key, value in headers.items()], body,
        changes.get("peer", "127.0.0.1"), changes.get("too_large", False),
    )  # fmt: skip

    async def run() -> Response:
        return await KycReception(daemon, Reception(daemon)).receive(given)

    answer = trio.run(run)
    return answer.status, orjson.loads(answer.body)


def test_the_sources_own_body_comes_to_its_case() -> None:
    """S10: every word of it; 202 when it is durable; the file's number is the case's key."""
    daemon = FakeDaemon()
    assert receive(daemon, EXAMPLE) == (202, {"status": "accepted"})
    ((address, message),) = daemon.asks
    assert address == Address("kyc", "ONB-2025-00123")
    assert isinstance(message, BureauReported)
    assert (message.score, message.recommendation, message.checks) == (
        85,
        "AUTO_APPROVE",
        RESULT["checks"],
    )
    assert (message.risk_level, message.reviewed_by, message.healed) == ("LOW", "SYSTEM", False)


@pytest.mark.parametrize(
    ("status", "code"), [("accepted", 202), ("duplicate", 200), ("ignored", 200)]
)
def test_what_becomes_of_it_is_the_cases_to_say(status: Any, code: int) -> None:
    """Interface.md 8: accepted, duplicate, ignored: each ends the sending; counted by what it was."""
    daemon = FakeDaemon()

    async def asked(_address: Address, _message: Message) -> FakeAnswer:
        return FakeAnswer(ReportTaken(status))

    daemon.asked = asked
    assert receive(daemon, EXAMPLE) == (code, {"status": status})
    assert daemon.counts == [(status, "")]


@pytest.mark.parametrize(
    ("changes", "body", "code"),
    [
        ({"peer": "10.0.0.1", "secret": OTHER}, b"{", "WEBHOOK_SOURCE_FORBIDDEN"),
        ({"too_large": True, "secret": OTHER}, b"", "PAYLOAD_TOO_LARGE"),
        ({"secret": OTHER, "at": 0}, b"{", "WEBHOOK_SIGNATURE_INVALID"),
        ({"at": NOW_MS - 300_001}, b"{", "WEBHOOK_TIMESTAMP_EXPIRED"),
        ({"at": NOW_MS + 300_001}, b"{", "WEBHOOK_TIMESTAMP_EXPIRED"),
        ({"headers": {"Content-Type": "text/plain"}}, b"{", "MEDIA_TYPE_UNSUPPORTED"),
        ({"headers": {"Content-Encoding": "gzip"}}, b"{", "MEDIA_TYPE_UNSUPPORTED"),
        ({}, b'{"eventType":1,"eventType":2}', "WEBHOOK_PAYLOAD_MALFORMED"),
        ({}, b'{"eventType":"KYC_COMPLETED"}', "WEBHOOK_PAYLOAD_INVALID"),
        ({}, b'{"eventType":"KYC_STARTED"}', "WEBHOOK_EVENT_UNSUPPORTED"),
        ({"method": "PUT"}, EXAMPLE, "METHOD_NOT_ALLOWED"),
    ],
)
def test_the_first_row_that_applies_is_the_answer(
    changes: dict[str, Any], body: bytes, code: str
) -> None:
    """Interface.md 6, rows 1 to 8, S53: nobody is asked, and the refusal is counted."""
    daemon = FakeDaemon()
    _, answer = receive(daemon, body, **changes)
    assert answer["code"] == code
    assert daemon.asks == []
    assert daemon.counts == [("refused", code)]


def test_secrets_are_its_own_and_rotate() -> None:
    """Interface.md 6, S45: the newest first, any may match; those of the banking sender sign nothing here."""
    daemon = FakeDaemon()
    new = OTHER.encode()
    daemon.rules = replace(
        daemon.rules, kyc=replace(daemon.rules.kyc, secrets=(new, SECRET.encode()))
    )
    assert receive(daemon, EXAMPLE)[0] == 202
    assert receive(daemon, EXAMPLE, secret=OTHER)[0] == 202
    daemon.rules = replace(daemon.rules, kyc=replace(daemon.rules.kyc, secrets=(new,)))
    assert receive(daemon, EXAMPLE)[1]["code"] == "WEBHOOK_SIGNATURE_INVALID"
    daemon.rules = replace(daemon.rules, kyc=replace(daemon.rules.kyc, secrets=()))
    assert receive(daemon, EXAMPLE, secret=OTHER)[1]["code"] == "WEBHOOK_SIGNATURE_INVALID"


def test_an_engine_that_is_full_says_so() -> None:
    """Interface.md 6, row 9, X19: nothing was taken, and it is to be sent again."""
    daemon = FakeDaemon()
    daemon.error = Overloaded("full")
    assert receive(daemon, EXAMPLE)[0] == 503


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (completed(score=101), "/kycResult/score"),
        (completed(score=-1), "/kycResult/score"),
        (completed(score=85.5), "/kycResult/score"),
        (completed(score="85"), "/kycResult/score"),
        (completed(score=...), "/kycResult"),
        (completed(status="a b"), "/kycResult/status"),
        (completed(status="x" * 65), "/kycResult/status"),
        (completed(checks={"pepCheck": 1}), "/kycResult/checks"),
        (completed(checks={f"c{n}": "PASSED" for n in range(33)}), "/kycResult/checks"),
        (completed(completedAt="yesterday"), "/kycResult/completedAt"),
        (completed(file="12"), "/onboardingId"),
        (completed(file="ONB-2025-00123:1"), "/onboardingId"),
    ],
)
def test_a_wrong_body_says_where_and_quotes_nothing(body: bytes, pointer: str) -> None:
    """Interface.md 6, row 7: bounded, of the right types; what was sent is in no answer."""
    with pytest.raises(BadBody) as caught:
        read(body)
    assert caught.value.code == "WEBHOOK_PAYLOAD_INVALID"
    (found,) = caught.value.errors
    assert found["pointer"].startswith(pointer)
    assert "yesterday" not in found["detail"]


def test_the_same_said_in_another_order_is_the_same() -> None:
    """Interface.md 8, X16: equal is what is said, not how it is written; unknown keys are not read."""
    turned = {key: RESULT[key] for key in reversed(RESULT)}
    again = orjson.dumps({
        "kycResult": {**turned, "note": "x"}, "onboardingId": "ONB-2025-00123", "sent": 1,
        "eventType": "KYC_COMPLETED",
    })  # fmt: skip
    assert read(again) == read(EXAMPLE)
    assert read(completed(score=84)).report.digest != read(EXAMPLE).report.digest
