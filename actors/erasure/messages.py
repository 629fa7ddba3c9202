"""What may be said about a person's erasure, and what it answers (S59, X13, E13).

Another machine may import this module and nothing else of this package (design.md 1). Nobody's name is in
it: persons are the keys of their actors.
"""

import msgspec

from comptoir.engine.values import Address, Message, Reply

__all__ = [
    "KIND",
    "BeginErasure",
    "DescribeErasure",
    "DestroyNow",
    "ErasePerson",
    "ErasureDescribed",
    "KeysDestroyed",
    "Sealed",
    "erasure_of",
]

KIND = "erasure"


def erasure_of(actor: Address) -> str:
    """Key of the erasure of an actor that is nobody's name: a file is known by its number."""
    return f"{actor.kind}:{actor.key.lower()}"


class Sealed(msgspec.Struct, frozen=True):
    """An actor whose key is to go."""

    kind: str
    key: str


class ErasePerson(Message, frozen=True):
    """To a person's actor: all that they have ends, and then the keys of what is theirs."""


class BeginErasure(Message, frozen=True):
    """From a person's actor, which has ended everything: these keys go."""

    what: tuple[Sealed, ...]


class DestroyNow(Message, frozen=True):
    """One's own later self: whatever was on its way has arrived."""


class KeysDestroyed(Message, frozen=True):
    """From the key store: so many keys are no more."""

    keys: int


class DescribeErasure(Message, frozen=True):
    """Say how far it is."""


class ErasureDescribed(Reply, frozen=True):
    """How far it is."""

    status: str
    """`waiting`, `destroying` or `erased`."""
    keys: int
    """Destroyed."""
    since: int
    """Business time, ms since 1970."""
