"""Sealing with a key for each person: what opens, what does not, and what is durable when.

Source: design.md 7; spec.md S59, X13, X14, X15.
"""

# pyright: reportPrivateUsage=false

import hashlib
import hmac
import os
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import trio
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from comptoir.engine.values import Address
from comptoir.storage.errors import KeyStoreUnavailable
from comptoir.storage.keys import keyring as module
from comptoir.storage.keys.data_key import DataKey
from comptoir.storage.keys.errors import KeysErased
from comptoir.storage.keys.keyring import Keyring
from comptoir.storage.keys.store import HOUSE
from comptoir.storage.vault import VaultKeyUnknown, VaultTampered
from tests.storage.keys.conftest import Home

ANN, BOB = Address("wallet", "ann"), Address("wallet", "bob")
CARD = Address("connection", "ann")
CATALOGUE = Address("merchants", "all")
PUSH = Address("push", "")
ONE_PLACE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.fixture
def keyring(home: Home) -> Keyring:
    """A keyring of a new store."""
    return home.keyring()


def key_id(sealed: bytes) -> bytes:
    """Which data key sealed."""
    assert sealed[0] == 2
    return sealed[1:9]


@ONE_PLACE
@given(plain=st.binary(max_size=300), identity=st.binary(max_size=40), other=st.binary(max_size=40))
def test_what_is_sealed_opens_for_its_row_only(
    keyring: Keyring, plain: bytes, identity: bytes, other: bytes
) -> None:
    """S59: bound to its row: another identity does not open it."""
    sealed = keyring.seal(plain, identity, ANN, ANN)
    assert keyring.open(sealed, identity) == plain
    if other != identity:
        with pytest.raises(VaultTampered):
            keyring.open(sealed, other)


def test_every_single_byte_changed_is_noticed(keyring: Keyring) -> None:
    """S59: a flipped bit anywhere, key id and salt included, or a value cut short, is a typed error."""
    sealed = keyring.seal(b"secret", b"row", ANN)
    for at in range(len(sealed)):
        changed = bytearray(sealed)
        changed[at] ^= 1
        for stolen in (bytes(changed), sealed[:at]):
            with pytest.raises((VaultTampered, VaultKeyUnknown)):
                keyring.open(stolen, b"row")


def test_a_sealed_value_can_be_opened_by_the_description_alone(home: Home) -> None:
    """X14: the layout and the derivation are what data_key.py says, by another implementation of HKDF."""
    keyring = home.keyring()
    sealed = keyring.seal(b"secret", b"actor|wallet|ann|3", ANN)
    trio.run(keyring.make_durable)
    row = home.store().find(sealed[1:9])
    assert row is not None
    assert row.wrapped is not None
    store = keyring.store.identity

    def opened(key: bytes, value: bytes, bound: bytes) -> bytes:
        info = b"comptoir seal 2" + store + value[9:25]
        derived = HKDFExpand(algorithm=SHA256(), length=32, info=info).derive(key)
        return AESGCM(derived).decrypt(value[25:37], value[37:], bound)

    wrapping = keyring.roots["wrap"][1]
    data_key = opened(wrapping, row.wrapped, b"key|" + row.id + row.subject)
    assert opened(data_key, sealed, b"actor|wallet|ann|3") == b"secret"
    subject = hmac.digest(keyring.roots["subject"][1], b"6:walletann", hashlib.sha256)[:16]
    assert row.subject == subject


@pytest.mark.parametrize(
    ("about", "sender", "whose"),
    [
        (ANN, BOB, ANN),
        (CARD, None, CARD),
        (PUSH, ANN, ANN),
        (CATALOGUE, ANN, ANN),
        (CATALOGUE, CATALOGUE, None),
        (PUSH, None, None),
        (None, None, None),
    ],
)
def test_a_value_is_sealed_for_whom_it_is_about(
    keyring: Keyring, about: Any, sender: Any, whose: Any
) -> None:
    """X13: the actor itself, else its sender, else the house: so a call to an outside party is erased
    with its person.
    """
    sealed = keyring.seal(b"x", b"row", about, sender)
    trio.run(keyring.make_durable)
    row = keyring.store.find(key_id(sealed))
    assert row is not None
    assert row.subject == (HOUSE if whose is None else keyring.subjects.names(whose)[0])


