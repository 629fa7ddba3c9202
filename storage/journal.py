"""`PostgresJournal`: the engine's journal on PostgreSQL, 15 or newer.

The rule: one writer by epoch. Opening waits for the lease (a standby queues there), migrates, raises
the epoch, and only then serves; the lease is a courtesy, the epoch is the fence, because a lock was
seen to be free 4 ms after its owner died, while the dead owner's batch landed later.
Source: design.md 7; engine/journal.py (the contract).
"""

import logging
import math
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeVar

import trio

from comptoir.engine.errors import Failed, Stopping, Superseded
from comptoir.engine.journal import JournalStatistics, Run
from comptoir.engine.spec import Intensity
from comptoir.engine.values import Address
from comptoir.storage.bridge import (
    QUERY_SECONDS,
    RECONNECT_SECONDS,
    Bridge,
    Connection,
    Pool,
    Target,
    open_bridge,
)
from comptoir.storage.crashes import WRITER_INTENSITY, Crashes
from comptoir.storage.errors import StorageUnavailable
from comptoir.storage.lease import Lease, LeaseOptions
from comptoir.storage.letters import Letters
from comptoir.storage.migrate import MigrationReport, check_schema, migrate
from comptoir.storage.reseal import (
    Mover,
    Page,
    Resealer,
    count_movable,
    count_rows,
    move_once_page,
    reseal_page,
)
from comptoir.storage.roles import come_in_as
from comptoir.storage.sealing import SETTING, Sealer
from comptoir.storage.session import LANE
from comptoir.storage.sqlstate import ConnectionLost
from comptoir.storage.writer import Writer

__all__ = ["JournalOptions", "PostgresJournal"]

log = logging.getLogger("comptoir.storage")

T = TypeVar("T")

RETRY_SECONDS: Final = 0.2
PURGE_ROWS_MAX: Final = 5_000
ACTORS_PAGE: Final = 500
"""Actors that one look for old ones reads the keys of."""

WRITER_SETTINGS: Final = {
    # Every access of the writer is by key. Plans are made once, whatever the statistics say of
    # tables that were empty then, and never scan: a credit costs the same at any size.
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_bitmapscan": "off",
    "search_path": "pg_catalog",
    "lock_timeout": "0",
}
READER_SETTINGS: Final = {
    "default_transaction_read_only": "on",
    "enable_seqscan": "off",
    "search_path": "pg_catalog",
}

# It writes under the writer's own epoch only, and holds its row: how many rows are ours, and written.
PURGE_SQL: Final = """
with mine as materialized (
    select from comptoir.writer where lane = $1 and epoch = $2 for update
), gone as (
    delete from comptoir.once where exists (select from mine) and digest in (
        select digest from comptoir.once where expires_at <= $3 order by expires_at limit $4)
    returning 1
) select (select count(*) from mine), (select count(*) from gone)"""
OLD_ACTORS_SQL: Final = """
select key, a.updated_at <= timestamptz 'epoch' + $4 * interval '1 ms' and not exists (
    select from comptoir.message m where m.kind = a.kind and m.key = a.key and m.class <> 'dead')
from comptoir.actor a where kind = $1 and key > $2 order by key limit $3"""
EXPIRE_ACTORS_SQL: Final = """
with mine as materialized (
    select from comptoir.writer where lane = $1 and epoch = $2 for update
), gone as (
    delete from comptoir.actor a using unnest($4::text[]) as u(key)
    where exists (select from mine) and a.kind = $3 and a.key = u.key
      and a.updated_at <= timestamptz 'epoch' + $5 * interval '1 ms'
    returning 1
) select (select count(*) from mine), (select count(*) from gone)"""
BOUND_SQL: Final = """
select (select value from comptoir.setting where name = $1),
       not exists (select from comptoir.actor)"""
SETTING_SQL: Final = """
with mine as materialized (
    select from comptoir.writer where lane = $1 and epoch = $2 for update
), kept as (
    insert into comptoir.setting (name, value) select $3, $4 from mine
    on conflict (name) do update set value = excluded.value
    returning 1
) select (select count(*) from mine), (select count(*) from kept)"""


def _no_callback() -> None:
    """Nobody asked to hear."""


