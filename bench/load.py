"""A cheap load: a closed loop, or an open one at a rate, in a process of its own.

Rules:
- the sender must never be what is measured: requests are made and signed before the clock starts,
  one epoll loop serves all connections, a request is one `send` and an answer mostly one `recv`; what
  it costs is measured and told (`cpu_s_per_1000`);
- at a rate, latency is counted from the moment at which a request was due, not from when it could be
  sent, so that a slow server cannot hide the requests that waited for it (coordinated omission);
  how late the sender itself was is told beside it (`late_p99_ms`).

Usage: `python -m bench.load` with a JSON job on standard input, a JSON answer on standard output.
"""

import gc
import http.client
import json
import math
import select
import socket
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from bench.wires import Wire, wire_of

__all__ = ["BUCKETS_PER_DECADE", "Loop", "Timing", "histogram", "percentile", "run"]

RECEIVE_BYTES = 65_536
SILENCE_SECONDS_MAX = 60.0
"""Without any answer for so long, the load ends with an error instead of never."""
BUCKETS_PER_DECADE = 20
"""Of the histogram: bounds 12 % apart, finer than any plot shows."""
BUCKET_MS_FIRST = 0.01
QUIESCE = b'{"timeoutSeconds": 60}'

Clock = Callable[[], float]


