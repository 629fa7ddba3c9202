"""The ingest lane: webhooks on a port of their own, beside hypercorn, by trio and llhttp alone.

The rule: whatever comes, it costs one task for each connection, and nothing else is spawned or armed
for a request: one sweep looks at what is late, by the places' own order. Every answer is written as
one piece. It calls the very function that hypercorn's edge calls (`Reception.receive`), and refuses
more than that one does where bytes are concerned: after a malformed request nothing of its connection
is believed, and it is closed.

Its bounds are its own (connections, bodies, requests at work), so neither edge can starve the other.
Source: design.md 5 and 10; interface.md 2, 3, 6; docs/ingest.md; docs/adr/0012-a-lane-for-webhooks.md.
"""

import socket
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Final

import structlog
import trio

from comptoir.engine.settings import Settings
from comptoir.http import peers
from comptoir.http.answers import Response, request_id
from comptoir.http.descriptors import reserve_descriptors
from comptoir.http.edge import BODIES_BYTES_MAX, BODY_BYTES_FREE, DISCARDED_BYTES_MAX
from comptoir.http.framing import Framing, Malformed, Request
from comptoir.http.listener import STOP_SECONDS_DEFAULT, Callers, bind, refusal, url_of
from comptoir.http.places import Place, Places, Wait
from comptoir.http.port import WebhookPort
from comptoir.http.problems import problem
from comptoir.http.server import CONNECTIONS_MAX as HTTP_CONNECTIONS_MAX
from comptoir.http.webhooks import Reception, WebhookRequest
from comptoir.http.wires import GONE, PlainWire, TlsWire, Wire, tls_context

__all__ = ["LaneListening", "serve_lane"]

SWEEP_SECONDS: Final = 0.5
"""By so much a deadline may be overrun; a sweep costs microseconds when nothing is late."""
LINGER_SECONDS_MAX: Final = 3.0
"""After a last answer: what still comes is read and thrown away, up to `DISCARDED_BYTES_MAX`, because
closing a socket with unread bytes in it resets the connection, and may take the answer along."""
LINGER_PAUSE_SECONDS_MAX: Final = 0.25
"""Whoever is silent for so long after its last answer has it."""
CUT_OFF_SECONDS: Final = 0.2
"""From the end of a stop's time to the closing of what is left."""
PEERS_REMEMBERED_MAX: Final = 4096

_log = structlog.stdlib.get_logger("comptoir.http.lane")

_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_LINES: Final = {
    status.value: b"HTTP/1.1 %d %b\r\n" % (status.value, status.phrase.encode("ascii"))
    for status in HTTPStatus
}


