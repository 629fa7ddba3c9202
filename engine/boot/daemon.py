"""The daemon as one object: what the edge speaks to, and the order of its life.

Rule: the order of a start is sockets (so that health can say "starting"), database, writer's lock
(here a standby waits), epoch, references, actors; a stop goes the other way.
Source: design.md 7; interface.md 2.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Any

import structlog
import trio

from comptoir.actors.gateways.plaid_keys import CROWDED, PlaidKeys
from comptoir.actors.merchants.messages import CATALOGUE, Finder, Purchase
from comptoir.actors.person.messages import COLLECTION as STAFF
from comptoir.actors.programme import Programme
from comptoir.engine.boot.access import open_accounts, published_by
from comptoir.engine.boot.bus import CoreBus
from comptoir.engine.boot.contracts import Verifying, check_contracts
from comptoir.engine.boot.documents import DocumentDesk
from comptoir.engine.boot.keys import Keys, open_keys
from comptoir.engine.boot.measured import CommittedFigures
from comptoir.engine.boot.memory import settle_memory
from comptoir.engine.boot.parts import kept_ms, parts_of
from comptoir.engine.boot.paying import Paying
from comptoir.engine.boot.routines import keep_routines
from comptoir.engine.boot.screening import Screens
from comptoir.engine.boot.views import Views
from comptoir.engine.clock import BusinessClock
from comptoir.engine.engine import Engine
from comptoir.engine.envelope import Answer
from comptoir.engine.errors import Stopping, Unavailable
from comptoir.engine.failures import Broken
from comptoir.engine.gateway_spec import CallFault
from comptoir.engine.housekeeping import Housekeeping
from comptoir.engine.journal import Journal
from comptoir.engine.moves import Moves
from comptoir.engine.objects import ObjectStore, UploadDoor
from comptoir.engine.parking import Parked, parked_of
from comptoir.engine.parts import Health, Parts
from comptoir.engine.settings import Settings
from comptoir.engine.tally import Tally
from comptoir.engine.telemetry import Telemetry
from comptoir.engine.values import Address, Message
from comptoir.engine.waiter import Asker
from comptoir.http.certificates import AllCertificates
from comptoir.http.identity.opening import Identity
from comptoir.http.identity.recording import keep_taking_over
from comptoir.http.identity.signing import KEYS_FOLDER
from comptoir.http.lane import LaneListening, serve_lane
from comptoir.http.limits import Limits, open_limits
from comptoir.http.rules import EdgeRules
from comptoir.http.server import Listening, Shared
from comptoir.http.server import serve as serve_http
from comptoir.http.webhooks import Reception
from comptoir.storage.embedded import EmbeddedPostgres
from comptoir.storage.errors import DatabaseBusy
from comptoir.storage.journal import JournalOptions, PostgresJournal
from comptoir.storage.keys import Rotations
from comptoir.storage.keys.measures import KeyMeasures
from comptoir.storage.lease import LeaseOptions

__all__ = ["Daemon", "embedded"]

log = structlog.get_logger("comptoir.boot")

DRAIN_S = 5.0
"""For requests under way at a stop: half of the time that a stop may take (interface.md 2)."""


def embedded(settings: Settings) -> EmbeddedPostgres:
    """The embedded server of these settings; nothing is started."""
    storage = settings.storage
    return EmbeddedPostgres(storage.data_dir, start_timeout_s=storage.start_timeout_s)


class Daemon(Paying, Screens, Verifying, Views):
    """A whole daemon: the object that the edge speaks to (http/port.py), before, while and after
    there is an engine.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(Programme.of(settings))
        self.settings = settings
        self.rules = EdgeRules.of(settings)
        self.moves = Moves()
        self.clock = BusinessClock(manual=settings.clock.mode == "manual")
        self.telemetry = Telemetry()
        self.certificates = AllCertificates(self.telemetry.registry)
        self._figures = CommittedFigures(settings, self.telemetry.registry, self.clock.now)
        self.documents = DocumentDesk(settings, self.telemetry)
        self.bus = CoreBus(settings, self.telemetry.registry)
        self.engine: Engine | None = None
        self.identity: Identity | None = None
        self.verification_keys: PlaidKeys | None = None
        self.http: Listening | None = None
        self.ingest: LaneListening | None = None
        self.database = "embedded" if not settings.storage.url.reveal() else "external"
        self._keys: Keys | None = None
        self.rotations: Rotations | None = None
        """What replaces keys, where there is a key store."""
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
        awaited = published_by(answer.reply)
        if awaited is not None:
            await self.engine.wait_reference(*awaited)
        return answer

    def ask_for(self, asker: Asker[Answer], address: Address, message: Message) -> None:
        """Ask for somebody who waits in no task; before the engine is open nothing is taken."""
        if self.engine is None:
            raise Stopping(self._status)
        self.engine.ask_for(asker, address, message)

    def now_ms(self) -> int:
        """Business time."""
        return self.clock.now()

    def blind(self, provider: str, connection_id: str) -> str:
        """The key of a connection's actor, and of others whose name is personal (X15)."""
        if self._keys is None:
            raise Stopping(self._status)
        return self._keys.sealer.blind_index(f"connection:{provider}", connection_id).hex()

    def person_key(self, subject: str) -> str:
        """The key of a person's actor (X15)."""
        if self._keys is None:
            raise Stopping(self._status)
        return self._keys.sealer.blind_index("person", subject).hex()

    def explain(self, purchase: Purchase) -> tuple[str, ...]:
        """How a purchase is matched now."""
        finder: Finder = self._open_engine().references[CATALOGUE]
        return finder.match(purchase).trace

    async def plaid_key(self, key_id: str) -> Mapping[str, object] | None:
        """The key by which Plaid signs under this `kid`."""
        if self.verification_keys is None:
            raise CallFault(CROWDED, retryable=True, sick=False)  # it starts
        return await self.verification_keys.find(key_id)

    def count_webhook(self, result: str, code: str) -> None:
        """Count one webhook."""
        counter = self._webhooks.get((result, code))
        if counter is None:
            counter = self._webhooks[result, code] = self._webhook_counter.of(result, code)
        counter.value += 1

    @property
    def objects(self) -> ObjectStore:
        """Where documents are."""
        return self.documents.store

    @property
    def upload_door(self) -> UploadDoor | None:
        """Who takes uploads that come here."""
        return self.documents.door

    def count_upload(self, result: str, code: str) -> None:
        """Count one upload."""
        self.documents.count(result, code)

    def observe_ack(self, seconds: float) -> None:
        """Record one acknowledgement's time."""
        self.telemetry.ack_seconds.observe(seconds)

    def health(self) -> Health:
        """How the daemon is now."""
        tls = self.certificates.checks() | self.bus.checks()
        if self.engine is None:
            checks = {"storage": self._status, "migrations": "waiting", "recovery": "waiting"}
            return Health(self._status, {**checks, **tls}, 0)
        found = self.engine.health()
        checks = {**found.checks, "migrations": "ok", "recovery": "ok", **tls}
        return Health(found.status, checks, found.pending_messages)

    def metrics_text(self) -> bytes:
        """All metrics."""
        return self.telemetry.text()

    async def quiesce(self, timeout_s: float) -> bool:
        """Wait until no message is due."""
        engine = self._open_engine()
        done = await engine.quiesce(timeout_s)
        if self._housekeeping is not None:
            await self._housekeeping.take_figures()
        await self._figures.take(self._open_journal())
        return done

    async def advance_clock(self, seconds: float) -> tuple[int, int]:
        """Move business time; what has had its time by then is forgotten, as the chores would do soon."""
        moved = await self._open_engine().advance_clock(seconds)
        if self._housekeeping is not None:
            await self._housekeeping.expire_dead_letters()
        return moved

    @property
    def public_url(self) -> str:
        """Where browsers and parties reach us: `auth.issuer`, else where we listen."""
        assert self.http is not None, "asked by whoever came through it"
        return self.settings.auth.issuer or self.http.url

    @property
    def has_key_store(self) -> bool:
        """Whether persons have keys of their own."""
        return self._keys is not None and self._keys.keyring is not None

    async def staff(self, after: str, limit: int) -> Sequence[str]:
        """A page of the keys of people of the house."""
        return [key for key, _ in await self._open_journal().scan(STAFF, after, limit)]

    async def parking(self) -> Sequence[Parked]:
        """How every gateway stands."""
        figures, now = self._open_engine().statistics().gateways, self.clock.now()
        return parked_of(figures, await self._open_journal().count_pending(now), now)

    def _open_engine(self) -> Engine:
        if self.engine is None:
            raise Stopping(self._status)
        return self.engine

    # Its life.

    @asynccontextmanager
    async def open(self, *, listen: bool = True) -> AsyncGenerator["Daemon", None]:
        """Start everything, yield when work is taken, stop gracefully at the end."""
        check_contracts(self.settings)
        self._keys = await open_keys(self.settings)
        async with AsyncExitStack() as stack:
            limits = stack.enter_context(open_limits(self.settings)) if listen else None
            nursery = await stack.enter_async_context(trio.open_nursery())
            if listen:
                accounts = open_accounts(self.settings, self.telemetry, self.person_key)
                self.identity = await stack.enter_async_context(accounts)
                await self._listen(nursery, limits)
            async with self._engine():
                settle_memory()
                try:
                    yield self
                finally:
                    await self._stop_listening()
            self.engine = None
            nursery.cancel_scope.cancel()

    async def _listen(self, nursery: trio.Nursery, limits: Limits | None) -> None:
        """Open the edge, and the lane beside it; both receive webhooks by one function."""
        reception = Reception(self, limits)

        async def http(*, task_status: "trio.TaskStatus[Listening]") -> None:
            shared = Shared(reception, limits=limits)
            if self.identity is not None:
                known = self.identity.authenticator
                shared = replace(shared, authenticator=known, bound=self.identity.listens_on)
            await serve_http(self, self.settings, shared, task_status=task_status)

        async def ingest(*, task_status: "trio.TaskStatus[LaneListening]") -> None:
            await serve_lane(self, self.settings, reception=reception, task_status=task_status)

        self.http = edge = await nursery.start(self._heard, http)
        self.certificates.add(edge.certificates)
        if self.settings.ingest.enabled:
            self.ingest = lane = await nursery.start(self._heard, ingest)
            self.certificates.add(lane.certificates)

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
        storage, keys = self.settings.storage, self._keys
        assert keys is not None, "opened before"
        async with AsyncExitStack() as stack:
            url = storage.url.reveal()
            if not url:
                server = embedded(self.settings)
                url = (await stack.enter_async_context(server.session(_progress))).url
                await _keep_running(stack, partial(server.watch, _progress))
            journal = await stack.enter_async_context(
                PostgresJournal.open(
                    url,
                    keys.sealer,
                    JournalOptions(
                        readers=storage.pool_connections_max,
                        batch_decisions_max=storage.batch_decisions_max,
                        start_timeout_s=storage.start_timeout_s,
                        statement_timeout_s=storage.statement_timeout_s,
                        reconnect_interval_s=storage.reconnect_interval_s,
                        now=self.clock.now(),
                        own_login=self.database == "embedded",
                        on_standby=self._stand_by,
                        lease=LeaseOptions(storage.lease_s, storage.standby_poll_s),
                    ),
                )
            )
            self.journal = journal
            self._status = "starting"
            await _keep_running(stack, partial(self._watch_journal, journal))
            await self.documents.open(keys.sealer, stack)
            if keys.keyring is not None and keys.provider is not None:
                self.rotations = Rotations(keys.keyring, keys.provider, journal)
                self.telemetry.registry.register(KeyMeasures(keys.keyring, self.rotations))
            engine = Engine(await self.parts(journal, stack))
            async with engine.running(), trio.open_nursery() as chores:
                self.engine = engine
                engine.http_url = self.http.url if self.http is not None else None
                engine.ingest_url = self.ingest.url if self.ingest is not None else None
                self.telemetry.engine.statistics = engine.statistics
                self._housekeeping = Housekeeping(
                    journal, self.telemetry.engine, self.clock, (*engine.kinds, "timer", "parked"),
                    kept_ms(self.settings),
                )  # fmt: skip
                with suppress(Unavailable):  # the chores take them again in a second
                    await self._housekeeping.take_figures()
                chores.start_soon(self._housekeeping.run)
                chores.start_soon(self._figures.run, self._open_journal)
                if self.rotations is not None:
                    chores.start_soon(self.rotations.run)
                chores.start_soon(keep_routines, engine, self.settings, journal, self.bus.run)
                if self.http is not None:
                    folder = storage.data_dir / KEYS_FOLDER
                    chores.start_soon(keep_taking_over, self, folder)
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
        return await parts_of(self, self._keys, journal, stack)

    @staticmethod
    async def _watch_journal(journal: PostgresJournal) -> None:
        """A daemon whose journal ended for another reason than its own stop must end, loudly."""
        why = await journal.wait_stopped()
        if why != "STOPPING":
            raise Broken(why)


async def _keep_running(stack: AsyncExitStack, task: Callable[[], Awaitable[None]]) -> None:
    """Run a task until what was entered before it on the stack is about to end."""
    nursery = await stack.enter_async_context(trio.open_nursery())
    stack.callback(nursery.cancel_scope.cancel)
    nursery.start_soon(task)


def _progress(text: str) -> None:
    log.info("database", progress=text)
