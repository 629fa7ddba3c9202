"""The signature of a webhook after the Standard Webhooks specification: its secrets, its headers.

Rule: what is signed is the id, the second of the attempt and the bytes that are sent, joined by full stops; every secret
that is good signs, the newest first. Ids are ours, and have no full stop.
Source: the Standard Webhooks specification 1.0.0, "Signature scheme" and "Webhook headers"; RFC 2104.
"""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Final

__all__ = ["PREFIX", "SECRET_BYTES", "secret_of", "signed_headers"]

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32
"""Between 24 and 64, as the specification wants."""


def secret_of(key: bytes) -> str:
    """A secret as it is shown: base64 after its prefix."""
    assert len(key) == SECRET_BYTES
    return PREFIX + b64encode(key).decode("ascii")


def signed_headers(
    message_id: str, second: int, body: bytes, secrets: Sequence[str]
) -> dict[str, str]:
    """The three headers.

    Args:
        message_id: the same for every attempt.
        second: of the attempt, since 1970.
        body: as it is sent.
        secrets: `whsec_...`; at least one.
    """
    assert secrets
    assert "." not in message_id
    content = f"{message_id}.{second}.".encode() + body
    signatures = (
        b64encode(hmac.digest(b64decode(one.removeprefix(PREFIX)), content, "sha256")).decode()
        for one in secrets
    )
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(second),
        "webhook-signature": " ".join(f"v1,{one}" for one in signatures),
    }
