"""Seals what may be personal, and makes keyed digests of what must be found while sealed: format 1,
under master keys alone. It is what a daemon without a key store of its own uses, and what opens the
values of databases from before there was one (storage/keys/ has format 2, with a key for each person).

The rule: actor states, message payloads (dead letters too), stored answers and event payloads reach
the database only as AES-256-GCM under a versioned key, bound to the row that they belong to; a value
moved to another row, or changed by one bit, does not open. Lookups go by HMAC-SHA256 (X15).

A master key never encrypts anything itself. Each vault draws a random 16-byte salt, and the sealing
key is HKDF-SHA256(master, salt); the salt travels in the header. Nonces are 96 random bits, because
a counter would repeat where a machine's snapshot is resumed; random nonces are safe for 2**32 seals
of one key (NIST SP 800-38D, 8.3: collision below 2**-32), which a busy daemon reaches in days. So a
new salt is drawn after `SEALS_PER_SALT_MAX` seals and at every start, and the bound never binds.

Layout of a sealed value: 0x01, length of the key's name, its name, salt (16), nonce (12), ciphertext
and tag (16). Source: design.md 7; spec.md S59, S62, X14, X15; NIST SP 800-38D; RFC 5869.
"""

import base64
import binascii
import json
import os
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from comptoir.engine.mac import Mac
from comptoir.engine.values import Address
from comptoir.storage.errors import StorageError

__all__ = [
    "KeysErased",
    "Vault",
    "VaultError",
    "VaultKeyUnknown",
    "VaultKeysUnsafe",
    "VaultStoreMissing",
    "VaultTampered",
    "derive_mac_keys",
    "make_key_file",
    "read_key_file",
    "read_keys",
]

KEY_BYTES = 32
SALT_BYTES = 16
NONCE_BYTES = 12
DIGEST_BYTES = 16
"""Of a `once` key: 128 keyed bits; two of 2**40 keys collide with a chance of 2**-49."""
NONCES_PER_DRAW = 256
"""One call of the system's generator for many seals: the call costs more than its bytes."""
SEALS_PER_SALT_MAX = 1 << 31
SALTS_CACHED_MAX = 1024
"""Derived keys kept in memory: one for each start of a daemon whose rows are still being read."""
KEY_NAME = re.compile(r"k([1-9][0-9]{0,5})")
FORMAT = 1
HEADER_BYTES_MIN = 2


class VaultError(StorageError):
    """A sealed value or a key cannot be used."""

    CODE: ClassVar[str] = "VAULT_ERROR"
    REMEDY: ClassVar[str] = "restore the key file that belongs to this database"


class KeysErased(VaultError):
    """The key of this value was destroyed, and with it the value (X13)."""

    CODE = "VAULT_ERASED"
    REMEDY = "none: the person was erased"


class VaultTampered(VaultError):
    """A sealed value does not open: changed, moved to another row, or sealed by another key."""

    CODE = "VAULT_TAMPERED"


class VaultKeyUnknown(VaultError):
    """A sealed value names a key that this vault does not hold."""

    CODE = "VAULT_KEY_UNKNOWN"


class VaultKeysUnsafe(VaultError):
    """The keys are not what they must be: readable by others, of the wrong size, misnamed."""

    CODE = "VAULT_KEYS_UNSAFE"
    REMEDY = "make the key file readable by its owner only (chmod 600); keys are base64 of 32 bytes"


class VaultStoreMissing(VaultError):
    """The database was sealed by a key store that this daemon does not have."""

    CODE = "VAULT_STORE_MISSING"
    REMEDY = "set vault.store to the key store of this database, or restore it from its own backup"


def _derive(master: bytes, salt: bytes | None, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=purpose).derive(master)


def derive_mac_keys(master: bytes) -> tuple[bytes, bytes]:
    """The keys of the `once` digests and of the blind indexes, 32 bytes each."""
    return _derive(master, None, b"comptoir once"), _derive(master, None, b"comptoir index")


def read_keys(text: str) -> dict[str, bytes]:
    """Read `{"k1": base64 of 32 bytes}` (COMPTOIR_VAULT__KEYS).

    Raises:
        VaultKeysUnsafe: not of that form; the text itself is never part of the error.
    """
    try:
        fields = json.loads(text)
        keys = {str(k): base64.b64decode(v, validate=True) for k, v in fields.items()}
    except (ValueError, TypeError, AttributeError, binascii.Error):
        raise VaultKeysUnsafe("the keys are not JSON of names and base64") from None
    if not keys or not all(KEY_NAME.fullmatch(name) for name in keys):
        raise VaultKeysUnsafe("the keys must be named k1, k2, ...")
    if any(len(key) != KEY_BYTES for key in keys.values()):
        raise VaultKeysUnsafe(f"a key must have {KEY_BYTES} bytes")
    return keys


def read_key_file(path: Path) -> str:
    """The text of a key file.

    Raises:
        VaultKeysUnsafe: group or others may read it.
    """
    with path.open(encoding="ascii", errors="replace") as file:
        if os.fstat(file.fileno()).st_mode & 0o077:
            raise VaultKeysUnsafe(f"others may read the key file {path.name}")
        return file.read()


