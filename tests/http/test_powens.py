"""Powens's webhooks, received: the rows of interface.md 6 in their order, compressed or not.

Source: protocols.md 5.1; spec.md S42, S53 to S55, X16, X19; interface.md 6.
"""

import base64
import gzip
import hashlib
import hmac
from dataclasses import replace
from typing import Any

import httpx
import orjson
import pytest
import structlog

from comptoir.actors.connection.messages import (
    ConnectionReported,
    Noted,
    TransactionReported,
    TransactionTaken,
)
from comptoir.engine import Address, Message, Overloaded
from comptoir.http.answers import Response
from comptoir.http.powens import POWENS_PATH, PowensReception
from comptoir.http.testing import NOW_MS, SECRET, FakeAnswer, FakeDaemon
from comptoir.http.webhooks import Reception, WebhookRequest
from tests.http.test_powens_body import CARD, synced

Header = tuple[bytes, bytes]
BODY = synced(CARD, {**CARD, "id": 2}, {**CARD, "id": 3, "value": "5"})
TYPE: Header = (b"content-type", b"application/json")
GZIP: Header = (b"content-encoding", b"gzip")
DATE = "2025-11-24T14:30:00+00:00"


def signed(body: bytes, date: str = DATE, secret: str = SECRET) -> list[Header]:
    """Powens's two headers, made from protocols.md alone."""
    line = f"POST.{POWENS_PATH}.{date}.".encode() + body
    digest = hmac.new(secret.encode(), line, hashlib.sha256).digest()
    return [
        (b"bi-signature-date", date.encode()),
        (b"bi-signature", base64.b64encode(digest)),
    ]


def request(body: bytes = BODY, **changes: Any) -> WebhookRequest:
    """A genuine request, with other fields where told."""
    genuine = WebhookRequest("POST", POWENS_PATH, [TYPE, *signed(body)], body, "127.0.0.1")
    return genuine._replace(**changes)


async def receive(daemon: FakeDaemon, given: WebhookRequest) -> tuple[int, str]:
    """Status and word, or code."""
    with structlog.testing.capture_logs():
        answer: Response = await PowensReception(daemon, Reception(daemon)).receive(given)
    told = orjson.loads(answer.body)
    return answer.status, told.get("status") if answer.status < 300 else told["code"]


async def test_every_transaction_goes_to_the_connection(daemon: FakeDaemon) -> None:
    """S42, S52, X15: one report for each, to the actor found by the blind index, after how it stands."""
    assert await receive(daemon, request()) == (202, "accepted")
    assert {address for address, _ in daemon.asks} == {Address("connection", "blind:powens:7")}
    messages = [message for _, message in daemon.asks if isinstance(message, TransactionReported)]
    assert [message.transaction_id for message in messages] == ["1", "2", "3"]
    assert isinstance(daemon.asks[0][1], ConnectionReported)
    assert len(daemon.asks) == 1 + len(messages)
    assert daemon.counts == [("accepted", "")]


async def test_nothing_to_take_is_taken(daemon: FakeDaemon) -> None:
    """A sync without a card transaction is right: how the connection stands is all that it says."""
    assert await receive(daemon, request(synced())) == (202, "accepted")
    ((_, message),) = daemon.asks
    assert message == ConnectionReported("powens", "state", message.reference)  # type: ignore[attr-defined]


async def test_a_deleted_connection(daemon: FakeDaemon) -> None:
    """S57: told to the connection, once."""
    body = b'{"id": 7, "id_connector": 40, "connector_uuid": "u", "id_webhook_data": 9}'
    assert await receive(daemon, request(body)) == (202, "accepted")
    assert daemon.asks == [
        (Address("connection", "blind:powens:7"), ConnectionReported("powens", "revoked", "9"))
    ]


async def test_the_answer_is_of_all(daemon: FakeDaemon) -> None:
    """Rows 10 to 12: a duplicate if all of it was taken before; parked if any of it waits."""
    daemon.replayed = True
    assert await receive(daemon, request()) == (200, "duplicate")

    async def mixed(_address: Address, message: Message) -> FakeAnswer:
        if isinstance(message, ConnectionReported):
            return FakeAnswer(Noted(), replayed=True)
        assert isinstance(message, TransactionReported)
        return FakeAnswer(TransactionTaken("matched"), replayed=message.transaction_id == "1")

    daemon.asked = mixed
    assert await receive(daemon, request()) == (202, "accepted")
    daemon.asked, daemon.replayed, daemon.outcome = None, False, "parked"
    assert await receive(daemon, request()) == (202, "parked")


async def test_2xx_only_when_all_is_durable(daemon: FakeDaemon) -> None:
    """X19: the second report is refused, so the sender hears 503 and sends all of it again."""

    async def full(_address: Address, message: Message) -> FakeAnswer:
        if isinstance(message, ConnectionReported):
            return FakeAnswer(Noted())
        assert isinstance(message, TransactionReported)
        if message.transaction_id == "2":
            raise Overloaded("no room")
        return FakeAnswer(TransactionTaken("matched"))

    daemon.asked = full
    assert await receive(daemon, request()) == (503, "OVERLOADED")

    async def nothing(_address: Address, _message: Message) -> FakeAnswer:
        raise Overloaded("no room")

    daemon.asked = nothing
    assert await receive(daemon, request()) == (503, "OVERLOADED")


