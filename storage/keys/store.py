"""The key store: one small SQLite file beside the database, never inside it.

The rule: whatever is here is wrapped, and a person's key can be destroyed here, once, for every copy of
the database (X13): that is why it is not in the database, whose backups would keep it. A key is in the
file, synced, before any row sealed under it is sent (`Keyring.make_durable`). Keys of one subject may be
several: the one of the greatest generation seals. Nothing is unique per subject, so two daemons during a
take-over cannot be in each other's way.

SQLite because it is a transactional, crash-safe file with an index, in the standard library: a write
ahead log synced at each commit (`synchronous = full`), freed bytes overwritten (`secure_delete`), and a
checkpoint that truncates the log after an erasure. What a file system keeps of overwritten blocks is
worth nothing once the wrapping key is rotated. Source: design.md 7; spec.md X13, X14; SQLite manual
(pragma synchronous, secure_delete, wal_checkpoint).
"""

import os
import sqlite3
import threading
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from comptoir.storage.keys.errors import KeyStoreBroken
from comptoir.storage.keys.file import (
    FIRST_VERSION,
    HELD_SCHEMA,
    SCHEMA,
    SCHEMA_VERSION,
    VERSIONS,
    check_mode,
    connect,
    sync_folder,
    unavailable,
)
from comptoir.storage.keys.ports import Wrapped

__all__ = ["HOUSE", "IDENTITY_BYTES", "KeyRow", "KeyStore", "RootRow", "RotationRow"]

IDENTITY_BYTES: Final = 16
SUBJECT_BYTES: Final = 16
HOUSE: Final = bytes(SUBJECT_BYTES)
"""The subject of what is nobody's in particular: the catalogue, what gateways count."""
ERASED: Final = b""
NAMED_BEFORE: Final = """
wrapped is not null and subject <> ? and (length(subject) = ? or substr(subject, 1, 1) < ?)"""
"""A name of generation 1 is a digest; a later one has its generation before it (subjects.py)."""


class RootRow(NamedTuple):
    """A key that everything of one purpose hangs on, wrapped by the provider."""

    purpose: str
    generation: int
    provider: str
    wrapped: Wrapped
    made_at: int
    """ms since 1970."""


class KeyRow(NamedTuple):
    """A data key, wrapped by the wrapping key of generation `wrap`."""

    id: bytes
    subject: bytes
    """The name of the actor's person (subjects.py); `HOUSE`; empty: erased."""
    generation: int
    wrap: int
    wrapped: bytes | None
    """None: destroyed."""
    made_at: int


class RotationRow(NamedTuple):
    """One rotation: the last of its kind, under way or over."""

    what: str
    state: str
    """asked, running, done, failed."""
    target: int
    """The generation that it brings in."""
    stage: str
    cursor: str
    done: int
    total: int
    asked_at: int
    ended_at: int | None
    fault: str
    """Code and text of what keeps it from going on."""
    renew: bool
    """For the KEK: whether its provider makes a new version first."""


