"""A lane without a listener, into which connections are put by hand.

Each is a pair of sockets, so that a test decides byte by byte what is there when.
"""

# pyright: reportPrivateUsage=false
# Who is here, and what a task of its own has, is looked at where no public door leads.

import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import trio

from comptoir.engine.settings import Settings
from comptoir.http.crowd import _Member
from comptoir.http.lane import Lane
from comptoir.http.places import Places
from comptoir.http.testing import FakeDaemon
from comptoir.http.testing_wire import BODY, post
from comptoir.http.webhooks import Reception


class Yard:
    """A lane without a listener: connections are put into it by hand."""

    def __init__(self, daemon: FakeDaemon, limit: int = 1000) -> None:
        self.places = Places(limit)
        self.lane = Lane(daemon, Reception(daemon), Settings(), self.places, None)
        assert self.lane.crowd is not None, "there is an epoll on Linux"
        self.crowd = self.lane.crowd
        self.ended = trio.Event()

    @property
    def members(self) -> list[_Member]:
        """Who is here."""
        return list(self.crowd._members.values())

    def stop(self) -> None:
        """As `serve_lane` does."""
        self.lane.stopping = True
        self.places.close_idle()
        self.crowd.finish()

    async def run(self) -> None:
        """Serve, until stopped."""
        await self.crowd.run()
        self.ended.set()

    def open(self, buffer_bytes: int = 0, said: bytes = b"") -> trio.SocketStream:
        """A connection that the crowd serves, with something said already; the other end of it."""
        ours, theirs = socket.socketpair()
        theirs.send(said)
        ours.setblocking(False)
        if buffer_bytes:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer_bytes)
        place = self.places.take(ours, "127.0.0.1")
        assert place is not None, "there is room"
        try:
            self.crowd.join(place)
        except OSError:
            theirs.close()
            raise
        return trio.SocketStream(trio.socket.from_stdlib_socket(theirs))


@asynccontextmanager
async def yard(daemon: FakeDaemon, patience: float = 30) -> AsyncGenerator[Yard]:
    """A crowd at work."""
    opened = Yard(daemon)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(opened.run)
        try:
            with trio.fail_after(patience):
                yield opened
        finally:
            opened.places.close_all()
            nursery.cancel_scope.cancel()


async def answers(stream: trio.SocketStream, count: int) -> list[int]:
    """The statuses of so many answers, in the order in which they came."""
    heard = b""
    while heard.count(b"HTTP/1.1 ") < count or not heard.endswith(b"}"):
        part = await stream.receive_some(65_536)
        assert part, heard
        heard += part
    return [int(part[:3]) for part in heard.split(b"HTTP/1.1 ")[1:]]


async def write(stream: trio.SocketStream, data: bytes) -> None:
    """Write to a server that may stop reading before the end."""
    with suppress(trio.BrokenResourceError):
        await stream.send_all(data)


GOOD = post()
EXPECTING = post(BODY, "Expect: 100-continue")