@dataclass(frozen=True, slots=True)
class JournalOptions:
    """How a journal is opened."""

    readers: int = 4
    """Connections for reads."""
    batch_decisions_max: int = 256
    """Decisions of one batch: more would only delay the first of them."""
    statement_timeout_s: float = QUERY_SECONDS
    """How long an answer of the database may take before its connection is given up."""
    reconnect_interval_s: float = RECONNECT_SECONDS
    """The longest pause between two attempts to reach it."""
    start_timeout_s: float = 30.0
    """How long the database may be away at the start."""
    stop_timeout_s: float = 5.0
    """How long the runs that wait may take to become durable at the end."""
    now: int = 0
    """Business time at the start, ms since 1970: the first partitions are made for it."""
    writer_intensity: Intensity = WRITER_INTENSITY
    """How many crashes of the writer are borne within which time; beyond, the journal ends."""
    on_standby: Callable[[], None] = _no_callback
    """Called once if another daemon is the writer and this one waits for it."""
    own_login: bool = False
    """Whether the daemon's role can log in as itself: its sessions do, and there is no way back from it. Else they
    take it on, and whoever has one of them could put it off again (docs/adr/0041)."""
    lease: LeaseOptions = field(default_factory=LeaseOptions)
    """When a daemon that shows no life is replaced."""


