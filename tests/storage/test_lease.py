"""Whose turn it is to write: a daemon that shows no life is replaced, one that does is not.

Source: design.md 7 (One writer); spec.md S43, S71.
"""

import socket
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
import trio

from comptoir.engine.journal import Lost
from comptoir.engine.values import Address
from comptoir.storage.bridge import Connection, Target, open_bridge
from comptoir.storage.journal import JournalOptions, PostgresJournal
from comptoir.storage.journal_testing import NOW, Desk, note
from comptoir.storage.lease import LOCK_WRITER, LeaseOptions
from comptoir.storage.migrate import list_migrations, migrate
from comptoir.storage.sqlstate import ConnectionLost
from comptoir.storage.vault import Vault

ALICE = Address("wallet", "alice")
VAULT = Vault({"k1": bytes(range(32))})
SHORT = LeaseOptions(lease_s=0.5, poll_s=0.05)
HOLDERS_SQL = "select count(*) from pg_locks where locktype = 'advisory' and granted and database = (select oid from pg_database where datname = current_database())"  # fmt: skip
WAITING_SQL = HOLDERS_SQL.replace("granted", "not granted")
QUIET_SQL = "select count(*) > 3 from (select pg_sleep(0.3) from generate_series(1, 6)) x"
"""Takes 1.8 s, three leases and more, by the server's clock: nothing here sleeps."""


@asynccontextmanager
async def _holding(url: str) -> AsyncGenerator[Connection]:
    """A session that holds the lock, as a daemon's that shows no life: it asks nothing."""
    async with open_bridge() as bridge:
        connection = await bridge.connect(Target(url, "comptoir lock"))
        await connection.fetch("select pg_advisory_lock($1)", LOCK_WRITER)
        yield connection
        connection.terminate()


class Standby:
    """A second daemon's journal, opened beside the first one's."""

    def __init__(self, url: str, lease: LeaseOptions = SHORT) -> None:
        self.url = url
        self.options = JournalOptions(now=NOW, readers=1, on_standby=self._told, lease=lease)
        self.waits = trio.Event()
        self.serves = trio.Event()
        self.done = trio.Event()
        self.epoch = 0
        self.stopped = ""

    def _told(self) -> None:
        self.waits.set()

    async def run(self) -> None:
        """Stand by, then serve until `done`."""
        async with PostgresJournal.open(self.url, VAULT, self.options) as journal:
            self.epoch = journal.statistics().epoch
            self.serves.set()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._listen, journal)
                await self.done.wait()
                nursery.cancel_scope.cancel()

    async def _listen(self, journal: PostgresJournal) -> None:
        self.stopped = await journal.wait_stopped()


async def _until(look: Callable[[], Awaitable[bool]]) -> None:
    with trio.fail_after(10):
        while not await look():
            await trio.lowlevel.checkpoint()


async def test_a_daemon_that_shows_no_life_is_replaced(postgres: Any) -> None:
    """S71: its session is there, holds the lock and never asks anything: stopped, or cut off."""
    async with _holding(postgres.url) as silent, trio.open_nursery() as nursery:
        standby = Standby(postgres.url)
        nursery.start_soon(standby.run)
        with trio.fail_after(10):
            await standby.waits.wait()
            await standby.serves.wait()
        with pytest.raises(ConnectionLost):
            await silent.fetch("select 1")
        assert standby.epoch == 1
        standby.done.set()


async def test_a_daemon_at_rest_keeps_its_place(postgres: Any) -> None:
    """One that has nothing to do shows life all the same, through several leases (S43)."""
    first = Standby(postgres.url)
    second = Standby(postgres.url)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(first.run)
        await first.serves.wait()
        nursery.start_soon(second.run)
        await second.waits.wait()
        assert await trio.to_thread.run_sync(postgres.run, QUIET_SQL) == "t"
        assert not second.serves.is_set()
        first.done.set()
        with trio.fail_after(10):
            await second.serves.wait()
        assert (first.epoch, second.epoch) == (1, 2)
        second.done.set()


