"""What a connection of the lane is read from and written to: a socket, in the clear or under TLS.

The rule: a write in the clear is one system call and no turn of the event loop, because an answer
nearly always fits into the socket's buffer; reading waits, and there others get their turn.
Source: design.md 10; spec.md S62 (TLS 1.3); RFC 8446.
"""

import socket
from contextlib import suppress
from typing import Final, Protocol

import trio

from comptoir.http.asgi import DISCARDED_BYTES_MAX
from comptoir.http.listener import UNREAD_SECONDS_MAX
from comptoir.http.places import Place

__all__ = ["GONE", "READ_BYTES_MAX", "PlainWire", "TlsWire", "Wire", "linger"]

READ_BYTES_MAX: Final = 16 * 1024
"""Of one read, and so of what one turn works on: some twenty webhooks that came together, or a few
hundred tiny requests."""
LINGER_SECONDS_MAX: Final = 3.0
"""After a last answer: what still comes is read and thrown away, up to `DISCARDED_BYTES_MAX`, because
closing a socket with unread bytes in it resets the connection, and may take the answer along."""
LINGER_PAUSE_SECONDS_MAX: Final = 0.25
"""Whoever is silent for so long after its last answer has it."""
GONE: Final = (
    OSError,
    trio.BrokenResourceError,
    trio.ClosedResourceError,
    trio.TooSlowError,
)
"""What reading and writing raise when the other end has left, or takes nothing of what is sent, or its
place was given to another."""


class Wire(Protocol):
    """Bytes in and out; any of `GONE` ends it."""

    async def receive(self) -> bytes:
        """Some bytes; none at the end."""
        ...

    async def send(self, data: bytes) -> None:
        """All of it, within `UNREAD_SECONDS_MAX`: nobody else can have the place meanwhile."""
        ...

    def wake(self) -> None:
        """Have who waits in `receive` read the end, although the other end is there."""
        ...


class PlainWire:
    """A socket."""

    __slots__ = ("_socket",)

    def __init__(self, taken: socket.socket) -> None:
        """Use a non-blocking socket."""
        self._socket = taken

    async def receive(self) -> bytes:
        """Some bytes; none at the end."""
        while True:
            await trio.lowlevel.wait_readable(self._socket)
            try:
                return self._socket.recv(READ_BYTES_MAX)
            except BlockingIOError:
                continue

    def wake(self) -> None:
        """Have who waits in `receive` read the end: the kernel's own way, which arms nothing."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RD)

    async def send(self, data: bytes) -> None:
        """All of it; waits only where the buffer is full."""
        try:
            sent = self._socket.send(data)
        except BlockingIOError:
            sent = 0
        # The kernel's own time-out (listener.py) begins anew with every byte that is taken.
        with trio.fail_after(UNREAD_SECONDS_MAX):
            while sent < len(data):
                await trio.lowlevel.wait_writable(self._socket)
                try:
                    sent += self._socket.send(memoryview(data)[sent:])
                except BlockingIOError:
                    continue


class TlsWire:
    """TLS over a socket, after the handshake."""

    __slots__ = ("_reading", "_stream")

    def __init__(self, stream: "trio.SSLStream[trio.SocketStream]") -> None:
        """Use a stream that has been secured."""
        self._stream = stream
        self._reading = trio.CancelScope()

    async def receive(self) -> bytes:
        """Some bytes; none at the end."""
        with trio.CancelScope() as self._reading:
            return bytes(await self._stream.receive_some(READ_BYTES_MAX))
        return b""

    def wake(self) -> None:
        """Have who waits in `receive` read the end; the stream itself would be broken by one."""
        self._reading.cancel()

    async def send(self, data: bytes) -> None:
        """All of it."""
        with trio.fail_after(UNREAD_SECONDS_MAX):
            await self._stream.send_all(data)


async def linger(place: Place, wire: Wire) -> None:
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
