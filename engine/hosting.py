"""The supervisor of one kind of actor: activates, passivates, restarts, suspends.

Rules (design.md 5): a bound on resident actors, and idle ones leave memory without a checkpoint
between "nothing waits, nothing in hand" and removal; a crash ends one actor's task, never its
siblings'; more restarts than the kind's intensity suspends that one actor, visibly, until resumed;
a breaker per kind (S65, Points) turns a sick kind into a quick answer.
"""

from collections import OrderedDict
from collections.abc import Callable
from itertools import islice
from typing import Any, Protocol

import msgspec
import structlog
import trio

from comptoir.engine.actor import Actor
from comptoir.engine.actor_host import reason_of
from comptoir.engine.breaker import Breaker
from comptoir.engine.envelope import Answer, Envelope
from comptoir.engine.errors import EngineError, Failed, Overloaded, Stopping, Suspended, log_crash
from comptoir.engine.journal import Decided, Fate, Journal, Pending, Run
from comptoir.engine.spec import ActorSpec
from comptoir.engine.supervisor import add_restart
from comptoir.engine.values import Address, Message
from comptoir.engine.waiter import Asker

__all__ = ["HostStatistics", "Hosting", "Surroundings"]

log = structlog.get_logger("comptoir.hosting")

EVICTION_TRIES_MAX = 32
"""How many of the longest unused actors are looked at for an idle one before refusing."""
CRASH_MEMORY_MAX = 1000
"""Addresses whose recent crashes are remembered; the oldest is forgotten first."""
SUSPENDED_MAX = 1000
"""Suspended actors of a kind; the oldest is let go first, and is suspended again if it still crashes."""
JANITOR_PERIOD_S = 1.0
PASSIVATIONS_MAX = 100
"""Idle actors that leave memory between two checkpoints: well below a millisecond."""


class HostStatistics(msgspec.Struct, frozen=True):
    """What one kind is doing now."""

    kind: str
    resident: int
    busy: int
    activations_total: int
    passivations_total: int
    restarts_total: int
    suspended: tuple[str, ...]
    """Keys, digested by whoever shows them."""
    breaker: str


class Surroundings(Protocol):
    """What a kind's supervisor needs of the engine around it."""

    journal: Journal
    references: dict[str, Any]

    def now(self) -> int:
        """Business time, ms."""
        ...

    def settled(self, run: Run, fate: Fate) -> None:
        """Decisions are durable: hand over their messages and measure their events."""
        ...

    def hand_along(self, run: Run) -> None:
        """A run was submitted: what it sends to idle actors may be decided in the same batch."""
        ...

    def give_back(self, row: Pending) -> None:
        """A row goes back to its table and is delivered again later."""
        ...

    def forget(self, row: Pending) -> None:
        """A row is no longer there: cancelled, or consumed."""
        ...

    def room_made(self, kind: str) -> None:
        """An actor left memory or was resumed: waiting addresses of the kind may be tried again."""
        ...