@dataclass(frozen=True, slots=True)
class LaneListening:
    """A lane that accepts; what `nursery.start(serve_lane, ...)` returns."""

    url: str
    """Where, with the real port: `http://127.0.0.1:8081`, or `https`."""
    stopping: trio.Event
    lane: "Lane"

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
    context = tls_context(ingest)
    loopback_only = settings.auth.mode == "loopback"
    listener = await bind(ingest.host, ingest.port, loopback_only=loopback_only, section="ingest")
    trusted = port.rules.trusted_proxies

    @lru_cache(maxsize=PEERS_REMEMBERED_MAX)
    def is_proxy(peer: str) -> bool:
        address = peers.parse(peer)
        return address is not None and peers.within(address, trusted)

    with listener:
        places = Places(share, ingest.connections_per_address_max, is_proxy)
        lane = Lane(port, reception or Reception(port), settings, places)

        async def connection(place: Place) -> None:
            taken = place.socket
            await lane.serve(place, TlsWire(taken, context) if context else PlainWire(taken))

        callers = Callers(places, connection, name="ingest", refusal=None if context else refusal)
        scheme = "http" if context is None else "https"
        listening = LaneListening(url_of(listener, scheme), trio.Event(), lane)
        async with trio.open_nursery() as watch:
            watch.start_soon(_cut_off, places, listening.stopping, stop_seconds)
            watch.start_soon(lane.sweep)
            async with trio.open_nursery() as connections:
                async with trio.open_nursery() as accepting:
                    accepting.start_soon(callers.accept, listener, connections)
                    task_status.started(listening)
                    await listening.stopping.wait()
                    accepting.cancel_scope.cancel()
                lane.stopping = True
                places.close_idle()
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
        self, port: WebhookPort, reception: Reception, settings: Settings, places: Places
    ) -> None:
        """Serve whoever has one of these places."""
        self._port = port
        self._rules = rules = port.rules
        self._receive = reception.receive
        self._places = places
        self._patience = {
            Wait.FIRST_REQUEST: settings.ingest.silent_s,
            Wait.NEXT_REQUEST: settings.ingest.idle_s,
            Wait.HEADER: settings.ingest.header_s,
            Wait.BODY: settings.ingest.body_s,
        }
        self.in_flight = 0
        """Requests being worked on: complete, and not answered yet."""
        # A setting may allow one body more than all have together by default.
        self.body_bytes_left = max(rules.banking.body_bytes_max, BODIES_BYTES_MAX // 2)
        self.stopping = False
        self._date = b""
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
        self._date = b"date: " + formatdate(usegmt=True).encode("ascii") + b"\r\n"

    @staticmethod
    def _end(place: Place, wait: Wait) -> None:
        """Close whoever asks nothing; have told whoever asks too slowly."""
        if wait is Wait.HEADER or wait is Wait.BODY:
            place.late = True
            place.wake()  # its own task reads the end now, and says 408
        else:
            place.close()

    async def serve(self, place: Place, wire: Wire) -> None:
        """Serve one connection; whatever goes wrong in it stays in it."""
        cost = _Cost(self)
        place.wake = wire.wake
        try:
            await self._converse(place, wire, cost)
        except GONE:
            pass  # the other end has left, or its place was given to another
        except Exception:  # noqa: BLE001 (logged with its traceback)
            # A fault of the lane's own; left alone it would end every other connection as well.
            _log.exception("connection_crashed")
        finally:
            cost.set(0)
            self._places.leave(place)
            place.close()

    async def _converse(self, place: Place, wire: Wire, cost: "_Cost") -> None:
        """Read, answer, and read on, until either end has enough."""
        data = await wire.receive()
        if not data:
            return
        framing = Framing(self._rules.banking.body_bytes_max)
        framing.feed(data)
        try:
            while (request := framing.next()) or await self._read_on(framing, place, wire, cost):
                if request is None:
                    continue
                place.works()
                answer = await self._answer(request, place.peer)
                closes = not request.keeps or self.stopping
                await wire.send(self._written(answer, request, closes=closes))
                if cost.bytes:
                    cost.set(0)
                if closes:
                    await _linger(place, wire)
                    return
            if place.late:
                raise Malformed("REQUEST_TIMEOUT")
        except Malformed as bad:
            await self._refuse(bad.code, place, wire)
        finally:
            framing.close()

    async def _read_on(self, framing: Framing, place: Place, wire: Wire, cost: "_Cost") -> bool:
        """Wait for more of a request, or for a next one; False at the end of what comes.

        Raises:
            Malformed: there is no room for the rest of its body.
        """
        if framing.is_idle:
            place.waits_for_request()
        elif not framing.in_body:
            place.waits_for_header()
        else:
            place.waits_for_body()
            if not cost.set(max(0, framing.body_bytes - BODY_BYTES_FREE)):
                raise Malformed("OVERLOADED")
            if framing.expects and not framing.body_bytes:
                framing.expects = False
                await wire.send(_CONTINUE)
        data = await wire.receive()
        framing.feed(data)
        return data != b""

    async def _answer(self, request: Request, peer: str) -> Response:
        """The answer to one whole request."""
        if self.in_flight >= self._rules.requests_in_flight_max:
            return self._full(request_id(None))
        self.in_flight += 1
        try:
            return await self._receive(
                WebhookRequest(
                    request.method,
                    request.path,
                    request.headers,
                    request.body,
                    peer,
                    request.too_large,
                )
            )
        except Exception:  # noqa: BLE001 (logged with its traceback, answered as INTERNAL)
            ticket = request_id(None)
            _log.exception("request_crashed", request_id=ticket, method=request.method)
            return problem("INTERNAL", ticket)
        finally:
            self.in_flight -= 1

    def _full(self, ticket: str) -> Response:
        return problem("OVERLOADED", ticket, retry_after_s=self._rules.retry_after_s)

    def _written(self, answer: Response, request: Request | None, *, closes: bool) -> bytes:
        """An answer as bytes."""
        parts = [_LINES[answer.status], self._date]
        for name, value in answer.headers:
            parts += (name, b": ", value, b"\r\n")
        if closes:
            parts.append(b"connection: close\r\n\r\n")
        elif request is not None and request.is_old:
            parts.append(b"connection: keep-alive\r\n\r\n")
        else:
            parts.append(b"\r\n")
        if request is None or request.method != "HEAD":
            parts.append(answer.body)
        return b"".join(parts)

    async def _refuse(self, code: str, place: Place, wire: Wire) -> None:
        """Say what is wrong with the bytes, and close."""
        place.works()
        ticket = request_id(None)
        self._port.count_webhook("refused", code)
        answer = self._full(ticket) if code == "OVERLOADED" else problem(code, ticket)
        await wire.send(self._written(answer, None, closes=True))
        await _linger(place, wire)


class _Cost:
    """What one connection's body takes of the bytes that all may take together."""

    __slots__ = ("_lane", "bytes")

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self.bytes = 0

    def set(self, size: int) -> bool:
        """Take so many in all; False, and nothing changes, if they are not there."""
        more = size - self.bytes
        if more > self._lane.body_bytes_left:
            return False
        self._lane.body_bytes_left -= more
        self.bytes = size
        return True


async def _linger(place: Place, wire: Wire) -> None:
    """Let the other end read its last answer before the socket is closed."""
    place.waits_for_request(first=True)  # the first to go where places are short
    if isinstance(wire, PlainWire):
        place.socket.shutdown(socket.SHUT_WR)
    left = DISCARDED_BYTES_MAX
    with trio.move_on_after(LINGER_SECONDS_MAX):
        while left > 0:
            data = b""
            with trio.move_on_after(LINGER_PAUSE_SECONDS_MAX):
                data = await wire.receive()
            if not data:
                return
            left -= len(data)
