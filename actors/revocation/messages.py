"""What may be said to the list of ended access, and what it answers (S34, S62; RFC 7009).

Another machine may import this module and nothing else of this package (design.md 1). Nobody's name is
in it: a person is the key of their actor, a family and a token are what random bits name.
"""

from enum import StrEnum
from typing import Final

from comptoir.engine.values import Address, Message, Reply

__all__ = [
    "KIND",
    "LIFE",
    "REFERENCE",
    "REVOCATIONS",
    "AccessEnded",
    "EndAccess",
    "Ground",
    "PruneAccess",
]

KIND = "revocation"
REVOCATIONS = Address(KIND, "all")
"""One actor for all, so that one snapshot answers for every request."""
REFERENCE: Final = "revocations"
"""Name of the published snapshot."""
LIFE: Final = "access_life_ms"
"""Name of the constant that says for how long an access token of ours may hold, at most."""


class Ground(StrEnum):
    """What a token is refused by."""

    PERSON = "person"
    """What was given to somebody before a generation of theirs."""
    CLIENT = "client"
    """What a service was granted."""
    FAMILY = "family"
    """What came of one sign-in through a client."""
    TOKEN = "token"  # noqa: S105 (a word, not one)
    """One token, by its `jti`."""


class EndAccess(Message, frozen=True):
    """Refuse these access tokens from now on. Said again, it changes nothing."""

    ground: Ground
    key: str
    """Of the person's actor or the family's, the client's id, or the `jti`."""
    generation: int = 0
    """Of a person: the first one that is good."""


class PruneAccess(Message, frozen=True):
    """One's own later self: tokens have ended by themselves meanwhile."""


class AccessEnded(Reply, frozen=True):
    """It is durable; once the snapshot has this number, every request hears of it."""

    version: int
