"""`PostgresJournal`: the engine's journal on PostgreSQL, 15 or newer.

The rule: one writer by epoch. Opening waits for the lease (a standby queues there), migrates, raises
the epoch, and only then serves; the lease is a courtesy, the epoch is the fence, because a lock was
seen to be free 4 ms after its owner died, while the dead owner's batch landed later.
Source: design.md 7; engine/journal.py (the contract).
"""

import logging
import math
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final, TypeVar

import trio

from comptoir.engine.decision import Attempt
from comptoir.engine.errors import Stopping, Superseded
from comptoir.engine.journal import JournalStatistics, Pending, Run
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
from comptoir.storage.migrate import MigrationReport, check_schema, migrate
from comptoir.storage.reads import Reads, read_attempts
from comptoir.storage.runs import identify_message, write_attempts
from comptoir.storage.session import LANE
from comptoir.storage.sqlstate import ConnectionLost
from comptoir.storage.vault import Vault
from comptoir.storage.writer import Writer

__all__ = ["JournalOptions", "PostgresJournal"]

log = logging.getLogger("comptoir.storage")

T = TypeVar("T")

RETRY_SECONDS: Final = 0.2
PURGE_ROWS_MAX: Final = 5_000
REPLAYED: Final = "replayed"
"""The attempt that a replay adds: attempts before it are history, not budget."""

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

REPLAY_READ_SQL: Final = """
select id, kind, key, sender_kind, sender_key, created_at, attempts, payload
from comptoir.message where class = 'dead' and id = any($1) order by id"""
REPLAY_SQL: Final = "select comptoir.replay_dead($1, $2, $3, $4, $5, $6)"
# Both write under the writer's own epoch only, and hold its row: how many rows are ours, and written.
PURGE_SQL: Final = """
with mine as materialized (
    select from comptoir.writer where lane = $1 and epoch = $2 for update
), gone as (
    delete from comptoir.once where exists (select from mine) and digest in (
        select digest from comptoir.once where expires_at <= $3 order by expires_at limit $4)
    returning 1
) select (select count(*) from mine), (select count(*) from gone)"""
EXPIRE_SQL: Final = """
with mine as materialized (
    select from comptoir.writer where lane = $1 and epoch = $2 for update
), gone as (
    delete from comptoir.message where exists (select from mine) and class = 'dead' and id in (
        select id from comptoir.message
        where class = 'dead' and died_at <= $3 and queue <> all($4::text[]) limit $5)
    returning queue
) select (select count(*) from mine), array(select queue from gone)"""
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
    lease: LeaseOptions = field(default_factory=LeaseOptions)
    """When a daemon that shows no life is replaced."""


class PostgresJournal(Reads):
    """Durability for actors; see `comptoir.engine.journal.Journal` for the contract."""

    def __init__(self, pool: Pool, vault: Vault, writer: Writer, migrated: MigrationReport) -> None:
        super().__init__(pool, vault)
        self._writer = writer
        self.migrated = migrated
        """What was applied at the start, and the role of the sessions."""

    def __repr__(self) -> str:
        return f"<PostgresJournal {self._writer!r}>"

    @classmethod
    @asynccontextmanager
    async def open(
        cls, url: str, vault: Vault, options: JournalOptions | None = None
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
            role = migrated.role
            patience = (options.statement_timeout_s, options.reconnect_interval_s)
            target = Target(url, "comptoir writer", WRITER_SETTINGS, role, *patience)
            writer = Writer(
                bridge,
                target,
                vault,
                batch_decisions_max=options.batch_decisions_max,
                crashes=Crashes(options.writer_intensity),
            )
            with trio.move_on_after(seconds) as raising:
                await writer.raise_epoch(options.now)
            if raising.cancelled_caught:
                raise StorageUnavailable("the database went away during the start")
            bounds = {"statement_timeout": f"{math.ceil(options.statement_timeout_s * 1000)}ms"}
            readers = Target(url, "comptoir reader", {**READER_SETTINGS, **bounds}, role, *patience)
            journal = cls(Pool(bridge, readers, options.readers), vault, writer, migrated)
            bridge.nursery.start_soon(writer.run)
            bridge.nursery.start_soon(journal.run_loads)
            bridge.nursery.start_soon(journal._keep_lead, lease)
            try:
                yield journal
            finally:
                with trio.CancelScope(shield=True):
                    await journal._stop(options.stop_timeout_s)

    async def _keep_lead(self, lease: Lease) -> None:
        await lease.keep(self._writer.epoch, self.migrated.role)
        # Whoever finds it out before us ends the writer as well: then nothing is left to do.
        with suppress(Superseded, Stopping):
            await self._writer.perform(self._writer.confirm_epoch)

    async def _stop(self, seconds: float) -> None:
        self._writer.stop()
        with trio.move_on_after(seconds):
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

    async def replay(self, ids: Sequence[int], now: int) -> list[Pending]:
        """Turn dead letters back into due messages, in one transaction; those rows, for delivery.

        They get new ids (after everything committed so far), and `replayed` as a last attempt.
        Ids that are no dead letters are left out.
        """
        return await self._writer.perform(lambda: self._replay(ids, now))

    async def _replay(self, ids: Sequence[int], now: int) -> list[Pending]:
        writer = self._writer
        rows = await writer.call(REPLAY_READ_SQL, sorted(set(ids)))
        revived: list[Pending] = []
        seal = self._vault.seal
        for row, fresh in zip(rows, writer.draw(len(rows)), strict=True):
            target = Address(row[1], row[2])
            attempts = (*read_attempts(row[6]), Attempt(now, REPLAYED))
            payload = self._vault.open(row[7], identify_message(row[0], target))
            sender = Address(row[3], row[4])
            revived.append(Pending(fresh, target, sender, now, row[5], attempts, None, payload))
        if revived:
            await writer.advance(
                REPLAY_SQL,
                writer.last_event,
                [
                    (
                        row[0],
                        x.id,
                        seal(x.payload, identify_message(x.id, x.target)),
                        write_attempts(x.attempts),
                    )
                    for row, x in zip(rows, revived, strict=True)
                ],
                now,
            )
        return revived

    async def purge(self, now: int) -> int:
        """Forget a slice of the `once` keys that expired; answers how many (0: none are left)."""
        return await self._writer.perform(lambda: self._write(PURGE_SQL, now, PURGE_ROWS_MAX))

    async def expire_dead(self, died_before: int, keep: Sequence[str] = ()) -> Counter[str]:
        """Delete a slice of the dead letters that died by then; answers how many of each queue."""
        epoch, kept = self._writer.epoch, list(keep)

        async def work() -> Counter[str]:
            arguments = (LANE, epoch, died_before, kept, PURGE_ROWS_MAX)
            ours, queues = (await self._writer.call(EXPIRE_SQL, *arguments))[0]
            if not ours:
                raise Superseded(f"the epoch is another's, ours was {epoch}")
            return Counter(queues)

        return await self._writer.perform(work)

    async def put_setting(self, name: str, value: str) -> None:
        """Keep a setting beyond restarts (the business clock's offset)."""
        await self._writer.perform(lambda: self._write(SETTING_SQL, name, value))

    async def _write(self, sql: str, *arguments: object) -> int:
        """Write what is no decision, under our own epoch; answers how many rows.

        Raises:
            Superseded: the epoch is another's; nothing was written.
        """
        epoch = self._writer.epoch
        ours, rows = (await self._writer.call(sql, LANE, epoch, *arguments))[0]
        if not ours:
            raise Superseded(f"the epoch is another's, ours was {epoch}")
        return int(rows)

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
