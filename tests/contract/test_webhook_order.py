"""Section 6, rows 1 to 5: who may send, what is signed, when, in which order it is judged.

Rule: the first row of the table that applies is the answer (S53).
Source: interface.md 6; spec.md S53 to S55, S62, X16, X17, X28.
"""

import gzip
import json
from collections.abc import Callable

import pytest

from comptoir.engine.testing import Answered, Process, sign_webhook
from comptoir.http.contract_testing import Customer, purchase

PATH = "/webhooks/banking"
WINDOW_MS = 300_000
FORBIDDEN = (403, "WEBHOOK_SOURCE_FORBIDDEN")
TOO_LARGE = (413, "PAYLOAD_TOO_LARGE")
INVALID = (401, "WEBHOOK_SIGNATURE_INVALID")
EXPIRED = (401, "WEBHOOK_TIMESTAMP_EXPIRED")
MEDIA_TYPE = (415, "MEDIA_TYPE_UNSUPPORTED")
MALFORMED = (400, "WEBHOOK_PAYLOAD_MALFORMED")
ACCEPTED = (202, "accepted")
PARKED = (202, "parked")


def said(answer: Answered) -> tuple[int, str]:
    """Status, and the code or the status word."""
    body = answer.json()
    return answer.status, str(body.get("code", body.get("status")))


def body_of(customer: Customer) -> bytes:
    """A right body, of a connection that nobody knows: taken, it is parked."""
    return json.dumps(purchase(customer.name("tx"), customer.name("conn"))).encode()


def post(customer: Customer, body: bytes, **headers: str) -> tuple[int, str]:
    """Send with signed headers, some of them replaced; an empty text takes one away."""
    chosen = customer.signed(body)
    for name, value in headers.items():
        chosen.pop(name := name.replace("_", "-"), None)
        if value:
            chosen[name] = value
    return said(customer.hook(body, chosen))


# Row 3: the signature.


def test_a_right_signature_is_taken(customer: Customer) -> None:
    """Hex of HMAC-SHA256 over timestamp, a point and the raw body: taken and durable (S54, S66)."""
    assert post(customer, body_of(customer)) == PARKED


def test_hex_of_either_case_with_or_without_prefix(customer: Customer) -> None:
    """The header may carry `sha256=`, the hex may be of either case (S54, X17)."""
    for prefix in ("", "sha256="):
        for spell in (str.lower, str.upper):
            body = body_of(customer)
            signed = customer.signed(body)
            digest = signed["X-Webhook-Signature"].removeprefix("sha256=")
            headers = {**signed, "X-Webhook-Signature": prefix + spell(digest)}
            answer = customer.hook(body, headers)
            assert said(answer) == PARKED, headers


@pytest.mark.parametrize(
    "signature",
    ["", "0" * 64, "sha256=", "sha256=" + "0" * 63, "x" * 64, "sha512=" + "0" * 64, "0" * 65, "é"],
)
def test_a_wrong_signature_is_refused(customer: Customer, signature: str) -> None:
    """Missing, of another form, or of another secret: 401 WEBHOOK_SIGNATURE_INVALID (S54, S66)."""
    assert post(customer, body_of(customer), X_Webhook_Signature=signature) == INVALID


@pytest.mark.parametrize(
    "stamp", ["", "now", "-1", "1.5", " ", "1e12", "+1732000000000", "1732000000000Z", "٣" * 13]
)
def test_a_timestamp_of_another_form_is_refused(customer: Customer, stamp: str) -> None:
    """Digits only: anything else is 401 WEBHOOK_SIGNATURE_INVALID, also when signed (S54, S55)."""
    body = body_of(customer)
    headers = sign_webhook(customer.secret, body, 0)
    assert post(customer, body, X_Webhook_Timestamp="") == INVALID
    pairs = [(name, value) for name, value in headers.items() if name != "X-Webhook-Timestamp"]
    pairs += [("X-Webhook-Timestamp", stamp.encode().decode("latin-1"))]
    pairs += [("Content-Length", str(len(body)))]
    assert said(customer.raw("POST", PATH, pairs, body)) == INVALID


