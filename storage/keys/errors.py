"""What can be wrong with keys, one class per situation; no text holds a key or a person.

Rule: as storage/errors.py. Exit status 5 means that a key itself is refused (interface.md 2).
"""

from typing import ClassVar

from comptoir.storage.errors import KeyStoreUnavailable
from comptoir.storage.vault import KeysErased, VaultError, VaultKeysUnsafe

__all__ = [
    "KeyDoubled",
    "KeyKnown",
    "KeyProviderRefused",
    "KeyProviderUnavailable",
    "KeyStoreBroken",
    "KeyStoreForeign",
    "KeyStoreUnavailable",
    "KeyWeak",
    "KeysErased",
    "RotationRefused",
]

EXIT_USAGE = 2
EXIT_SECRET = 5


class _RefusedKey(VaultKeysUnsafe):
    """A key that must not be used."""

    exit_status: ClassVar[int] = EXIT_SECRET
    REMEDY = "make another one with: openssl rand -base64 32"


class KeyWeak(_RefusedKey):
    """A key that was not drawn at random."""

    CODE = "VAULT_KEY_WEAK"


class KeyKnown(_RefusedKey):
    """A key that stands in documents or examples."""

    CODE = "VAULT_KEY_KNOWN"


class KeyDoubled(_RefusedKey):
    """One key under two names: a rotation that changes nothing."""

    CODE = "VAULT_KEY_DOUBLED"


class KeyStoreBroken(VaultError):
    """The key store cannot be used as it is."""

    CODE = "VAULT_STORE_BROKEN"
    REMEDY = "restore the key store from its own backup"


class KeyStoreForeign(VaultError):
    """The database was sealed by the keys of another store, or of none."""

    CODE = "VAULT_STORE_FOREIGN"
    REMEDY = "point vault.store at the key store that belongs to this database"


class KeyProviderUnavailable(VaultError):
    """Whoever holds the key-encryption key does not answer."""

    CODE = "VAULT_PROVIDER_UNAVAILABLE"
    REMEDY = "see that the key service can be reached, and start again"


class KeyProviderRefused(VaultError):
    """Whoever holds the key-encryption key refuses: no such key, no right, another context."""

    CODE = "VAULT_PROVIDER_REFUSED"
    REMEDY = "see the key service's policy for this daemon's identity"


class RotationRefused(VaultError):
    """A key cannot be rotated in this way."""

    CODE = "VAULT_ROTATION_REFUSED"
    exit_status: ClassVar[int] = EXIT_USAGE
