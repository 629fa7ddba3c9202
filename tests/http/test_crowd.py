"""Many connections by two tasks: nothing is lost, mixed up or left behind (http/crowd.py).

Each connection here is a pair of sockets, so that a test decides byte by byte what is there when.
"""

# pyright: reportPrivateUsage=false
# Who is here, and what a task of its own has, is looked at where no public door leads.

import gc
import select
import socket
import weakref
from collections.abc import Generator
from contextlib import contextmanager, suppress

import pytest
import structlog
import trio
import trio.testing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from comptoir.engine import Address, Asker, Message
from comptoir.http.crowd import ROUND_MAX
from comptoir.http.framing import Framing
from comptoir.http.listener import UNREAD_SECONDS_MAX
from comptoir.http.places import Wait
from comptoir.http.testing import FakeAnswer, FakeDaemon
from comptoir.http.testing_wire import BODY, held, post, read_answer
from comptoir.http.wires import PlainWire
from tests.http.yard import EXPECTING, GOOD, Yard, answers, write, yard


@given(data=st.data())
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_however_the_bytes_come(data: st.DataObject) -> None:
    """RFC 9112 9.3.2: requests cut anywhere, mixed over connections, are answered each in its order."""
    kinds = data.draw(
        st.lists(st.lists(st.booleans(), min_size=1, max_size=6), min_size=1, max_size=5)
    )
    wires = [b"".join(GOOD if good else post(b"{}") for good in kind) for kind in kinds]
    cuts = [sorted(data.draw(st.sets(st.integers(1, len(wire) - 1), max_size=8))) for wire in wires]
    pieces = [
        [wire[a:b] for a, b in zip([0, *cut], [*cut, len(wire)], strict=True)]
        for wire, cut in zip(wires, cuts, strict=True)
    ]
    order = data.draw(st.permutations([n for n, parts in enumerate(pieces) for _ in parts]))
    pause = data.draw(st.booleans())

    async def play() -> None:
        async with yard(FakeDaemon()) as opened:
            streams = [opened.open() for _ in wires]
            left = [iter(parts) for parts in pieces]
            for number in order:
                await streams[number].send_all(next(left[number]))
                if pause:
                    await trio.lowlevel.checkpoint()
            for stream, kind in zip(streams, kinds, strict=True):
                assert await answers(stream, len(kind)) == [202 if good else 422 for good in kind]
                await stream.aclose()

    trio.run(play)


async def test_what_comes_meanwhile_is_read_afterwards() -> None:
    """An edge is told once: bytes that came while a request was worked on are not forgotten."""
    asked, go_on = trio.Event(), trio.Event()
    daemon = FakeDaemon()
    daemon.asked = held(asked, go_on)
    async with yard(daemon) as opened, opened.open() as stream:
        await stream.send_all(GOOD)
        await asked.wait()
        await stream.send_all(GOOD[:100])
        await trio.testing.wait_all_tasks_blocked(0.01)
        await stream.send_all(GOOD[100:])
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert len(daemon.asks) == 1, "one after another"
        go_on.set()
        assert await answers(stream, 2) == [202, 202]


@pytest.mark.parametrize("apart", [False, True], ids=["at once", "while it is worked on"])
async def test_an_end_after_a_request(*, apart: bool) -> None:
    """RFC 9112 9.6: whoever has said its last is answered, and then it is over."""
    asked, go_on = trio.Event(), trio.Event()
    daemon = FakeDaemon()
    daemon.asked = held(asked, go_on)
    async with yard(daemon) as opened, opened.open() as stream:
        await stream.send_all(GOOD)
        if apart:
            await asked.wait()
        await stream.send_eof()
        await asked.wait()
        await trio.testing.wait_all_tasks_blocked(0.01)
        go_on.set()
        assert (await read_answer(stream))[0] == 202
        assert await stream.receive_some(1) == b""
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert (len(opened.places), opened.lane.in_flight) == (0, 0)


