"""Ten thousand requests, three readers, two edges: they agree, or the lane refuses.

Rule: what is sent is a function of the seed (TESTS_SEED, else 1); the two parsers are the oracle, and
nothing that the lane refuses reaches the daemon behind it.
Source: issue, "The ingest lane", differential test; RFC 9110, RFC 9112; interface.md 6.
"""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import unquote

import pytest
import structlog
import trio

from comptoir.engine import Address, Message
from comptoir.engine.settings import Http, Ingest, Settings
from comptoir.http.lane import serve_lane
from comptoir.http.server import serve
from comptoir.http.testing import FakeDaemon
from tests.http.differences import REFUSES, Read, h11_reads, lane_reads, llhttp_reads, reason
from tests.http.forms import FORMS, Form, drawn

COUNT = 10_000
SEED = int(os.environ.get("TESTS_SEED") or 1)
ANSWER_SECONDS_MAX = 10.0


class Case(NamedTuple):
    """One request, and what the oracle says of it."""

    data: bytes
    taken: Read | None
    """As both parsers read it, where nothing forbids it; None: the lane must not take it."""
    disputed: bool
    """One parser takes it and the other refuses it."""


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    """Give them all."""
    return [_judged(data) for data in drawn(SEED, COUNT)]


def _judged(data: bytes) -> Case:
    one, other = h11_reads(data), llhttp_reads(data)
    if isinstance(one, Read) and isinstance(other, Read):
        forbidden = reason(one, data)
        assert one._replace(rest=b"") == other or forbidden, (data, one, other)
        return Case(data, None if forbidden else one, disputed=bool(forbidden))
    taken = isinstance(one, Read) or isinstance(other, Read)
    return Case(data, None, disputed=taken and REFUSES in (one, other))


def _path(read: Read) -> str:
    return unquote(read.target.partition(b"?")[0].decode())


def test_the_lane_reads_what_both_read(cases: list[Case]) -> None:
    """RFC 9112: what h11 and llhttp take is read by the lane to the same method, path, headers and
    body; what one of them takes and the other does not is refused.
    """
    for case in cases:
        found = lane_reads(case.data)
        if case.taken is not None:
            target = _path(case.taken).encode()
            assert found == case.taken._replace(target=target, rest=b""), case.data
        else:
            assert isinstance(found, str), case.data
            assert found[0] in "45" or not case.disputed, case.data


def test_what_is_drawn_is_what_is_meant(cases: list[Case]) -> None:
    """S74: enough of each is drawn for the comparison to say something; again it is the same."""
    taken = sum(case.taken is not None for case in cases)
    disputed = sum(case.disputed for case in cases)
    assert taken > COUNT // 4, taken
    assert disputed > COUNT // 10, disputed
    assert COUNT - taken - disputed > COUNT // 10
    assert [case.data for case in cases[:500]] == list(drawn(SEED, 500))


class Edge:
    """One listener, its daemon, and a connection that is used as long as it lives."""

    def __init__(self, url: str, daemon: FakeDaemon) -> None:
        self.daemon = daemon
        self._port = int(url.rpartition(":")[2])
        self._stream: trio.SocketStream | None = None

    async def ask(self, data: bytes) -> tuple[int, bytes, list[tuple[Address, Message]]]:
        """Send what is taken; status, body without the request id, and what the daemon was asked."""
        if self._stream is None:
            self._stream = await trio.open_tcp_stream("127.0.0.1", self._port)
        self.daemon.asks.clear()
        self.daemon.counts.clear()
        with trio.fail_after(ANSWER_SECONDS_MAX):
            await self._stream.send_all(data)
            status, headers, body = await _final_answer(self._stream)
        asked = list(self.daemon.asks)
        if headers.get(b"connection") == b"close" or b"HTTP/1.0\r\n" in data:
            await self.close()
        return status, body.partition(b'"requestId"')[0], asked

    async def offer(self, data: bytes) -> bytes:
        """Send what is not taken, and no more; everything that comes back."""
        heard = b""
        async with await trio.open_tcp_stream("127.0.0.1", self._port) as stream:
            with trio.fail_after(ANSWER_SECONDS_MAX):
                try:
                    await stream.send_all(data)
                    await stream.send_eof()
                    async for part in stream:
                        heard += part
                except trio.BrokenResourceError:
                    pass
        return heard

    async def close(self) -> None:
        """Leave."""
        if self._stream is not None:
            await self._stream.aclose()
            self._stream = None


async def _final_answer(stream: trio.SocketStream) -> tuple[int, dict[bytes, bytes], bytes]:
    """Read one answer, and drop those before it that only say to go on."""
    heard = b""
    while True:
        head, end, rest = heard.partition(b"\r\n\r\n")
        if end and head.startswith(b"HTTP/1.1 1"):
            heard = rest
            continue
        if end:
            first, *lines = head.lower().split(b"\r\n")
            fields = dict(line.split(b": ", 1) for line in lines)
            if len(rest) >= int(fields[b"content-length"]):
                return int(first.split()[1]), fields, rest
        part = await stream.receive_some(65_536)
        assert part, heard
        heard += part


@pytest.fixture
async def edges() -> AsyncIterator[tuple[Edge, Edge]]:
    """Give hypercorn's edge and the lane, each before a daemon of its own."""
    settings = Settings(http=Http(port=0), ingest=Ingest(port=0))
    async with AsyncExitStack() as stack:
        nursery = await stack.enter_async_context(trio.open_nursery())
        found: list[Edge] = []
        for opened in (serve, serve_lane):
            daemon = FakeDaemon()
            listening = await nursery.start(partial(opened, daemon, settings, stop_seconds=0.2))
            found.append(Edge(listening.url, daemon))
            stack.push_async_callback(found[-1].close)
        with structlog.testing.capture_logs():
            yield found[0], found[1]
        nursery.cancel_scope.cancel()


async def test_both_edges_answer_alike(cases: list[Case], edges: tuple[Edge, Edge]) -> None:
    """S53, S54, S56: what both parsers take has the same status, body and effect at both edges."""
    http, lane = edges
    for case in cases:
        if case.taken is not None:
            data = case.data.removesuffix(case.taken.rest)
            other = await lane.ask(data)
            if _path(case.taken).startswith("/webhooks/"):
                assert await http.ask(data) == other, case.data
            else:  # hypercorn's edge has an API there; the lane has nothing
                assert other[0] == HTTPStatus.NOT_FOUND, case.data


async def test_nothing_refused_is_credited(cases: list[Case], edges: tuple[Edge, Edge]) -> None:
    """X19, S54: whatever the lane does not take is answered with an error and closed, or closed, and
    asks nothing of the daemon behind it.
    """
    lane = edges[1]
    for case in cases:
        if case.taken is None:
            heard = await lane.offer(case.data)
            assert lane.daemon.asks == [], case.data
            assert heard == b"" or heard.startswith((b"HTTP/1.1 4", b"HTTP/1.1 505")), case.data
            assert heard.count(b"\r\nx-request-id: ") <= 1, case.data
            assert heard or not case.disputed, case.data
            if heard:
                assert b"\r\nconnection: close\r\n" in heard, case.data


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
async def test_nothing_behind_a_refusal_is_read(form: Form, edges: tuple[Edge, Edge]) -> None:
    """RFC 9112 11.2: a right webhook pipelined behind a refused request is not handled."""
    right = FORMS[0].make()
    data = form.make()
    if isinstance(lane_reads(data), str):
        heard = await edges[1].offer(data + right)
        assert edges[1].daemon.asks == []
        assert heard.count(b"\r\nx-request-id: ") == 1
