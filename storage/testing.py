"""`MemoryJournal`: the journal's contract without a database, for tests and for the simulation.

The rule: it passes the same contract tests as `PostgresJournal`, and its crash is honest: what was
not flushed is gone, what was flushed is there for the next journal opened on the same tables, and
nobody is told anything after the crash. Faults are asked for, never random; every order follows from
the order of calls. Source: design.md 8; engine/journal.py.
"""

from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import trio

from comptoir.engine.decision import Attempt
from comptoir.engine.errors import Stopping, Superseded, Unavailable
from comptoir.engine.journal import (
    DeadLetterRow,
    Entry,
    JournalStatistics,
    Loaded,
    Lost,
    Lot,
    Pending,
    Recorded,
    Rejected,
    Run,
)
from comptoir.engine.values import Address
from comptoir.storage.batch import CLASS_MESSAGE, CLASS_PARKED, CLASS_TIMER, Numbers, Progress
from comptoir.storage.memory import MemoryTables, MessageRow

__all__ = ["MemoryJournal", "MemoryTables"]

BATCH_DECISIONS_MAX: Final = 256
WAITING: Final = (CLASS_TIMER, CLASS_PARKED)


class MemoryJournal:
    """A journal on `MemoryTables`. See `comptoir.engine.journal.Journal` for the contract."""

    def __init__(
        self, tables: MemoryTables | None = None, *, batch_decisions_max: int = BATCH_DECISIONS_MAX
    ) -> None:
        self.tables = MemoryTables() if tables is None else tables
        """What is durable; open another journal on it after a crash."""
        self._batch_decisions_max = batch_decisions_max
        self.tables.epoch += 1
        self._epoch = self.tables.epoch
        self._numbers = Numbers(self._epoch)
        self._waiting: deque[Run] = deque()
        self._in_flight: list[Run] = []
        self._changed = trio.Event()
        self._away = False
        self._answers_to_lose = 0
        self._crashed = False
        self._crash_after_commit = False
        self._batches = 0
        self._decisions = 0
        self._size = 0
        self._refusals = 0
        self._rejections = 0
        self._reconnects = 0
        self.stopped = ""
        """Why it takes no more runs: SUPERSEDED, STOPPING, CRASHED; empty while it works."""
        self.ended = trio.Event()

    def __repr__(self) -> str:
        return f"<MemoryJournal epoch {self._epoch} batch {self.tables.batch}>"

    @classmethod
    @asynccontextmanager
    async def open(
        cls, tables: MemoryTables | None = None, *, batch_decisions_max: int = BATCH_DECISIONS_MAX
    ) -> AsyncGenerator["MemoryJournal"]:
        """Become the writer of these tables, serve; at the end commit what waits."""
        async with trio.open_nursery() as nursery:
            journal = cls(tables, batch_decisions_max=batch_decisions_max)
            nursery.start_soon(journal.run)
            try:
                yield journal
            finally:
                journal.stop()

    async def run(self) -> None:
        """Flush until stopped or crashed: the task that `open` starts."""
        with trio.CancelScope(shield=True):
            while not self.stopped or self._waiting:
                if not self._waiting or self._away:
                    if self.stopped:
                        break
                    await self._changed.wait()
                    self._changed = trio.Event()
                    continue
                # as between PostgreSQL's COMMIT and its answer, others run: the next batch grows
                runs = self._collect()
                self._in_flight = runs
                await trio.lowlevel.checkpoint()
                if self._crashed or not await self._flush(runs):
                    break
                self._in_flight = []
        self.stopped = self.stopped or "STOPPING"
        self._lose(self._in_flight)
        self._lose(self._waiting)
        self.ended.set()

    def stop(self) -> None:
        """Take no more; what waits is still committed, unless the database is away."""
        self.stopped = self.stopped or "STOPPING"
        self._changed.set()

    def crash(self, *, after_commit: bool = False) -> None:
        """Die: no fate is told any more. With `after_commit`, die as soon as one more batch is
        durable, before anybody hears of it."""
        if after_commit:
            self._crash_after_commit = True
            return
        self._crashed = True
        self.stopped = "CRASHED"
        self._waiting.clear()
        self._in_flight = []
        self._changed.set()

    def go_away(self) -> None:
        """The database is away from now on: runs wait, reads raise `Unavailable`."""
        self._away = True

    def come_back(self) -> None:
        """The database is there again."""
        if self._away:
            self._reconnects += 1
        self._away = False
        self._changed.set()

    def lose_answers(self, count: int = 1) -> None:
        """The next commits happen, but their answers are lost, and must be found out."""
        self._answers_to_lose = count

    def submit(self, run: Run) -> None:
        """Queue a run for the next batch; its fate comes by `run.settle`, exactly once."""
        if self._crashed:
            return
        if self.ended.is_set():
            self._lose([run])
            return
        self._waiting.append(run)
        self._changed.set()

    @property
    def available(self) -> bool:
        """Whether the database answers."""
        return not self._away and not self.stopped

    async def wait_stopped(self) -> str:
        """Wait until no more runs are taken; answers why."""
        await self.ended.wait()
        return self.stopped

    def _collect(self) -> list[Run]:
        runs: list[Run] = []
        room = self._batch_decisions_max
        while self._waiting and (not runs or len(self._waiting[0].decided) <= room):
            room -= len(self._waiting[0].decided)
            runs.append(self._waiting.popleft())
        return runs

    async def _flush(self, runs: list[Run]) -> bool:
        while self._away and not self.stopped:
            await self._changed.wait()
            self._changed = trio.Event()
        if self._crashed or self._away:
            return False
        if self.tables.epoch != self._epoch:
            self.stopped = "SUPERSEDED"
            return False
        progresses = [Progress(run) for run in runs]
        self._apply(progresses)
        if self._crash_after_commit:
            self.crash()
            return False
        if self._answers_to_lose:
            self._answers_to_lose -= 1
            self._reconnects += 1
            self._away = True
            await trio.lowlevel.checkpoint()
            self._away = False
            if self._crashed:
                return False
        for progress in progresses:
            self._in_flight.remove(progress.run)
            self._count(progress)
            progress.run.settle(progress.run, progress.fate())
        return not self._crashed

    def _apply(self, progresses: Sequence[Progress]) -> None:
        """One batch: all of it, without a checkpoint between."""
        before = self._decisions
        for progress in progresses:
            for decided in progress.run.decided:
                if not self.tables.apply(progress, decided, self._numbers):
                    break
                self._decisions += 1
        for progress in progresses:
            there = self.tables.messages
            progress.outgoing = [x for x in progress.outgoing if x.id in there]
        if self._decisions > before:
            self.tables.batch += 1
            self._batches += 1
            self._size = self._decisions - before

    def _count(self, progress: Progress) -> None:
        if isinstance(progress.why, Rejected):
            self._rejections += 1
        elif progress.why is not None:
            self._refusals += 1

    def _lose(self, runs: "deque[Run] | list[Run]") -> None:
        if self._crashed:
            return
        for run in runs:
            progress = Progress(run)
            progress.why = Lost(self.stopped, "the journal takes no more decisions")
            run.settle(run, progress.fate())
        runs.clear()

    async def _reach(self) -> MemoryTables:
        await trio.lowlevel.checkpoint()
        if self._away or self._crashed:
            raise Unavailable("the database is away")
        return self.tables

    def _fence(self) -> None:
        if self.stopped:
            raise Stopping(self.stopped)
        if self.tables.epoch != self._epoch:
            raise Superseded("another journal was opened on these tables")

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
        source: str | None = None,
        tag: str | None = None,
        open_only: bool = False,
        limit: int = 1000,
    ) -> list[Lot]:
        """A user's lots: by source or by tag newest first, else oldest first (FIFO)."""
        tables = await self._reach()
        rows = [
            Lot(x.id, x.owner, x.source, x.tag, x.points, row.remaining, x.basis_cents, x.rate_bp,
                x.multiplier_bp, x.earned_at, x.expires_at)
            for row in tables.lots.values()
            for x in (row.opened,)
            if x.owner == owner
            and source in (None, x.source)
            and tag in (None, x.tag)
            and (row.remaining > 0 or not open_only)
        ]  # fmt: skip
        newest_first = source is not None or tag is not None
        rows.sort(key=lambda lot: (lot.earned_at, lot.id), reverse=newest_first)
        return rows[:limit]

    async def entries(self, owner: str, before: int | None, limit: int) -> list[Entry]:
        """A page of a user's history, newest first, with ids below `before`."""
        tables = await self._reach()
        found: list[Entry] = []
        for entry_id in sorted(tables.transfers, reverse=True):
            _, at, x = tables.transfers[entry_id]
            if x.owner == owner and (before is None or entry_id < before):
                points = x.points if x.credit.partition(":")[2] == owner else -x.points
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
        self, collection: str, after: str, limit: int, *, owner: str | None = None
    ) -> list[tuple[str, dict[str, Any]]]:
        """Documents of a collection in key order, after a key; optionally one owner's."""
        tables = await self._reach()
        keys = sorted(
            key
            for (its_collection, key), row in tables.documents.items()
            if its_collection == collection and key > after and owner in (None, row[0])
        )
        return [(key, dict(tables.documents[(collection, key)][1])) for key in keys[:limit]]

    async def events(self, after: int, limit: int) -> list[Recorded]:
        """Committed events with numbers above `after`, in order."""
        return (await self._reach()).events[after : after + limit]

    async def dead_letters(self, queue: str | None, limit: int) -> list[DeadLetterRow]:
        """Dead letters, newest first."""
        rows = [
            DeadLetterRow(x.id, x.queue, x.target, x.sender, x.code, x.detail, x.attempts,
                          x.created_at, x.died_at, x.payload)
            for x in (await self._reach()).messages.values()
            if x.kind == "dead" and queue in (None, x.queue)
        ]  # fmt: skip
        return sorted(rows, key=lambda row: -row.id)[:limit]

    async def count_dead_letters(self) -> dict[str, int]:
        """Queue -> number of dead letters."""
        counts: dict[str, int] = {}
        for row in (await self._reach()).messages.values():
            if row.kind == "dead":
                counts[row.queue] = counts.get(row.queue, 0) + 1
        return counts

    async def replay(self, ids: Sequence[int], now: int) -> list[Pending]:
        """Turn dead letters back into due messages under new ids; those rows, for delivery."""
        self._fence()
        tables = await self._reach()
        self._fence()
        revived: list[Pending] = []
        for row_id in sorted(set(ids)):
            row = tables.messages.get(row_id)
            if row is not None and row.kind == "dead":
                attempt = Attempt(now, "replayed")
                revived.append(tables.revive(row, self._numbers.draw(), now, attempt).pending())
        tables.batch += bool(revived)
        return revived

    async def purge(self, now: int) -> int:
        """Forget the `once` keys that expired; answers how many."""
        tables = await self._reach()
        self._fence()
        expired = [key for key, (_, expires) in tables.once.items() if expires <= now]
        for key in expired:
            del tables.once[key]
        return len(expired)

    async def setting(self, name: str) -> str | None:
        """A setting that outlives restarts (the business clock's offset), or None."""
        return (await self._reach()).settings.get(name)

    async def put_setting(self, name: str, value: str) -> None:
        """Keep a setting beyond restarts."""
        tables = await self._reach()
        self._fence()
        tables.settings[name] = value

    def statistics(self) -> JournalStatistics:
        """A snapshot of the journal's own figures."""
        return JournalStatistics(
            connected=self.available,
            epoch=self._epoch,
            batch=self.tables.batch,
            last_event=len(self.tables.events),
            runs_waiting=len(self._waiting) + len(self._in_flight),
            batches_total=self._batches,
            decisions_total=self._decisions,
            batch_size_last=self._size,
            seconds_committing_total=0.0,
            refusals_total=self._refusals,
            rejections_total=self._rejections,
            reconnects_total=self._reconnects,
            stopped=self.stopped,
        )


def _is_due(row: MessageRow, now: int) -> bool:
    return row.kind == CLASS_MESSAGE or (
        row.kind in WAITING and row.due_at is not None and row.due_at <= now
    )
