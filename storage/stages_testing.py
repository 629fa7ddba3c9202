"""Where sequences of operations are played: tables in memory, and a database of PostgreSQL.

The rule: each sequence begins with empty tables and epoch 0, and ends with no task left. The journal
on PostgreSQL is put together as `PostgresJournal.open` does after it holds the lease: schema and lease
take 50 ms for each opening, which thousands of sequences cannot pay and do not need. A connection can
lose one request or one answer of `commit_batch`, on demand. Source: issue 3, deliver 5.
"""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, NamedTuple, cast

import msgspec
import trio

from comptoir.engine.values import Address
from comptoir.storage.bridge import Bridge, Connection, Pool, Target, open_bridge
from comptoir.storage.journal import READER_SETTINGS, WRITER_SETTINGS, PostgresJournal
from comptoir.storage.journal_testing import NOW
from comptoir.storage.memory import MemoryTables, MessageRow
from comptoir.storage.migrate import MigrationReport, migrate
from comptoir.storage.runs import identify_actor, identify_event, identify_message, identify_once
from comptoir.storage.sealing import Sealer
from comptoir.storage.sqlstate import ConnectionLost, DataRefused, FenceRaised
from comptoir.storage.testing import MemoryJournal
from comptoir.storage.writer import Writer

__all__ = ["MemoryStage", "PostgresStage"]

TRUNCATE_EVERY: Final = 50
"""Deleting a few rows is faster than truncating, until the dead ones are many."""
TABLES: Final = (
    "actor", "message", "once", "event", "leaf", "transfer", "lot", "balance", "document", "setting",
)  # fmt: skip
RESET_SQL: Final = "update comptoir.writer set epoch = 0, batch = 0, event_number = 0, entry_id = 0"
DELETE_SQL: Final = ";".join(
    (RESET_SQL, *(f"delete from comptoir.{name}" for name in TABLES))  # noqa: S608 - names of ours
)
"""The writer's row first, as each batch takes it: one of a sequence that was cancelled ends before."""
TRUNCATE_SQL: Final = f"truncate {', '.join(f'comptoir.{name}' for name in TABLES)};{RESET_SQL};vacuum comptoir.writer"
MS: Final = "(extract(epoch from {}) * 1000)::bigint"
DUMP_SQL: Final = f"""
select json_build_object(
'writer', (select json_build_array(epoch, event_number) from comptoir.writer),
'actor', (select coalesce(json_agg(json_build_array(
    kind, key, version, schema, {MS.format("updated_at")}, encode(state, 'hex')) order by kind, key), '[]')
    from comptoir.actor),
'message', (select coalesce(json_agg(json_build_object(
    'id', id, 'target', json_build_array(kind, key), 'class', class,
    'sender', json_build_array(sender_kind, sender_key), 'due_at', due_at, 'created_at', created_at,
    'name', name, 'attempts', coalesce(attempts, '[]'), 'payload', encode(payload, 'hex'),
    'dead', json_build_array(queue, code, detail, died_at)) order by id), '[]')
    from comptoir.message),
'once', (select coalesce(json_object_agg(encode(digest, 'hex'),
    json_build_array(scope, encode(answer, 'hex'), expires_at)), '{{}}') from comptoir.once),
'lot', (select coalesce(json_object_agg(id, json_build_array(owner, source, tag, points, remaining,
    basis_cents, rate_bp, multiplier_bp, {MS.format("earned_at")}, {MS.format("expires_at")})), '{{}}')
    from comptoir.lot),
'transfer', (select coalesce(json_agg(json_build_object('id', entry_id, 'first', set_id = entry_id,
    'row', json_build_array({MS.format("at")}, owner, kind, debit, credit, points, lot_id,
    transaction_id, withdrawal_id, after_available, after_pending, after_blocked, after_shortfall))
    order by entry_id), '[]') from comptoir.transfer),
'balance', (select coalesce(json_object_agg(account, points), '{{}}') from comptoir.balance),
'document', (select coalesce(json_agg(json_build_array(
    collection, key, owner, body, {MS.format("updated_at")}) order by collection, key), '[]')
    from comptoir.document),
'event', (select coalesce(json_agg(json_build_array(
    number, {MS.format("at")}, kind, key, type, encode(payload, 'hex')) order by number), '[]')
    from comptoir.event),
'setting', (select coalesce(json_object_agg(name, value), '{{}}') from comptoir.setting))
"""  # noqa: S608 - columns of ours


