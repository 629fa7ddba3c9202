"""Brings a database to the schema that this release needs, or refuses it by name.

The rule: numbered files, in order, each in one transaction, recorded with its digest, under an
advisory lock, so that two daemons that start together migrate once. A database that is newer than
us, or whose past was edited, is not touched. Source: design.md 7; interface.md 2 (exit status 3).
"""

import hashlib
import logging
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from comptoir.storage.bridge import Connection
from comptoir.storage.errors import DatabaseNewer, DatabaseOlder, StorageError
from comptoir.storage.roles import ROLE_DAEMON, prepare_roles
from comptoir.storage.sqlstate import StatementBroken

__all__ = [
    "DatabasePrivilegesMissing",
    "DatabaseReadOnly",
    "MigrationChanged",
    "MigrationReport",
    "check_schema",
    "migrate",
]

log = logging.getLogger("comptoir.storage")

LOCK_MIGRATE: Final = 0x636F6D70_746F6901
"""Key of the advisory lock: `comptoi` in ASCII, and a number."""
INSUFFICIENT_PRIVILEGE: Final = "42501"
SERVER_VERSION_MIN: Final = 150000
MIGRATE_SECONDS: Final = 600.0
FIRST_SQL: Final = """
create schema if not exists comptoir;
create table comptoir.schema_migration (
    number integer primary key, name text not null, digest text not null,
    applied_at timestamptz not null default now());"""
FENCE_SQL: Final = """
do $$ begin
    if to_regclass('comptoir.writer') is not null then
        update comptoir.writer set epoch = epoch + 1;
    end if;
end $$;"""
RECORD_SQL: Final = (
    "insert into comptoir.schema_migration (number, name, digest) values ($1, $2, $3)"
)


class DatabaseReadOnly(StorageError):
    """The database takes no writes: a replica, or default_transaction_read_only."""

    CODE = "DATABASE_READ_ONLY"
    REMEDY = "point storage.url at the primary server, or lift its read-only setting"


class MigrationChanged(StorageError):
    """A migration that this database has applied is not the one that we ship under its number."""

    CODE = "MIGRATION_CHANGED"
    REMEDY = "install the release that made this database, or restore the file named above"


class DatabasePrivilegesMissing(StorageError):
    """The login of storage.url may not create the schema."""

    CODE = "DATABASE_PRIVILEGES_MISSING"
    REMEDY = "run `comptoir migrate` as the database's owner, and grant the login comptoir_daemon"


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file."""

    number: int
    name: str
    sql: str

    @property
    def digest(self) -> str:
        """SHA-256 of its text, in hex."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class MigrationReport:
    """What `migrate` did."""

    applied: tuple[int, ...]
    """Numbers applied now."""
    version: int
    """The number that the database is at."""
    role: str | None
    """The role for the daemon's sessions; None where the login may not create or take it."""


def list_migrations() -> list[Migration]:
    """The files that we ship, in order."""
    folder = files("comptoir.storage.migrations")
    names = sorted(x.name for x in folder.iterdir() if x.name.endswith(".sql"))
    return [
        Migration(int(name[:4]), name, (folder / name).read_text(encoding="utf-8"))
        for name in names
    ]


async def check_schema(connection: Connection) -> None:
    """Refuse a database that `migrate` would refuse, and change nothing: what a start does before it
    waits behind another daemon, whose schema it must not touch.

    Raises:
        DatabaseNewer, DatabaseOlder, DatabaseReadOnly, MigrationChanged,
        DatabasePrivilegesMissing, ConnectionLost: as `migrate`.
    """
    await _check_server(connection)
    with _naming_privileges():
        _find_missing(await _read_applied(connection) or {}, list_migrations())


async def migrate(
    connection: Connection, migrations: list[Migration] | None = None
) -> MigrationReport:
    """Apply what is missing; every error names its remedy.

    Raises:
        DatabaseNewer, DatabaseOlder, DatabaseReadOnly, MigrationChanged,
        DatabasePrivilegesMissing: it is not touched.
        ConnectionLost: the database is away.
    """
    ours = list_migrations() if migrations is None else migrations
    await _check_server(connection)
    await connection.fetch("select pg_advisory_lock($1)", LOCK_MIGRATE, seconds=MIGRATE_SECONDS)
    with _naming_privileges():
        applied = await _apply_missing(connection, ours)
        role = await prepare_roles(connection, changed=bool(applied))
    await connection.fetch("select pg_advisory_unlock($1)", LOCK_MIGRATE)
    if role is None:
        log.warning("the login may not use the role %s: sessions keep its own rights", ROLE_DAEMON)
    return MigrationReport(applied, ours[-1].number, role)


async def _check_server(connection: Connection) -> None:
    row = (
        await connection.fetch(
            "select current_setting('server_version_num')::int, "
            "current_setting('transaction_read_only')::bool, current_setting('server_version')"
        )
    )[0]
    if row[0] < SERVER_VERSION_MIN:
        raise DatabaseOlder(
            f"PostgreSQL {row[2]} is too old: 15 is the least",
            remedy="upgrade the server to PostgreSQL 15 or newer",
        )
    if row[1]:
        raise DatabaseReadOnly("the database is read-only")


@contextmanager
def _naming_privileges() -> Generator[None]:
    try:
        yield
    except StatementBroken as error:
        if error.sqlstate != INSUFFICIENT_PRIVILEGE:
            raise
        raise DatabasePrivilegesMissing(f"the login lacks a right: {error}") from error


async def _apply_missing(connection: Connection, ours: list[Migration]) -> tuple[int, ...]:
    known = await _read_applied(connection)
    missing = _find_missing(known or {}, ours)
    if known is None:
        await connection.run_script(FIRST_SQL)
    elif missing:
        # A daemon that was thought dead must not write into a schema that it does not know.
        await connection.run_script(FENCE_SQL)
    for migration in missing:
        await _apply(connection, migration)
    return tuple(migration.number for migration in missing)


def _find_missing(known: Mapping[int, str], ours: list[Migration]) -> list[Migration]:
    by_number = {migration.number: migration for migration in ours}
    newer = [number for number in known if number not in by_number]
    if newer:
        raise DatabaseNewer(
            f"the schema is at migration {max(known)}, this release knows {ours[-1].number}"
        )
    for number, digest in sorted(known.items()):
        if by_number[number].digest != digest:
            raise MigrationChanged(
                f"migration {by_number[number].name} differs from the one applied"
            )
    return [migration for migration in ours if migration.number not in known]


async def _read_applied(connection: Connection) -> dict[int, str] | None:
    """Number -> digest of what was applied; None where there is no schema yet."""
    rows = await connection.fetch(
        "select to_regclass('comptoir.schema_migration') is not null, "
        "has_database_privilege(current_database(), 'create')"
    )
    if rows[0][0]:
        rows = await connection.fetch("select number, digest from comptoir.schema_migration")
        return {row[0]: row[1] for row in rows}
    if not rows[0][1]:
        raise DatabasePrivilegesMissing("the login may not create the schema comptoir")
    return None


async def _apply(connection: Connection, migration: Migration) -> None:
    """One file and its record in one transaction, which a failure leaves to the closing to undo."""
    await connection.run_script(f"begin;\n{migration.sql}", seconds=MIGRATE_SECONDS)
    await connection.fetch(RECORD_SQL, migration.number, migration.name, migration.digest)
    await connection.run_script("commit", seconds=MIGRATE_SECONDS)
    log.info("applied migration %s", migration.name)
