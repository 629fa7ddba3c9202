"""The edge on a real socket: raw bytes in, raw bytes out, and a stop that ends."""

import contextlib
import hashlib
import hmac
import socket
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import orjson
import pytest
import structlog
import trio
import trio.testing

from comptoir.engine import Address, Message
from comptoir.engine.settings import Auth, Http, Settings
from comptoir.http import edge, server
from comptoir.http.server import BindError, Listening, bind, serve
from comptoir.http.testing import NOW_MS, SECRET, FakeAnswer, FakeDaemon

BODY = (
    b'{"event":"transaction.created","data":{"transaction_id":"t","connection_id":"c",'
    b'"amount":1.00,"currency":"EUR","direction":"DEBIT","date":"2025-11-24",'
    b'"merchant":{"name":"X"}}}'
)


def _signing(body: bytes) -> list[str]:
    line = f"{NOW_MS}.".encode() + body
    digest = hmac.new(SECRET.encode(), line, hashlib.sha256).hexdigest()
    return [f"X-Webhook-Timestamp: {NOW_MS}", f"X-Webhook-Signature: {digest}"]


def _post(body: bytes = BODY, *more: str, length: bool = True, host: bool = True) -> bytes:
    """A webhook as bytes on the wire."""
    lines = ["POST /webhooks/banking HTTP/1.1", "Content-Type: application/json"]
    lines += ["Host: 127.0.0.1"] if host else []
    lines += [f"Content-Length: {len(body)}"] if length else []
    return "\r\n".join([*lines, *_signing(body), *more, "", ""]).encode() + body


def _chunked(size: int, parts: int) -> bytes:
    """A body in chunks."""
    return (f"{size:x}\r\n".encode() + b"x" * size + b"\r\n") * parts + b"0\r\n\r\n"


async def _connect(listening: Listening) -> trio.SocketStream:
    return await trio.open_tcp_stream("127.0.0.1", int(listening.url.rpartition(":")[2]))


async def _answer(stream: trio.SocketStream) -> tuple[int, dict[str, str], bytes]:
    """Read one answer."""
    received = b""
    while b"\r\n\r\n" not in received:
        part = await stream.receive_some(65536)
        assert part, received
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        part = await stream.receive_some(65536)
        assert part, received
        body += part
    return int(first.split()[1]), headers, body


async def _exchange(listening: Listening, data: bytes) -> tuple[int, dict[str, str], bytes]:
    """One connection, one request, one answer; the server may stop reading before the end."""
    stream = await _connect(listening)
    async with stream:
        with trio.fail_after(10):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_write, stream, data)
                answer = await _answer(stream)
                nursery.cancel_scope.cancel()
        return answer


async def _write(stream: trio.SocketStream, data: bytes) -> None:
    with contextlib.suppress(trio.BrokenResourceError):
        await stream.send_all(data)


def _code(body: bytes) -> str:
    return str(orjson.loads(body)["code"])


async def test_webhook(daemon: FakeDaemon, listening: Listening) -> None:
    """Row 12 of interface.md 6 over a socket; the connection stays open for the next."""
    async with await _connect(listening) as stream:
        for _ in range(3):
            await stream.send_all(_post())
            status, headers, body = await _answer(stream)
            assert (status, body) == (202, b'{"status":"accepted"}')
            assert "connection" not in headers
    assert len(daemon.asks) == 3


async def test_pipelined(daemon: FakeDaemon, listening: Listening) -> None:
    """RFC 9112 9.3.2: requests that come together are answered in order."""
    async with await _connect(listening) as stream:
        await stream.send_all(_post() + _post(BODY, "X-Request-Id: the-second-one"))
        received = b""
        while received.count(b"accepted") < 2:
            received += await stream.receive_some(65536)
        assert received.rindex(b"the-second-one") > received.index(b"accepted")


async def test_doubled_signature(daemon: FakeDaemon, listening: Listening) -> None:
    """Row 3: the server neither joins nor drops a doubled header, so it is seen and refused."""
    for line in _signing(BODY):
        status, _, body = await _exchange(listening, _post(BODY, line))
        assert (status, _code(body)) == (401, "WEBHOOK_SIGNATURE_INVALID")
        folded = line.replace(": ", ":  ").upper().replace("SHA", "sha")
        status, _, body = await _exchange(listening, _post(BODY, folded))
        assert (status, _code(body)) == (401, "WEBHOOK_SIGNATURE_INVALID")
    assert daemon.asks == []


