"""Tink's webhooks, received: who has signed them, every way to be wrong, and what follows from each.

Source: docs.tink.com/resources/transactions/webhooks-for-transactions, docs.tink.com/resources/api-setup/
webhook-signature-validation; spec.md S42, S52 to S57, X15, X16, X19, X20; interface.md 6.
"""

import hashlib
import hmac
import json
from typing import Any

import orjson
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.connection.conditions import condition_of
from comptoir.actors.connection.messages import (
    ConnectionReported,
    Noted,
    TransactionReported,
    TransactionTaken,
)
from comptoir.actors.gateways.tink_meaning import STATUSES
from comptoir.engine import Address, Message, Overloaded
from comptoir.engine.signing_testing import sign_tink
from comptoir.http.answers import Response
from comptoir.http.schemes import Window, tink_fault, tink_signature
from comptoir.http.testing import NOW_MS, SECRET, FakeAnswer, FakeDaemon
from comptoir.http.tink import TINK_PATH, TinkReception
from comptoir.http.tink_body import IGNORED
from comptoir.http.webhooks import Reception, WebhookRequest
from tests.actors.gateways.tink_schemas import WEBHOOKS, hold

Header = tuple[bytes, bytes]
TYPE: Header = (b"content-type", b"application/json")
INVALID = (401, "WEBHOOK_SIGNATURE_INVALID")
EXPIRED = (401, "WEBHOOK_TIMESTAMP_EXPIRED")
SECONDS = NOW_MS // 1000
LINK = Address("connection", "blind:tink:link-1")


def told(event: str = "account-booked-transactions:modified", **content: Any) -> bytes:
    """A body, as the page of its event has it."""
    of_event: dict[str, dict[str, Any]] = {
        "refresh:finished": {
            "credentialsId": "cr-1", "status": "UPDATED", "credentialsStatus": "UPDATED",
            "finished": 1_618_395_156_625, "source": "OPERATION_SOURCE_BACKGROUND",
            "sessionExpiryDate": 1_780_000_000_000,
        },
        "account-transactions:deleted": {"account": {"id": "ac-1"}, "transactions": {"ids": ["t-1", "t-2"]}},
        "account:created": {"id": "ac-1"},
        "account:updated": {"id": "ac-1"},
    }  # fmt: skip
    modified = {
        "account": {"id": "ac-1"},
        "transactions": {
            "earliestModifiedBookedDate": "2025-11-23", "latestModifiedBookedDate": "2025-11-24",
            "inserted": 1, "updated": 0, "deleted": 0,
        },
    }  # fmt: skip
    whose = {"userId": "5f1d", "externalUserId": "link-1"}
    body = {
        "context": whose,
        "content": {**whose, **of_event.get(event, modified), **content},
        "event": event,
    }
    return json.dumps(body).encode()


UPDATES = told()


def header(seconds: object = SECONDS, body: bytes = UPDATES, key: str = SECRET) -> str:
    """What Tink's header says, signed by this test alone."""
    line = str(seconds).encode() + b"." + body
    return f"t={seconds},v1={hmac.new(key.encode(), line, hashlib.sha256).hexdigest()}"


def signed(body: bytes = UPDATES, text: str | None = None) -> list[Header]:
    """The headers of a genuine webhook, or with another text in the one that counts."""
    genuine = header(body=body) if text is None else text
    return [TYPE, (b"x-tink-signature", genuine.encode("latin-1"))]


def request(body: bytes = UPDATES, **changes: Any) -> WebhookRequest:
    """A genuine request, with other fields where told."""
    genuine = WebhookRequest("POST", TINK_PATH, signed(body), body, "127.0.0.1")
    return genuine._replace(**changes)


async def receive(daemon: FakeDaemon, given_one: WebhookRequest) -> tuple[int, str]:
    """Status and word, or code."""
    with structlog.testing.capture_logs():
        answer: Response = await TinkReception(daemon, Reception(daemon)).receive(given_one)
    found = orjson.loads(answer.body)
    return answer.status, found.get("status") if answer.status < 300 else found["code"]


