"""HTTP byte by byte, for tests of the edge: what a client library would tidy up is sent as it is.

The rule: nothing here is the edge's own code; the signature is made from the specification (S54).
Source: RFC 9112; spec.md S54 to S56.
"""

import contextlib
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Protocol

import orjson
import trio

from comptoir.engine import Address, Message
from comptoir.engine.settings import Settings
from comptoir.http.lane import LaneListening, serve_lane
from comptoir.http.testing import NOW_MS, SECRET, FakeAnswer, FakeDaemon

__all__ = [
    "BODY",
    "Listener",
    "Start",
    "chunked",
    "connect",
    "exchange",
    "held",
    "open_lane",
    "post",
    "problem_code",
    "read_answer",
    "signing",
]

BODY = (
    b'{"event":"transaction.created","data":{"transaction_id":"t","connection_id":"c",'
    b'"amount":1.00,"currency":"EUR","direction":"DEBIT","date":"2025-11-24",'
    b'"merchant":{"name":"X"}}}'
)


class Listener(Protocol):
    """Either edge, as far as its tests need it."""

    @property
    def url(self) -> str:
        """Where."""
        ...

    @property
    def in_flight(self) -> int:
        """Requests being worked on."""
        ...

    def stop(self) -> None:
        """Gracefully."""
        ...


Start = Callable[..., Awaitable[Listener]]
"""Opens an edge: `start(nursery, stop_seconds, **bounds of [ingest])`."""


def signing(body: bytes) -> list[str]:
    """The two headers of the seed scheme."""
    line = f"{NOW_MS}.".encode() + body
    digest = hmac.new(SECRET.encode(), line, hashlib.sha256).hexdigest()
    return [f"X-Webhook-Timestamp: {NOW_MS}", f"X-Webhook-Signature: {digest}"]


def post(body: bytes = BODY, *more: str, length: bool = True, host: bool = True) -> bytes:
    """A webhook as bytes on the wire."""
    lines = ["POST /webhooks/banking HTTP/1.1", "Content-Type: application/json"]
    lines += ["Host: 127.0.0.1"] if host else []
    lines += [f"Content-Length: {len(body)}"] if length else []
    return "\r\n".join([*lines, *signing(body), *more, "", ""]).encode() + body


def chunked(size: int, parts: int) -> bytes:
    """A body in chunks."""
    return (f"{size:x}\r\n".encode() + b"x" * size + b"\r\n") * parts + b"0\r\n\r\n"


async def connect(listening: Listener) -> trio.SocketStream:
    """A connection to a server."""
    return await trio.open_tcp_stream("127.0.0.1", int(listening.url.rpartition(":")[2]))


async def read_answer(stream: trio.SocketStream) -> tuple[int, dict[str, str], bytes]:
    """Read one answer."""
    received = b""
    while b"\r\n\r\n" not in received:
        part = await stream.receive_some(65536)
        assert part, received
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        part = await stream.receive_some(65536)
        assert part, received
        body += part
    return int(first.split()[1]), headers, body


async def open_lane(
    nursery: trio.Nursery, daemon: FakeDaemon, stop_seconds: float = 0.2, **bounds: Any
) -> LaneListening:
    """A lane on a free port."""
    values: dict[tuple[str, ...], object] = {("ingest", "port"): 0}
    values |= {("ingest", name): value for name, value in bounds.items()}
    settings = Settings().having(values)
    started: LaneListening = await nursery.start(
        partial(serve_lane, daemon, settings, stop_seconds=stop_seconds)
    )
    return started


async def exchange(listening: Listener, data: bytes) -> tuple[int, dict[str, str], bytes]:
    """One connection, one request, one answer; the server may stop reading before the end."""
    stream = await connect(listening)
    async with stream:
        with trio.fail_after(10):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_write, stream, data)
                answer = await read_answer(stream)
                nursery.cancel_scope.cancel()
        return answer


async def _write(stream: trio.SocketStream, data: bytes) -> None:
    with contextlib.suppress(trio.BrokenResourceError):
        await stream.send_all(data)


def problem_code(body: bytes) -> str:
    """The code of a problem."""
    return str(orjson.loads(body)["code"])


def held(
    asked: trio.Event, go_on: trio.Event
) -> Callable[[Address, Message], Awaitable[FakeAnswer]]:
    """An ask that waits."""

    async def ask(address: Address, message: Message) -> FakeAnswer:
        del address, message
        asked.set()
        await go_on.wait()
        return FakeAnswer(None)

    return ask
