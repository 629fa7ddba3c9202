"""Digests of `once` keys, by generation, while their rows move from one generation to the next.

Generation 1 is HMAC-SHA256(k1, text), cut to 16 bytes. Generation g is one byte g and then
HMAC-SHA256(kg, digest of generation g-1), cut to 16: so a row moves on without the text that nobody has
kept, and one byte tells how far it has come. Rows move in the order of their digests; `cursor` is
the last that has moved. So for every text there is exactly one digest at any moment, and one look-up:
the new one, if the old one is not behind the cursor, else the old one. The cursor moves in the very
transaction that moves the rows, between two batches of the one writer: no batch sees a half.

What it costs: one HMAC for each generation. So there are `GENERATIONS_MAX` of them. The names of persons in
the key store are chained in the same way (subjects.py).
Source: design.md 3 (once keys are HMACs); spec.md X14, X16.
"""

from collections.abc import Mapping
from typing import Final

from comptoir.engine.mac import Mac

__all__ = ["DIGEST_BYTES", "GENERATIONS_MAX", "Chain", "OnceDigests"]

DIGEST_BYTES: Final = 16
GENERATIONS_MAX: Final = 32


class Chain:
    """Digests of which each generation is made from the one before."""

    def __init__(self, keys: Mapping[int, bytes]) -> None:
        """Args: generation -> key, from 1 on without a gap."""
        assert sorted(keys) == list(range(1, len(keys) + 1)), "generations are dense"
        self._macs = {generation: Mac(key) for generation, key in keys.items()}

    @property
    def newest(self) -> int:
        """The greatest generation."""
        return len(self._macs)

    def add(self, generation: int, key: bytes) -> None:
        """Hold the key of the next generation."""
        assert generation == self.newest + 1, "generations are dense"
        self._macs[generation] = Mac(key)

    def first(self, text: bytes) -> bytes:
        """The digest of generation 1."""
        return self._macs[1].digest(text)[:DIGEST_BYTES]

    def move(self, digest: bytes, generation: int) -> bytes:
        """The digest of a generation, from that of the one before."""
        return bytes((generation,)) + self._macs[generation].digest(digest)[:DIGEST_BYTES]


class OnceDigests:
    """Makes the digests that the database has now."""

    def __init__(self, keys: Mapping[int, bytes]) -> None:
        """Args: generation -> key, from 1 on without a gap."""
        self._chain = Chain(keys)
        self._reached = max(keys)
        self._cursor: bytes | None = None
        """Of the move from `_reached` to the next generation; None: no row has moved."""

    def add(self, generation: int, key: bytes) -> None:
        """Hold the key of the next generation; no row has it yet."""
        self._chain.add(generation, key)

    def resume(self, reached: int, cursor: bytes) -> None:
        """Go on where the database has come to.

        Args:
            reached: the generation that every row has, or has at least.
            cursor: the last digest of that generation whose row has moved on; empty: none.
        """
        self._reached = reached
        self._cursor = cursor or None

    def progress(self) -> tuple[int, bytes]:
        """(generation that every row has, the last digest of it that has moved on)."""
        return self._reached, self._cursor or b""

    def digest(self, text: bytes) -> bytes:
        """The digest under which a key is, or would be, stored now."""
        digest = self._chain.first(text)
        for generation in range(2, self._reached + 1):
            digest = self.move(digest, generation)
        if self._cursor is not None and digest <= self._cursor:
            return self.move(digest, self._reached + 1)
        return digest

    def move(self, digest: bytes, generation: int) -> bytes:
        """The digest of a generation, from that of the one before."""
        return self._chain.move(digest, generation)
