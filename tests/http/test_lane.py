"""The ingest lane on real sockets: what only it does, or does in its own way."""

import contextlib
import datetime
import socket
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from functools import partial
from ipaddress import ip_network
from typing import Any

import pytest
import structlog
import trio
import trio.testing

from comptoir.engine import Overloaded
from comptoir.engine.settings import Http, Ingest, Settings
from comptoir.http import framing, lane, places
from comptoir.http.lane import LaneListening, serve_lane
from comptoir.http.listener import BindError
from comptoir.http.server import Shared, serve
from comptoir.http.testing import FakeDaemon
from comptoir.http.testing_wire import (
    BODY,
    connect,
    exchange,
    held,
    open_lane,
    post,
    problem_code,
    read_answer,
)
from comptoir.http.webhooks import Reception
from comptoir.http.wires import PlainWire

HTTP_10 = b"POST /webhooks/banking HTTP/1.0"


@pytest.fixture
async def ingest(daemon: FakeDaemon) -> AsyncIterator[LaneListening]:
    """Give a lane with the default bounds."""
    async with trio.open_nursery() as nursery:
        yield await open_lane(nursery, daemon)
        nursery.cancel_scope.cancel()


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """It looks often at what is late."""
    monkeypatch.setattr(lane, "SWEEP_SECONDS", 0.01)


class TestAnswers:
    """interface.md 1 and 6: what is said, and whether the connection goes on."""

    async def test_date_and_ticket(self, ingest: LaneListening) -> None:
        """RFC 9110 6.6.1: an answer tells when it was made; interface.md 1: and its request."""
        _, headers, _ = await exchange(ingest, post(BODY, "X-Request-Id: of-the-caller"))
        assert headers["x-request-id"] == "of-the-caller"
        apart = datetime.datetime.now(datetime.UTC) - parsedate_to_datetime(headers["date"])
        assert abs(apart) < datetime.timedelta(seconds=30)

    @pytest.mark.parametrize(
        ("line", "status", "code"),
        [
            (b"GET /webhooks/banking HTTP/1.1", 405, "METHOD_NOT_ALLOWED"),
            (b"POST /webhooks/other HTTP/1.1", 404, "NOT_FOUND"),
            (b"GET /api/v1/wallets/u HTTP/1.1", 404, "NOT_FOUND"),
            (b"GET /health/live HTTP/1.1", 404, "NOT_FOUND"),
        ],
    )
    async def test_it_serves_webhooks_alone(
        self, ingest: LaneListening, line: bytes, status: int, code: str
    ) -> None:
        """interface.md 6: of this port there is one route."""
        found, _, body = await exchange(ingest, line + b"\r\nHost: localhost\r\n\r\n")
        assert (found, problem_code(body)) == (status, code)

    async def test_head_has_no_body(self, ingest: LaneListening) -> None:
        """RFC 9110 9.3.2: the answer to HEAD is a header, and the next answer follows it."""
        async with await connect(ingest) as stream:
            await stream.send_all(b"HEAD /webhooks/banking HTTP/1.1\r\nHost: x\r\n\r\n")
            heard = await stream.receive_some(65_536)
            assert heard.startswith(b"HTTP/1.1 405 ")
            assert heard.endswith(b"\r\n\r\n")
            await stream.send_all(post())
            assert (await read_answer(stream))[0] == 202

    async def test_pipelined_up_to_a_close(self, daemon: FakeDaemon, ingest: LaneListening) -> None:
        """RFC 9112 9.3.2, 9.6: answered in order; nothing behind `Connection: close` is handled."""
        data = (
            post() + post(BODY.replace(b"EUR", b"XXX1")) + post(BODY, "Connection: close") + post()
        )
        async with await connect(ingest) as stream:
            await stream.send_all(data)
            heard = b"".join([part async for part in stream])
        found = [part.split(b" ", 1)[0] for part in heard.split(b"HTTP/1.1 ")[1:]]
        assert found == [b"202", b"422", b"202"]
        assert heard.count(b"\r\nconnection: close\r\n") == 1
        assert len(daemon.asks) == 2

    async def test_http_1_0(self, ingest: LaneListening) -> None:
        """RFC 9112 9.3: HTTP/1.0 is closed after the answer, unless it asks to be kept."""
        data = post(host=False).replace(b"POST /webhooks/banking HTTP/1.1", HTTP_10)
        kept = data.replace(b"\r\n\r\n", b"\r\nConnection: keep-alive\r\n\r\n", 1)
        async with await connect(ingest) as stream:
            for _ in range(2):
                await stream.send_all(kept)
                status, headers, _ = await read_answer(stream)
                assert (status, headers["connection"]) == (202, "keep-alive")
            await stream.send_all(data)
            status, headers, _ = await read_answer(stream)
            assert (status, headers["connection"]) == (202, "close")
            assert await stream.receive_some(1) == b""

    async def test_100_is_said_once_and_only_if_needed(self, ingest: LaneListening) -> None:
        """RFC 9110 10.1.1: not for a body that is here, nor one that is refused, nor twice."""
        data = post(BODY, "Expect: 100-continue")
        assert (await exchange(ingest, data))[0] == 202
        large = post(b"x", "Expect: 100-continue").replace(
            b"Content-Length: 1", b"Content-Length: 99999"
        )
        assert (await exchange(ingest, large[:-1]))[0] == 413
        async with await connect(ingest) as stream:
            await stream.send_all(data[: -len(BODY)])
            assert await stream.receive_some(65_536) == b"HTTP/1.1 100 Continue\r\n\r\n"
            await stream.send_all(BODY[:5])
            await trio.testing.wait_all_tasks_blocked(0.01)
            await stream.send_all(BODY[5:])
            assert (await read_answer(stream))[0] == 202

    @pytest.mark.parametrize("size", [70_000, 1_000_000, 20_000_000])
    async def test_too_large(self, daemon: FakeDaemon, ingest: LaneListening, size: int) -> None:
        """Row 2: refused as soon as it is declared; the sender sees the answer, and then the end."""
        status, headers, body = await exchange(ingest, post(b"x" * size))
        assert (status, problem_code(body), headers["connection"]) == (
            413, "PAYLOAD_TOO_LARGE", "close",
        )  # fmt: skip
        assert daemon.asks == []

    async def test_rows_keep_their_order(self, daemon: FakeDaemon) -> None:
        """interface.md 6: a source that is not allowed hears so (row 1) before its size (row 2)."""
        stranger = FakeDaemon(allowed=(ip_network("192.0.2.0/24"),))
        async with trio.open_nursery() as nursery:
            found = await exchange(await open_lane(nursery, stranger), post(b"x" * 70_000))
            assert (found[0], problem_code(found[2])) == (403, "WEBHOOK_SOURCE_FORBIDDEN")
            nursery.cancel_scope.cancel()

    async def test_a_refusal_is_counted(self, daemon: FakeDaemon, ingest: LaneListening) -> None:
        """S72: whoever watches the metrics sees malformed requests."""
        assert (await exchange(ingest, b"GET\r\n\r\n"))[0] == 400
        assert daemon.counts == [("refused", "REQUEST_MALFORMED")]


