"""One run: lanes that send the plan, each over its own kept-alive connection.

Rule: a paced run is open-loop: latency counts from when a webhook was meant to go, not from when a
lane was free for it. A webhook without a final answer goes again with bounded back-off, as
aggregators do, until it is answered or its time is over.

Source: interface.md 10 (`POST /control/runs`); spec X19; Gil Tene's "coordinated omission".
"""

import math
import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NoReturn

import structlog
import trio

from comptoir.sandbox.clock import Clock
from comptoir.sandbox.deliveries import Delivery, Sender
from comptoir.sandbox.runs.request import RunRequest
from comptoir.sandbox.runs.tally import Tally
from comptoir.sandbox.wire.client import Answer, Connection, NoAnswer

BURST_WEBHOOKS = 100
BACK_OFF_SECONDS_FIRST = 0.05
BACK_OFF_SECONDS_MAX = 2.0
# A receiver that asks for more (Retry-After) is asked again earlier: a run has an end.
RETRY_AFTER_SECONDS_MAX = 5.0
# In all, beside the bound for each webhook: a run against a broken receiver ends.
RETRIES_PER_WEBHOOK_MAX = 10
RETRIES_SPARE = 1000
# Shorter sleeps cost more than they are exact.
_SLEEP_SECONDS_MIN = 0.0005

_log = structlog.get_logger("comptoir.sandbox")


class _Failed(Exception):
    """The run cannot go on; `Run.reason` says why."""


class Schedule:
    """When each webhook is meant to go, in seconds since the start; None = as fast as may be."""

    def __init__(self, request: RunRequest) -> None:
        self._rate = request.rate_per_second
        self._burst = request.mix.burst
        self._seed = request.seed
        self._group = -1
        self._bursting = False

    def seconds(self, number: int) -> float | None:
        """The moment of webhook `number`; must be asked in order."""
        if self._rate is None:
            return None
        group = number // BURST_WEBHOOKS
        if group != self._group:
            self._group = group
            chance = random.Random(f"burst {self._seed} {group}").random()
            self._bursting = chance < self._burst
        return (group * BURST_WEBHOOKS if self._bursting else number) / self._rate


