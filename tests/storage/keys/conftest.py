"""A place for one daemon's keys, opened again and again as starts would."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from comptoir.storage.keys.keyring import Keyring
from comptoir.storage.keys.opening import KeyOptions, Opened, open_keyring
from comptoir.storage.keys.store import KeyStore
from comptoir.storage.reseal import Mover, Page, Resealer


@dataclass
class Home:
    """The folder of keys."""

    folder: Path

    @property
    def options(self) -> KeyOptions:
        """A store and a key file in it."""
        return KeyOptions(
            store=self.folder / "store.db",
            key_file=self.folder / "vault.json",
            impersonal=frozenset({"merchants"}),
        )

    async def open(self, keys: Mapping[str, bytes] | None = None, **options: Any) -> Opened:
        """What a start opens."""
        return await open_keyring(replace(self.options, keys=dict(keys or {}), **options))

    def start(self, keys: Mapping[str, bytes] | None = None, **options: Any) -> Opened:
        """As `open`, where no loop runs."""
        return trio.run(partial(self.open, keys, **options))

    def keyring(self, keys: Mapping[str, bytes] | None = None) -> Keyring:
        """The keyring of a start."""
        return self.start(keys).keyring

    def store(self) -> KeyStore:
        """The store, as another process opens it."""
        return KeyStore(self.folder / "store.db")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """No keys were ever made in it."""
    return Home(tmp_path / "keys")


class NoPages:
    """No journal: for rotations that touch the key store alone."""

    async def count_resealable(self, mover: Mover | None = None) -> int:
        """Nothing."""
        raise AssertionError("no database is needed")

    async def reseal(self, keys: Resealer, table: str, cursor: tuple[Any, ...], limit: int) -> Page:
        """Nothing."""
        raise AssertionError("no database is needed")

    async def move_once(self, mover: Mover, limit: int) -> Page:
        """Nothing."""
        raise AssertionError("no database is needed")

    async def put_setting(self, name: str, value: str) -> None:
        """Nothing."""
        raise AssertionError("no database is needed")
