"""Sealing: published vectors, an independent derivation, and every way to tamper.

Source: design.md 7; spec.md S59, X14, X15.
"""

import base64
import hashlib
import hmac
import json
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from comptoir.storage import vault as module
from comptoir.storage.vault import Vault, VaultKeysUnsafe, VaultKeyUnknown, VaultTampered

MASTER = bytes(range(32))
# McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 14 and 16 (AES-256): key, IV,
# plaintext, associated data, ciphertext, tag.
TEXT = (
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
)
SEALED = (
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
)
VECTORS = [
    ("00" * 32, "00" * 12, "00" * 16, "", "cea7403d4d606b6e074ec5d3baf39d18",
     "d0d1c8a799996bf0265b98b5d48ab919"),
    ("feffe9928665731c6d6a8f9467308308" * 2, "cafebabefacedbaddecaf888", TEXT,
     "feedfacedeadbeeffeedfacedeadbeefabaddad2", SEALED, "76fc6ece0f4e1768cddf8853bb2d551b"),
]  # fmt: skip


def _derive(master: bytes, salt: bytes, purpose: bytes) -> bytes:
    """HKDF-SHA256 for 32 bytes, written from RFC 5869 sections 2.2 and 2.3."""
    extracted = hmac.new(salt or bytes(32), master, hashlib.sha256).digest()
    return hmac.new(extracted, purpose + b"\x01", hashlib.sha256).digest()


@pytest.mark.parametrize("vector", VECTORS)
def test_the_cipher_answers_the_published_vectors(vector: tuple[str, ...]) -> None:
    """What we call AES-256-GCM is that of NIST SP 800-38D: ciphertext, then a tag of 16 bytes."""
    key, nonce, text, bound, cipher, tag = (bytes.fromhex(part) for part in vector)
    assert AESGCM(key).encrypt(nonce, text, bound) == cipher + tag


@pytest.mark.parametrize(
    ("master", "salt", "purpose", "length", "okm"),
    [
        # RFC 5869, appendix A.1 (first 32 of its 42 bytes)
        ("0b" * 22, "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9", 32,
         "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"),
    ],
)  # fmt: skip
def test_key_derivation_answers_the_published_vector(
    master: str, salt: str, purpose: str, length: int, okm: str
) -> None:
    """Sub-keys are HKDF-SHA256 (RFC 5869)."""
    arguments = bytes.fromhex(master), bytes.fromhex(salt), bytes.fromhex(purpose)
    ours = module._derive(*arguments)  # pyright: ignore[reportPrivateUsage]
    assert ours == bytes.fromhex(okm)[:length]
    assert _derive(*arguments) == bytes.fromhex(okm)[:length]


def test_a_sealed_value_can_be_opened_by_the_description_alone() -> None:
    """The layout in the module's docstring is the layout (X14: keys are versioned)."""
    sealed = Vault({"k7": MASTER}).seal(b"secret", b"actor|wallet|u1|3")
    assert sealed[:4] == b"\x01\x02k7"
    salt, nonce, text = sealed[4:20], sealed[20:32], sealed[32:]
    key = _derive(MASTER, salt, b"comptoir seal")
    assert AESGCM(key).decrypt(nonce, text, b"actor|wallet|u1|3") == b"secret"


@given(st.binary(max_size=300), st.binary(max_size=40))
def test_what_is_sealed_opens_for_its_row_only(plain: bytes, identity: bytes) -> None:
    """Another row's identity, or none, does not open it (S59)."""
    vault = Vault({"k1": MASTER})
    sealed = vault.seal(plain, identity)
    assert vault.open(sealed, identity) == plain
    with pytest.raises(VaultTampered):
        vault.open(sealed, identity + b"x")