def test_a_person_has_one_key_and_nobody_else_has_it(home: Home) -> None:
    """X13: the same key over starts, another for everybody else; kind and key cannot run together."""
    first = home.keyring()
    ids = {x: key_id(first.seal(b"x", b"row", x)) for x in (ANN, BOB, CARD, CATALOGUE)}
    assert len(set(ids.values())) == 4
    trio.run(first.make_durable)
    second = home.keyring()
    assert {x: key_id(second.seal(b"x", b"row", x)) for x in ids} == ids
    assert (
        second.subjects.names(Address("a", "bc"))[0] != second.subjects.names(Address("ab", "c"))[0]
    )


def test_a_store_holds_neither_a_key_nor_a_name(home: Home) -> None:
    """Invariant 8, X13: what lies in the file is wrapped or digested."""
    keyring = home.keyring()
    keyring.seal(b"x", b"row", Address("wallet", "quite-a-long-user-id"))
    trio.run(keyring.make_durable)
    row = keyring.store.newest(keyring.subjects.names(Address("wallet", "quite-a-long-user-id")))
    assert row is not None
    secret = keyring._unwrap(row).reveal()
    everything = b"".join(x.read_bytes() for x in home.folder.iterdir() if x.is_file())
    assert b"quite-a-long-user-id" not in everything
    assert secret not in everything
    for keys in keyring.roots.values():
        assert not any(key in everything for key in keys.values())
    assert secret.hex() not in repr(keyring) + repr(keyring.store)


def test_a_key_is_durable_when_it_is_asked_to_be_and_lost_before(home: Home) -> None:
    """Design.md 7, S59: what dies before `make_durable` has left no key, and no row that needs one."""
    dies = home.keyring()
    early = dies.seal(b"x", b"row", ANN)
    with pytest.raises(VaultKeyUnknown):
        home.keyring().open(early, b"row")
    trio.run(dies.make_durable)
    assert home.keyring().open(early, b"row") == b"x"


