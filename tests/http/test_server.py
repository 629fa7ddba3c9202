"""The server: sockets, bounds, and a stop that ends."""

import contextlib
import errno
import resource
import socket
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import structlog
import trio
import trio.testing

from comptoir.engine.settings import Auth, Http, Ingest, Settings
from comptoir.http import lane, listener, places, server
from comptoir.http.descriptors import DescriptorsTooFew, reserve_descriptors
from comptoir.http.listener import BindError, bind
from comptoir.http.server import Listening, serve
from comptoir.http.testing import FakeDaemon
from comptoir.http.testing_wire import (
    Listener,
    Start,
    connect,
    exchange,
    held,
    post,
    problem_code,
    read_answer,
)


class TestPlaces:
    """design.md 5: connections are bounded, and who says nothing does not keep others out."""

    @pytest.fixture
    async def crowded(
        self, start: Start, monkeypatch: pytest.MonkeyPatch
    ) -> AsyncIterator[Listener]:
        """Either edge with two places."""
        monkeypatch.setattr(server, "CONNECTIONS_MAX", 2)
        async with trio.open_nursery() as nursery:
            yield await start(nursery, connections_max=2)
            nursery.cancel_scope.cancel()

    @pytest.fixture(autouse=True)
    def soon(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The lane looks often at what is late."""
        monkeypatch.setattr(lane, "SWEEP_SECONDS", 0.02)

    async def test_one_more_is_told_so(self, daemon: FakeDaemon, crowded: Listener) -> None:
        """interface.md 1: while all places are at work, one more hears 503 with Retry-After."""
        asked, go_on = trio.Event(), trio.Event()
        daemon.asked = held(asked, go_on)
        async with await connect(crowded) as first, await connect(crowded) as second:
            await first.send_all(post())
            await second.send_all(post())
            with trio.fail_after(5):
                while len(daemon.asks) < 2:
                    await trio.lowlevel.checkpoint()
            status, headers, body = await exchange(crowded, post())
            assert (status, problem_code(body)) == (503, "OVERLOADED")
            assert (headers["retry-after"], headers["connection"]) == ("1", "close")
            go_on.set()
            assert [(await read_answer(one))[0] for one in (first, second)] == [202, 202]

    @pytest.mark.parametrize(
        "said", [b"", b"POST /webh", post()[:-1]], ids=["silent", "header", "body"]
    )
    async def test_whoever_keeps_us_waiting_leaves_first(
        self, crowded: Listener, monkeypatch: pytest.MonkeyPatch, said: bytes
    ) -> None:
        """A silent caller, one in its header or in its body gives up its place, the good one not."""
        monkeypatch.setattr(places, "GRACE_SECONDS", 0.05)
        monkeypatch.setattr(places, "BODY_GRACE_SECONDS", 0.05)
        async with await connect(crowded) as slow, await connect(crowded) as good:
            if said:
                await slow.send_all(said)
                await trio.testing.wait_all_tasks_blocked(0.01)
            whole = post()
            begun = said if said == whole[:-1] else whole  # the same, but begun later
            await good.send_all(begun)
            if begun == whole:
                await read_answer(good)
            with trio.fail_after(5):
                while (await exchange(crowded, post()))[0] != 202:
                    await trio.lowlevel.checkpoint()
                with contextlib.suppress(trio.BrokenResourceError):
                    assert await slow.receive_some(1) == b""
            await good.send_all(whole[-1:] if begun != whole else whole)
            assert (await read_answer(good))[0] == 202

    async def test_silence_ends(self, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
        """A connection without a single byte is closed, though places are free."""
        monkeypatch.setattr(server, "SILENT_SECONDS_MAX", 0.05)
        async with trio.open_nursery() as nursery:
            listening = await start(nursery, silent_s=0.05)
            async with await connect(listening) as silent:
                with trio.fail_after(5):
                    assert await silent.receive_some(1) == b""
            nursery.cancel_scope.cancel()

    @pytest.mark.parametrize("said", [b"", post()], ids=["silent", "answered"])
    async def test_a_caller_that_leaves_takes_nothing_along(
        self, either: Listener, said: bytes
    ) -> None:
        """A connection that its caller closed is closed here, at once and not after its idle time."""

        def descriptors() -> int:
            return sum(1 for _ in Path("/proc/self/fd").iterdir())

        before = descriptors()
        for _ in range(20):
            async with await connect(either) as stream:
                if said:
                    await stream.send_all(said)
                    await read_answer(stream)
        with trio.fail_after(5):
            while descriptors() > before:  # noqa: ASYNC110 - the kernel sets no event
                await trio.sleep(0.01)

    async def test_a_header_in_trickles_ends(
        self, start: Start, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A header must be complete in time, however many of its bytes come meanwhile."""
        monkeypatch.setattr(server, "IDLE_SECONDS_MAX", 0.2)
        async with trio.open_nursery() as nursery:
            listening = await start(nursery, header_s=0.2)
            async with await connect(listening) as slow:
                await slow.send_all(b"GET / HTTP/1.1\r\nX-Slow: ")
                with trio.fail_after(5), contextlib.suppress(trio.BrokenResourceError):
                    while True:
                        await slow.send_all(b"x")
                        await trio.sleep(0.01)
            nursery.cancel_scope.cancel()

    async def test_accepting_outlives_a_want_of_descriptors(
        self, either: Listener, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """accept(2): EMFILE, and whatever else it may meet, ends nobody's connection."""
        errors = [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EPERM]
        accept = socket.socket.accept

        def failing(opened: socket.socket) -> tuple[socket.socket, Any]:
            if errors:
                raise OSError(errors.pop(), "short of something")
            return accept(opened)

        monkeypatch.setattr(listener, "ACCEPT_PAUSE_SECONDS", 0.001)
        monkeypatch.setattr(socket.socket, "accept", failing)
        with structlog.testing.capture_logs() as logs:
            assert (await exchange(either, post()))[0] == 202
        assert not errors
        assert [log["event"] for log in logs] == ["connections_short"], "one line for all of them"


class TestDescriptors:
    """design.md 5: what others need is set aside before the edge takes any."""

    @pytest.mark.parametrize(
        ("limits", "shares", "raised"),
        [
            ((1024, 1024), (495, 496), None),
            ((64, 64), (15, 16), None),
            ((64, 100), (33, 34), (100, 100)),
            ((64, resource.RLIM_INFINITY), (2048, 2048), (4129, resource.RLIM_INFINITY)),
            ((4096, 8192), (2048, 2048), (4129, 8192)),
        ],
    )
    def test_shares(
        self,
        monkeypatch: pytest.MonkeyPatch,
        limits: tuple[int, int],
        shares: tuple[int, int],
        raised: tuple[int, int] | None,
    ) -> None:
        """The soft limit is raised as far as needed, and both listeners share what others leave."""
        calls: list[tuple[int, int]] = []

        def note(_: int, both: tuple[int, int]) -> None:
            calls.append(both)

        monkeypatch.setattr(resource, "getrlimit", Mock(return_value=limits))
        monkeypatch.setattr(resource, "setrlimit", note)
        with structlog.testing.capture_logs():
            assert reserve_descriptors(Settings(), 2048) == shares
        assert calls == ([raised] if raised else [])

    @pytest.mark.parametrize(
        ("limit", "shares"), [(10_000, (2048, 0)), (1024, (992, 0)), (64, (32, 0))]
    )
    def test_without_a_lane(
        self, monkeypatch: pytest.MonkeyPatch, limit: int, shares: tuple[int, int]
    ) -> None:
        """A lane that is not opened takes nothing."""
        monkeypatch.setattr(resource, "getrlimit", Mock(return_value=(limit, limit)))
        settings = Settings(ingest=Ingest(enabled=False))
        with structlog.testing.capture_logs():
            assert reserve_descriptors(settings, 2048) == shares

    @pytest.mark.parametrize(("enabled", "least"), [(True, 49), (False, 40)])
    def test_too_few(self, monkeypatch: pytest.MonkeyPatch, enabled: bool, least: int) -> None:
        """interface.md 2: a start that cannot serve is refused with the limit and the remedy."""
        monkeypatch.setattr(resource, "getrlimit", Mock(return_value=(least - 1, least - 1)))
        settings = Settings(ingest=Ingest(enabled=enabled))
        with pytest.raises(DescriptorsTooFew) as caught:
            reserve_descriptors(settings, 2048)
        assert caught.value.exit_status == 2
        assert str(least - 1) in caught.value.text
        assert f"ulimit -n {least}" in caught.value.remedy


class TestStop:
    """interface.md 2: stop accepting, end what is at work, and end in time."""

    async def test_work_is_finished(self, daemon: FakeDaemon, start: Start) -> None:
        """A request at work is answered; idle connections and newcomers are not waited for."""
        asked, go_on = trio.Event(), trio.Event()
        daemon.asked = held(asked, go_on)
        with trio.fail_after(5):
            async with trio.open_nursery() as nursery:
                listening = await start(nursery, 4.0)
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