@pytest.mark.parametrize("name", ["X-Webhook-Signature", "X-Webhook-Timestamp"])
@pytest.mark.parametrize("other", ["same", "different", "same name in capitals"])
def test_a_doubled_header_is_refused(customer: Customer, name: str, other: str) -> None:
    """Given twice, even equal, neither can be believed: 401 (S54)."""
    body = body_of(customer)
    signed = customer.signed(body)
    second = "1" if other == "different" else signed[name]
    again = name.upper() if other.endswith("capitals") else name
    pairs = [*signed.items(), (again, second), ("Content-Length", str(len(body)))]
    assert said(customer.raw("POST", PATH, pairs, body)) == INVALID
    pairs = [(again, second), *signed.items(), ("Content-Length", str(len(body)))]
    assert said(customer.raw("POST", PATH, pairs, body)) == INVALID


def test_the_raw_body_is_signed(customer: Customer) -> None:
    """One blank more than was signed is another body (S54)."""
    body = body_of(customer)
    headers = customer.signed(body)
    answer = customer.hook(body + b" ", headers)
    assert said(answer) == INVALID
    spaced = b" \r\n" + body + b"\n"
    answer = customer.hook(spaced, customer.signed(spaced))
    assert said(answer) == PARKED


def test_a_signature_inside_the_body_is_ignored(customer: Customer) -> None:
    """What the body says of signature and time counts for nothing (X17)."""
    body = purchase(customer.name("tx"), customer.name("conn"))
    stamped = {**body, "signature": "sha256=0000", "timestamp": "1999-01-01T00:00:00Z"}
    assert said(customer.send(stamped)) == PARKED


def test_any_active_secret_may_sign(comptoir_daemon: Callable[..., Process]) -> None:
    """Several secrets are active for rotation; one that is no longer listed is refused (S54)."""
    secrets = [f"{word}-0123456789-{word}" for word in ("newest", "older", "oldest")]
    daemon = comptoir_daemon(COMPTOIR_WEBHOOKS__SEED__SECRETS=json.dumps(secrets))
    customer = Customer(daemon)
    for secret in secrets:
        assert said(daemon.webhook(body_of(customer), secret)) == PARKED
    assert said(daemon.webhook(body_of(customer), "retired-0123456789-retired")) == INVALID


# Row 4: the window.


def test_the_window_is_two_sided(customer: Customer) -> None:
    """Just inside is taken and just outside refused, in the past and in the future (S55, X16)."""
    for sign in (-1, 1):
        for skew, outcome in ((WINDOW_MS - 5_000, PARKED), (WINDOW_MS + 5_000, EXPIRED)):
            body = body_of(customer)
            at_ms = customer.now_ms() + sign * skew
            assert said(customer.hook_at(body, at_ms)) == outcome, (sign, skew)


@pytest.mark.parametrize("stamp", [0, 1, 10**13, 10**15, 10**17])
def test_far_times_are_expired(customer: Customer, stamp: int) -> None:
    """However far, a signed time out of the window is 401 WEBHOOK_TIMESTAMP_EXPIRED (S55, S66)."""
    body = body_of(customer)
    assert said(customer.hook_at(body, stamp)) == EXPIRED


def test_the_window_is_configured(comptoir_daemon: Callable[..., Process]) -> None:
    """`webhooks.window_ms` narrows the window (X16)."""
    daemon = comptoir_daemon(COMPTOIR_WEBHOOKS__WINDOW_MS="10000")
    customer = Customer(daemon)
    now = customer.now_ms()
    assert said(daemon.webhook(body_of(customer), at_ms=now - 20_000)) == EXPIRED
    assert said(daemon.webhook(body_of(customer), at_ms=now)) == PARKED


def test_the_window_follows_business_time(comptoir_daemon: Callable[..., Process]) -> None:
    """Once a manual clock has moved an hour, an hour ago is too late (S55)."""
    daemon = comptoir_daemon()
    customer = Customer(daemon)
    before = customer.now_ms()
    after = customer.advance(3600)
    assert said(daemon.webhook(body_of(customer), at_ms=before)) == EXPIRED
    assert said(daemon.webhook(body_of(customer), at_ms=after)) == PARKED


