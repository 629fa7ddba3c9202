"""What DocuSign's words mean: envelope statuses, events of Connect, reasons, times.

Rules:
- an envelope that ran out is `voided` to DocuSign, with a reason of its own by which it is told apart;
- `signed` is passing: everybody has signed, and the documents are not sealed yet; only `completed` is an end;
- an envelope that was removed cannot be signed any more, as one that was voided;
- a status that is not known is one that is under way.

Source: protocols.md 5.3; developers.docusign.com/platform/webhooks/connect/json-sim-event-model (events);
support.docusign.com, "How can I differentiate between Expired and Voided envelopes?" (the reason).
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final

from comptoir.actors.signature.messages import SigningStatus

__all__ = ["EVENTS", "EXPIRED_REASON", "PASSED_OVER", "PROVIDER", "REFERENCE", "stands", "time_ms"]

PROVIDER: Final = "docusign"
REFERENCE: Final = "comptoir_reference"
"""The custom field of an envelope by which it is found again: the file and the round."""
EXPIRED_REASON: Final = "Envelope has expired."
STATUSES: Final[Mapping[str, SigningStatus]] = MappingProxyType(
    {
        "delivered": "viewed",
        "signed": "viewed",
        "completed": "signed",
        "declined": "declined",
        "voided": "voided",
        "deleted": "voided",
        "timedout": "expired",
    }
)
EVENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "envelope-sent": "sent",
        "envelope-delivered": "delivered",
        "envelope-completed": "completed",
        "envelope-declined": "declined",
        "envelope-voided": "voided",
    }
)
"""Events that say how an envelope stands, and the status that each says."""
PASSED_OVER: Final = re.compile(
    r"(envelope|recipient|template|click|sms|resent)-[a-z0-9-]{1,60}"
).fullmatch
"""Events of DocuSign's that say nothing of that."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})"
).fullmatch


def stands(status: str, reason: str = "") -> SigningStatus:
    """How an envelope stands, by its status and, where it was voided, why."""
    word = status.lower()
    if word == "voided" and reason.strip() == EXPIRED_REASON:
        return "expired"
    return STATUSES.get(word, "sent")


def time_ms(text: str) -> int | None:
    """A time as DocuSign writes it, with up to seven decimals, as ms since 1970; None where it is none."""
    if not text.isascii() or not _TIME(text):
        return None
    try:
        return (datetime.fromisoformat(text) - EPOCH) // timedelta(milliseconds=1)
    except (ValueError, OverflowError):
        return None
