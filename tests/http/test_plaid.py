"""Plaid's webhooks, received: who has signed them, every way to be wrong, and what follows from each.

Source: plaid.com/docs/api/webhooks and its page on verification; protocols.md 5.2; spec.md S42, S53 to S55,
X16, X19; interface.md 6. The tokens of here are made with `cryptography`, not with the library that verifies.
"""

import base64
import hashlib
import hmac
import json
from typing import Any

import orjson
import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.connection.messages import ConnectionReported, Noted
from comptoir.engine import Address, Message, Overloaded
from comptoir.engine.gateway_spec import CallFault
from comptoir.engine.signing_testing import plaid_key, sign_plaid
from comptoir.http import plaid_jwt
from comptoir.http.answers import Response
from comptoir.http.plaid import PLAID_PATH, PlaidReception
from comptoir.http.plaid_body import EVENTS, IGNORED
from comptoir.http.testing import NOW_MS, SECRET, FakeAnswer, FakeDaemon
from comptoir.http.webhooks import Reception, WebhookRequest
from tests.actors.gateways.plaid_schemas import WEBHOOKS, hold_webhook

Header = tuple[bytes, bytes]
TYPE: Header = (b"content-type", b"application/json")
KEY = plaid_key(SECRET)
KID = str(KEY["kid"])
INVALID = (401, "WEBHOOK_SIGNATURE_INVALID")
EXPIRED = (401, "WEBHOOK_TIMESTAMP_EXPIRED")


def told(code: str = "SYNC_UPDATES_AVAILABLE", kind: str = "TRANSACTIONS", **fields: Any) -> bytes:
    """A body, as the page of its code has it."""
    of_code: dict[str, dict[str, Any]] = {
        "SYNC_UPDATES_AVAILABLE": {"initial_update_complete": True, "historical_update_complete": False},
        "ERROR": {"error": {"error_type": "ITEM_ERROR", "error_code": "ITEM_LOGIN_REQUIRED",
                            "error_message": "m", "display_message": None, "status": 400}},
        "PENDING_EXPIRATION": {"consent_expiration_time": "2025-12-01T14:30:00Z"},
        "PENDING_DISCONNECT": {"reason": "INSTITUTION_TOKEN_EXPIRATION"},
        "USER_ACCOUNT_REVOKED": {"account_id": "acc_1"},
        "WEBHOOK_UPDATE_ACKNOWLEDGED": {"new_webhook_url": "https://us/webhooks/plaid"},
        "SESSION_FINISHED": {"status": "SUCCESS", "link_session_id": "s", "link_token": "link-1"},
    }  # fmt: skip
    body = {
        "webhook_type": kind, "webhook_code": code, "environment": "sandbox", "item_id": "item_1",
        **of_code.get(code, {}), **fields,
    }  # fmt: skip
    return json.dumps(body).encode()


UPDATES = told()


def signed(body: bytes = UPDATES, skew_ms: int = 0, secret: str = SECRET) -> Header:
    """The header of a genuine webhook."""
    return (
        b"plaid-verification",
        sign_plaid(secret, body, NOW_MS + skew_ms)["Plaid-Verification"].encode(),
    )


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def forged(
    header: Any = None, claims: Any = None, body: bytes = UPDATES, key: str = SECRET
) -> Header:
    """A token with other contents, signed over them all the same by the right key (or another)."""
    genuine = signed(body)[1].decode().split(".")
    parts: list[str] = [
        genuine[0] if header is None else _b64(header if isinstance(header, bytes) else json.dumps(header).encode()),
        genuine[1] if claims is None else _b64(claims if isinstance(claims, bytes) else json.dumps(claims).encode()),
    ]  # fmt: skip
    text = ".".join(parts)
    return b"plaid-verification", f"{text}.{_b64(_signature(text, key))}".encode()


def _signature(text: str, secret: str) -> bytes:
    number = int.from_bytes(hashlib.sha512(secret.encode()).digest(), "big") % (2**255) + 1
    private = ec.derive_private_key(number, ec.SECP256R1())
    pair = decode_dss_signature(private.sign(text.encode(), ec.ECDSA(SHA256())))
    return b"".join(one.to_bytes(32, "big") for one in pair)


def request(body: bytes = UPDATES, **changes: Any) -> WebhookRequest:
    """A genuine request, with other fields where told."""
    genuine = WebhookRequest("POST", PLAID_PATH, [TYPE, signed(body)], body, "127.0.0.1")
    return genuine._replace(**changes)


