"""The group commit: one batch in flight, the next one growing meanwhile; when the one is durable, the
next is sent, and only then the first one's runs are told: the database waits for nothing they do.

The rule: a run hears of its fate only after the commit, in the order of commits, exactly once. A
batch is sent again only when the row `writer`, read FOR UPDATE (which waits for a lost backend to
end), shows that it is not durable; under another epoch nothing is ever sent again. A batch that fails
for a data reason is halved until the guilty decision is alone; the others commit.

A crash of our own (in folding, in sealing, in a callback, below the connection) is contained in the
same way and counted (storage/crashes.py): what was sent is found out first (storage/session.py), what
is not durable is folded again, in halves, and a decision that crashes the writer twice alone is
rejected. So one poisonous decision hurts nobody else, and beyond the intensity the journal ends.
Source: design.md 2, 5, 7 (One writer, Unknown COMMIT, Isolation of one bad value).
"""

import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar, cast

import outcome
import trio

from comptoir.engine.errors import EngineError, Failed, Stopping, Superseded
from comptoir.engine.journal import Lost, Rejected, Run
from comptoir.storage.batch import Known, fold
from comptoir.storage.bridge import Bridge, Target
from comptoir.storage.crashes import Crashes, WriterBroken, rejected_for
from comptoir.storage.errors import StorageError
from comptoir.storage.guilt import Guilt
from comptoir.storage.months import Months
from comptoir.storage.runs import STALE, Batch, Numbers, Part, Progress, Unencodable, halve
from comptoir.storage.sealing import Sealer
from comptoir.storage.session import BACKOFF_SECONDS_MIN, LANE
from comptoir.storage.sqlstate import (
    CLIENT_ENCODING,
    DataRefused,
    FenceRaised,
    StatementBroken,
)

__all__ = ["Writer"]

log = logging.getLogger("comptoir.storage")

T = TypeVar("T")

CONVOY_MIN: Final = 16  # a batch costs about as much as ten decisions
COMMIT_SQL: Final = """
select comptoir.commit_batch($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"""
RAISE_EPOCH_SQL: Final = """
select epoch, batch, event_number from comptoir.raise_epoch($1)"""

SUPERSEDED_CODE: Final = "SUPERSEDED"
STOPPING_CODE: Final = "STOPPING"
BROKEN_CODE: Final = "BROKEN"


class _Job:
    """Work between two batches, and whoever waits for it."""

    __slots__ = ("done", "result", "work")

    def __init__(self, work: Callable[[], Awaitable[Any]]) -> None:
        self.work = work
        self.done = trio.Event()
        self.result: outcome.Outcome[Any] = outcome.Error(Stopping("the journal stopped"))