async def test_declared_too_large(daemon: FakeDaemon, listening: Listening) -> None:
    """Row 2: a declared megabyte is refused, whether it comes or not."""
    status, headers, body = await _exchange(listening, _post(b"x" * 1_000_000))
    assert (status, _code(body)) == (413, "PAYLOAD_TOO_LARGE")
    assert "connection" not in headers  # it was read to its end, so the connection can go on
    for declared in ("65537", "9" * 18):
        late = _post(b"", f"Content-Length: {declared}", length=False)
        status, headers, body = await _exchange(listening, late)
        assert (status, _code(body)) == (413, "PAYLOAD_TOO_LARGE")
        assert headers["connection"] == "close"
    assert daemon.asks == []


async def test_counted_too_large(daemon: FakeDaemon, listening: Listening) -> None:
    """Row 2: without a length the bytes are counted, and the first too many ends it."""
    at_limit = b" " * (65_536 - len(BODY)) + BODY
    chunks = "Transfer-Encoding: chunked"
    whole = f"{len(at_limit):x}\r\n".encode() + at_limit + b"\r\n0\r\n\r\n"
    head = _post(at_limit, chunks, length=False)[: -len(at_limit)]
    assert (await _exchange(listening, head + whole))[0] == 202
    head = _post(b"", chunks, length=False)
    for parts in (9, 200, 2000):
        status, _, body = await _exchange(listening, head + _chunked(8192, parts))
        assert (status, _code(body)) == (413, "PAYLOAD_TOO_LARGE")
    assert len(daemon.asks) == 1


async def test_api_body_too_large(daemon: FakeDaemon, listening: Listening) -> None:
    """interface.md 1: the API's bodies are bounded too, read or not."""
    head = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    status, _, body = await _exchange(listening, head + _chunked(65_536, 100))
    assert (status, _code(body)) == (413, "PAYLOAD_TOO_LARGE")


async def test_unread_bodies_hang_nothing(daemon: FakeDaemon, listening: Listening) -> None:
    """design.md 5: after hundreds of refused endless bodies no request is still at work."""
    head = _post(b"", "Transfer-Encoding: chunked", length=False)

    async def endless() -> None:
        assert (await _exchange(listening, head + _chunked(65_536, 100)))[0] == 413

    for _ in range(5):
        async with trio.open_nursery() as nursery:
            for _ in range(8):
                nursery.start_soon(endless)
    assert (await _exchange(listening, _post()))[0] == 202
    await trio.testing.wait_all_tasks_blocked(0.01)
    assert listening.edge.in_flight == 0


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
async def test_malformed_request(daemon: FakeDaemon, listening: Listening, data: bytes) -> None:
    """interface.md 6: what is no HTTP is refused, without a Host too, and asks nothing."""
    status, _, _ = await _exchange(listening, data)
    assert 400 <= status < 600
    assert daemon.asks == []


async def test_missing_host_on_webhook(daemon: FakeDaemon, listening: Listening) -> None:
    """RFC 9112 3.2: HTTP/1.1 without Host is malformed, signed or not."""
    assert (await _exchange(listening, _post(host=False)))[0] == 400
    assert daemon.asks == []


async def test_endless_header(daemon: FakeDaemon, listening: Listening) -> None:
    """design.md 5: the header is bounded."""
    data = b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X-Filler: " + b"x" * 100_000
    assert (await _exchange(listening, data))[0] == 431
    assert daemon.asks == []


async def test_expect_continue(daemon: FakeDaemon, listening: Listening) -> None:
    """RFC 9110 10.1.1: a sender that waits for 100 gets it."""
    data = _post(BODY, "Expect: 100-continue")
    async with await _connect(listening) as stream:
        with trio.fail_after(5):
            await stream.send_all(data[: -len(BODY)])
            assert (await stream.receive_some(65536)).startswith(b"HTTP/1.1 100")
            await stream.send_all(BODY)
            assert (await _answer(stream))[0] == 202


async def test_gzip_is_refused(daemon: FakeDaemon, listening: Listening) -> None:
    """Row 5: a content encoding is not looked into, signed or not."""
    status, _, body = await _exchange(listening, _post(BODY, "Content-Encoding: gzip"))
    assert (status, _code(body)) == (415, "MEDIA_TYPE_UNSUPPORTED")


