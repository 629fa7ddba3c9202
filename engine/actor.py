"""The one loop of all actors: take, decide a run, commit it, then let the world know.

Rules (design.md 2, 5; invariant 1):
- messages are handled one at a time, in order; several may be decided on tentative state and
  committed together, and if the commit fails all of them are undone and decided again;
- nothing leaves (no reply, no hand-over) before `settle`, which the journal calls when the run is
  durable;
- a machine is pure, so a crash in it changed nothing: what was decided before is committed, the
  state is loaded again, the message tried once more alone, and then it is a dead letter.
"""

from collections import deque
from typing import Any, Protocol

import msgspec
import structlog

from comptoir.engine.decision import DeadLetter, Decision, Refusal
from comptoir.engine.errors import (
    EngineError,
    Failed,
    Refused,
    Superseded,
    Suspended,
    Unavailable,
    frames_of,
)
from comptoir.engine.journal import (
    Decided,
    Duplicate,
    Fate,
    Gone,
    Journal,
    Lost,
    Pending,
    Rejected,
    Run,
)
from comptoir.engine.machine import Context
from comptoir.engine.mailbox import Mailbox
from comptoir.engine.spec import ActorSpec
from comptoir.engine.values import Address, Message, Reply
from comptoir.engine.waiter import Waiter

__all__ = ["Actor", "ActorHost", "Answer", "Envelope"]

log = structlog.get_logger("comptoir.actor")

