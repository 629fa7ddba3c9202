"""One connection as hypercorn serves it, with what hypercorn leaves out.

The rule: its place knows at each moment what is waited for, nothing outlives its caller, and whoever sends a request
in crumbs is read seldom: each read costs the same, a byte or a thousand of them.
Source: hypercorn 0.18 (trio/tcp_server.py).
"""

from contextlib import suppress
from typing import Final

import h11
import trio
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.trio.tcp_server import TCPServer

from comptoir.http.places import Place

__all__ = ["Connection"]

READ_BYTES_MAX: Final = 65_536
CRUMB_BYTES: Final = 256
"""A read of less, that does not complete a request, is one of crumbs."""
CRUMBS_FREE: Final = 4
"""One after the other that are read at once: a header over a poor line has no more."""
CRUMB_PAUSE_S: Final = 0.05
CRUMB_PAUSE_S_MAX: Final = 1.0
"""The first pause, doubled by each crumb up to this; what comes meanwhile is read in one piece after it."""


class Connection(TCPServer):
    """One connection, whose answers leave as one write each, and which ends when its caller leaves.

    hypercorn writes an answer's header, its body and its (empty) end one by one: three system calls
    and, at the other end, two wake-ups. The header is held here until what follows it is known. And
    it waits for the end of the idle time of a connection that the caller has closed long ago: a few
    dozen callers a second who do not keep theirs would take all places.
    """

    _held = b""
    place: Place
    """Set by whoever makes one, and told here what is waited for."""

    async def _read_data(self) -> None:
        """Read until the caller has closed, or we have; then nothing is waited for any more."""
        crumbs = 0
        with suppress(trio.ClosedResourceError, trio.BrokenResourceError):
            while data := await self.stream.receive_some(READ_BYTES_MAX):
                await self.protocol.handle(RawData(bytes(data)))
                crumbs = crumbs + 1 if len(data) < CRUMB_BYTES and self._is_within() else 0
                if crumbs > CRUMBS_FREE:
                    await trio.sleep(_pause_s(crumbs - CRUMBS_FREE))
            await self.protocol.handle(RawData(b""))
        await self.protocol.handle(Closed())
        await self.idle_task.stop()

    def _is_within(self) -> bool:
        """Whether a request has begun and is not complete; what is no HTTP/1.1 any more is never known to be."""
        connection = getattr(self.protocol.protocol, "connection", None)
        if not isinstance(connection, h11.Connection):
            return True
        begun = connection.their_state is h11.IDLE and bool(connection.trailing_data[0])
        return begun or connection.their_state is h11.SEND_BODY

    async def protocol_send(self, event: Event) -> None:
        """Write, but hold a header back until the next event."""
        if isinstance(event, Updated):
            if event.idle:
                self.place.waits_for_request()
            else:
                self.place.waits_for_body()  # the edge says when it is complete
        if isinstance(event, RawData):
            data = self._held + event.data
            self._held = b""
            if _is_header(event.data):
                self._held = data
            elif data:
                await self._write(data)
            return
        if self._held:
            held, self._held = self._held, b""
            await self._write(held)
        await super().protocol_send(event)

    async def _write(self, data: bytes) -> None:
        """Send bytes, unless another task is closing the connection already.

        hypercorn closes without its own lock: a caller that leaves within its body is answered 400 by
        one task while another, whose answer was sent, says goodbye.
        """
        with suppress(trio.BusyResourceError):
            await super().protocol_send(RawData(data))


def _pause_s(crumbs: int) -> float:
    """After so many too many."""
    return min(CRUMB_PAUSE_S * 2.0 ** min(crumbs - 1, 16), CRUMB_PAUSE_S_MAX)


def _is_header(data: bytes) -> bool:
    """Say whether this is the header of a final answer; 1xx must not wait."""
    return data.startswith(b"HTTP/1.1 ") and not data.startswith(b"HTTP/1.1 1")
