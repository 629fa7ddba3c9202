"""Receiving a webhook: every row of interface.md 6, and that the first that applies is the answer."""

import hashlib
import hmac
import itertools
import json
from ipaddress import ip_network
from typing import Any

import orjson
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.connection.messages import TransactionReported
from comptoir.engine import (
    Address,
    AskTimeout,
    EngineError,
    Failed,
    Overloaded,
    Refused,
    Stopping,
    Superseded,
    Suspended,
    Unavailable,
)
from comptoir.http.answers import Response
from comptoir.http.testing import NOW_MS, SECRET, FakeDaemon
from comptoir.http.webhooks import BANKING_PATH, Reception, WebhookRequest

Header = tuple[bytes, bytes]
TRANSACTION: dict[str, Any] = {
    "event": "transaction.created",
    "data": {
        "transaction_id": "tx_1",
        "connection_id": "cn_1",
        "amount": 12.34,
        "currency": "EUR",
        "direction": "DEBIT",
        "date": "2025-11-24",
        "merchant": {"name": "CB LE BISTROT"},
    },
}
BODY = json.dumps(TRANSACTION).encode()
TYPE: Header = (b"content-type", b"application/json")


def _signature(body: bytes, at: int, secret: str = SECRET) -> list[Header]:
    """The two headers of the seed scheme, made from S54 alone."""
    line = str(at).encode() + b"." + body
    digest = hmac.new(secret.encode(), line, hashlib.sha256).hexdigest()
    return [
        (b"x-webhook-timestamp", str(at).encode()),
        (b"x-webhook-signature", f"sha256={digest}".encode()),
    ]


def _request(body: bytes = BODY, at: int = NOW_MS, **changes: Any) -> WebhookRequest:
    """A genuine request, with other fields where told."""
    genuine = WebhookRequest("POST", BANKING_PATH, [TYPE, *_signature(body, at)], body, "127.0.0.1")
    return genuine._replace(**changes)


async def _receive(daemon: FakeDaemon, request: WebhookRequest) -> Response:
    with structlog.testing.capture_logs():
        return await Reception(daemon).receive(request)


def _code(answer: Response) -> str:
    return str(orjson.loads(answer.body)["code"])


async def test_taken(daemon: FakeDaemon) -> None:
    """Row 12: taken and durable; the message goes to its connection's actor (S56, X15)."""
    answer = await _receive(daemon, _request())
    assert (answer.status, answer.body) == (202, b'{"status":"accepted"}')
    [(address, message)] = daemon.asks
    assert address == Address("connection", "blind:seed:cn_1")
    assert message == TransactionReported(
        provider="seed",
        event="transaction.created",
        transaction_id="tx_1",
        amount_cents=1234,
        currency="EUR",
        direction="DEBIT",
        date="2025-11-24",
        merchant_name="CB LE BISTROT",
    )
    assert daemon.counts == [("accepted", "")]
    assert len(daemon.acks) == 1
    headers = dict(answer.headers)
    assert int(headers[b"content-length"]) == len(answer.body)
    assert headers[b"content-type"] == b"application/json"


@pytest.mark.parametrize("outcome", ["matched", "refund", "unmatched", "ignored"])
async def test_taken_whatever_becomes_of_it(daemon: FakeDaemon, outcome: str) -> None:
    """Row 12: the sender is not told what the transaction was to us."""
    daemon.outcome = outcome
    assert (await _receive(daemon, _request())).body == b'{"status":"accepted"}'


async def test_parked(daemon: FakeDaemon) -> None:
    """Row 11: a connection not known yet."""
    daemon.outcome = "parked"
    answer = await _receive(daemon, _request())
    assert (answer.status, answer.body) == (202, b'{"status":"parked"}')
    assert daemon.counts == [("parked", "")]