STALE = "STALE"
"""The journal's word for: decided on another version than the durable one; load again."""


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What an asker gets: the reply, and whether it is the first answer of an earlier ask."""

    reply: Reply | None
    replayed: bool = False


class Envelope:
    """A message in a mailbox: with somebody waiting for the answer, or with its durable row."""

    __slots__ = ("crashed", "message", "planned", "row", "waiter")

    def __init__(
        self, message: Message | None, waiter: Waiter[Answer] | None, row: Pending | None
    ) -> None:
        self.message = message
        """None: a stored message that this version of the program cannot read."""
        self.waiter = waiter
        self.row = row
        self.planned: Answer | EngineError | None = None
        self.crashed = message is None

    def finish(self) -> None:
        """Give the planned answer; called when the decision is durable."""
        if self.waiter is not None:
            if isinstance(self.planned, EngineError):
                self.waiter.fail(self.planned)
            else:
                self.waiter.give(self.planned or Answer(None))

    def fail(self, error: EngineError) -> None:
        """Give an error instead: nothing was decided."""
        if self.waiter is not None:
            self.waiter.fail(error)


class ActorHost(Protocol):
    """What an actor needs of its supervisor."""

    @property
    def journal(self) -> Journal:
        """Where runs are committed."""
        ...

    @property
    def references(self) -> dict[str, Any]:
        """Current snapshots by name."""
        ...

    def now(self) -> int:
        """Business time."""
        ...

    def settled(self, run: Run, fate: Fate) -> None:
        """The first `fate.count` decisions are durable: hand over, measure, forget rows."""
        ...

    def give_back(self, row: Pending) -> None:
        """A row was not handled: it stays in its table and is delivered again."""
        ...

    def forget(self, row: Pending) -> None:
        """A row is no longer there; nothing is to be delivered again."""
        ...

    def crashed(self, actor: "Actor", error: Exception) -> bool:
        """Count a restart; False when the intensity is exceeded and the actor is suspended."""
        ...


class _NotAvailable(Exception):
    """The database is away in the middle of a run; the actor gives everything back."""


class Actor:
    """One resident actor. Its task is started and ended by its supervisor."""

    __slots__ = (
        "_fate",
        "_host",
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

    @property
    def idle(self) -> bool:
        """Nothing waits and nothing is in hand: it may leave memory, without a checkpoint."""
        return self.in_hand is None and not self.mailbox

    def __repr__(self) -> str:
        return (
            f"<Actor {self.address} {self.state.phase.name} v{self.version} +{len(self.mailbox)}>"
        )

    async def run(self) -> None:
        """Load, then handle runs of messages until the mailbox is closed and empty."""
        await self._load()
        limit = self.spec.bounds.run_max
        while envelopes := await self.mailbox.take(limit):
            self.in_hand = deque(envelopes)
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
                run = Run(
                    self.address,
                    self.version,
                    decided,
                    self._settle,
                    schema=self.spec.schema,
                    state=self.state,
                )
                fate = await self._commit(run, writes=writes)
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
        self, waiting: deque[Envelope], facts: Any
    ) -> tuple[list[Decided], Exception | None, bool]:
        """Decide a bounded run on tentative state; stop at a crash, a lookup or a repeated key."""
        spec, host = self.spec, self._host
        state, version, now = self.state, self.version, host.now()
        decided: list[Decided] = []
        keys: set[tuple[str, str]] = set()
        writes = False
        for envelope in waiting:
            if envelope.message is None:
                return decided, MessageUnreadable("stored by another version"), writes
            if decided and type(envelope.message) in spec.lookups:
                break
            row = envelope.row
            # Facts are the head's only: a run ends before another message that looks something up.
            known = None if decided else facts
            context = Context(
                self.address, now, version, host.references, known, len(row.attempts) if row else 0
            )
            try:
                outcome = spec.machine.decide(state, envelope.message, context)
            except Exception as crash:  # noqa: BLE001  # the bulkhead: see the next line
                # Purity makes it safe to go on: nothing happened but the exception.
                return decided, crash, writes
            if isinstance(outcome, Refusal):
                decision = self._refused(state, outcome, envelope)
            else:
                decision = outcome
                envelope.planned = Answer(decision.reply)
            if decision.once:
                mine = {(once.scope, once.key) for once in decision.once}
                if keys & mine:
                    break  # decided again once the first one is durable: then it is a duplicate
                keys |= mine
            writes = writes or row is not None or _writes(decision, state)
            decided.append(Decided(decision, now, row, envelope.message, envelope))
            if decision.state is not state:
                state, version = decision.state, version + 1
            if envelope.crashed:
                break  # tried alone
        return decided, None, writes

    def _refused(self, state: Any, refusal: Refusal, envelope: Envelope) -> Decision[Any]:
        if envelope.row is None:
            envelope.planned = Refused(refusal.code, refusal.detail)
            return Decision(state)
        letter = DeadLetter(self.spec.dead_queue, refusal.code, refusal.detail)
        return Decision(state, dead_letter=letter)

    async def _commit(self, run: Run, *, writes: bool) -> Fate:
        self._fate = Waiter()
        if writes:
            self._host.journal.submit(run)
        else:
            self._settle(run, Fate(len(run.decided), ()))
        return await self._fate.wait()

    def _settle(self, run: Run, fate: Fate) -> None:
        """The journal's call: the first `fate.count` decisions are durable. Never waits."""
        for index in range(fate.count):
            decided = run.decided[index]
            if decided.decision.state is not self.state:
                self.state = decided.decision.state
                self.version += 1
            envelope = decided.context
            assert isinstance(envelope, Envelope)
            envelope.finish()
        assert self._fate is not None
        try:
            self._host.settled(run, fate)
        finally:  # a bug in what else hears of it must not leave this actor waiting for ever
            self._fate.give(fate)

    async def _resolve(
        self, waiting: deque[Envelope], why: Duplicate | Rejected | Gone | Lost
    ) -> None:
        """The decision at the head of what waits was not committed; say so, by its reason."""
        if isinstance(why, Lost):
            if why.code != STALE:
                raise _NotAvailable(why.code)
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
        run = Run(
            self.address,
            self.version,
            decided,
            self._settle,
            schema=self.spec.schema,
            state=self.state,
        )
        fate = await self._commit(run, writes=True)
        if fate.count:
            waiting.popleft()
        else:
            code = fate.why.code if isinstance(fate.why, (Lost, Rejected)) else "DUPLICATE"
            raise _NotAvailable(code)

    async def _after_crash(self, waiting: deque[Envelope], crash: Exception) -> None:
        envelope = waiting[0]
        log.error(
            "machine crashed",
            address=self.address.kind,
            message=type(envelope.message).__name__,
            error=type(crash).__name__,
            at=frames_of(crash),
        )
        # An unreadable message says nothing of the machine: it counts for no restart, no breaker.
        within = isinstance(crash, MessageUnreadable) or self._host.crashed(self, crash)
        await self._load()
        if envelope.crashed or not within:
            await self._bury(
                waiting, "MACHINE_CRASHED", f"{type(crash).__name__} {frames_of(crash)}"
            )
        else:
            envelope.crashed = True
        if not within:
            raise Suspended(f"{self.address.kind}: more restarts than its kind allows")

    def abandon(self, error: EngineError) -> None:
        """The task ends: every asker hears why, every row goes back to its table."""
        self.mailbox.close()
        for envelope in (*(self.in_hand or ()), *self.mailbox.drain()):
            envelope.fail(error)
            if envelope.row is not None:
                self._host.give_back(envelope.row)
        self.in_hand = None


class MessageUnreadable(Exception):
    """A stored message that this version of the program does not know."""


def _writes(decision: Decision[Any], before: Any) -> bool:
    return bool(
        decision.state is not before
        or decision.events
        or decision.messages
        or decision.once
        or decision.documents
        or decision.transfers
        or decision.lots
        or decision.cancel
        or decision.release
        or decision.dead_letter
    )


def reason_of(error: Exception) -> EngineError:
    """What askers are told when the actor's task ends with this."""
    if isinstance(error, EngineError):
        return error
    if isinstance(error, _NotAvailable):
        code = str(error)
        return Superseded(code) if code == "SUPERSEDED" else Unavailable(code)
    return Failed("the actor crashed; it is started again")
