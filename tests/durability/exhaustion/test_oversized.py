"""Headers without end and bodies without end, again and again: good senders are answered beside them.

Rule: those who send too much are programs of their own, so that their cost is not in what is measured; each is
answered or cut off, and comes again. (hypercorn answers a body that is declared too large at once, and passes over
what comes all the same for a bounded time, so that the answer can be read: those come again less often.) The p99 of the bank's acknowledgements beside them is told, as in
test_sockets.py.
Source: issue 5, must show; spec.md S49, S62; interface.md 6 (row 2); design.md 5.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
import trio

SENDERS = 8
"""Of each kind: two busy cores are for the daemon and its database."""
SECONDS = 4.0
KIB_MAX = 64 * 1024
SENT_BYTES_MIN = 4 * 1024 * 1024
"""So much, at least, was sent by all of them: else nothing was shown."""

PROGRAM = """
import json, socket, sys, time
host, port, kind, senders, seconds = json.loads(sys.argv[1])
CHUNK = b"x" * 16384
HEADS = {
    "header": b"POST /webhooks/banking HTTP/1.1\\r\\nHost: localhost\\r\\nX-Long: ",
    "headers": b"POST /webhooks/banking HTTP/1.1\\r\\nHost: localhost\\r\\n",
    "declared": b"POST /webhooks/banking HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Type: application/json\\r\\n"
        b"Content-Length: 1000000000\\r\\n\\r\\n",
    "chunked": b"POST /webhooks/banking HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Type: application/json\\r\\n"
        b"Transfer-Encoding: chunked\\r\\n\\r\\n",
}
PARTS = {
    "header": CHUNK, "headers": b"".join(b"X-%d: y\\r\\n" % n for n in range(2000)), "declared": CHUNK,
    "chunked": b"4000\\r\\n" + CHUNK + b"\\r\\n",
}
ended, answers, sent, until = 0, {}, 0, time.monotonic() + seconds
crowd = []
while time.monotonic() < until or crowd:
    while len(crowd) < senders and time.monotonic() < until:
        one = socket.create_connection((host, port), 5)
        one.settimeout(0.2)
        one.sendall(HEADS[kind])
        crowd.append(one)
    for one in list(crowd):
        try:
            sent += one.send(PARTS[kind])
            continue
        except TimeoutError:
            pass
        except OSError:
            ended += 1
            crowd.remove(one)
            one.close()
            continue
        try:
            heard = one.recv(4096)
        except OSError:
            heard = b""
        if heard:
            answers[heard[9:12].decode()] = answers.get(heard[9:12].decode(), 0) + 1
        ended += 1
        crowd.remove(one)
        one.close()
    if time.monotonic() > until + 20:
        break
print(json.dumps({"ended": ended, "left": len(crowd), "sent": sent, "answers": answers}))
"""

SOAK = (
    pytest.mark.soak,
    pytest.mark.skipif("TESTS_SOAK_SECONDS" not in os.environ, reason="make soak plays both edges"),
)
"""The code is the same behind either listener; that a crowd keeps nobody out is played before both (test_sockets.py)."""

Town = Any
"""tests/durability/exhaustion/conftest.py."""


@pytest.mark.parametrize("edge", ["http", pytest.param("ingest", marks=SOAK)])
async def test_headers_and_bodies_without_end(
    town: Town, edge: str, tell: Callable[[str], None]
) -> None:
    """S49, S62, issue 5: at either listener, beside header fields and bodies that never end, good webhooks are
    taken, memory stays bounded, and each of those who send too much is cut off.
    """
    town.edge = edge
    town.open()
    await town.until_acknowledged()
    before = town.kib("VmRSS")
    host, _, port = town.target.rpartition("//")[2].partition(":")
    town.news()
    began = time.monotonic()
    kinds = ("header", "headers", "declared", "chunked")
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, json.dumps([host, int(port), kind, SENDERS // 2, SECONDS])],
            stdout=subprocess.PIPE, text=True,
        )
        for kind in kinds
    ]  # fmt: skip
    most = 0
    while time.monotonic() - began < SECONDS:
        most = max(most, town.kib("VmRSS") - before)
        answer, _spent = town.ask("/health/live")
        assert answer.status == 200
        await trio.sleep(0.1)
    heard = town.news()
    p99_ms = town.p99_ms
    found: dict[str, dict[str, Any]] = {}
    for kind, program in zip(kinds, programs, strict=True):
        told, _ = await trio.to_thread.run_sync(program.communicate)
        assert program.returncode == 0
        found[kind] = json.loads(told)
    counts = await town.settle()
    taken = sum(outcome.startswith("20") for outcome in heard)
    assert taken > 0.8 * len(heard) > 0, f"good senders were refused: {heard}"
    assert most < KIB_MAX
    for kind, one in found.items():
        assert one["left"] == 0, f"{kind}: some were never cut off"
        assert one["ended"] >= SENDERS // 2, (kind, one)
    assert sum(one["sent"] for one in found.values()) > SENT_BYTES_MIN
    tell(
        f"{edge}, headers and bodies without end: {taken} of {len(heard)} good webhooks taken, their p99 "
        f"{p99_ms:.0f} ms; {most} KiB at most; "
        + ", ".join(f"{kind} cut off {one['ended']} times" for kind, one in found.items())
        + f"; {counts}"
    )