async def receive(daemon: FakeDaemon, given_one: WebhookRequest) -> tuple[int, str]:
    """Status and word, or code."""
    with structlog.testing.capture_logs():
        answer: Response = await PlaidReception(daemon, Reception(daemon)).receive(given_one)
    found = orjson.loads(answer.body)
    return answer.status, found.get("status") if answer.status < 300 else found["code"]


async def test_a_genuine_one(daemon: FakeDaemon) -> None:
    """S42, X15, X16: to the connection, by the Item's blind index, with a reference of this very webhook."""
    header = signed()
    assert await receive(daemon, request(headers=[TYPE, header])) == (202, "accepted")
    reference = hashlib.sha256(header[1]).hexdigest()
    assert daemon.asks == [
        (Address("connection", "blind:plaid:item_1"), ConnectionReported("plaid", "updates", reference))
    ]  # fmt: skip
    assert daemon.keys_asked == [KID]
    assert daemon.counts == [("accepted", "")]


@pytest.mark.parametrize(
    ("code", "event", "until", "account"),
    [
        ("ERROR", "lapsed", 0, ""),
        ("LOGIN_REPAIRED", "repaired", 0, ""),
        ("PENDING_EXPIRATION", "ending", 1_764_599_400_000, ""),
        ("PENDING_DISCONNECT", "ending", NOW_MS + 7 * 86_400_000, ""),
        ("USER_PERMISSION_REVOKED", "revoked", 0, ""),
        ("USER_ACCOUNT_REVOKED", "lapsed", 0, "acc_1"),
    ],
)
async def test_what_follows(
    daemon: FakeDaemon, code: str, event: str, until: int, account: str
) -> None:
    """S52, S57, X20: what each webhook of an Item means for its connection."""
    body = told(code, "ITEM")
    hold_webhook(json.loads(body))
    assert await receive(daemon, request(body)) == (202, "accepted")
    ((_, report),) = daemon.asks
    assert isinstance(report, ConnectionReported)
    assert (report.event, report.until, report.account) == (event, until, account)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("ITEM", "WEBHOOK_UPDATE_ACKNOWLEDGED"),
        ("ITEM", "NEW_ACCOUNTS_AVAILABLE"),
        ("TRANSACTIONS", "INITIAL_UPDATE"),
        ("TRANSACTIONS", "DEFAULT_UPDATE"),
        ("LINK", "SESSION_FINISHED"),
        ("LINK", "WHATEVER_IT_SAYS"),
    ],
)
async def test_what_nothing_follows_from(daemon: FakeDaemon, kind: str, code: str) -> None:
    """Plaid sends it unasked: taken, so that it is not sent again, and ignored."""
    body = told(code, kind)
    assert await receive(daemon, request(body)) == (200, "ignored")
    assert await receive(daemon, request(told("ERROR", "ITEM", error=None))) == (200, "ignored")
    assert daemon.asks == []


def test_every_webhook_of_the_pages_is_known() -> None:
    """The table of what follows is in Plaid's words."""
    served = {*EVENTS, *(name for name in IGNORED if name in WEBHOOKS)}
    assert served | {("LINK", "SESSION_FINISHED")} == set(WEBHOOKS)


async def test_outcomes(daemon: FakeDaemon) -> None:
    """Rows 9 to 12: taken before, kept for its connection, no room."""
    daemon.replayed = True
    assert await receive(daemon, request()) == (200, "duplicate")

    async def parked(_address: Address, _message: Message) -> FakeAnswer:
        return FakeAnswer(Noted("parked"))

    daemon.asked = parked
    assert await receive(daemon, request()) == (202, "parked")
    daemon.asked, daemon.error = None, Overloaded("no room")
    assert await receive(daemon, request()) == (503, "OVERLOADED")


