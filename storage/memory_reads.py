"""What the memory journal reads: the same answers, in the same order, as the queries of PostgreSQL.

The rule: every list is sorted by a key of its own, never by hashing or by chance, so that a run of
the simulation is a function of its seed. Source: engine/journal.py; storage/reads.py.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import trio

from comptoir.engine.errors import Unavailable
from comptoir.engine.journal import DeadLetterRow, Ending, Entry, Loaded, Lot, Pending, Recorded
from comptoir.engine.letters import LetterCount, LetterFilter
from comptoir.engine.values import Address
from comptoir.storage.memory import MemoryTables, MessageRow
from comptoir.storage.runs import CLASS_MESSAGE, CLASS_PARKED, CLASS_TIMER

__all__ = ["MemoryReads"]

WAITING: Final = (CLASS_TIMER, CLASS_PARKED)


class MemoryReads:
    """The reading half of a journal in memory; each method as in `engine.journal.Journal`."""

    def __init__(self, tables: MemoryTables | None) -> None:
        self.tables = MemoryTables() if tables is None else tables
        """What is durable; open another journal on it after a crash."""
        self._away = False
        self._crashed = False

    async def _reach(self) -> MemoryTables:
        await trio.lowlevel.checkpoint()
        if self._away or self._crashed:
            raise Unavailable("the database is away")
        return self.tables

    async def load(self, address: Address) -> Loaded | None:
        """The last committed state of one actor, or None."""
        row = (await self._reach()).actors.get(address)
        return None if row is None else Loaded(row[0], row[1], row[2])

    async def pending(self, target: Address, limit: int, now: int) -> list[Pending]:
        """The due, unparked rows of one address, in id order."""
        tables = await self._reach()
        rows = tables.by_target.get(target, {})
        due = sorted((row for row in rows.values() if _is_due(row, now)), key=lambda row: row.id)
        return [row.pending() for row in due[:limit]]

    async def parked(self, target: Address, limit: int) -> list[Pending]:
        """The parked rows of one address, by (due_at, id)."""
        rows = (await self._reach()).by_target.get(target, {}).values()
        parked = [row for row in rows if row.kind == CLASS_PARKED]
        parked.sort(key=lambda row: (row.due_at is None, row.due_at, row.id))
        return [row.pending() for row in parked[:limit]]

    async def backlog(self, now: int, limit: int) -> list[tuple[Address, int]]:
        """Addresses that have due rows, with the greatest such id."""
        tables = await self._reach()
        found: list[tuple[Address, int]] = []
        for target in sorted(tables.by_target):
            ids = [row.id for row in tables.by_target[target].values() if _is_due(row, now)]
            if ids:
                found.append((target, max(ids)))
        return found[:limit]

    async def due_timers(self, now: int, after: int, limit: int) -> list[Pending]:
        """Timers and parked rows with a due time in (`after`, `now`], by (due_at, id)."""
        rows = [
            row
            for row in (await self._reach()).messages.values()
            if row.kind in WAITING and row.due_at is not None and after < row.due_at <= now
        ]
        rows.sort(key=lambda row: (row.due_at, row.id))
        return [row.pending() for row in rows[:limit]]

    async def next_due(self, now: int) -> int | None:
        """The earliest due time later than `now`, or None."""
        rows = (await self._reach()).messages.values()
        return min(
            (
                x.due_at
                for x in rows
                if x.kind in WAITING and x.due_at is not None and x.due_at > now
            ),
            default=None,
        )

    async def count_pending(self, now: int) -> dict[tuple[str, str], int]:
        """(kind, class) -> rows; a timer or parked row that is due counts as a `message`."""
        counts: dict[tuple[str, str], int] = {}
        for row in (await self._reach()).messages.values():
            if row.kind != "dead":
                group = (row.target.kind, CLASS_MESSAGE if _is_due(row, now) else row.kind)
                counts[group] = counts.get(group, 0) + 1
        return counts

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
        rows = [
            one
            for one in await self._lots_of(owner)
            if lot in (None, one.id)
            and tag in (None, one.tag)
            and (one.remaining > 0 or not open_only)
        ]
        newest_first = tag is not None
        rows.sort(key=lambda lot: (lot.earned_at, lot.id), reverse=newest_first)
        return rows[:limit]

    async def _lots_of(self, owner: str) -> list[Lot]:
        """All of a user's lots, oldest first."""
        rows = [
            Lot(x.id, x.owner, x.source, x.tag, x.points, row.remaining, x.basis_cents, x.rate_bp,
                x.multiplier_bp, x.earned_at, x.expires_at)
            for row in (await self._reach()).lots.values()
            for x in (row.opened,)
            if x.owner == owner
        ]  # fmt: skip
        return sorted(rows, key=lambda lot: (lot.earned_at, lot.id))

    async def lots_named(self, owner: str, names: Sequence[str]) -> list[Lot]:
        """Those of a user's lots that have these ids, oldest first."""
        wanted = frozenset(names)
        return [lot for lot in await self._lots_of(owner) if lot.id in wanted]

    async def lots_by_end(self, owner: str, limit: int) -> list[Lot]:
        """A user's open lots that have an end, the first to end first, ties as they are spent."""
        found = [
            (lot.expires_at, lot.earned_at, lot.id, lot)
            for lot in await self._lots_of(owner)
            if lot.remaining > 0 and lot.expires_at is not None
        ]
        return [lot for *_, lot in sorted(found, key=lambda one: one[:3])[:limit]]

    async def lots_ending(self, owner: str, limit: int) -> list[Ending]:
        """When a user's open lots end, and how many points are left in them."""
        left: dict[int, int] = {}
        for lot in await self._lots_of(owner):
            if lot.remaining > 0 and lot.expires_at is not None:
                left[lot.expires_at] = left.get(lot.expires_at, 0) + lot.remaining
        return [Ending(at, left[at]) for at in sorted(left)[:limit]]

    async def entries(self, owner: str, before: int | None, limit: int) -> list[Entry]:
        """A page of a user's history, newest first, with ids below `before`."""
        tables = await self._reach()
        found: list[Entry] = []
        for entry_id in sorted(tables.transfers, reverse=True):
            _, at, x = tables.transfers[entry_id]
            if x.owner == owner and (before is None or entry_id < before):
                gained = x.credit.partition(":")[0] in ("available", "pending")
                points = x.points if gained else -x.points
                found.append(
                    Entry(entry_id, owner, x.kind, points, x.after, x.lot, x.transaction,
                          x.withdrawal, at)
                )  # fmt: skip
            if len(found) == limit:
                break
        return found

    async def documents(self, collection: str, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The documents of a collection that exist among these keys."""
        tables = await self._reach()
        found = ((key, tables.documents.get((collection, key))) for key in keys)
        return {key: dict(row[1]) for key, row in found if row is not None}

    async def scan(
        self, collection: str, after: str, limit: int
    ) -> list[tuple[str, dict[str, Any]]]:
        """Documents of a collection in key order, after a key."""
        tables = await self._reach()
        keys = sorted(
            key
            for its_collection, key in tables.documents
            if its_collection == collection and key > after
        )
        return [(key, dict(tables.documents[(collection, key)][1])) for key in keys[:limit]]

    async def events(self, after: int, limit: int) -> list[Recorded]:
        """Committed events with numbers above `after`, in order."""
        return (await self._reach()).events[after : after + limit]

    async def events_named(
        self, names: Sequence[tuple[str, str]], after: int, last: int, limit: int
    ) -> list[Recorded]:
        """Those of these kinds and types in a range of numbers, in order."""
        wanted = frozenset(names)
        events = (await self._reach()).events[after:last]
        return [one for one in events if (one.address.kind, one.type) in wanted][:limit]

    async def events_at(self, numbers: Sequence[int]) -> list[Recorded]:
        """Those with these numbers, in order."""
        events = (await self._reach()).events
        return [events[number - 1] for number in sorted(set(numbers)) if 0 < number <= len(events)]

    async def _dead(self) -> list[DeadLetterRow]:
        """All of them, newest first."""
        rows = [
            DeadLetterRow(x.id, x.queue, x.target, x.sender, x.code, x.detail, x.attempts,
                          x.created_at, x.died_at, x.payload)
            for x in (await self._reach()).messages.values()
            if x.kind == "dead"
        ]  # fmt: skip
        return sorted(rows, key=lambda row: -row.id)

    async def dead_letters(self, queue: str | None, limit: int) -> list[DeadLetterRow]:
        """Dead letters with their messages, newest first."""
        return [row for row in await self._dead() if queue in (None, row.queue)][:limit]

    async def letters(
        self, wanted: LetterFilter, before: int | None, limit: int
    ) -> list[DeadLetterRow]:
        """A page of dead letters without their messages, newest first, with ids below `before`."""
        found = [
            msgspec.structs.replace(row, payload=b"")
            for row in await self._dead()
            if wanted.covers(row) and (before is None or row.id < before)
        ]
        return found[:limit]

    async def letter_ids(
        self, wanted: LetterFilter, after: int, until: int, limit: int
    ) -> list[int]:
        """Ids of dead letters in (`after`, `until`], the oldest first."""
        ids = [row.id for row in await self._dead() if wanted.covers(row)]
        return [x for x in reversed(ids) if after < x <= until][:limit]

    async def count_letters(self, wanted: LetterFilter, until: int) -> int:
        """How many dead letters with ids up to `until` a filter covers."""
        return sum(wanted.covers(row) and row.id <= until for row in await self._dead())

    async def letter(self, letter_id: int) -> DeadLetterRow | None:
        """One dead letter without its message."""
        found = next((row for row in await self._dead() if row.id == letter_id), None)
        return None if found is None else msgspec.structs.replace(found, payload=b"")

    async def open_letter(self, letter_id: int) -> bytes | None:
        """The message of one dead letter."""
        return next((row.payload for row in await self._dead() if row.id == letter_id), None)

    async def sum_letters(self, queue: str, since: int) -> list[LetterCount]:
        """What the letters of a queue died of, most letters first."""
        causes: dict[str, list[int]] = {}
        for row in await self._dead():
            if row.queue == queue:
                causes.setdefault(row.code, []).append(row.died_at)
        counts = [
            LetterCount(queue, code, len(died), sum(at >= since for at in died), min(died))
            for code, died in causes.items()
        ]
        return sorted(counts, key=lambda count: (-count.letters, count.code))

    async def count_dead_letters(self) -> dict[str, int]:
        """Queue -> number of dead letters."""
        counts: dict[str, int] = {}
        for row in (await self._reach()).messages.values():
            if row.kind == "dead":
                counts[row.queue] = counts.get(row.queue, 0) + 1
        return counts

    async def setting(self, name: str) -> str | None:
        """A setting that outlives restarts (the business clock's offset), or None."""
        return (await self._reach()).settings.get(name)


def _is_due(row: MessageRow, now: int) -> bool:
    return row.kind == CLASS_MESSAGE or (
        row.kind in WAITING and row.due_at is not None and row.due_at <= now
    )
