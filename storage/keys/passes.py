"""What rotations do with the rows of the database that a pass brings by: name, or move (storage/reseal.py).

Source: docs/keys.md; spec.md X14, X15.
"""

from collections.abc import Sequence

from comptoir.engine.values import Address
from comptoir.storage.keys.binding import Binding
from comptoir.storage.keys.errors import KeysErased
from comptoir.storage.keys.keyring import Keyring
from comptoir.storage.runs import identify_once

__all__ = ["Marker", "OnceMover"]


class Marker:
    """Reads rows for the addresses that they name; changes none (storage/reseal.py: Resealer)."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def reseal(self, sealed: bytes, identity: bytes, about: Sequence[Address] = ()) -> None:
        """Hold what a value names; of an erased person's, whose it is."""
        try:
            plaintext = self._keyring.open(sealed, identity)
        except KeysErased:
            plaintext = b""
        self._keyring.indexes.mark_named(plaintext, about)


class OnceMover:
    """Moves `once` rows to the next generation of digests (storage/reseal.py: Mover)."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def progress(self) -> tuple[int, bytes]:
        """As `Mover.progress`."""
        return self._keyring.once.progress()

    def move(self, digest: bytes, answer: bytes) -> tuple[bytes, bytes, bytes]:
        """As `Mover.move`."""
        keyring = self._keyring
        moved = keyring.once.move(digest, self.progress()[0] + 1)
        if not answer:
            return digest, moved, answer
        return digest, moved, keyring.rebind(answer, identify_once(digest), identify_once(moved))

    def note(self, last: bytes | None) -> str:
        """As `Mover.note`."""
        reached, _ = self.progress()
        moved = (reached, last.hex()) if last is not None else (reached + 1, "")
        binding = self._keyring.binding()
        return binding._replace(once=moved[0], cursor=moved[1]).write()

    def reach(self, value: str) -> None:
        """As `Mover.reach`."""
        told = Binding.read(value)
        self._keyring.once.resume(told.once, bytes.fromhex(told.cursor))
