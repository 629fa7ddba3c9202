"""`MemoryJournal`: the journal's contract without a database, for tests and for the simulation.

The rule: it passes the same contract tests as `PostgresJournal`, and its crash is honest: what was
not flushed is gone, what was flushed is there for the next journal opened on the same tables, and
nobody is told anything after the crash. Faults are asked for, never random; every order follows from
the order of calls. An observer sees every batch at its moments (about to be sent, durable, its answer
on the way, each run told) and may wait, crash the journal or take the database away in any of them.
Source: design.md 8; engine/journal.py.
"""

import logging
from collections import Counter, deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Final, Protocol

import trio

from comptoir.engine.decision import Attempt
from comptoir.engine.errors import Stopping, Superseded, frames_of
from comptoir.engine.journal import JournalStatistics, Lost, Pending, Rejected, Run
from comptoir.storage.memory import MemoryTables
from comptoir.storage.memory_reads import MemoryReads
from comptoir.storage.runs import Numbers, Progress

__all__ = ["MemoryJournal", "MemoryTables", "Observer"]

log = logging.getLogger("comptoir.storage")

BATCH_DECISIONS_MAX: Final = 256
SUPERSEDED: Final = "SUPERSEDED"


class Observer(Protocol):
    """Whoever wants to see the batches of a journal, or to strike at one of their moments."""

    async def sending(self, runs: Sequence[Run]) -> None:
        """A batch was collected and is not durable. While this waits, the next one grows."""
        ...

    def durable(self, progresses: Sequence[Progress]) -> None:
        """A batch has become durable, and nobody was told: here it is, decision by decision."""
        ...

    async def answering(self) -> None:
        """The answer of the batch is on its way back."""
        ...

    def told(self, run: Run) -> None:
        """One run of the batch heard of its fate; those after it did not yet."""
        ...


