"""The seed scheme against the standard library."""

import hashlib
import hmac

from hypothesis import given
from hypothesis import strategies as st

from comptoir.sandbox.schemes import Form, Signature, seed_v1

BODIES = st.binary(max_size=200)
TIMES = st.integers(0, 10**14)


@given(st.binary(min_size=1, max_size=80), TIMES, BODIES, st.sampled_from(Form))
def test_signs_timestamp_dot_body(secret: bytes, at: int, body: bytes, form: Form) -> None:
    """S54, X17: every form is the hex HMAC-SHA256 of timestamp, dot and raw body."""
    headers = dict(seed_v1(secret, at, body, Signature.VALID, form))
    signature = headers["X-Webhook-Signature"]
    wanted = hmac.new(secret, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers["X-Webhook-Timestamp"] == str(at)
    assert signature.removeprefix("sha256=").lower() == wanted
    assert signature.startswith("sha256=") == (form in {Form.PREFIXED, Form.PREFIXED_UPPER})


@given(TIMES, BODIES)
def test_forged_has_the_form_of_a_signature(at: int, body: bytes) -> None:
    """S54: a forged signature is 64 hex digits and not the right ones; a missing one is absent."""
    valid = dict(seed_v1(b"k", at, body, Signature.VALID, Form.LOWER))["X-Webhook-Signature"]
    forged = dict(seed_v1(b"k", at, body, Signature.FORGED, Form.LOWER))["X-Webhook-Signature"]
    assert len(bytes.fromhex(forged)) == 32
    assert forged != valid
    missing = dict(seed_v1(b"k", at, body, Signature.MISSING, Form.LOWER))
    assert list(missing) == ["X-Webhook-Timestamp"]