async def test_websocket_is_refused(daemon: FakeDaemon, listening: Listening) -> None:
    """interface.md 1: there is no WebSocket here."""
    data = (
        b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert (await _exchange(listening, data))[0] == 403


async def test_caller_that_leaves(daemon: FakeDaemon, listening: Listening) -> None:
    """Row 2, X19: half a body is nobody's webhook."""
    async with await _connect(listening) as stream:
        await stream.send_all(_post()[:-10])
    await trio.testing.wait_all_tasks_blocked(0.01)
    assert (await _exchange(listening, _post()))[0] == 202
    await trio.testing.wait_all_tasks_blocked(0.01)
    assert len(daemon.asks) == 1
    assert listening.edge.in_flight == 0


async def test_slow_body(
    daemon: FakeDaemon, listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    """design.md 9.6: a body that does not come is not waited for without end."""
    monkeypatch.setattr(edge, "BODY_SECONDS_MAX", 0.05)
    async with await _connect(listening) as stream:
        await stream.send_all(_post()[:-10])
        with trio.fail_after(5):
            status, headers, body = await _answer(stream)
    assert (status, _code(body), headers["connection"]) == (408, "REQUEST_TIMEOUT", "close")
    assert daemon.asks == []


async def test_crash_is_internal(daemon: FakeDaemon, listening: Listening) -> None:
    """Invariant 5 and 8: a bug of ours is a 500 that tells nothing, and is logged."""

    async def crash(address: Address, message: Message) -> FakeAnswer:
        raise ZeroDivisionError("inside")

    daemon.asked = crash
    with structlog.testing.capture_logs() as logs:
        status, _, body = await _exchange(listening, _post())
    assert (status, _code(body)) == (500, "INTERNAL")
    assert b"inside" not in body
    assert [log["event"] for log in logs] == ["request_crashed"]


@pytest.mark.parametrize("daemon", [FakeDaemon(requests_in_flight_max=1)])
async def test_requests_in_flight_are_bounded(daemon: FakeDaemon, listening: Listening) -> None:
    """design.md 5: one more than the bound is told to come back."""
    asked, go_on = trio.Event(), trio.Event()
    daemon.asked = _held(asked, go_on)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_exchange, listening, _post())
        await asked.wait()
        status, headers, body = await _exchange(listening, _post())
        assert (status, _code(body), headers["retry-after"]) == (503, "OVERLOADED", "1")
        go_on.set()
    await trio.testing.wait_all_tasks_blocked(0.01)
    assert listening.edge.in_flight == 0


def _held(
    asked: trio.Event, go_on: trio.Event
) -> Callable[[Address, Message], Awaitable[FakeAnswer]]:
    """An ask that waits."""

    async def ask(address: Address, message: Message) -> FakeAnswer:
        del address, message
        asked.set()
        await go_on.wait()
        return FakeAnswer(None)

    return ask


async def test_connections_are_bounded(
    daemon: FakeDaemon, listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    """design.md 5: one connection more is closed at once."""
    monkeypatch.setattr(server, "CONNECTIONS_MAX", 1)
    async with await _connect(listening) as first:
        await first.send_all(_post())
        await _answer(first)
        async with await _connect(listening) as second:
            with contextlib.suppress(trio.BrokenResourceError):
                assert await second.receive_some(1) == b""
        await first.send_all(_post())
        assert (await _answer(first))[0] == 202


class TestStop:
    """interface.md 2: stop accepting, end what is at work, and end in time."""

    async def test_work_is_finished(self, daemon: FakeDaemon) -> None:
        """A request at work is answered; idle connections and newcomers are not waited for."""
        asked, go_on = trio.Event(), trio.Event()
        daemon.asked = _held(asked, go_on)
        with trio.fail_after(5):
            async with trio.open_nursery() as nursery:
                listening = await _start(nursery, daemon, 4.0)
                idle, busy = await _connect(listening), await _connect(listening)
                await busy.send_all(_post())
                await asked.wait()
                listening.stop()
                assert await idle.receive_some(1) == b""
                with pytest.raises(OSError, match=r"all attempts to connect|refused"):
                    await _connect(listening)
                go_on.set()
                assert (await _answer(busy))[0] == 202
        await idle.aclose()
        await busy.aclose()

    async def test_late_work_is_cut_off(self, daemon: FakeDaemon) -> None:
        """A request that does not end, and a peer that does not read, do not stop the stop."""
        asked = trio.Event()
        daemon.asked = _held(asked, trio.Event())
        daemon.metrics_text = partial(bytes, 8_000_000)  # type: ignore[method-assign]
        with trio.fail_after(5):
            async with trio.open_nursery() as nursery:
                listening = await _start(nursery, daemon, 0.05)
                busy, deaf = await _connect(listening), await _connect(listening)
                await deaf.send_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
                await busy.send_all(_post())
                await asked.wait()
                listening.stop()
        await busy.aclose()
        await deaf.aclose()

    async def test_cancelled(self, daemon: FakeDaemon) -> None:
        """A cancelled server ends at once, whoever does not read."""
        daemon.metrics_text = partial(bytes, 8_000_000)  # type: ignore[method-assign]
        with trio.fail_after(5):
            async with trio.open_nursery() as nursery:
                listening = await _start(nursery, daemon, 4.0)
                deaf = await _connect(listening)
                await deaf.send_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
                await deaf.receive_some(1)
                await trio.testing.wait_all_tasks_blocked(0.01)
                nursery.cancel_scope.cancel()
        await deaf.aclose()


async def _start(nursery: trio.Nursery, daemon: FakeDaemon, stop_seconds: float) -> Listening:
    settings = Settings(http=Http(port=0))
    started: Any = await nursery.start(partial(serve, daemon, settings, stop_seconds=stop_seconds))
    assert isinstance(started, Listening)
    return started


async def test_port_in_use() -> None:
    """interface.md 2: exit status 4, with a remedy."""
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(BindError) as caught:
        await bind("127.0.0.1", taken.getsockname()[1], loopback_only=True)
    error = caught.value
    assert (error.code, error.exit_status) == ("PORT_IN_USE", 4)
    assert str(error) == f"{error.code}: {error.text}: {error.remedy}"


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("0.0.0.0", "BIND_LOOPBACK_ONLY"),
        ("::", "BIND_LOOPBACK_ONLY"),
        ("192.0.2.1", "BIND_LOOPBACK_ONLY"),
        ("no such host", "HOST_UNKNOWN"),
    ],
)
async def test_bind_is_loopback_only(host: str, code: str) -> None:
    """interface.md 3: without tokens, no address that others can reach."""
    with pytest.raises(BindError) as caught:
        await bind(host, 0, loopback_only=True)
    assert (caught.value.code, caught.value.exit_status) == (code, 2)


