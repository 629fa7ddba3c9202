"""What hypercorn leaves out of a connection."""

from typing import Any, cast

import trio
from hypercorn.config import Config
from hypercorn.events import RawData
from hypercorn.trio.worker_context import WorkerContext

from comptoir.http.connection import Connection


class _Closing:
    """A stream that another task is saying goodbye on: trio lets nobody else write."""

    async def send_all(self, data: bytes) -> None:
        await trio.lowlevel.checkpoint()
        raise trio.BusyResourceError("another task is currently sending data on this SocketStream")


async def test_a_write_beside_a_goodbye_is_dropped() -> None:
    """Design.md 5: a caller that leaves within its body, while its answer is on its way, ends its own
    connection and is no crash. Seen where memory is short: `connection_crashed`.
    """
    served: Any = Connection(
        cast(Any, None), Config(), WorkerContext(None), cast(Any, None), cast(Any, _Closing())
    )
    await served.protocol_send(RawData(b"HTTP/1.1 400 \r\n\r\n"))
    await served.protocol_send(RawData(b"the body"))
    assert served._held == b""
