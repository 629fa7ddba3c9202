"""Who signed a webhook: HMAC over the raw body, compared in constant time, in a two-sided window.

The rule: the signature is judged over the bytes as received, before anything is parsed; every
active secret is tried whether or not an earlier one matched; only a header counts, once; and the
time is believed only after the signature over it was.
Source: spec.md S54, S55, X16, X17; protocols.md 5.1 and 5.3; RFC 2104.
"""

import hmac
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from comptoir.engine.mac import Mac

__all__ = [
    "EXPIRED",
    "INVALID",
    "SIGNATURE_HEADER",
    "TIMESTAMP_HEADER",
    "seed_fault",
    "seed_signature",
]

INVALID = "WEBHOOK_SIGNATURE_INVALID"
EXPIRED = "WEBHOOK_TIMESTAMP_EXPIRED"
SIGNATURE_HEADER = b"x-webhook-signature"
TIMESTAMP_HEADER = b"x-webhook-timestamp"

_SIGNATURE = re.compile(rb"(?:sha256=)?([0-9A-Fa-f]{64})").fullmatch
_DIGITS = re.compile(rb"[0-9]+").fullmatch
_TIMESTAMP_DIGITS_MAX = 16
"""Enough for the year 300,000; more digits are outside any window, and never made an integer."""


SECRETS_REMEMBERED_MAX: Final = 64
"""Secrets whose keyed hashes are kept: those of one daemon, and of `comptoir check` beside it."""

_mac = lru_cache(maxsize=SECRETS_REMEMBERED_MAX)(Mac)


def seed_signature(secret: bytes, timestamp: bytes, body: bytes) -> bytes:
    """The 32 bytes that a sender of the seed scheme signs with (S54)."""
    return hmac.digest(secret, timestamp + b"." + body, "sha256")


def seed_fault(
    given: tuple[bytes | None, bytes | None],
    body: bytes,
    secrets: Sequence[bytes],
    window: tuple[int, int],
) -> str | None:
    """Judge a webhook of the seed scheme: None if it is genuine and in time, else the code.

    Args:
        given: the values of the signature and of the timestamp header; None when missing or given
            more than once.
        body: as received.
        secrets: any may match, each costs the same.
        window: now, and the largest skew either way, in ms.
    """
    signature, timestamp = given
    if signature is None or timestamp is None:
        return INVALID
    form = _SIGNATURE(signature)
    if form is None or _DIGITS(timestamp) is None:
        return INVALID
    claimed = bytes.fromhex(form[1].decode("ascii"))
    genuine = False
    for secret in secrets:
        genuine |= hmac.compare_digest(_mac(secret).digest(timestamp, b".", body), claimed)
    if not genuine:
        return INVALID
    now, skew_max = window
    late = len(timestamp) > _TIMESTAMP_DIGITS_MAX or abs(now - int(timestamp)) > skew_max
    return EXPIRED if late else None
