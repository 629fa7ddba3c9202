"""Migrations: once, in order, never over a database that is not ours to touch.

Source: design.md 7; interface.md 2 (exit status 3) and 5 (roles).
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import trio

from comptoir.storage.bridge import Connection, Target, open_bridge
from comptoir.storage.errors import DatabaseNewer, StorageUnavailable
from comptoir.storage.journal import JournalOptions, PostgresJournal
from comptoir.storage.migrate import (
    DatabasePrivilegesMissing,
    DatabaseReadOnly,
    MigrationChanged,
    list_migrations,
    migrate,
)
from comptoir.storage.roles import ROLE_DAEMON
from comptoir.storage.vault import Vault

VAULT = Vault({"k1": bytes(32)})


@asynccontextmanager
async def _connect(url: str) -> AsyncGenerator[Connection]:
    async with open_bridge() as bridge:
        connection = await bridge.connect(Target(url))
        yield connection
        await connection.close()


def test_migrations_are_numbered_without_a_gap() -> None:
    """The files are 0001, 0002, ... and no number is there twice."""
    assert [x.number for x in list_migrations()] == list(range(1, len(list_migrations()) + 1))


@pytest.mark.parametrize("version", ["18", "15"])
async def test_an_empty_database_is_migrated_once(
    request: pytest.FixtureRequest, cluster: Any
) -> None:
    """All files are applied in order and recorded; a second start applies nothing."""
    async with _connect(cluster.url(cluster.create_database())) as connection:
        first = await migrate(connection)
        again = await migrate(connection)
        rows = await connection.fetch("select number, digest from comptoir.schema_migration")
    numbers = tuple(x.number for x in list_migrations())
    assert (first.applied, first.version, first.role) == (numbers, numbers[-1], ROLE_DAEMON)
    assert (again.applied, again.version, again.role) == ((), numbers[-1], ROLE_DAEMON)
    assert dict(map(tuple, rows)) == {x.number: x.digest for x in list_migrations()}


@pytest.fixture
def cluster(request: pytest.FixtureRequest, version: str) -> Any:
    """The cluster of that version."""
    return request.getfixturevalue(f"cluster_{version}")


async def test_two_daemons_that_start_together_migrate_once(cluster_18: Any) -> None:
    """The advisory lock orders them; several databases at once share the cluster's roles."""
    names = [cluster_18.create_database() for _ in range(3)]
    applied: dict[str, list[int]] = {name: [] for name in names}

    async def start(name: str) -> None:
        async with _connect(cluster_18.url(name)) as connection:
            report = await migrate(connection)
            applied[name].append(len(report.applied))

    async with trio.open_nursery() as nursery:
        for name in names * 2:
            nursery.start_soon(start, name)
    assert [sorted(counts) for counts in applied.values()] == [[0, len(list_migrations())]] * 3


async def test_a_newer_database_is_refused_and_not_touched(postgres: Any) -> None:
    """A migration that we do not know means a newer release wrote it."""
    postgres.run("insert into comptoir.schema_migration values (9999, 'later', 'x')")
    with pytest.raises(DatabaseNewer) as caught:
        async with PostgresJournal.open(postgres.url, VAULT):
            raise AssertionError
    assert "9999" in str(caught.value)
    assert postgres.run("select epoch from comptoir.writer") == "0"


async def test_an_edited_migration_is_refused(postgres: Any) -> None:
    """What was applied must be what we ship under its number."""
    ours = list_migrations()
    edited = [*ours[:-1], replace(ours[-1], sql=ours[-1].sql + "-- edited")]
    async with _connect(postgres.url) as connection:
        with pytest.raises(MigrationChanged, match=ours[-1].name):
            await migrate(connection, edited)


async def test_a_failing_migration_leaves_nothing_of_itself(postgres: Any) -> None:
    """Each file is one transaction: half of one is never there."""
    bad = replace(
        list_migrations()[-1], number=99, name="0099_bad.sql",
        sql="create table comptoir.half (x int); select 1 / 0",
    )  # fmt: skip
    async with open_bridge() as bridge:
        connection = await bridge.connect(Target(postgres.url))
        with pytest.raises(Exception, match="22012"):
            await migrate(connection, [*list_migrations(), bad])
        connection.terminate()
    assert postgres.run("select to_regclass('comptoir.half') is null") == "t"
    assert postgres.run("select max(number) from comptoir.schema_migration") == str(
        list_migrations()[-1].number
    )


