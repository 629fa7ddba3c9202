"""The names by which the key store knows persons, by generation, while their key is replaced.

A name is a keyed digest of the address of a person's actor, chained over generations as the digests of `once`
keys are (digests.py): a row of the store moves on from the name that it has, without the address, which the
store never had. So the replacement (rotation.py) reads the store alone, and leaves nobody behind: neither
one whose actor is gone while a kept answer is hers, nor one who is only named by events.

The rule: while rows move, and ever after, a person is looked for under her names of all generations at
once, in one statement; a row has one name at any moment. So it does not matter who is first, a look-up, an
erasure or the move: a row is found under the name that it has. Source: spec.md X13, X14; docs/keys.md.
"""

from collections.abc import Mapping
from typing import Final

from comptoir.engine.values import Address
from comptoir.storage.keys.digests import DIGEST_BYTES, GENERATIONS_MAX, Chain
from comptoir.storage.keys.store import HOUSE

__all__ = ["SUBJECT_GENERATIONS_MAX", "Subjects"]

SUBJECT_GENERATIONS_MAX: Final = GENERATIONS_MAX
"""A person whose key is not in memory costs one HMAC and one look into an index for each."""


class Subjects:
    """Names persons."""

    def __init__(self, keys: Mapping[int, bytes]) -> None:
        """Args: generation -> key, from 1 on without a gap."""
        self._chain = Chain(keys)

    @property
    def newest(self) -> int:
        """The generation that names whoever is new."""
        return self._chain.newest

    def begin(self, generation: int, key: bytes) -> None:
        """Name by the next generation from now on: its key is durable."""
        self._chain.add(generation, key)

    def names(self, address: Address) -> tuple[bytes, ...]:
        """Under which a person's actor may be known; the one for new rows first."""
        text = f"{len(address.kind)}:{address.kind}{address.key}".encode("utf-8", "surrogatepass")
        names = [self._chain.first(text)]
        for generation in range(2, self.newest + 1):
            names.append(self._chain.move(names[-1], generation))
        return tuple(reversed(names))

    def move(self, name: bytes) -> bytes:
        """The newest name of whoever has this one; the house keeps its own."""
        if name == HOUSE:
            return name
        had = 1 if len(name) == DIGEST_BYTES else name[0]
        for generation in range(had + 1, self.newest + 1):
            name = self._chain.move(name, generation)
        return name
