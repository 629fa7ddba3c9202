"""512 MiB of memory, and everybody wants some: the daemon refuses instead of growing.

Rule: whatever is sent, what it may cost is bounded before it is taken: bodies by a budget for all,
imports one at a time, actors by the number resident. The kernel holds the daemon to 512 MiB of data
(RLIMIT_DATA), so that a bound which is missing shows as an answer of 500, or as its death.
Source: issue 3, deliver, 7; design.md 5 (nothing is unbounded).
"""

import http.client
import json
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

MIB = 1024
"""In KiB."""
LIMIT_MIB = 512
ROOM_MIB_MAX = 448
"""What the daemon may touch of it at its worst."""
STALLED = 700
"""Senders that stop before the last byte of a large body:"""
BODY_BYTES = 65_536
FLOODERS = 16
FLOOD_SECONDS = 3.0
IMPORT_BYTES_MAX = 16 * 1024 * 1024
IMPORT_ROWS = 45_000
REST = b"u" * 128 + b",seed," + b"b" * 200
RESIDENTS = 2_000
SOAK_RESIDENTS = 20_000
"""Actors of one kind in memory; in a soak as many as by default. A few more connections become known
at once, so that all are resident and the longest unused left."""
CSV = {"Content-Type": "text/csv", "Host": "localhost"}

Town = Any
"""tests/durability/exhaustion/conftest.py."""


class Flood:
    """Senders of their own threads, who count what they hear."""

    def __init__(self, url: str) -> None:
        host, _, port = url.rpartition("//")[2].partition(":")
        self._address = (host, int(port))
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._stalled: list[socket.socket] = []
        self.heard: Counter[str] = Counter()

    def start(self) -> None:
        """Everybody at once."""
        self._stall()
        until = time.monotonic() + FLOOD_SECONDS
        rows = (b"c%07d,%b\n" % (number, REST) for number in range(IMPORT_ROWS))
        wrong = b"connection_id,user_id,provider,bank_name\n" + b"".join(rows) + b"broken\n"
        assert 0.9 * IMPORT_BYTES_MAX < len(wrong) < IMPORT_BYTES_MAX
        self._run("import", lambda: self._send("/dev/v1/import/connections", wrong, CSV), until, 3)
        forged = {"X-Webhook-Timestamp": "1", "X-Webhook-Signature": "0" * 64}
        large = bytes(BODY_BYTES)
        self._run("forged", lambda: self._send("/webhooks/banking", large, forged), until, FLOODERS)
        huge = bytes(8 * BODY_BYTES)
        self._run("huge", lambda: self._send("/webhooks/banking", huge, forged), until, 4)

    def end(self) -> None:
        """Wait for all of them, and hang up."""
        for thread in self._threads:
            thread.join()
        for one in self._stalled:
            one.settimeout(0.05)
            try:
                said = one.recv(65_536)
            except OSError:
                said = b""
            self._count("stalled", said[9:12].decode() or "waits")
            one.close()
        self._stalled = []

    def _stall(self) -> None:
        head = f"POST /webhooks/banking HTTP/1.1\r\nHost: x\r\nContent-Length: {BODY_BYTES}\r\n\r\n"
        for _ in range(STALLED):
            one = socket.create_connection(self._address)
            one.setblocking(False)
            self._stalled.append(one)
        for one in self._stalled:
            one.settimeout(5)
            one.sendall(head.encode() + bytes(BODY_BYTES - 1))

    def _run(self, name: str, send: Callable[[], str], until: float, count: int) -> None:
        def work() -> None:
            while time.monotonic() < until:
                self._count(name, send())

        for _ in range(count):
            thread = threading.Thread(target=work, daemon=True)
            thread.start()
            self._threads.append(thread)

    def _send(self, path: str, body: bytes, headers: dict[str, str]) -> str:
        connection = http.client.HTTPConnection(*self._address, timeout=60)
        try:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            answer.read()
        except OSError:
            return "closed"
        else:
            return str(answer.status)
        finally:
            connection.close()

    def _count(self, name: str, outcome: str) -> None:
        with self._lock:
            self.heard[f"{name} {outcome}"] += 1


async def test_512_mib(town: Town, tell: Callable[[str], None]) -> None:
    """Issue 3: under floods of bodies, imports and actors the daemon stays within 512 MiB of data,
    refuses by 413, 422, 401 and 503, never by 500, and the bank's webhooks are credited once.
    """
    tell(await live_through_a_flood(town, RESIDENTS))


@pytest.mark.soak
@pytest.mark.skipif("TESTS_SOAK_SECONDS" not in os.environ, reason="make soak SECONDS=n runs it")
async def test_512_mib_with_all_actors_resident(town: Town, tell: Callable[[str], None]) -> None:
    """Issue 3: the same with as many actors in memory as the default settings allow."""
    tell(await live_through_a_flood(town, SOAK_RESIDENTS))


async def live_through_a_flood(town: Town, residents: int) -> str:
    """Let everybody want memory at once; what is worth telling of it."""
    town.daemon.env["COMPTOIR_ENGINE__RESIDENT_ACTORS_MAX"] = str(residents)
    town.limit("-d", str(LIMIT_MIB * MIB))
    town.open()
    await town.until_acknowledged()
    at_rest = town.kib("VmRSS")
    rows = "".join(f"flood-{number},user-flood\n" for number in range(residents + 100))
    answer = town.daemon.load("connections", "connection_id,user_id\n" + rows)
    assert answer.status == 200, answer
    crowded = town.kib("VmRSS")
    flood = Flood(town.daemon.url)
    town.news()
    flood.start()
    flood.end()
    heard_by_bank: Counter[str] = Counter(town.news())
    most = town.kib("VmHWM")
    assert town.daemon.running, town.daemon.said()
    served = await town.until_ready()
    taken = await town.until_acknowledged()
    refused = heard_by_bank["503 OVERLOADED"]
    metrics = town.daemon.get("/metrics").body.decode()
    counts = await town.settle()
    heard = dict(sorted(flood.heard.items()))
    assert not [name for name in heard if name.endswith(" 500")]
    assert refused < 0.1 * heard_by_bank.total(), "large bodies keep small ones out"
    assert flood.heard["stalled 503"], "bodies have a budget for all"
    assert flood.heard["huge 413"]
    assert flood.heard["forged 401"] + flood.heard["forged 503"]
    assert flood.heard["import 422"]
    assert most < ROOM_MIB_MAX * MIB
    assert f'comptoir_actors_resident{{kind="connection"}} {residents}.0' in metrics
    return (
        f"512 MiB: {at_rest // MIB} MiB at rest, {crowded // MIB} with {residents} actors "
        f"({(crowded - at_rest) / residents:.1f} KiB each), "
        f"{most // MIB} at most under the flood, whose senders heard {json.dumps(heard)}; ready "
        f"{served:.2f} s and taken {taken:.2f} s after it; {refused} of the bank's "
        f"{heard_by_bank.total()} webhooks refused meanwhile; {counts}"
    )
