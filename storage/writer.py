"""The group commit: one batch in flight, the next one growing meanwhile.

The rule: a run hears of its fate only after the commit, in the order of commits, exactly once. A
batch is sent again only when the row `writer`, read FOR UPDATE (which waits for a lost backend to
end), shows that it is not durable; under another epoch nothing is ever sent again. A batch that fails
for a data reason is halved until the guilty decision is alone; the others commit.
Source: design.md 2, 7 (One writer, Unknown COMMIT, Isolation of one bad value).
"""

import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar, cast

import outcome
import trio

from comptoir.engine.errors import EngineError, Stopping, Superseded
from comptoir.engine.journal import Lost, Rejected, Run
from comptoir.storage.batch import fold
from comptoir.storage.bridge import Bridge, Connection, Target
from comptoir.storage.errors import StorageError
from comptoir.storage.guilt import find_gone, find_stale, read_answers
from comptoir.storage.months import Months
from comptoir.storage.runs import Batch, Counters, Numbers, Part, Progress, Unencodable, halve
from comptoir.storage.sqlstate import (
    ALREADY_TAKEN,
    CLIENT_ENCODING,
    GONE,
    SUPERSEDED,
    ConnectionLost,
    DataRefused,
    FenceRaised,
)
from comptoir.storage.sqlstate import STALE as STALE_STATE
from comptoir.storage.vault import Vault

__all__ = ["Writer"]

log = logging.getLogger("comptoir.storage")

T = TypeVar("T")

LANE: Final = 0
BACKOFF_SECONDS_MIN: Final = 0.05
CONVOY_MIN: Final = 16  # a batch costs about as much as ten decisions
BACKOFF_SECONDS_MAX: Final = 2.0
RECENT_KEYS_MAX: Final = 65_536
"""Once keys remembered with their answers, so that a duplicate costs no failing statement."""
COMMIT_SQL: Final = """
select comptoir.commit_batch($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"""
RAISE_EPOCH_SQL: Final = """
update comptoir.writer set epoch = epoch + 1, raised_at = now() where lane = $1
returning epoch, batch, event_number"""
READ_WRITER_SQL: Final = "select epoch, batch from comptoir.writer where lane = $1 for update"


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


