"""The daemon as one object: what the edge speaks to, and the order of its life.

Rule: the order of a start is sockets (so that health can say "starting"), database, writer's lock
(here a standby waits), epoch, references, actors; a stop goes the other way.
Source: design.md 7; interface.md 2.
"""

import gc
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import Any

import httpx
import orjson
import structlog
import trio

from comptoir.actors.connection.kind import connection_spec
from comptoir.actors.connection.views import find_transaction, show_transaction
from comptoir.actors.gateways.push import push_gateway
from comptoir.actors.measures import CashbackMeasures
from comptoir.actors.merchants.messages import CATALOGUE, PartnersImported
from comptoir.actors.merchants.reading import merchants_spec, partners_reference
from comptoir.actors.programme import DAY_MS, PROGRAMME, Programme
from comptoir.actors.wallet.reading import wallet_spec
from comptoir.actors.wallet.views import show_entry, show_wallet
from comptoir.engine.clock import BusinessClock
from comptoir.engine.compose import actor_bounds, engine_bounds, gateway_bounds
from comptoir.engine.engine import Engine
from comptoir.engine.envelope import Answer
from comptoir.engine.errors import Stopping, Unavailable
from comptoir.engine.failures import Broken, Unserved
from comptoir.engine.gateway_spec import GatewaySpec
from comptoir.engine.housekeeping import Housekeeping
from comptoir.engine.journal import Journal
from comptoir.engine.parts import Health, Parts
from comptoir.engine.settings import Settings
from comptoir.engine.tally import Tally
from comptoir.engine.telemetry import Telemetry
from comptoir.engine.values import Address, Message
from comptoir.http.lane import LaneListening, serve_lane
from comptoir.http.rules import EdgeRules
from comptoir.http.server import Listening
from comptoir.http.server import serve as serve_http
from comptoir.http.webhooks import Reception
from comptoir.storage._place import make_data_dir
from comptoir.storage.embedded import EmbeddedPostgres
from comptoir.storage.errors import DatabaseBusy
from comptoir.storage.journal import JournalOptions, PostgresJournal
from comptoir.storage.lease import LeaseOptions
from comptoir.storage.vault import Vault

__all__ = ["Daemon", "embedded"]

log = structlog.get_logger("comptoir.boot")

COLLECT_AFTER = (10_000, 5, 400)
"""Objects made and not freed until the youngest are looked at (part of a millisecond); so many times
until those that lasted are, 10,000 at most; so many of these until all are."""
DRAIN_S = 5.0
"""For requests under way at a stop: half of the time that a stop may take (interface.md 2)."""


def embedded(settings: Settings) -> EmbeddedPostgres:
    """The embedded server of these settings; nothing is started."""
    storage = settings.storage
    return EmbeddedPostgres(storage.data_dir, start_timeout_s=storage.start_timeout_s)