class MemoryStage:
    """Tables in memory; the connection to them cannot break, but an answer can be lost."""

    name = "memory"

    def __init__(self, nursery: trio.Nursery, vault: Sealer, batch_decisions_max: int) -> None:
        self._nursery = nursery
        self._vault = vault
        self._batch_decisions_max = batch_decisions_max
        self._tables = MemoryTables()
        self._opened: list[MemoryJournal] = []
        self.journal = self._open()

    @classmethod
    @asynccontextmanager
    async def open(cls, vault: Sealer, batch_decisions_max: int) -> AsyncGenerator["MemoryStage"]:
        """Empty tables and a journal on them."""
        async with trio.open_nursery() as nursery:
            stage = cls(nursery, vault, batch_decisions_max)
            try:
                yield stage
                await stage.close(stage.journal)
            finally:
                for journal in stage._opened:
                    journal.stop()  # shielded: whoever is cancelled would wait for it for ever

    def _open(self) -> MemoryJournal:
        journal = MemoryJournal(self._tables, batch_decisions_max=self._batch_decisions_max)
        self._opened.append(journal)
        self._nursery.start_soon(journal.run)
        return journal

    async def restart(self) -> None:
        """Close the journal, open another."""
        await self.close(self.journal)
        self.journal = self._open()

    async def take_over(self) -> MemoryJournal:
        """Open another journal beside this one."""
        await trio.lowlevel.checkpoint()
        first, self.journal = self.journal, self._open()
        return first

    async def close(self, journal: MemoryJournal) -> None:
        """End a journal."""
        journal.stop()
        await journal.ended.wait()

    def lose(self, what: str) -> None:
        """Lose the next answer; a request that was lost leaves no trace here."""
        if what == "answer":
            self.journal.lose_answers()

    async def dump(self) -> dict[str, Any]:
        """Every table."""
        await trio.lowlevel.checkpoint()
        tables = self._tables
        digest = self._vault.once_digest
        transfers = [
            {"id": entry, "first": first == entry, "row": [
                at, x.owner, x.kind, x.debit, x.credit, x.points, x.lot, x.transaction,
                x.withdrawal, *x.after]}
            for entry, (first, at, x) in sorted(tables.transfers.items())
        ]  # fmt: skip
        return {
            "writer": [tables.epoch, len(tables.events)],
            "actor": [
                [*x, row[0], row[1], row[3], _text(row[2])]
                for x, row in sorted(tables.actors.items())
            ],
            "message": [_dump_message(row) for _, row in sorted(tables.messages.items())],
            "once": {
                digest(scope, key).hex(): [scope, _text(answer), expires]
                for (scope, key), (answer, expires) in tables.once.items()
            },
            "lot": {
                key: [x.owner, x.source, x.tag, x.points, row.remaining, x.basis_cents, x.rate_bp,
                      x.multiplier_bp, x.earned_at, x.expires_at]
                for key, row in tables.lots.items()
                for x in (row.opened,)
            },
            "transfer": transfers,
            "balance": dict(tables.balances),
            "document": [[*key, *row] for key, row in sorted(tables.documents.items())],
            "event": [
                [x.number, x.at, *x.address, x.type, _text(x.payload)] for x in tables.events
            ],
            "setting": dict(tables.settings),
        }  # fmt: skip


