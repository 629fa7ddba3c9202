"""Opening a keyring: the store, its roots unwrapped by their providers, or a new store.

The rule: a store that is there is never made anew, and one that is made takes over the keys that sealed
before it: the values and digests of format 1 stay what they are. A key that is weak, known or there twice
is refused by name before anything is read. Source: interface.md 3; spec.md S45, X14.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import trio

from comptoir.storage.keys.aws_kms import AwsKmsOptions, AwsKmsProvider
from comptoir.storage.keys.errors import KeyStoreBroken
from comptoir.storage.keys.keyring import SUBJECTS_CACHED_MAX, Keyring
from comptoir.storage.keys.local import LocalProvider
from comptoir.storage.keys.ports import KeyProvider
from comptoir.storage.keys.roots import Roots, first_roots, unwrap_roots
from comptoir.storage.keys.store import IDENTITY_BYTES, KeyStore
from comptoir.storage.keys.transit import TransitOptions, TransitProvider
from comptoir.storage.vault import make_key_file, read_key_file, read_keys

__all__ = ["KeyOptions", "Opened", "open_keyring"]


@dataclass(frozen=True, slots=True)
class KeyOptions:
    """Which keys, and where."""

    store: Path
    """The key store."""
    key_file: Path
    """Of the local provider, where no keys are given."""
    keys: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    """Name -> 32 bytes: KEKs of the local provider, and what sealed before there was a store."""
    aws_kms: AwsKmsOptions | None = None
    """Wraps, or has wrapped."""
    transit: TransitOptions | None = None
    """Wraps, or has wrapped."""
    wraps: str = LocalProvider.name
    """The name of the provider that wraps from now on."""
    impersonal: frozenset[str] = frozenset()
    """Kinds of actors whose data are no person's."""
    subjects_cached_max: int = SUBJECTS_CACHED_MAX


@dataclass(frozen=True, slots=True)
class Opened:
    """A keyring, and whoever wraps its roots from now on."""

    keyring: Keyring
    provider: KeyProvider


async def open_keyring(options: KeyOptions) -> Opened:
    """Open the store, or make it.

    Raises:
        VaultError, KeyStoreUnavailable: the code tells what is wrong.
    """
    there = await trio.to_thread.run_sync(options.store.exists)
    keys, made = await trio.to_thread.run_sync(_local_keys, options, there)
    providers = _providers(options, keys)
    if there:
        store = await trio.to_thread.run_sync(KeyStore, options.store)
        _check_providers({row.provider for row in store.roots()} | {options.wraps}, providers)
        provider = providers[options.wraps]
    else:
        _check_providers({options.wraps}, providers)
        provider = providers[options.wraps]
        # A file of keys that was made just now has sealed nothing.
        masters = {} if made else keys
        identity = os.urandom(IDENTITY_BYTES)
        rows = await first_roots(provider, identity, masters)
        store = await trio.to_thread.run_sync(KeyStore.make, options.store, identity, rows)

    async def unwrap() -> Roots:
        rows = store.roots()
        _check_providers({row.provider for row in rows}, providers)
        return await unwrap_roots(providers, store.identity, rows)

    keyring = Keyring(
        store,
        await unwrap(),
        unwrap,
        impersonal=options.impersonal,
        subjects_cached_max=options.subjects_cached_max,
    )
    return Opened(keyring, provider)


def _local_keys(options: KeyOptions, there: bool) -> tuple[dict[str, bytes], bool]:
    """Keys of one's own, and whether their file was made just now."""
    if options.keys:
        return dict(options.keys), False
    made = False
    if not options.key_file.exists():
        if there or options.wraps != LocalProvider.name:
            return {}, False
        make_key_file(options.key_file)
        made = True
    return read_keys(read_key_file(options.key_file)), made


def _providers(options: KeyOptions, keys: Mapping[str, bytes]) -> dict[str, KeyProvider]:
    found: dict[str, KeyProvider] = {}
    if keys:
        path = None if options.keys else options.key_file
        found[LocalProvider.name] = LocalProvider(keys, path)
    if options.aws_kms is not None:
        found[AwsKmsProvider.name] = AwsKmsProvider(options.aws_kms)
    if options.transit is not None:
        found[TransitProvider.name] = TransitProvider(options.transit)
    return found


def _check_providers(wanted: set[str], providers: Mapping[str, KeyProvider]) -> None:
    """Want every provider that has wrapped, or is to wrap.

    Raises:
        KeyStoreBroken: one of them is not configured, or its key file is gone.
    """
    missing = sorted(wanted - set(providers))
    if LocalProvider.name in missing:
        raise KeyStoreBroken(
            "keys of the store are wrapped by a local key, and there is no key file",
            remedy="restore the key file from its backup, or give vault.keys",
        )
    if missing:
        raise KeyStoreBroken(
            f"keys of the store are wrapped by {missing[0]}, which is not configured",
            remedy=f"configure {missing[0]} beside the new provider, and rotate the kek to leave it",
        )
