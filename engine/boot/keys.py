"""The daemon's keys, as the settings name them.

Rule: with a key store, every person has a key (storage/keys/); without one, which is so where the
database is a server of one's own and `vault.store` is empty, the master keys seal as they always did, and
nobody can be erased. Source: interface.md 3 (COMPTOIR_VAULT__KEYS); design.md 7.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import orjson
import trio

from comptoir.engine.settings import Settings
from comptoir.storage._place import make_data_dir
from comptoir.storage.keys import KeyOptions, Keyring, open_keyring
from comptoir.storage.keys.aws_kms import AwsKmsOptions
from comptoir.storage.keys.local import check_keys
from comptoir.storage.keys.ports import KeyProvider
from comptoir.storage.keys.transit import TransitOptions
from comptoir.storage.sealing import Sealer
from comptoir.storage.vault import Vault, make_key_file, read_key_file, read_keys

__all__ = ["Keys", "open_keys", "store_path"]

IMPERSONAL: Final = frozenset(
    {
        "ceremony",
        "clients",
        "erasure",
        "issuance",
        "letter_report",
        "merchants",
        "numbering",
        "reconciliation",
        "revocation",
    }
)
"""Kinds whose data are no person's; every other actor with a key of its own is a subject."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What seals, and, where there is a store, what rotates."""

    sealer: Sealer
    keyring: Keyring | None = None
    provider: KeyProvider | None = None


def store_path(settings: Settings) -> Path | None:
    """Where the key store of these settings is; None: there is none."""
    if settings.vault.store:
        return Path(settings.vault.store)
    if settings.storage.url:
        return None
    return settings.storage.data_dir / "keys" / "store.db"


async def open_keys(settings: Settings) -> Keys:
    """Open, or make, what seals.

    Raises:
        VaultError, KeyStoreUnavailable: the code tells what is wrong with the keys.
    """
    store = store_path(settings)
    await trio.to_thread.run_sync(make_data_dir, settings.storage.data_dir.resolve())
    if store is None:
        return Keys(await trio.to_thread.run_sync(partial(_open_masters, settings)))
    vault = settings.vault
    kms, transit = vault.aws_kms, vault.transit
    aws = AwsKmsOptions(kms.key_id, kms.region, kms.endpoint_url, kms.timeout_s)
    hashicorp = TransitOptions(
        transit.url, transit.token.reveal(), transit.key, transit.mount, transit.namespace,
        transit.timeout_s,
    )  # fmt: skip
    opened = await open_keyring(
        KeyOptions(
            store=store,
            key_file=_key_file(settings),
            keys=_given_keys(settings),
            aws_kms=aws if kms.key_id else None,
            transit=hashicorp if transit.url else None,
            wraps=vault.provider,
            impersonal=IMPERSONAL,
            subjects_cached_max=vault.subjects_cached_max,
        )
    )
    return Keys(opened.keyring, opened.keyring, opened.provider)


def _key_file(settings: Settings) -> Path:
    return settings.storage.data_dir / "keys" / "vault.json"


def _given_keys(settings: Settings) -> dict[str, bytes]:
    keys = {name: key.reveal() for name, key in settings.vault.keys.items()}
    return read_keys(orjson.dumps(keys).decode()) if keys else {}


def _open_masters(settings: Settings) -> Vault:
    keys, path = _given_keys(settings), _key_file(settings)
    if not keys:
        if not path.exists():
            make_key_file(path)
        keys = read_keys(read_key_file(path))
    check_keys(keys)
    return Vault(keys)
