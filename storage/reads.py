"""What a journal reads: on reader connections, every query bounded, sealed values opened.

The rule: a read never waits for the writer and never writes; an answer is what was committed when
it was asked for. Concurrent loads share one query, because an activation storm would otherwise be
one round trip for each actor; and so do readings of pending rows, of which a start makes one for each
address with work left. Source: design.md 2, 3; engine/journal.py.
"""

# ruff: noqa: S608  # statements are put together from constants of this module only

from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import Any, Final

import msgspec
import orjson
import outcome
import trio

from comptoir.engine.decision import Attempt
from comptoir.engine.errors import Erased, Stopping
from comptoir.engine.journal import Ending, Entry, Loaded, Lot, Pending
from comptoir.engine.values import Address
from comptoir.storage.bridge import Pool
from comptoir.storage.event_reads import MS, EventReads
from comptoir.storage.runs import identify_actor, identify_message
from comptoir.storage.sealing import Sealer
from comptoir.storage.sqlstate import ConnectionLost
from comptoir.storage.vault import KeysErased, VaultError

__all__ = ["ID_MAX", "MS", "Reads", "read_attempts"]

LOADS_PER_QUERY_MAX: Final = 256
PENDING_ROWS_MAX: Final = 4096
"""Rows that one shared query for pending rows may give: a megabyte or so."""
MESSAGE_COLUMNS: Final = (
    "id, kind, key, sender_kind, sender_key, due_at, created_at, attempts, payload, name"
)

LOAD_SQL: Final = """
select a.kind, a.key, a.version, a.schema, a.state from comptoir.actor a
join unnest($1::text[], $2::text[]) as u(kind, key) on a.kind = u.kind and a.key = u.key"""
PENDING_SQL: Final = f"""
select asked.at, due.* from unnest($1::text[], $2::text[], $3::bigint[]) with ordinality
    as asked(to_kind, to_key, now, at)
cross join lateral (
    (select {MESSAGE_COLUMNS} from comptoir.message
     where kind = to_kind and key = to_key and class = 'message' order by id limit $4)
    union all
    (select {MESSAGE_COLUMNS} from comptoir.message
     where kind = to_kind and key = to_key and class in ('timer', 'parked') and due_at <= now
     order by id limit $4)
    order by id limit $4) due
order by asked.at, due.id"""
PARKED_SQL: Final = f"""
select {MESSAGE_COLUMNS} from comptoir.message
where kind = $1 and key = $2 and class = 'parked' order by due_at, id limit $3"""
BACKLOG_SQL: Final = """
select kind, key, max(id) from (
    (select kind, key, max(id) as id from comptoir.message
     where class = 'message' group by kind, key order by kind, key limit $2)
    union all
    (select kind, key, max(id) from comptoir.message
     where class in ('timer', 'parked') and due_at <= $1
     group by kind, key order by kind, key limit $2)) due
group by kind, key order by kind, key limit $2"""
DUE_SQL: Final = f"""
select {MESSAGE_COLUMNS} from comptoir.message
where class in ('timer', 'parked') and due_at > $2 and due_at <= $1
order by due_at, id limit $3"""
NEXT_DUE_SQL: Final = """
select due_at from comptoir.message
where class in ('timer', 'parked') and due_at > $1 order by due_at limit 1"""
COUNT_SQL: Final = """
select kind, case when due_at <= $1 then 'message' else class end as state, count(*)
from comptoir.message where class <> 'dead' group by kind, state"""
LOT_SQL: Final = f"""
select id, owner, source, tag, points, remaining, basis_cents, rate_bp, multiplier_bp,
       {MS.format("earned_at")}, {MS.format("expires_at")}
from comptoir.lot where owner = $1"""
NAMED_LOTS_SQL: Final = f"{LOT_SQL} and id = any($2) order by earned_at, id"
LOTS_BY_END_SQL: Final = f"""{LOT_SQL} and remaining > 0 and expires_at is not null
order by expires_at, earned_at, id limit $2"""
ENDING_SQL: Final = f"""
select {MS.format("expires_at")}, sum(remaining)::bigint
from comptoir.lot where owner = $1 and remaining > 0 and expires_at is not null
group by expires_at order by expires_at limit $2"""
ENTRY_SQL: Final = f"""
select entry_id, owner, kind,
       case when split_part(credit, ':', 1) in ('available', 'pending') then points else -points end,
       after_available, after_pending, after_blocked, after_shortfall,
       lot_id, transaction_id, withdrawal_id, {MS.format("at")}
from comptoir.transfer where owner = $1 and entry_id < $2 order by entry_id desc limit $3"""
DOCUMENTS_SQL: Final = """
select key, body from comptoir.document where collection = $1 and key = any($2)"""
SCAN_SQL: Final = """
select key, body from comptoir.document where collection = $1 and key > $2 order by key limit $3"""
ID_MAX: Final = (1 << 63) - 1
_ATTEMPTS = msgspec.json.Decoder(tuple[Attempt, ...])