class PostgresJournal(Letters):
    """Durability for actors; see `comptoir.engine.journal.Journal` for the contract."""

    def __init__(
        self, pool: Pool, vault: Sealer, writer: Writer, migrated: MigrationReport
    ) -> None:
        super().__init__(pool, vault, writer)
        self.migrated = migrated
        """What was applied at the start, and the role of the sessions."""

    def __repr__(self) -> str:
        return f"<PostgresJournal {self._writer!r}>"

    @classmethod
    @asynccontextmanager
    async def open(
        cls, url: str, vault: Sealer, options: JournalOptions | None = None
    ) -> AsyncGenerator["PostgresJournal"]:
        """Connect, become the writer, migrate, serve; at the end commit what waits, and close.

        Raises:
            StorageUnavailable: nobody answered within `start_timeout_s`.
            DatabaseNewer, DatabaseOlder, DatabaseReadOnly, MigrationChanged,
            DatabasePrivilegesMissing: see storage/migrate.py.
        """
        options = options or JournalOptions()
        async with open_bridge() as bridge:
            seconds = options.start_timeout_s
            await _prepare(bridge, url, seconds, check_schema)
            lease = Lease(bridge, url, options.lease)
            await lease.take(options.on_standby)
            migrated = await _prepare(bridge, url, seconds, migrate)
            role, sessions = migrated.role, url
            if role is not None and options.own_login:
                sessions, role = come_in_as(url, role), None
            patience = (options.statement_timeout_s, options.reconnect_interval_s)
            target = Target(sessions, "comptoir writer", WRITER_SETTINGS, role, *patience)
            writer = Writer(
                bridge,
                target,
                vault,
                batch_decisions_max=options.batch_decisions_max,
                crashes=Crashes(options.writer_intensity),
            )
            with trio.move_on_after(seconds) as raising:
                await writer.raise_epoch(options.now)
                await _attach(writer, vault)
            if raising.cancelled_caught:
                raise StorageUnavailable("the database went away during the start")
            bounds = {"statement_timeout": f"{math.ceil(options.statement_timeout_s * 1000)}ms"}
            settings = {**READER_SETTINGS, **bounds}
            readers = Target(sessions, "comptoir reader", settings, role, *patience)
            journal = cls(Pool(bridge, readers, options.readers), vault, writer, migrated)
            bridge.nursery.start_soon(writer.run)
            bridge.nursery.start_soon(journal.run_loads)
            bridge.nursery.start_soon(journal._keep_lead, lease, bridge.nursery)
            try:
                yield journal
            finally:
                with trio.CancelScope(shield=True):
                    await journal._stop(options.stop_timeout_s)

    async def _keep_lead(self, lease: Lease, nursery: trio.Nursery) -> None:
        def on_away() -> None:
            nursery.start_soon(self._have_writer_ask)

        await lease.keep(self._writer.epoch, self.migrated.role, on_away)
        await self._have_writer_ask()

    async def _have_writer_ask(self) -> None:
        """Have the writer find out by itself: that it was superseded, or that the database is away, which
        nobody would be told while nothing is written.
        """
        # Whoever finds it out before us ends the writer as well: then nothing is left to do. A crash of the
        # writer over it is counted and logged there.
        with suppress(Superseded, Stopping, Failed):
            await self._writer.perform(self._writer.confirm_epoch)

    async def _stop(self, seconds: float) -> None:
        writer = self._writer
        writer.stop()
        # Where the database is away and no run waits, all that would be waited for is its return.
        with trio.move_on_after(seconds if writer.available or writer.runs_waiting else 0):
            await self._writer.ended.wait()
        self._writer.scope.cancel()
        await self._writer.ended.wait()
        await self._pool.close()

    def submit(self, run: Run) -> None:
        """Queue a run for the next batch; its fate comes by `run.settle`, exactly once."""
        self._writer.submit(run)

    @property
    def available(self) -> bool:
        """Whether the database answers."""
        return self._writer.available

    async def wait_stopped(self) -> str:
        """Wait until no more runs are taken; answers why: SUPERSEDED, STOPPING, BROKEN."""
        await self._writer.ended.wait()
        return self._writer.stopped

    async def purge(self, now: int) -> int:
        """Forget a slice of the `once` keys that expired; answers how many (0: none are left)."""
        return await self._writer.perform(lambda: self._write(PURGE_SQL, now, PURGE_ROWS_MAX))

    async def expire_actors(self, kind: str, after: str, before: int) -> tuple[str | None, int]:
        """As `Journal.expire_actors`. The keys go first: what has ended for so long does not begin again,
        and a key that stayed behind would never be found any more.
        """
        rows = await self._fetch(OLD_ACTORS_SQL, kind, after, ACTORS_PAGE, before)
        following = rows[-1][0] if len(rows) == ACTORS_PAGE else None
        old = [key for key, is_old in rows if is_old]
        if not old:
            return following, 0
        await self._vault.erase([Address(kind, key) for key in old])
        work = partial(self._write, EXPIRE_ACTORS_SQL, kind, old, before)
        return following, await self._writer.perform(work)

    async def put_setting(self, name: str, value: str) -> None:
        """Keep a setting beyond restarts (the business clock's offset)."""
        await self._writer.perform(lambda: self._write(SETTING_SQL, name, value))

    async def count_resealable(self, mover: Mover | None = None) -> int:
        """Sealed rows, events aside; or the `once` rows that a mover still has to move."""
        writer = self._writer
        if mover is None:
            return await writer.perform(lambda: count_rows(writer))
        return await writer.perform(lambda: count_movable(writer, mover))

    async def reseal(self, keys: Resealer, table: str, cursor: tuple[Any, ...], limit: int) -> Page:
        """Seal a page of a table anew, between two batches (storage/reseal.py)."""
        writer = self._writer
        return await writer.perform(lambda: reseal_page(writer, keys, table, cursor, limit))

    async def move_once(self, mover: Mover, limit: int) -> Page:
        """Move a page of `once` rows to new digests, between two batches (storage/reseal.py)."""
        writer = self._writer
        return await writer.perform(lambda: move_once_page(writer, mover, limit))

    def statistics(self) -> JournalStatistics:
        """A snapshot of the journal's own figures."""
        writer, counters = self._writer, self._writer.counters
        return JournalStatistics(
            connected=writer.available,
            epoch=writer.epoch,
            batch=writer.batch,
            last_event=writer.last_event,
            runs_waiting=writer.runs_waiting,
            batches_total=counters.batches,
            decisions_total=counters.decisions,
            batch_size_last=counters.size,
            seconds_committing_total=counters.seconds,
            refusals_total=counters.refusals,
            rejections_total=counters.rejections,
            reconnects_total=counters.reconnects,
            events_unpartitioned_total=writer.events_unpartitioned,
            role_reduced=self.migrated.role is not None,
            stopped=writer.stopped,
            crashes_total=writer.crashes.total,
            crashes_recent=writer.crashes.recent,
        )


async def _attach(writer: Writer, vault: Sealer) -> None:
    """Hold that this database was sealed by these keys, or bind it to them."""
    bound, fresh = (await writer.call(BOUND_SQL, SETTING))[0]
    value = await vault.attach(bound, fresh=fresh)
    if value is not None:
        await writer.call(SETTING_SQL, LANE, writer.epoch, SETTING, value)


async def _prepare(
    bridge: Bridge, url: str, seconds: float, step: Callable[[Connection], Awaitable[T]]
) -> T:
    """Take a step of the start on a session of its own, trying again until the time is over."""
    last = "no answer"
    with trio.move_on_after(seconds):
        while True:
            try:
                connection = await bridge.connect(Target(url, "comptoir migrate"))
                try:
                    return await step(connection)
                finally:
                    with trio.CancelScope(shield=True):
                        await connection.close()
            except ConnectionLost as error:
                last = error.detail
            await trio.sleep(RETRY_SECONDS)
    raise StorageUnavailable(f"the database did not answer within {seconds:g} s ({last})")