HEADER = {"alg": "ES256", "kid": KID, "typ": "JWT"}
SECONDS = NOW_MS // 1000
HASH = hashlib.sha256(UPDATES).hexdigest()
CLAIMS = {"iat": SECONDS, "request_body_sha256": HASH}
HMACED = ".".join(_b64(json.dumps(part).encode()) for part in ({**HEADER, "alg": "HS256"}, CLAIMS))
PUBLIC = json.dumps(KEY).encode()
ROWS: list[tuple[dict[str, Any], tuple[int, str]]] = [
    ({"method": "GET"}, (405, "METHOD_NOT_ALLOWED")),
    ({"peer": "203.0.113.9", "too_large": True}, (403, "WEBHOOK_SOURCE_FORBIDDEN")),
    ({"too_large": True, "headers": []}, (413, "PAYLOAD_TOO_LARGE")),
    ({"headers": []}, INVALID),
    ({"headers": [TYPE, signed(), signed()]}, INVALID),
    ({"headers": [TYPE, (b"plaid-verification", b"")]}, INVALID),
    ({"headers": [TYPE, (b"plaid-verification", b"\xff.\xff.\xff")]}, INVALID),
    ({"headers": [TYPE, (b"plaid-verification", b"a.b")]}, INVALID),
    ({"headers": [TYPE, (b"plaid-verification", b"x" * 9000)]}, INVALID),
    ({"headers": [TYPE, forged({**HEADER, "alg": "none"})]}, INVALID),
    ({"headers": [TYPE, forged({**HEADER, "alg": "ES384"})]}, INVALID),
    ({"headers": [TYPE, forged({**HEADER, "alg": "RS256"})]}, INVALID),
    ({"headers": [TYPE, (b"plaid-verification", f"{HMACED}.{_b64(hmac.digest(PUBLIC, HMACED.encode(), 'sha256'))}".encode())]}, INVALID),
    ({"headers": [TYPE, forged({"alg": "ES256", "typ": "JWT"})]}, INVALID),
    ({"headers": [TYPE, forged({**HEADER, "kid": "another"})]}, INVALID),
    ({"headers": [TYPE, forged({**HEADER, "kid": ["x"]})]}, INVALID),
    ({"headers": [TYPE, forged({**HEADER, "typ": "at+jwt"})]}, INVALID),
    ({"headers": [TYPE, forged({**HEADER, "jwk": KEY})]}, INVALID),
    ({"headers": [TYPE, forged({**HEADER, "jku": "https://evil.example"})]}, INVALID),
    ({"headers": [TYPE, forged({**HEADER, "crit": ["b64"], "b64": False})]}, INVALID),
    ({"headers": [TYPE, forged(b"[]")]}, INVALID),
    ({"headers": [TYPE, forged(HEADER, CLAIMS, key="of somebody else")]}, INVALID),
    ({"headers": [TYPE, signed(UPDATES + b" ")]}, INVALID),
    ({"headers": [TYPE, forged(HEADER, {**CLAIMS, "request_body_sha256": HASH.upper()})]}, INVALID),
    ({"headers": [TYPE, forged(HEADER, {**CLAIMS, "request_body_sha256": 1})]}, INVALID),
    ({"headers": [TYPE, forged(HEADER, {"iat": SECONDS})]}, INVALID),
    ({"headers": [TYPE, forged(HEADER, b"[1]")]}, INVALID),
    ({"headers": [TYPE, forged(HEADER, b"{")]}, INVALID),
    ({"headers": [TYPE, signed(skew_ms=-301_000)]}, EXPIRED),
    ({"headers": [TYPE, signed(skew_ms=301_000)]}, EXPIRED),
    ({"headers": [TYPE, signed(skew_ms=-300_000)]}, (202, "accepted")),
    ({"headers": [TYPE, signed(skew_ms=300_000)]}, (202, "accepted")),
    ({"headers": [TYPE, forged(HEADER, {**CLAIMS, "iat": None})]}, EXPIRED),
    ({"headers": [TYPE, forged(HEADER, {**CLAIMS, "iat": True})]}, EXPIRED),
    ({"headers": [TYPE, forged(HEADER, {**CLAIMS, "iat": str(SECONDS)})]}, EXPIRED),
    ({"headers": [TYPE, forged(HEADER, {**CLAIMS, "iat": SECONDS + 0.5})]}, EXPIRED),
    ({"headers": [TYPE, forged(HEADER, {**CLAIMS, "iat": 10**30})]}, EXPIRED),
    ({"headers": [(b"content-type", b"text/plain"), signed()]}, (415, "MEDIA_TYPE_UNSUPPORTED")),
    ({"headers": [TYPE, (b"content-encoding", b"gzip"), signed()]}, (415, "MEDIA_TYPE_UNSUPPORTED")),
    ({"headers": [signed()]}, (202, "accepted")),
    ({"headers": [TYPE, forged({"kid": KID, "alg": "ES256"})]}, (202, "accepted")),
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
        (told(item_id=None), (422, "WEBHOOK_PAYLOAD_INVALID")),
        (told(item_id=7), (422, "WEBHOOK_PAYLOAD_INVALID")),
        (told("PENDING_EXPIRATION", "ITEM", consent_expiration_time="soon"), (422, "WEBHOOK_PAYLOAD_INVALID")),
        (told("PENDING_EXPIRATION", "ITEM", consent_expiration_time="2025-12-01T14:30:00"), (422, "WEBHOOK_PAYLOAD_INVALID")),
        (told("USER_ACCOUNT_REVOKED", "ITEM", account_id=None), (422, "WEBHOOK_PAYLOAD_INVALID")),
        (told("NEW_THING", "ITEM"), (422, "WEBHOOK_EVENT_UNSUPPORTED")),
        (told(kind="TRANSFER"), (422, "WEBHOOK_EVENT_UNSUPPORTED")),
    ],
)  # fmt: skip
async def test_bodies(daemon: FakeDaemon, body: bytes, answer: tuple[int, str]) -> None:
    """Rows 6 to 8, of what Plaid has signed."""
    assert await receive(daemon, request(body)) == answer
    assert daemon.asks == []