def _dump_message(row: MessageRow) -> dict[str, Any]:
    dead = [row.queue, row.code, row.detail, row.died_at] if row.kind == "dead" else [None] * 4
    return {
        "id": row.id, "target": [*row.target], "class": row.kind, "sender": [*row.sender],
        "due_at": row.due_at, "created_at": row.created_at, "name": row.name,
        "attempts": msgspec.to_builtins(row.attempts, builtin_types=()), "dead": dead,
        "payload": _text(row.payload),
    }  # fmt: skip


def _text(payload: bytes) -> str:
    return payload.decode("utf-8", "backslashreplace")


def _unseal(vault: Sealer, dump: dict[str, Any]) -> None:
    """Put what is sealed in its place, as text: each value opens in its own row only."""

    def opened(sealed: str, identity: bytes) -> str:
        return _text(vault.open(bytes.fromhex(sealed), identity)) if sealed else ""

    for row in dump["actor"]:
        row[-1] = opened(row[-1], identify_actor(Address(row[0], row[1]), row[2]))
    for row in dump["message"]:
        row["payload"] = opened(
            row["payload"], identify_message(row["id"], Address(*row["target"]))
        )
    for digest, row in dump["once"].items():
        row[1] = opened(row[1], identify_once(bytes.fromhex(digest)))
    for row in dump["event"]:
        row[-1] = opened(row[-1], identify_event(row[0]))


class _Lossy:
    """A connection that loses a request or an answer of `commit_batch` when its stage says so.

    Hung up, or lost by its stage, its session goes back there: most of the time of a new one goes into
    learning the types of commit_batch, and there are thousands of journals. The server is idle in both
    cases, as it would be for the journal's next session: what was lost was never sent, or is committed.
    """

    def __init__(self, connection: Connection, name: str, stage: "PostgresStage") -> None:
        self._connection = connection
        self._name = name
        self._stage = stage
        self._given_back = False

    @property
    def closed(self) -> bool:
        """Whether it can be used no more."""
        return self._given_back or self._connection.closed

    def terminate(self) -> None:
        """Hang up at once."""
        if not self.closed:
            self._given_back = True
            self._stage.free.setdefault(self._name, []).append(self._connection)

    async def close(self) -> None:
        """Say goodbye."""
        await trio.lowlevel.checkpoint()
        self.terminate()

    def start(self, sql: str, *args: object) -> "_Sent":
        """Send one statement, unless the connection breaks before."""
        lose = self._stage.to_lose if "commit_batch" in sql else ""
        if lose:
            self._stage.to_lose = ""
            self._stage.lost += 1
        if lose == "request":
            self.terminate()
            return _Sent(None, lose)
        return _Sent(self._connection.start(sql, *args), lose)

    async def finish(self, query: "_Sent", seconds: float | None = None) -> list[Any]:
        """Wait for an answer, unless the connection breaks before it is here."""
        if not query.lost:
            return cast("list[Any]", await self._connection.finish(query.inner, seconds))
        if query.inner is not None:
            with suppress(DataRefused, FenceRaised):
                await self._connection.finish(query.inner, seconds)
            self.terminate()
        raise ConnectionLost("the test broke the connection")

    async def answer(self, query: "_Sent", seconds: float | None = None) -> list[Any]:
        """As `finish`; nobody leaves here."""
        return await self.finish(query, seconds)

    async def fetch(self, sql: str, *args: object) -> list[Any]:
        """Run one statement, and answer its rows."""
        return await self.answer(self.start(sql, *args))


class _Sent(NamedTuple):
    """A query of a `_Lossy` connection."""

    inner: Any
    lost: str
    """What of it is lost: `request`, `answer`, or nothing."""