class KeyStore:
    """The file. Reads are cheap and synchronous; every write is one transaction, synced."""

    def __init__(self, path: Path) -> None:
        """Open an existing store.

        Raises:
            VaultKeysUnsafe: others may read it.
            KeyStoreBroken: it is none, or of a newer release.
        """
        self.path = path
        check_mode(path)
        self._lock = threading.Lock()
        try:
            self._reader = connect(path)
            self._writer = connect(path)
            self.identity = bytes.fromhex(self._meta("identity"))
            version = int(self._meta("version"))
        except (sqlite3.Error, KeyError, ValueError) as error:
            raise KeyStoreBroken(f"{path.name} is no key store ({type(error).__name__})") from None
        if version > SCHEMA_VERSION:
            raise KeyStoreBroken(
                f"{path.name} was made by a newer release", remedy="install the newer release again"
            )
        # Looked for first: a daemon that was stopped (SIGSTOP) while it wrote holds the store's lock until it
        # goes on or ends, and its successor has to start all the same.
        if not self._rows("select 1 from sqlite_schema where name = 'held'"):
            with self._writing() as connection:
                connection.execute(HELD_SCHEMA)

    def __repr__(self) -> str:
        return f"<KeyStore {self.identity.hex()[:8]}>"

    @classmethod
    def make(cls, path: Path, identity: bytes, roots: Sequence[RootRow]) -> "KeyStore":
        """Make a new one, whole or not at all, and never over another (which is opened then).

        Args:
            path: where; its folder is made, for its owner only.
            identity: `IDENTITY_BYTES`, drawn at random.
            roots: its first roots, wrapped for that identity.
        """
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.unlink(missing_ok=True)
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
        try:
            _fill(draft, identity, roots)
            os.link(draft, path)
        except FileExistsError:
            pass  # another start was faster; its store is the one
        finally:
            draft.unlink()
        sync_folder(path.parent)
        return cls(path)

    def close(self) -> None:
        """Let go of the file."""
        self._reader.close()
        self._writer.close()

    def back_up(self, path: Path) -> None:
        """Copy the store, as it is at one moment, while daemons work on it.

        Raises:
            FileExistsError: there is a file already.
            KeyStoreUnavailable: it cannot be read, or the copy not be written.
        """
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
        try:
            with closing(sqlite3.connect(path)) as copy:
                self._reader.backup(copy)
        except sqlite3.Error as error:
            path.unlink()
            raise unavailable(error) from None
        with path.open("rb") as file:
            os.fsync(file.fileno())
        sync_folder(path.parent)

    # Reads.

    def _rows(self, sql: str, *args: object) -> list[Any]:
        try:
            return self._reader.execute(sql, args).fetchall()
        except sqlite3.Error as error:
            raise unavailable(error) from None

    def _meta(self, name: str) -> str:
        rows = self._reader.execute("select value from meta where name = ?", (name,)).fetchall()
        if not rows:
            raise KeyError(name)
        return str(rows[0][0])

    @property
    def generation(self) -> int:
        """Of the data keys that seal now."""
        return int(self._rows("select value from meta where name = 'generation'")[0][0])

    def roots(self) -> list[RootRow]:
        """All roots, by purpose and generation."""
        rows = self._rows("select * from root order by purpose, generation")
        return [RootRow(x[0], x[1], x[2], Wrapped(x[3], x[4]), x[5]) for x in rows]

    def newest(self, names: Sequence[bytes]) -> KeyRow | None:
        """The key that seals for whoever has these names, if there is one."""
        marks = ", ".join("?" * len(names))
        rows = self._rows(
            f"select * from key where subject in ({marks}) and wrapped is not null"  # noqa: S608 - marks
            " order by generation desc, made_at desc, id limit 1", *names,
        )  # fmt: skip
        return KeyRow(*rows[0]) if rows else None

    def find(self, key_id: bytes) -> KeyRow | None:
        """A key by its id, also one that was destroyed."""
        rows = self._rows("select * from key where id = ?", key_id)
        return KeyRow(*rows[0]) if rows else None

    def count_keys(self) -> tuple[int, int]:
        """Keys held, and keys destroyed."""
        rows = self._rows("select count(wrapped), count(*) from key")
        return rows[0][0], rows[0][1] - rows[0][0]

    def is_held(self, address: bytes, target: int = 0) -> bool:
        """Whether an address of an earlier generation is named, by what was seen for `target` or later."""
        sql = "select 1 from held where address = ? and target >= ?"
        return bool(self._rows(sql, address, target))

    def count_held(self, target: int = 0) -> int:
        """How many were seen for `target` or later."""
        return int(self._rows("select count(*) from held where target >= ?", target)[0][0])

    def marking(self) -> int:
        """The generation of indexes that a rotation under way brings in; 0: there is none."""
        rows = self._rows("select target from rotation where what = 'index' and state = 'running'")
        return int(rows[0][0]) if rows else 0

    def rotations(self) -> list[RotationRow]:
        """The last rotation of each kind, in the order in which they were asked for."""
        rows = self._rows("select * from rotation order by asked_at, what")
        return [RotationRow._make((*x[:10], bool(x[10]))) for x in rows]

    # Writes; each is called from a thread, or where nothing else runs.

    @contextmanager
    def _writing(self) -> Generator[sqlite3.Connection]:
        with self._lock:
            try:
                self._writer.execute("begin immediate")
                try:
                    yield self._writer
                except BaseException:
                    self._writer.execute("rollback")
                    raise
                self._writer.execute("commit")
            except sqlite3.Error as error:
                if self._writer.in_transaction:
                    self._writer.execute("rollback")
                raise unavailable(error) from None

    def add(self, rows: Iterable[KeyRow]) -> None:
        """Add data keys; one that is there already, from a try whose end was not heard of, stays."""
        with self._writing() as connection:
            connection.executemany("insert or ignore into key values (?, ?, ?, ?, ?, ?)", rows)

    def hold(self, addresses: Iterable[bytes], target: int) -> None:
        """These addresses are named, as seen for the generation of indexes `target`."""
        with self._writing() as connection:
            connection.executemany(
                "insert into held values (?, ?)"
                " on conflict (address) do update set target = max(target, excluded.target)",
                [(address, target) for address in addresses],
            )

    def put_roots(self, rows: Iterable[RootRow], *, drop: Iterable[tuple[str, int]] = ()) -> None:
        """Add or replace roots, and drop others, in one transaction."""
        with self._writing() as connection:
            _put_roots(connection, rows)
            connection.executemany("delete from root where purpose = ? and generation = ?", drop)

    def erase(self, names: Sequence[bytes]) -> int:
        """Destroy every key under these names; answers how many. What they sealed never opens again."""
        gone = 0
        with self._writing() as connection:
            for name in names:
                assert name not in (HOUSE, ERASED), "the house is no person"
                gone += connection.execute(
                    "update key set wrapped = null, subject = x'' where subject = ?", (name,)
                ).rowcount
        self._truncate_log()
        return gone

    def wrapped_before(self, wrap: int, limit: int) -> list[KeyRow]:
        """Some of the keys that older wrapping keys hold."""
        rows = self._rows(
            "select * from key where wrap < ? and wrapped is not null limit ?", wrap, limit
        )
        return [KeyRow(*x) for x in rows]

    def count_wrapped_before(self, wrap: int) -> int:
        """How many they are."""
        sql = "select count(*) from key where wrap < ? and wrapped is not null"
        return int(self._rows(sql, wrap)[0][0])

    def named_before(self, generation: int, after: bytes, limit: int) -> list[KeyRow]:
        """Some of the keys whose persons have names of before a generation, by id."""
        sql = f"select * from key where id > ? and {NAMED_BEFORE} order by id limit ?"  # noqa: S608 - ours
        rows = self._rows(sql, after, *_before(generation), limit)
        return [KeyRow(*x) for x in rows]

    def count_named_before(self, generation: int) -> int:
        """How many they are."""
        sql = f"select count(*) from key where {NAMED_BEFORE}"  # noqa: S608 - ours
        return int(self._rows(sql, *_before(generation))[0][0])

    def rewrap(self, pairs: Sequence[tuple[KeyRow, KeyRow]], rotation: RotationRow) -> None:
        """Replace what wraps these keys, and whose they are, and note the progress with them.

        Args:
            pairs: a key as it was read, and as it is to be; one that was erased or wrapped anew in
                between is left as it is.
            rotation: how far it has come then.
        """
        with self._writing() as connection:
            connection.executemany(
                "update key set subject = ?, wrap = ?, wrapped = ? where id = ? and wrapped = ?",
                [(new.subject, new.wrap, new.wrapped, old.id, old.wrapped) for old, new in pairs],
            )
            _put_rotation(connection, rotation)

    def begin(self, rotation: RotationRow, root: RootRow | None = None) -> None:
        """Note that a rotation runs, with the root that it brings in, or the generation of data keys."""
        with self._writing() as connection:
            _put_rotation(connection, rotation)
            if root is not None:
                _put_roots(connection, [root])
            if rotation.what == "data":
                connection.execute(
                    "update meta set value = ? where name = 'generation'", (str(rotation.target),)
                )
            if rotation.what in VERSIONS:
                connection.execute(
                    "update meta set value = max(cast(value as integer), ?) where name = 'version'",
                    (VERSIONS[rotation.what],),
                )

    def note(self, rotation: RotationRow) -> None:
        """Note how far a rotation has come."""
        with self._writing() as connection:
            _put_rotation(connection, rotation)

    def finish(self, rotation: RotationRow, *, drop: Iterable[tuple[str, int]] = ()) -> None:
        """Note that a rotation is over, and forget roots that nothing hangs on any more."""
        with self._writing() as connection:
            _put_rotation(connection, rotation)
            connection.executemany("delete from root where purpose = ? and generation = ?", drop)
            if rotation.what == "index":
                connection.execute("delete from held where target < ?", (rotation.target,))
        self._truncate_log()

    def _truncate_log(self) -> None:
        """Old pages, with what they held, leave the write-ahead log."""
        with self._lock:
            try:
                self._writer.execute("pragma wal_checkpoint(truncate)").fetchall()
            except sqlite3.Error as error:
                raise unavailable(error) from None


def _before(generation: int) -> tuple[bytes, int, bytes]:
    """What `NAMED_BEFORE` is asked with."""
    return HOUSE, SUBJECT_BYTES, bytes((generation,))


def _put_roots(connection: sqlite3.Connection, rows: Iterable[RootRow]) -> None:
    connection.executemany(
        "insert or replace into root values (?, ?, ?, ?, ?, ?)",
        [
            (x.purpose, x.generation, x.provider, x.wrapped.kek, x.wrapped.blob, x.made_at)
            for x in rows
        ],
    )


def _put_rotation(connection: sqlite3.Connection, row: RotationRow) -> None:
    connection.execute("insert or replace into rotation values (?,?,?,?,?,?,?,?,?,?,?)", row)


def _fill(path: Path, identity: bytes, roots: Sequence[RootRow]) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("pragma synchronous = full")
        connection.executescript(f"begin; {SCHEMA}")
        meta = {"identity": identity.hex(), "version": str(FIRST_VERSION), "generation": "1"}
        connection.executemany("insert into meta values (?, ?)", meta.items())
        _put_roots(connection, roots)
        connection.execute("commit")
    finally:
        connection.close()