def _stop_within_a_statement(url: str) -> socket.socket:
    """A session that holds the lock and has sent one half of a statement, as a client that is stopped there.

    PostgreSQL, frontend/backend protocol: Parse and Flush, and neither Bind nor Sync.
    """
    target = urlsplit(url)
    assert target.hostname is not None
    session = socket.create_connection((target.hostname, target.port or 5432), timeout=10)

    def say(kind: bytes, body: bytes) -> None:
        session.sendall(kind + struct.pack("!i", len(body) + 4) + body)

    def hear(kind: bytes) -> None:
        with session.makefile("rb", buffering=0) as stream:
            heard = b""
            while heard != kind:
                heard, size = struct.unpack("!ci", stream.read(5))
                assert heard != b"E", "refused"
                left = size - 4
                while left:
                    left -= len(stream.read(left))

    name = target.path.strip("/").encode()
    say(b"", struct.pack("!i", 3 << 16) + b"user\0postgres\0database\0" + name + b"\0\0")
    hear(b"Z")
    say(b"Q", f"select pg_advisory_lock({LOCK_WRITER})\0".encode())
    hear(b"Z")
    say(b"P", b"\0select 1\0\0\0")
    say(b"H", b"")
    hear(b"1")
    return session


async def test_a_daemon_that_is_stopped_within_a_statement_is_replaced(postgres: Any) -> None:
    """S43, S71: its session is `active`, as one that works, but it is the client that is waited for."""
    with await trio.to_thread.run_sync(_stop_within_a_statement, postgres.url):
        async with trio.open_nursery() as nursery:
            standby = Standby(postgres.url)
            nursery.start_soon(standby.run)
            with trio.fail_after(10):
                await standby.serves.wait()
            standby.done.set()


async def test_a_session_at_work_is_never_ended(postgres: Any) -> None:
    """Then it is the database that is slow, and no standby would be faster."""
    async with _holding(postgres.url) as busy, trio.open_nursery() as nursery:
        standby = Standby(postgres.url)
        nursery.start_soon(standby.run)
        await standby.waits.wait()
        assert (await busy.fetch(QUIET_SQL))[0][0] is True
        assert not standby.serves.is_set()
        with trio.fail_after(10):
            await standby.serves.wait()  # for it is silent from then on
        standby.done.set()


async def test_of_two_standbys_one_takes_over_and_the_other_waits(postgres: Any) -> None:
    """S71: the one that has taken over is not ended by the one that watched the old one as well."""
    async with _holding(postgres.url), trio.open_nursery() as nursery:
        standbys = [Standby(postgres.url), Standby(postgres.url)]
        for standby in standbys:
            nursery.start_soon(standby.run)
        for standby in standbys:
            await standby.waits.wait()

        async def one_serves() -> bool:
            return sum(standby.serves.is_set() for standby in standbys) == 1

        await _until(one_serves)
        assert await trio.to_thread.run_sync(postgres.run, QUIET_SQL) == "t"
        assert await one_serves()
        assert await trio.to_thread.run_sync(postgres.run, WAITING_SQL) == "1"
        active = next(standby for standby in standbys if standby.serves.is_set())
        assert active.stopped == ""
        for standby in standbys:
            standby.done.set()


async def test_a_superseded_daemon_at_rest_learns_of_it(postgres: Any) -> None:
    """Without a single write: it reads the epoch with every sign of life, ends, and takes nothing."""
    async with postgres.open() as journal:
        desk = Desk(journal)
        await desk.write(ALICE, note("a"))
        await postgres.usurp()
        with trio.fail_after(10):
            assert await journal.wait_stopped() == "SUPERSEDED"
        fate = await desk.write(ALICE, note("b"))
        assert isinstance(fate.why, Lost)
        assert fate.why.code == "SUPERSEDED"
    assert postgres.run("select version from comptoir.actor") == "1"


