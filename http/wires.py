"""What a connection of the lane is read from and written to: a socket, in the clear or under TLS.

The rule: a write in the clear is one system call and no turn of the event loop, because an answer
nearly always fits into the socket's buffer; reading waits, and there others get their turn.
Source: design.md 10; spec.md S62 (TLS 1.3); RFC 8446.
"""

import socket
import ssl
from contextlib import suppress
from typing import Final, Protocol

import trio

from comptoir.engine.settings.runtime import Ingest
from comptoir.http.listener import BindError

__all__ = ["GONE", "READ_BYTES_MAX", "PlainWire", "TlsWire", "Wire", "tls_context"]

READ_BYTES_MAX: Final = 16 * 1024
"""Of one read, and so of what one turn works on: some twenty webhooks that came together, or a few
hundred tiny requests."""
GONE: Final = (OSError, trio.BrokenResourceError, trio.ClosedResourceError)
"""What reading and writing raise when the other end has left, or its place was given to another."""


class Wire(Protocol):
    """Bytes in and out; any of `GONE` ends it."""

    async def receive(self) -> bytes:
        """Some bytes; none at the end."""
        ...

    async def send(self, data: bytes) -> None:
        """All of it."""
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
        while sent < len(data):
            await trio.lowlevel.wait_writable(self._socket)
            try:
                sent += self._socket.send(memoryview(data)[sent:])
            except BlockingIOError:
                continue


class TlsWire:
    """TLS over a socket; the handshake is part of the first read."""

    __slots__ = ("_reading", "_stream")

    def __init__(self, taken: socket.socket, context: ssl.SSLContext) -> None:
        """Be the server on a non-blocking socket."""
        stream = trio.SocketStream(trio.socket.from_stdlib_socket(taken))
        self._stream = trio.SSLStream(stream, context, server_side=True, https_compatible=True)
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
        await self._stream.send_all(data)


def tls_context(settings: Ingest) -> ssl.SSLContext | None:
    """What the settings say of TLS; None: in the clear.

    Raises:
        BindError: the files cannot be read, or are no certificate and its key.
    """
    if not settings.tls_certificate:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    try:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key)
    except (OSError, ValueError) as error:
        raise BindError(
            "TLS_UNREADABLE",
            "ingest.tls_certificate and ingest.tls_key are no certificate and its key",
            "give PEM files that this account may read, the key without a passphrase",
            2,
        ) from error
    return context