def percentile(ordered: Sequence[float], share: float) -> float:
    """The least value that `share` of the values do not exceed (nearest rank)."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def histogram(seconds: Sequence[float]) -> list[list[float]]:
    """[upper bound in ms, count] of each bucket that holds something, ascending."""
    counts: Counter[int] = Counter()
    for value in seconds:
        ratio = max(value * 1000 / BUCKET_MS_FIRST, 1.0)
        counts[math.ceil(math.log10(ratio) * BUCKETS_PER_DECADE)] += 1
    return [
        [round(BUCKET_MS_FIRST * 10 ** (n / BUCKETS_PER_DECADE), 5), counts[n]]
        for n in sorted(counts)
    ]


@dataclass(frozen=True)
class Timing:
    """What a loop saw; seconds."""

    began: float
    ended: float
    latencies: list[float]
    late: list[float]
    """How long after its due time each request was sent; empty without a rate."""
    statuses: Counter[int]
    renewed: int = 0
    """Connections that the server gave up, each replaced by a new one; only at a rate."""


class Loop:
    """Connections, each with at most one request under way, and the requests to send."""

    def __init__(
        self, wire: Wire, sockets: Sequence[socket.socket], requests: Sequence[bytes], clock: Clock
    ) -> None:
        self._wire, self._status = wire, wire.status
        self._requests = requests
        self._clock = clock
        self._sockets = {one.fileno(): one for one in sockets}
        self._epoll = select.epoll()
        for one in sockets:
            self._epoll.register(one.fileno(), select.EPOLLIN)
        self._parts: dict[int, bytes] = {}
        self._statuses: Counter[int] = Counter()

    def _answer(self, fd: int) -> int:
        """Read what came; the status once the answer is whole."""
        data = self._sockets[fd].recv(RECEIVE_BYTES)
        if not data:
            raise ConnectionError(f"closed by the server; so far {dict(self._statuses)}")
        if fd in self._parts:
            data = self._parts.pop(fd) + data
        status = self._status(data)
        if not status:
            self._parts[fd] = data
        return status

    def _ready(self, seconds: float | None) -> list[tuple[int, int]]:
        """Connections with something to read, within so many seconds (None: until there is)."""
        if seconds is not None:
            # select() counts microseconds, epoll only milliseconds: at 3,000 a second that matters.
            if seconds > 0:
                select.select([self._epoll], (), (), seconds)
            return self._epoll.poll(0)
        found = self._epoll.poll(SILENCE_SECONDS_MAX)
        if not found:
            raise TimeoutError(f"no answer in {SILENCE_SECONDS_MAX:g} s")
        return found

    def _renew(self, fd: int) -> int:
        """Another connection in the place of one that the server has given up, as it may between requests."""
        self._epoll.unregister(fd)
        self._sockets.pop(fd).close()
        self._parts.pop(fd, None)
        one = self._wire.connect()
        self._sockets[one.fileno()] = one
        self._epoll.register(one.fileno(), select.EPOLLIN)
        return one.fileno()

    def close(self) -> Timing:
        """Closed loop: each connection sends its next request when its answer is there."""
        clock, requests, answer = self._clock, self._requests, self._answer
        send = {fd: one.sendall for fd, one in self._sockets.items()}
        count, sent, done = len(requests), 0, 0
        began_at: dict[int, float] = {}
        latencies: list[float] = []
        began = clock()
        for fd in list(send)[:count]:
            began_at[fd] = clock()
            send[fd](requests[sent])
            sent += 1
        while done < count:
            for fd, _ in self._ready(None):
                status = answer(fd)
                if not status:
                    continue
                now = clock()
                self._statuses[status] += 1
                latencies.append(now - began_at[fd])
                done += 1
                if sent < count:
                    began_at[fd] = now
                    send[fd](requests[sent])
                    sent += 1
        return Timing(began, clock(), latencies, [], self._statuses)

    def open(self, rate: float) -> Timing:
        """Open loop: request n is due n / rate after the start, whether or not others are answered."""
        clock, requests = self._clock, self._requests
        count, sent, done = len(requests), 0, 0
        free = deque(self._sockets)
        under_way: dict[int, tuple[float, bytes]] = {}
        latencies: list[float] = []
        late: list[float] = []
        renewed = 0
        began = clock()
        while done < count:
            now = clock()
            while free and sent < count and (due := began + sent / rate) <= now:
                late.append(now - due)
                renewed += self._send(free.popleft(), (due, requests[sent]), under_way)
                sent += 1
            waiting = free and sent < count
            wait = max(0.0, began + sent / rate - clock()) if waiting else None
            for fd, _ in self._ready(wait):
                if fd not in under_way:  # nothing was asked: it is closed, or about to be
                    free.remove(fd)
                    free.append(self._renew(fd))
                    renewed += 1
                    continue
                try:
                    status = self._answer(fd)
                except ConnectionError:
                    # Its place went to another: whoever sends webhooks comes again, with what had no answer.
                    renewed += 1
                    self._send(self._renew(fd), under_way.pop(fd), under_way)
                    continue
                if status:
                    self._statuses[status] += 1
                    latencies.append(clock() - under_way.pop(fd)[0])
                    free.append(fd)
                    done += 1
        return Timing(began, clock(), latencies, late, self._statuses, renewed)

    def _send(
        self, fd: int, request: tuple[float, bytes], under_way: dict[int, tuple[float, bytes]]
    ) -> bool:
        """Send what was due at that time; whether it took another connection."""
        try:
            self._sockets[fd].sendall(request[1])
        except ConnectionError:
            fd = self._renew(fd)
            self._sockets[fd].sendall(request[1])
            under_way[fd] = request
            return True
        under_way[fd] = request
        return False

    def end(self) -> None:
        """Let go of the poller and of every connection."""
        self._epoll.close()
        for one in self._sockets.values():
            one.close()


def _quiesce(url: str) -> None:
    """Have the daemon say when nothing is due any more."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=90)
    headers = {"Content-Type": "application/json"}
    connection.request("POST", "/dev/v1/quiesce", QUIESCE, headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.status == 200, f"not quiescent: {answer.status}"


def run(job: dict[str, Any]) -> dict[str, Any]:
    """Do one job: `count` requests over `connections`, at `rate` a second if given.

    Args:
        job: url, secret, users, partners, prefix, count, connections; optional rate, first (number of
            the first request), quiesce (a daemon's URL; its work is part of the whole time).

    Returns:
        per_s (end to end), seconds, answered_s, statuses, points, p50_ms to max_ms, the histogram,
        and the sender's own cost and lateness.
    """
    wire = wire_of(job)
    first, count = int(job.get("first") or 0), int(job["count"])
    rate = float(job.get("rate") or 0)
    requests = [wire.request(number) for number in range(first, first + count)]
    sockets = [wire.connect() for _ in range(min(int(job["connections"]), count))]
    loop = Loop(wire, sockets, requests, time.perf_counter)
    cpu = time.process_time()
    timing = loop.open(rate) if rate else loop.close()
    cpu = time.process_time() - cpu
    if job.get("quiesce"):
        _quiesce(str(job["quiesce"]))
    whole = time.perf_counter() - timing.began
    loop.end()
    ordered = sorted(timing.latencies)
    late = sorted(timing.late)
    answered = timing.ended - timing.began
    seconds = whole if job.get("quiesce") else answered
    return {
        "count": count,
        "seconds": seconds,
        "answered_s": answered,
        "per_s": count / seconds,
        "statuses": {str(k): v for k, v in timing.statuses.items()},
        **{
            f"p{name}_ms": percentile(ordered, share) * 1000
            for name, share in (("50", 0.5), ("90", 0.9), ("99", 0.99), ("999", 0.999))
        },
        "max_ms": ordered[-1] * 1000,
        "histogram": histogram(ordered),
        "cpu_s_per_1000": cpu / count * 1000,
        "cpu_share": cpu / answered,
        "late_p99_ms": percentile(late, 0.99) * 1000 if late else 0.0,
        "renewed": timing.renewed,
    }


if __name__ == "__main__":
    gc.disable()  # nothing here makes cycles; a collection would be a pause that is not the server's
    json.dump(run(json.load(sys.stdin)), sys.stdout)
