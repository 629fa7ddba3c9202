"""The key store's file: its tables, how it is opened, and whose it must be.

Rule: it is its owner's alone, or nothing of it is read. Source: SQLite manual (pragma synchronous,
secure_delete); docs/keys.md.
"""

import os
import sqlite3
import stat
from pathlib import Path
from typing import Final

from comptoir.storage.keys.errors import KeyStoreBroken, KeyStoreUnavailable
from comptoir.storage.vault import VaultKeysUnsafe

__all__ = [
    "FIRST_VERSION",
    "HELD_SCHEMA",
    "SCHEMA",
    "SCHEMA_VERSION",
    "VERSIONS",
    "check_mode",
    "connect",
    "sync_folder",
    "unavailable",
]

SCHEMA_VERSION: Final = 3
"""2: addresses of several generations are held, which the release of 1 would not look for.
3: persons have names of several generations, and an older release would erase under the first alone."""
VERSIONS: Final = {"index": 2, "subject": 3}
"""From which rotation on a store is of which version."""
FIRST_VERSION: Final = 1
HELD_SCHEMA: Final = """
create table if not exists held (
    address blob primary key check (length(address) = 32), target integer not null
) strict, without rowid;
"""
BUSY_SECONDS: Final = 5.0
"""How long a write waits for another's."""
HELD_BY_ANOTHER: Final = ("SQLITE_BUSY", "SQLITE_BUSY_SNAPSHOT")
PRAGMAS: Final = (
    "journal_mode = wal",
    "synchronous = full",
    "secure_delete = on",
    "trusted_schema = off",
    "cache_size = -65536",  # 64 MiB: not mapped, since a bad block would then kill us (SIGBUS)
)
SCHEMA: Final = """
create table meta (name text primary key, value text not null) strict, without rowid;
create table root (
    purpose text not null, generation integer not null, provider text not null, kek text not null,
    wrapped blob not null, made_at integer not null, primary key (purpose, generation)
) strict, without rowid;
create table key (
    id blob primary key check (length(id) = 8), subject blob not null, generation integer not null,
    wrap integer not null, wrapped blob, made_at integer not null,
    check ((wrapped is null) = (length(subject) = 0))
) strict, without rowid;
create index key_subject on key (subject, generation) where wrapped is not null;
create index key_wrap on key (wrap, id) where wrapped is not null;
create table rotation (
    what text primary key, state text not null, target integer not null, stage text not null,
    cursor text not null, done integer not null, total integer not null, asked_at integer not null,
    ended_at integer, fault text not null, renew integer not null
) strict, without rowid;
"""


def connect(path: Path) -> sqlite3.Connection:
    """A connection that commits by itself; the file must be there."""
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=BUSY_SECONDS,
        check_same_thread=False,
    )  # fmt: skip
    for pragma in PRAGMAS:
        connection.execute(f"pragma {pragma}").fetchall()
    return connection


def check_mode(path: Path) -> None:
    """Hold a file to its owner.

    Raises:
        KeyStoreBroken: it cannot be opened, or is no file.
        VaultKeysUnsafe: others may read it.
    """
    try:
        status = path.stat(follow_symlinks=True)
    except OSError as error:
        raise KeyStoreBroken(f"{path.name} cannot be opened ({error.strerror})") from None
    if not stat.S_ISREG(status.st_mode):
        raise KeyStoreBroken(f"{path.name} is no file")
    if status.st_mode & 0o077:
        raise VaultKeysUnsafe(
            f"others may read the key store {path.name}", remedy=f"chmod 600 {path.name}"
        )


def unavailable(error: sqlite3.Error) -> KeyStoreUnavailable:
    """Why the store cannot be used now, and what helps; no text of SQLite's, which may hold values."""
    name = error.sqlite_errorname or type(error).__name__
    if name in HELD_BY_ANOTHER:
        return KeyStoreUnavailable(
            f"the key store: {name}: another process has been writing it for {BUSY_SECONDS:g} s",
            remedy="end the daemon that holds it: one that was stopped (SIGSTOP) holds it until then",
        )
    return KeyStoreUnavailable(f"the key store: {name}")


def sync_folder(path: Path) -> None:
    """Have names in a folder survive a crash."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