class Vanishing:
    """A database that goes away, and comes back."""

    def __init__(self, postgres: Any) -> None:
        self._run = postgres.cluster.run
        self._name = postgres.database

    async def _tell(self, *statements: str) -> None:
        await trio.to_thread.run_sync(self._run, *statements)

    async def leave(self) -> None:
        """Nobody is in it any more, and nobody finds it."""
        await self._tell(
            f'alter database "{self._name}" allow_connections false',
            f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{self._name}'",
            f'alter database "{self._name}" rename to "{self._name}_away"',
        )

    async def come_back(self) -> None:
        """As it was."""
        await self._tell(
            f'alter database "{self._name}_away" allow_connections true',
            f'alter database "{self._name}_away" rename to "{self._name}"',
        )


async def _until_available(journal: PostgresJournal, *, wanted: bool) -> None:
    with trio.fail_after(10):
        while journal.available is not wanted:
            await trio.lowlevel.checkpoint()


async def test_a_daemon_at_rest_learns_that_the_database_is_away_and_back(postgres: Any) -> None:
    """Without a single write: the writer is asked as soon as the lock's session is lost, and readiness has it from there
    (S71).
    """
    database = Vanishing(postgres)
    async with postgres.open() as journal:
        await database.leave()
        await _until_available(journal, wanted=False)
        await database.come_back()
        await _until_available(journal, wanted=True)
        assert (await Desk(journal).write(ALICE, note("a"))).why is None


async def test_a_daemon_that_stops_at_rest_does_not_wait_for_a_database_that_is_away(
    postgres: Any,
) -> None:
    """Nothing is to be lost, so the time to stop in is not used up."""
    options = JournalOptions(now=NOW, readers=1, lease=SHORT, stop_timeout_s=3600)
    with trio.fail_after(30):
        async with PostgresJournal.open(postgres.url, VAULT, options) as journal:
            await Vanishing(postgres).leave()
            await _until_available(journal, wanted=False)


async def test_a_lost_session_is_taken_anew(postgres: Any) -> None:
    """A daemon whose lock's session was ended, with nobody in line, has the lock again soon."""
    async with postgres.open() as journal:
        await trio.to_thread.run_sync(
            postgres.run,
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where application_name = 'comptoir lock' and datname = current_database()",
        )

        async def held() -> bool:
            return bool(await trio.to_thread.run_sync(postgres.run, HOLDERS_SQL) == "1")

        await _until(held)
        assert (await Desk(journal).write(ALICE, note("a"))).why is None
        assert journal.statistics().stopped == ""


async def test_a_standby_changes_nothing_while_it_waits(postgres: Any) -> None:
    """A newer release that stands by leaves the schema to the daemon that works on it (S43)."""
    postgres.run(
        "update comptoir.schema_migration set number = number where false",
        "delete from comptoir.schema_migration where number = "
        "(select max(number) from comptoir.schema_migration)",
    )
    known = postgres.run("select count(*) from comptoir.schema_migration")
    async with _holding(postgres.url), trio.open_nursery() as nursery:
        standby = Standby(postgres.url, LeaseOptions(lease_s=60))
        nursery.start_soon(standby.run)
        with trio.fail_after(10):
            await standby.waits.wait()
        assert postgres.run("select count(*) from comptoir.schema_migration") == known
        nursery.cancel_scope.cancel()


async def test_a_schema_changes_only_when_nobody_else_may_write(postgres: Any) -> None:
    """The epoch is raised before the first new migration, so that a daemon that was thought dead
    writes nothing into a schema that it does not know (design.md 7).
    """
    later = replace(list_migrations()[-1], number=99, name="0099_later.sql", sql="select 1")
    before = int(postgres.run("select epoch from comptoir.writer"))
    async with open_bridge() as bridge:
        connection = await bridge.connect(Target(postgres.url))
        assert (await migrate(connection, [*list_migrations(), later])).applied == (99,)
        connection.terminate()
    assert int(postgres.run("select epoch from comptoir.writer")) == before + 1