# Row 5: how the body is written.


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "identity, gzip", "GZIP"])
def test_an_encoded_body_is_refused(customer: Customer, encoding: str) -> None:
    """A compressed body, signed as sent, is 415 MEDIA_TYPE_UNSUPPORTED (S66)."""
    body = gzip.compress(body_of(customer))
    assert post(customer, body, Content_Encoding=encoding) == MEDIA_TYPE


def test_identity_is_no_encoding(customer: Customer) -> None:
    """`Content-Encoding: identity` changes nothing."""
    assert post(customer, body_of(customer), Content_Encoding="identity") == PARKED


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/xml", "application/x-www-form-urlencoded", "application/jsonp"],
)
def test_another_media_type_is_refused(customer: Customer, kind: str) -> None:
    """Anything but application/json is 415 MEDIA_TYPE_UNSUPPORTED."""
    assert post(customer, body_of(customer), Content_Type=kind) == MEDIA_TYPE


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON"])
def test_json_may_name_its_charset(customer: Customer, kind: str) -> None:
    """application/json in any case and with charset=utf-8 is taken."""
    assert post(customer, body_of(customer), Content_Type=kind) == PARKED


# Row 2: size.


def test_one_megabyte_is_too_large(customer: Customer) -> None:
    """A body of 1 MB is 413 PAYLOAD_TOO_LARGE, rightly signed or not (S66)."""
    body = b" " * 1_000_000
    assert post(customer, body) == TOO_LARGE
    assert post(customer, body, X_Webhook_Signature="") == TOO_LARGE


def test_the_limit_is_exact(customer: Customer) -> None:
    """65,536 bytes are taken, one more is not (interface.md 3)."""
    body = body_of(customer)
    full = body + b" " * (65_536 - len(body))
    assert post(customer, full) == PARKED
    assert post(customer, full + b" ") == TOO_LARGE


def test_a_declared_length_is_believed(customer: Customer) -> None:
    """A body that is declared too long is refused before it is sent."""
    pairs = [*customer.signed(b"").items(), ("Content-Length", "70000")]
    assert said(customer.raw("POST", PATH, pairs, b"")) == TOO_LARGE


def test_a_chunked_body_is_counted(customer: Customer) -> None:
    """Without a declared length the bytes are counted as they come."""
    chunk = b"1000\r\n" + b" " * 4096 + b"\r\n"
    pairs = [*customer.signed(b"").items(), ("Transfer-Encoding", "chunked")]
    assert said(customer.raw("POST", PATH, pairs, chunk * 17 + b"0\r\n\r\n")) == TOO_LARGE
    body = body_of(customer)
    small = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
    pairs = [*customer.signed(body).items(), ("Transfer-Encoding", "chunked")]
    assert said(customer.raw("POST", PATH, pairs, small)) == PARKED


def test_the_limit_is_configured(comptoir_daemon: Callable[..., Process]) -> None:
    """`webhooks.body_bytes_max` is the limit."""
    customer = Customer(comptoir_daemon(COMPTOIR_WEBHOOKS__BODY_BYTES_MAX="1024"))
    body = body_of(customer)
    assert post(customer, body + b" " * (1024 - len(body))) == PARKED
    assert post(customer, body + b" " * (1025 - len(body))) == TOO_LARGE


# Row 1: where it comes from.


def test_source_outside_the_allow_list_is_forbidden(
    comptoir_daemon: Callable[..., Process],
) -> None:
    """403 WEBHOOK_SOURCE_FORBIDDEN before anything else is looked at (S53)."""
    customer = Customer(comptoir_daemon(COMPTOIR_WEBHOOKS__ALLOWED_IPS='["192.0.2.0/24"]'))
    assert post(customer, body_of(customer)) == FORBIDDEN
    assert post(customer, b" " * 1_000_000) == FORBIDDEN
    assert post(customer, b"{", X_Webhook_Signature="") == FORBIDDEN
    # X-Forwarded-For of a peer that is no configured proxy is not read (X28).
    assert post(customer, body_of(customer), X_Forwarded_For="192.0.2.7") == FORBIDDEN


