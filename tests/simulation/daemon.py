"""One life of the daemon in the simulation: the real engine, actors and push gateway over memory.

Rule: what dies tells nobody anything. A killed life's journal is crashed in the same step, its callers
hear nothing, its calls that have not left never leave; a superseded one ends by itself, and says why.
Put together as engine/boot/daemon.py does, with bounds so small that every one of them is met.
Source: design.md 2, 5, 7, 8; issue 3, deliver 4.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

import httpx
import trio

from comptoir.actors.candidates.kind import candidates_spec
from comptoir.actors.connection.kind import connection_spec
from comptoir.actors.consent_week.kind import consent_week_spec
from comptoir.actors.device.kind import device_spec
from comptoir.actors.gateways.push import Fcm, push_gateway
from comptoir.actors.merchants.reading import merchants_spec, partners_reference
from comptoir.actors.notification.kind import notification_spec
from comptoir.actors.notification.terms import TERMS, Terms
from comptoir.actors.programme import PROGRAMME
from comptoir.actors.wallet.reading import wallet_spec
from comptoir.engine.clock import BusinessClock
from comptoir.engine.engine import Engine
from comptoir.engine.envelope import Answer
from comptoir.engine.errors import EngineError
from comptoir.engine.journal import Decided, Fate, Loaded, Lost, Pending, Run
from comptoir.engine.parts import EngineBounds, Parts
from comptoir.engine.spec import Bounds
from comptoir.engine.toys import toy_spec
from comptoir.engine.values import Address, Message
from comptoir.storage.runs import Progress
from comptoir.storage.testing import MemoryJournal
from tests.simulation.parties import (
    ACCOUNT,
    BREAKER,
    CALL,
    GivenTokens,
    PushTransport,
    toy_gateways,
)
from tests.simulation.trace import cause_of

if TYPE_CHECKING:
    from tests.simulation.world import World

__all__ = ["Daemon", "Gone", "SimJournal"]

T = TypeVar("T")

BUSINESS: Final = Bounds(mailbox_max=4, run_max=3, resident_max=2, idle_ms=2000, breaker=BREAKER)
TOY: Final = Bounds(mailbox_max=3, run_max=4, resident_max=4, idle_ms=1000, breaker=BREAKER)
RING: Final = Bounds(mailbox_max=1, run_max=2, resident_max=3, breaker=BREAKER)
"""One message of room, and one actor less than the ring has: everybody is in everybody's way."""
ENGINE: Final = EngineBounds(ask_timeout_s=3.0, stop_timeout_s=4.0, sweep_s=1.0)
BATCH_DECISIONS_MAX: Final = 6


class Gone(Exception):
    """The daemon died, or its caller did, before an answer came."""


class SimJournal(MemoryJournal):
    """A journal whose readings take time on their way back, as a database's do."""

    world: "World"
    daemon: "Daemon"
    untold: dict[int, Run]

    def submit(self, run: Run) -> None:
        """Queue a run; the actor has decided, and nothing of it is sent."""
        self.untold[id(run)] = run
        super().submit(run)
        if self._crashed:
            self.forget_all()
        self.daemon.reached("deciding")

    def forget_all(self) -> None:
        """The process is gone, and with it every wait in it, shielded or not."""
        while self.untold:
            _, run = self.untold.popitem()
            run.settle(run, Fate(0, (), Lost("CRASHED", "")))

    async def _back(self, found: T) -> T:
        """What was read was true when it was read; others go on while it is on its way."""
        for _ in range(self.world.chance.randrange(3)):
            await trio.lowlevel.checkpoint()
        if not self.world.chance.randrange(12):
            await trio.sleep(self.world.chance.choice((0.002, 0.05)))
        self.daemon.reached("deciding")
        await self._reach()
        return found

    async def load(self, address: Address) -> Loaded | None:
        """As the journal's."""
        return await self._back(await super().load(address))

    async def pending(self, target: Address, limit: int, now: int) -> list[Pending]:
        """As the journal's."""
        return await self._back(await super().pending(target, limit, now))

    async def backlog(self, now: int, limit: int) -> list[tuple[Address, int]]:
        """As the journal's; a start's takes long now and then: there may be much that was left."""
        found = await super().backlog(now, limit)
        if self.daemon.stage == "starting" and not self.world.chance.randrange(3):
            await trio.sleep(self.world.chance.choice((0.1, 0.7)))
        return await self._back(found)

    async def due_timers(self, now: int, after: int, limit: int) -> list[Pending]:
        """As the journal's."""
        return await self._back(await super().due_timers(now, after, limit))

    async def next_due(self, now: int) -> int | None:
        """As the journal's."""
        return await self._back(await super().next_due(now))


