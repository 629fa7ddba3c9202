"""What may be said to an installation; it answers nobody, and tells whoever had it before (S44).

Another machine may import this module and nothing else of this package (design.md 1).
"""

from hashlib import blake2b

from comptoir.engine.values import Address, Message

__all__ = ["KIND", "ClaimDevice", "ReleaseDevice", "device_at"]

KIND = "device"
DIGEST_BYTES = 16


def device_at(token: str) -> Address:
    """The actor of the installation that has this push token, which nobody can guess."""
    return Address(KIND, blake2b(token.encode(), digest_size=DIGEST_BYTES).hexdigest())


class ClaimDevice(Message, frozen=True):
    """A person has signed in on it: what it shows is theirs from now on."""

    user_id: str
    device_id: str


class ReleaseDevice(Message, frozen=True):
    """Its person does not want to be told there any more, or it has a new token."""

    user_id: str
