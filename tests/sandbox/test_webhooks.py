"""Single webhooks on demand, as the reference receiver sees them."""

import time
from base64 import b64encode
from typing import Any

import pytest

DATA = {
    "transaction_id": "txn_1",
    "connection_id": "conn_1",
    "amount": 100.0,
    "direction": "DEBIT",
    "merchant": {"name": "ZORBLAX"},
}
BODY = {"event": "transaction.created", "data": DATA}


async def _post(driver: Any, receiver: Any, **fields: Any) -> list[dict[str, Any]]:
    request = {"target": receiver.url, "secret": receiver.secret, "body": BODY, **fields}
    answer = await driver.client.post("/control/webhooks", json=request)
    assert answer.status_code == 200, answer.text
    answers: list[dict[str, Any]] = answer.json()
    return answers


def _codes(answers: list[dict[str, Any]]) -> list[tuple[int, str]]:
    return [
        (answer["status"], answer["body"].get("code") or answer["body"]["status"])
        for answer in answers
    ]


async def test_answers_as_they_came(driver: Any, receiver: Any) -> None:
    """interface.md 10: the same webhook so many times, and each answer of the receiver."""
    answers = await _post(driver, receiver, times=3)
    assert _codes(answers) == [(202, "accepted"), (200, "duplicate"), (200, "duplicate")]
    assert all(answer["latencyMs"] > 0 for answer in answers)
    assert len(receiver.messages) == 3


@pytest.mark.parametrize("signature", ["forged", "missing"])
async def test_bad_signatures(driver: Any, receiver: Any, signature: str) -> None:
    """S54: a forged or missing signature is one that the receiver refuses."""
    answers = await _post(driver, receiver, signature=signature)
    assert _codes(answers) == [(401, "WEBHOOK_SIGNATURE_INVALID")]
    assert not receiver.taken


@pytest.mark.parametrize("skew_ms", [-400_000, 400_000])
async def test_timestamps_outside_the_window(driver: Any, receiver: Any, skew_ms: int) -> None:
    """S55, X16: a signed timestamp outside the window either way is refused as such."""
    at = int(time.time() * 1000) + skew_ms
    answers = await _post(driver, receiver, timestampMs=at)
    assert _codes(answers) == [(401, "WEBHOOK_TIMESTAMP_EXPIRED")]


async def test_clock_moves_the_timestamp(driver: Any, receiver: Any) -> None:
    """interface.md 10: the default timestamp is the sandbox's clock."""
    await driver.client.post("/control/clock", json={"advanceSeconds": 301})
    assert _codes(await _post(driver, receiver)) == [(401, "WEBHOOK_TIMESTAMP_EXPIRED")]


async def test_body_bytes_go_as_they_came(driver: Any, receiver: Any) -> None:
    """interface.md 6, rows 6 and 7: what JSON writers never write can be sent, signed."""
    raw = b'{"event": "x",  "data": {"amount": 1e400, "n": 100.00}}'
    request = b'{"target":"%b","secret":"%b","signature":"forged","body":%b}' % (
        receiver.url.encode(),
        receiver.secret.encode(),
        raw,
    )
    answer = await driver.client.post("/control/webhooks", content=request)
    assert answer.status_code == 200
    await _post(driver, receiver, body=None, bodyText="{nonsense", signature="forged")
    broken = b'{"a": "\xff\x00"}'
    sent = b64encode(broken).decode()
    await _post(driver, receiver, body=None, bodyB64=sent, signature="forged")
    assert receiver.messages == [raw, b"{nonsense", broken]


async def test_headers_replaced_doubled_removed(driver: Any, receiver: Any) -> None:
    """interface.md 6, rows 3 and 5: headers twice, left out, or of another kind."""
    headers = {
        "X-Webhook-Signature": ["a", "b"],
        "Content-Type": "text/plain",
        "X-Webhook-Timestamp": None,
        "X-Forwarded-For": "10.0.0.1",
    }
    answers = await _post(driver, receiver, headers=headers)
    assert _codes(answers) == [(401, "WEBHOOK_SIGNATURE_INVALID")]
    (head,) = receiver.heads
    assert ("x-webhook-signature", "a") in head
    assert ("x-webhook-signature", "b") in head
    assert ("content-type", "text/plain") in head
    assert ("x-forwarded-for", "10.0.0.1") in head
    assert "x-webhook-timestamp" not in dict(head)


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"bodyText": "x"}, "/body"),
        ({"body": None, "bodyB64": "?"}, "/bodyB64"),
        ({"scheme": "seed-v2"}, "/scheme"),
        ({"times": 0}, "/times"),
        ({"signature": "froged"}, "/signature"),
        ({"headers": {"X-A": "a\r\nX-B: b"}}, "/headers"),
        ({"headers": {"X A": "a"}}, "/headers"),
        ({"target": "http://192.0.2.1/"}, "/target"),
        ({"timestampsMs": 1}, "/timestampsMs"),
    ],
)
async def test_requests_refused(
    driver: Any, receiver: Any, fields: dict[str, Any], pointer: str
) -> None:
    """A request that is not of the form is refused at its place, and nothing is sent."""
    request = {"target": receiver.url, "secret": "s", "body": BODY, **fields}
    request = {name: value for name, value in request.items() if value is not None}
    answer = await driver.client.post("/control/webhooks", json=request)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    assert not receiver.messages


async def test_no_answer_is_an_answer_too(driver: Any, receiver: Any) -> None:
    """A receiver that drops the connection shows as status null with the reason."""

    def drop(_receiver: Any) -> None:
        raise ConnectionResetError

    receiver.interfere = drop
    (answer,) = await _post(driver, receiver)
    assert (answer["status"], answer["error"]) == (None, "CONNECTION_LOST")


@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        ("forged", [(401, "WEBHOOK_SIGNATURE_INVALID")]),
        ("late", [(401, "WEBHOOK_TIMESTAMP_EXPIRED")]),
        ("wrong_clock", [(401, "WEBHOOK_TIMESTAMP_EXPIRED")]),
        ("duplicate", [(202, "accepted"), (200, "duplicate")]),
        ("replay", [(202, "accepted"), (200, "duplicate")]),
        ("reorder", [(202, "accepted")]),
    ],
)
async def test_outbound_faults(
    driver: Any, receiver: Any, fault: str, wanted: list[tuple[int, str]]
) -> None:
    """interface.md 10: each fault of the sending side, done to a webhook on demand."""
    await driver.put_faults({"party": "seed", "operation": "webhooks.send", "fault": fault})
    assert _codes(await _post(driver, receiver)) == wanted
    if fault == "replay":
        assert receiver.heads[0] == receiver.heads[1]