@pytest.mark.parametrize("outcome", ["matched", "parked"])
async def test_duplicate(daemon: FakeDaemon, outcome: str) -> None:
    """Row 10: the first answer again means that nothing was done now."""
    daemon.outcome, daemon.replayed = outcome, True
    answer = await _receive(daemon, _request())
    assert (answer.status, answer.body) == (200, b'{"status":"duplicate"}')
    assert daemon.counts == [("duplicate", "")]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Overloaded(), 503, "OVERLOADED"),
        (Stopping(), 503, "OVERLOADED"),
        (Suspended(), 503, "OVERLOADED"),
        (AskTimeout(), 503, "OVERLOADED"),
        (Unavailable(), 503, "STORAGE_UNAVAILABLE"),
        (Superseded(), 503, "STORAGE_UNAVAILABLE"),
        (Failed("secret internals"), 500, "INTERNAL"),
        (Refused("CONNECTION_CLOSED", "inside"), 409, "CONNECTION_CLOSED"),
    ],
)
async def test_engine_refuses(
    daemon: FakeDaemon, error: EngineError, status: int, code: str
) -> None:
    """Row 9, X19: nothing durable, no 2xx; a 503 says when to come back."""
    daemon.error = error
    answer = await _receive(daemon, _request())
    assert (answer.status, _code(answer)) == (status, code)
    assert (b"retry-after" in dict(answer.headers)) == (status == 503)
    assert daemon.counts == [("refused", code)]
    assert len(daemon.acks) == 1
    assert b"inside" not in answer.body
    assert b"internals" not in answer.body


NEGATIVE = json.dumps(TRANSACTION | {"data": TRANSACTION["data"] | {"amount": -1}}).encode()
OTHER_EVENT = b'{"event":"connection.created","data":{}}'
FORGED = [(b"x-webhook-timestamp", str(NOW_MS).encode()), (b"x-webhook-signature", b"0" * 64)]

# Each fault of rows 1 to 9 as a change of a genuine request; the body's faults are signed.
FAULTS: list[tuple[int, str]] = [
    (403, "WEBHOOK_SOURCE_FORBIDDEN"),
    (413, "PAYLOAD_TOO_LARGE"),
    (401, "WEBHOOK_SIGNATURE_INVALID"),
    (401, "WEBHOOK_TIMESTAMP_EXPIRED"),
    (415, "MEDIA_TYPE_UNSUPPORTED"),
    (400, "WEBHOOK_PAYLOAD_MALFORMED"),
    (422, "WEBHOOK_PAYLOAD_INVALID"),
    (422, "WEBHOOK_EVENT_UNSUPPORTED"),
    (503, "STORAGE_UNAVAILABLE"),
]


def _with_faults(rows: frozenset[int]) -> WebhookRequest:
    """A request with the faults of these rows (1 to 8), of the body's faults the first."""
    bodies = {6: b'{"event":', 7: NEGATIVE, 8: OTHER_EVENT}
    body = next((bodies[row] for row in (6, 7, 8) if row in rows), BODY)
    signed = _signature(body, NOW_MS - 300_001 if 4 in rows else NOW_MS)
    headers = [
        (b"content-type", b"text/plain" if 5 in rows else b"application/json"),
        *([signed[0], FORGED[1]] if 3 in rows else signed),
    ]
    peer = "203.0.113.9" if 1 in rows else "127.0.0.1"
    return _request(body, headers=headers, peer=peer, too_large=2 in rows)


@pytest.mark.parametrize(
    "rows",
    [frozenset(c) for n in (1, 2, 9) for c in itertools.combinations(range(1, 10), n)],
    ids=lambda rows: "+".join(map(str, sorted(rows))),
)
async def test_first_row_that_applies(daemon: FakeDaemon, rows: frozenset[int]) -> None:
    """S53, interface.md 6: of several faults the first row answers, and nothing was asked."""
    if 9 in rows:
        daemon.error = Unavailable()
    answer = await _receive(daemon, _with_faults(rows))
    status, code = FAULTS[min(rows) - 1]
    assert (answer.status, _code(answer)) == (status, code)
    assert daemon.counts == [("refused", code)]
    assert (daemon.asks == []) == (min(rows) < 9)


_SIGNED = _signature(BODY, NOW_MS)