async def test_a_deaf_reader_holds_only_itself() -> None:
    """design.md 5: answers that do not fit wait for room, in order, while others are answered."""
    count = 600
    async with (
        yard(FakeDaemon()) as opened,
        opened.open(4096) as deaf,
        opened.open() as other,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(deaf.send_all, GOOD * count)
        await trio.testing.wait_all_tasks_blocked(0.01)
        await other.send_all(GOOD)
        assert (await read_answer(other))[0] == 202
        assert await answers(deaf, count) == [202] * count


@pytest.mark.parametrize("said", [b"", GOOD], ids=["silent", "idle"])
async def test_whoever_is_late_leaves_a_place(
    said: bytes, monkeypatch: pytest.MonkeyPatch, autojump_clock: trio.testing.MockClock
) -> None:
    """design.md 5: a connection that the sweep closes gives its place back, like any other."""
    async with yard(FakeDaemon()) as opened, trio.open_nursery() as nursery:
        async with opened.open(said=said) as stream:
            if said:
                assert await answers(stream, 1) == [202]
            monkeypatch.setattr(opened.lane, "_patience", dict.fromkeys(Wait, 5.0))
            nursery.start_soon(opened.lane.sweep)
            assert await stream.receive_some(1) == b""
            assert len(opened.places) == 0
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("apart", [False, True], ids=["with a request", "after it"])
async def test_100_finds_its_way(*, apart: bool) -> None:
    """RFC 9110 10.1.1: whoever waits for 100 hears it, whole and in its turn, also behind a request that
    came along, and behind as many unread answers as fill the socket's buffer.
    """
    head, interim = EXPECTING[: -len(BODY)], b"HTTP/1.1 100 Continue\r\n\r\n"
    async with yard(FakeDaemon()) as opened:
        for before in range(1, 16):
            async with opened.open(4096) as stream:
                await stream.send_all(GOOD * before + (b"" if apart else head))
                await trio.testing.wait_all_tasks_blocked(0.001)
                if apart:
                    await stream.send_all(head)
                    await trio.testing.wait_all_tasks_blocked(0.001)
                heard = b""
                while not heard.endswith(interim):
                    part = await stream.receive_some(65_536)
                    assert part, "it was not hung up on"
                    heard += part
                assert heard.count(b"HTTP/1.1 202 ") == before
                await stream.send_all(BODY)
                assert await answers(stream, 1) == [202]


async def test_a_stop_waits_for_no_next_request() -> None:
    """interface.md 2: whoever takes its answer after the stop has begun is idle then, and closed."""
    async with yard(FakeDaemon()) as opened, opened.open(4096) as deaf:
        count = 0
        while not any(member.held for member in opened.members):
            await deaf.send_all(GOOD)
            await trio.testing.wait_all_tasks_blocked(0.001)
            count += 1
        opened.stop()
        assert await answers(deaf, count) == [202] * count
        assert await deaf.receive_some(1) == b""
        await opened.ended.wait()


async def test_whoever_does_not_read_is_given_up(autojump_clock: trio.testing.MockClock) -> None:
    """design.md 5: an answer waits for room as long as an honest reader needs, and not for ever, however
    alive its reader shows itself.
    """
    async with yard(FakeDaemon(), patience=1000) as opened, opened.open(4096) as deaf:
        await write(deaf, GOOD * 20)
        for _ in range(int(UNREAD_SECONDS_MAX)):
            await trio.sleep(2)
            if not len(opened.places):
                return
            with suppress(trio.WouldBlock):
                assert await deaf.receive_some(1)
    raise AssertionError("it still has its place")


async def test_a_crash_behind_a_deaf_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """Invariant 5: what goes wrong after an answer that had to wait for room ends its connection, too;
    nobody else would, since the kernel tells an edge once.
    """
    send = PlainWire.send

    def broken(_framing: Framing) -> None:
        raise ZeroDivisionError("inside")

    async def send_and_break(wire: PlainWire, data: bytes) -> None:
        await send(wire, data)
        monkeypatch.setattr(Framing, "next", broken)

    monkeypatch.setattr(PlainWire, "send", send_and_break)
    async with (
        yard(FakeDaemon()) as opened,
        opened.open(4096) as deaf,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(write, deaf, GOOD * 600)
        await trio.testing.wait_all_tasks_blocked(0.01)
        with structlog.testing.capture_logs() as logs, suppress(trio.BrokenResourceError):
            while await deaf.receive_some(65_536):
                pass
        assert [log["event"] for log in logs] == ["connection_crashed"]
        assert len(opened.places) == 0


@pytest.mark.parametrize("where", ["before it heard", "while it hears", "after it heard"])
async def test_a_crash_is_answered_once(where: str) -> None:
    """Invariant 5: whatever crashes around a decision, its request has one answer and the next one its
    own, and nothing counts as under way afterwards.
    """

    class Crashing(FakeDaemon):
        def ask_for(self, asker: Asker[FakeAnswer], address: Address, message: Message) -> None:
            if where != "before it heard":
                super().ask_for(asker, address, message)
            if where != "while it hears":
                raise ZeroDivisionError("inside")

        def observe_ack(self, seconds: float) -> None:
            super().observe_ack(seconds)
            if where == "while it hears":
                raise ZeroDivisionError("inside")

    async def later(_address: Address, _message: Message) -> FakeAnswer:
        await trio.lowlevel.checkpoint()
        return FakeAnswer(None)

    daemon = Crashing()
    daemon.asked = later if where == "while it hears" else None
    async with yard(daemon) as opened, opened.open(said=GOOD * 2 + post(b"{}")) as stream:
        with structlog.testing.capture_logs() as logs:
            heard = await answers(stream, 3)
        status = 202 if where == "after it heard" else 500
        assert heard == [status, status, 422]
        crashes = [log["event"] for log in logs if log["log_level"] == "error"]
        assert crashes == ["request_crashed"] * 2
        assert opened.lane.in_flight == 0
        await stream.send_all(post(b"{}"))
        assert await answers(stream, 1) == [422]


async def test_an_answer_to_nobody() -> None:
    """A place that was given to another while its request was worked on: the answer reaches nobody,
    not even whoever has its descriptor by then.
    """
    asked, go_on = trio.Event(), trio.Event()
    daemon = FakeDaemon()
    daemon.asked = held(asked, go_on)
    async with yard(daemon) as opened:
        async with opened.open() as first:
            await first.send_all(GOOD)
            await asked.wait()
            opened.places.close_all()
            async with opened.open() as second:
                go_on.set()
                await trio.testing.wait_all_tasks_blocked(0.01)
                await second.send_all(GOOD)
                assert await answers(second, 1) == [202]
        assert opened.lane.in_flight == 0


async def test_rounds_leave_others_their_turn() -> None:
    """design.md 2: a storm of requests that came together is worked on in rounds."""
    daemon = FakeDaemon()
    most, before = 0, 0

    async def watch() -> None:
        nonlocal most, before
        while True:
            await trio.lowlevel.checkpoint()
            most, before = max(most, len(daemon.asks) - before), len(daemon.asks)

    async with yard(daemon) as opened:
        streams = [opened.open(said=GOOD) for _ in range(10 * ROUND_MAX)]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch)
            for stream in streams:
                assert await answers(stream, 1) == [202]
                await stream.aclose()
            nursery.cancel_scope.cancel()
    assert 0 < most <= 2 * ROUND_MAX, "two turns at most lie between two looks"


async def test_nothing_is_left_of_a_connection() -> None:
    """design.md 5: what has ended is freed by counting and not by the collector; the task that reads
    holds the last one that it read, until the next.
    """
    left: list[weakref.ref[socket.socket]] = []
    async with yard(FakeDaemon()) as opened:
        gc.disable()
        try:
            for _ in range(20):
                async with opened.open() as stream:
                    (member,) = opened.members
                    left.append(weakref.ref(member.place.socket))
                    del member
                    await stream.send_all(GOOD)
                    assert await answers(stream, 1) == [202]
                await trio.testing.wait_all_tasks_blocked(0.001)
            assert sum(one() is not None for one in left) <= 1
        finally:
            gc.enable()


@contextmanager
def full_epoll(opened: Yard) -> Generator[None]:
    """The kernel takes no more descriptors into this epoll."""

    class Full:
        def register(self, _descriptor: int, _events: int) -> None:
            raise OSError(28, "no space")

        def __getattr__(self, name: str) -> object:
            return getattr(whole, name)

    whole: select.epoll = opened.crowd._epoll
    opened.crowd._epoll = Full()  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
    try:
        yield
    finally:
        opened.crowd._epoll = whole


async def test_no_room_in_the_kernel() -> None:
    """epoll_ctl(2), ENOSPC: the caller's place is free again, and the accept loop hears of it."""
    async with yard(FakeDaemon()) as opened:
        with full_epoll(opened), pytest.raises(OSError, match="no space"):
            opened.open()
        assert len(opened.places) == 0
        async with opened.open():
            assert len(opened.places) == 1
