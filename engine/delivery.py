"""Delivery of pending rows: hand-over after the commit, backlogs in id order, timers, the sweep.

Rules (design.md 2, 3):
- a row is handed over once per process life: it is *held* (in a mailbox or in hand) or its address
  is *backlogged*, and while it is backlogged nothing is handed to that address directly; so a full
  mailbox cannot reorder;
- hand-over is synchronous, after the commit, never awaited; so a cycle of full mailboxes cannot
  deadlock;
- a reading may show a row before the commit's answer has come to us, and so before its hand-over:
  whoever finds it first holds it, and the hand-over passes it over;
- the sweep is only a net: a due row that nobody has, although every commit that could be on its way
  when it was first seen is settled, is *stranded*, counted, and delivered. The count is 0 unless the
  engine has a bug.
"""

from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Protocol

import msgspec
import structlog
import trio

from comptoir.engine.backlog import Backlog, LeftBehind
from comptoir.engine.bulkhead import Contained
from comptoir.engine.errors import Unavailable
from comptoir.engine.journal import Journal, Pending
from comptoir.engine.values import Address

__all__ = ["Delivery", "DeliveryStatistics", "Receiver"]

log = structlog.get_logger("comptoir.delivery")

PAGE_ROWS = 256
"""Rows read in one step: a few mailboxes' worth."""
PUMPS = 32
"""Backlogged addresses drained at the same time; their readings share queries."""
RUNS_MAX = 256  # that wait to be committed, about a batch: beyond it no backlog is drained
PUMP_NAP_S = 0.005
ADDRESSES_MAX = 1_000_000
"""Addresses with work left that a start looks for; the sweep finds what is beyond."""
RETRY_S = 0.5
"""How soon an address that could take nothing is tried again."""
TIMER_NAP_S_MAX = 1.0
"""The timer task looks at business time at least this often: it may be moved by hand."""


class Receiver(Protocol):
    """A kind's supervisor or a gateway."""

    def offer(self, row: Pending) -> bool:
        """Take the row, or say False and change nothing."""
        ...


class DeliveryStatistics(msgspec.Struct, frozen=True):
    """What is under way between actors."""

    held: int
    backlogged_addresses: int
    backlogged_rows: int
    stranded_total: int
    timers_fired_total: int
    crashes_total: int = 0
    crashes_recent: int = 0
    """Readings that crashed and are tried again; within the last minute."""