@pytest.mark.parametrize(
    "changes",
    [
        {"expired_at": 1},
        {"kty": "RSA"},
        {"crv": "P-384"},
        {"alg": "ES384"},
        {"use": "enc"},
        {"kid": "another"},
        {"d": "AAAA"},
        {"x": None},
        {"x": "AAAA"},
        {"x": f"{KEY['x']}="},
        {"y": _b64(bytes(32))},
    ],
)
async def test_a_key_that_verifies_nothing(daemon: FakeDaemon, changes: dict[str, Any]) -> None:
    """A key that has ended, is for something else, or is none: no signature of it is right."""
    daemon.keys_of_plaid[KID] = {**KEY, **changes}
    assert await receive(daemon, request()) == INVALID


async def test_another_key_of_the_right_name(daemon: FakeDaemon) -> None:
    """RFC 7515 5.2: the signature is by the key that Plaid has, whatever the token's name of it."""
    daemon.keys_of_plaid[KID] = {**plaid_key("of somebody else"), "kid": KID}
    assert await receive(daemon, request()) == INVALID


@pytest.mark.parametrize("code", ["BANK_PROVIDER_UNAVAILABLE", "OVERLOADED"])
async def test_a_key_that_cannot_be_had(daemon: FakeDaemon, code: str) -> None:
    """S63: what may be genuine is not refused: 503, and Plaid comes again."""
    daemon.key_fault = CallFault(code, retryable=True)
    assert await receive(daemon, request()) == (503, code)
    assert daemon.asks == []


async def test_no_key_is_asked_for_what_has_no_form(daemon: FakeDaemon) -> None:
    """What cannot be genuine makes no call to Plaid."""
    for changes, answer in ROWS[:20]:
        assert await receive(daemon, request(**changes)) == answer
    assert set(daemon.keys_asked) <= {KID, "another"}


TOKEN = signed()[1]


@given(st.integers(0, len(TOKEN) - 1), st.integers(0, 255))
def test_no_changed_token_is_genuine(place: int, byte: int) -> None:
    """S54: whichever byte is another, it is another token: one text for one signature."""
    changed = TOKEN[:place] + bytes([byte]) + TOKEN[place + 1 :]
    token = plaid_jwt.token_of(changed)
    fault = None if changed == TOKEN else "WEBHOOK_SIGNATURE_INVALID"
    if token is None:
        assert fault
        return
    key = plaid_jwt.key_of(KEY, token.key_id) if token.key_id == KID else None
    assert plaid_jwt.plaid_fault(token, UPDATES, key, (NOW_MS, 300_000)) == fault


@given(st.binary(max_size=200))
def test_only_the_body_that_was_signed(body: bytes) -> None:
    """S54: any other body under the same token is refused."""
    token = plaid_jwt.token_of(TOKEN)
    assert token is not None
    fault = plaid_jwt.plaid_fault(token, body, plaid_jwt.key_of(KEY, KID), (NOW_MS, 300_000))
    assert fault == (None if body == UPDATES else "WEBHOOK_SIGNATURE_INVALID")


@given(st.integers(-(2**40), 2**40))
def test_the_window_has_two_sides(skew_s: int) -> None:
    """S55, X16: five minutes, before and after."""
    token = plaid_jwt.token_of(forged(HEADER, {**CLAIMS, "iat": SECONDS})[1])
    assert token is not None
    now = NOW_MS + skew_s * 1000
    fault = plaid_jwt.plaid_fault(token, UPDATES, plaid_jwt.key_of(KEY, KID), (now, 300_000))
    assert fault == (None if abs(skew_s) <= 300 else "WEBHOOK_TIMESTAMP_EXPIRED")


@given(st.binary(max_size=300))
def test_any_header_is_judged(header: bytes) -> None:
    """Row 3: whatever stands there is taken apart, or is none."""
    token = plaid_jwt.token_of(header)
    assert token is None or plaid_jwt.plaid_fault(token, b"", None, (0, 1)) is not None