class PostgresStage:
    """A database, emptied for each sequence; the bridge and the auditor's connection stay."""

    def __init__(self, name: str, bridge: Bridge, url: str, vault: Sealer) -> None:
        self.name = name
        self.to_lose = ""
        self.lost = 0
        """Requests and answers that were lost."""
        self.journal: Any = None
        self.free: dict[str, list[Connection]] = {}
        """Connections that no journal uses now, by the name of their session."""
        self._bridge = bridge
        self._url = url
        self._vault = vault
        self._played = 0

    @classmethod
    @asynccontextmanager
    async def open(cls, name: str, url: str, vault: Sealer) -> AsyncGenerator["PostgresStage"]:
        """A stage on a database that nobody else uses."""
        async with open_bridge() as bridge:
            stage = cls(name, bridge, url, vault)
            await stage._connect_auditor()
            stage._migrated = await migrate(stage._auditor)
            try:
                yield stage
            finally:
                stage._drop_connections()
                stage._auditor.terminate()

    _auditor: Connection
    _migrated: MigrationReport
    _nursery: trio.Nursery
    _writers: list[Writer]
    """Of the sequence that is played."""
    _batch_decisions_max: int

    @asynccontextmanager
    async def play(self, batch_decisions_max: int) -> AsyncGenerator["PostgresStage"]:
        """Empty tables and a journal on them."""
        self._played += 1
        self.to_lose = ""
        self._batch_decisions_max = batch_decisions_max
        if self._auditor.closed:  # a sequence was cancelled while its tables were emptied, or read
            await self._connect_auditor()
        if self._played % TRUNCATE_EVERY:
            await self._auditor.run_script(DELETE_SQL)
        else:
            for statement in TRUNCATE_SQL.split(";"):
                await self._auditor.run_script(statement)
        self._writers = []
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                self.journal = await self._open()
                try:
                    yield self
                    await self.close(self.journal)
                finally:
                    for writer in self._writers:
                        writer.scope.cancel()  # shielded: after a failure nothing else ends it
                    nursery.cancel_scope.cancel()
        except BaseException:
            self._drop_connections()  # what they are doing is not known
            raise

    @property
    def nursery(self) -> trio.Nursery:
        """As a bridge: where queries end whose readers left."""
        return self._bridge.nursery

    async def connect(self, target: Target) -> _Lossy:
        """As a bridge: a connection for a journal."""
        free = self.free.get(target.name)
        connection = free.pop() if free else await self._bridge.connect(target)
        return _Lossy(connection, target.name, self)

    async def _connect_auditor(self) -> None:
        self._auditor = await self._bridge.connect(Target(self._url, "comptoir auditor"))

    def _drop_connections(self) -> None:
        for connections in self.free.values():
            for connection in connections:
                connection.terminate()
        self.free = {}

    async def _open(self) -> PostgresJournal:
        role = self._migrated.role
        target = Target(self._url, "comptoir writer", WRITER_SETTINGS, role)
        bridge = cast("Bridge", self)
        writer = Writer(
            bridge, target, self._vault, batch_decisions_max=self._batch_decisions_max
        )  # fmt: skip
        self._writers.append(writer)
        await writer.raise_epoch(NOW)
        readers = Target(self._url, "comptoir reader", READER_SETTINGS, role)
        pool = Pool(bridge, readers, 1)
        journal = PostgresJournal(pool, self._vault, writer, self._migrated)
        self._nursery.start_soon(writer.run)
        self._nursery.start_soon(journal.run_loads)
        return journal

    async def restart(self) -> None:
        """Close the journal, open another."""
        await self.close(self.journal)
        self.journal = await self._open()

    async def take_over(self) -> PostgresJournal:
        """Open another journal beside this one: it raises the epoch."""
        first, self.journal = self.journal, await self._open()
        return cast("PostgresJournal", first)

    async def close(self, journal: PostgresJournal) -> None:
        """End a journal as the end of its block does."""
        await journal._stop(5.0)  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001

    def lose(self, what: str) -> None:
        """Lose the next request, or the next answer."""
        self.to_lose = what

    async def dump(self) -> dict[str, Any]:
        """Every table."""
        rows = await self._auditor.fetch(DUMP_SQL)
        dump = cast("dict[str, Any]", json.loads(rows[0][0]))
        _unseal(self._vault, dump)
        return dump