class Delivery:
    """Knows every row that is held and every address that is behind."""

    def __init__(
        self,
        journal: Journal,
        receivers: Mapping[str, Receiver],
        now: Callable[[], int],
        sweep_s: float,
        sweep_rows_max: int = 1000,
    ) -> None:
        self._journal = journal
        self._receivers = receivers
        self._now = now
        self._sweep_s, self._sweep_rows_max = sweep_s, sweep_rows_max
        self._held: set[int] = set()
        self._backlogs: dict[Address, Backlog] = {}
        self._backlogged_rows = 0
        self.left_behind = LeftBehind()
        self._to_pump: deque[Address] = deque()
        self._readings: list[set[int]] = []
        self._idle_pumps = trio.lowlevel.ParkingLot()
        self._next_due: int | None = None
        self._due_sooner = trio.Event()
        self._timers_seen = 0
        self._firing = trio.Lock()
        self._suspects, self._suspects_batch = set[int](), 0
        self._stranded_total = self._timers_fired_total = 0
        self._crashes = Contained()

    # Synchronous, called when a run is settled.

    def hand_over(self, rows: Iterable[Pending]) -> None:
        """Give freshly committed due rows to their receivers, in id order."""
        for row in rows:
            if row.id in self._held:
                continue
            if row.along:
                self._held.add(row.id)
                continue
            backlog = self._backlogs.get(row.target)
            if backlog is not None:
                backlog.changes += 1
                backlog.rows += 1
                self._backlogged_rows += 1
            elif not self._offer(row):
                self.fall_behind(row.target)

    def forget(self, row: Pending) -> None:
        """The row was consumed by a durable decision."""
        if row.id:  # else it was never in the table
            self._held.discard(row.id)
            for reading in self._readings:
                reading.add(row.id)

    def give_back(self, row: Pending) -> None:
        """The row was not handled; it is delivered again, in its order."""
        row.along = False
        self._held.discard(row.id)
        self.fall_behind(row.target)

    def fall_behind(self, address: Address) -> None:
        """There are due rows of this address in the table that nobody was handed."""
        backlog = self._backlogs.get(address)
        if backlog is None:
            backlog = self._backlogs[address] = Backlog()
        backlog.changes += 1
        backlog.rows += 1
        self._backlogged_rows += 1
        self._want_pump(address)

    def drained(self, address: Address) -> None:
        """The address's mailbox has room again."""
        if address in self._backlogs:
            self._want_pump(address)

    def room_made(self, kind: str) -> None:
        """Addresses of the kind that could take nothing may be able to now."""
        for address in self._backlogs:
            if address.kind == kind:
                self._want_pump(address)

    def timer_set(self, due_at: int) -> None:
        """A timer was committed; wake up earlier if it is the next one."""
        # It may have fallen due while it was being committed.
        self._timers_seen = min(self._timers_seen, due_at - 1)
        if self._next_due is None or due_at < self._next_due:
            self._next_due = due_at
            self._due_sooner.set()

    def is_behind(self, address: Address, rows_max: int) -> bool:
        """Whether more rows than so many wait for the address; with -1, whether any may."""
        backlog = self._backlogs.get(address)
        return backlog is not None and backlog.rows > rows_max

    @property
    def backlogged_rows(self) -> int:
        """About how many rows were skipped in all."""
        return self._backlogged_rows

    def _offer(self, row: Pending) -> bool:
        receiver = self._receivers.get(row.target.kind)
        if receiver is None or not receiver.offer(row):
            return False
        self._held.add(row.id)
        return True

    def _want_pump(self, address: Address) -> None:
        backlog = self._backlogs[address]
        if not backlog.pumping:
            backlog.pumping = True
            self._to_pump.append(address)
            self._idle_pumps.unpark()  # one: to wake up all costs more than to drain most

    # The tasks.

    async def recover(self) -> int:
        """At start: every address that has due rows is behind; how many an earlier life left."""
        now = self._now()
        found = await self._journal.backlog(now, ADDRESSES_MAX)
        # One instant for both: what falls due while the backlog is read is a timer of this life.
        next_due = await self._journal.next_due(now)
        self._timers_seen = now
        self._note_next_due(next_due)
        for address, _newest in found:
            self.fall_behind(address)
        self.left_behind.found(address for address, _newest in found)
        return len(found)

    async def pump(self) -> None:
        """Drain backlogged addresses, a few at a time, until cancelled."""
        async with trio.open_nursery() as nursery:
            for _ in range(PUMPS):
                nursery.start_soon(self._pump_one_by_one)
            while True:
                await trio.sleep(RETRY_S)
                for address in self._backlogs:
                    self._want_pump(address)

    async def _pump_one_by_one(self) -> None:
        while True:
            while not self._to_pump:
                await self._idle_pumps.park()
            address = self._to_pump.popleft()
            again = False
            try:
                await self._let_others_by()
                again = await self._drain(address)
                self.left_behind.offered(address)
            except Unavailable:
                pass  # tried again after RETRY_S
            except Exception as crash:  # noqa: BLE001  # a bulkhead: other addresses have rows, too
                self._crashes.note(log, "draining crashed", crash, kind=address.kind)
            finally:
                if address in self._backlogs:
                    self._backlogs[address].pumping = False
            if again and address in self._backlogs:
                self._want_pump(address)

    async def _let_others_by(self) -> None:
        """Old work waits while the journal is behind: who asks now must not wait behind all of it."""
        while self._journal.statistics().runs_waiting > RUNS_MAX:  # noqa: ASYNC110  # no event says
            await trio.sleep(PUMP_NAP_S)

    async def _drain(self, address: Address) -> bool:
        """Hand over what the address can take now; whether to go on at once (False: it can take no
        more, or nothing is left).
        """
        backlog = self._backlogs[address]
        changes, taken = backlog.changes, 0
        async with self._reading() as consumed:
            rows = await self._journal.pending(address, PAGE_ROWS, self._now())
            for row in rows:
                if row.id in self._held or row.id in consumed:
                    continue
                if not self._offer(row):
                    return False
                taken += 1
                if backlog.rows:
                    backlog.rows -= 1
                    self._backlogged_rows -= 1
        if len(rows) == PAGE_ROWS:
            # A page of which everything is held says nothing new until some of it is consumed.
            return taken > 0
        if backlog.changes != changes:
            return True
        # Read completely, and nothing was skipped since the reading began.
        self._backlogged_rows -= backlog.rows
        del self._backlogs[address]
        return False

    @asynccontextmanager
    async def _reading(self) -> AsyncGenerator[set[int], None]:
        """Remember what is consumed while rows are being read.

        A reading shows rows as they were when it began; one that was held then and is consumed
        before we look at it must not be handed over a second time.
        """
        consumed: set[int] = set()
        self._readings.append(consumed)
        try:
            yield consumed
        finally:
            # By identity: two readings may well be equal sets.
            self._readings = [other for other in self._readings if other is not consumed]

    async def fire_timers(self) -> None:
        """Deliver rows when they fall due, until cancelled."""
        while True:
            try:
                await self.fire_due()
            except Exception as crash:  # noqa: BLE001  # a bulkhead: what is due stays due
                self._crashes.note(log, "timers crashed", crash)
                await trio.sleep(RETRY_S)
            self._due_sooner = trio.Event()
            nap = TIMER_NAP_S_MAX
            if self._next_due is not None:
                nap = min(nap, max(0.0, (self._next_due - self._now()) / 1000))
            with trio.move_on_after(nap):
                await self._due_sooner.wait()

    async def fire_due(self) -> int:
        """Deliver all rows that fell due since the last time.

        Returns:
            How many.
        """
        async with self._firing:
            now = self._now()
            if self._next_due is None or self._next_due > now:
                return 0
            # Marked before the reading: what is set from here on lowers the marks again.
            seen, self._timers_seen, self._next_due = self._timers_seen, now, None
            before = self._timers_fired_total
            try:
                await self._hand_over_timers(seen, now)
                self._note_next_due(await self._journal.next_due(now))
            except BaseException as error:
                # However it ended, what it was to hand over is due, and is looked for again.
                self._timers_seen = min(self._timers_seen, seen)
                self._note_next_due(now)
                if not isinstance(error, Unavailable):
                    raise
                await trio.sleep(RETRY_S)
            return self._timers_fired_total - before

    async def _hand_over_timers(self, seen: int, now: int) -> None:
        """Hand over what fell due after `seen`, page by page in order of due times."""
        limit = PAGE_ROWS
        last: set[int] = set()
        while True:
            async with self._reading() as consumed:
                rows = await self._journal.due_timers(now, after=seen, limit=limit)
                passed = (self._held, consumed, last)
                fresh = [r for r in rows if not any(r.id in ids for ids in passed)]
                self.hand_over(fresh)
            self._timers_fired_total += len(fresh)
            if len(rows) < limit:
                return
            # Others may share the last due time: look again from just before it, and further if a
            # whole page shares it.
            latest = rows[-1].due_at
            last = {r.id for r in rows if r.due_at == latest}
            if latest - 1 > seen:
                seen = latest - 1
            else:
                limit *= 2

    def _note_next_due(self, due_at: int | None) -> None:
        if due_at is not None and (self._next_due is None or due_at < self._next_due):
            self._next_due = due_at

    async def sweep(self) -> None:
        """Look for stranded rows, until cancelled."""
        while True:
            await trio.sleep(self._sweep_s)
            try:
                await self.sweep_once()
            except Unavailable:
                continue
            except Exception as crash:  # noqa: BLE001  # a bulkhead: it is only a net
                self._crashes.note(log, "sweep crashed", crash)

    async def sweep_once(self) -> int:
        """Find due rows that are neither held nor backlogged, count them, and deliver them.

        One that is seen for the first time is a suspect only: its commit may be durable and not
        settled yet, for as long as its answer is on the way or lost.

        Returns:
            How many were stranded.
        """
        async with self._firing:  # else a pass under way has marked more than it has handed over
            horizon = self._timers_seen
        journal = self._journal.statistics()
        settled = journal.batch > self._suspects_batch or not journal.runs_waiting
        before = self._suspects if settled else set[int]()
        suspects, stranded, left = set[int](), 0, self._sweep_rows_max
        for address, newest in await self._journal.backlog(horizon, left):
            if address in self._backlogs or newest in self._held or not left:
                continue
            async with self._reading() as consumed:
                rows = await self._journal.pending(address, min(left, PAGE_ROWS), horizon)
                left -= len(rows)
                loose = {r.id for r in rows if r.id not in self._held and r.id not in consumed}
            lost = loose & before
            if lost and address not in self._backlogs:
                stranded += len(lost)
                log.error("stranded rows", kind=address.kind, rows=len(lost))
                self.fall_behind(address)
            suspects |= loose
        self._suspects = suspects
        self._suspects_batch = self._journal.statistics().batch
        self._stranded_total += stranded
        return stranded

    def statistics(self) -> DeliveryStatistics:
        """A snapshot."""
        return DeliveryStatistics(
            len(self._held), len(self._backlogs), self._backlogged_rows, self._stranded_total,
            self._timers_fired_total, self._crashes.total, self._crashes.recent,
        )  # fmt: skip
