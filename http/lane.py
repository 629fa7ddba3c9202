"""The ingest lane: webhooks on a port of their own, beside hypercorn, by trio and llhttp alone.

The rule: a connection in the clear has no task of its own (`crowd.py`), one under TLS has one, and
nothing is spawned or armed for a request: one sweep looks at what is late, by the places' own order.
Every answer is written as one piece. It calls the very function that hypercorn's edge stands on
(`Reception.take`), and refuses more than that one does where bytes are concerned: after a malformed
request nothing of its connection is believed, and it is closed.

Its bounds are its own (connections, bodies, requests at work), so neither edge can starve the other.
Source: design.md 5 and 10; interface.md 2, 3, 6; docs/ingest.md; docs/adr/0012-a-lane-for-webhooks.md.
"""

import select
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from typing import Final

import structlog
import trio

from comptoir.engine.settings import Settings
from comptoir.http import peers
from comptoir.http.answers import Response, request_id
from comptoir.http.certificates import Certificates, TlsFiles, open_certificates
from comptoir.http.conversation import Conversation
from comptoir.http.crowd import Crowd
from comptoir.http.descriptors import reserve_descriptors
from comptoir.http.edge import BODIES_BYTES_MAX
from comptoir.http.framing import Framing, Request
from comptoir.http.handshakes import Handshakes
from comptoir.http.listener import STOP_SECONDS_DEFAULT, Callers, bind, proxies_only, url_of
from comptoir.http.places import Place, Places, Wait
from comptoir.http.port import WebhookPort
from comptoir.http.problems import problem
from comptoir.http.server import CONNECTIONS_MAX as HTTP_CONNECTIONS_MAX
from comptoir.http.webhooks import Reception, WebhookRequest
from comptoir.http.wires import GONE, PlainWire, TlsWire, Wire, linger

__all__ = ["LaneListening", "serve_lane"]

SWEEP_SECONDS: Final = 0.5
"""By so much a deadline may be overrun; a sweep costs microseconds when nothing is late."""
CUT_OFF_SECONDS: Final = 0.2
"""From the end of a stop's time to the closing of what is left."""
PEERS_REMEMBERED_MAX: Final = 4096

_log = structlog.stdlib.get_logger("comptoir.http.lane")


@dataclass(frozen=True, slots=True)
class LaneListening:
    """A lane that accepts; what `nursery.start(serve_lane, ...)` returns."""

    url: str
    """Where, with the real port: `http://127.0.0.1:8081`, or `https`."""
    stopping: trio.Event
    lane: "Lane"
    certificates: Certificates | None = None
    """Shown to callers; None: in the clear."""

    @property
    def in_flight(self) -> int:
        """Requests being worked on."""
        return self.lane.in_flight

    def stop(self) -> None:
        """Stop accepting; `serve_lane` returns when the requests at work are answered, or in time."""
        self.stopping.set()