@pytest.mark.parametrize("over", ["compressed", "text"])
async def test_a_compressed_body(daemon: FakeDaemon, over: str) -> None:
    """Protocols.md 5.1: gzip; whichever bytes were signed."""
    packed = gzip.compress(BODY)
    headers = [TYPE, GZIP, *signed(packed if over == "compressed" else BODY)]
    assert await receive(daemon, request(packed, headers=headers)) == (202, "accepted")
    assert len(daemon.asks) == 4


@pytest.mark.parametrize(
    ("packed", "answer"),
    [
        (gzip.compress(BODY)[:-5], (400, "WEBHOOK_PAYLOAD_MALFORMED")),
        (gzip.compress(BODY) + b"more", (400, "WEBHOOK_PAYLOAD_MALFORMED")),
        (BODY, (400, "WEBHOOK_PAYLOAD_MALFORMED")),
        (gzip.compress(b" " * 9_000_000), (413, "PAYLOAD_TOO_LARGE")),
        (gzip.compress(b""), (400, "WEBHOOK_PAYLOAD_MALFORMED")),
    ],
    ids=["cut", "trailing", "plain", "bomb", "empty"],
)
async def test_what_does_not_decompress(
    daemon: FakeDaemon, packed: bytes, answer: tuple[int, str]
) -> None:
    """Rows 2 and 6: a bound on what comes out of it, and nothing of half a body."""
    headers = [TYPE, GZIP, *signed(packed)]
    assert await receive(daemon, request(packed, headers=headers)) == answer
    assert daemon.asks == []


FORGED = signed(BODY, secret="another-secret-of-thirty-two-chars")


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({"method": "GET"}, (405, "METHOD_NOT_ALLOWED")),
        ({"peer": "203.0.113.9", "too_large": True}, (403, "WEBHOOK_SOURCE_FORBIDDEN")),
        ({"too_large": True, "headers": []}, (413, "PAYLOAD_TOO_LARGE")),
        ({"headers": []}, (401, "WEBHOOK_SIGNATURE_INVALID")),
        ({"headers": [TYPE, *FORGED]}, (401, "WEBHOOK_SIGNATURE_INVALID")),
        ({"headers": [TYPE, GZIP, *FORGED]}, (401, "WEBHOOK_SIGNATURE_INVALID")),
        ({"headers": [TYPE, *signed(BODY), *signed(BODY)]}, (401, "WEBHOOK_SIGNATURE_INVALID")),
        ({"headers": [TYPE, *signed(BODY)], "path": f"{POWENS_PATH}/"}, (401, "WEBHOOK_SIGNATURE_INVALID")),
        ({"headers": signed(BODY, "2025-11-24T14:20:00Z")}, (401, "WEBHOOK_TIMESTAMP_EXPIRED")),
        ({"headers": signed(BODY, "2025-11-24T14:40:00Z")}, (401, "WEBHOOK_TIMESTAMP_EXPIRED")),
        ({"headers": signed(BODY, str(NOW_MS))}, (202, "accepted")),
        ({"headers": signed(BODY, "yesterday")}, (401, "WEBHOOK_TIMESTAMP_EXPIRED")),
        ({"headers": [(b"content-type", b"text/plain"), *signed(BODY)]}, (415, "MEDIA_TYPE_UNSUPPORTED")),
        ({"headers": [(b"content-encoding", b"br"), *signed(BODY)]}, (415, "MEDIA_TYPE_UNSUPPORTED")),
    ],
)  # fmt: skip
async def test_the_order_of_refusal(
    daemon: FakeDaemon, changes: dict[str, Any], answer: tuple[int, str]
) -> None:
    """Interface.md 6, rows 1 to 5 (S53 to S55, X16): the first that applies; nothing is taken then."""
    assert await receive(daemon, request(**changes)) == answer
    assert bool(daemon.asks) == (answer[0] == 202)
    if answer[0] != 202:
        assert daemon.counts == [("refused", answer[1])]


async def test_without_a_secret_nothing_is_taken() -> None:
    """Security by default: no secret configured, no signature that could be right."""
    daemon = FakeDaemon()
    daemon.rules = replace(daemon.rules, powens=replace(daemon.rules.powens, secrets=()))
    assert await receive(daemon, request()) == (401, "WEBHOOK_SIGNATURE_INVALID")


async def test_over_the_wire_with_a_body_of_its_own_size(
    daemon: FakeDaemon, client: httpx.AsyncClient
) -> None:
    """Interface.md 3: 8 MiB for Powens, where the seed's end at 64 KiB; read outside the loop."""
    body = synced(*({**CARD, "id": number} for number in range(2_000)))
    assert len(body) > 3 * 65_536
    headers = {name.decode(): value.decode() for name, value in [TYPE, *signed(body)]}
    answer = await client.post(POWENS_PATH, content=body, headers=headers)
    assert (answer.status_code, answer.json()) == (202, {"status": "accepted"})
    assert len(daemon.asks) == 2_001
    answer = await client.post("/webhooks/banking", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "PAYLOAD_TOO_LARGE")
