"""What the gateway `outward` is asked: one webhook, to one address.

Source: spec.md S33; the Standard Webhooks specification 1.0.0; docs/events.md.
"""

from typing import Final

from comptoir.engine.values import Address, Message

__all__ = ["OUTWARD", "DeliverNext"]

OUTWARD: Final = Address("outward", "")


class DeliverNext(Message, frozen=True):
    """Tell an endpoint of the next event that it wants: the gateway reads it from the feed, so that nothing of it lies in
    a message. Answered by `DeliveryEnded`.
    """

    serial: int
    """Of the endpoint's calls: the answer has it."""
    endpoint_id: str
    url: str
    secrets: tuple[str, ...]
    """`whsec_...`; each one signs."""
    after: int
    """Position after which to look."""
    upto: int
    """Position up to which."""
    types: tuple[str, ...]
    partner: str
    """Only files of this one's; empty: all."""
    ping_id: str = ""
    """Where it is a test: no event is looked for."""