def _reference(body: bytes, seconds: int = SECONDS) -> str:
    return hashlib.sha256(f"{seconds}.".encode() + body).hexdigest()[:32]


@pytest.mark.parametrize(
    "event", ["account-booked-transactions:modified", "account-transactions:modified"]
)
async def test_something_to_read(daemon: FakeDaemon, event: str) -> None:
    """S42, S52, X15, X16: to the connection by the link's blind index, with a reference of this very webhook."""
    body = told(event)
    hold(WEBHOOKS, event, json.loads(body))
    assert await receive(daemon, request(body)) == (202, "accepted")
    report = ConnectionReported("tink", "updates", _reference(body), account="ac-1")
    assert daemon.asks == [(LINK, report)]
    assert daemon.counts == [("accepted", "")]


@pytest.mark.parametrize("status", [*STATUSES, "UPDATED", "UPDATING", "OF_LATER"])
async def test_how_it_stands(daemon: FakeDaemon, status: str) -> None:
    """S52, X20: what a refresh says of the consent, in words of ours, and until when it is good."""
    body = told("refresh:finished", credentialsStatus=status)
    hold(WEBHOOKS, "refresh:finished", json.loads(told("refresh:finished")))
    assert await receive(daemon, request(body)) == (202, "accepted")
    condition = (
        None if status in ("UPDATED", "UPDATING") else condition_of(STATUSES.get(status, ""))
    )
    report = ConnectionReported(
        "tink", "state", _reference(body), 1_780_000_000_000, condition=condition
    )
    assert daemon.asks == [(LINK, report)]


async def test_deletions(daemon: FakeDaemon) -> None:
    """S52, E8: each transaction that is no more is told, once, whatever the consent's span."""
    body = told("account-transactions:deleted")
    hold(WEBHOOKS, "account-transactions:deleted", json.loads(body))
    assert await receive(daemon, request(body)) == (202, "accepted")
    reports = [message for _, message in daemon.asks]
    assert [address for address, _ in daemon.asks] == [LINK, LINK]
    assert all(isinstance(one, TransactionReported) and one.removed for one in reports)
    assert [getattr(one, "transaction_id", "") for one in reports] == ["t-1", "t-2"]
    empty = told("account-transactions:deleted", transactions={})
    assert await receive(daemon, request(empty)) == (200, "ignored")


@pytest.mark.parametrize("event", sorted(IGNORED))
async def test_what_nothing_follows_from(daemon: FakeDaemon, event: str) -> None:
    """Taken, so that it is not sent again, and ignored."""
    assert await receive(daemon, request(told(event))) == (200, "ignored")
    assert daemon.asks == []


async def test_outcomes(daemon: FakeDaemon) -> None:
    """Rows 9 to 12, X19: taken before, kept for its connection, no room for a part of it."""
    daemon.replayed = True
    assert await receive(daemon, request()) == (200, "duplicate")

    async def parked(_address: Address, _message: Message) -> FakeAnswer:
        return FakeAnswer(Noted("parked"))

    daemon.asked = parked
    assert await receive(daemon, request()) == (202, "parked")

    async def full(_address: Address, message: Message) -> FakeAnswer:
        if getattr(message, "transaction_id", "") == "t-2":
            raise Overloaded("no room")
        return FakeAnswer(TransactionTaken("unmatched"))

    daemon.asked = full
    body = told("account-transactions:deleted")
    assert await receive(daemon, request(body)) == (503, "OVERLOADED")


