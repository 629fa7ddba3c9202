"""The one loop of all actors: take, decide a run, commit it, then let the world know.

Rules (design.md 2, 5; invariant 1):
- messages are handled one at a time, in order; several may be decided on tentative state and
  committed together, and if the commit fails all of them are undone and decided again;
- nothing leaves the batch (no reply, no call) before `settle`, which the journal calls when the run
  is durable; a message may go along to an idle actor and be decided in the same batch (ADR 0013);
- what need not wait does not: a loaded actor decides in the very step in which it is offered a
  message, or hears that its last run is durable. Its task does what has to be waited for: loading,
  looking up, and whatever went wrong;
- a machine is pure, so a crash in it changed nothing: what was decided before is committed, the
  state is loaded again, the message tried once more alone, and then it is a dead letter.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any

import structlog

from comptoir.engine.actor_host import ActorHost, MessageUnreadable, NotAvailable, writes_of
from comptoir.engine.decision import DeadLetter, Decision, Refusal
from comptoir.engine.envelope import Answer, Envelope
from comptoir.engine.errors import EngineError, Failed, Refused, Suspended, frames_of
from comptoir.engine.journal import (
    Decided,
    Duplicate,
    Fate,
    Gone,
    Lost,
    Pending,
    Rejected,
    Run,
)
from comptoir.engine.machine import Context
from comptoir.engine.mailbox import Mailbox
from comptoir.engine.spec import ActorSpec
from comptoir.engine.values import Address
from comptoir.engine.waiter import Waiter

__all__ = ["Actor"]

log = structlog.get_logger("comptoir.actor")

STALE = "STALE"
"""The journal's word for: decided on another version than the durable one; load again."""