class Writer:
    """Commits runs under one epoch, in the order of their submission."""

    def __init__(
        self, bridge: Bridge, target: Target, vault: Vault, *, batch_decisions_max: int
    ) -> None:
        self._bridge = bridge
        self._target = target
        self._vault = vault
        self._batch_decisions_max = batch_decisions_max
        self._connection: Connection | None = None
        self._waiting: deque[Run] = deque()
        self._jobs: deque[_Job] = deque()
        self._recent: dict[bytes, tuple[bytes, int]] = {}
        self._months = Months()
        self._wake = trio.Event()
        self._in_flight: list[Progress] = []
        self.scope = trio.CancelScope(shield=True)
        self.ended = trio.Event()
        self.counters = Counters()
        self.available = True
        self.stopped = ""
        self.epoch = 0
        self.batch = 0
        self.last_event = 0
        self._numbers = Numbers(0)

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
        self._waiting.append(run)
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
            room = self._room_after_a_pause()
            while self._waiting or self._jobs:
                try:
                    await self._work_once(room)
                except Superseded as error:
                    self.stopped = SUPERSEDED_CODE
                    log.error("this daemon was superseded: %s", error.detail)  # noqa: TRY400 - no bug
                    return
                room = self._batch_decisions_max
            if self.stopped:
                return

    def _room_after_a_pause(self) -> int:
        """Half of what waits: else all who were answered together wait together for ever. Two halves
        take turns, one being flushed while the actors of the other decide.
        """
        waiting = sum(len(run.decided) for run in self._waiting)
        return self._batch_decisions_max if waiting < CONVOY_MIN else (waiting + 1) // 2

    async def _work_once(self, room: int) -> None:
        """One job, if any waits, and one batch."""
        if self._jobs:
            job = self._jobs.popleft()
            try:
                job.result = outcome.Value(await job.work())
            except (EngineError, StorageError, FenceRaised, DataRefused) as error:
                job.result = outcome.Error(error)
                if isinstance(error, Superseded):
                    raise
            finally:
                job.done.set()
        if self._waiting:
            parts = self._collect(min(room, self._batch_decisions_max))
            self._in_flight = [part.progress for part in parts]
            await self._commit(parts)
            self._in_flight = []

    def _collect(self, room: int) -> list[Part]:
        """The next batch: whole runs in order, up to the bound (a single greater run goes alone)."""
        parts: list[Part] = []
        while self._waiting:
            size = len(self._waiting[0].decided)
            if parts and size > room:
                break
            parts.append(Part(Progress(self._waiting.popleft()), size))
            room -= size
        return parts

    async def _commit(self, parts: list[Part]) -> None:
        """Commit parts, halving on data errors, refolding on fences; settle each run in order."""
        stack = [parts]
        refolds = 0
        refolds_max = 2 * sum(part.stop for part in parts) + 2
        while stack:
            parts = [x for x in stack.pop() if not x.progress.settled and x.progress.done < x.stop]
            try:
                await self._commit_folded(parts)
            except (DataRefused, Unencodable) as error:
                if sum(part.stop - part.progress.done for part in parts) > 1:
                    stack.extend(reversed(halve(parts)))
                    continue
                self._reject(parts[0].progress, error)
            except FenceRaised as fence:
                refolds += 1
                assert refolds <= refolds_max, "a fence is raised again and again"
                await self._find_guilty(fence.sqlstate, parts)
                stack.append(parts)
                continue
            for part in parts:
                if part.progress.settled:
                    self._settle(part.progress)

    async def _commit_folded(self, parts: Sequence[Part]) -> None:
        batch = fold(parts, self._numbers, self.last_event, self._vault, self._find_recent)
        if batch.decisions:
            started = trio.current_time()
            await self._ensure_months(batch.events_at)
            await self.advance(COMMIT_SQL, batch.last_event, *batch.arguments)
            self._count(batch, trio.current_time() - started)
        for part, result in zip(parts, batch.outcomes, strict=True):
            progress = part.progress
            progress.done = result.done
            progress.version = result.version
            progress.state = result.state
            progress.outgoing.extend(result.outgoing)
            progress.released |= result.released
            progress.why = result.why

    def _count(self, batch: Batch, seconds: float) -> None:
        counters = self.counters
        counters.batches += 1
        counters.decisions += batch.decisions
        counters.size = batch.decisions
        counters.seconds += seconds
        for digest, answer in batch.answers.items():
            self._remember(digest, answer)

    def _settle(self, progress: Progress) -> None:
        why = progress.why
        if isinstance(why, Rejected):
            self.counters.rejections += 1
        elif why is not None:
            self.counters.refusals += 1
        self._in_flight.remove(progress)
        progress.run.settle(progress.run, progress.fate())

    def _reject(self, progress: Progress, error: DataRefused | Unencodable) -> None:
        if isinstance(error, DataRefused):
            progress.why = Rejected(error.sqlstate, error.name)
        else:
            progress.why = Rejected(CLIENT_ENCODING, "")
        log.warning("the database refuses a decision of %s: %s",
                    progress.run.address.kind, progress.why.code)  # fmt: skip

    async def _find_guilty(self, fence: str, parts: Sequence[Part]) -> None:
        """Learn whom a fence was raised for, so that the next fold leaves them out."""
        if fence == ALREADY_TAKEN:
            for digest, answer in (await read_answers(self.call, self._vault, parts)).items():
                self._remember(digest, answer)
        elif fence == GONE:
            await find_gone(self.call, parts)
        else:
            assert fence == STALE_STATE
            await find_stale(self.call, parts)

    def _find_recent(self, digest: bytes, at: int) -> bytes | None:
        known = self._recent.get(digest)
        return known[0] if known is not None and known[1] > at else None

    def _remember(self, digest: bytes, answer: tuple[bytes, int]) -> None:
        if len(self._recent) >= RECENT_KEYS_MAX:
            del self._recent[next(iter(self._recent))]
        self._recent[digest] = answer

    async def _ensure_months(self, moments: Sequence[int]) -> None:
        for moment in self._months.unmade(moments):
            rows = await self.call("select comptoir.ensure_event_partitions($1)", moment)
            self._months.add(moment, rows[0][0])
        self._months.count_missed(moments)

    def draw(self, count: int) -> list[int]:
        """Fresh ids, in order."""
        return [self._numbers.draw() for _ in range(count)]

    async def advance(self, sql: str, last_event: int, *arguments: object) -> None:
        """Run a statement that advances `writer` by one batch, until it is durable.

        Its first four arguments are lane, epoch, batch and the number of the last event.

        Raises:
            Superseded: the epoch is another's now; nothing of the statement is durable.
            DataRefused, FenceRaised, StatementBroken: refused as a whole.
        """
        number = self.batch + 1
        unsure = False
        delay = BACKOFF_SECONDS_MIN
        while True:
            try:
                if unsure and await self._is_durable(number):
                    break
                connection = await self._connect()
                await connection.fetch(sql, LANE, self.epoch, number, last_event, *arguments)
                break
            except ConnectionLost as error:
                unsure = True
                delay = await self._back_off(error, delay)
            except FenceRaised as fence:
                if fence.sqlstate != SUPERSEDED:
                    raise
                unsure = True  # or our own earlier send arrived late: the row tells
        self.batch = number
        self.last_event = last_event
        self.available = True

    async def call(self, sql: str, *arguments: object) -> list[Any]:
        """Run a statement that may be repeated, until the database answers."""
        delay = BACKOFF_SECONDS_MIN
        while True:
            try:
                rows = await (await self._connect()).fetch(sql, *arguments)
            except ConnectionLost as error:
                delay = await self._back_off(error, delay)
            else:
                self.available = True
                return rows

    async def _is_durable(self, number: int) -> bool:
        """Whether batch `number` of ours is committed, known for certain.

        Raises:
            Superseded: the row shows another epoch, or a batch that is neither.
        """
        connection = await self._connect()
        rows = await connection.fetch(READ_WRITER_SQL, LANE)
        epoch, batch = cast("tuple[int, int]", tuple(rows[0]))
        if epoch != self.epoch or batch not in (number, number - 1):
            raise Superseded(f"epoch {epoch} batch {batch}, ours {self.epoch} batch {number}")
        return batch == number

    async def confirm_epoch(self) -> None:
        """Raise Superseded if the epoch is another's; `perform` this, and the writer ends by it."""
        epoch = (await self.call(READ_WRITER_SQL, LANE))[0][0]
        if epoch != self.epoch:
            raise Superseded(f"epoch {epoch}, ours {self.epoch}")

    async def _connect(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = await self._bridge.connect(self._target)
        return self._connection

    async def _back_off(self, error: ConnectionLost, delay: float) -> float:
        if self.available:
            log.warning("the database is away: %s", error.detail)
        self.available = False
        self.counters.reconnects += 1
        if self._connection is not None:
            self._connection.terminate()  # also after an answer: another server may be there now
        await trio.sleep(delay)
        return min(delay * 2, BACKOFF_SECONDS_MAX)

    def _lose_all(self) -> None:
        code = self.stopped
        why = Lost(code, "the journal takes no more decisions")
        for progress in self._in_flight:
            progress.why = progress.why or why
            progress.run.settle(progress.run, progress.fate())
        self._in_flight = []
        while self._waiting:
            progress = Progress(self._waiting.popleft())
            progress.why = why
            progress.run.settle(progress.run, progress.fate())
        while self._jobs:
            self._jobs.popleft().done.set()