def test_a_key_in_memory_is_found_again_when_its_cache_was_full(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Design.md 5: the cache is bounded; a key that is not durable yet is not made twice."""
    keyring = home.start(subjects_cached_max=3).keyring
    sealed = {n: keyring.seal(b"x", b"row", Address("wallet", str(n))) for n in range(20)}
    assert keyring.statistics().cached <= 3
    for n, value in sealed.items():
        assert keyring.open(value, b"row") == b"x"
        again = keyring.seal(b"x", b"row", Address("wallet", str(n)))
        assert key_id(again) == key_id(value)
    trio.run(keyring.make_durable)
    assert keyring.store.count_keys() == (20, 0)


def test_a_disk_that_is_full_keeps_the_keys_in_memory(
    keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Design.md 7: `make_durable` says so, and does it the next time."""
    sealed = keyring.seal(b"x", b"row", ANN)
    with monkeypatch.context() as broken:
        broken.setattr(keyring.store, "add", _full)
        with pytest.raises(KeyStoreUnavailable):
            trio.run(keyring.make_durable)
    assert keyring.statistics().fresh == 1
    trio.run(keyring.make_durable)
    assert keyring.statistics().fresh == 0
    assert keyring.store.find(key_id(sealed)) is not None


def _full(_rows: object) -> None:
    raise KeyStoreUnavailable("SQLITE_FULL")


def test_a_database_carried_to_another_store_does_not_open(home: Home, tmp_path: Path) -> None:
    """S59: another database has another store; not even with the same key-encryption key, and not
    with the very data key either, which is derived with the store.
    """
    keys = {"k1": os.urandom(32)}
    ours = home.keyring(keys)
    theirs = Home(tmp_path / "theirs").keyring(keys)
    sealed = ours.seal(b"x", b"row", ANN)
    with pytest.raises(VaultKeyUnknown):
        theirs.open(sealed, b"row")
    trio.run(ours.make_durable)
    row = ours.store.find(key_id(sealed))
    assert row is not None
    secret = ours._unwrap(row).reveal()
    stolen = DataKey(row.id, secret)
    carried = stolen.wrap(theirs.store.identity, secret, b"key|" + row.id + row.subject)
    wrapping = DataKey(bytes(7) + b"\x01", theirs.roots["wrap"][1])
    carried = wrapping.wrap(theirs.store.identity, secret, b"key|" + row.id + row.subject)
    theirs.store.add([row._replace(wrapped=carried)])
    with pytest.raises(VaultTampered):
        theirs.open(sealed, b"row")


def test_a_wrapped_key_moved_to_another_person_does_not_open(keyring: Keyring) -> None:
    """S59, X13: rows of the key store are bound to their person and their id."""
    sealed = keyring.seal(b"x", b"row", ANN)
    keyring.seal(b"y", b"row", BOB)
    trio.run(keyring.make_durable)
    ann, bob = (keyring.store.newest(keyring.subjects.names(x)) for x in (ANN, BOB))
    assert ann is not None
    assert bob is not None
    swap = "update key set wrapped = ? where id = ?"
    with keyring.store._writing() as connection:
        connection.execute(swap, (bob.wrapped, ann.id))
    keyring._ciphers.clear()
    with pytest.raises(VaultTampered):
        keyring.open(sealed, b"row")


def test_an_erased_person_is_gone_from_every_copy(home: Home) -> None:
    """X13: after the erasure nothing of hers opens, by any daemon, and the key is in no file; others
    stay; who comes back has another key.
    """
    keyring = home.keyring()
    hers, card, his = (keyring.seal(b"x", b"row", x) for x in (ANN, CARD, BOB))
    trio.run(keyring.make_durable)
    row = keyring.store.find(key_id(hers))
    assert row is not None
    assert row.wrapped is not None
    assert trio.run(keyring.erase, [ANN, CARD, PUSH]) == 2
    for ring in (keyring, home.keyring()):
        for gone in (hers, card):
            with pytest.raises(KeysErased):
                ring.open(gone, b"row")
        assert ring.open(his, b"row") == b"x"
    files = b"".join(x.read_bytes() for x in home.folder.iterdir() if x.is_file())
    assert row.wrapped not in files
    assert row.subject not in files
    assert key_id(keyring.seal(b"x", b"row", ANN)) != key_id(hers)
    assert keyring.store.count_keys() == (1, 2)


def test_no_salt_seals_more_than_its_bound(
    keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S59: no nonce comes twice (NIST SP 800-38D 8.3): each salt sees at most the bound, whoever seals,
    and all salts are drawn anew before the keyring has reached it.
    """
    assert module.SEALS_PER_SALT_MAX <= 1 << 32
    monkeypatch.setattr(module, "SEALS_PER_SALT_MAX", 512)
    seen: dict[bytes, list[bytes]] = defaultdict(list)
    for n in range(2000):
        sealed = keyring.seal(b"x", b"row", ANN if n % 3 else BOB)
        seen[sealed[:25]].append(sealed[25:37])
        assert keyring.open(sealed, b"row") == b"x"
    assert len({header[9:] for header in seen}) == len(seen) >= 6
    assert all(len(nonces) == len(set(nonces)) <= 512 for nonces in seen.values())


def test_indexes_are_keyed_and_tell_a_field_from_its_value(home: Home, tmp_path: Path) -> None:
    """X15: a blind index is the same over starts, and another under other keys."""
    keyring, other = home.keyring(), Home(tmp_path / "other").keyring()
    assert keyring.blind_index("iban", "FR76") == home.keyring().blind_index("iban", "FR76")
    assert keyring.blind_index("a", "bc") != keyring.blind_index("ab", "c")
    assert keyring.blind_index("a", "b") != other.blind_index("a", "b")
    assert keyring.once_digest("a", "b") != other.once_digest("a", "b")
    assert len(keyring.once_digest("a", "b")) == 16
    assert keyring.once_digest("a", "bc") != keyring.once_digest("ab", "c")