async def serve_lane(
    port: WebhookPort,
    settings: Settings,
    *,
    reception: Reception | None = None,
    stop_seconds: float = STOP_SECONDS_DEFAULT,
    task_status: "trio.TaskStatus[LaneListening]" = trio.TASK_STATUS_IGNORED,
) -> None:
    """Take webhooks until `LaneListening.stop()`; started with the address once it accepts.

    Args:
        port: the daemon behind.
        settings: host, port, TLS and bounds of the lane; the auth mode.
        reception: the one of the other listener, so that both count the same rates; None = its own.
        stop_seconds: what requests at work get to end after a stop; then they are cut off.
        task_status: started with the `LaneListening`.

    Raises:
        BindError, DescriptorsTooFew: before started.
    """
    share = reserve_descriptors(settings, HTTP_CONNECTIONS_MAX).ingest
    ingest = settings.ingest
    certificates = open_certificates(
        TlsFiles("ingest", ingest.tls_certificate, ingest.tls_key, ingest.tls_client_ca)
    )
    loopback_only = settings.auth.mode == "loopback"
    listener = await bind(ingest.host, ingest.port, loopback_only=loopback_only, section="ingest")
    trusted = port.rules.trusted_proxies

    @lru_cache(maxsize=PEERS_REMEMBERED_MAX)
    def is_proxy(peer: str) -> bool:
        address = peers.parse(peer)
        return address is not None and peers.within(address, trusted)

    with listener:
        places = Places(share, ingest.connections_per_address_max, is_proxy)
        handshakes = None if certificates is None else Handshakes(places, certificates)
        lane = Lane(port, reception or Reception(port), settings, places, handshakes)
        callers = Callers(
            places,
            lane.serve,
            name="ingest",
            admits=proxies_only(listener, trusted) if certificates is None else None,
            secured=certificates is not None,
        )
        url = url_of(listener, "http" if certificates is None else "https")
        listening = LaneListening(url, trio.Event(), lane, certificates)
        async with trio.open_nursery() as watch:
            watch.start_soon(_cut_off, places, listening.stopping, stop_seconds)
            watch.start_soon(lane.sweep)
            if certificates is not None:
                watch.start_soon(certificates.watch)
            async with trio.open_nursery() as connections:
                if lane.crowd is not None:
                    connections.start_soon(lane.crowd.run)
                async with trio.open_nursery() as accepting:
                    accepting.start_soon(callers.accept, listener, connections)
                    task_status.started(listening)
                    await listening.stopping.wait()
                    accepting.cancel_scope.cancel()
                lane.stopping = True
                places.close_idle()
                if lane.crowd is not None:
                    lane.crowd.finish()
                connections.cancel_scope.deadline = trio.current_time() + stop_seconds
            watch.cancel_scope.cancel()


async def _cut_off(places: Places, stopping: trio.Event, stop_seconds: float) -> None:
    """Close what neither the deadline of the stop nor a cancellation ends by itself."""
    try:
        await stopping.wait()
        await trio.sleep(stop_seconds + CUT_OFF_SECONDS)
    finally:
        places.close_all()


