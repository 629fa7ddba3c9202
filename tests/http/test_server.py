"""The server: sockets, bounds, and a stop that ends."""

import contextlib
import socket
from functools import partial
from typing import Any

import pytest
import structlog
import trio
import trio.testing

from comptoir.engine.settings import Auth, Http, Settings
from comptoir.http import server
from comptoir.http.server import BindError, Listening, bind, serve
from comptoir.http.testing import FakeDaemon
from comptoir.http.testing_wire import (
    connect,
    exchange,
    held,
    post,
    read_answer,
)


async def test_connections_are_bounded(
    daemon: FakeDaemon, listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    """design.md 5: one connection more is closed at once."""
    monkeypatch.setattr(server, "CONNECTIONS_MAX", 1)
    async with await connect(listening) as first:
        await first.send_all(post())
        await read_answer(first)
        async with await connect(listening) as second:
            with contextlib.suppress(trio.BrokenResourceError):
                assert await second.receive_some(1) == b""
        await first.send_all(post())
        assert (await read_answer(first))[0] == 202


class TestStop:
    """interface.md 2: stop accepting, end what is at work, and end in time."""

    async def test_work_is_finished(self, daemon: FakeDaemon) -> None:
        """A request at work is answered; idle connections and newcomers are not waited for."""
        asked, go_on = trio.Event(), trio.Event()
        daemon.asked = held(asked, go_on)
        with trio.fail_after(5):
            async with trio.open_nursery() as nursery:
                listening = await _start(nursery, daemon, 4.0)
                idle, busy = await connect(listening), await connect(listening)
                await busy.send_all(post())
                await asked.wait()
                listening.stop()
                assert await idle.receive_some(1) == b""
                with pytest.raises(OSError, match=r"all attempts to connect|refused"):
                    await connect(listening)
                go_on.set()
                assert (await read_answer(busy))[0] == 202
        await idle.aclose()
        await busy.aclose()

    async def test_late_work_is_cut_off(self, daemon: FakeDaemon) -> None:
        """A request that does not end, and a peer that does not read, do not stop the stop."""
        asked = trio.Event()
        daemon.asked = held(asked, trio.Event())
        daemon.metrics_text = partial(bytes, 8_000_000)  # type: ignore[method-assign]
        with trio.fail_after(5):
            async with trio.open_nursery() as nursery:
                listening = await _start(nursery, daemon, 0.05)
                busy, deaf = await connect(listening), await connect(listening)
                await deaf.send_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
                await busy.send_all(post())
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
                deaf = await connect(listening)
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
        for data in (post(), b"GET / HTTP/1.1\r\n\r\n", b"GET /nope HTTP/1.1\r\nHost: x\r\n\r\n"):
            await exchange(listening, data)
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("text", [b"", b"HTTP/1.1 200 OK", b"HTTP/1.1 100", b"HTTP/1.1 "])
async def test_answer_that_looks_like_a_header(
    daemon: FakeDaemon, listening: Listening, text: bytes
) -> None:
    """RFC 9112: an answer is whole whatever its body begins with, and one write where possible."""
    daemon.metrics_text = lambda: text  # type: ignore[method-assign]
    async with await connect(listening) as stream:
        for method in ("GET", "HEAD", "GET"):
            request = f"{method} /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
            await stream.send_all(request.encode())
            with trio.fail_after(5):
                whole = await stream.receive_some(65536)
            expected = b"" if method == "HEAD" else text
            assert whole.startswith(b"HTTP/1.1 200 ")
            assert whole.partition(b"\r\n\r\n")[2] == expected
