"""The edge on a real socket: raw bytes in, raw bytes out."""

import pytest
import structlog
import trio
import trio.testing

from comptoir.http import edge
from comptoir.http.server import Listening
from comptoir.http.testing import FakeDaemon
from comptoir.http.testing_wire import (
    BODY,
    Listener,
    chunked,
    connect,
    exchange,
    held,
    post,
    problem_code,
    read_answer,
    signing,
)


async def test_webhook(daemon: FakeDaemon, either: Listener) -> None:
    """Row 12 of interface.md 6 over a socket; the connection stays open for the next."""
    async with await connect(either) as stream:
        for _ in range(3):
            await stream.send_all(post())
            status, headers, body = await read_answer(stream)
            assert (status, body) == (202, b'{"status":"accepted"}')
            assert "connection" not in headers
    assert len(daemon.asks) == 3


async def test_pipelined(daemon: FakeDaemon, either: Listener) -> None:
    """RFC 9112 9.3.2: requests that come together are answered in order."""
    async with await connect(either) as stream:
        await stream.send_all(post() + post(BODY, "X-Request-Id: the-second-one"))
        received = b""
        while received.count(b"accepted") < 2:
            received += await stream.receive_some(65536)
        assert received.rindex(b"the-second-one") > received.index(b"accepted")


async def test_doubled_signature(daemon: FakeDaemon, either: Listener) -> None:
    """Row 3: the server neither joins nor drops a doubled header, so it is seen and refused."""
    for line in signing(BODY):
        status, _, body = await exchange(either, post(BODY, line))
        assert (status, problem_code(body)) == (401, "WEBHOOK_SIGNATURE_INVALID")
        folded = line.replace(": ", ":  ").upper().replace("SHA", "sha")
        status, _, body = await exchange(either, post(BODY, folded))
        assert (status, problem_code(body)) == (401, "WEBHOOK_SIGNATURE_INVALID")
    assert daemon.asks == []


async def test_declared_too_large(daemon: FakeDaemon, listening: Listening) -> None:
    """Row 2: a declared megabyte is refused, whether it comes or not."""
    status, headers, body = await exchange(listening, post(b"x" * 1_000_000))
    assert (status, problem_code(body)) == (413, "PAYLOAD_TOO_LARGE")
    assert "connection" not in headers  # it was read to its end, so the connection can go on
    for declared in ("65537", "9" * 18):
        late = post(b"", f"Content-Length: {declared}", length=False)
        status, headers, body = await exchange(listening, late)
        assert (status, problem_code(body)) == (413, "PAYLOAD_TOO_LARGE")
        assert headers["connection"] == "close"
    assert daemon.asks == []


async def test_counted_too_large(daemon: FakeDaemon, either: Listener) -> None:
    """Row 2: without a length the bytes are counted, and the first too many ends it."""
    at_limit = b" " * (65_536 - len(BODY)) + BODY
    chunks = "Transfer-Encoding: chunked"
    whole = f"{len(at_limit):x}\r\n".encode() + at_limit + b"\r\n0\r\n\r\n"
    head = post(at_limit, chunks, length=False)[: -len(at_limit)]
    assert (await exchange(either, head + whole))[0] == 202
    head = post(b"", chunks, length=False)
    for parts in (9, 200, 2000):
        status, _, body = await exchange(either, head + chunked(8192, parts))
        assert (status, problem_code(body)) == (413, "PAYLOAD_TOO_LARGE")
    assert len(daemon.asks) == 1


async def test_api_body_too_large(daemon: FakeDaemon, listening: Listening) -> None:
    """interface.md 1: the API's bodies are bounded too, read or not."""
    head = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    status, _, body = await exchange(listening, head + chunked(65_536, 100))
    assert (status, problem_code(body)) == (413, "PAYLOAD_TOO_LARGE")