class Hosting:
    """Runs the actors of one kind."""

    def __init__(self, spec: ActorSpec[Any], around: Surroundings) -> None:
        self.spec = spec
        self.kind = spec.kind
        self._around = around
        self.now = around.now
        """Business time, ms."""
        self._residents: OrderedDict[str, Actor] = OrderedDict()
        self._suspended: OrderedDict[str, str] = OrderedDict()
        self._crashes: OrderedDict[str, tuple[int, ...]] = OrderedDict()
        self._nursery: trio.Nursery | None = None
        self._tick = 0.0
        """I/O time, to the janitor's period: reading the clock for each message is not worth it."""
        self.breaker = Breaker(spec.kind, spec.bounds.breaker)
        self._activations_total = 0
        self._passivations_total = 0
        self._restarts_total = 0

    # The members that an actor sees (ActorHost).

    @property
    def journal(self) -> Journal:
        """Where runs are committed."""
        return self._around.journal

    @property
    def references(self) -> dict[str, Any]:
        """Current snapshots by name."""
        return self._around.references

    def settled(self, run: Run, fate: Fate) -> None:
        """Pass on what became durable; count it for the breaker."""
        if fate.count and not self.breaker.closed:
            self.breaker.succeeded(_io_ms())
        self._around.settled(run, fate)
        if self.spec.measure is not None:
            self._measure(self.spec.measure, run.decided[: fate.count])

    def _measure(self, measure: Callable[[Decided], None], done: list[Decided]) -> None:
        """Tell the metrics; this runs inside the journal's own task, which nothing may end."""
        try:
            for decided in done:
                measure(decided)
        except Exception as error:  # noqa: BLE001  # a bulkhead
            log_crash(log, "measure crashed", error, kind=self.kind)

    def hand_along(self, run: Run) -> None:
        """Pass on what a run sends, if it sends anything."""
        for decided in run.decided:
            if decided.decision.messages:
                self._around.hand_along(run)
                return

    def forget(self, row: Pending) -> None:
        """Pass on that a row is gone."""
        self._around.forget(row)

    def give_back(self, row: Pending) -> None:
        """Pass a row back."""
        self._around.give_back(row)

    def crashed(self, address: Address, error: Exception) -> bool:
        """Count a restart of this actor; False suspends it."""
        del error
        self._restarts_total += 1
        self.breaker.failed(_io_ms())
        key = address.key
        recent, within = add_restart(
            self._crashes.pop(key, ()), round(_io_ms()), self.spec.bounds.intensity
        )
        self._crashes[key] = recent
        if len(self._crashes) > CRASH_MEMORY_MAX:
            self._crashes.popitem(last=False)
        if not within:
            self._suspend(key, f"more than {self.spec.bounds.intensity.restarts} restarts")
        return within

    def _suspend(self, key: str, why: str) -> None:
        self._suspended[key] = why
        if len(self._suspended) > SUSPENDED_MAX:
            oldest = next(iter(self._suspended))
            log.error("too many suspended", kind=self.kind, suspended=len(self._suspended))
            self.resume(oldest)

    # The members that the engine uses.

    def ask(self, address: Address, message: Message, asker: Asker[Answer]) -> None:
        """Put an ask into the actor's mailbox, waking it up if it sleeps.

        Raises:
            Overloaded: mailbox full, no room, or the kind's breaker is open.
            Suspended: this actor crashed too often.
        """
        if not self.breaker.closed and not self.breaker.permits(_io_ms()):
            raise Overloaded(f"{self.kind}: breaker open")
        actor = self._resident(address)
        if not actor.offer(Envelope(message, asker, None)):
            raise Overloaded(f"{self.kind}: mailbox full")

    def offer(self, row: Pending) -> bool:
        """Hand over a durable row; False leaves it in its table."""
        try:
            actor = self._resident(row.target)
        except EngineError:
            return False
        message = row.message
        if message is None:
            try:
                message = self.spec.read_message(row.payload)
            except msgspec.DecodeError:
                message = None  # the actor buries it: a dead letter can be replayed
        return actor.offer(Envelope(message, None, row))

    def take_along(self, row: Pending) -> bool:
        """Have a resident, idle actor decide a message whose row is not durable yet (ADR 0013)."""
        key = row.target.key
        actor = self._residents.get(key)
        if actor is None or not actor.take_along(row):
            return False
        self._residents.move_to_end(key)
        actor.used_at = self._tick
        return True

    def resume(self, key: str) -> bool:
        """An operator lets a suspended actor work again; False if it was not suspended."""
        found = self._suspended.pop(key, None) is not None
        self._crashes.pop(key, None)
        if found:
            self._around.room_made(self.kind)
        return found

    @property
    def busy(self) -> bool:
        """Whether any actor has something waiting or in hand."""
        return any(not actor.idle for actor in self._residents.values())

    def _resident(self, address: Address) -> Actor:
        key = address.key
        actor = self._residents.get(key)
        if actor is None:
            actor = self._activate(address)
        else:
            self._residents.move_to_end(key)
        actor.used_at = self._tick
        return actor

    def _activate(self, address: Address) -> Actor:
        if self._nursery is None:
            raise Stopping(f"{self.kind} is not running")
        if address.key in self._suspended:
            raise Suspended(f"{self.kind}: {self._suspended[address.key]}")
        if len(self._residents) >= self.spec.bounds.resident_max and not self._evict():
            raise Overloaded(f"{self.kind}: all {len(self._residents)} resident actors are busy")
        actor = Actor(address, self.spec, self)
        self._residents[address.key] = actor
        self._activations_total += 1
        self._nursery.start_soon(self._keep, actor)
        return actor

    def _evict(self) -> bool:
        for actor in islice(self._residents.values(), EVICTION_TRIES_MAX):
            if actor.idle and actor.loaded:
                self._passivate(actor)
                return True
        return False

    def _passivate(self, actor: Actor) -> None:
        """No checkpoint between "idle" and removal: a later message activates a new actor."""
        assert actor.idle, "nothing may be lost with a passivated actor"
        del self._residents[actor.address.key]
        actor.mailbox.close()
        self._passivations_total += 1

    async def run(self) -> None:
        """Host actors until cancelled; what they had in hand goes back to its table."""
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                try:
                    while True:
                        self._tick = trio.current_time()
                        await trio.sleep(JANITOR_PERIOD_S)
                        await self._sweep_idle()
                finally:
                    # From here on nobody is woken up: the nursery may close at any moment, and what
                    # is handed over while the last commits are settled stays in its table.
                    self._nursery = None
        finally:
            for actor in self._residents.values():
                actor.abandon(Stopping("the engine stops"))
            self._residents.clear()

    async def _sweep_idle(self) -> None:
        """Let the idle leave, some at a time: 20,000 at once hold the loop for 80 ms."""
        while self._passivate_some():
            await trio.lowlevel.checkpoint()

    def _passivate_some(self) -> bool:
        """Passivate a slice of the idle; whether there may be more."""
        limit = trio.current_time() - self.spec.bounds.idle_ms / 1000
        old: list[Actor] = []
        for actor in self._residents.values():
            if actor.used_at > limit:
                break
            if actor.idle and actor.loaded:
                old.append(actor)
                if len(old) == PASSIVATIONS_MAX:
                    break
        for actor in old:
            self._passivate(actor)
        if old:
            self._around.room_made(self.kind)
        return len(old) == PASSIVATIONS_MAX

    async def _keep(self, actor: Actor) -> None:
        """One actor's task: whatever ends it ends only it."""
        try:
            await actor.run()
        except Exception as error:  # noqa: BLE001  # a bulkhead
            # The bulkhead: this actor's failure must not reach its siblings in the nursery.
            reason = reason_of(error)
            if isinstance(reason, Failed):
                log_crash(log, "actor ended", error, kind=self.kind)
                self.crashed(actor.address, error)
            actor.abandon(reason)
        except BaseException:
            # Cancelled: the engine stops, or this kind is started again.
            actor.abandon(Stopping("the engine stops"))
            raise
        finally:
            if self._residents.get(actor.address.key) is actor:
                del self._residents[actor.address.key]

    def statistics(self) -> HostStatistics:
        """A snapshot."""
        return HostStatistics(
            self.kind,
            len(self._residents),
            sum(not actor.idle for actor in self._residents.values()),
            self._activations_total,
            self._passivations_total,
            self._restarts_total,
            tuple(self._suspended),
            self.breaker.state.phase.value,
        )

    def __repr__(self) -> str:
        return f"<Hosting {self.kind} {len(self._residents)} resident>"


def _io_ms() -> int:
    return round(trio.current_time() * 1000)