@pytest.mark.parametrize(
    "headers",
    [
        [],
        _SIGNED[:1],
        _SIGNED[1:],
        [*_SIGNED, _SIGNED[0]],
        [*_SIGNED, _SIGNED[1]],
        [*_SIGNED, _SIGNED[1], _SIGNED[1]],
        [*_SIGNED, (b"x-webhook-signature", b"")],
        [_SIGNED[0], (b"x-webhook-signature", b"md5=" + b"0" * 32)],
        [(b"x-webhook-timestamp", b"now"), _SIGNED[1]],
        _signature(BODY + b" ", NOW_MS),
        _signature(BODY, NOW_MS, "another secret"),
        [(b"x-webhook-timestamp", str(NOW_MS + 1).encode()), _SIGNED[1]],
    ],
)
async def test_row_3(daemon: FakeDaemon, headers: list[Header]) -> None:
    """Row 3, S54: missing, given twice (also the same), not of the form, not ours."""
    answer = await _receive(daemon, _request(headers=[TYPE, *headers]))
    assert (answer.status, _code(answer)) == (401, "WEBHOOK_SIGNATURE_INVALID")


@pytest.mark.parametrize("skew", [300_000, -300_000])
async def test_row_4_edge_of_the_window(daemon: FakeDaemon, skew: int) -> None:
    """Row 4, X16: the window itself is inside; business time decides."""
    daemon.now = NOW_MS + 10**9
    assert (await _receive(daemon, _request(at=daemon.now + skew))).status == 202
    late = await _receive(daemon, _request(at=daemon.now + skew + (1 if skew > 0 else -1)))
    assert _code(late) == "WEBHOOK_TIMESTAMP_EXPIRED"


@pytest.mark.parametrize(
    ("headers", "taken"),
    [
        ([], True),
        ([(b"content-type", b"application/json")], True),
        ([(b"content-type", b"Application/JSON; Charset=UTF-8")], True),
        ([(b"content-type", b'application/json;charset="utf-8"; v=1')], True),
        ([TYPE, (b"content-encoding", b"identity")], True),
        ([(b"content-type", b"application/json; charset=latin-1")], False),
        ([(b"content-type", b"application/json; charset=utf-80")], False),
        ([(b"content-type", b"text/json")], False),
        ([(b"content-type", b"application/jsonx")], False),
        ([(b"content-type", b"")], False),
        ([TYPE, TYPE], False),
        ([TYPE, (b"content-encoding", b"gzip")], False),
        ([TYPE, (b"content-encoding", b"identity, gzip")], False),
        ([TYPE, (b"content-encoding", b"identity"), (b"content-encoding", b"br")], False),
    ],
)
async def test_row_5(daemon: FakeDaemon, headers: list[Header], taken: bool) -> None:
    """Row 5: JSON as it is; a missing media type is no other media type."""
    answer = await _receive(daemon, _request(headers=[*headers, *_SIGNED]))
    assert answer.status == (202 if taken else 415)


async def test_row_7_tells_where(daemon: FakeDaemon) -> None:
    """Row 7: `errors` with pointers, and no value of the body."""
    answer = await _receive(daemon, _request(NEGATIVE))
    assert [error["pointer"] for error in orjson.loads(answer.body)["errors"]] == ["/data/amount"]


@pytest.mark.parametrize(
    ("peer", "forwarded", "status"),
    [
        ("10.0.0.1", [b"127.0.0.1"], 202),
        ("10.0.0.1", [b"203.0.113.9"], 403),
        ("10.0.0.1", [b"127.0.0.1", b"203.0.113.9"], 403),
        ("10.0.0.1", [b"203.0.113.9", b"127.0.0.1"], 202),
        ("10.0.0.1", [b"nonsense"], 403),
        ("10.0.0.1", [], 403),
        ("127.0.0.1", [b"203.0.113.9"], 202),
        (None, [], 403),
    ],
)
async def test_source(peer: str | None, forwarded: list[bytes], status: int) -> None:
    """Row 1, X28: the allow-list is about the true source."""
    daemon = FakeDaemon(trusted_proxies=(ip_network("10.0.0.0/8"),))
    claims = [(b"x-forwarded-for", value) for value in forwarded]
    request = _request(peer=peer, headers=[TYPE, *claims, *_SIGNED])
    assert (await _receive(daemon, request)).status == status