class TestBounds:
    """design.md 5, 9.6: everything ends in time, and nothing is unbounded."""

    @pytest.mark.parametrize(
        ("said", "bound"), [(post()[:20], "header_s"), (post()[:-5], "body_s")],
        ids=["header", "body"],
    )  # fmt: skip
    async def test_a_slow_request(
        self, daemon: FakeDaemon, soon: None, said: bytes, bound: str
    ) -> None:
        """Half a header, and half a body, hear 408 and are closed."""
        async with trio.open_nursery() as nursery:
            listening = await open_lane(nursery, daemon, **{bound: 0.05})
            with trio.fail_after(5):
                status, headers, body = await exchange(listening, said)
            assert (status, problem_code(body), headers["connection"]) == (
                408, "REQUEST_TIMEOUT", "close",
            )  # fmt: skip
            nursery.cancel_scope.cancel()
        assert daemon.asks == []

    async def test_an_idle_connection(self, daemon: FakeDaemon, soon: None) -> None:
        """A kept connection is closed when nothing follows."""
        async with trio.open_nursery() as nursery:
            listening = await open_lane(nursery, daemon, idle_s=0.05)
            async with await connect(listening) as stream:
                await stream.send_all(post())
                assert (await read_answer(stream))[0] == 202
                with trio.fail_after(5):
                    assert await stream.receive_some(1) == b""
            nursery.cancel_scope.cancel()

    async def test_work_is_not_late(self, daemon: FakeDaemon, soon: None) -> None:
        """S49: no deadline of the wire ends a request that is complete and being worked on."""
        asked, go_on = trio.Event(), trio.Event()
        daemon.asked = held(asked, go_on)
        bounds = {"silent_s": 0.02, "idle_s": 0.02, "header_s": 0.02, "body_s": 0.02}
        async with trio.open_nursery() as nursery:
            listening = await open_lane(nursery, daemon, **bounds)
            async with await connect(listening) as stream:
                await stream.send_all(post())
                await asked.wait()
                await trio.sleep(0.1)
                go_on.set()
                assert (await read_answer(stream))[0] == 202
            nursery.cancel_scope.cancel()

    async def test_one_address_has_its_bound(
        self, daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A crowd from one address takes places from itself: from another there are still some."""
        monkeypatch.setattr(places, "GRACE_SECONDS", 0.0)
        async with trio.open_nursery() as nursery:
            listening = await open_lane(nursery, daemon, connections_per_address_max=2)
            number = int(listening.url.rpartition(":")[2])
            other = await trio.open_tcp_stream("127.0.0.1", number, local_address="127.0.0.2")
            async with await connect(listening) as first, await connect(listening) as second:
                for stream in (other, first, second):
                    await stream.send_all(post())
                    assert (await read_answer(stream))[0] == 202
                assert (await exchange(listening, post()))[0] == 202
                with contextlib.suppress(trio.BrokenResourceError):
                    assert await first.receive_some(1) == b"", "the longest idle of its address"
                for stream in (other, second):
                    await stream.send_all(post())
                    assert (await read_answer(stream))[0] == 202
            await other.aclose()
            nursery.cancel_scope.cancel()

    @pytest.mark.parametrize(
        "proxies", [(), (ip_network("127.0.0.1/32"),)], ids=["caller", "proxy"]
    )
    async def test_a_proxy_stands_for_many(self, proxies: tuple[Any, ...]) -> None:
        """X28: the bound of one address is not for a trusted proxy."""
        asked, go_on = trio.Event(), trio.Event()
        daemon = FakeDaemon(trusted_proxies=proxies)
        daemon.asked = held(asked, go_on)
        async with trio.open_nursery() as nursery:
            listening = await open_lane(nursery, daemon, connections_per_address_max=1)
            async with await connect(listening) as first, await connect(listening) as second:
                await first.send_all(post())
                await asked.wait()
                await second.send_all(post())
                if not proxies:
                    assert (await read_answer(second))[0] == 503
                go_on.set()
                if proxies:
                    assert (await read_answer(second))[0] == 202
                assert (await read_answer(first))[0] == 202
            nursery.cancel_scope.cancel()

    async def test_bodies_share_their_bytes(
        self, daemon: FakeDaemon, ingest: LaneListening
    ) -> None:
        """Large bodies that come slowly fill a budget; then they hear 503, and small ones pass."""
        ingest.lane.body_bytes_left = 30_000
        large = post(b"x" * 60_000)
        async with await connect(ingest) as slow:
            await slow.send_all(large[:30_000])
            with trio.fail_after(5):
                while ingest.lane.body_bytes_left == 30_000:
                    await trio.lowlevel.checkpoint()
            status, headers, body = await exchange(ingest, large[:50_000])
            assert (status, problem_code(body), headers["retry-after"]) == (503, "OVERLOADED", "1")
            assert (await exchange(ingest, post()))[0] == 202
        with trio.fail_after(5):
            while ingest.lane.body_bytes_left != 30_000:
                await trio.lowlevel.checkpoint()

    async def test_a_full_engine(self, daemon: FakeDaemon, ingest: LaneListening) -> None:
        """Row 9: 503 with Retry-After, at once, on a connection that goes on."""
        daemon.error = Overloaded("full")
        async with await connect(ingest) as stream:
            for _ in range(2):
                await stream.send_all(post())
                status, headers, body = await read_answer(stream)
                assert (status, problem_code(body)) == (503, "OVERLOADED")
                assert int(headers["retry-after"]) > 0
                assert "connection" not in headers

    async def test_both_edges_count_one_rate(self) -> None:
        """S62: the bound of an address is one, whichever port it calls."""
        daemon = FakeDaemon(webhooks_per_minute_max=2)
        reception = Reception(daemon)
        settings = Settings(http=Http(port=0), ingest=Ingest(port=0))
        async with trio.open_nursery() as nursery:
            found = [
                await nursery.start(one)
                for one in (
                    partial(serve, daemon, settings, Shared(reception)),
                    partial(serve_lane, daemon, settings, reception=reception),
                )
            ]
            statuses = [(await exchange(one, post()))[0] for one in (*found, *found)]
            assert statuses == [202, 202, 429, 429]
            nursery.cancel_scope.cancel()

    async def test_a_deaf_reader_holds_only_itself(self) -> None:
        """design.md 5: what does not fit into the socket's buffer is sent when there is room."""
        ours, theirs = socket.socketpair()
        for one in (ours, theirs):
            one.setblocking(False)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        data = bytes(range(256)) * 4096
        stream = trio.SocketStream(trio.socket.from_stdlib_socket(theirs))
        async with stream, trio.open_nursery() as nursery:
            nursery.start_soon(PlainWire(ours).send, data)
            await trio.testing.wait_all_tasks_blocked(0.01)
            heard = b""
            while len(heard) < len(data):
                heard += await stream.receive_some(65_536)
        assert heard == data
        ours.close()

    async def test_a_crash_stays_in_its_connection(
        self, daemon: FakeDaemon, ingest: LaneListening, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Invariant 5: a bug of ours ends one connection, is logged, and harms no other."""

        def broken(_framing: object, _data: bytes) -> None:
            raise ZeroDivisionError("inside")

        async with await connect(ingest) as good:
            with monkeypatch.context() as patch, structlog.testing.capture_logs() as logs:
                patch.setattr(framing.Framing, "feed", broken)
                async with await connect(ingest) as stream:
                    await stream.send_all(post())
                    with contextlib.suppress(trio.BrokenResourceError):
                        assert await stream.receive_some(1) == b""
            assert [log["event"] for log in logs] == ["connection_crashed"]
            await good.send_all(post())
            assert (await read_answer(good))[0] == 202


class TestStop:
    """interface.md 2: a stop that answers what is at work, and ends in time."""

    async def test_what_is_under_way_is_answered(self, daemon: FakeDaemon) -> None:
        """A request at work, and one that is half here, are answered, and closed; idle ones leave."""
        asked, go_on = trio.Event(), trio.Event()
        daemon.asked = held(asked, go_on)
        with trio.fail_after(5):
            async with trio.open_nursery() as nursery:
                listening = await open_lane(nursery, daemon, 4.0)
                idle, half, busy = [await connect(listening) for _ in range(3)]
                await half.send_all(post()[:-5])
                await busy.send_all(post())
                await asked.wait()
                await trio.testing.wait_all_tasks_blocked(0.01)
                listening.stop()
                assert await idle.receive_some(1) == b""
                go_on.set()
                await half.send_all(post()[-5:])
                for stream in (busy, half):
                    status, headers, _ = await read_answer(stream)
                    assert (status, headers["connection"]) == (202, "close")
                    await stream.aclose()
        await idle.aclose()

    async def test_late_work_is_cut_off(self, daemon: FakeDaemon) -> None:
        """Neither a request that does not end nor one that does not come stops the stop."""
        asked = trio.Event()
        daemon.asked = held(asked, trio.Event())
        with trio.fail_after(5):
            async with trio.open_nursery() as nursery:
                listening = await open_lane(nursery, daemon, 0.05)
                busy, half = await connect(listening), await connect(listening)
                await half.send_all(post()[:-5])
                await busy.send_all(post())
                await asked.wait()
                listening.stop()
        for stream in (busy, half):
            await stream.aclose()


class TestBind:
    """interface.md 2 and 3: where it listens, and what it says if it cannot."""

    async def test_port_in_use(self, daemon: FakeDaemon) -> None:
        """Exit 4; the remedy names the setting of this port and not of the other."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            settings = Settings(ingest=Ingest(port=taken.getsockname()[1]))
            with pytest.raises(BindError) as caught:
                await serve_lane(daemon, settings)
        assert (caught.value.code, caught.value.exit_status) == ("PORT_IN_USE", 4)
        assert "ingest.port" in caught.value.remedy

    async def test_repr_shows_how_full_it_is(self, ingest: LaneListening) -> None:
        """Habit 14: counts, never a caller."""
        assert repr(ingest.lane) == "Lane(0 in flight, Places(0 of 2048, 0 given up))"
