"""The leaves of the audit log: what each journal event was, as one hash that is kept for ever.

The rule: a leaf covers an event as it is stored, sealed payload included, so that it can be checked by
whoever may read the row but not the person's data, and stays provable when the key that would open it
is destroyed (X13). Fields are length-prefixed: no two events have the same bytes.
Source: RFC 9162 section 2.1.1 (leaf hash, SHA-256 with the prefix 0x00); design.md 7; spec.md X13, S36.
"""

from hashlib import sha256
from struct import Struct
from typing import Final

from comptoir.engine.values import Address

__all__ = ["LEAF_BYTES", "leaf_of"]

LEAF_BYTES: Final = 32
_HEAD: Final = Struct(">BQqHHH")
"""The prefix of a leaf, number, business time in ms, lengths of kind, key and type."""


def leaf_of(number: int, at: int, address: Address, name: str, sealed: bytes) -> bytes:
    """The leaf of one event.

    Args:
        number: the event's own, dense.
        at: business time, ms since 1970.
        address: of the actor that decided it.
        name: the event's type.
        sealed: its payload as stored.
    """
    kind, key, what = address.kind.encode(), address.key.encode(), name.encode()
    head = _HEAD.pack(0, number, at, len(kind), len(key), len(what))
    return sha256(b"".join((head, kind, key, what, sealed))).digest()
