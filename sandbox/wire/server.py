"""A small HTTP/1.1 server: h11 on trio sockets, keep-alive, loopback.

Rule: what a request is answered with is a value (`Reply`, `Drop` or `Silence`), so that a party can
die without an answer or never answer; everything is bounded (connections, head, body, time).

Source: RFC 9112; h11's own account of the connection cycle; interface.md 10 (faults).
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import h11
import orjson
import trio

# A test suite with a few hundred clients fits; a leak of connections is seen, not hoarded.
CONNECTIONS_MAX = 512
HEAD_BYTES_MAX = 32 * 1024
# Inline CSV of a hundred thousand connections is about 5 MB.
BODY_BYTES_MAX = 32 * 1024 * 1024
IDLE_SECONDS_MAX = 75.0
REQUEST_SECONDS_MAX = 30.0
_READ_BYTES = 65536


@dataclass(frozen=True, slots=True)
class Request:
    """One request, read to its end."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    """Names in lower case; of a name that came twice, the last one."""
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Drop:
    """The connection is closed without an answer."""


@dataclass(frozen=True, slots=True)
class Silence:
    """No answer for so long, or until the caller hangs up; then the connection is closed."""

    seconds: float


Outcome = Reply | Drop | Silence
Respond = Callable[[Request], Awaitable[Outcome]]


def json_reply(status: int, document: object, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """A reply whose body is `document` as JSON."""
    return Reply(status, orjson.dumps(document), headers)


class _TooLarge(Exception):
    """The body is longer than the server takes."""


@dataclass(slots=True)
class ServerStatistics:
    """What a `Server` has seen since its start."""

    connections: int = 0
    """Open now."""
    connections_refused: int = 0
    """Closed at once because `CONNECTIONS_MAX` were open."""
    requests: int = 0


@dataclass(slots=True)
class Server:
    """Answers every request by `respond`; `serve` runs until it is cancelled."""

    respond: Respond
    seen: ServerStatistics = field(default_factory=ServerStatistics)

    async def serve(self, listeners: list[trio.SocketListener]) -> None:
        await trio.serve_listeners(self._connection, listeners)

    async def _connection(self, stream: trio.SocketStream) -> None:
        if self.seen.connections >= CONNECTIONS_MAX:
            self.seen.connections_refused += 1
            await trio.aclose_forcefully(stream)
            return
        self.seen.connections += 1
        try:
            await self._cycles(stream)
        except (trio.BrokenResourceError, trio.TooSlowError):
            pass  # the peer is gone or too slow: nobody is left to answer
        finally:
            self.seen.connections -= 1
            await trio.aclose_forcefully(stream)

    async def _cycles(self, stream: trio.SocketStream) -> None:
        """One request and answer after the other, while the connection is kept alive."""
        wire = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_BYTES_MAX)
        while True:
            try:
                request = await _read(wire, stream)
            except h11.RemoteProtocolError as error:
                await _refuse(wire, stream, 400, "REQUEST_MALFORMED", f"not HTTP/1.1: {error}")
                return
            except _TooLarge:
                detail = f"the body is over {BODY_BYTES_MAX} bytes"
                await _refuse(wire, stream, 413, "PAYLOAD_TOO_LARGE", detail)
                return
            if request is None:
                return
            self.seen.requests += 1
            outcome = await self.respond(request)
            if isinstance(outcome, Drop):
                return
            if isinstance(outcome, Silence):
                with trio.move_on_after(outcome.seconds):
                    await stream.receive_some(1)
                return
            await _write(wire, stream, outcome)
            if wire.our_state is not h11.DONE or wire.their_state is not h11.DONE:
                return
            wire.start_next_cycle()


async def _next_event(wire: h11.Connection, stream: trio.SocketStream) -> object:
    while True:
        event = wire.next_event()
        if event is not h11.NEED_DATA:
            return event
        if wire.they_are_waiting_for_100_continue:
            await stream.send_all(wire.send(_continue()) or b"")
        wire.receive_data(await stream.receive_some(_READ_BYTES))


def _continue() -> h11.InformationalResponse:
    return h11.InformationalResponse(status_code=100, headers=[])


async def _read(wire: h11.Connection, stream: trio.SocketStream) -> Request | None:
    """The next request, or None where the peer has none left."""
    with trio.fail_after(IDLE_SECONDS_MAX):
        head = await _next_event(wire, stream)
    if not isinstance(head, h11.Request):
        return None
    parts: list[bytes] = []
    size = 0
    with trio.fail_after(REQUEST_SECONDS_MAX):
        while isinstance(event := await _next_event(wire, stream), h11.Data):
            size += len(event.data)
            if size > BODY_BYTES_MAX:
                raise _TooLarge
            parts.append(bytes(event.data))
    path, _, query = head.target.decode("ascii").partition("?")
    headers = {name.decode("ascii"): value.decode("latin-1") for name, value in head.headers}
    return Request(head.method.decode("ascii"), path, query, headers, b"".join(parts))


async def _write(wire: h11.Connection, stream: trio.SocketStream, reply: Reply) -> None:
    headers = [
        ("Content-Type", reply.content_type),
        ("Content-Length", str(len(reply.body))),
        *reply.headers,
    ]
    message = [
        wire.send(h11.Response(status_code=reply.status, headers=headers)),
        wire.send(h11.Data(data=reply.body)),
        wire.send(h11.EndOfMessage()),
    ]
    await stream.send_all(b"".join(part for part in message if part))


async def _refuse(
    wire: h11.Connection, stream: trio.SocketStream, status: int, code: str, detail: str
) -> None:
    """Answers what could not be read; the connection ends after it."""
    if wire.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
        reply = json_reply(status, {"code": code, "detail": detail}, (("Connection", "close"),))
        await _write(wire, stream, reply)
