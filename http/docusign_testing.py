"""The signature that every file has in tests of the edge: it takes what is reported of it. Source: spec.md S28."""

from comptoir.actors.signature.messages import EnvelopeReported, EnvelopeTaken
from comptoir.engine import Address, Message, Reply

__all__ = ["of_envelopes"]


def of_envelopes(_address: Address, message: Message) -> Reply | None:
    """What is answered to a report of an envelope; None: it is said to others."""
    return EnvelopeTaken("accepted") if isinstance(message, EnvelopeReported) else None
