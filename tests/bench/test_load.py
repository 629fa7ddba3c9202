"""The load generator: latency from the due time, whole answers, percentiles and histogram.

No clock runs here: a socket that answers at once moves the time by as much as its server is said to
have taken, so every figure is known beforehand.
Source: bench/load.py; docs/performance.md, "From the due time".
"""

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from bench.load import Loop, histogram, percentile
from bench.wires import HttpWire, InsertWire, points_of

ANSWER = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}"
WIRE = HttpWire({"url": "http://127.0.0.1:1"})


@dataclass
class Time:
    """A clock that moves only when it is told."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Server:
    """Takes so many seconds for each request, in turn, and none for those after."""

    time: Time
    seconds: list[float] = field(default_factory=list[float])
    sent: list[bytes] = field(default_factory=list[bytes])

    def take(self, request: bytes) -> bytes:
        """Answer one request."""
        self.sent.append(request)
        self.time.now += self.seconds.pop(0) if self.seconds else 0.0
        return ANSWER


class Answering(socket.socket):
    """A connection whose other end answers as soon as something is sent."""

    server: Server
    other: socket.socket

    def sendall(self, data: object, flags: int = 0, /) -> None:
        """Send, and have the answer ready."""
        assert isinstance(data, bytes)
        self.other.sendall(self.server.take(data))


def _connect(server: Server, kind: type[Answering] = Answering) -> Answering:
    mine, other = socket.socketpair()
    connection = kind(fileno=mine.detach())
    connection.server, connection.other = server, other
    return connection


@pytest.fixture
def time() -> Time:
    """A clock."""
    return Time()


@pytest.fixture
def server(time: Time) -> Server:
    """A server that takes no time."""
    return Server(time)


@pytest.fixture
def connection(server: Server) -> Iterator[Answering]:
    """One connection to it."""
    connection = _connect(server)
    yield connection
    connection.close()
    connection.other.close()


def _requests(count: int) -> list[bytes]:
    return [b"%d" % number for number in range(count)]


def test_latency_counts_from_the_due_time(
    time: Time, server: Server, connection: Answering
) -> None:
    """A server that stands still for 10 ms delays every request that fell due meanwhile."""
    server.seconds = [0.010]
    loop = Loop(WIRE, [connection], _requests(5), time)
    timing = loop.open(1000)
    assert [round(value, 6) for value in timing.latencies] == [0.010, 0.009, 0.008, 0.007, 0.006]
    assert [round(value, 6) for value in timing.late] == [0.0, 0.009, 0.008, 0.007, 0.006]


def test_closed_loop_counts_from_the_sending(
    time: Time, server: Server, connection: Answering
) -> None:
    """In a closed loop a request is due when it is sent, so a pause counts once."""
    server.seconds = [0.010, 0.002]
    timing = Loop(WIRE, [connection], _requests(4), time).close()
    assert [round(value, 6) for value in timing.latencies] == [0.010, 0.002, 0.0, 0.0]
    assert timing.statuses == {202: 4}
    assert round(timing.ended - timing.began, 6) == 0.012


class Giving(Answering):
    """A connection whose place is given to another when something is sent, before an answer."""

    def sendall(self, data: object, flags: int = 0, /) -> None:
        """Lose it, and the connection."""
        self.other.close()


@pytest.mark.parametrize("kind", [Answering, Giving])
def test_a_connection_that_is_given_up_is_replaced(
    time: Time, server: Server, kind: type[Answering]
) -> None:
    """Issue 4: at a rate, a server that gives a place to another hears the request again, due when it was; whether the
    connection was lost before it was sent or afterwards.
    """
    made: list[Answering] = []

    class Renewing(HttpWire):
        def connect(self) -> socket.socket:
            made.append(_connect(server))
            return made[-1]

    first, lost = _connect(server), _connect(server, kind)
    if kind is Answering:
        lost.other.close()
    server.seconds = [0.010]
    loop = Loop(Renewing({"url": "http://127.0.0.1:1"}), [first, lost], _requests(4), time)
    timing = loop.open(1000)
    loop.end()
    assert (timing.statuses, timing.renewed, len(made)) == ({202: 4}, 1, 1)
    assert sorted(server.sent) == _requests(4)
    assert sorted(timing.latencies, reverse=True) == pytest.approx([0.010, 0.009, 0.008, 0.007])
    for one in (first, *made):
        one.other.close()


def test_every_request_is_sent_once_in_order(time: Time, server: Server) -> None:
    """Whatever the connections, each request goes out exactly once, in order."""
    connections = [_connect(server) for _ in range(3)]
    timing = Loop(WIRE, connections, _requests(10), time).close()
    assert server.sent == _requests(10)
    assert len(timing.latencies) == 10
    for one in connections:
        one.close()
        one.other.close()


@pytest.mark.parametrize("end", range(1, len(ANSWER)))
def test_part_of_an_answer_is_no_answer(end: int) -> None:
    """An answer has a status only once its last byte is there, wherever it was cut."""
    assert WIRE.status(ANSWER[:end]) == 0
    assert WIRE.status(ANSWER) == 202


def test_length_is_found_in_either_case() -> None:
    """Servers write the header's name in their own case."""
    assert WIRE.status(ANSWER.replace(b"Content-Length", b"content-length")) == 202


def test_insert_is_answered_when_the_server_is_ready() -> None:
    """An insert counts when PostgreSQL is ready again, and a refusal never counts as one."""
    wire = InsertWire({"url": "postgresql://x@/y?host=/z"})
    done = b"C\0\0\0\x0fINSERT 0 1\0"
    ready = b"Z\0\0\0\5I"
    assert wire.status(done) == 0
    assert wire.status(done + ready) == 201
    assert wire.status(b"E\0\0\0\5x" + ready) == 500


def test_percentile_is_a_value_that_occurred() -> None:
    """The percentile is the least value that so many of all do not exceed."""
    values = [float(n) for n in range(1, 101)]
    assert percentile(values, 0.99) == 99
    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.999) == 100
    assert percentile([7.0], 0.5) == 7


def test_histogram_counts_everything_once() -> None:
    """Each value is in the first bucket whose bound is not below it."""
    found = histogram([0.001, 0.001, 0.01, 0.000001])
    assert sum(count for _, count in found) == 4
    assert [bound for bound, _ in found] == [0.01, 1.0, 10.0]
    assert [count for _, count in found] == [1, 2, 1]


def test_points_are_floored_once() -> None:
    """What the ledger is compared with is five percent of the cents, rounded down."""
    assert points_of(0) == 50
    assert points_of(19) == 50
    assert points_of(20) == 51