class Actor:
    """One resident actor. Its task is started and ended by its supervisor."""

    __slots__ = (
        "_crash",
        "_driving",
        "_fate",
        "_host",
        "_trouble",
        "address",
        "in_hand",
        "loaded",
        "mailbox",
        "recent_crashes",
        "spec",
        "state",
        "used_at",
        "version",
    )

    def __init__(self, address: Address, spec: ActorSpec[Any], host: ActorHost) -> None:
        self.address = address
        self.spec = spec
        self._host = host
        self.mailbox: Mailbox[Envelope] = Mailbox(spec.bounds.mailbox_max)
        self.state = spec.newborn
        self.version = 0
        self.loaded = False
        self.in_hand: deque[Envelope] | None = None
        self.used_at = 0.0
        self.recent_crashes: tuple[int, ...] = ()
        self._fate: Waiter[Fate] | None = None
        """Where the task waits for the fate of a run of its own."""
        self._trouble: Duplicate | Rejected | Gone | Lost | Exception | None = None
        """Why the run in hand was cut, or the crash of its first decision: for the task."""
        self._crash: Exception | None = None
        """Of the decision after the run in hand, which becomes the trouble when that is durable."""
        self._driving = False

    @property
    def idle(self) -> bool:
        """Nothing waits and nothing is in hand: it may leave memory, without a checkpoint."""
        return self.in_hand is None and not self.mailbox

    def __repr__(self) -> str:
        return (
            f"<Actor {self.address} {self.state.phase.name} v{self.version} +{len(self.mailbox)}>"
        )

    def offer(self, envelope: Envelope) -> bool:
        """Take a message, and decide it at once if nothing stands before it; False if full."""
        if not self.mailbox.put(envelope):
            return False
        if self.in_hand is None and self.loaded:
            self._drive()
        return True

    def take_along(self, row: Pending) -> bool:
        """Decide a message whose row is not durable yet, if that can be done at once: then its
        decision follows the sender's into the same batch. False: nothing has changed.
        """
        if self.in_hand is not None or self.mailbox or not self.loaded or self.mailbox.closed:
            return False
        return type(row.message) not in self.spec.lookups and self.offer(
            Envelope(row.message, None, row)
        )

    def _drive(self) -> None:
        """Decide run after run as long as nothing has to be waited for; the task does the rest."""
        if self._driving or self.mailbox.called:
            return
        self._driving = True
        try:
            while self.in_hand is None and self.mailbox:
                if not self._begin():
                    self.mailbox.call()
                    break
        finally:
            self._driving = False

    def _begin(self) -> bool:
        """Decide and submit a run of what waits; False if it is for the task."""
        waiting = self.mailbox.head(self.spec.bounds.run_max)
        first = waiting[0]
        if first.crashed or type(first.message) in self.spec.lookups:
            return False
        decided, crash, writes = self._decide(waiting, None)
        count = len(decided) + (crash is not None)
        self.mailbox.drop(count)
        self.in_hand = deque(waiting[:count])
        if not decided:
            self._trouble = crash
            return False
        self._crash = crash
        self._submit(decided, writes=writes)
        return True

    async def run(self) -> None:
        """Load, then do what has to be waited for until the mailbox is closed and empty."""
        await self._load()
        while True:
            self._drive()
            await self.mailbox.wait_called()
            trouble, self._trouble = self._trouble, None
            if trouble is not None:
                assert self.in_hand is not None, "there is trouble with a run in hand only"
                if isinstance(trouble, Exception):
                    await self._after_crash(self.in_hand, trouble)
                else:
                    await self._resolve(self.in_hand, trouble)
            elif self.in_hand is None and self.mailbox:
                self.in_hand = deque(self.mailbox.take_now(self.spec.bounds.run_max))
            elif self.mailbox.closed:
                return
            else:
                continue
            await self._handle(self.in_hand)
            self.in_hand = None

    async def _load(self) -> None:
        loaded = await self._host.journal.load(self.address)
        self.state, self.version = self.spec.read_state(loaded)
        self.loaded = True

    async def _handle(self, waiting: deque[Envelope]) -> None:
        while waiting:
            try:
                facts = await self._look_up(waiting[0])
            except EngineError:
                raise
            except Exception as error:  # noqa: BLE001  # the bulkhead, as around decide
                # What is wrong with one message must not suspend its actor.
                await self._after_crash(waiting, error)
                continue
            decided, crash, writes = self._decide(waiting, facts)
            if decided:
                fate = await self._commit(decided, writes=writes)
                for _ in range(fate.count):
                    waiting.popleft()
                if fate.why is not None:
                    await self._resolve(waiting, fate.why)
                    continue
            if crash is not None:
                await self._after_crash(waiting, crash)

    async def _look_up(self, envelope: Envelope) -> Any:
        lookup = None
        if envelope.message is not None:
            lookup = self.spec.lookups.get(type(envelope.message))
        if lookup is None:
            return None
        return await lookup(self._host.journal, self.address, envelope.message)

    def _decide(
        self, waiting: Sequence[Envelope] | deque[Envelope], facts: Any
    ) -> tuple[list[Decided], Exception | None, bool]:
        """Decide a bounded run on tentative state; stop at a crash, a lookup or a repeated key."""
        spec, host = self.spec, self._host
        state, version, now = self.state, self.version, host.now()
        decide, lookups, references = spec.machine.decide, spec.lookups, host.references
        decided: list[Decided] = []
        keys: set[tuple[str, str]] = set()
        writes = False
        for envelope in waiting:
            message, row = envelope.message, envelope.row
            if message is None:
                return decided, MessageUnreadable("stored by another version"), writes
            if decided:
                if type(message) in lookups:
                    break
                # Facts are the head's only: a run ends before another message that looks something up.
                facts = None
            attempts = 0 if row is None else len(row.attempts)
            context = Context(self.address, now, version, references, facts, attempts)
            mine: set[tuple[str, str]] = set()
            try:
                decision = self._plan(state, decide(state, message, context), envelope)
                if decision.once and len(waiting) > 1:
                    mine = {(once.scope, once.key) for once in decision.once}
                writes = writes or row is not None or writes_of(decision, state)
            except Exception as crash:  # noqa: BLE001  # the bulkhead: see the next line
                # Purity makes it safe to go on: nothing happened but the exception. What is no decision
                # is a crash, too: whoever offered the message, perhaps the journal, must not hear of it.
                return decided, crash, writes
            if keys & mine:
                break  # decided again once the first one is durable: then it is a duplicate
            keys |= mine
            decided.append(Decided(decision, now, row, message, envelope))
            if decision.state is not state:
                state, version = decision.state, version + 1
            if envelope.crashed:
                break  # tried alone
        return decided, None, writes

    def _plan(
        self, state: Any, outcome: Decision[Any] | Refusal, envelope: Envelope
    ) -> Decision[Any]:
        """What to commit for an outcome; the answer is planned, and given when that is durable."""
        if not isinstance(outcome, Refusal):
            if envelope.waiter is not None:
                envelope.planned = Answer(outcome.reply)
            return outcome
        refusal = outcome
        if envelope.row is None:
            envelope.planned = Refused(refusal.code, refusal.detail)
            return Decision(state)
        letter = DeadLetter(self.spec.dead_queue, refusal.code, refusal.detail)
        return Decision(state, dead_letter=letter)

    def _submit(self, decided: list[Decided], *, writes: bool) -> None:
        spec = self.spec
        run = Run(
            self.address, self.version, decided, self._settle, schema=spec.schema, state=self.state
        )
        if writes:
            self._host.journal.submit(run)
            self._host.hand_along(run)
        else:
            self._settle(run, Fate(len(decided), ()))

    async def _commit(self, decided: list[Decided], *, writes: bool) -> Fate:
        """Submit a run from the task, and wait for its fate."""
        waiter = self._fate = Waiter[Fate]()
        try:
            self._submit(decided, writes=writes)
            return await waiter.wait()
        finally:
            self._fate = None

    def _settle(self, run: Run, fate: Fate) -> None:
        """The journal's call: the first `fate.count` decisions are durable. Never waits."""
        for decided in run.decided[: fate.count]:
            if decided.decision.state is not self.state:
                self.state = decided.decision.state
                self.version += 1
            envelope = decided.context
            assert isinstance(envelope, Envelope)
            envelope.finish()
        try:
            self._host.settled(run, fate)
        finally:  # a bug in what else hears of it must not leave this actor waiting for ever
            if self._fate is not None:
                self._fate.give(fate)
            elif self.in_hand is not None:
                self._go_on(self.in_hand, fate)

    def _go_on(self, in_hand: deque[Envelope], fate: Fate) -> None:
        """After a run that the task does not wait for."""
        for _ in range(fate.count):
            in_hand.popleft()
        crash, self._crash = self._crash, None
        trouble = crash if fate.why is None else fate.why
        if trouble is None:
            assert not in_hand, "a run is durable as a whole, or there is a reason"
            self.in_hand = None
            self._drive()
        else:
            self._trouble = trouble
            self.mailbox.call()

    async def _resolve(
        self, waiting: deque[Envelope], why: Duplicate | Rejected | Gone | Lost
    ) -> None:
        """The decision at the head of what waits was not committed; say so, by its reason."""
        if isinstance(why, Lost):
            if why.code != STALE:
                raise NotAvailable(why.code)
            await self._load()
            return
        envelope = waiting[0]
        if isinstance(why, Gone):
            waiting.popleft()
            if envelope.row is not None:
                self._host.forget(envelope.row)
            return
        if isinstance(why, Duplicate):
            answer = Answer(self.spec.read_reply(why.answer), replayed=True)
            if envelope.row is None:
                waiting.popleft()
                envelope.planned = answer
                envelope.finish()
            else:
                await self._replace(waiting, Decision(self.state))
        else:
            await self._bury(waiting, why.code, why.detail)

    async def _bury(self, waiting: deque[Envelope], code: str, detail: str) -> None:
        """Make the message at the head a dead letter, and tell its asker that it failed."""
        waiting[0].planned = Failed("the message is kept as a dead letter")
        letter = DeadLetter(self.spec.dead_queue, code, detail)
        await self._replace(waiting, Decision(self.state, dead_letter=letter))

    async def _replace(self, waiting: deque[Envelope], decision: Decision[Any]) -> None:
        """Commit another decision for the message at the head; it cannot fail for its data."""
        envelope = waiting[0]
        decided = [Decided(decision, self._host.now(), envelope.row, envelope.message, envelope)]
        fate = await self._commit(decided, writes=True)
        if fate.count:
            waiting.popleft()
        elif isinstance(fate.why, Gone):
            await self._resolve(waiting, fate.why)
        else:
            code = fate.why.code if isinstance(fate.why, (Lost, Rejected)) else "DUPLICATE"
            raise NotAvailable(code)

    async def _after_crash(self, waiting: deque[Envelope], crash: Exception) -> None:
        envelope = waiting[0]
        log.error(
            "machine crashed",
            address=self.address.kind,
            message=type(envelope.message).__name__,
            error=type(crash).__name__,
            at=frames_of(crash),
        )
        if envelope.row is not None and not envelope.row.id and not await self._is_there(envelope):
            waiting.popleft()
            return
        # An unreadable message says nothing of the machine: it counts for no restart, no breaker.
        within = isinstance(crash, MessageUnreadable) or self._host.crashed(self.address, crash)
        await self._load()
        if envelope.crashed or not within:
            await self._bury(
                waiting, "MACHINE_CRASHED", f"{type(crash).__name__} {frames_of(crash)}"
            )
        else:
            envelope.crashed = True
        if not within:
            raise Suspended(f"{self.address.kind}: more restarts than its kind allows")

    async def _is_there(self, envelope: Envelope) -> bool:
        """Whether a message that went along was sent at all: its sender's decision is on its way, and
        if that is undone, as a repeat's is, nothing happened that could be counted.
        """
        mark = Decided(
            Decision(self.state), self._host.now(), None, None, Envelope(None, None, None)
        )
        fate = await self._commit([mark], writes=True)
        if isinstance(fate.why, Lost) and fate.why.code != STALE:
            raise NotAvailable(fate.why.code)
        assert envelope.row is not None
        return envelope.row.id > 0

    def abandon(self, error: EngineError) -> None:
        """The task ends: every asker hears why, every row goes back to its table."""
        self.mailbox.close()
        for envelope in (*(self.in_hand or ()), *self.mailbox.drain()):
            envelope.fail(error)
            if envelope.row is not None:
                self._host.give_back(envelope.row)
        self.in_hand = None
