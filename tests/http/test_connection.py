"""What hypercorn leaves out of a connection."""

from itertools import pairwise
from types import SimpleNamespace
from typing import Any, cast

import h11
import pytest
import trio
from hypercorn.config import Config
from hypercorn.events import Event, RawData
from hypercorn.trio.worker_context import WorkerContext
from trio.testing import MemorySendStream, MockClock, memory_stream_one_way_pair

from comptoir.http.connection import CRUMB_PAUSE_S_MAX, Connection

HEADER = b"POST /webhooks/banking HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
REQUEST = HEADER + b"\r\n{}"
LARGE = HEADER.replace(b" 2", b" 30000") + b"\r\n"


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


class _Reading:
    """Stands for hypercorn's protocol: h11 as it has it, and when each read was handed on."""

    def __init__(self) -> None:
        self.connection: h11.Connection | None = h11.Connection(h11.SERVER)
        self.reads: list[tuple[float, bytes]] = []
        self.requests = 0

    async def handle(self, event: Event) -> None:
        if not isinstance(event, RawData) or not event.data:
            return
        self.reads.append((trio.current_time(), event.data))
        if self.connection is None:
            return
        self.connection.receive_data(event.data)
        while self.connection.next_event() not in (h11.NEED_DATA, h11.PAUSED):
            if self.connection.their_state is h11.DONE:
                self.requests += 1
                answer = h11.Response(status_code=202, headers=[("content-length", "0")])
                for said in (answer, h11.EndOfMessage()):
                    self.connection.send(said)
                self.connection.start_next_cycle()


async def _read(said: list[bytes], pause_s: float, reading: "_Reading | None" = None) -> _Reading:
    """Have one connection read what comes in such parts, at such a pace, until its caller leaves."""
    sending, stream = memory_stream_one_way_pair()
    served: Any = Connection(
        cast(Any, None), Config(), WorkerContext(None), cast(Any, None), cast(Any, stream)
    )
    reading = reading or _Reading()
    served.protocol = SimpleNamespace(protocol=reading, handle=reading.handle)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_say, sending, said, pause_s)
        await served._read_data()
    return reading


async def _say(sending: MemorySendStream, said: list[bytes], pause_s: float) -> None:
    for part in said:
        await sending.send_all(part)
        await trio.sleep(pause_s)
    await sending.aclose()


@pytest.mark.parametrize("before", [HEADER + b"X-Slow: ", LARGE])
async def test_crumbs_are_read_seldom(before: bytes, autojump_clock: MockClock) -> None:
    """S62, design.md 5: a header or a body that comes byte by byte costs a read a second in the end, and no byte is lost."""
    said = [before, *[b"x"] * 400]
    reading = await _read(said, 0.05)
    _hold_seldom(reading, said)


async def test_crumbs_of_another_protocol_are_read_seldom(autojump_clock: MockClock) -> None:
    """S62: whoever speaks HTTP/2 to a port that speaks HTTP/1.1 gets no more of it; hypercorn lets them."""
    said = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", *[b"x"] * 400]
    reading = _Reading()
    reading.connection = None
    _hold_seldom(await _read(said, 0.05, reading), said)


def _hold_seldom(reading: "_Reading", said: list[bytes]) -> None:
    assert b"".join(data for _, data in reading.reads) == b"".join(said)
    at = [when for when, _ in reading.reads]
    seconds = 400 * 0.05
    assert len(at) <= seconds / CRUMB_PAUSE_S_MAX + 12
    assert max(later - earlier for earlier, later in pairwise(at)) < 1.1


@pytest.mark.parametrize(
    ("said", "requests"),
    [
        pytest.param([REQUEST] * 100, 100, id="small requests, one after the other"),
        pytest.param([REQUEST * 100], 100, id="all at once"),
        pytest.param([REQUEST[:9], REQUEST[9:30], REQUEST[30:70], REQUEST[70:]] * 20, 20, id="four parts"),
        pytest.param([LARGE, *[b"y" * 300] * 100], 1, id="a body in parts"),
    ],
)  # fmt: skip
async def test_who_says_something_is_read_at_once(
    said: list[bytes], requests: int, autojump_clock: MockClock
) -> None:
    """Design.md 5: whoever completes a request, or sends more than crumbs, waits for nothing."""
    reading = await _read(said, 0)
    assert trio.current_time() - reading.reads[0][0] == 0
    assert reading.requests == requests