def test_every_single_byte_changed_is_noticed() -> None:
    """A flipped bit anywhere, header and salt included, is a typed error, never other text."""
    vault = Vault({"k1": MASTER})
    sealed = vault.seal(b"secret", b"row")
    for at in range(len(sealed)):
        changed = bytearray(sealed)
        changed[at] ^= 1
        with pytest.raises((VaultTampered, VaultKeyUnknown)):
            vault.open(bytes(changed), b"row")
        with pytest.raises((VaultTampered, VaultKeyUnknown)):
            vault.open(sealed[:at], b"row")


def test_no_two_seals_are_alike() -> None:
    """Nonces are drawn anew for every value, across the draws of many."""
    vault = Vault({"k1": MASTER})
    assert len({vault.seal(b"same", b"row") for _ in range(1000)}) == 1000


def test_a_salt_is_changed_before_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """One derived key seals at most 2**31 values (NIST SP 800-38D 8.3 allows 2**32)."""
    assert module.SEALS_PER_SALT_MAX <= 1 << 32
    monkeypatch.setattr(module, "SEALS_PER_SALT_MAX", 512)
    vault = Vault({"k1": MASTER})
    sealed = [vault.seal(b"x", b"row") for _ in range(1100)]
    assert len({value[4:20] for value in sealed}) == 3
    assert all(vault.open(value, b"row") == b"x" for value in sealed)


def test_a_new_key_seals_and_the_old_one_still_opens() -> None:
    """Keys rotate without losing what was sealed or indexed before (S45, X14)."""
    old = Vault({"k9": MASTER})
    both = Vault({"k10": bytes(32), "k9": MASTER})
    assert both.open(old.seal(b"x", b"row"), b"row") == b"x"
    assert both.seal(b"x", b"row")[2:5] == b"k10"
    assert both.once_digest("webhook", "k") == old.once_digest("webhook", "k")
    assert both.blind_index("iban", "FR76") == old.blind_index("iban", "FR76")
    with pytest.raises(VaultKeyUnknown):
        old.open(both.seal(b"x", b"row"), b"row")


def test_digests_are_keyed_and_tell_scope_from_key() -> None:
    """A blind index is an HMAC under its own sub-key (X15); scope and key cannot run together."""
    vault, other = Vault({"k1": MASTER}), Vault({"k1": bytes(32)})
    assert len(vault.once_digest("a", "b")) == 16
    assert vault.once_digest("a", "bc") != vault.once_digest("ab", "c")
    assert vault.blind_index("a", "bc") != vault.blind_index("ab", "c")
    assert vault.once_digest("a", "b") != other.once_digest("a", "b")
    key = _derive(MASTER, b"", b"comptoir index")
    assert vault.blind_index("iban", "é") == hmac.digest(key, "4:ibané".encode(), "sha256")


def test_the_key_file_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    """First start: one random key, mode 0600; later starts read it (interface.md 3)."""
    path = tmp_path / "keys" / "vault.json"
    sealed = Vault.from_file(path).seal(b"x", b"row")
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["vault.json"]
    assert Vault.from_file(path).open(sealed, b"row") == b"x"
    assert len(base64.b64decode(json.loads(path.read_text())["k1"])) == 32


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    """Group or world readable keys stop the start by name."""
    path = tmp_path / "vault.json"
    Vault.from_file(path)
    path.chmod(mode)
    with pytest.raises(VaultKeysUnsafe):
        Vault.from_file(path)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"k1": 5}', '{"k1": "c2hvcnQ="}', '{"k1": "not base64!"}', "null",
     json.dumps({"key": base64.b64encode(os.urandom(32)).decode()})],
)  # fmt: skip
def test_keys_of_another_form_are_refused_without_showing_them(text: str) -> None:
    """A wrong key text is an error that holds nothing of it (invariant 8)."""
    with pytest.raises(VaultKeysUnsafe) as caught:
        Vault.from_json(text)
    assert not text or len(text) < 5 or text not in str(caught.value)


def test_repr_shows_no_key() -> None:
    """What is logged of a vault is its key's name."""
    assert MASTER.hex() not in repr(Vault({"k1": MASTER}))
    assert repr(Vault({"k1": MASTER})) == "<Vault seals with k1, holds 1>"