class Daemon:
    """A whole daemon: the object that the edge speaks to (http/port.py), before, while and after
    there is an engine.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.rules = EdgeRules.of(settings)
        self.programme = Programme.of(settings)
        self.clock = BusinessClock(manual=settings.clock.mode == "manual")
        self.telemetry = Telemetry()
        self.engine: Engine | None = None
        self.http: Listening | None = None
        self.ingest: LaneListening | None = None
        self.database = "embedded" if not settings.storage.url.reveal() else "external"
        self.journal: PostgresJournal | None = None
        self._vault: Vault | None = None
        self._housekeeping: Housekeeping | None = None
        self._status = "starting"
        self._unheard: list[trio.Event] = []
        self.began = trio.current_time()
        self._webhooks: dict[tuple[str, str], Tally] = {}
        self._webhook_counter = self.telemetry.counter(
            "comptoir_webhooks", "Webhooks by result and code.", ("result", "code")
        )

    # What the edge asks of us (http/port.py).

    async def ask(
        self, address: Address, message: Message, timeout_s: float | None = None
    ) -> Answer:
        """Ask an actor; before the engine is open nothing is taken."""
        if self.engine is None:
            raise Stopping(self._status)
        answer = await self.engine.ask(address, message, timeout_s)
        if isinstance(answer.reply, PartnersImported):
            # An import is over when purchases are matched against it.
            await self.engine.wait_reference(CATALOGUE, answer.reply.version)
        return answer

    def now_ms(self) -> int:
        """Business time."""
        return self.clock.now()

    def blind(self, provider: str, connection_id: str) -> str:
        """The key of a connection's actor (X15)."""
        if self._vault is None:
            raise Stopping(self._status)
        return self._vault.blind_index(f"connection:{provider}", connection_id).hex()

    def count_webhook(self, result: str, code: str) -> None:
        """Count one webhook."""
        counter = self._webhooks.get((result, code))
        if counter is None:
            counter = self._webhooks[result, code] = self._webhook_counter.of(result, code)
        counter.value += 1

    def observe_ack(self, seconds: float) -> None:
        """Record one acknowledgement's time."""
        self.telemetry.ack_seconds.observe(seconds)

    def health(self) -> Health:
        """How the daemon is now."""
        if self.engine is None:
            checks = {"storage": self._status, "migrations": "waiting", "recovery": "waiting"}
            return Health(self._status, checks, 0)
        found = self.engine.health()
        return Health(
            found.status,
            {**found.checks, "migrations": "ok", "recovery": "ok"},
            found.pending_messages,
        )

    def metrics_text(self) -> bytes:
        """All metrics."""
        return self.telemetry.text()

    async def quiesce(self, timeout_s: float) -> bool:
        """Wait until no message is due."""
        engine = self._open_engine()
        done = await engine.quiesce(timeout_s)
        if self._housekeeping is not None:
            await self._housekeeping.take_figures()
        return done

    async def advance_clock(self, seconds: float) -> tuple[int, int]:
        """Move business time."""
        return await self._open_engine().advance_clock(seconds)

    async def wallet(self, user_id: str) -> Mapping[str, Any] | None:
        """A wallet as interface.md 7 shows it."""
        return await show_wallet(self._open_journal(), user_id, self.programme)

    async def entries(
        self, user_id: str, before: int | None, limit: int
    ) -> Sequence[tuple[int, Mapping[str, Any]]]:
        """A page of a user's history."""
        page = await self._open_journal().entries(user_id, before, limit)
        return [(entry.id, show_entry(entry)) for entry in page]

    async def transaction(self, transaction_id: str) -> Mapping[str, Any] | None:
        """A transaction as interface.md 7 shows it."""
        found = await find_transaction(self._open_journal(), transaction_id)
        return None if found is None else show_transaction(found)

    def _open_engine(self) -> Engine:
        if self.engine is None:
            raise Stopping(self._status)
        return self.engine

    def _open_journal(self) -> Journal:
        if self.journal is None or not self.journal.available:
            raise Unavailable("the database is away")
        return self.journal

    # Its life.

    @asynccontextmanager
    async def open(self, *, listen: bool = True) -> AsyncGenerator["Daemon", None]:
        """Start everything, yield when work is taken, stop gracefully at the end."""
        if listen and self.settings.auth.mode != "loopback":
            # Without tokens to check, "on" would open every wallet to whoever reaches the port.
            raise Unserved(
                "AUTH_UNSERVED",
                f"auth.mode is {self.settings.auth.mode}, and there are no access tokens yet",
                "set auth.mode to loopback; put what must be reached behind a gateway of your own",
            )
        self._vault = await trio.to_thread.run_sync(_open_vault, self.settings)
        async with trio.open_nursery() as nursery:
            if listen:
                await self._listen(nursery)
            async with self._engine():
                self._settle_memory()
                try:
                    yield self
                finally:
                    await self._stop_listening()
            self.engine = None
            nursery.cancel_scope.cancel()

    async def _listen(self, nursery: trio.Nursery) -> None:
        """Open the edge, and the lane beside it; both receive webhooks by one function."""
        reception = Reception(self)

        async def http(*, task_status: "trio.TaskStatus[Listening]") -> None:
            await serve_http(self, self.settings, reception=reception, task_status=task_status)

        async def ingest(*, task_status: "trio.TaskStatus[LaneListening]") -> None:
            await serve_lane(self, self.settings, reception=reception, task_status=task_status)

        self.http = await nursery.start(self._heard, http)
        if self.settings.ingest.enabled:
            self.ingest = await nursery.start(self._heard, ingest)

    async def _heard(
        self,
        listener: Callable[..., Awaitable[None]],
        *,
        task_status: trio.TaskStatus[Any] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Run a listener to its end, and say so."""
        unheard = trio.Event()
        self._unheard.append(unheard)
        try:
            await listener(task_status=task_status)
        finally:
            unheard.set()

    async def _stop_listening(self) -> None:
        """Take no more connections; what was taken is answered before the engine stops."""
        self._status = "stopping"
        for listening in (self.http, self.ingest):
            if listening is not None:
                listening.stop()
        with trio.move_on_after(DRAIN_S, shield=True):
            for unheard in self._unheard:
                await unheard.wait()

    @asynccontextmanager
    async def _engine(self) -> AsyncGenerator[None, None]:
        storage = self.settings.storage
        vault = self._vault
        assert vault is not None, "opened before"
        async with AsyncExitStack() as stack:
            url = storage.url.reveal()
            if not url:
                server = embedded(self.settings)
                url = (await stack.enter_async_context(server.session(_progress))).url
                await _keep_running(stack, partial(server.watch, _progress))
            journal = await stack.enter_async_context(
                PostgresJournal.open(
                    url,
                    vault,
                    JournalOptions(
                        readers=storage.pool_connections_max,
                        batch_decisions_max=storage.batch_decisions_max,
                        start_timeout_s=storage.start_timeout_s,
                        statement_timeout_s=storage.statement_timeout_s,
                        reconnect_interval_s=storage.reconnect_interval_s,
                        now=self.clock.now(),
                        on_standby=self._stand_by,
                        lease=LeaseOptions(storage.lease_s, storage.standby_poll_s),
                    ),
                )
            )
            self.journal = journal
            self._status = "starting"
            await _keep_running(stack, partial(self._watch_journal, journal))
            engine = Engine(await self.parts(journal, stack))
            async with engine.running(), trio.open_nursery() as chores:
                self.engine = engine
                engine.http_url = self.http.url if self.http is not None else None
                engine.ingest_url = self.ingest.url if self.ingest is not None else None
                self.telemetry.engine.statistics = engine.statistics
                self._housekeeping = Housekeeping(
                    journal, self.telemetry.engine, self.clock,
                    (*engine.kinds, "timer", "parked"),
                    self.settings.dead_letters.ttl_days * DAY_MS,
                )  # fmt: skip
                with suppress(Unavailable):  # the chores take them again in a second
                    await self._housekeeping.take_figures()
                chores.start_soon(self._housekeeping.run)
                yield
                chores.cancel_scope.cancel()

    def _stand_by(self) -> None:
        """Another daemon is the writer: one that serves waits for it, one that only works does not.

        Raises:
            DatabaseBusy: this one has no edge that could say "standby".
        """
        if self.http is None:
            raise DatabaseBusy(
                "another daemon is the writer of this database",
                remedy="use that daemon (--url gives its address), or stop it first",
            )
        self._status = "standby"
        log.info("another daemon is the writer; waiting to take over")

    async def parts(self, journal: Journal, stack: AsyncExitStack) -> Parts:
        """What the engine is made of under these settings."""
        settings = self.settings
        measures = CashbackMeasures(
            self.telemetry.registry, self.telemetry.credit_seconds, self.clock.now
        )
        gateways: list[GatewaySpec] = []
        party = settings.providers.fcm
        if party.base_url:
            client = httpx.AsyncClient(
                base_url=party.base_url,
                limits=httpx.Limits(max_connections=party.calls_in_flight_max),
            )
            await stack.enter_async_context(client)
            paced = gateway_bounds(settings, party, settings.breakers.notifications)
            gateways.append(push_gateway(client, paced))
        else:
            log.info("no push notifications: providers.fcm.base_url is empty")
        bounds = actor_bounds(settings)
        return Parts(
            journal=journal,
            clock=self.clock,
            actors=(
                merchants_spec(),
                connection_spec(bounds, measures.connection),
                wallet_spec(bounds, measures.wallet),
            ),
            gateways=gateways,
            references=(partners_reference(),),
            constants={PROGRAMME: self.programme},
            bounds=engine_bounds(settings),
        )

    @staticmethod
    async def _watch_journal(journal: PostgresJournal) -> None:
        """A daemon whose journal ended for another reason than its own stop must end, loudly."""
        why = await journal.wait_stopped()
        if why != "STOPPING":
            raise Broken(why)

    @staticmethod
    def _settle_memory() -> None:
        """What is loaded now stays: the collector need not walk it again and again.

        Measured with 100,000 partners: a full collection holds the loop for 8 ms. And with 20,000
        actors woken up, for 100 ms and more, each time their number has grown by a quarter: what is
        resident is no garbage, and what is garbage dies young, so all are looked at rarely.
        """
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECT_AFTER)


async def _keep_running(stack: AsyncExitStack, task: Callable[[], Awaitable[None]]) -> None:
    """Run a task until what was entered before it on the stack is about to end."""
    nursery = await stack.enter_async_context(trio.open_nursery())
    stack.callback(nursery.cancel_scope.cancel)
    nursery.start_soon(task)


def _progress(text: str) -> None:
    log.info("database", progress=text)


def _open_vault(settings: Settings) -> Vault:
    if settings.vault.keys:
        keys = {name: key.reveal() for name, key in settings.vault.keys.items()}
        return Vault.from_json(orjson.dumps(keys).decode())
    make_data_dir(settings.storage.data_dir.resolve())
    return Vault.from_file(settings.storage.data_dir / "keys" / "vault.json")