@dataclass(slots=True)
class Run:
    """A run in progress or at its end; `document` may be read at any time."""

    run_id: str
    request: RunRequest
    sender: Sender
    clock: Clock
    deliveries: Iterator[Delivery]
    notes: dict[str, object] = field(default_factory=dict[str, object])
    """Facts about the material, shown with the result."""
    status: str = "running"
    reason: str | None = None
    tally: Tally = field(init=False)
    _schedule: Schedule = field(init=False)
    _released: deque[Delivery] = field(default_factory=deque[Delivery])
    _number: int = 0
    _start: float = 0.0
    _end: float | None = None
    _last_answer: float = 0.0
    _parked: int = 0

    def __post_init__(self) -> None:
        self.tally = Tally(self.sender, self.request.count)
        self._schedule = Schedule(self.request)

    async def play(self) -> None:
        """Sends everything; never raises but for cancellation, which leaves `status` cancelled."""
        self._start = self._last_answer = trio.current_time()
        self.status, outcome = "running", "cancelled"
        try:
            async with trio.open_nursery() as nursery:
                for _ in range(self.request.connections):
                    nursery.start_soon(self._lane)
            self.tally.skipped += self._parked
            outcome = "done"
        except* _Failed:
            outcome = "failed"
        finally:
            self.status = outcome
            self._end = trio.current_time()
        _log.info("run.ended", run=self.run_id, status=self.status, sent=self.tally.sent)

    async def _lane(self) -> None:
        async with Connection(self.sender.target) as connection:
            while (found := self._next()) is not None:
                delivery, moment = found
                await self._deliver(connection, delivery, moment)

    def _next(self) -> tuple[Delivery, float | None] | None:
        """The next delivery that may go, and when it was meant to; None at the end."""
        while True:
            if self._released:
                return self._released.popleft(), None
            delivery = next(self.deliveries, None)
            if delivery is None:
                return None
            moment = self._schedule.seconds(self._number)
            self._number += 1
            first = delivery.after
            if first is None or first.acknowledged:
                return delivery, moment
            if first.acknowledged is None:
                first.waiting.append(delivery)
                self._parked += 1
            else:
                self.tally.skipped += 1

    async def _deliver(
        self, connection: Connection, delivery: Delivery, moment: float | None
    ) -> None:
        begin = trio.current_time()
        if moment is not None:
            intended = self._start + moment
            if intended - begin > _SLEEP_SECONDS_MIN:
                await trio.sleep_until(intended)
            begin = intended
        self.tally.sending(delivery)
        answer = await self._until_answered(connection, delivery)
        if answer is None:
            self.tally.gave_up += 1
            acknowledged = False
        else:
            seconds = trio.current_time() - begin
            acknowledged = self.tally.answered(delivery, answer, seconds)
        self._settle(delivery, acknowledged=acknowledged)

    def _settle(self, delivery: Delivery, *, acknowledged: bool) -> None:
        delivery.acknowledged = acknowledged
        if not delivery.waiting:
            return
        self._parked -= len(delivery.waiting)
        if acknowledged:
            self._released.extend(delivery.waiting)
        else:
            self.tally.skipped += len(delivery.waiting)
        delivery.waiting = []

    async def _until_answered(self, connection: Connection, delivery: Delivery) -> Answer | None:
        """Sends until there is a final answer; None where the webhook's time is over."""
        begin = trio.current_time()
        back_off = BACK_OFF_SECONDS_FIRST
        while True:
            pause = back_off
            try:
                answer = await self._attempt(connection, delivery)
            except NoAnswer as failure:
                code = failure.code
                if failure.stale:
                    code, pause = "STALE_CONNECTION", 0.0
            else:
                self._last_answer = trio.current_time()
                if answer.status < 500 and answer.status != 429:
                    return answer
                code = f"HTTP_{answer.status}"
                pause = max(pause, _retry_after(answer))
            self.tally.failed(delivery, code)
            now = trio.current_time()
            if now + pause - begin > self.request.retry_seconds:
                self._check_alive(now + pause)
                return None
            self.tally.retries += 1
            if self.tally.retries > self.request.count * RETRIES_PER_WEBHOOK_MAX + RETRIES_SPARE:
                self._fail("too many retries: the receiver does not recover")
            await trio.sleep(pause)
            back_off = min(back_off * 2, BACK_OFF_SECONDS_MAX) if pause else back_off

    async def _attempt(self, connection: Connection, delivery: Delivery) -> Answer:
        delivery.message = self.sender.message(delivery, self.clock.now_ms())
        with trio.move_on_after(self.request.timeout_ms / 1000):
            return await connection.exchange(delivery.message)
        raise NoAnswer("TIMEOUT")

    def _check_alive(self, then: float) -> None:
        """Ends the run when nobody was answered for as long as one webhook is tried."""
        if then - self._last_answer > self.request.retry_seconds:
            self._fail(f"no answer from the target for {self.request.retry_seconds:g} s")

    def _fail(self, reason: str) -> NoReturn:
        self.reason = reason
        raise _Failed

    def document(self) -> dict[str, object]:
        """Progress and result; complete once `status` is not running."""
        end = self._end if self._end is not None else trio.current_time()
        elapsed = end - self._start if self._start else 0.0
        done = self.tally.done
        progress = {
            "done": done,
            "total": self.request.count,
            "ratePerSecond": round(done / elapsed, 1) if elapsed else 0.0,
            "elapsedMs": round(elapsed * 1000),
        }
        document: dict[str, object] = {
            "runId": self.run_id,
            "status": self.status,
            "progress": progress,
            **self.tally.document(),
            **self.notes,
        }
        if self.reason is not None:
            document["reason"] = self.reason
        return document


def _retry_after(answer: Answer) -> float:
    """Seconds of the Retry-After header, bounded; 0 without one."""
    text = answer.headers.get("retry-after", "")
    if not (text.isascii() and text.isdigit()):
        return 0.0
    seconds = float(text)
    return min(seconds, RETRY_AFTER_SECONDS_MAX) if math.isfinite(seconds) else 0.0
