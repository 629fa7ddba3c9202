"""Schemes of other senders, and `comptoir check webhook` over all of them."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.engine.signing_testing import plaid_key, sign_plaid
from comptoir.http.check_webhook import check
from comptoir.http.schemes import SCHEMES

NOW = 1_763_994_600_000
BODY = b'{"event":"x"}'
SECRET = "a-secret-of-this-test"
EMPTY: dict[str, Any] = {}
KEY = b"0123456789abcdef0123456789abcdef"


def _mac(key: bytes, line: bytes) -> bytes:
    return hmac.new(key, line, hashlib.sha256).digest()


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _signed(scheme: str, skew_s: int = 0) -> dict[str, Any]:
    """A genuine input of a scheme, signed by this test alone."""
    at = NOW + skew_s * 1000
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)
    date, seconds = moment.isoformat().encode(), str(at // 1000).encode()
    standard = _b64(_mac(KEY, b"msg_1." + seconds + b"." + BODY))
    headers = {
        "seed-v1": {
            "X-Webhook-Timestamp": str(at),
            "X-Webhook-Signature": _mac(SECRET.encode(), str(at).encode() + b"." + BODY).hex(),
        },
        "powens-bi": {
            "BI-Signature-Date": date.decode(),
            "BI-Signature": _b64(_mac(SECRET.encode(), b"POST./hook/." + date + b"." + BODY)),
        },
        "docusign": {"X-DocuSign-Signature-1": _b64(_mac(SECRET.encode(), BODY))},
        "standard-webhooks": {
            "webhook-id": "msg_1",
            "webhook-timestamp": seconds.decode(),
            "webhook-signature": f"v1a,ignored v1,{standard}",
        },
        "plaid-jwt": {"Plaid-Verification": sign_plaid(SECRET, BODY, at)["Plaid-Verification"]},
        "tink": {
            "X-Tink-Signature": f"t={at // 1000},v1="
            + _mac(SECRET.encode(), seconds + b"." + BODY).hex()
        },
    }[scheme]
    return {
        "scheme": scheme, "secrets": ["another-secret", SECRET, f"whsec_{_b64(KEY)}"],
        "method": "POST", "path": "/hook/", "headers": headers, "body_b64": _b64(BODY),
        "now_ms": NOW, "ignored": True, "jwks": {"keys": [plaid_key("another"), plaid_key(SECRET)]},
    }  # fmt: skip


BUILT = list(SCHEMES)
TIMED = [name for name in BUILT if name != "docusign"]


def _code(given_input: object) -> str | None:
    answer = check(given_input)
    assert json.loads(json.dumps(answer)) == answer
    return None if answer == {"ok": True} else str(answer["error"]["code"])


@pytest.mark.parametrize("scheme", BUILT)
def test_genuine_is_ok(scheme: str) -> None:
    """S54, protocols.md 5.1 and 5.3: what the sender signed is ok, under any of the secrets."""
    assert _code(_signed(scheme)) is None
    wrong: dict[str, Any] = {
        "secrets": ["none", "of these"],
        "jwks": {"keys": [plaid_key("other")]},
    }
    assert _code(_signed(scheme) | wrong) == "WEBHOOK_SIGNATURE_INVALID"
    nothing: dict[str, Any] = {"secrets": [], "jwks": None}
    assert _code(_signed(scheme) | nothing) == "WEBHOOK_SIGNATURE_INVALID"
    changed = _signed(scheme) | {"body_b64": _b64(BODY + b" ")}
    assert _code(changed) == "WEBHOOK_SIGNATURE_INVALID"


@pytest.mark.parametrize("scheme", TIMED)
@pytest.mark.parametrize("skew_s", [301, -301])
def test_window(scheme: str, skew_s: int) -> None:
    """S55, X16: a signed time is held to a window with two sides in every scheme that has one."""
    assert _code(_signed(scheme, skew_s)) == "WEBHOOK_TIMESTAMP_EXPIRED"
    assert _code(_signed(scheme, skew_s - (1 if skew_s > 0 else -1))) is None


@pytest.mark.parametrize("scheme", BUILT)
def test_repeated_or_missing_header(scheme: str) -> None:
    """Row 3 of interface.md 6: every signing header counts once."""
    genuine = _signed(scheme)
    for name, value in genuine["headers"].items():
        others = {key: text for key, text in genuine["headers"].items() if key != name}
        assert _code(genuine | {"headers": others}) == "WEBHOOK_SIGNATURE_INVALID"
        doubled = [*genuine["headers"].items(), (name.lower(), value)]
        assert _code(genuine | {"headers": doubled}) == "WEBHOOK_SIGNATURE_INVALID"
        listed = genuine["headers"] | {name: [value, value]}
        assert _code(genuine | {"headers": listed}) == "WEBHOOK_SIGNATURE_INVALID"


def test_powens_signs_method_and_path() -> None:
    """protocols.md 5.1: the trailing slash matters, the method too; the date may be an epoch."""
    genuine = _signed("powens-bi")
    assert _code(genuine | {"path": "/hook"}) == "WEBHOOK_SIGNATURE_INVALID"
    assert _code(genuine | {"method": "PUT"}) == "WEBHOOK_SIGNATURE_INVALID"
    for date in (str(NOW), str(NOW // 1000), "2025-11-24T14:30:00"):
        line = f"POST./hook/.{date}.".encode() + BODY
        headers = {"BI-Signature": _b64(_mac(SECRET.encode(), line)), "BI-Signature-Date": date}
        assert _code(genuine | {"headers": headers}) is None
    line = b"POST./hook/.yesterday." + BODY
    headers = {"BI-Signature": _b64(_mac(SECRET.encode(), line)), "BI-Signature-Date": "yesterday"}
    assert _code(genuine | {"headers": headers}) == "WEBHOOK_TIMESTAMP_EXPIRED"


def test_plaid_keys_of_a_set() -> None:
    """RFC 7517 4.5: the key of that name, which is one; a set need not say what Plaid says beside it."""
    genuine, key = _signed("plaid-jwt"), plaid_key(SECRET)
    bare = {name: key[name] for name in ("kty", "crv", "kid", "x", "y")}
    assert _code(genuine | {"jwks": {"keys": [bare]}}) is None
    assert _code(genuine | {"jwks": {"keys": [key, key]}}) == "WEBHOOK_SIGNATURE_INVALID"
    ended = {**key, "expired_at": 1}
    assert _code(genuine | {"jwks": {"keys": [ended]}}) == "WEBHOOK_SIGNATURE_INVALID"


def test_tinks_published_vector() -> None:
    """check-command: the example of docs.tink.com/resources/api-setup/webhook-signature-validation."""
    hexed = "3808bca389150582fd78bdb5e3dfcf46f99ff168d37d60cdc13da7c5e49abefb"
    published = {
        "scheme": "tink", "secrets": ["top_secret_top_secret_top_secret"],
        "method": "POST", "path": "/", "headers": {"X-Tink-Signature": f"t=1620198421,v1={hexed}"},
        "body_b64": _b64(b'{"context": {...}, "event": "...",  "content": {...}}'),
        "now_ms": 1_620_198_421_000,
    }  # fmt: skip
    assert _code(published) is None
    assert _code(published | {"now_ms": NOW}) == "WEBHOOK_TIMESTAMP_EXPIRED"


@pytest.mark.parametrize(
    "wrong",
    [
        {"scheme": "seed"},
        {"scheme": None},
        {"secrets": "one"},
        {"secrets": [1]},
        {"secrets": ["\ud800"]},
        {"secrets": ["x"] * 33},
        {"headers": None},
        {"headers": {"a": 1}},
        {"headers": {"a": "\udfff"}},
        {"body_b64": "%"},
        {"body_b64": "e30"},
        {"body_b64": "é"},
        {"now_ms": "1"},
        {"now_ms": 1.5},
        {"path": 1},
        {"jwks": [EMPTY]},
        {"jwks": {"keys": EMPTY}},
        {"jwks": {"keys": [1]}},
        {"jwks": {"keys": [EMPTY] * 65}},
    ],
)
def test_malformed_input_is_an_answer(wrong: dict[str, Any]) -> None:
    """check-command: CHECK_INPUT_INVALID, never a traceback."""
    assert _code(_signed("seed-v1") | wrong) == "CHECK_INPUT_INVALID"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    )
)
def test_any_input_is_answered(value: object) -> None:
    """check-command: any JSON value gives one answer object."""
    assert check(value)["error"]["code"] == "CHECK_INPUT_INVALID"


@given(st.sampled_from(BUILT), st.dictionaries(st.text(max_size=20), st.text(max_size=40)))
def test_any_headers_are_judged(scheme: str, headers: dict[str, str]) -> None:
    """Row 3: whatever stands in the headers is judged, in every scheme."""
    given_input = _signed(scheme)
    for name in given_input["headers"]:
        headers = {**headers, name: next(iter(headers.values()), "")}
    assert _code(given_input | {"headers": headers}) == "WEBHOOK_SIGNATURE_INVALID"
