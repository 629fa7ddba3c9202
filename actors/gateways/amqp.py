"""AMQP 1.0 on a trio stream: Qpid Proton's engine does the protocol, and trio the sockets. No thread, no loop of Proton's.

Rules:
- Proton is an extra that is compiled where it is wanted (docs/adr/0054); nothing else imports this module;
- what Proton has to say is an event, and what it wants written is written after each: one place pumps both;
- a connection that ends, for whatever reason, ends `run`; whoever wants another one opens it.
Source: OASIS AMQP 1.0 parts 2 and 5; Qpid Proton's Python API (Connection, Transport, Collector); spec.md S31.
"""

import ssl
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final
from urllib.parse import urlsplit

import trio

__all__ = ["AMQP_PORTS", "AmqpClosed", "Pump", "connected", "proton", "why_of"]

proton: Any = import_module("proton")
"""Qpid Proton, an extra: what is typed here must hold where it is not installed, too."""

AMQP_PORTS: Final = {"amqp": 5672, "amqps": 5671}
READ_BYTES: Final = 65_536
IDLE_S: Final = 30.0
"""Whoever says nothing for so long is gone; both sides send an empty frame in time."""
TICK_S: Final = 5.0
CONNECT_S: Final = 10.0


class AmqpClosed(Exception):
    """The connection is over; `why` is a condition of AMQP, or a word of ours."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def why_of(group: ExceptionGroup[AmqpClosed]) -> str:
    """What the first of them says."""
    first = group.exceptions[0]
    return why_of(first) if isinstance(first, ExceptionGroup) else first.why


class Pump:
    """One connection: a Proton engine and the stream that it speaks over."""

    def __init__(self, stream: trio.abc.Stream, heard: Callable[[Any], None]) -> None:
        """Args: to the peer; told of every event of Proton's, in their order."""
        self.connection = proton.Connection()
        self._collector = proton.Collector()
        self.connection.collect(self._collector)
        self.transport = proton.Transport()
        self.transport.idle_timeout = IDLE_S
        self._stream, self._heard = stream, heard
        self._writing = trio.Lock()

    async def run(self) -> None:
        """Read and write until either side ends it.

        Raises:
            AmqpClosed: always, at the end.
        """
        why = ""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._ticks)
                await self.flush()
                while True:
                    data = await self._stream.receive_some(READ_BYTES)
                    if not data:
                        raise AmqpClosed("the peer has hung up")
                    self._push(bytes(data))
                    await self.flush()
        except* (trio.BrokenResourceError, trio.ClosedResourceError):
            why = "the connection broke"
        except* AmqpClosed as group:
            why = why_of(group)
        raise AmqpClosed(why)

    def _push(self, data: bytes) -> None:
        while data:
            room = self.transport.capacity()
            if room <= 0:
                raise AmqpClosed(self._condition())
            self.transport.push(data[:room])
            data = data[room:]

    async def _ticks(self) -> None:
        while True:
            self.transport.tick(trio.current_time())
            await self.flush()
            await trio.sleep(TICK_S)

    async def flush(self) -> None:
        """Hear what there is, and write what is to be said.

        Raises:
            AmqpClosed: there is no more to say.
        """
        self._hear()
        async with self._writing:
            while (size := self.transport.pending()) > 0:
                data = self.transport.peek(size)
                await self._stream.send_all(data)
                self.transport.pop(len(data))
                self._hear()
        if size < 0:
            raise AmqpClosed(self._condition())

    def _hear(self) -> None:
        while (event := self._collector.peek()) is not None:
            self._heard(event)
            self._collector.pop()

    def _condition(self) -> str:
        for source in (self.transport.condition, self.connection.remote_condition):
            if source is not None and source.name:
                return str(source.name)
        return "closed"

    async def aclose(self) -> None:
        """End it at once."""
        await trio.aclose_forcefully(self._stream)


async def connected(address: str, trust: ssl.SSLContext | None) -> trio.abc.Stream:
    """A stream to `amqp(s)://host[:port]`, under TLS for amqps.

    Raises:
        OSError, trio.BrokenResourceError, trio.TooSlowError: it cannot be reached.
    """
    parts = urlsplit(address)
    host = parts.hostname or ""
    with trio.fail_after(CONNECT_S):
        stream: trio.abc.Stream = await trio.open_tcp_stream(
            host, parts.port or AMQP_PORTS[parts.scheme]
        )
        if parts.scheme != "amqps":
            return stream
        assert trust is not None, "amqps has somebody to trust"
        sealed = trio.SSLStream(stream, trust, server_hostname=host, https_compatible=True)
        try:
            await sealed.do_handshake()
        except BaseException:
            await trio.aclose_forcefully(stream)  # who is not trusted keeps no line
            raise
        return sealed
