"""The keyring: what the journal seals with, a data key for each person.

The rule: every value is sealed under the newest key of the person that it is about, bound to its row
and to this store; a value moved to another row, person or database does not open. Whose it is:
an actor with a key of its own is a subject, unless its kind is named impersonal; what is sent to another
party (a gateway) belongs to its sender; the rest is the house's. So a kind that nobody thought of is
sealed for somebody, and can be erased.

On the hot path nothing waits: a key that is known costs a dictionary look-up, one that is not an indexed
read of a local file; a person never seen before gets a key in memory, and the writer has it made durable,
with all others of its batch by one sync, before the batch is sent (storage/guilt.py). Nothing here is
unbounded: keys in memory are `subjects_cached_max` at most, the oldest go first and are read again.
Source: design.md 7; spec.md S59, X13, X14, X15; docs/adr/0023-a-key-for-each-person.md.
"""

import os
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import Final, NamedTuple

import trio
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from comptoir.engine.values import Address
from comptoir.storage.keys.binding import Binding, check_unbound
from comptoir.storage.keys.data_key import (
    FORMAT,
    HEADER_BYTES,
    ID_BYTES,
    NONCE_BYTES,
    SALT_BYTES,
    DataKey,
    draw_key,
)
from comptoir.storage.keys.digests import OnceDigests
from comptoir.storage.keys.errors import KeysErased
from comptoir.storage.keys.figures import KeyringStatistics
from comptoir.storage.keys.indexes import BlindIndexes
from comptoir.storage.keys.roots import INDEX, MASTER, ONCE, SUBJECT, WRAP, Roots, now_ms
from comptoir.storage.keys.store import HOUSE, KeyRow, KeyStore
from comptoir.storage.keys.subjects import Subjects
from comptoir.storage.vault import Vault, VaultKeyUnknown, VaultTampered

__all__ = ["Keyring"]

NONCES_PER_DRAW: Final = 256
SEALS_PER_SALT_MAX: Final = 1 << 31
SUBJECTS_CACHED_MAX: Final = 20_000
"""About 2.5 KiB each: the state of OpenSSL for one key."""
TEXT_AT: Final = HEADER_BYTES + NONCE_BYTES


class _Seal(NamedTuple):
    """What seals for one subject: the header of its values, and the cipher of that header's salt."""

    header: bytes
    cipher: AESGCM


