"""One data key, and how it seals: format 2 of sealed values.

Layout: 0x02, the key's id (8), salt (16), nonce (12), ciphertext and tag (16).

A data key never encrypts anything itself. For each salt the sealing key is
HMAC-SHA256(key, "comptoir seal 2" || store || salt || 0x01), which is one step of HKDF-Expand: a data
key is uniformly random, and then the extraction may be left out (RFC 5869, 3.3). The store's identity
is in it, so a key that was carried into another store opens nothing there.

No nonce ever comes twice under one sealing key: nonces are 96 random bits, which are safe for 2**32
seals (NIST SP 800-38D, 8.3: a collision is less likely than 2**-32). Salts are drawn when a key is first
used after a start, and all of them anew whenever the keyring has sealed `SEALS_PER_SALT_MAX` values
in all, so no salt sees more. A counter would repeat where a machine's snapshot is resumed.
Source: design.md 7; spec.md S59, X14; NIST SP 800-38D; RFC 5869.
"""

import hmac
import os
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = [
    "FORMAT",
    "HEADER_BYTES",
    "ID_BYTES",
    "KEY_BYTES",
    "NONCE_BYTES",
    "SALT_BYTES",
    "DataKey",
    "draw_key",
]

FORMAT: Final = 2
ID_BYTES: Final = 8
KEY_BYTES: Final = 32
SALT_BYTES: Final = 16
NONCE_BYTES: Final = 12
HEADER_BYTES: Final = 1 + ID_BYTES + SALT_BYTES
_MARK: Final = bytes((FORMAT,))
_INFO: Final = b"comptoir seal 2"


class DataKey:
    """A key by its id, in clear; lives in memory only."""

    __slots__ = ("_secret", "id")

    def __init__(self, key_id: bytes, secret: bytes) -> None:
        """Args: id, 8 bytes; secret, 32 random bytes."""
        assert len(key_id) == ID_BYTES
        assert len(secret) == KEY_BYTES
        self.id = key_id
        self._secret = secret

    def __repr__(self) -> str:
        return f"<DataKey {self.id.hex()}>"

    def reveal(self) -> bytes:
        """The secret, to be wrapped."""
        return self._secret

    def cipher(self, store: bytes, salt: bytes) -> AESGCM:
        """The sealing key of one salt."""
        return AESGCM(hmac.digest(self._secret, b"".join((_INFO, store, salt, b"\x01")), "sha256"))

    def draw_header(self) -> bytes:
        """The beginning of every value sealed under a salt drawn now."""
        return _MARK + self.id + os.urandom(SALT_BYTES)

    def wrap(self, store: bytes, secret: bytes, context: bytes) -> bytes:
        """Seal another key under this one, once, for one context."""
        header, nonce = self.draw_header(), os.urandom(NONCE_BYTES)
        return (
            header
            + nonce
            + self.cipher(store, header[-SALT_BYTES:]).encrypt(nonce, secret, context)
        )

    def unwrap(self, store: bytes, wrapped: bytes, context: bytes) -> bytes:
        """Open what `wrap` made for this context.

        Raises:
            cryptography.exceptions.InvalidTag: it is not that.
        """
        cipher = self.cipher(store, wrapped[HEADER_BYTES - SALT_BYTES : HEADER_BYTES])
        nonce = wrapped[HEADER_BYTES : HEADER_BYTES + NONCE_BYTES]
        return cipher.decrypt(nonce, wrapped[HEADER_BYTES + NONCE_BYTES :], context)


def draw_key() -> DataKey:
    """A new key under a new id: 64 random bits, of which the store refuses one that it has."""
    return DataKey(os.urandom(ID_BYTES), os.urandom(KEY_BYTES))
