"""The HTTP client and server, byte by byte."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio

from comptoir.sandbox.errors import Refused
from comptoir.sandbox.wire.client import Answer, Connection, NoAnswer, Target
from comptoir.sandbox.wire.router import LOOPBACK_HOSTS

MESSAGE = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"


@asynccontextmanager
async def _peer(*answers: list[bytes]) -> AsyncGenerator[Target, None]:
    """A server whose n-th connection answers its requests with the bytes of the n-th list."""
    left = list(answers)

    async def serve(stream: trio.SocketStream) -> None:
        for answer in left.pop(0) if left else []:
            if not await stream.receive_some():
                break
            for piece in answer.split(b"|"):
                await stream.send_all(piece)
                await trio.lowlevel.checkpoint()
        await stream.aclose()

    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, serve, listeners)
        port = listeners[0].socket.getsockname()[1]
        yield Target.parse(f"http://127.0.0.1:{port}/", LOOPBACK_HOSTS)
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        (b"HTTP/1.1 202 OK\r\nContent-Length: 3\r\n\r\nabc", (202, b"abc")),
        (b"HTTP/1.1 2|02 OK\r\ncontent-length: 3\r\n|\r\nab|c", (202, b"abc")),
        (b"HTTP/1.1 100 C\r\n\r\nHTTP/1.1 204 N\r\n\r\n", (204, b"")),
        (b"HTTP/1.1 200 O\r\nTransfer-Encoding: chunked\r\n\r\n2;x=1\r\nab|\r\n1\r\nc\r\n0\r\nT: v\r\n\r\n", (200, b"abc")),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end", (200, b"to the end")),
    ],
)  # fmt: skip
async def test_reads_every_framing(raw: bytes, wanted: tuple[int, bytes]) -> None:
    """RFC 9112: Content-Length, chunked with a trailer, no body, interim answers, until close."""
    async with _peer([raw]) as target, Connection(target) as connection:
        answer: Answer = await connection.exchange(MESSAGE)
        assert (answer.status, answer.body) == wanted


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"SSH-2.0 hello\r\n\r\n", "ANSWER_INVALID"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "ANSWER_INVALID"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", "ANSWER_INVALID"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "ANSWER_INVALID"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 40_000, "ANSWER_INVALID"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "CONNECTION_LOST"),
    ],
)
async def test_refuses_what_is_no_answer(raw: bytes, code: str) -> None:
    """A strange receiver ends in a named failure, in bounded memory."""
    async with _peer([raw]) as target, Connection(target) as connection:
        with pytest.raises(NoAnswer) as caught:
            await connection.exchange(MESSAGE)
        assert (caught.value.code, caught.value.stale) == (code, False)


async def test_tells_a_stale_connection() -> None:
    """A kept connection that the peer closed is told apart, and the next exchange opens anew."""
    good = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    async with _peer([good], [good]) as target, Connection(target) as connection:
        await connection.exchange(MESSAGE)
        with pytest.raises(NoAnswer) as caught:
            await connection.exchange(MESSAGE)
        assert (caught.value.code, caught.value.stale) == ("CONNECTION_LOST", True)
        assert (await connection.exchange(MESSAGE)).status == 200


async def test_never_takes_surplus_for_the_next_answer() -> None:
    """Bytes beyond an answer end the connection instead of answering the next request."""
    surplus = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 500 X\r\n\r\n"
    good = b"HTTP/1.1 202 OK\r\nContent-Length: 0\r\n\r\n"
    async with _peer([surplus], [good]) as target, Connection(target) as connection:
        assert (await connection.exchange(MESSAGE)).status == 200
        assert (await connection.exchange(MESSAGE)).status == 202


async def test_no_connection() -> None:
    """Where nothing listens, the failure says that nothing was sent."""
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listeners[0].socket.getsockname()[1]
    await listeners[0].aclose()
    target = Target.parse(f"http://127.0.0.1:{port}/", LOOPBACK_HOSTS)
    async with Connection(target) as connection:
        with pytest.raises(NoAnswer, match="NO_CONNECTION"):
            await connection.exchange(MESSAGE)


@pytest.mark.parametrize(
    "url",
    ["https://127.0.0.1/x", "http://example.com/", "127.0.0.1:80", "http://127.0.0.1:x/", "http://a@127.0.0.1/"],
)  # fmt: skip
def test_target_refused(url: str) -> None:
    """Webhooks go over http to this machine, unless another host was allowed at the start."""
    with pytest.raises(Refused, match="/target"):
        Target.parse(url, LOOPBACK_HOSTS)


async def test_errors_are_json_with_a_code(driver: Any) -> None:
    """interface.md 10: every call is JSON; unknown paths name the nearest right one."""
    unknown = await driver.client.get("/control/fault")
    assert unknown.status_code == 404
    assert unknown.json()["code"] == "NOT_FOUND"
    assert "/control/faults" in unknown.json()["detail"]
    later = await driver.client.get("/control/later")
    assert (later.status_code, later.json()["code"]) == (404, "NOT_FOUND")
    method = await driver.client.put("/control/runs", json={})
    assert (method.status_code, method.headers["allow"]) == (405, "GET, POST")
    query = await driver.client.get("/control/calls?partie=fcm")
    assert (query.status_code, query.json()["code"]) == (422, "REQUEST_INVALID")
    broken = await driver.client.post("/control/runs", content=b"{")
    assert (broken.status_code, broken.json()["code"]) == (400, "REQUEST_MALFORMED")


@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Origin": "null"}]
)
async def test_web_pages_are_kept_out(driver: Any, headers: dict[str, str]) -> None:
    """A browser that was lured here (rebinding, cross-site requests) is refused."""
    answer = await driver.client.post("/control/reset", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")


async def test_what_is_no_http_is_refused(driver: Any) -> None:
    """Bytes that are no HTTP get a 400 and the end of the connection; the server goes on."""
    stream = await trio.open_tcp_stream("127.0.0.1", driver.port)
    async with stream:
        await stream.send_all(b"\x00\x01\r\n\r\n")
        data = b""
        while more := await stream.receive_some():
            data += more
    assert data.startswith(b"HTTP/1.1 400 ")
    assert (await driver.client.get("/health")).json()["status"] == "ready"
