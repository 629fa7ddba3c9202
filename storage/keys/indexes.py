"""Blind indexes, by generation: the addresses of sealed things, while their key is replaced.

An index is HMAC-SHA256(key of a generation, text), and the address of an actor. An address never changes:
events name it for ever, and messages, timers and other actors' states hold it. So nothing is digested anew
when the key is replaced; what is there keeps the address that it has, and whatever comes later has one of
the new key. The rule: for every text there is one address at any moment, and it stays the same for as long
as anything names it. The key store holds the addresses of earlier generations that are named (`held`); a
text whose earlier index is among them has that one, any other has that of the newest generation in use.

The replacement, which may die anywhere and goes on where it was (rotation.py):

1. The new key is durable, and marking begins: addresses that were given out lately, each that is given out
   from now on, and each that is named in anything sealed from now on is held, durably so before the
   batch that names it is sent.
2. Every sealed row is read, page by page, and the addresses that it names are held. What moves from a row
   that was not read yet to one that was is sealed on its way, and so marked.
3. So whatever anybody knows is held, and the new generation comes in: one write of the database.
4. Addresses that were held before and that nothing named in this pass are forgotten.

Names are found as 64 hex digits in what is sealed, whatever its schema: too many may be held, never too few.
Source: design.md 7; spec.md X14, X15; docs/keys.md.
"""

import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Final

from comptoir.engine.mac import Mac
from comptoir.engine.values import Address
from comptoir.storage.keys.store import KeyStore

__all__ = ["INDEX_GENERATIONS_MAX", "BlindIndexes"]

INDEX_GENERATIONS_MAX: Final = 32
"""A text that was never seen costs one HMAC and one read for each."""
GIVEN_MAX: Final = 1 << 15
"""Addresses given out lately: more than can be under way in one process (its requests, mailboxes and
calls are bounded far below); some 5 MiB."""
KNOWN_MAX: Final = 1 << 16
NAME: Final = re.compile(rb"[0-9a-f]{64}")


class BlindIndexes:
    """Gives addresses, and marks them while a new generation is on its way."""

    def __init__(self, keys: Mapping[int, bytes], store: KeyStore) -> None:
        """Take the keys up.

        Args:
            keys: generation -> key.
            store: holds the addresses of earlier generations.
        """
        self._macs = {generation: Mac(key) for generation, key in keys.items()}
        self._store = store
        self.target = store.marking()
        """The generation that marking is for; 0: nothing is marked."""
        self.reached = self.target - 1 if self.target else max(keys)
        """The generation in use."""
        self._given: OrderedDict[bytes, bytes] = OrderedDict()
        """Index of the generation in use -> address; the least recent first."""
        self._before: OrderedDict[bytes, None] = OrderedDict()
        """Addresses given out before the last change of generation, the least recent first: somebody may still
        have one in hand when the next replacement begins.
        """
        self._marked: set[bytes] = set()
        """To be held, and not durable yet."""
        self._known: set[bytes] = set()
        """Some of those that are durably held for `target`."""
        self.held = 0
        """How many were held when the generation in use came in."""

    def resume(self, reached: int, held: int = 0) -> None:
        """Go on where database and store have come to.

        Args:
            reached: the generation in use.
            held: how many addresses were held when it came in.
        """
        self.reached, self.held = reached, held
        self._given.clear()
        self._before.clear()
        self._marked.clear()
        self._known.clear()
        target = self._store.marking()
        self.target = target if target > reached else 0

    def begin(self, target: int, key: bytes) -> None:
        """Mark from now on: the key of the next generation is durable."""
        self._macs[target] = Mac(key)
        self.target = target
        self._known.clear()
        self._carry()
        self._marked.update(self._before)

    def use(self, target: int, held: int) -> None:
        """From now on the new generation is in use: the database says so, and all else is held."""
        self.reached, self.target, self.held = target, 0, held
        self._carry()

    def _carry(self) -> None:
        """What was given out lately is remembered by its address alone: its index is one of before."""
        for address in self._given.values():
            self._before.pop(address, None)
            self._before[address] = None
        self._given.clear()
        while len(self._before) > GIVEN_MAX:
            self._before.popitem(last=False)

    def index(self, text: bytes) -> bytes:
        """The address of a text, 32 bytes."""
        newest = self._macs[self.reached].digest(text)
        address = self._given.pop(newest, None)
        if address is None:
            address = self._find(text, newest)
            if self.target:
                self.mark([address])
            if len(self._given) >= GIVEN_MAX:
                self._given.popitem(last=False)
        self._given[newest] = address
        return address

    def _find(self, text: bytes, newest: bytes) -> bytes:
        for generation in sorted((x for x in self._macs if x < self.reached), reverse=True):
            earlier = self._macs[generation].digest(text)
            if earlier in self._marked or self._store.is_held(earlier):
                return earlier
        return newest

    def mark_named(self, sealed: bytes, about: Iterable[Address | None]) -> None:
        """Hold what a value names, and what its actors' own addresses are."""
        keys = [x.key.encode("utf-8", "surrogatepass") for x in about if x is not None]
        self.mark(bytes.fromhex(x.decode()) for text in (sealed, *keys) for x in NAME.findall(text))

    def mark(self, addresses: Iterable[bytes]) -> None:
        """Hold these; those that are durably held for this pass are left out."""
        for address in addresses:
            if address in self._known or address in self._marked:
                continue
            if self._store.is_held(address, self.target):
                self.keep([address])
            else:
                self._marked.add(address)

    @property
    def durable(self) -> bool:
        """Whether everything that was marked would survive a crash now."""
        return not self._marked

    def marked(self) -> tuple[list[bytes], int]:
        """Those that are not durable yet, and the generation that they are held for."""
        return list(self._marked), max(self.target, self.reached)

    def keep(self, addresses: Iterable[bytes]) -> None:
        """These are durable."""
        for address in addresses:
            self._marked.discard(address)
            if len(self._known) >= KNOWN_MAX:
                self._known.clear()
            self._known.add(address)
