"""The engine: a directory of actors and gateways over one journal, in one supervision tree.

This is the whole public surface of the runtime: `ask`, `tell`, `events`, `statistics`, `health`,
`resume`, `replay`, `quiesce`, `advance_clock`. How a message travels is told in design order in
docs/architecture.md; the loop is in `actor.py`, hand-over in `delivery.py`.

Rule: no reply, message or outside call leaves before its decision is durable (invariant 1).
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import structlog
import trio

from comptoir.engine.along import Along
from comptoir.engine.deadlines import Deadlines
from comptoir.engine.decision import Decision, Outgoing, Put
from comptoir.engine.delivery import Delivery
from comptoir.engine.envelope import Answer
from comptoir.engine.errors import (
    AskTimeout,
    EngineError,
    Failed,
    Overloaded,
    Stopping,
    Unavailable,
    UnknownAddress,
)
from comptoir.engine.gateway import Gateway
from comptoir.engine.gateway_spec import ENGINE
from comptoir.engine.hosting import Hosting
from comptoir.engine.journal import Decided, Fate, Lost, Pending, Recorded, Run
from comptoir.engine.parts import EngineStatistics, Health, Parts, find_troubles
from comptoir.engine.patience import read_patiently
from comptoir.engine.reference import Publisher
from comptoir.engine.supervisor import ChildSpec, Supervisor
from comptoir.engine.values import Address, Message
from comptoir.engine.waiter import Asker, Waiter

__all__ = ["Engine"]

log = structlog.get_logger("comptoir.engine")

T = TypeVar("T")

_STATELESS: Any = object()
EVENT_PAGE = 500
QUIESCE_POLL_S = 0.02
SETTINGS = "setting"
CLOCK = "clock"


class Engine:
    """Hosts supervised actors and gateways over a journal."""

    def __init__(self, parts: Parts) -> None:
        """Put an engine together; `running()` brings it to life."""
        self.journal = parts.journal
        self.clock = parts.clock
        self.now = parts.clock.now
        """Business time, ms since 1970."""
        self.bounds = parts.bounds
        self.references: dict[str, Any] = dict(parts.constants)
        self._hosts = {spec.kind: Hosting(spec, self) for spec in parts.actors}
        self._gateways = {spec.kind: Gateway(spec, self) for spec in parts.gateways}
        self._publishers = [
            Publisher(spec, parts.journal, self.references) for spec in parts.references
        ]
        self._watched = {p.spec.owner: p for p in self._publishers}
        self._delivery = Delivery(
            parts.journal, {**self._hosts, **self._gateways}, self.now,
            parts.bounds.sweep_s, parts.bounds.sweep_rows_max,
        )  # fmt: skip
        self.hand_along = Along(self._hosts, self._delivery).hand_along
        """Let idle actors decide at once what a run on its way sends them."""
        self.forget = self._delivery.forget
        self.give_back = self._delivery.give_back
        self.room_made = self._delivery.room_made
        """What else of the delivery the kinds' supervisors call (hosting.py, gateway.py)."""
        self._deadlines = Deadlines(parts.bounds.ask_timeout_s, self._too_late)
        self._supervisor = Supervisor(
            self._children(), parts.bounds.intensity, lambda: round(trio.current_time() * 1000)
        )
        self._advancing = trio.Lock()
        self._status = "starting"
        self.http_url: str | None = None
        self.ingest_url: str | None = None
        """Where the daemon around this engine listens, if it does."""
        self._news = trio.Event()

    def _children(self) -> tuple[ChildSpec, ...]:
        return (
            *(ChildSpec(f"reference {p.spec.name}", p.run) for p in self._publishers),
            *(ChildSpec(f"gateway {g.kind}", g.run) for g in self._gateways.values()),
            *(ChildSpec(f"actors {h.kind}", h.run) for h in self._hosts.values()),
            ChildSpec("ask deadlines", self._deadlines.run),
            ChildSpec("delivery pump", self._delivery.pump),
            ChildSpec("delivery timers", self._delivery.fire_timers),
            ChildSpec("delivery sweep", self._delivery.sweep),
        )

    @staticmethod
    def open(settings: Any) -> Any:
        """`async with Engine.open(settings) as engine`: the whole daemon, embedded.

        The composition root is named here and imported only when asked for, because an engine that
        is put together by hand (`Engine(parts)`) needs no other room.
        """
        from comptoir.engine.boot import open_engine  # see the docstring

        return open_engine(settings)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator["Engine", None]:
        """Recover what an earlier life left, serve, and stop gracefully at the end.

        Raises:
            Unavailable: the database is away.
            TooManyRestarts: a part of the engine crashed beyond its intensity.
        """
        await self._patiently(self._restore_clock)
        for publisher in self._publishers:
            await self._patiently(publisher.build)
        # Before anything runs: whatever is handed over from now on finds the addresses that have
        # older rows behind, and so comes after these.
        left = await self._patiently(self._delivery.recover)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._supervisor.run)
            await self._supervisor.wait_began()
            await self._delivery.left_behind.caught_up()
            self._status = "ready"
            log.info("engine ready", addresses_with_work_left=left)
            try:
                yield self
            finally:
                with trio.CancelScope(shield=True):
                    await self._stop()
                nursery.cancel_scope.cancel()

    async def _stop(self) -> None:
        """Take nothing new; let what was accepted finish or stay durable; bounded."""
        self._status = "stopping"
        with trio.move_on_after(self.bounds.stop_timeout_s) as scope:
            # Polled, because "nobody is busy" is no single event, and this is asked once in a life.
            while self._busy and self.journal.available:  # noqa: ASYNC110  # see above
                await trio.sleep(QUIESCE_POLL_S)
        if scope.cancelled_caught:
            log.warning("stopped with work in hand; it is durable and resumes at the next start")

    @property
    def _busy(self) -> bool:
        return any(host.busy for host in self._hosts.values()) or any(
            gateway.busy for gateway in self._gateways.values()
        )

    @property
    def kinds(self) -> tuple[str, ...]:
        """Of actors and gateways."""
        return (*self._hosts, *self._gateways)

    # Asking and telling.

    async def ask(
        self, address: Address, message: Message, timeout_s: float | None = None
    ) -> Answer:
        """Send a message to an actor and wait until its decision is durable.

        Args:
            address: Whom; it is woken up if it sleeps.
            message: One of the machine's messages.
            timeout_s: I/O time; default `bounds.ask_timeout_s`.

        Raises:
            Refused: the machine refused it by name; nothing changed.
            Overloaded, Suspended: not taken; try again later.
            Unavailable: the database is away; not taken, or decided when it is back.
            AskTimeout: no answer in time; the decision may still be taken.
            Failed: the message is kept as a dead letter.
        """
        waiter: Waiter[Answer] = Waiter()
        if timeout_s is None:
            self.ask_for(waiter, address, message)
            return await waiter.wait()
        self._host_of(address).ask(address, message, waiter)
        with trio.move_on_after(timeout_s):
            return await waiter.wait()
        raise self._too_late()

    def ask_for(self, asker: Asker[Answer], address: Address, message: Message) -> None:
        """Ask for somebody who waits in no task: it hears the answer, or one of the errors of `ask`.

        Raises:
            EngineError: the message was not taken; the asker hears nothing.
        """
        self._host_of(address).ask(address, message, asker)
        self._deadlines.add(asker)

    def _host_of(self, address: Address) -> Hosting:
        """Who takes a message for this address now; raises if nobody does."""
        if self._status != "ready":
            raise Stopping(self._status)
        if not self.journal.available:
            raise Unavailable("the database is away")
        host = self._hosts.get(address.kind)
        if host is None:
            raise UnknownAddress(address.kind)
        delivery, bounds = self._delivery, self.bounds
        if delivery.is_behind(address, bounds.pending_rows_max):
            raise Overloaded(f"{address.kind}: too many rows wait for it")
        if delivery.backlogged_rows > bounds.pending_rows_total_max:
            raise Overloaded("too many rows wait in all")
        return host

    def _too_late(self) -> EngineError:
        """Why an ask was not answered in time: no fault of the asker's, if the database is away."""
        if not self.journal.available:
            return Unavailable("the database went away; the decision may still be taken")
        return AskTimeout("no answer in time")

    async def tell(
        self,
        address: Address,
        message: Message,
        *,
        due_at: int | None = None,
        name: str | None = None,
    ) -> None:
        """Send a durable message without waiting for its handling; returns once it is a row.

        Args:
            address: An actor, or a gateway (key "").
            message: One of its messages.
            due_at: Business time in ms; None = at once.
            name: Replaces an earlier undelivered one of the same name for the same address.

        Raises:
            UnknownAddress: nobody of that kind is there to take it, ever.
            Unavailable: not durable.
        """
        if address.kind not in self._hosts and address.kind not in self._gateways:
            raise UnknownAddress(address.kind)
        outgoing = Outgoing(address, message, due_at, name)
        await self.commit(Decision(_STATELESS, messages=(outgoing,)))

    async def commit(self, decision: Decision[Any]) -> None:
        """Make a decision durable that belongs to no actor (settings, operator's acts)."""
        if not self.journal.available:
            raise Unavailable("the database is away")
        waiter: Waiter[Fate] = Waiter()

        def settle(run: Run, fate: Fate) -> None:
            try:
                self.settled(run, fate)
            finally:
                waiter.give(fate)

        decided = Decided(decision, self.now(), None, None)
        self.journal.submit(Run(ENGINE, None, [decided], settle, state=_STATELESS))
        fate = await waiter.wait()
        if isinstance(fate.why, Lost):
            raise Unavailable(fate.why.detail)
        if fate.why is not None:
            raise Failed(repr(fate.why))

    # What actors, gateways and the journal call (the Surroundings of hosting.py, gateway.py).

    def settled(self, run: Run, fate: Fate) -> None:
        """Decisions are durable: forget what they consumed, hand over what they sent."""
        delivery = self._delivery
        for decided in run.decided[: fate.count]:
            consumed, decision = decided.consumed, decided.decision
            if consumed is not None:
                delivery.forget(consumed)
            for outgoing in decision.messages:
                if outgoing.due_at is not None:
                    delivery.timer_set(outgoing.due_at)
            if decision.release:
                delivery.fall_behind(run.address)
        if fate.outgoing:
            delivery.hand_over(fate.outgoing)
        delivery.drained(run.address)
        if fate.count:
            publisher = self._watched.get(run.address.kind)
            if publisher is not None:
                publisher.owner_changed()
            if not self._news.is_set():
                self._news.set()

    # Watching.

    async def events(self, after: int = 0) -> AsyncGenerator[Recorded, None]:
        """Committed events with numbers above `after`, in order, for ever.

        A subscriber reads the journal itself, page by page, so a slow one holds nothing up and a
        restarted one goes on where it was.
        """
        position = after
        while True:
            news = self._news = self._news if not self._news.is_set() else trio.Event()
            page = await self.journal.events(position, EVENT_PAGE)
            for event in page:
                position = event.number
                yield event
            if not page:
                await news.wait()

    async def wait_reference(self, name: str, version: int) -> None:
        """Return once the named snapshot is published with at least this version."""
        for publisher in self._publishers:
            if publisher.spec.name == name:
                await publisher.wait_version(version)

    def statistics(self) -> EngineStatistics:
        """A snapshot of everything long-lived."""
        return EngineStatistics(
            tuple(host.statistics() for host in self._hosts.values()),
            tuple(gateway.statistics() for gateway in self._gateways.values()),
            self._delivery.statistics(),
            self.journal.statistics(),
            self._supervisor.statistics(),
            tuple(publisher.statistics() for publisher in self._publishers),
        )

    def health(self) -> Health:
        """What is ready and what is missing. One that is suspended, or crashed lately, is shown, and
        takes nobody else out of rotation.
        """
        checks = {"storage": "ok" if self.journal.available else "the database does not answer"}
        checks |= find_troubles(self.statistics())
        status = self._status
        if status == "ready" and checks["storage"] != "ok":
            status = "degraded"
        return Health(status, checks, self._delivery.backlogged_rows)

    # Operating.

    def resume(self, address: Address) -> bool:
        """Let a suspended actor work again; False if it was not suspended."""
        host = self._hosts.get(address.kind)
        return host is not None and host.resume(address.key)

    async def replay(self, ids: Sequence[int]) -> int:
        """Turn dead letters back into messages; how many there were."""
        # A caller that leaves does not undo it, so it must not leave rows that nobody was handed.
        rows: list[Pending] = []
        with trio.CancelScope(shield=True):
            rows = await self.journal.replay(ids, self.now())
            self._delivery.hand_over(rows)
        return len(rows)

    async def quiesce(self, timeout_s: float) -> bool:
        """Wait until no message is due and nobody is busy; False when time ran out."""
        with trio.move_on_after(timeout_s):
            while True:
                if not self._busy and not await self.journal.backlog(self.now(), 1):
                    return True
                await trio.sleep(QUIESCE_POLL_S)
        return False

    async def advance_clock(self, seconds: float, timeout_s: float = 30.0) -> tuple[int, int]:
        """Move a manual clock forward and handle everything that falls due by then.

        Returns:
            Business time in ms, and how many timers fired.

        Raises:
            ValueError: the clock is not manual, or the step is negative.
        """
        before = self._delivery.statistics().timers_fired_total
        async with self._advancing:
            # Durable first: what is decided in the new time must not outlive a time that did not.
            offset = self.clock.offset_after(seconds)
            put = Put(SETTINGS, CLOCK, {"offset_ms": offset})
            with trio.CancelScope(shield=True):  # a caller that leaves does not undo the commit
                await self.commit(Decision(_STATELESS, documents=(put,)))
                self.clock.advance(seconds)
        await self._delivery.fire_due()
        await self.quiesce(timeout_s)
        return self.now(), self._delivery.statistics().timers_fired_total - before

    async def _patiently(self, read: Callable[[], Awaitable[T]]) -> T:
        return await read_patiently(read, self.bounds.start_timeout_s)

    async def _restore_clock(self) -> None:
        found = await self.journal.documents(SETTINGS, (CLOCK,))
        if found and self.clock.manual:
            self.clock.offset_ms = max(self.clock.offset_ms, int(found[CLOCK]["offset_ms"]))

    def __repr__(self) -> str:
        return f"<Engine {self._status} {len(self._hosts)} kinds>"