class MemoryJournal(MemoryReads):
    """A journal on `MemoryTables`. See `comptoir.engine.journal.Journal` for the contract."""

    def __init__(
        self,
        tables: MemoryTables | None = None,
        *,
        batch_decisions_max: int = BATCH_DECISIONS_MAX,
        observer: Observer | None = None,
    ) -> None:
        super().__init__(tables)
        self._observer = observer
        self._batch_decisions_max = batch_decisions_max
        self.tables.epoch += 1
        self._epoch = self.tables.epoch
        self._numbers = Numbers(self._epoch)
        self._waiting: deque[Run] = deque()
        self._in_flight: list[Run] = []
        self._changed = trio.Event()
        self._answers_to_lose = 0
        self._finding_out = False
        self._line = trio.Lock()
        """Batches and what an operator writes come one after the other, as on one connection."""
        self._heard = self.tables.batch
        self._crash_after_commit = False
        self._batches = 0
        self._decisions = 0
        self._size = 0
        self._refusals = 0
        self._rejections = 0
        self._reconnects = 0
        self._crashes = 0
        self.stopped = ""
        """Why it takes no more runs: SUPERSEDED, STOPPING, CRASHED; empty while it works."""
        self.ended = trio.Event()

    def __repr__(self) -> str:
        return f"<MemoryJournal epoch {self._epoch} batch {self.tables.batch}>"

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        tables: MemoryTables | None = None,
        *,
        batch_decisions_max: int = BATCH_DECISIONS_MAX,
        observer: Observer | None = None,
    ) -> AsyncGenerator["MemoryJournal"]:
        """Become the writer of these tables, serve; at the end commit what waits."""
        async with trio.open_nursery() as nursery:
            journal = cls(tables, batch_decisions_max=batch_decisions_max, observer=observer)
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
                async with self._line:
                    if not await self._write():
                        break
        self.stopped = self.stopped or "STOPPING"
        self._lose(self._in_flight)
        self._lose(self._waiting)
        self.ended.set()

    async def _write(self) -> bool:
        """Write one batch; False ends the journal."""
        # as between PostgreSQL's COMMIT and its answer, others run: the next batch grows
        runs = self._collect()
        self._in_flight = runs
        await trio.lowlevel.checkpoint()
        if self._observer is not None:
            await self._observer.sending(tuple(runs))
        if self._crashed or not await self._flush(runs):
            return False
        self._in_flight = []
        return True

    def stop(self) -> None:
        """Take no more; what waits is still committed, unless the database is away."""
        self.stopped = self.stopped or "STOPPING"
        self._changed.set()

    def crash(self, *, after_commit: bool = False) -> None:
        """Die: no fate is told any more. With `after_commit`, die as soon as one more batch is
        durable, before anybody hears of it.
        """
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
        return not self._away and not self._finding_out and not self.stopped

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
            self.stopped = SUPERSEDED
            return False
        progresses = [Progress(run) for run in runs]
        self._apply(progresses)
        if self._observer is not None:
            self._observer.durable(progresses)
        if self._crash_after_commit:
            self.crash()
            return False
        if not await self._hear_answer():
            return False
        self._heard = self.tables.batch
        for progress in progresses:
            self._in_flight.remove(progress.run)
            self._count(progress)
            self._tell(progress)
            if self._observer is not None:
                self._observer.told(progress.run)
            if self._crashed:
                return False
        return True

    async def _hear_answer(self) -> bool:
        """Wait for the answer of what is durable; a lost one is found out. False: it never comes."""
        if self._observer is not None:
            await self._observer.answering()
        if self._answers_to_lose:
            self._answers_to_lose -= 1
            self._reconnects += 1
            await self._find_out()
        return not self._crashed and self.stopped != SUPERSEDED

    async def _find_out(self) -> None:
        """Read the writer's row when the database is there; under another epoch nobody can say any
        more whether the batch was ours.
        """
        self._finding_out = True
        await trio.lowlevel.checkpoint()
        while self._away and not self.stopped:
            await self._changed.wait()
            self._changed = trio.Event()
        self._finding_out = False
        if not self._crashed and self.tables.epoch != self._epoch:
            self.stopped = SUPERSEDED

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
            self._tell(progress)
        runs.clear()

    def _tell(self, progress: Progress) -> None:
        try:
            progress.run.settle(progress.run, progress.fate())
        except Exception as crash:  # noqa: BLE001 - the contract: it keeps no other's from being told
            self._crashes += 1
            log.error("a settle callback crashed: %s at %s",  # noqa: TRY400 - no values in logs
                      type(crash).__name__, frames_of(crash))  # fmt: skip

    def _fence(self) -> None:
        if self.stopped:
            raise Stopping(self.stopped)
        if self.tables.epoch != self._epoch:
            self.stopped = SUPERSEDED  # whoever finds it out ends the journal, as in PostgreSQL
            self._changed.set()
            raise Superseded("another journal was opened on these tables")

    async def replay(self, ids: Sequence[int], now: int) -> list[Pending]:
        """Turn dead letters back into due messages under new ids; those rows, for delivery."""
        self._fence()
        async with self._line:
            tables = await self._reach()
            self._fence()
            revived: list[Pending] = []
            for row_id in sorted(set(ids)):
                row = tables.messages.get(row_id)
                if row is not None and row.kind == "dead":
                    attempt = Attempt(now, "replayed")
                    revived.append(tables.revive(row, self._numbers.draw(), now, attempt).pending())
            tables.batch += bool(revived)
            self._heard = tables.batch
            return revived

    async def purge(self, now: int) -> int:
        """Forget the `once` keys that expired; answers how many."""
        tables = await self._reach()
        self._fence()
        expired = [key for key, (_, expires) in tables.once.items() if expires <= now]
        for key in expired:
            del tables.once[key]
        return len(expired)

    async def discard(self, ids: Sequence[int]) -> int:
        """Delete these dead letters; how many of them there were."""
        tables = await self._reach()
        self._fence()
        return tables.discard(ids)

    async def expire_dead(self, died_before: int, keep: Sequence[str] = ()) -> Counter[str]:
        """Delete the dead letters that died by then; answers how many of each queue."""
        tables = await self._reach()
        self._fence()
        return tables.expire_dead(died_before, keep)

    async def expire_actors(self, kind: str, after: str, before: int) -> tuple[str | None, int]:
        """Delete the old actors of a kind, all in one page."""
        del after
        tables = await self._reach()
        self._fence()
        return None, tables.expire_actors(kind, before)

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
            batch=self._heard,
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
            crashes_total=self._crashes,
        )
