"""What may be asked of outside parties; the one module that machines may import from here."""

from comptoir.engine.values import Address, Message

__all__ = ["PUSH", "SendPush"]

PUSH = Address("push", "")
"""The push party: FCM later, the sandbox's receiver now (S44)."""


class SendPush(Message, frozen=True):
    """Tell a user something on their devices. Silent for the flow: it may fail (S65)."""

    reference: str
    """What it is about, and its idempotency key: one push per reference, ever."""
    user_id: str
    template: str
    """`points_credited`, ..."""
    points: int = 0