class Lane:
    """What all connections of the lane share."""

    def __init__(
        self,
        port: WebhookPort,
        reception: Reception,
        settings: Settings,
        places: Places,
        handshakes: Handshakes | None,
    ) -> None:
        """Serve whoever has one of these places; under TLS, if handshakes are made."""
        self._port = port
        self._rules = rules = port.rules
        self._take = reception.take
        self._places = places
        self._patience = {
            Wait.FIRST_REQUEST: settings.ingest.silent_s,
            Wait.NEXT_REQUEST: settings.ingest.idle_s,
            Wait.HEADER: settings.ingest.header_s,
            Wait.BODY: settings.ingest.body_s,
        }
        self._begun: list[tuple[WebhookRequest, Callable[[Response], None]]] = []
        """Whole, and not looked at yet."""
        self.in_flight = 0
        """Requests being worked on: complete, and not answered yet."""
        # A setting may allow one body more than all have together by default.
        self.body_bytes_left = max(rules.banking.body_bytes_max, BODIES_BYTES_MAX // 2)
        self.stopping = False
        self._handshakes = handshakes
        crowded = handshakes is None and hasattr(select, "epoll")
        self.crowd = Crowd(self, places) if crowded else None
        """Everybody in the clear; None: each has a task, where there is no epoll."""
        self.date = b""
        self._tell_time()

    def __repr__(self) -> str:
        """Show how much is being worked on."""
        return f"Lane({self.in_flight} in flight, {self._places!r})"

    async def sweep(self) -> None:
        """End what is late, for ever; the one timer of the lane."""
        while True:
            await trio.sleep(SWEEP_SECONDS)
            self._tell_time()
            for wait, seconds in self._patience.items():
                for place in self._places.overdue(wait, seconds):
                    self._end(place, wait)

    def _tell_time(self) -> None:
        self.date = b"date: " + formatdate(usegmt=True).encode("ascii") + b"\r\n"

    @staticmethod
    def _end(place: Place, wait: Wait) -> None:
        """Close whoever asks nothing; have told whoever asks too slowly."""
        if wait is Wait.HEADER or wait is Wait.BODY:
            place.late = True
            place.wake()  # whoever serves it reads the end now, and says 408
        else:
            place.close()

    def serve(self, place: Place, connections: trio.Nursery) -> None:
        """Serve one connection: in the clear as one of the crowd, under TLS in a task of its own."""
        if self._handshakes is not None:
            connections.start_soon(self._serve_secured, place, self._handshakes)
        elif self.crowd is not None:
            self.crowd.join(place)
        else:
            connections.start_soon(self._serve_alone, place, PlainWire(place.socket))

    async def _serve_secured(self, place: Place, handshakes: Handshakes) -> None:
        """Serve one connection under TLS, of which nothing is made before the first byte."""
        stream = None
        try:
            await trio.lowlevel.wait_readable(place.socket)
            stream = await handshakes.shake(place)
        except GONE:
            pass  # the sweep has closed one that said nothing, or its place was given to another
        finally:
            if stream is None:
                self._places.leave(place)
                place.close()
        if stream is not None:
            await self._serve_alone(place, TlsWire(stream))

    async def _serve_alone(self, place: Place, wire: Wire) -> None:
        """Serve one connection; whatever goes wrong in it stays in it."""
        told = trio.Semaphore(0)
        conversation = Conversation(self, place, lambda _conversation: told.release())
        place.wake = wire.wake
        try:
            await _converse(conversation, wire, told, self.work)
        except GONE:
            pass  # the other end has left, or its place was given to another
        except Exception:  # noqa: BLE001 (logged with its traceback)
            # A fault of the lane's own; left alone it would end every other connection as well.
            _log.exception("connection_crashed")
        finally:
            conversation.close()
            self._places.leave(place)
            place.close()

    # What conversations share (conversation.Shop).

    def new_framing(self) -> Framing:
        """Cuts one connection's bytes into requests."""
        return Framing(self._rules.banking.body_bytes_max)

    def begin(self, request: Request, peer: str, tell: Callable[[Response], None]) -> None:
        """Take a whole request into the next `work`; its answer is told once."""
        if self.in_flight >= self._rules.requests_in_flight_max:
            tell(self._full(request_id(None)))
            return
        self.in_flight += 1

        def told(answer: Response) -> None:
            self.in_flight -= 1
            tell(answer)

        method, path, headers, body, _, _, too_large = request
        webhook = WebhookRequest(method, path, headers, body, peer, too_large)
        self._begun.append((webhook, told))

    def work(self) -> None:
        """Take the requests that were begun since the last time."""
        begun, self._begun = self._begun, []
        if begun:
            self._take(begun)

    def take_bytes(self, more: int) -> bool:
        """Take so many of the bytes that all bodies may hold together, or give them back."""
        if more > self.body_bytes_left:
            return False
        self.body_bytes_left -= more
        return True

    def refuse(self, code: str) -> Response:
        """The answer to bytes that are no request, counted."""
        ticket = request_id(None)
        self._port.count_webhook("refused", code)
        return self._full(ticket) if code == "OVERLOADED" else problem(code, ticket)

    def _full(self, ticket: str) -> Response:
        return problem("OVERLOADED", ticket, retry_after_s=self._rules.retry_after_s)


async def _converse(
    conversation: Conversation, wire: Wire, told: trio.Semaphore, work: Callable[[], None]
) -> None:
    """Read, answer, and read on, until either end has enough."""
    place = conversation.place
    # Who was late while something was being written was not woken up by it.
    while not (place.late or conversation.closes) and (data := await wire.receive()):
        conversation.feed(data)
        work()
        while conversation.is_busy:
            await told.acquire()
            await wire.send(conversation.written())
            if conversation.closes:
                await linger(place, wire)
                return
            conversation.go_on()
            work()
    if conversation.end():
        await wire.send(conversation.written())
        await linger(place, wire)
