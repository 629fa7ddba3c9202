"""One connection as hypercorn serves it, with what hypercorn leaves out.

The rule: its place knows at each moment what is waited for, and nothing outlives its caller.
Source: hypercorn 0.18 (trio/tcp_server.py).
"""

from contextlib import suppress

import trio
from hypercorn.events import Event, RawData, Updated
from hypercorn.trio.tcp_server import TCPServer

from comptoir.http.places import Place

__all__ = ["Connection"]


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
        await super()._read_data()
        await self.idle_task.stop()

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


def _is_header(data: bytes) -> bool:
    """Say whether this is the header of a final answer; 1xx must not wait."""
    return data.startswith(b"HTTP/1.1 ") and not data.startswith(b"HTTP/1.1 1")