async def test_a_read_only_database_is_refused(postgres: Any) -> None:
    """A replica, or a read-only setting: typed, with its remedy (interface.md 2)."""
    postgres.run(f"alter database {postgres.database} set default_transaction_read_only = on")
    with pytest.raises(DatabaseReadOnly):
        async with PostgresJournal.open(postgres.url, VAULT):
            raise AssertionError


async def test_nobody_there_is_told_after_the_start_timeout() -> None:
    """The start waits for a database that is still coming up, but not for ever (interface.md 2)."""
    options = JournalOptions(start_timeout_s=0.5)
    with pytest.raises(StorageUnavailable, match=r"0\.5 s"):
        async with PostgresJournal.open("postgresql://postgres@127.0.0.1:1/x", VAULT, options):
            raise AssertionError


def _login(cluster: Any, name: str, database: str, *grants: str) -> str:
    cluster.run(f"create role {name} login", *grants)
    return str(cluster.url(database)).replace("postgres@", f"{name}@")


async def test_a_login_that_may_not_create_roles_goes_on_without(cluster_18: Any) -> None:
    """It owns the schema, may not take on the daemon's role, and says so."""
    database = cluster_18.create_database()
    name = f"plain_{database}"
    url = _login(cluster_18, name, database, f"grant create on database {database} to {name}")
    async with PostgresJournal.open(url, VAULT) as journal:
        assert journal.migrated.role is None
        assert journal.statistics().role_reduced is False
        assert await journal.count_pending(0) == {}


async def test_a_login_without_any_right_is_refused_by_name(cluster_18: Any) -> None:
    """What is missing is said, not a traceback of the server."""
    database = cluster_18.create_database()
    url = _login(cluster_18, f"bare_{database}", database)
    with pytest.raises(DatabasePrivilegesMissing):
        async with PostgresJournal.open(url, VAULT):
            raise AssertionError


async def test_a_stranger_to_a_migrated_database_is_refused_by_name(postgres: Any) -> None:
    """It may not even see whether the schema is there; that is said, with the remedy."""
    url = _login(postgres.cluster, f"stranger_{postgres.database}", postgres.database)
    with pytest.raises(DatabasePrivilegesMissing):
        async with PostgresJournal.open(url, VAULT):
            raise AssertionError


async def test_a_member_of_the_daemons_role_serves_a_database_migrated_by_its_owner(
    postgres: Any,
) -> None:
    """The daemon's login need not own anything once the owner has migrated."""
    name = f"member_{postgres.database}"
    url = _login(postgres.cluster, name, postgres.database, f"grant {ROLE_DAEMON} to {name}")
    async with PostgresJournal.open(url, VAULT) as journal:
        assert (journal.migrated.applied, journal.migrated.role) == ((), ROLE_DAEMON)


WRITES_REFUSED = [
    "update comptoir.transfer set points = 1",
    "delete from comptoir.transfer",
    "truncate comptoir.transfer",
    "update comptoir.event set type = 'x'",
    "delete from comptoir.event",
    "delete from comptoir.event_default",
    "insert into comptoir.event_default values (1, now(), 'a', 'b', 'c', '')",
    "update comptoir.lot set remaining = 0",
    "delete from comptoir.lot",
    "insert into comptoir.lot (id, remaining) values ('x', 5)",
    "insert into comptoir.balance values ('available:u', 5)",
    "update comptoir.balance set points = 0",
    "update comptoir.schema_migration set digest = ''",
    "insert into comptoir.writer values (1, 0, 0, 0)",
    "delete from comptoir.writer",
    "alter table comptoir.transfer disable trigger all",
    "drop table comptoir.event",
    "create table comptoir.mine (x int)",
    "select comptoir.post_transfers()",
]


@pytest.mark.parametrize("statement", WRITES_REFUSED)
async def test_the_daemons_role_may_only_insert_into_journal_and_ledger(
    postgres: Any, statement: str
) -> None:
    """S6, S36: `comptoir_daemon` owns nothing; balances and remaining points are the trigger's (design.md 7)."""
    async with _connect(postgres.url) as connection:
        await connection.run_script(f"set role {ROLE_DAEMON}")
        with pytest.raises(Exception, match="42501"):
            await connection.run_script(statement)


async def test_auditors_read_reports_and_nothing_else(postgres: Any) -> None:
    """`comptoir_reader` selects from schema report only (interface.md 5)."""
    async with _connect(postgres.url) as connection:
        await connection.run_script("set role comptoir_reader")
        for view in ("wallet", "entry", "lot", "transaction", "posting"):
            await connection.fetch(f"select * from report.{view}")
        for table in ("transfer", "message", "actor", "document"):
            with pytest.raises(Exception, match="42501"):
                await connection.fetch(f"select * from comptoir.{table}")
