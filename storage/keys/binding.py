"""What a database keeps of the key store that seals it: whose it is, and how far its digests have come.

Rule: it is written with what it tells of, or after that is durable in the key store; so a store that
lacks what is told here is an older copy, and is refused before anything is looked up by it.
Source: docs/keys.md; spec.md X14, X15, X16.
"""

import json
from collections.abc import Mapping
from typing import NamedTuple, Self

from comptoir.storage.keys.errors import KeyStoreBroken, KeyStoreForeign
from comptoir.storage.keys.roots import INDEX, ONCE
from comptoir.storage.keys.store import KeyStore

__all__ = ["Binding", "check_unbound"]


class Binding(NamedTuple):
    """The value of `storage.sealing.SETTING`."""

    store: str
    """The identity of the key store, hex."""
    once: int
    """The generation that every `once` digest has, or has at least (digests.py)."""
    cursor: str
    """The last digest of that generation that has moved on, hex; empty: none."""
    index_generation: int = 1
    """The generation by which addresses are made (indexes.py)."""
    held: int = 0
    """Addresses of before, that the store knew when that generation came in."""

    @classmethod
    def read(cls, text: str) -> Self:
        """What a database keeps; one of an earlier release tells nothing of indexes."""
        return cls(**json.loads(text))

    def write(self) -> str:
        """As the database keeps it."""
        return json.dumps(self._asdict())

    def check(self, store: KeyStore, roots: Mapping[str, Mapping[int, bytes]]) -> None:
        """Hold a store to it.

        Raises:
            KeyStoreForeign: it is another store.
            KeyStoreBroken: it is an older copy of the store.
        """
        if self.store != store.identity.hex():
            raise KeyStoreForeign("this database was sealed by the keys of another key store")
        newest = self.once + bool(self.cursor)
        if newest > max(roots[ONCE]) or self.index_generation > max(roots[INDEX]):
            raise _older()
        if self.held > store.count_held():
            raise _older()


def check_unbound(*, fresh: bool, masters: bool) -> None:
    """Hold a database that no store has sealed to what may be so: new, or sealed by our master keys.

    Raises:
        KeyStoreForeign: it is neither.
    """
    if not fresh and not masters:
        raise KeyStoreForeign(
            "this database was sealed by vault.keys, which this key store was made without",
            remedy="give vault.keys (or the key file) and a vault.store that does not exist yet",
        )


def _older() -> KeyStoreBroken:
    return KeyStoreBroken(
        "the key store is older than this database, whose digests have moved on since",
        remedy="restore the newest backup of the key store",
    )
