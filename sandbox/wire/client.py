"""A fast keep-alive HTTP/1.1 client: one connection, one request at a time, raw bytes out.

Rule: the receiver is what a run measures, so the sender costs as little as it can; the bytes that
leave are exactly those that were given; what comes back is bounded.

Source: RFC 9112 (status line, Content-Length, chunked, 1xx, read until close).
"""

import socket
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import trio

from comptoir.sandbox.errors import invalid

HEAD_BYTES_MAX = 32 * 1024
BODY_BYTES_MAX = 4 * 1024 * 1024
CONNECT_SECONDS_MAX = 5.0
_READ_BYTES = 65536
# Lower ones (RFC 9110 section 15.2) announce; the answer is still to come.
_FINAL = 200
_BODILESS = frozenset({204, 304})


@dataclass(frozen=True, slots=True)
class Target:
    """Where webhooks go."""

    host: str
    port: int
    path: str
    authority: str
    """The value of the Host header."""

    @classmethod
    def parse(cls, url: str, hosts: frozenset[str]) -> Self:
        """Reads `http://host[:port]/path`; the host must be among `hosts`. Raises `Refused`."""
        try:
            parts = urlsplit(url)
            port = parts.port or 80
        except ValueError:
            raise invalid(
                "/target", "TARGET_INVALID", "not a URL: use http://HOST:PORT/PATH"
            ) from None
        if parts.scheme != "http" or parts.hostname is None or parts.username is not None:
            raise invalid("/target", "TARGET_INVALID", "not http://HOST:PORT/PATH")
        if parts.hostname not in hosts:
            detail = "this host is not allowed: start with --allow-target HOST, or use 127.0.0.1"
            raise invalid("/target", "TARGET_FORBIDDEN", detail)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if not path.isascii() or not path.isprintable() or " " in path:
            raise invalid("/target", "TARGET_INVALID", "the path holds what a URL may not")
        return cls(parts.hostname, port, path, parts.netloc)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class NoAnswer(Exception):
    """Nothing usable came back.

    `code` is NO_CONNECTION, CONNECTION_LOST, ANSWER_INVALID or, from a caller with a deadline,
    TIMEOUT. Whether the request had an effect is unknown in all cases but the first.
    """

    def __init__(self, code: str, *, stale: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.stale = stale
        """True where a kept connection had been closed while it was idle: try again at once."""


class Connection:
    """One keep-alive connection to a target, opened on first use and again after a failure."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._socket: socket.socket | None = None
        self._used = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection; the next exchange opens a new one."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None
        self._used = False

    async def exchange(self, message: bytes) -> Answer:
        """Sends `message` and reads one answer; raises `NoAnswer`, and closes on any failure."""
        stale = self._used
        try:
            peer = self._socket or await self._open()
            await _send_all(peer, message)
            first = await _receive(peer)
            stale = stale and not first
            answer, keep = await _answer(peer, first)
        except (OSError, NoAnswer) as error:
            self.close()
            code = error.code if isinstance(error, NoAnswer) else "CONNECTION_LOST"
            raise NoAnswer(code, stale=stale) from None
        except BaseException:
            self.close()
            raise
        self._used = True
        if not keep:
            self.close()
        return answer

    async def _open(self) -> socket.socket:
        try:
            with trio.fail_after(CONNECT_SECONDS_MAX):
                stream = await trio.open_tcp_stream(self._target.host, self._target.port)
        except (OSError, trio.TooSlowError):
            raise NoAnswer("NO_CONNECTION") from None
        # Below trio's socket: an answer is never there yet, so trying to read first is a wasted turn.
        self._socket = socket.socket(fileno=stream.socket.detach())
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._socket


async def _answer(peer: socket.socket, data: bytes) -> tuple[Answer, bool]:
    """Reads one final response of which `data` has arrived; says whether to keep alive."""
    while True:
        while (end := data.find(b"\r\n\r\n")) < 0:
            if len(data) > HEAD_BYTES_MAX:
                raise NoAnswer("ANSWER_INVALID")
            data += await _more(peer)
        status, headers = _head(data[:end])
        data = data[end + 4 :]
        if status >= _FINAL:
            break
    keep = headers.get("connection", "").lower() != "close"
    if status in _BODILESS:
        body = b""
    elif "chunked" in headers.get("transfer-encoding", ""):
        body, data = await _chunked(peer, data)
    elif (length := headers.get("content-length")) is not None:
        body, data = await _counted(peer, data, length)
    else:
        body, data, keep = await _until_close(peer, data), b"", False
    # Bytes that nobody asked for would be taken for the next answer: end such a connection.
    return Answer(status, headers, body), keep and not data


def _head(head: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    if not first.startswith("HTTP/1.") or not first[9:12].isdigit():
        raise NoAnswer("ANSWER_INVALID")
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return int(first[9:12]), headers


async def _send_all(peer: socket.socket, message: bytes) -> None:
    while message:
        try:
            sent = peer.send(message)
        except BlockingIOError:
            await trio.lowlevel.wait_writable(peer)
        else:
            message = message[sent:]


async def _receive(peer: socket.socket) -> bytes:
    """What has arrived, as soon as something has; empty at the end."""
    while True:
        await trio.lowlevel.wait_readable(peer)
        try:
            return peer.recv(_READ_BYTES)
        except BlockingIOError:
            continue  # readiness is a hint, not a promise


async def _more(peer: socket.socket) -> bytes:
    data = await _receive(peer)
    if not data:
        raise NoAnswer("CONNECTION_LOST")
    return data


async def _counted(peer: socket.socket, data: bytes, length: str) -> tuple[bytes, bytes]:
    if not length.isdigit() or int(length) > BODY_BYTES_MAX:
        raise NoAnswer("ANSWER_INVALID")
    size = int(length)
    while len(data) < size:
        data += await _more(peer)
    return data[:size], data[size:]


async def _chunked(peer: socket.socket, data: bytes) -> tuple[bytes, bytes]:
    body = b""
    while True:
        while (end := data.find(b"\r\n")) < 0:
            data += await _more(peer)
        try:
            size = int(data[:end].partition(b";")[0], 16)
        except ValueError:
            raise NoAnswer("ANSWER_INVALID") from None
        data = data[end + 2 :]
        if size == 0:
            return body, await _after_trailer(peer, data)
        if size + len(body) > BODY_BYTES_MAX:
            raise NoAnswer("ANSWER_INVALID")
        while len(data) < size + 2:
            data += await _more(peer)
        body += data[:size]
        data = data[size + 2 :]


async def _after_trailer(peer: socket.socket, data: bytes) -> bytes:
    """What follows the trailer section, whose end is an empty line."""
    while True:
        while (end := data.find(b"\r\n")) < 0:
            if len(data) > HEAD_BYTES_MAX:
                raise NoAnswer("ANSWER_INVALID")
            data += await _more(peer)
        line, data = data[:end], data[end + 2 :]
        if not line:
            return data


async def _until_close(peer: socket.socket, data: bytes) -> bytes:
    while more := await _receive(peer):
        data += more
        if len(data) > BODY_BYTES_MAX:
            raise NoAnswer("ANSWER_INVALID")
    return data
