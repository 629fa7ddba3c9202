"""How parties sign their webhooks: named schemes, one function each.

Rule: a scheme is a pure function from a secret and what is signed to the header lines; a forged
signature has the right form and the wrong key.

Source: spec S54 (HMAC-SHA256 over timestamp, a dot and the raw body), X17 (header prefix
`sha256=` optional); interface.md 6; protocols.md 5.1 (Powens), 5.2 (Plaid) and 5.3 (DocuSign);
docs.tink.com/resources/api-setup/webhook-signature-validation.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import lru_cache
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jws
from joserfc.jwk import ECKey

SEED_V1 = "seed-v1"
POWENS_BI = "powens-bi"
PLAID_JWT = "plaid-jwt"
TINK = "tink"
DOCUSIGN = "docusign"
TIMESTAMP_HEADER = "X-Webhook-Timestamp"
SIGNATURE_HEADER = "X-Webhook-Signature"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Signature(Enum):
    """What becomes of the signature. The contract's word is the value."""

    VALID = "valid"
    FORGED = "forged"
    MISSING = "missing"


class Form(Enum):
    """How a valid signature is written; a receiver takes all four (X17, interface.md 6)."""

    LOWER = 0
    PREFIXED = 1
    UPPER = 2
    PREFIXED_UPPER = 3


class ToSign(NamedTuple):
    """What a scheme may sign of a POST request."""

    path: str
    timestamp_ms: int
    body: bytes


Headers = list[tuple[str, str]]
Scheme = Callable[[bytes, ToSign, Signature, Form], Headers]


def seed_v1(secret: bytes, what: ToSign, signature: Signature, form: Form) -> Headers:
    """The two headers of the seed scheme; one where the signature is missing."""
    timestamp_ms, body = what.timestamp_ms, what.body
    headers = [(TIMESTAMP_HEADER, str(timestamp_ms))]
    if signature is Signature.MISSING:
        return headers
    key = secret if signature is Signature.VALID else b"not " + secret
    digest = hmac.digest(key, b"%d.%b" % (timestamp_ms, body), "sha256").hex()
    if form is not Form.LOWER:
        digest = digest.upper() if form in {Form.UPPER, Form.PREFIXED_UPPER} else digest
        digest = digest if form is Form.UPPER else f"sha256={digest}"
    headers.append((SIGNATURE_HEADER, digest))
    return headers


def powens_bi(secret: bytes, what: ToSign, signature: Signature, form: Form) -> Headers:
    """Powens's two headers; base64 has one form only."""
    del form
    date = (EPOCH + timedelta(milliseconds=what.timestamp_ms)).isoformat(timespec="milliseconds")
    headers = [("BI-Signature-Date", date)]
    if signature is Signature.MISSING:
        return headers
    key = secret if signature is Signature.VALID else b"not " + secret
    digest = hmac.digest(key, f"POST.{what.path}.{date}.".encode() + what.body, "sha256")
    headers.append(("BI-Signature", base64.b64encode(digest).decode()))
    return headers


def tink(secret: bytes, what: ToSign, signature: Signature, form: Form) -> Headers:
    """Tink's header, with the time that is signed; lower case is its one form."""
    del form
    seconds = what.timestamp_ms // 1000
    if signature is Signature.MISSING:
        return []
    key = secret if signature is Signature.VALID else b"not " + secret
    digest = hmac.digest(key, b"%d.%b" % (seconds, what.body), "sha256").hex()
    return [("X-Tink-Signature", f"t={seconds},v1={digest}")]


def docusign(secret: bytes, what: ToSign, signature: Signature, form: Form) -> Headers:
    """DocuSign's headers: one for each key, of which the secret has one a line."""
    del form
    headers = [("X-Authorization-Digest", "HMACSHA256")]
    if signature is Signature.MISSING:
        return headers
    for number, line in enumerate(secret.split(b"\n"), 1):
        key = line if signature is Signature.VALID else b"not " + line
        digest = base64.b64encode(hmac.digest(key, what.body, "sha256")).decode()
        headers.append((f"X-DocuSign-Signature-{number}", digest))
    return headers


def plaid_jwt(secret: bytes, what: ToSign, signature: Signature, form: Form) -> Headers:
    """Plaid's header: a token over the body's hash, by the key that is made from the secret."""
    del form
    if signature is Signature.MISSING:
        return []
    claims = {
        "iat": what.timestamp_ms // 1000,
        "request_body_sha256": hashlib.sha256(what.body).hexdigest(),
    }
    header = {"alg": "ES256", "kid": _name(secret), "typ": "JWT"}
    key = ECKey.import_key(_private(secret if signature is Signature.VALID else b"not " + secret))
    token = jws.serialize_compact(header, json.dumps(claims).encode(), key, algorithms=["ES256"])
    return [("Plaid-Verification", token)]


def plaid_key(secret: bytes) -> dict[str, Any]:
    """The public half of the key that `plaid_jwt` signs with, as a JSON Web Key."""
    key = ECKey.import_key(_private(secret))
    return {
        **key.as_dict(private=False), "kid": _name(secret), "alg": "ES256", "use": "sig",
    }  # fmt: skip


def _name(secret: bytes) -> str:
    return hashlib.sha256(b"kid " + secret).hexdigest()[:32]


@lru_cache(maxsize=64)
def _private(secret: bytes) -> ec.EllipticCurvePrivateKey:
    """A key of P-256 from a text, so that a run is repeatable from its secret."""
    number = int.from_bytes(hashlib.sha512(secret).digest(), "big")
    return ec.derive_private_key(number % (2**255) + 1, ec.SECP256R1())


SCHEMES: dict[str, Scheme] = {
    SEED_V1: seed_v1,
    POWENS_BI: powens_bi,
    PLAID_JWT: plaid_jwt,
    TINK: tink,
    DOCUSIGN: docusign,
}