async def test_bind_elsewhere() -> None:
    """interface.md 3: an address that is not of this machine, in mode `on`."""
    with pytest.raises(BindError) as caught:
        await bind("192.0.2.1", 0, loopback_only=False)
    assert (caught.value.code, caught.value.exit_status) == ("BIND_FAILED", 2)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
async def test_url_names_the_real_port(daemon: FakeDaemon, host: str) -> None:
    """interface.md 2: port 0 means any free one, and the URL tells which."""
    async with trio.open_nursery() as nursery:
        settings = Settings(http=Http(host=host, port=0), auth=Auth(mode="loopback"))
        listening = await nursery.start(partial(serve, daemon, settings))
        assert listening.url.startswith("http://")
        assert int(listening.url.rpartition(":")[2]) > 0
        listening.stop()


async def test_nothing_on_standard_output(
    daemon: FakeDaemon, listening: Listening, capfd: pytest.CaptureFixture[str]
) -> None:
    """interface.md 2: the ready line is the daemon's; the server writes nothing there."""
    with structlog.testing.capture_logs():
        for data in (_post(), b"GET / HTTP/1.1\r\n\r\n", b"GET /nope HTTP/1.1\r\nHost: x\r\n\r\n"):
            await _exchange(listening, data)
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("text", [b"", b"HTTP/1.1 200 OK", b"HTTP/1.1 100", b"HTTP/1.1 "])
async def test_answer_that_looks_like_a_header(
    daemon: FakeDaemon, listening: Listening, text: bytes
) -> None:
    """RFC 9112: an answer is whole whatever its body begins with, and one write where possible."""
    daemon.metrics_text = lambda: text  # type: ignore[method-assign]
    async with await _connect(listening) as stream:
        for method in ("GET", "HEAD", "GET"):
            request = f"{method} /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
            await stream.send_all(request.encode())
            with trio.fail_after(5):
                whole = await stream.receive_some(65536)
            expected = b"" if method == "HEAD" else text
            assert whole.startswith(b"HTTP/1.1 200 ")
            assert whole.partition(b"\r\n\r\n")[2] == expected