async def test_unread_bodies_hang_nothing(daemon: FakeDaemon, either: Listener) -> None:
    """design.md 5: after hundreds of refused endless bodies no request is still at work."""
    head = post(b"", "Transfer-Encoding: chunked", length=False)

    async def endless() -> None:
        assert (await exchange(either, head + chunked(65_536, 100)))[0] == 413

    for _ in range(5):
        async with trio.open_nursery() as nursery:
            for _ in range(8):
                nursery.start_soon(endless)
    assert (await exchange(either, post()))[0] == 202
    await trio.testing.wait_all_tasks_blocked(0.01)
    assert either.in_flight == 0


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 40 + b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTPS/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    ],
)
async def test_malformed_request(daemon: FakeDaemon, either: Listener, data: bytes) -> None:
    """interface.md 6: what is no HTTP is refused, without a Host too, and asks nothing."""
    status, _, _ = await exchange(either, data)
    assert 400 <= status < 600
    assert daemon.asks == []


async def test_missing_host_on_webhook(daemon: FakeDaemon, either: Listener) -> None:
    """RFC 9112 3.2: HTTP/1.1 without Host is malformed, signed or not."""
    assert (await exchange(either, post(host=False)))[0] == 400
    assert daemon.asks == []


async def test_endless_header(daemon: FakeDaemon, either: Listener) -> None:
    """design.md 5: the header is bounded."""
    data = b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X-Filler: " + b"x" * 100_000
    assert (await exchange(either, data))[0] == 431
    assert daemon.asks == []


async def test_expect_continue(daemon: FakeDaemon, either: Listener) -> None:
    """RFC 9110 10.1.1: a sender that waits for 100 gets it."""
    data = post(BODY, "Expect: 100-continue")
    async with await connect(either) as stream:
        with trio.fail_after(5):
            await stream.send_all(data[: -len(BODY)])
            assert (await stream.receive_some(65536)).startswith(b"HTTP/1.1 100")
            await stream.send_all(BODY)
            assert (await read_answer(stream))[0] == 202


async def test_gzip_is_refused(daemon: FakeDaemon, either: Listener) -> None:
    """Row 5: a content encoding is not looked into, signed or not."""
    status, _, body = await exchange(either, post(BODY, "Content-Encoding: gzip"))
    assert (status, problem_code(body)) == (415, "MEDIA_TYPE_UNSUPPORTED")


async def test_websocket_is_refused(daemon: FakeDaemon, listening: Listening) -> None:
    """interface.md 1: there is no WebSocket here."""
    data = (
        b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert (await exchange(listening, data))[0] == 403


async def test_caller_that_leaves(daemon: FakeDaemon, either: Listener) -> None:
    """Row 2, X19: half a body is nobody's webhook."""
    async with await connect(either) as stream:
        await stream.send_all(post()[:-10])
    await trio.testing.wait_all_tasks_blocked(0.01)
    assert (await exchange(either, post()))[0] == 202
    await trio.testing.wait_all_tasks_blocked(0.01)
    assert len(daemon.asks) == 1
    assert either.in_flight == 0


async def test_slow_body(
    daemon: FakeDaemon, listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    """design.md 9.6: a body that does not come is not waited for without end."""
    monkeypatch.setattr(edge, "BODY_SECONDS_MAX", 0.05)
    async with await connect(listening) as stream:
        await stream.send_all(post()[:-10])
        with trio.fail_after(5):
            status, headers, body = await read_answer(stream)
    assert (status, problem_code(body), headers["connection"]) == (408, "REQUEST_TIMEOUT", "close")
    assert daemon.asks == []


async def test_crash_is_internal(daemon: FakeDaemon, either: Listener) -> None:
    """Invariant 5 and 8: a bug of ours is a 500 that tells nothing, and is logged."""
    daemon.error = ZeroDivisionError("inside")
    with structlog.testing.capture_logs() as logs:
        status, _, body = await exchange(either, post())
    assert (status, problem_code(body)) == (500, "INTERNAL")
    assert b"inside" not in body
    assert [log["event"] for log in logs] == ["request_crashed"]


@pytest.mark.parametrize("daemon", [FakeDaemon(requests_in_flight_max=1)])
async def test_requests_in_flight_are_bounded(daemon: FakeDaemon, either: Listener) -> None:
    """design.md 5: one more than the bound is told to come back."""
    asked, go_on = trio.Event(), trio.Event()
    daemon.asked = held(asked, go_on)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(exchange, either, post())
        await asked.wait()
        status, headers, body = await exchange(either, post())
        assert (status, problem_code(body), headers["retry-after"]) == (503, "OVERLOADED", "1")
        go_on.set()
    await trio.testing.wait_all_tasks_blocked(0.01)
    assert either.in_flight == 0