class Daemon:
    """One process: it is started, serves, and ends in one of four ways."""

    def __init__(self, world: "World", number: int) -> None:
        self.world = world
        self.name = f"daemon {number}"
        self.clock = BusinessClock(manual=True, wall_ms=world.wall_ms)
        self.engine: Engine | None = None
        self.journal: SimJournal | None = None
        self.stage = "starting"
        """`starting`, `serving`, `stopping`, `ended`."""
        self.dead = False
        self.paused = False
        self.why = ""
        self.root: Any = None
        self.asks: dict[int, trio.CancelScope] = {}
        self._ask_number = 0
        self._scope = trio.CancelScope()
        self._stop = trio.Event()
        self.killed = trio.Event()

    @property
    def serving(self) -> bool:
        """Whether it takes work."""
        return self.stage == "serving"

    # Its life.

    async def live(self) -> None:
        """From its start to its end, whichever."""
        self.root = trio.lowlevel.current_task()
        world = self.world
        try:
            with self._scope:
                await self._live()
                self.why = self.why or "stopped"
        except Exception as error:  # noqa: BLE001  # whatever ends a daemon is a finding
            world.fail("supervision", f"{self.name} ended with {cause_of(error)!r}")
        self.dead = True
        self.stage = "ended"
        self._hang_up()
        world.say(self.name, f"ended: {self.why or 'cancelled'}")

    async def _live(self) -> None:
        world = self.world
        async with SimJournal.open(
            world.tables, batch_decisions_max=BATCH_DECISIONS_MAX, observer=self
        ) as opened:
            assert isinstance(opened, SimJournal)
            self.journal = opened
            opened.world, opened.daemon, opened.untold = world, self, {}
            world.opened(self)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._watch, opened)
                async with self._client() as client:
                    engine = Engine(self._parts(client))
                    self.reached("starting")
                    async with engine.running():
                        self._began(engine)
                        await self._stop.wait()
                        self.stage = "stopping"
                    self.world.checker.nothing_crashed(engine)
                nursery.cancel_scope.cancel()

    def _began(self, engine: Engine) -> None:
        self.engine = engine
        if self._stop.is_set() or self.dead:
            return
        self.stage = "serving"
        self.world.checker.began(self)
        self.world.say(self.name, "serves")

    async def _watch(self, journal: SimJournal) -> None:
        """As the daemon does: a journal that ended for another reason than our stop ends us."""
        why = await journal.wait_stopped()
        if why not in ("STOPPING", "CRASHED"):
            self.why = why
            self._hang_up()
            self._scope.cancel()

    def _client(self) -> httpx.AsyncClient:
        transport = PushTransport(self.world.push, self)
        return httpx.AsyncClient(base_url="http://push", transport=transport, trust_env=False)

    def _parts(self, client: httpx.AsyncClient) -> Parts:
        assert self.journal is not None
        return Parts(
            journal=self.journal,
            clock=self.clock,
            actors=(
                merchants_spec(),
                connection_spec(BUSINESS, self._measure),
                consent_week_spec(BUSINESS),
                candidates_spec(BUSINESS),
                wallet_spec(BUSINESS, self._measure),
                notification_spec(BUSINESS),
                device_spec(BUSINESS),
                toy_spec("toy", TOY),
                toy_spec("ring", RING),
            ),
            gateways=(
                push_gateway(Fcm(client, GivenTokens(client, ACCOUNT), 3600), CALL),
                *toy_gateways(self.world, self),
            ),
            references=(partners_reference(),),
            constants={PROGRAMME: self.world.programme, TERMS: Terms(push=True)},
            bounds=ENGINE,
        )

    def _measure(self, decided: Decided) -> None:
        """What is measured is durable (invariant 1)."""
        row = decided.consumed
        if row is not None and row.id not in self.world.checker.consumed:
            self.world.fail("1 durable first", f"row {row.id} was settled before it was durable")

    # What is done to it.

    def kill(self, why: str) -> None:
        """As by kill -9: nothing more is written, told or sent."""
        if self.dead:
            return
        self.dead = True
        self.why = why
        if self.journal is not None:
            self.journal.crash()
        self.killed.set()
        self._hang_up()
        self._scope.cancel()
        self.world.start(self._forget)

    async def _forget(self) -> None:
        """In a step of its own, because a kill may come in the middle of anything."""
        await trio.lowlevel.cancel_shielded_checkpoint()
        if self.journal is not None:
            self.journal.forget_all()

    def stop(self) -> None:
        """As by SIGTERM: gracefully, from whichever stage."""
        if self.engine is None:
            self.why = "stopped while starting"
            self._scope.cancel()
        self._stop.set()

    def _hang_up(self) -> None:
        for scope in self.asks.values():
            scope.cancel()

    async def ask(self, address: Address, message: Message) -> Answer:
        """Ask as an edge would for a client, who hears nothing when this process dies.

        Raises:
            Gone: no answer; the decision may be taken.
            EngineError: as the engine's.
        """
        engine = self.engine
        if engine is None or self.dead:
            raise Gone
        self._ask_number += 1
        number = self._ask_number
        with trio.CancelScope() as scope:
            self.asks[number] = scope
            try:
                return await engine.ask(address, message)
            finally:
                del self.asks[number]
        raise Gone

    async def operate(self, act: Callable[[Engine], Awaitable[object]]) -> bool:
        """An operator's act, which may fail with the daemon; whether it did not."""
        if self.engine is None or self.dead:
            return False
        try:
            await act(self.engine)
        except EngineError:
            return False
        return not self.dead

    # What the journal shows (the Observer of storage/testing.py).

    def reached(self, phase: str) -> None:
        """Say where this daemon is: a fault that waits for it strikes."""
        if not self.dead and not self.paused:
            stage = self.stage
            self.world.reached(phase if stage == "serving" else stage, self)

    async def sending(self, runs: Sequence[Run]) -> None:
        """A batch is about to be sent."""
        del runs
        self.reached("committing")
        await self._wait(self.world.slow_for())

    def durable(self, progresses: Sequence[Progress]) -> None:
        """A batch is durable."""
        self.world.checker.batch(self, progresses)

    async def answering(self) -> None:
        """Its answer is on the way."""
        self.reached("answering")
        await self._wait(self.world.slow_for(half=True))

    def told(self, run: Run) -> None:
        """One run of it has been told."""
        if self.journal is not None:
            self.journal.untold.pop(id(run), None)
        self.reached("delivering")

    async def _wait(self, seconds: float) -> None:
        """Let the others go on; a kill ends the wait, since the journal's task is shielded."""
        if self.dead:
            return
        if self.paused or not seconds:
            await trio.lowlevel.checkpoint()
        if seconds:
            with trio.move_on_after(seconds):
                await self.killed.wait()
