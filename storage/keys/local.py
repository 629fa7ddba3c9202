"""KEKs of one's own: the keys of a file, or of the environment (COMPTOIR_VAULT__KEYS).

The rule: the greatest number wraps, every one of them unwraps, so a new one is added and an old one
removed when nothing is wrapped by it any more (`comptoir keys status`). The file is for its owner only,
and is replaced as a whole, so that a crash leaves the old or the new one.
Source: interface.md 3 (COMPTOIR_VAULT__KEYS); spec.md S45, X14.
"""

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import trio
from cryptography.exceptions import InvalidTag

from comptoir.storage.keys.data_key import HEADER_BYTES, KEY_BYTES, NONCE_BYTES, DataKey
from comptoir.storage.keys.errors import KeyDoubled, KeyKnown, KeyProviderUnavailable, KeyWeak
from comptoir.storage.keys.ports import Wrapped
from comptoir.storage.vault import (
    VaultKeysUnsafe,
    VaultKeyUnknown,
    VaultTampered,
    read_key_file,
    read_keys,
)

__all__ = ["LocalProvider", "check_keys"]

DISTINCT_MIN: Final = 8
"""Different bytes among 32: random ones have fewer once in 10**30 draws."""
NUMBER_MAX: Final = 999_999
"""Of a name (storage/vault.py: KEY_NAME)."""
KNOWN: Final = frozenset(
    hashlib.sha256(key).digest()
    for key in (
        bytes(range(KEY_BYTES)),
        bytes(range(1, KEY_BYTES + 1)),
        bytes(range(KEY_BYTES - 1, -1, -1)),
        b"0123456789abcdef0123456789abcdef",
        b"0123456789abcdefghijklmnopqrstuv",
        b"abcdefghijklmnopqrstuvwxyz012345",
        b"bench-bench-bench-bench-bench-be",
        bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"),
        bytes.fromhex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"),
    )
)
"""Digests of keys that stand in examples and standards (NIST SP 800-38A F.1.5, GCM test case 16)."""


def check_keys(keys: Mapping[str, bytes]) -> None:
    """Refuse keys that protect nothing, by name.

    Raises:
        KeyWeak, KeyKnown, KeyDoubled: the name of the key is told, never the key.
    """
    names: dict[bytes, str] = {}
    for name, key in keys.items():
        if hashlib.sha256(key).digest() in KNOWN:
            raise KeyKnown(f"vault key {name} is a known one")
        if len(set(key)) < DISTINCT_MIN or key[: len(key) // 2] == key[len(key) // 2 :]:
            raise KeyWeak(f"vault key {name} was not drawn at random")
        if key in names:
            raise KeyDoubled(f"vault keys {names[key]} and {name} are the same key")
        names[key] = name


class LocalProvider:
    """Wraps with AES-256-GCM, in this process."""

    name = "local"

    def __init__(self, keys: Mapping[str, bytes], path: Path | None = None) -> None:
        """Args: name -> 32 bytes; path, the file that they are of, None: the environment's.

        Raises:
            VaultKeysUnsafe: no keys, or one that is refused.
        """
        check_keys(keys)
        self._keys = dict(keys)
        self._path = path

    def __repr__(self) -> str:
        return f"<LocalProvider {self._newest()} of {len(self._keys)}>"

    def _newest(self) -> str:
        return max(self._keys, key=_number)

    @staticmethod
    def _key(name: str, secret: bytes) -> DataKey:
        return DataKey(_number(name).to_bytes(8, "big"), secret)

    async def current(self) -> str:
        """The greatest name."""
        await trio.lowlevel.checkpoint()
        return self._newest()

    async def wrap(self, secret: bytes, context: str) -> Wrapped:
        """Wrap under the greatest key."""
        await trio.lowlevel.checkpoint()
        name = self._newest()
        return Wrapped(name, self._key(name, self._keys[name]).wrap(b"", secret, context.encode()))

    async def unwrap(self, wrapped: Wrapped, context: str) -> bytes:
        """Unwrap under the key that is named."""
        await trio.lowlevel.checkpoint()
        secret = self._keys.get(wrapped.kek)
        if secret is None:
            raise VaultKeyUnknown(
                f"the key {wrapped.kek} is not held, and keys are wrapped by it still",
                remedy=f"put {wrapped.kek} back, and rotate (comptoir keys rotate kek) before it goes",
            )
        if len(wrapped.blob) < HEADER_BYTES + NONCE_BYTES:
            raise VaultTampered("a wrapped key is cut short")
        try:
            return self._key(wrapped.kek, secret).unwrap(b"", wrapped.blob, context.encode())
        except (InvalidTag, ValueError):
            raise VaultTampered(f"a wrapped key does not open under {wrapped.kek}") from None

    async def make_version(self) -> str | None:
        """Add a key to the file; keys of the environment are added there.

        A file that is gone is written anew: what it held is still held here.
        """
        if self._path is None:
            return None
        try:
            self._keys = await trio.to_thread.run_sync(_add_to_file, self._path, self._keys)
        except OSError as error:
            raise KeyProviderUnavailable(
                f"the key file cannot be written ({error.strerror})",
                remedy="see that the folder of the key file can be written",
            ) from None
        return self._newest()


def _number(name: str) -> int:
    return int(name[1:])


def _add_to_file(path: Path, held: Mapping[str, bytes]) -> dict[str, bytes]:
    """Whole or not at all: a crash leaves the old file or the new one, never half of one."""
    keys = {**held, **(read_keys(read_key_file(path)) if path.exists() else {})}
    newest = max(keys, key=_number)
    if _number(newest) == NUMBER_MAX:
        raise VaultKeysUnsafe("the key file has used up its names")
    keys[f"k{_number(newest) + 1}"] = os.urandom(KEY_BYTES)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    text = json.dumps({name: base64.b64encode(key).decode() for name, key in keys.items()})
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return keys
