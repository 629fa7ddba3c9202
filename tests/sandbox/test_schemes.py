"""The schemes against the standard library, and Powens's against the verifier of the daemon."""

import base64
import hashlib
import hmac
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from comptoir.http import plaid_jwt
from comptoir.sandbox.schemes import (
    EPOCH,
    Form,
    Signature,
    ToSign,
    plaid_key,
    powens_bi,
    seed_v1,
)
from comptoir.sandbox.schemes import (
    plaid_jwt as plaid_scheme,
)

BODIES = st.binary(max_size=200)
TIMES = st.integers(0, 10**14)


@given(st.binary(min_size=1, max_size=80), TIMES, BODIES, st.sampled_from(Form))
def test_signs_timestamp_dot_body(secret: bytes, at: int, body: bytes, form: Form) -> None:
    """S54, X17: every form is the hex HMAC-SHA256 of timestamp, dot and raw body."""
    headers = dict(seed_v1(secret, ToSign("/", at, body), Signature.VALID, form))
    signature = headers["X-Webhook-Signature"]
    wanted = hmac.new(secret, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers["X-Webhook-Timestamp"] == str(at)
    assert signature.removeprefix("sha256=").lower() == wanted
    assert signature.startswith("sha256=") == (form in {Form.PREFIXED, Form.PREFIXED_UPPER})


@given(TIMES, BODIES)
def test_forged_has_the_form_of_a_signature(at: int, body: bytes) -> None:
    """S54: a forged signature is 64 hex digits and not the right ones; a missing one is absent."""
    what = ToSign("/", at, body)
    valid = dict(seed_v1(b"k", what, Signature.VALID, Form.LOWER))["X-Webhook-Signature"]
    forged = dict(seed_v1(b"k", what, Signature.FORGED, Form.LOWER))["X-Webhook-Signature"]
    assert len(bytes.fromhex(forged)) == 32
    assert forged != valid
    missing = dict(seed_v1(b"k", what, Signature.MISSING, Form.LOWER))
    assert list(missing) == ["X-Webhook-Timestamp"]


@given(st.binary(min_size=1, max_size=80), st.integers(0, 10**13), BODIES)
def test_powens_signs_method_path_date_and_body(secret: bytes, at: int, body: bytes) -> None:
    """Protocols.md 5.1: base64 of HMAC-SHA256 over METHOD.PATH.DATE.body, the date in ISO 8601."""
    what = ToSign("/webhooks/powens", at, body)
    headers = dict(powens_bi(secret, what, Signature.VALID, Form.LOWER))
    date = headers["BI-Signature-Date"]
    assert datetime.fromisoformat(date) - EPOCH == timedelta(milliseconds=at)
    line = f"POST./webhooks/powens.{date}.".encode() + body
    wanted = base64.b64encode(hmac.new(secret, line, hashlib.sha256).digest()).decode()
    assert headers["BI-Signature"] == wanted
    forged = dict(powens_bi(secret, what, Signature.FORGED, Form.LOWER))
    assert len(base64.b64decode(forged["BI-Signature"])) == 32
    assert forged["BI-Signature"] != wanted
    assert list(dict(powens_bi(secret, what, Signature.MISSING, Form.LOWER))) == [
        "BI-Signature-Date"
    ]


@given(st.binary(max_size=80), st.integers(0, 10**13), BODIES, st.sampled_from(Signature))
def test_plaid_by_the_daemons_verifier(
    secret: bytes, at: int, body: bytes, signature: Signature
) -> None:
    """protocols.md 5.2: a token that the daemon takes under the published key, unless it is forged."""
    headers = dict(plaid_scheme(secret, ToSign("/", at, body), signature, Form.LOWER))
    if signature is Signature.MISSING:
        assert headers == {}
        return
    token = plaid_jwt.token_of(headers["Plaid-Verification"].encode())
    assert token is not None
    key = plaid_jwt.key_of(plaid_key(secret), token.key_id)
    fault = plaid_jwt.plaid_fault(token, body, key, (at, 1000))
    assert fault == (None if signature is Signature.VALID else "WEBHOOK_SIGNATURE_INVALID")