HEX = header().partition("v1=")[2]
ROWS: list[tuple[dict[str, Any], tuple[int, str]]] = [
    ({"method": "GET"}, (405, "METHOD_NOT_ALLOWED")),
    ({"peer": "203.0.113.9", "too_large": True}, (403, "WEBHOOK_SOURCE_FORBIDDEN")),
    ({"too_large": True, "headers": []}, (413, "PAYLOAD_TOO_LARGE")),
    ({"headers": []}, INVALID),
    ({"headers": [*signed(), signed()[1]]}, INVALID),
    ({"headers": signed(text="")}, INVALID),
    ({"headers": signed(text="\xff\xfe=,=")}, INVALID),
    ({"headers": signed(text=f"v1={HEX}")}, INVALID),
    ({"headers": signed(text=f"t={SECONDS}")}, INVALID),
    ({"headers": signed(text=f"t={SECONDS},t={SECONDS},v1={HEX}")}, INVALID),
    ({"headers": signed(text=f"t={SECONDS},v0={HEX}")}, INVALID),
    ({"headers": signed(text=f"t={SECONDS},v1={HEX.upper()}")}, INVALID),
    ({"headers": signed(text=f"t={SECONDS},v1={HEX[:-2]}")}, INVALID),
    ({"headers": signed(text=f"t={SECONDS},v1={HEX}00")}, INVALID),
    ({"headers": signed(text=f"t={SECONDS - 1},v1={HEX}")}, INVALID),
    ({"headers": signed(text=f"t=0{SECONDS},v1={HEX}")}, INVALID),
    ({"headers": signed(text=header("soon"))}, INVALID),
    ({"headers": signed(text=header(key="of somebody else"))}, INVALID),
    ({"headers": signed(text=header(body=UPDATES + b" "))}, INVALID),
    ({"headers": signed(text=header(SECONDS - 301))}, EXPIRED),
    ({"headers": signed(text=header(SECONDS + 301))}, EXPIRED),
    ({"headers": signed(text=header(10**15))}, EXPIRED),
    ({"headers": signed(text=header(SECONDS - 299))}, (202, "accepted")),
    ({"headers": signed(text=header(SECONDS + 299))}, (202, "accepted")),
    ({"headers": signed(text=f"v1={'0' * 64},{header()},v2=x,later")}, (202, "accepted")),
    ({"headers": [(b"content-type", b"text/plain"), signed()[1]]}, (415, "MEDIA_TYPE_UNSUPPORTED")),
    ({"headers": [(b"content-encoding", b"gzip"), *signed()]}, (415, "MEDIA_TYPE_UNSUPPORTED")),
    ({"headers": signed()[1:]}, (202, "accepted")),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "answer"), ROWS)