class Keyring:
    """A `Sealer` with a key store behind it."""

    def __init__(
        self,
        store: KeyStore,
        roots: Roots,
        unwrap: Callable[[], Awaitable[Roots]],
        *,
        impersonal: Collection[str] = (),
        subjects_cached_max: int = SUBJECTS_CACHED_MAX,
    ) -> None:
        """Take up a store whose roots are unwrapped.

        Args:
            store: holds the data keys.
            roots: purpose -> generation -> key.
            unwrap: has them unwrapped again, where another daemon has changed them.
            impersonal: kinds of actors whose data are no person's.
            subjects_cached_max: keys kept in memory.
        """
        self.store = store
        self._unwrap_roots = unwrap
        self._take(roots)
        self._impersonal = frozenset(impersonal)
        self._cached_max = subjects_cached_max
        self._seals: OrderedDict[Address | None, _Seal] = OrderedDict()
        self._ciphers: OrderedDict[bytes, AESGCM] = OrderedDict()
        """By header: for opening."""
        self._fresh: dict[bytes, KeyRow] = {}
        """By subject: made, and not durable yet."""
        self._nonces = b""
        self._nonce_at = 0
        self._sealed = 0

    def _take(self, roots: Roots) -> None:
        self.roots = roots
        self.generation = self.store.generation
        self.wrap = max(roots[WRAP])
        self.once = OnceDigests(roots[ONCE])
        masters = roots.get(MASTER)
        self._masters = Vault({f"k{n}": key for n, key in masters.items()}) if masters else None
        self.indexes = BlindIndexes(roots[INDEX], self.store)
        self.subjects = Subjects(roots[SUBJECT])

    def __repr__(self) -> str:
        return f"<Keyring of {self.store!r}, generation {self.generation}>"

    # What the journal asks (storage/sealing.py).

    def seal(
        self,
        plaintext: bytes,
        identity: bytes,
        about: Address | None = None,
        sender: Address | None = None,
    ) -> bytes:
        """As `Sealer.seal`."""
        seal = self._seals.get(about) or self._find_seal(about, sender)
        if self.indexes.target:
            self.indexes.mark_named(plaintext, (about, sender))
        at = self._nonce_at
        if at == len(self._nonces):
            self._draw_nonces()
            at = 0
        self._nonce_at = at + NONCE_BYTES
        nonce = self._nonces[at : at + NONCE_BYTES]
        return seal.header + nonce + seal.cipher.encrypt(nonce, plaintext, identity)

    def open(self, sealed: bytes, identity: bytes) -> bytes:
        """As `Sealer.open`.

        Raises:
            VaultTampered: it is not what was sealed for that row.
            VaultKeyUnknown: its key is not held.
            KeysErased: its key was destroyed.
        """
        header = sealed[:HEADER_BYTES]
        cipher = self._ciphers.get(header)
        if cipher is None:
            if sealed[:1] != bytes((FORMAT,)):
                return self._open_old(sealed, identity)
            if len(sealed) < TEXT_AT:
                raise VaultTampered("a sealed value is cut short")
            cipher = self._find_cipher(header)
        try:
            return cipher.decrypt(sealed[HEADER_BYTES:TEXT_AT], sealed[TEXT_AT:], identity)
        except (InvalidTag, ValueError):
            raise VaultTampered("a sealed value does not belong to its row") from None

    def once_digest(self, scope: str, key: str) -> bytes:
        """As `Sealer.once_digest`."""
        text = f"{len(scope)}:{scope}{key}".encode("utf-8", "surrogatepass")
        return self.once.digest(text)

    def blind_index(self, field: str, value: str) -> bytes:
        """As `Sealer.blind_index`."""
        text = f"{len(field)}:{field}{value}".encode("utf-8", "surrogatepass")
        return self.indexes.index(text)

    @property
    def durable(self) -> bool:
        """As `Sealer.durable`."""
        return not self._fresh and self.indexes.durable

    async def make_durable(self) -> None:
        """As `Sealer.make_durable`; one sync for all that came since the last time.

        Raises:
            KeyStoreUnavailable: the disk does not take them now; they are kept.
        """
        if self.durable:
            return
        rows = dict(self._fresh)
        marked, target = self.indexes.marked()
        if marked:
            await trio.to_thread.run_sync(self.store.hold, marked, target)
            self.indexes.keep(marked)
        if rows:
            await trio.to_thread.run_sync(self.store.add, list(rows.values()))
        for subject, row in rows.items():
            if self._fresh.get(subject) is row:
                del self._fresh[subject]

    async def attach(self, bound: str | None, *, fresh: bool) -> str | None:
        """As `Sealer.attach`; a standby learns what was rotated while it waited.

        Raises:
            KeyStoreForeign: another store, or keys that this one does not have, sealed it.
            KeyStoreBroken: it is an older copy of the store that sealed it.
        """
        there = {(row.purpose, row.generation) for row in self.store.roots()}
        if there != {(x, generation) for x, keys in self.roots.items() for generation in keys}:
            self._take(await self._unwrap_roots())
        self.use_generation(self.store.generation)
        if bound is None:
            check_unbound(fresh=fresh, masters=self._masters is not None)
            if not fresh:
                self.indexes.resume(1)
            return self.binding().write()
        (told := Binding.read(bound)).check(self.store, self.roots)
        self.once.resume(told.once, bytes.fromhex(told.cursor))
        self.indexes.resume(told.index_generation, told.held)
        return None

    def binding(self) -> Binding:
        """What a database keeps of us."""
        reached, cursor = self.once.progress()
        store, index = self.store.identity.hex(), self.indexes
        return Binding(store, reached, cursor.hex(), index.reached, index.held)

    # Erasure (X13).

    async def erase(self, subjects: Iterable[Address]) -> int:
        """As `Sealer.erase`: nothing that they sealed opens again, in no copy of the database; whatever is
        sealed for them later has a new key.
        """
        wanted = [x for x in subjects if self._is_subject(x)]
        gone = seen = 0
        while seen < self.subjects.newest:  # a new generation may have come in meanwhile
            seen = self.subjects.newest
            names = [name for x in wanted for name in self.subjects.names(x)]
            for address in wanted:
                self._seals.pop(address, None)
            for name in names:
                self._fresh.pop(name, None)
            gone += await trio.to_thread.run_sync(self.store.erase, names)
        self._ciphers.clear()  # of all: which of them were theirs is not kept
        self._seals.clear()
        return gone

    # Rotation (rotation.py).

    def use_generation(self, generation: int) -> None:
        """From now on, keys of this generation seal."""
        self.generation = generation
        self._seals.clear()

    def use_wrap(self, generation: int, secret: bytes) -> None:
        """From now on, this key wraps."""
        self.roots[WRAP][generation] = secret
        self.wrap = generation

    def use_subject(self, generation: int, secret: bytes) -> None:
        """From now on, this key names whoever is new."""
        self.roots[SUBJECT][generation] = secret
        self.subjects.begin(generation, secret)

    def reseal(self, sealed: bytes, identity: bytes, about: Sequence[Address] = ()) -> bytes | None:
        """A value sealed anew under the key that seals for its subject now; None: it is already.

        Args:
            sealed: as stored.
            identity: of its row.
            about: its actor, and the sender; without them its subject is that of its key.

        What an erased person left is left as it is: nothing opens it.
        """
        if sealed[:1] != bytes((FORMAT,)):
            return self.seal(self.open(sealed, identity), identity, *about)
        row = self._find_row(sealed[1 : 1 + ID_BYTES])
        if row.generation == self.generation or row.wrapped is None:
            return None
        plaintext = self.open(sealed, identity)
        if about:
            return self.seal(plaintext, identity, *about)
        return self._seal_once(plaintext, identity, row.subject)

    def rebind(self, sealed: bytes, identity: bytes, moved: bytes) -> bytes:
        """A value sealed anew for the row that its own row becomes; as `reseal` of the erased."""
        if sealed[:1] != bytes((FORMAT,)):
            return self.seal(self.open(sealed, identity), moved)
        row = self._find_row(sealed[1 : 1 + ID_BYTES])
        if row.wrapped is None:
            return sealed
        return self._seal_once(self.open(sealed, identity), moved, row.subject)

    def _seal_once(self, plaintext: bytes, identity: bytes, subject: bytes) -> bytes:
        header, cipher = self._salted(self._newest((subject,)))
        nonce = os.urandom(NONCE_BYTES)
        return header + nonce + cipher.encrypt(nonce, plaintext, identity)

    def rewrap(self, row: KeyRow) -> KeyRow:
        """A data key wrapped by the wrapping key of now, for its person under her name of now."""
        key, subject = self._unwrap(row), self.subjects.move(row.subject)
        wrapped = self._wrap(key, subject, self.wrap)
        return row._replace(subject=subject, wrap=self.wrap, wrapped=wrapped)

    def statistics(self) -> KeyringStatistics:
        """A snapshot."""
        reached, _ = self.once.progress()
        return KeyringStatistics(
            self.generation,
            self.wrap,
            reached,
            self.indexes.reached,
            self.subjects.newest,
            len(self._seals),
            len(self._fresh),
        )

    # How a key is found.

    def _is_subject(self, address: Address | None) -> bool:
        return address is not None and bool(address.key) and address.kind not in self._impersonal

    def _find_seal(self, about: Address | None, sender: Address | None) -> _Seal:
        subject = next((x for x in (about, sender) if self._is_subject(x)), None)
        seal = self._seals.get(subject)
        if seal is None:
            names = (HOUSE,) if subject is None else self.subjects.names(subject)
            seal = self._salted(self._newest(names))
            if len(self._seals) >= self._cached_max:
                self._seals.popitem(last=False)
            self._seals[subject] = seal
        return seal

    def _salted(self, key: DataKey) -> _Seal:
        header = key.draw_header()
        cipher = key.cipher(self.store.identity, header[-SALT_BYTES:])
        self._remember(header, cipher)
        return _Seal(header, cipher)

    def _remember(self, header: bytes, cipher: AESGCM) -> None:
        if len(self._ciphers) >= self._cached_max:
            self._ciphers.popitem(last=False)
        self._ciphers[header] = cipher

    def _newest(self, names: Sequence[bytes]) -> DataKey:
        """The key that seals for whoever has these names; made now where there is none of this generation."""
        fresh = next((self._fresh[x] for x in names if x in self._fresh), None)
        row = fresh or self.store.newest(names)
        if row is not None and row.generation == self.generation:
            return self._unwrap(row)
        key = draw_key()
        while self.store.find(key.id) is not None:
            key = draw_key()
        wrapped = self._wrap(key, names[0], self.wrap)
        self._fresh[names[0]] = KeyRow(
            key.id, names[0], self.generation, self.wrap, wrapped, now_ms()
        )
        return key

    def _find_row(self, key_id: bytes) -> KeyRow:
        row = self.store.find(key_id)
        if row is None:
            row = next((x for x in self._fresh.values() if x.id == key_id), None)
        if row is None:
            raise VaultKeyUnknown("a sealed value names a key that is not held")
        return row

    def _find_cipher(self, header: bytes) -> AESGCM:
        row = self._find_row(header[1 : 1 + ID_BYTES])
        if row.wrapped is None:
            raise KeysErased("the key of a sealed value was destroyed")
        key = self._unwrap(row)
        cipher = key.cipher(self.store.identity, header[-SALT_BYTES:])
        self._remember(header, cipher)
        return cipher

    def _wrapping_key(self, generation: int) -> DataKey:
        secret = self.roots[WRAP].get(generation)
        if secret is None:
            raise VaultKeyUnknown("a data key names a wrapping key that is not held")
        return DataKey(generation.to_bytes(ID_BYTES, "big"), secret)

    def _wrap(self, key: DataKey, subject: bytes, generation: int) -> bytes:
        wrapping = self._wrapping_key(generation)
        return wrapping.wrap(self.store.identity, key.reveal(), b"key|" + key.id + subject)

    def _unwrap(self, row: KeyRow) -> DataKey:
        assert row.wrapped is not None, "looked for among keys that are held"
        wrapping = self._wrapping_key(row.wrap)
        context = b"key|" + row.id + row.subject
        try:
            return DataKey(row.id, wrapping.unwrap(self.store.identity, row.wrapped, context))
        except (InvalidTag, ValueError):
            raise VaultTampered("a data key does not belong to its row in the key store") from None

    def _open_old(self, sealed: bytes, identity: bytes) -> bytes:
        if self._masters is None:
            raise VaultTampered("a sealed value has no header of ours")
        return self._masters.open(sealed, identity)

    def _draw_nonces(self) -> None:
        if self._sealed + NONCES_PER_DRAW > SEALS_PER_SALT_MAX:
            self._seals.clear()
            self._sealed = 0
        self._sealed += NONCES_PER_DRAW
        self._nonces = os.urandom(NONCE_BYTES * NONCES_PER_DRAW)