class Writer(Guilt):
    """Commits runs under one epoch, in the order of their submission."""

    def __init__(
        self,
        bridge: Bridge,
        target: Target,
        vault: Sealer,
        *,
        batch_decisions_max: int,
        crashes: Crashes | None = None,
    ) -> None:
        super().__init__(bridge, target, vault, crashes or Crashes())
        self._batch_decisions_max = batch_decisions_max
        self._waiting: deque[Progress] = deque()
        self._jobs: deque[_Job] = deque()
        self._months = Months()
        self._wake = trio.Event()
        self._in_flight: list[Progress] = []
        self._untold: deque[Progress] = deque()
        """Of those in flight: settled, and told as soon as the next batch is on its way."""
        self._refolds = 0
        self._isolating = False
        self.scope = trio.CancelScope(shield=True)
        self.ended = trio.Event()
        self.stopped = ""
        self._numbers = Numbers(0)
        self._landed = 0  # decisions of the last batch; none after a pause

    def __repr__(self) -> str:
        return f"<Writer epoch {self.epoch} batch {self.batch}, {self.runs_waiting} runs waiting>"

    @property
    def runs_waiting(self) -> int:
        """Runs submitted and not settled yet."""
        return len(self._waiting) + len(self._in_flight)

    @property
    def events_unpartitioned(self) -> int:
        """Events that went to the default partition."""
        return self._months.missed

    def submit(self, run: Run) -> None:
        """Queue a run; after the end it is lost at once."""
        self._waiting.append(Progress(run))
        if self.ended.is_set():
            self._lose_all()
        self._wake.set()

    def stop(self) -> None:
        """Take no more; what waits is still committed."""
        self.stopped = self.stopped or STOPPING_CODE
        self._wake.set()

    async def raise_epoch(self, now: int) -> None:
        """Become the writer: this waits for a batch still running, and ends its writer's right.

        Tried until the database answers; to raise it once more than needed does no harm.
        """
        rows = await self.call(RAISE_EPOCH_SQL, LANE)
        self.epoch, self.batch, self.last_event = rows[0]
        self._numbers = Numbers(self.epoch)
        await self._ensure_months([now])

    async def perform(self, work: Callable[[], Awaitable[T]]) -> T:
        """Have some work done between two batches by the writer's task; answer its result."""
        if self.stopped:
            raise Stopping(self.stopped)
        job = _Job(work)
        self._jobs.append(job)
        self._wake.set()
        await job.done.wait()
        return cast(T, job.result.unwrap())

    async def run(self) -> None:
        """Commit until stopped; then tell whoever still waits that it is lost."""
        try:
            with self.scope:
                await self._loop()
            self.stopped = self.stopped or STOPPING_CODE
        finally:
            self.stopped = self.stopped or BROKEN_CODE
            self.available = False
            self._lose_all()
            self.ended.set()
            if self._connection is not None:
                self._connection.terminate()

    async def _loop(self) -> None:
        while True:
            await self._wake.wait()
            self._wake = trio.Event()
            self._landed = 0
            while self._waiting or self._jobs:
                try:
                    await self._work_once()
                except Superseded as error:
                    self.stopped = SUPERSEDED_CODE
                    log.error("this daemon was superseded: %s", error.detail)  # noqa: TRY400 - no bug
                    return
                except WriterBroken:
                    raise
                except Exception as crash:  # noqa: BLE001 - the net below all other bulkheads
                    self.crashes.note(crash, "its loop")
                    self._take_back()
                    await trio.sleep(BACKOFF_SECONDS_MIN)
            if self.stopped:
                return

    def _take_back(self) -> None:
        """After a crash between two statements: what is settled is told, the rest waits again."""
        self._forget_all()
        taken, self._in_flight = self._in_flight, []
        self._untold.clear()
        self._waiting.extendleft(x for x in reversed(taken) if not x.settled)
        for progress in taken:
            if progress.settled:
                self._tell(progress, counted=False)

    async def _work_once(self) -> None:
        """One job, if any waits, and one batch; nobody is left to be told by the next, where none comes."""
        if self._jobs:
            self._tell_untold()
            await self._do(self._jobs.popleft())
        if self._waiting:
            await self._commit(self._collect())
        if not self._waiting:
            self._tell_untold()

    async def _do(self, job: _Job) -> None:
        """Do one job; whoever waits for it hears what it raised."""
        try:
            job.result = outcome.Value(await job.work())
        except (EngineError, StorageError, FenceRaised, DataRefused, StatementBroken) as error:
            job.result = outcome.Error(error)
            if isinstance(error, Superseded):
                raise
        except WriterBroken:
            raise
        except Exception as crash:  # noqa: BLE001 - a bulkhead: the asker hears of it
            self.crashes.note(crash, "a job", counted=False)
            job.result = outcome.Error(Failed("the journal crashed over it; see the log"))
        finally:
            job.done.set()

    def _collect(self) -> list[Part]:
        """The next batch: whole runs in order, up to a bound (a single greater run goes alone), and what
        follows the last of them.

        The bound is half of what waits and of what has just landed, whose askers come back meanwhile. So two halves
        take turns, one being flushed while the actors of the other decide, and they are even.
        """
        waiting = sum(len(x.run.decided) - x.done for x in self._waiting)
        half = waiting if waiting < CONVOY_MIN else (waiting + self._landed + 1) // 2
        room = min(half, self._batch_decisions_max)
        self._landed = 0
        parts: list[Part] = []
        while self._waiting:
            first = self._waiting[0]
            stop = len(first.run.decided)
            size = stop - first.done
            if parts and size > room and not first.run.follows:
                break
            progress = self._waiting.popleft()
            self._in_flight.append(progress)
            parts.append(Part(progress, stop))
            room -= size
            self._landed += size
        return parts

    async def _commit(self, parts: list[Part]) -> None:
        """Commit parts, halving on data errors and crashes, refolding on fences; settle in order."""
        stack = [parts]
        self._refolds, self._isolating = 2 * _size(parts) + 2, False
        while stack:
            parts = _left_of(stack.pop())
            if not parts:
                continue
            try:
                stack.extend(await self._try(parts))
            except (Superseded, WriterBroken):
                raise
            except Exception as crash:  # noqa: BLE001 - a bulkhead: one poisonous decision
                stack.extend(self._contain(crash, parts))
            self._untold.extend(part.progress for part in parts if part.progress.settled)

    async def _try(self, parts: list[Part]) -> list[list[Part]]:
        """Commit parts as one batch; what is to be tried next instead, the first one last."""
        try:
            await self._commit_folded(parts)
        except (DataRefused, Unencodable) as error:
            if _size(parts) == 1 and await self._ask(parts[0]):
                return [parts]  # a better reason comes before its data
            if _size(parts) > 1:
                return list(reversed(halve(parts)))
            self._reject(parts[0].progress, error)
        except FenceRaised as fence:
            self._refolds -= 1
            assert self._refolds >= 0, "a fence is raised again and again"
            if not await self._find_guilty(fence.sqlstate, parts) and _size(parts) > 1:
                return list(reversed(halve(parts)))
            return [parts]
        return []

    def _contain(self, crash: Exception, parts: list[Part]) -> list[list[Part]]:
        """Nothing of these parts is durable but what they say: try halves, and the guilty one alone.

        A batch is one incident, however often it crashes while the guilty decision is looked for.
        """
        self._forget_all()
        self.crashes.note(crash, "a batch", counted=not self._isolating)
        parts = _left_of(parts)
        self._refolds, self._isolating = max(self._refolds, 2 * _size(parts) + 2), True
        if _size(parts) > 1:
            return list(reversed(halve(parts)))
        for part in parts:
            progress = part.progress
            if progress.crashed_at == progress.done:
                progress.why = rejected_for(crash)
            progress.crashed_at = progress.done
        return [parts]

    async def _commit_folded(self, parts: Sequence[Part]) -> None:
        known = Known(self._find_recent, self._versions.get)
        flight = None
        try:
            batch = fold(parts, self._numbers, self.last_event, self._vault, known)
            unmade = self._months.unmade(batch.events_at)
            if batch.decisions and not unmade and self._is_plain(parts, batch):
                flight = self.send(COMMIT_SQL, batch.last_event, *batch.arguments)
        finally:
            told = outcome.capture(self._tell_untold)
        on_its_way = flight is not None  # then a crash in telling has to wait
        if not on_its_way:
            told.unwrap()
            while not await self._is_sound(parts, batch):
                batch = fold(parts, self._numbers, self.last_event, self._vault, known)
        started = trio.current_time()
        if batch.decisions:
            if flight is None:
                await self._ensure_months(batch.events_at)
                await self._keep_keys()
                flight = self.send(COMMIT_SQL, batch.last_event, *batch.arguments)
            await self.land(flight)
        # Before anything else may crash: it is durable, and these are the only ones who know.
        for row, row_id in batch.along:
            row.id = row_id
        for part, result in zip(parts, batch.outcomes, strict=True):
            progress = part.progress
            progress.done = result.done
            progress.version = result.version
            progress.state = result.state
            progress.outgoing.extend(result.outgoing)
            progress.released |= result.released
            progress.why = result.why
        self._remember(batch)
        if batch.decisions:
            self._count(batch, trio.current_time() - started)
        if on_its_way:
            told.unwrap()

    def _count(self, batch: Batch, seconds: float) -> None:
        self._months.count_missed(batch.events_at)
        counters = self.counters
        counters.batches += 1
        counters.decisions += batch.decisions
        counters.size = batch.decisions
        counters.seconds += seconds

    def _tell_untold(self) -> None:
        while self._untold:
            self._settle(self._untold[0])
            self._untold.popleft()

    def _settle(self, progress: Progress) -> None:
        why = progress.why
        if why is STALE:
            self._note_stale(progress.run.address)
        if isinstance(why, Rejected):
            self.counters.rejections += 1
        elif why is not None:
            self.counters.refusals += 1
        self._in_flight.remove(progress)
        self._tell(progress)

    def _tell(self, progress: Progress, *, counted: bool = True) -> None:
        """Tell a run its fate, once; what its callback raises keeps no other's from being told."""
        try:
            progress.run.settle(progress.run, progress.fate())
        except Exception as crash:  # noqa: BLE001 - a bulkhead: it is the submitter's bug
            self.crashes.note(crash, "a settle callback", counted=counted)

    def _reject(self, progress: Progress, error: DataRefused | Unencodable) -> None:
        if isinstance(error, DataRefused):
            progress.why = Rejected(error.sqlstate, error.name)
        else:
            progress.why = Rejected(CLIENT_ENCODING, "")
        log.warning("the database refuses a decision of %s: %s",
                    progress.run.address.kind, progress.why.code)  # fmt: skip

    async def _ensure_months(self, moments: Sequence[int]) -> None:
        for moment in self._months.unmade(moments):
            rows = await self.call("select comptoir.ensure_event_partitions($1)", moment)
            self._months.add(moment, rows[0][0])

    def draw(self, count: int) -> list[int]:
        """Fresh ids, in order."""
        return [self._numbers.draw() for _ in range(count)]

    def _lose_all(self) -> None:
        why = Lost(self.stopped, "the journal takes no more decisions")
        self._waiting.extendleft(reversed(self._in_flight))
        self._in_flight = []
        self._untold.clear()
        while self._waiting:
            progress = self._waiting.popleft()
            if not progress.settled:
                progress.why = why
            self._tell(progress, counted=False)
        while self._jobs:
            self._jobs.popleft().done.set()


def _left_of(parts: Sequence[Part]) -> list[Part]:
    """The parts of which something is still to be decided."""
    return [x for x in parts if not x.progress.settled and x.progress.done < x.stop]


def _size(parts: Sequence[Part]) -> int:
    """How many decisions are in these parts."""
    return sum(part.stop - part.progress.done for part in parts)
