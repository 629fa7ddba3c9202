"""A line from a port of this machine to a broker, which a test cuts and joins again.

Rule: when it is cut, all that goes over it breaks off, and nobody listens at its port; on loopback alone.
Source: issue 9, "must show" (broker and MQ down and back); spec.md S32.
"""

import contextlib
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

import trio

from comptoir.http.contract_testing import free_port

__all__ = ["Line", "line_between"]

HOST = "127.0.0.1"
SECONDS_MAX = 30.0


@asynccontextmanager
async def line_between(port: int, address: str) -> AsyncGenerator[None]:
    """A line from a port to a broker; when it ends, all that goes over it breaks off."""

    async def carry(stream: trio.SocketStream) -> None:
        there = await trio.open_tcp_stream(HOST, int(address.rpartition(":")[2]))

        async def pump(source: trio.SocketStream, sink: trio.SocketStream) -> None:
            with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                async for data in source:
                    await sink.send_all(data)

        async with stream, there, trio.open_nursery() as both:
            both.start_soon(pump, stream, there)
            await pump(there, stream)
            both.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        await nursery.start(partial(trio.serve_tcp, carry, port, host=HOST))
        yield
        nursery.cancel_scope.cancel()


class Line:
    """The same, for a test that has no loop of its own."""

    def __init__(self, address: str) -> None:
        """Joined to it.

        Args:
            address: of the broker.
        """
        self._there, self._port = address, free_port()
        self.address = f"{address.rpartition(':')[0]}:{self._port}"
        self.join()

    def join(self) -> None:
        """Be there; returns when it listens."""
        self._joined, self._end = threading.Event(), trio.CancelScope()
        self._thread = threading.Thread(target=trio.run, args=(self._run,), daemon=True)
        self._thread.start()
        assert self._joined.wait(SECONDS_MAX), "nobody listens"

    def cut(self) -> None:
        """Break off; returns when nobody listens any more."""
        if self._thread.is_alive():
            trio.from_thread.run_sync(self._end.cancel, trio_token=self._token)
        self._thread.join(SECONDS_MAX)
        assert not self._thread.is_alive()

    async def _run(self) -> None:
        self._token = trio.lowlevel.current_trio_token()
        with self._end:
            async with line_between(self._port, self._there):
                self._joined.set()
                await trio.sleep_forever()
