"""What good webhooks feel of a crowd: their latency alone, beside 10,000 idle connections, and beside 1,000 slow ones as well.

Slices of webhooks at a rate take turns, each with connections of its own:
- `quiet`: nobody else;
- `idle`: 10,000 sockets were connected that say nothing; the daemon holds as many as it has places for, and gives up the
  longest silent for whoever comes (http/crowd.py);
- `slow`: 1,000 more say one byte of a header after the other, all of them twenty times a second.
It is both listeners' figure: the lane's, and that of hypercorn.

Rule: every webhook is acknowledged and every ledger whole (bench/sides.py).
Source: issues 3 and 4 (10,000 idle and 1,000 slow connections: the p99 of good ones beside them); design.md 5.

    BENCH_ROUNDS=3 BENCH_SECONDS=5 BENCH_RATE=200 make bench ARGS=crowd
"""

import contextlib
import errno
import os
import resource
import socket
import threading
import time
from typing import Any, Final

from bench.results import write
from bench.rounds_beside import RATE, ROUNDS, one_slice, tell
from bench.sides import OURS, Crowd, Side, open_sides

__all__ = ["main"]

NAME: Final = "crowd"
IDLE: Final = int(os.environ.get("BENCH_IDLE", "10000"))
SLOW: Final = int(os.environ.get("BENCH_SLOW", "1000"))
SOURCES: Final = 40
"""Addresses of loopback, so that ports do not run out."""
AT_ONCE: Final = 250
"""Fewer than wait at a listener: what its queue loses is no crowd."""
BREATH_S: Final = 0.02
BYTE_S: Final = 0.05
SETTLED_S: Final = 2.0
"""Longer than whoever has just come is left their place (http/places.py): within it a newcomer may hear 503."""
HEAD: Final = b"POST /webhooks/banking HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
SLICES: Final = ("quiet", "idle", "slow")


class Strangers:
    """Sockets that are open at the same time; those with a voice say it byte by byte until they leave."""

    def __init__(self, url: str, count: int, voice: bytes = b"") -> None:
        """All of them come."""
        self._sockets: list[socket.socket] = []
        self._over = threading.Event()
        self._voice = threading.Thread(target=self._speak, args=(voice,))
        host, _, port = url.rpartition("//")[2].partition(":")
        for number in range(count):
            self._sockets.append(_connected(number, host, int(port)))
            if number % AT_ONCE == 0:
                time.sleep(BREATH_S)
        if voice:
            self._voice.start()
        time.sleep(SETTLED_S)

    def leave(self) -> None:
        """Close all."""
        self._over.set()
        if self._voice.is_alive():
            self._voice.join()
        for one in self._sockets:
            one.close()

    def _speak(self, voice: bytes) -> None:
        said = voice
        while not self._over.is_set():
            for one in self._sockets:
                with contextlib.suppress(OSError):  # it was cut off: that is what is expected
                    one.send(said)
            said = b"x"
            self._over.wait(BYTE_S)


def _connected(number: int, host: str, port: int) -> socket.socket:
    one = socket.socket()
    one.bind((f"127.0.0.{2 + number % SOURCES}", 0))
    one.setblocking(False)
    outcome = one.connect_ex((host, port))
    assert outcome in (0, errno.EINPROGRESS), errno.errorcode[outcome]
    return one


def main() -> None:
    """Print the figures."""
    wanted = IDLE + SLOW + 500
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= most < wanted:
        raise SystemExit(
            f"bench: this account may open {most} files, {wanted} are wanted: ulimit -n"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    found: dict[str, Any] = {"idle": IDLE, "slow": SLOW, "rate": RATE}
    print(f"{IDLE:,} idle and {SLOW:,} slow connections, {RATE} webhooks a second")
    for edge in ("lane", "hypercorn"):
        with open_sides((OURS,), Crowd()) as (side,):
            target = side.target if edge == "lane" else side.process.url
            found[edge] = _told(edge, _measured(side, target))
            side.check()
    write(NAME, found)


def _measured(side: Side, target: str) -> dict[str, list[dict[str, Any]]]:
    """Slices that take turns."""
    one_slice(side, target)  # warms it up
    slices: dict[str, list[dict[str, Any]]] = {name: [] for name in SLICES}
    for _ in range(ROUNDS):
        slices["quiet"].append(one_slice(side, target))
        idle = Strangers(target, IDLE)
        try:
            slices["idle"].append(one_slice(side, target))
            slow = Strangers(target, SLOW, HEAD)
            try:
                slices["slow"].append(one_slice(side, target))
            finally:
                slow.leave()
        finally:
            idle.leave()
    return slices


def _told(edge: str, slices: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    print(f"  {edge}")
    quiet = slices["quiet"]
    return {name: tell(f"    {name}:", some, quiet) for name, some in slices.items()}
