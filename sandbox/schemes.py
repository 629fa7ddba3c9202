"""How parties sign their webhooks: named schemes, one function each.

Rule: a scheme is a pure function from (secret, timestamp, body) to the header lines; a forged
signature has the right form and the wrong key.

Source: spec S54 (HMAC-SHA256 over timestamp, a dot and the raw body), X17 (header prefix
`sha256=` optional); interface.md 6.
"""

import hmac
from collections.abc import Callable
from enum import Enum

SEED_V1 = "seed-v1"
TIMESTAMP_HEADER = "X-Webhook-Timestamp"
SIGNATURE_HEADER = "X-Webhook-Signature"


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


Headers = list[tuple[str, str]]
Scheme = Callable[[bytes, int, bytes, Signature, Form], Headers]


def seed_v1(
    secret: bytes, timestamp_ms: int, body: bytes, signature: Signature, form: Form
) -> Headers:
    """The two headers of the seed scheme; one where the signature is missing."""
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


SCHEMES: dict[str, Scheme] = {SEED_V1: seed_v1}