def read_attempts(text: str | None) -> tuple[Attempt, ...]:
    """Attempts from their column."""
    return _ATTEMPTS.decode(text) if text else ()


class _Load:
    """One address that waits for its state."""

    __slots__ = ("done", "result")

    def __init__(self) -> None:
        self.done = trio.Event()
        self.result: outcome.Outcome[Loaded | None] = outcome.Error(Stopping("the journal stopped"))

    def answer(self) -> Loaded | None:
        """The same to everybody who waits: `unwrap` would answer the first of them only."""
        if isinstance(self.result, outcome.Value):
            state: Loaded | None = self.result.value
            return state
        assert isinstance(self.result, outcome.Error)
        raise self.result.error


def _refuse(loads: dict[Address, _Load], error: Exception) -> None:
    for load in loads.values():
        load.result = outcome.Error(error)


class _Reading:
    """Somebody who waits for the pending rows of one address."""

    __slots__ = ("done", "limit", "now", "result", "target")

    def __init__(self, target: Address, limit: int, now: int) -> None:
        self.target = target
        self.limit = limit
        self.now = now
        self.done = trio.Event()
        self.result: outcome.Outcome[list[Any]] = outcome.Error(Stopping("the journal stopped"))


class Reads(EventReads):
    """The reading half of a journal on PostgreSQL; each method as in `engine.journal.Journal`."""

    def __init__(self, pool: Pool, vault: Sealer) -> None:
        self._pool = pool
        self._vault = vault
        self._loads: dict[Address, _Load] = {}
        self._load_wanted = trio.Event()
        self._readings: deque[_Reading] = deque()
        self._reading_wanted = trio.Event()
        self._loads_ended = False

    async def _fetch(self, sql: str, *args: object) -> list[Any]:
        """A read is repeated once on a fresh connection: an idle one may have died unseen."""
        try:
            return await self._pool.fetch(sql, *args)
        except ConnectionLost:
            self._pool.forget()
            return await self._pool.fetch(sql, *args)

    async def load(self, address: Address) -> Loaded | None:
        """The last committed state of one actor, or None; concurrent loads share one query."""
        if self._loads_ended:
            raise Stopping("the journal stopped")
        load = self._loads.get(address)
        if load is None:
            load = self._loads[address] = _Load()
            self._load_wanted.set()
        await load.done.wait()
        return load.answer()

    async def run_loads(self) -> None:
        """Answer loads and readings, many with one query, until cancelled."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._answer_loads)
                nursery.start_soon(self._answer_readings)
        finally:
            self._loads_ended = True
            for load in self._loads.values():
                load.done.set()
            for reading in self._readings:
                reading.done.set()

    async def _answer_loads(self) -> None:
        while True:
            await self._load_wanted.wait()
            self._load_wanted = trio.Event()
            while self._loads:
                await self._load_together(self._take_loads())

    async def _answer_readings(self) -> None:
        while True:
            await self._reading_wanted.wait()
            self._reading_wanted = trio.Event()
            while self._readings:
                await self._read_together(self._take_readings())

    def _take_readings(self) -> list[_Reading]:
        # Taken out before the query, as loads are. One limit for all, since a LIMIT names no column.
        limit = self._readings[0].limit
        taken: list[_Reading] = []
        while self._readings and self._readings[0].limit == limit:
            if taken and (len(taken) + 1) * limit > PENDING_ROWS_MAX:
                break
            taken.append(self._readings.popleft())
        return taken

    async def _read_together(self, readings: list[_Reading]) -> None:
        targets = [reading.target for reading in readings]
        try:
            rows = await self._fetch(
                PENDING_SQL,
                [target.kind for target in targets],
                [target.key for target in targets],
                [reading.now for reading in readings],
                readings[0].limit,
            )
            found: list[list[Any]] = [[] for _ in readings]
            for row in rows:
                found[row[0] - 1].append(row[1:])
            for reading, mine in zip(readings, found, strict=True):
                reading.result = outcome.Value(mine)
        except ConnectionLost as error:
            for reading in readings:
                reading.result = outcome.Error(error)
        except Exception as error:  # noqa: BLE001 - a bulkhead: one of them may be to blame
            if len(readings) == 1:
                readings[0].result = outcome.Error(error)
            else:
                for reading in readings:
                    await self._read_together([reading])
        finally:
            for reading in readings:
                reading.done.set()

    def _take_loads(self) -> dict[Address, _Load]:
        # Taken out before the query: a load asked for from now on sees later commits.
        taken = dict(islice(self._loads.items(), LOADS_PER_QUERY_MAX))
        for address in taken:
            del self._loads[address]
        return taken

    async def _load_together(self, loads: dict[Address, _Load]) -> None:
        try:
            rows = await self._fetch(LOAD_SQL, [x.kind for x in loads], [x.key for x in loads])
            for load in loads.values():
                load.result = outcome.Value(None)
            for kind, key, version, schema, sealed in rows:
                address = Address(kind, key)
                loads[address].result = self._open_state(address, version, schema, sealed)
        except ConnectionLost as error:
            _refuse(loads, error)
        except Exception as error:  # noqa: BLE001 - a bulkhead: one of them may be to blame
            if len(loads) == 1:
                _refuse(loads, error)
            else:
                for address, load in loads.items():
                    await self._load_together({address: load})
        finally:
            for load in loads.values():
                load.done.set()

    def _open_state(
        self, address: Address, version: int, schema: int, sealed: bytes
    ) -> outcome.Outcome[Loaded | None]:
        try:
            state = self._vault.open(sealed, identify_actor(address, version))
        except KeysErased:
            return outcome.Error(Erased())
        except VaultError as error:
            return outcome.Error(error)
        return outcome.Value(Loaded(version, schema, state))

    def _open_pending(self, row: Any) -> Pending:
        target = Address(row[1], row[2])
        payload = self._vault.open(row[8], identify_message(row[0], target))
        attempts = read_attempts(row[7])
        due_at = row[5] or 0  # one that is parked for ever has none
        return Pending(
            row[0], target, Address(row[3], row[4]), due_at, row[6], attempts, None, payload, row[9]
        )

    async def pending(self, target: Address, limit: int, now: int) -> list[Pending]:
        """The due, unparked rows of one address, in id order."""
        if self._loads_ended:
            raise Stopping("the journal stopped")
        reading = _Reading(target, limit, now)
        self._readings.append(reading)
        self._reading_wanted.set()
        await reading.done.wait()
        return [self._open_pending(row) for row in reading.result.unwrap()]

    async def parked(self, target: Address, limit: int) -> list[Pending]:
        """The parked rows of one address, by (due_at, id)."""
        rows = await self._fetch(PARKED_SQL, target.kind, target.key, limit)
        return [self._open_pending(row) for row in rows]

    async def backlog(self, now: int, limit: int) -> list[tuple[Address, int]]:
        """Addresses that have due rows, with the greatest such id."""
        rows = await self._fetch(BACKLOG_SQL, now, limit)
        return [(Address(kind, key), greatest) for kind, key, greatest in rows]

    async def due_timers(self, now: int, after: int, limit: int) -> list[Pending]:
        """Timers and parked rows with a due time in (`after`, `now`], by (due_at, id)."""
        rows = await self._fetch(DUE_SQL, now, after, limit)
        return [self._open_pending(row) for row in rows]

    async def next_due(self, now: int) -> int | None:
        """The earliest due time later than `now`, or None."""
        rows = await self._fetch(NEXT_DUE_SQL, now)
        return rows[0][0] if rows else None

    async def count_pending(self, now: int) -> dict[tuple[str, str], int]:
        """(kind, class) -> rows; a timer or parked row that is due counts as a `message`."""
        return {(row[0], row[1]): row[2] for row in await self._fetch(COUNT_SQL, now)}

    async def lots(
        self,
        owner: str,
        *,
        lot: str | None = None,
        tag: str | None = None,
        open_only: bool = False,
        limit: int = 1000,
    ) -> list[Lot]:
        """A user's lots: the one of an id, or by tag newest first, else oldest first (FIFO)."""
        sql, arguments = LOT_SQL, [owner]
        for column, wanted in (("id", lot), ("tag", tag)):
            if wanted is not None:
                arguments.append(wanted)
                sql += f" and {column} = ${len(arguments)}"
        if open_only:
            sql += " and remaining > 0"
        order = "earned_at, id" if len(arguments) == 1 else "earned_at desc, id desc"
        sql += f" order by {order} limit ${len(arguments) + 1}"
        return [Lot(*row) for row in await self._fetch(sql, *arguments, limit)]

    async def lots_named(self, owner: str, names: Sequence[str]) -> list[Lot]:
        """Those of a user's lots that have these ids, oldest first."""
        return [Lot(*row) for row in await self._fetch(NAMED_LOTS_SQL, owner, list(names))]

    async def lots_by_end(self, owner: str, limit: int) -> list[Lot]:
        """A user's open lots that have an end, the first to end first, ties as they are spent."""
        return [Lot(*row) for row in await self._fetch(LOTS_BY_END_SQL, owner, limit)]

    async def lots_ending(self, owner: str, limit: int) -> list[Ending]:
        """When a user's open lots end, and how many points are left in them."""
        return [Ending(*row) for row in await self._fetch(ENDING_SQL, owner, limit)]

    async def entries(self, owner: str, before: int | None, limit: int) -> list[Entry]:
        """A page of a user's history, newest first, with ids below `before`."""
        rows = await self._fetch(ENTRY_SQL, owner, ID_MAX if before is None else before, limit)
        return [Entry(x[0], x[1], x[2], x[3], (x[4], x[5], x[6], x[7]), *x[8:12]) for x in rows]

    async def documents(self, collection: str, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The documents of a collection that exist among these keys."""
        rows = await self._fetch(DOCUMENTS_SQL, collection, list(keys))
        return {key: orjson.loads(body) for key, body in rows}

    async def scan(
        self, collection: str, after: str, limit: int
    ) -> list[tuple[str, dict[str, Any]]]:
        """Documents of a collection in key order, after a key."""
        rows = await self._fetch(SCAN_SQL, collection, after, limit)
        return [(key, orjson.loads(body)) for key, body in rows]

    async def setting(self, name: str) -> str | None:
        """A setting that outlives restarts (the business clock's offset), or None."""
        rows = await self._fetch("select value from comptoir.setting where name = $1", name)
        return rows[0][0] if rows else None