def test_forwarded_for_is_read_from_proxies_only(comptoir_daemon: Callable[..., Process]) -> None:
    """Behind a configured proxy the address that it names is judged, and only that one (S53, X28)."""
    customer = Customer(
        comptoir_daemon(
            COMPTOIR_WEBHOOKS__ALLOWED_IPS='["192.0.2.0/24", "2001:db8::/32"]',
            COMPTOIR_HTTP__TRUSTED_PROXIES='["127.0.0.1/32", "198.51.100.0/24"]',
        )
    )
    for line, outcome in (
        ("192.0.2.7", PARKED),
        ("2001:db8::7", PARKED),
        ("203.0.113.9", FORBIDDEN),
        ("", FORBIDDEN),  # the proxy itself is not on the list
        ("192.0.2.7, 203.0.113.9", FORBIDDEN),  # the left part is what the sender wrote itself
        ("203.0.113.9, 192.0.2.7", PARKED),
        ("192.0.2.7, 198.51.100.3", PARKED),  # a second proxy
        ("garbage", FORBIDDEN),
        ("192.0.2.7, garbage", FORBIDDEN),
    ):
        outcome_now = post(customer, body_of(customer), X_Forwarded_For=line)
        assert outcome_now == outcome, line


def test_failures_count_against_the_bound_of_their_address(
    comptoir_daemon: Callable[..., Process],
) -> None:
    """With `webhooks.rate_per_minute_max`, the next one is 429 with Retry-After (S62)."""
    customer = Customer(comptoir_daemon(COMPTOIR_WEBHOOKS__RATE_PER_MINUTE_MAX="3"))
    assert [post(customer, b"{}", X_Webhook_Signature="")[0] for _ in range(3)] == [401] * 3
    body = body_of(customer)
    answer = customer.hook(body, customer.signed(body))
    assert said(answer) == (429, "RATE_LIMITED")
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json()["retryable"] is True


# The order itself.


def test_order_of_refusal(customer: Customer) -> None:
    """Where several rows apply, the first one is the answer (S53)."""
    large, malformed = b"{" * 100_000, b"{"
    gzipped = {"Content_Encoding": "gzip"}
    assert post(customer, large, X_Webhook_Signature="00", **gzipped) == TOO_LARGE
    assert post(customer, malformed, X_Webhook_Signature="00", **gzipped) == INVALID
    assert post(customer, malformed, X_Webhook_Timestamp="x", **gzipped) == INVALID
    late = sign_webhook(customer.secret, malformed, customer.now_ms() - WINDOW_MS - 60_000)
    forged = {**late, "X-Webhook-Signature": "0" * 64}
    encoded = {**late, "Content-Encoding": "gzip", "Content-Type": "text/plain"}
    send = customer.hook
    assert said(send(malformed, forged)) == INVALID
    assert said(send(malformed, encoded)) == EXPIRED
    assert post(customer, malformed, **gzipped) == MEDIA_TYPE
    assert post(customer, malformed) == MALFORMED


def test_refusals_change_nothing_and_are_counted(customer: Customer) -> None:
    """A refused webhook leaves no wallet, and shows by result and code in /metrics (S66, S67)."""
    card = customer.card()
    labels = {"result": "refused", "code": "WEBHOOK_SIGNATURE_INVALID"}
    before = customer.metric("comptoir_webhooks_total", **labels)
    identity = customer.name("tx")
    body = json.dumps(purchase(identity, card.connection_id, merchant={"name": card.label}))
    assert post(customer, body.encode(), X_Webhook_Signature="0" * 64) == INVALID
    assert customer.metric("comptoir_webhooks_total", **labels) == before + 1
    customer.quiet()
    assert customer.process.get(f"/api/v1/wallets/{card.user_id}").status == 404
    assert customer.process.get(f"/api/v1/transactions/{identity}").status == 404
    assert said(customer.hook_at(body.encode(), customer.now_ms())) == ACCEPTED


def test_answers_repeat_nothing_of_the_sender(customer: Customer) -> None:
    """No refusal quotes what was sent (S66)."""
    marked = b'{"event": "zzmarkzz", "data": {"zzmarkzz": "zzmarkzz"}, "zzmarkzz": NaN}'
    for headers in ({}, {"X_Webhook_Signature": "zzmarkzz"}, {"Content_Type": "zzmarkzz/x"}):
        chosen = {k.replace("_", "-"): v for k, v in headers.items()}
        answer = customer.hook(marked, {**customer.signed(marked), **chosen})
        assert answer.status >= 400
        assert b"zzmarkzz" not in answer.body