@pytest.mark.parametrize("rotated", ["the-new-secret-of-32-characters!", SECRET])
async def test_rotation(rotated: str) -> None:
    """S54: several active secrets, any may match."""
    daemon = FakeDaemon(("the-new-secret-of-32-characters!", SECRET))
    request = _request(headers=[TYPE, *_signature(BODY, NOW_MS, rotated)])
    assert (await _receive(daemon, request)).status == 202


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"path": "/webhooks/kyc"}, 404),
        ({"path": "/webhooks/banking/"}, 404),
        ({"method": "GET"}, 405),
        ({"method": "PUT"}, 405),
    ],
)
async def test_elsewhere(daemon: FakeDaemon, change: dict[str, Any], status: int) -> None:
    """interface.md 6: this path, by POST; other senders' paths come with their issue."""
    answer = await _receive(daemon, _request(**change))
    assert answer.status == status
    assert (dict(answer.headers).get(b"allow") == b"POST") == (status == 405)


async def test_request_id(daemon: FakeDaemon) -> None:
    """interface.md 1: the caller's id if it is well formed and given once, else ours."""
    given_once = [(b"x-request-id", b"caller-0123")]
    answer = await _receive(daemon, _request(headers=[TYPE, *given_once, *_SIGNED]))
    assert dict(answer.headers)[b"x-request-id"] == b"caller-0123"
    for wrong in ([(b"x-request-id", b"a b c d e f")], given_once * 2):
        answer = await _receive(daemon, _request(headers=[TYPE, *wrong, *_SIGNED]))
        assert len(dict(answer.headers)[b"x-request-id"]) >= 8
        assert dict(answer.headers)[b"x-request-id"] not in (b"caller-0123", b"a b c d e f")


async def test_rate_of_an_address() -> None:
    """interface.md 6, S62: where a bound is set, failures at rows 1 and 3 spend it too."""
    daemon = FakeDaemon(webhooks_per_minute_max=3)
    reception = Reception(daemon)
    forged = _request(headers=[TYPE, *FORGED])
    with structlog.testing.capture_logs():
        codes = [(await reception.receive(request)).status for request in [forged] * 2]
        codes += [(await reception.receive(request)).status for request in [_request()] * 2]
        elsewhere = await reception.receive(_request(peer="127.0.0.2"))
    assert codes == [401, 401, 202, 429]
    assert elsewhere.status == 202
    assert "127.0.0" not in repr(reception)


async def test_refusal_is_logged_without_content(daemon: FakeDaemon) -> None:
    """S63, S66, design.md 9.8: a refusal is logged by its code and request id, nothing else."""
    with structlog.testing.capture_logs() as logs:
        await Reception(daemon).receive(_request(NEGATIVE))
    assert logs == [
        {
            "event": "webhook_refused",
            "log_level": "warning",
            "code": "WEBHOOK_PAYLOAD_INVALID",
            "request_id": logs[0]["request_id"],
        }
    ]


@given(st.binary(max_size=200), st.booleans())
async def test_any_body_is_answered(body: bytes, signed: bool) -> None:
    """Invariant 5: any bytes, signed or not, are refused by name, never with a 5xx."""
    daemon = FakeDaemon()
    headers = [TYPE, *(_signature(body, NOW_MS) if signed else FORGED)]
    answer = await _receive(daemon, _request(body, headers=headers))
    assert 400 <= answer.status < 500
    assert daemon.asks == []


_NAMES = st.sampled_from(
    [name for name, _ in _SIGNED] + [b"content-type", b"content-encoding", b"x-forwarded-for", b"a"]
)


@given(st.lists(st.tuples(_NAMES, st.binary(max_size=20)), max_size=8))
async def test_any_headers_are_answered(headers: list[Header]) -> None:
    """Invariant 5: any headers are answered, and without a signature nothing is asked."""
    daemon = FakeDaemon()
    answer = await _receive(daemon, _request(headers=headers))
    assert answer.status in (401, 403)
    assert daemon.asks == []