async def test_the_order_of_refusal(
    daemon: FakeDaemon, changes: dict[str, Any], answer: tuple[int, str]
) -> None:
    """Interface.md 6, rows 1 to 5 (S53 to S55, X16): the first that applies; nothing is taken then."""
    assert await receive(daemon, request(**changes)) == answer
    assert bool(daemon.asks) == (answer[0] == 202)
    if answer[0] != 202:
        assert daemon.counts == [("refused", answer[1])]


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (b"{", (400, "WEBHOOK_PAYLOAD_MALFORMED")),
        (b"[]", (422, "WEBHOOK_PAYLOAD_INVALID")),
        (b"{}", (422, "WEBHOOK_PAYLOAD_INVALID")),
        (b'{"event": 7}', (422, "WEBHOOK_PAYLOAD_INVALID")),
        (b'{"event": "refresh:finished"}', (422, "WEBHOOK_PAYLOAD_INVALID")),
        (told().replace(b"externalUserId", b"else"), (422, "WEBHOOK_PAYLOAD_INVALID")),
        (told(account=None), (422, "WEBHOOK_PAYLOAD_INVALID")),
        (told(account={"id": 7}), (422, "WEBHOOK_PAYLOAD_INVALID")),
        (told("refresh:finished", credentialsStatus=None), (422, "WEBHOOK_PAYLOAD_INVALID")),
        (told("refresh:finished", sessionExpiryDate="soon"), (422, "WEBHOOK_PAYLOAD_INVALID")),
        (told("refresh:finished", sessionExpiryDate=-1), (422, "WEBHOOK_PAYLOAD_INVALID")),
        (told("refresh:finished", sessionExpiryDate=1.5), (422, "WEBHOOK_PAYLOAD_INVALID")),
        (told("refresh:finished", sessionExpiryDate=10**15), (422, "WEBHOOK_PAYLOAD_INVALID")),
        (told("account-transactions:deleted", transactions={"ids": "t-1"}), (422, "WEBHOOK_PAYLOAD_INVALID")),
        (told("account-transactions:deleted", transactions={"ids": ["t-1", 7]}), (422, "WEBHOOK_PAYLOAD_INVALID")),
        (told("account-transactions:deleted", transactions={"ids": ["t-1", None]}), (422, "WEBHOOK_PAYLOAD_INVALID")),
        (told("account-transactions:deleted", transactions={"ids": [""]}), (422, "WEBHOOK_PAYLOAD_INVALID")),
        (told("payment:executed"), (422, "WEBHOOK_EVENT_UNSUPPORTED")),
    ],
)  # fmt: skip
async def test_bodies(daemon: FakeDaemon, body: bytes, answer: tuple[int, str]) -> None:
    """Rows 6 to 8, of what Tink has signed."""
    assert await receive(daemon, request(body)) == answer
    assert daemon.asks == []


async def test_any_of_the_secrets() -> None:
    """S54: while secrets are rotated either is right."""
    daemon = FakeDaemon(("the-newer-secret-of-it", SECRET))
    assert await receive(daemon, request()) == (202, "accepted")
    none = FakeDaemon(())
    assert await receive(none, request()) == INVALID


def test_the_published_vector() -> None:
    """S54: the example of Tink's page on the validation of signatures."""
    body = b'{"context": {...}, "event": "...",  "content": {...}}'
    text = b"t=1620198421,v1=3808bca389150582fd78bdb5e3dfcf46f99ff168d37d60cdc13da7c5e49abefb"
    window = Window(1_620_198_421_000, 300_000)
    secrets = [b"top_secret_top_secret_top_secret"]
    assert tink_fault(tink_signature(text), body, secrets, window) is None
    assert sign_tink(secrets[0].decode(), body, 1_620_198_421_000)["X-Tink-Signature"] == (
        text.decode()
    )
    # The page on webhooks for transactions has another digest for the same, which is not that of it.
    other = b"t=1620198421,v1=8a19c43be75fa428d09e99c13f52bbbe4e924f9ef6cf6aaf4b1414f3bd280233"
    assert tink_fault(tink_signature(other), body, secrets, window) == INVALID[1]


GENUINE = header().encode()


@given(st.integers(0, len(GENUINE) - 1), st.integers(0, 255))
def test_no_changed_header_is_genuine(place: int, byte: int) -> None:
    """S54: whichever byte is another, it is another signature."""
    changed = GENUINE[:place] + bytes([byte]) + GENUINE[place + 1 :]
    fault = tink_fault(tink_signature(changed), UPDATES, [SECRET.encode()], Window(NOW_MS, 300_000))
    assert (fault is None) == (changed == GENUINE)


@given(st.binary(max_size=200))
def test_only_the_body_that_was_signed(body: bytes) -> None:
    """S54: any other body under the same signature is refused."""
    fault = tink_fault(tink_signature(GENUINE), body, [SECRET.encode()], Window(NOW_MS, 300_000))
    assert (fault is None) == (body == UPDATES)


@given(st.binary(max_size=300))
def test_any_header_is_judged(text: bytes) -> None:
    """Row 3: whatever stands there is taken apart, or is none."""
    fault = tink_fault(tink_signature(text), b"", [SECRET.encode()], Window(NOW_MS, 300_000))
    assert fault == INVALID[1]
