"""Signatures of senders of webhooks, for whoever plays one (`comptoir.engine.testing` gives them on).

Rule: made without what verifies them, so that they are a second opinion; HMACs with the standard library
alone, the token with the primitives of `cryptography`.
Source: interface.md 6; protocols.md 5.1 and 5.2; spec.md S54.
"""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

__all__ = ["plaid_key", "sign_docusign", "sign_plaid", "sign_powens", "sign_tink", "sign_webhook"]


def sign_webhook(secret: str, body: bytes, at_ms: int) -> dict[str, str]:
    """Headers of the seed scheme (interface.md 6), made with the standard library alone."""
    text = str(at_ms)
    digest = hmac.new(secret.encode(), text.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json",
        "X-Webhook-Timestamp": text,
        "X-Webhook-Signature": f"sha256={digest}",
    }


def sign_powens(
    secret: str, body: bytes, at_ms: int, path: str = "/webhooks/powens"
) -> dict[str, str]:
    """Headers of Powens's scheme (protocols.md 5.1), made with the standard library alone."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)
    date = moment.isoformat(timespec="milliseconds")
    line = f"POST.{path}.{date}.".encode() + body
    digest = hmac.new(secret.encode(), line, hashlib.sha256).digest()
    return {
        "Content-Type": "application/json",
        "BI-Signature-Date": date,
        "BI-Signature": base64.b64encode(digest).decode(),
    }


def sign_tink(secret: str, body: bytes, at_ms: int) -> dict[str, str]:
    """Header of Tink's scheme, made with the standard library alone.

    Source: docs.tink.com/resources/api-setup/webhook-signature-validation.
    """
    seconds = str(at_ms // 1000)
    line = seconds.encode() + b"." + body
    digest = hmac.new(secret.encode(), line, hashlib.sha256).hexdigest()
    return {"Content-Type": "application/json", "X-Tink-Signature": f"t={seconds},v1={digest}"}


def sign_docusign(secret: str, body: bytes, at_ms: int) -> dict[str, str]:
    """Headers of DocuSign Connect (protocols.md 5.3), by one key, made with the standard library alone."""
    del at_ms  # it signs no time
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return {
        "Content-Type": "application/json",
        "X-Authorization-Digest": "HMACSHA256",
        "X-DocuSign-Signature-1": base64.b64encode(digest).decode(),
    }


def _private(secret: str) -> ec.EllipticCurvePrivateKey:
    """A key of P-256 that belongs to a text."""
    number = int.from_bytes(hashlib.sha512(secret.encode()).digest(), "big")
    return ec.derive_private_key(number % (2**255) + 1, ec.SECP256R1())


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def plaid_key(secret: str) -> dict[str, object]:
    """The key that `sign_plaid` signs with, as Plaid publishes it (protocols.md 5.2)."""
    numbers = _private(secret).public_key().public_numbers()
    return {
        "alg": "ES256", "crv": "P-256", "kid": hashlib.sha256(secret.encode()).hexdigest()[:32],
        "kty": "EC", "use": "sig", "x": _base64url(numbers.x.to_bytes(32, "big")),
        "y": _base64url(numbers.y.to_bytes(32, "big")), "created_at": 1_560_466_143, "expired_at": None,
    }  # fmt: skip


def sign_plaid(secret: str, body: bytes, at_ms: int) -> dict[str, str]:
    """Headers of Plaid's scheme (protocols.md 5.2), by a key that belongs to the secret."""
    header = {"alg": "ES256", "kid": plaid_key(secret)["kid"], "typ": "JWT"}
    claims = {"iat": at_ms // 1000, "request_body_sha256": hashlib.sha256(body).hexdigest()}
    signed = ".".join(_base64url(json.dumps(part).encode()) for part in (header, claims))
    pair = decode_dss_signature(_private(secret).sign(signed.encode(), ec.ECDSA(SHA256())))
    signature = b"".join(number.to_bytes(32, "big") for number in pair)
    return {
        "Content-Type": "application/json",
        "Plaid-Verification": f"{signed}.{_base64url(signature)}",
    }