def make_key_file(path: Path) -> None:
    """Whole or not at all, and never over another: a crash leaves no half a key behind."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        key = base64.b64encode(os.urandom(KEY_BYTES)).decode("ascii")
        json.dump({"k1": key}, file)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # another start was faster; its key is the one
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class Vault:
    """Keys by name (`k1`, `k2`, ...): the greatest number seals, the smallest makes the digests.

    Digests must not change when a key is added, so they stay with the first key for as long as it
    is held.
    """

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        """Args: name -> 32 bytes.

        Raises:
            VaultKeysUnsafe: no key, a key of another size, or a name not of the form `k1`.
        """
        numbers = {name: KEY_NAME.fullmatch(name) for name in keys}
        if not keys or not all(numbers.values()):
            raise VaultKeysUnsafe("the keys must be named k1, k2, ...")
        if any(len(key) != KEY_BYTES for key in keys.values()):
            raise VaultKeysUnsafe(f"a key must have {KEY_BYTES} bytes")
        names = sorted(keys, key=lambda name: int(name[1:]))
        self._masters = dict(keys)
        self._name = names[-1]
        once, index = derive_mac_keys(keys[names[0]])
        self._once_mac, self._index_mac = Mac(once), Mac(index)
        self._opened: OrderedDict[tuple[bytes, bytes], AESGCM] = OrderedDict()
        self._nonces = b""
        self._nonce_at = 0
        self._draw_salt()

    def __repr__(self) -> str:
        return f"<Vault seals with {self._name}, holds {len(self._masters)}>"

    @classmethod
    def from_json(cls, text: str) -> "Vault":
        """As `read_keys`."""
        return cls(read_keys(text))

    @classmethod
    def from_file(cls, path: Path) -> "Vault":
        """Read the key file; make it, with one new key, mode 0600, where there is none.

        Raises:
            VaultKeysUnsafe: group or others may read it, or it is not of the right form.
        """
        if not path.exists():
            make_key_file(path)
        return cls(read_keys(read_key_file(path)))

    def seal(
        self,
        plaintext: bytes,
        identity: bytes,
        about: Address | None = None,  # noqa: ARG002 - one key for all
        sender: Address | None = None,  # noqa: ARG002 - as above
    ) -> bytes:
        """Encrypt a value for one row; `identity` names it, such as `actor|wallet|u1|7`."""
        at = self._nonce_at
        if at == len(self._nonces):
            self._draw_nonces()
            at = 0
        self._nonce_at = at + NONCE_BYTES
        nonce = self._nonces[at : at + NONCE_BYTES]
        return self._header + nonce + self._cipher.encrypt(nonce, plaintext, identity)

    def open(self, sealed: bytes, identity: bytes) -> bytes:
        """Decrypt a value of the row named by `identity`.

        Raises:
            VaultTampered: it is not what was sealed for that row.
            VaultKeyUnknown: its key is not held.
        """
        if len(sealed) < HEADER_BYTES_MIN or sealed[0] != FORMAT:
            raise VaultTampered("a sealed value has no header")
        salt_at = 2 + sealed[1]
        nonce_at = salt_at + SALT_BYTES
        text_at = nonce_at + NONCE_BYTES
        if len(sealed) < text_at:
            raise VaultTampered("a sealed value is cut short")
        cipher = self._find_cipher(sealed[2:salt_at], sealed[salt_at:nonce_at])
        try:
            return cipher.decrypt(sealed[nonce_at:text_at], sealed[text_at:], identity)
        except InvalidTag:
            raise VaultTampered("a sealed value does not belong to its row") from None

    def once_digest(self, scope: str, key: str) -> bytes:
        """The 16-byte digest under which a `once` key is stored."""
        text = f"{len(scope)}:{scope}{key}".encode("utf-8", "surrogatepass")
        return self._once_mac.digest(text)[:DIGEST_BYTES]

    def blind_index(self, field: str, value: str) -> bytes:
        """The 32-byte digest by which a sealed value of a field is looked up (X15)."""
        text = f"{len(field)}:{field}{value}".encode("utf-8", "surrogatepass")
        return self._index_mac.digest(text)

    @property
    def durable(self) -> bool:
        """As `Sealer.durable`: no key is made while it seals."""
        return True

    async def make_durable(self) -> None:
        """Nothing to do: no key is made while it seals."""

    async def erase(self, subjects: Sequence[Address]) -> int:
        """Nothing: these keys are nobody's in particular."""
        del subjects
        return 0

    async def attach(self, bound: str | None, *, fresh: bool) -> str | None:  # noqa: ARG002 - any will do
        """As `Sealer.attach`: only a database that no key store has sealed."""
        if bound is not None:
            raise VaultStoreMissing("a key store has sealed this database, and there is none here")
        return None

    def _draw_nonces(self) -> None:
        if self._seals + NONCES_PER_DRAW > SEALS_PER_SALT_MAX:
            self._draw_salt()
        self._seals += NONCES_PER_DRAW
        self._nonces = os.urandom(NONCE_BYTES * NONCES_PER_DRAW)

    def _draw_salt(self) -> None:
        salt, name = os.urandom(SALT_BYTES), self._name.encode("ascii")
        self._seals = 0
        self._cipher = self._find_cipher(name, salt)
        self._header = bytes((FORMAT, len(name))) + name + salt

    def _find_cipher(self, name: bytes, salt: bytes) -> AESGCM:
        cipher = self._opened.get((name, salt))
        if cipher is None:
            master = self._masters.get(name.decode("ascii", "replace"))
            if master is None:
                raise VaultKeyUnknown("a sealed value names a key that is not held")
            if len(self._opened) >= SALTS_CACHED_MAX:
                self._opened.popitem(last=False)
            cipher = AESGCM(_derive(master, salt, b"comptoir seal"))
            self._opened[(name, salt)] = cipher
        return cipher
