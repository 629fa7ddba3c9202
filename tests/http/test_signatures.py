"""The seed scheme's signature, against the standard library and openssl."""

import hashlib
import hmac
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.http.signatures import EXPIRED, INVALID, seed_fault, seed_signature

NOW = 1_763_994_600_000
WINDOW = 300_000
SECRETS = (b"newest-secret-of-this-test", b"older-secret-of-this-test")


def _oracle(secret: bytes, timestamp: bytes, body: bytes) -> str:
    """S54 written down a second time, from the specification alone."""
    mac = hmac.new(secret, digestmod=hashlib.sha256)
    mac.update(timestamp)
    mac.update(b".")
    mac.update(body)
    return mac.hexdigest()


def _judge(signature: bytes | None, timestamp: bytes | None, body: bytes = b"{}") -> str | None:
    return seed_fault((signature, timestamp), body, SECRETS, (NOW, WINDOW))


@given(
    body=st.binary(max_size=2000),
    secret=st.sampled_from(SECRETS),
    skew=st.integers(-WINDOW, WINDOW),
    upper=st.booleans(),
    prefix=st.booleans(),
)
def test_genuine_is_taken(body: bytes, secret: bytes, skew: int, upper: bool, prefix: bool) -> None:
    """S54, X16, X17: any active secret, either hex case, with or without the prefix, in window."""
    timestamp = str(NOW + skew).encode()
    signature = _oracle(secret, timestamp, body)
    signature = signature.upper() if upper else signature
    claim = (f"sha256={signature}" if prefix else signature).encode()
    assert _judge(claim, timestamp, body) is None


@given(body=st.binary(max_size=300), other=st.binary(max_size=300), bit=st.integers(0, 255))
def test_any_change_is_refused(body: bytes, other: bytes, bit: int) -> None:
    """S54: another body, or one bit of the signature, is no signature."""
    timestamp = str(NOW).encode()
    genuine = bytearray.fromhex(_oracle(SECRETS[0], timestamp, body))
    if other != body:
        assert _judge(bytes(genuine).hex().encode(), timestamp, other) == INVALID
    genuine[bit // 8] ^= 1 << bit % 8
    assert _judge(bytes(genuine).hex().encode(), timestamp, body) == INVALID


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is the oracle")
def test_openssl_agrees() -> None:
    """S54: openssl makes the same signature."""
    body = b'{"event":"transaction.created"}'
    line = str(NOW).encode() + b"." + body
    made = subprocess.run(
        ["openssl", "dgst", "-sha256", "-hmac", SECRETS[0].decode()],
        input=line,
        capture_output=True,
        check=True,
        timeout=10,
    )
    digest = made.stdout.split()[-1].decode()
    assert seed_signature(SECRETS[0], str(NOW).encode(), body).hex() == digest


@pytest.mark.parametrize(
    ("signature", "timestamp"),
    [
        (None, b"1"),
        (b"00" * 32, None),
        (b"", b"1"),
        (b"00" * 31, b"1"),
        (b"00" * 33, b"1"),
        (b"zz" * 32, b"1"),
        (b"sha512=" + b"00" * 32, b"1"),
        (b"sha256=sha256=" + b"00" * 32, b"1"),
        (b"00" * 32 + b"\n", b"1"),
        (b"00" * 32, b""),
        (b"00" * 32, b"-1"),
        (b"00" * 32, b"1.5"),
        (b"00" * 32, b" 1"),
        (b"00" * 32, b"1_0"),
        (b"00" * 32, "\u0661".encode()),
        (b"00" * 32, b"2025-11-24T14:30:00Z"),
    ],
)
def test_form_is_refused(signature: bytes | None, timestamp: bytes | None) -> None:
    """Row 3 of interface.md 6: missing, or not of the form."""
    assert _judge(signature, timestamp) == INVALID


@given(st.binary(max_size=100), st.binary(max_size=40), st.binary(max_size=100))
def test_arbitrary_headers_never_raise(signature: bytes, timestamp: bytes, body: bytes) -> None:
    """Row 3: whatever stands in the headers is judged."""
    assert _judge(signature, timestamp, body) in (INVALID, EXPIRED)


@pytest.mark.parametrize("skew", [WINDOW + 1, -WINDOW - 1, 10**12, -NOW])
def test_window_has_two_sides(skew: int) -> None:
    """S55, X16: signed, but too old or too far ahead."""
    timestamp = str(NOW + skew).encode()
    claim = _oracle(SECRETS[0], timestamp, b"{}").encode()
    assert _judge(claim, timestamp) == EXPIRED


def test_endless_timestamp_is_late() -> None:
    """S55: digits without end are a time outside the window, and no arithmetic is done on them."""
    timestamp = b"9" * 5000
    assert _judge(_oracle(SECRETS[0], timestamp, b"{}").encode(), timestamp) == EXPIRED


def test_unsigned_time_is_not_believed() -> None:
    """S53: the signature is judged before the time, so a forged late one is forged."""
    assert _judge(b"00" * 32, b"1") == INVALID


def test_no_secret_takes_nothing() -> None:
    """S54: without a secret nothing is genuine, not even what an empty key signs."""
    timestamp = str(NOW).encode()
    claim = _oracle(b"", timestamp, b"{}").encode()
    assert seed_fault((claim, timestamp), b"{}", (), (NOW, WINDOW)) == INVALID
