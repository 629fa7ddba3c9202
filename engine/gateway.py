"""Gateways: the only place from which the daemon calls an outside party.

Rules (design.md 6; invariants 1 and 6):
- a call is a durable row before it is made; its answer is committed with the row's removal;
- every call has a deadline, every gateway a bound on calls in flight, every failure a bounded
  number of retries as durable timers (S63, X18: first run, then 1, 2, 4 s), and in the end an
  answer, a parked row or a dead letter;
- an open breaker parks: attempts are not burnt, one probe goes out after the recovery time, and
  what was parked is released at a pace (parking.py); an *expendable* call is given up instead;
- a *confirm-first* operation commits "started" before its first byte leaves. Whatever then
  happens without an answer (time-out, crash, take-over), its outcome is unknown: it is never sent
  again, but looked up, and held for a person where it cannot be.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import structlog
import trio

from comptoir.engine.breaker import Breaker
from comptoir.engine.decision import Attempt, DeadLetter, Decision, Once, Outgoing
from comptoir.engine.errors import log_crash
from comptoir.engine.gateway_spec import (
    BREAKER_OPEN,
    LOOK_AGAIN_MS,
    PARKED_MS_MAX,
    STARTED,
    STARTED_KEPT_MS,
    UNDER_WAY,
    CallContext,
    CallFault,
    GatewaySpec,
    GatewayStatistics,
    GatewaySurroundings,
    Operation,
    answer_to,
    tries_of,
    was_started,
)
from comptoir.engine.journal import Decided, Duplicate, Fate, Gone, Pending, Rejected, Run
from comptoir.engine.lanes import LanedMailbox
from comptoir.engine.parking import Parking, is_spared, probed
from comptoir.engine.values import Address, Message, State
from comptoir.engine.waiter import Waiter

__all__ = ["Gateway", "GatewayStatistics"]

log = structlog.get_logger("comptoir.gateway")

_STATELESS: Any = object()


class Gateway:
    """Works on many calls of one party at once."""

    def __init__(self, spec: GatewaySpec, around: GatewaySurroundings) -> None:
        self.spec = spec
        self.kind = spec.kind
        self.breaker = Breaker(spec.kind, spec.bounds.breaker)
        self._around = around
        self._mailbox = LanedMailbox(spec)
        self._slots = trio.CapacityLimiter(spec.bounds.calls_max)
        self._in_flight: dict[int, Pending] = {}
        self._started: set[str] = set()
        self._well_at = 0
        """Business time when the party last answered, as far as this process knows."""
        self._parking = Parking(spec.bounds, self.breaker)
        self._calls_total = 0
        self._failures_total = 0
        self._dead_total = 0
        self._held_total = 0

    def offer(self, row: Pending) -> bool:
        """Take a call's row; False when the mailbox is full."""
        return self._mailbox.offer(row)

    @property
    def busy(self) -> bool:
        """Whether a call waits or is in flight, its row being already replaced or not."""
        return bool(self._mailbox) or bool(self._in_flight) or self._slots.borrowed_tokens > 0

    async def run(self) -> None:
        """Make calls until cancelled; what is in hand goes back to its table."""
        self._parking.begin()
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._release_when_due)
                while True:
                    # One at a time, and a place for it: what waits, waits in the bounded mailbox.
                    row = await self._mailbox.take_next()
                    if row.id in self._in_flight:
                        continue  # parked so long that it fell due while it had its turn
                    self._in_flight[row.id] = row
                    await self._slots.acquire_on_behalf_of(row.id)
                    nursery.start_soon(self._guarded, row)
                    await self._parking.pace()
        finally:
            for row in (*self._in_flight.values(), *self._mailbox.drain()):
                self._around.give_back(row)
            self._in_flight.clear()

    async def _guarded(self, row: Pending) -> None:
        done = False
        try:
            await self._handle(row)
            done = True
        except Exception as error:  # noqa: BLE001  # a bulkhead
            # A bug in what declares an operation hurts its own call, never those beside it.
            log_crash(log, "operation crashed", error, kind=self.kind)
            if row.id in self._in_flight:
                await self._bury(row, row.message, "ADAPTER_CRASHED")
            done = True
        finally:
            self._slots.release_on_behalf_of(row.id)
            self._parking.leave(row)
            self._mailbox.leave(row)
            if self._in_flight.pop(row.id, None) is not None and not done:
                self._around.give_back(row)

    async def _handle(self, row: Pending) -> None:
        message = self._mailbox.read(row)
        if message is None:
            await self._bury(row, None, "MESSAGE_UNREADABLE")
            return
        operation = self.spec.operations.get(type(message))
        if operation is None:
            await self._bury(row, message, "OPERATION_UNKNOWN")
        elif was_started(row):
            await self._find_out(row, message, operation)
        elif self.breaker.permits(_io_ms()):
            await self._attempt(row, message, operation)
        elif operation.idempotent and operation.expendable(message):
            await self._finish(row, operation.failed(message, BREAKER_OPEN), None)
        else:
            await self._park(row, message)

    async def _attempt(self, row: Pending, message: Message, operation: Operation) -> None:
        now, tries = self._around.now(), len(row.attempts)
        context = CallContext(now, tries + 1, operation.business_key(message))
        if not operation.idempotent:
            await self._attempt_once(row, message, operation, context)
            return
        probing = not self.breaker.closed
        answer, fault = await self._call(operation.call, message, context)
        if fault is None:
            self._note_success()
            await self._finish(row, answer, None)
            return
        # Its own tries count, over restarts too, while nobody else was answered: a crash must not end what an outage
        # is to park, nor one call that always fails keep the party from everybody.
        alone = bool(row.attempts) and row.attempts[-1].at > self._well_at
        opens = self._note_failure(fault, tries_of(row) + 1 if alone else 1)
        last = tries_of(row) >= len(self.spec.bounds.retry_delays_ms)
        if (probing or (opens and last)) and is_spared(row, fault, self._around.now()):
            await self._park(row, message, probing=True)
        else:
            await self._after_fault(row, message, operation, fault)

    async def _attempt_once(
        self, row: Pending, message: Message, operation: Operation, context: CallContext
    ) -> None:
        """Confirm-first: durably started, then sent, and never again whatever comes of it."""
        key = context.business_key
        if key in self._started:
            await self._retry(row, message, UNDER_WAY, LOOK_AGAIN_MS)
            return
        watchdog = f"started:{key}"
        outcome: tuple[Message | None, CallFault | None] | None = None
        self._started.add(key)
        try:
            fate = await self._commit_started(row, message, watchdog)
            if fate.count:
                outcome = await self._call(operation.call, message, context)
        finally:
            self._started.discard(key)
        if outcome is None:
            if isinstance(fate.why, Duplicate):  # another row started this very call before
                await self._find_out(row, message, operation)
            return
        answer, fault = outcome
        if fault is None:
            self._note_success()
            await self._finish(row, answer, watchdog)
            return
        self._note_failure(fault)
        if not fault.retryable and not fault.sick:
            # The party said no: that is an outcome, not an unknown one.
            await self._finish(row, operation.failed(message, fault.code), watchdog)
        else:
            # Unknown: the watchdog falls due, and the call is looked up, never sent again.
            log.warning("outcome unknown", kind=self.kind, code=fault.code)

    async def _call(
        self,
        function: Callable[[Any, CallContext], Awaitable[Message | None]],
        message: Message,
        context: CallContext,
    ) -> tuple[Message | None, CallFault | None]:
        """Call the adapter within the deadline; whatever it raises is a fault of this one call."""
        self._calls_total += 1
        try:
            with trio.fail_after(self.spec.bounds.deadline_s):
                return await function(message, context), None
        except trio.TooSlowError:
            return None, CallFault("CALL_TIMEOUT", retryable=True)
        except CallFault as fault:
            return None, fault
        except Exception as error:  # noqa: BLE001  # a bulkhead
            # The bulkhead: a bug in an adapter must not end the calls beside it.
            log_crash(log, "adapter crashed", error, kind=self.kind)
            return None, CallFault("ADAPTER_CRASHED", retryable=True)

    async def _commit_started(self, row: Pending, message: Message, watchdog: str) -> Fate:
        """Durably replace the row by a named watchdog before the first byte leaves, once ever."""
        now = self._around.now()
        once = Once("call", f"{self.kind}:{watchdog}", STARTED_KEPT_MS)
        due = now + round(self.spec.bounds.deadline_s * 2000)
        marked = Outgoing(
            row.target,
            message,
            due,
            watchdog,
            attempts=(*row.attempts, Attempt(now, STARTED)),
            sender=row.sender,
        )
        decision = Decision(_STATELESS, messages=(marked,), once=(once,))
        return await self._commit(row, decision, message)

    async def _find_out(self, row: Pending, message: Message, operation: Operation) -> None:
        """A started call whose answer nobody has: look it up, or hold it; never send it again."""
        key = operation.business_key(message)
        delays = self.spec.bounds.retry_delays_ms
        if key in self._started:
            # Business time ran past the watchdog while the call is still under way in this process.
            await self._retry(row, message, UNDER_WAY, LOOK_AGAIN_MS)
        elif operation.look_up is None:
            await self._hold(row, message, "OUTCOME_UNKNOWN", operation)
        elif not self.breaker.permits(_io_ms()):
            await self._park(row, message)
        else:
            context = CallContext(self._around.now(), len(row.attempts), key)
            probing = not self.breaker.closed
            answer, fault = await self._call(operation.look_up, message, context)
            if fault is None:
                self._note_success()
                if answer is not None:
                    await self._finish(row, answer, None)
                else:
                    await self._hold(row, message, "OUTCOME_UNKNOWN", operation)
                return
            self._note_failure(fault)
            tries = tries_of(row)
            if probing and is_spared(row, fault, self._around.now()):
                await self._park(row, message, probing=True)
            elif tries < len(delays):
                await self._retry(row, message, fault.code, max(delays[tries], fault.wait_ms))
            else:
                await self._hold(row, message, fault.code, operation)

    async def _hold(self, row: Pending, message: Message, code: str, operation: Operation) -> None:
        """Keep a call of unknown outcome for a person, and let whoever asked know."""
        self._held_total += 1
        log.error("call held: outcome unknown", kind=self.kind, code=code)
        letter = DeadLetter(self.spec.hold_queue, code, "never sent again: find out and settle it")
        told = answer_to(row, operation.held(message, code))
        await self._commit(row, Decision(_STATELESS, messages=told, dead_letter=letter), message)

    async def _after_fault(
        self, row: Pending, message: Message, operation: Operation, fault: CallFault
    ) -> None:
        delays = self.spec.bounds.retry_delays_ms
        tries = tries_of(row)
        if fault.retryable and tries < len(delays):
            await self._retry(row, message, fault.code, max(delays[tries], fault.wait_ms))
            return
        self._dead_total += 1
        answer = operation.failed(message, fault.code)
        await self._bury(row, message, fault.code, answer)

    async def _retry(self, row: Pending, message: Message, code: str, delay_ms: int) -> None:
        now = self._around.now()
        # The name stays: a started call that ends well after all cancels its watchdog by it.
        again = Outgoing(
            row.target,
            message,
            now + delay_ms,
            row.name,
            attempts=(*row.attempts, Attempt(now, code)),
            sender=row.sender,
        )
        await self._commit(row, Decision(_STATELESS, messages=(again,)), message)

    async def _park(self, row: Pending, message: Message, *, probing: bool = False) -> None:
        """Hold the row until the breaker lets work through; no attempt is counted."""
        now = self._around.now()
        parked = Outgoing(
            row.target,
            message,
            now + PARKED_MS_MAX,
            row.name,
            parked=True,
            attempts=probed(row, now) if probing else row.attempts,
            sender=row.sender,
        )
        await self._commit(row, Decision(_STATELESS, messages=(parked,)), message)
        self._parking.add()

    async def _bury(
        self, row: Pending, message: Message | None, code: str, answer: Message | None = None
    ) -> None:
        queue = self.spec.hold_queue if was_started(row) else self.spec.dead_queue
        letter = DeadLetter(queue, code)
        await self._commit(
            row, Decision(_STATELESS, messages=answer_to(row, answer), dead_letter=letter), message
        )

    async def _finish(self, row: Pending, answer: Message | None, watchdog: str | None) -> None:
        """Commit the answer with the removal of the call."""
        cancel = (watchdog,) if watchdog is not None else ()
        decision = Decision[State](_STATELESS, messages=answer_to(row, answer), cancel=cancel)
        await self._commit(row, decision, None, consume=watchdog is None)

    async def _commit(
        self,
        row: Pending,
        decision: Decision[Any],
        message: Message | None,
        *,
        consume: bool = True,
    ) -> Fate:
        """Commit one decision about one row, and wait until it is durable."""
        consumed = row if consume else None
        fate = await self._submit(Decided(decision, self._around.now(), consumed, message))
        if isinstance(fate.why, Gone):
            self._around.forget(row)  # cancelled while it was on its way
        elif isinstance(fate.why, Rejected) and consume and decision.dead_letter is None:
            # What the database refuses (an answer, say) would be refused again: keep the call.
            await self._bury(row, message, fate.why.code)
        elif fate.why is not None and not isinstance(fate.why, Duplicate):
            log.error("gateway decision not committed", kind=self.kind, why=repr(fate.why))
        elif consume and fate.count:
            self._in_flight.pop(row.id, None)
        return fate

    def _note_success(self) -> None:
        self._well_at = self._around.now()
        if not self.breaker.closed:
            self._parking.recovered()
        self.breaker.succeeded(_io_ms())

    def _note_failure(self, fault: CallFault, times: int = 1) -> bool:
        self._failures_total += 1
        opens = fault.sick and self.breaker.failed(_io_ms(), times)
        if not fault.sick:
            self.breaker.succeeded(_io_ms())  # it answered, if not as we wished
        log.warning("call failed", kind=self.kind, code=fault.code, breaker=repr(self.breaker))
        return opens

    async def _release_when_due(self) -> None:
        """Work on parked calls, whenever the breaker would let one through."""
        parked = partial(self._around.journal.parked, Address(self.kind, ""))
        while True:
            await self._parking.wait_for_any()
            wait_ms = self._parking.wait_ms
            if wait_ms == 0:
                await self._parking.release(parked, self._mailbox.offer)
            # Not the whole wait: the probe may come back well before it.
            await trio.sleep(min(1.0, max(0.1, wait_ms / 1000)))

    async def _submit(self, decided: Decided) -> Fate:
        """Commit one decision of this gateway and wait until it is durable."""
        waiter: Waiter[Fate] = Waiter()

        def settle(run: Run, fate: Fate) -> None:
            try:
                self._around.settled(run, fate)
            finally:
                waiter.give(fate)

        address = Address(self.kind, "")
        self._around.journal.submit(Run(address, None, [decided], settle, state=_STATELESS))
        return await waiter.wait()

    def statistics(self) -> GatewayStatistics:
        """A snapshot."""
        return GatewayStatistics(
            self.kind, len(self._mailbox), self._slots.borrowed_tokens, self.breaker.state.phase.value,
            self._calls_total, self._failures_total, self._parking.total, self._dead_total,
            self._held_total, self._parking.wait_ms, self.spec.bounds.release_per_s,
        )  # fmt: skip

    def __repr__(self) -> str:
        phase, calls = self.breaker.state.phase.value, self._slots.borrowed_tokens
        return f"<Gateway {self.kind} {phase} {calls} calls>"


def _io_ms() -> int:
    return round(trio.current_time() * 1000)
