"""The child that opens a document: what it cannot do, how it ends, and that its daemon goes on.

Source: spec.md S19; docs/adr/0045-a-document-is-opened-in-a-cell.md; check-command contract, kind `document`.
"""

import base64
import hashlib
import os
import resource
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncGenerator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import trio

from comptoir.actors.check_documents import check_document
from comptoir.actors.inspection import inspector
from comptoir.actors.inspection.flags import FLAGS, Weight, is_accepted, outcome_of
from comptoir.actors.inspection.inspector import Inspector, task_of
from comptoir.actors.inspection.judging import Declared, judge
from comptoir.actors.inspection.report import LOOK, READ, Task
from comptoir.engine.objects import ObjectsUnavailable
from tests.actors.inspection.hostile import BOMBS, OCR_BOMBS, SNEAKS, jpeg, pdf_with

SECONDS_MAX = 10.0
TODAY = date(2026, 12, 1)
MEMORY_BYTES_MAX = (1 << 30) + (64 << 20)
"""The child's bound, and what Python has before it is bound."""


async def parts(data: bytes, size: int = 1 << 16) -> AsyncGenerator[bytes]:
    """A document as it comes."""
    for at in range(0, len(data), size):
        yield data[at : at + size]


def check(data: bytes, **given: str) -> dict[str, Any]:
    """What `comptoir check document` answers."""
    return check_document({"content_b64": base64.b64encode(data).decode(), **given})


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_ends_with_its_child(name: str) -> None:
    """S19, issue 8: whatever it is, there is an answer with a flag, within ten seconds of computing, and no child
    has had more memory than it may.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    answer = check(BOMBS[name]())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert answer["ok"] is True
    assert set(answer["flags"]) <= FLAGS.keys()
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < SECONDS_MAX
    assert after.ru_maxrss * 1024 < MEMORY_BYTES_MAX
    if name != "huge page":  # it is drawn as small as any
        assert answer["accepted"] is False, answer


@pytest.mark.parametrize("name", OCR_BOMBS)
async def test_what_is_made_to_be_read_for_ever_ends_with_its_child(name: str) -> None:
    """S19, issue 8: noise, print from edge to edge, a page of lines like a zone's: read or given up, and the child keeps its
    bounds of time and memory.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    report = await Inspector(1, 300.0).inspect(parts(OCR_BOMBS[name]()), task_of(READ))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert set(report.flags) <= {"INSPECTION_TOO_LONG", "INSPECTION_TOO_LARGE"}
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < SECONDS_MAX
    assert after.ru_maxrss * 1024 < MEMORY_BYTES_MAX
    found = judge(report, "TAX_DECLARATION", Declared("Marie", "Tremblay", "1980-05-15"), TODAY)
    assert outcome_of(found.flags) in (Weight.REDO, Weight.NOTE)
    assert "DATA_INCONSISTENT" in found.flags or not is_accepted(found.flags), (
        "nobody is found in it"
    )


@pytest.mark.parametrize("data", [pdf_with(), jpeg()], ids=["pdf", "jpeg"])
async def test_what_the_reader_remarks_on_is_read(data: bytes) -> None:
    """S19: a page with more picture than text is read like any other: Tesseract remarks on it, for which it would open a
    file, and a locked child has none.
    """
    report = await Inspector(1, 300.0).inspect(parts(data), task_of(READ))
    assert (report.flags, report.text, "descriptors" in report.held) == ((), "SPECIMEN", True)


@pytest.mark.parametrize("name", SNEAKS)
def test_what_is_bad_without_being_large_is_told_by_the_child(name: str) -> None:
    """S19, issue 8: half a file, two files at once, a script, a program, another suffix: each is a flag, within ten
    seconds of computing, and the child keeps its bounds.
    """
    make, filename, flag = SNEAKS[name]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    answer = check(make(), filename=filename)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert (answer["ok"], answer["accepted"]) == (True, False)
    assert flag in answer["flags"]
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < SECONDS_MAX
    assert after.ru_maxrss * 1024 < MEMORY_BYTES_MAX


def test_a_good_document_passes_the_child() -> None:
    """check-command: the fields of the contract; its digest is that of its bytes; its name gives the suffix away."""
    data = pdf_with()
    answer = check(data, filename="Ma pièce.PDF", declared_type="application/pdf")
    assert answer == {
        "ok": True, "media_type": "application/pdf", "pages": 1, "accepted": True, "flags": [],
        "sha256": hashlib.sha256(data).hexdigest(),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, "CHECK_INPUT_INVALID"),
        ({"path": "/nowhere/at/all"}, "DOCUMENT_UNREADABLE"),
        ({"path": "/"}, "DOCUMENT_UNREADABLE"),
        ({"path": "a\0b"}, "CHECK_INPUT_INVALID"),
        ({"content_b64": "no base64"}, "CHECK_INPUT_INVALID"),
        ({"content_b64": "", "path": "x"}, "CHECK_INPUT_INVALID"),
    ],
)
def test_what_cannot_be_looked_at_is_named(given: dict[str, str], code: str) -> None:
    """check-command: an answer with a code, never a traceback."""
    answer = check_document(given)
    assert (answer["ok"], answer["error"]["code"]) == (False, code)


PROBE = """
import os, socket, sys
from comptoir.actors.inspection.confinement import bound, lock
bound(1 << 30, 5)
held = lock()
def tried(what):
    try:
        what()
    except OSError as error:
        return type(error).__name__
    return "DONE"
for what in (
    lambda: socket.socket(), lambda: socket.socketpair(), lambda: os.open("/etc/passwd", os.O_RDONLY),
    lambda: os.open("PLACE", os.O_CREAT | os.O_WRONLY), lambda: os.unlink("PLACE"), lambda: os.mkdir("PLACE.d"),
    lambda: os.fork(), lambda: os.execv("/bin/true", ["true"]), lambda: os.kill(os.getppid(), 0),
    lambda: os.listdir("/"), lambda: os.stat("/etc/passwd"),
):
    sys.stdout.write(tried(what) + " ")
sys.stdout.write(",".join(held))
"""


def test_a_child_can_do_nothing_but_compute(tmp_path: Path) -> None:
    """S19: once it is locked it reaches no network, no file (not even to delete it), no other process. What holds is
    told, and on Linux all of it does.
    """
    place = tmp_path / "place"
    place.write_text("stays")
    done = subprocess.run(
        [sys.executable, "-I", "-c", PROBE.replace("PLACE", str(place))],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    *tried, held = done.stdout.split()
    assert len(tried) == 11
    assert "DONE" not in tried, tried
    assert {"limits", "descriptors", "syscalls"} <= set(held.split(","))
    assert place.read_text() == "stays"
    assert not (tmp_path / "place.d").exists()


def test_memory_and_time_are_bounds_that_hold() -> None:
    """S19: who wants more memory than the bound is told so by the kernel; who computes on is ended."""
    greedy = "from comptoir.actors.inspection.confinement import bound\nbound(1 << 28, 1)\n"
    memory = subprocess.run(
        [sys.executable, "-I", "-c", greedy + "bytearray(1 << 28)"], capture_output=True, check=False
    )  # fmt: skip
    assert b"MemoryError" in memory.stderr
    endless = subprocess.run(
        [sys.executable, "-I", "-c", greedy + "while True: pass"], capture_output=True, check=False
    )
    assert endless.returncode == -signal.SIGXCPU, "which says why"


FOLLOWS = """
import sys
from comptoir.actors.inspection.confinement import bound, follow_reader, lose_reader
bound(1 << 30, 5)
follow_reader()
print("ready", file=sys.stderr, flush=True)
sys.stdin.read()
lose_reader()
print("answer", flush=True)
"""
STARTS = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-I", "-c", sys.argv[1]], stdin=0, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
child.stderr.readline()
print(child.pid, flush=True)
child.wait()
"""


def test_a_child_outlives_the_thread_that_started_it() -> None:
    """S19: trio's threads end after ten seconds without work; what one of them has started goes on, and answers."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        child = subprocess.Popen(
            [sys.executable, "-I", "-c", FOLLOWS],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        started.append(child)
        assert child.stderr is not None
        assert child.stderr.readline() == b"ready\n"

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    answer, _ = started[0].communicate(timeout=60)
    assert (answer, started[0].returncode) == (b"answer\n", 0)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere its time ends it")
def test_a_child_ends_with_its_daemon() -> None:
    """ADR 0045: killed, a daemon leaves no child that goes on computing for nobody."""
    with subprocess.Popen(
        [sys.executable, "-I", "-c", STARTS, FOLLOWS], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as daemon:
        assert daemon.stdout is not None
        child = os.pidfd_open(int(daemon.stdout.readline()))
        daemon.kill()
        ended, _, _ = select.select([child], [], [], 60)
        assert ended, "its standard input is still open: nothing else ends it"
        os.close(child)


async def test_a_late_child_is_killed_and_the_next_is_looked_at() -> None:
    """S19: whoever takes longer than it may is a flag, and nothing of it is left."""
    hasty = Inspector(1, 0.01)
    report = await hasty.inspect(parts(jpeg()), task_of(LOOK))
    assert report.flags == ("INSPECTION_TOO_LONG",)
    patient = Inspector(1, 60.0)
    assert repr(patient) == "<Inspector 0 of 1 at work>"
    assert (await patient.inspect(parts(jpeg()), task_of(LOOK))).flags == ()


async def test_a_child_that_dies_or_raves_is_a_flag(monkeypatch: pytest.MonkeyPatch) -> None:
    """S19: killed, silent or talking nonsense, it never hurts its daemon; the digest is that of what it was given."""
    data = jpeg()
    for program in (
        "import os; os.abort()",
        "print('{}')",
        "import sys; sys.stdout.write('x' * 5000000)",
    ):
        monkeypatch.setattr(inspector, "_COMMAND", (sys.executable, "-I", "-S", "-c", program))
        report = await Inspector(1, 30.0).inspect(parts(data), Task())
        assert report.flags == ("INSPECTION_FAILED",), program
        assert report.sha256 == hashlib.sha256(data).hexdigest()


async def test_trouble_of_the_store_is_the_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    """design.md 6: a store that fails half way is not the document's fault: its error passes as it is, and the child
    is gone.
    """

    async def breaking() -> AsyncGenerator[bytes]:
        yield jpeg()[:100]
        raise ObjectsUnavailable

    monkeypatch.setattr(
        inspector, "_COMMAND", (sys.executable, "-I", "-S", "-c", "import sys; sys.stdin.read()")
    )
    with pytest.raises(ObjectsUnavailable):
        await Inspector(1, 30.0).inspect(breaking(), Task())


async def test_so_many_at_once_and_no_more(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """design.md 5: two places are taken by two, and the third waits for one of them."""
    program = (
        f"import os; open('{tmp_path}/' + str(os.getpid()), 'x'); import sys; sys.stdin.read()"
    )
    monkeypatch.setattr(inspector, "_COMMAND", (sys.executable, "-I", "-S", "-c", program))
    two, started, finish = Inspector(2, 30.0), trio.Event(), trio.Event()

    async def slow() -> AsyncGenerator[bytes]:
        yield b"x"
        started.set()
        await finish.wait()

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(two.inspect, slow(), Task())
        await started.wait()
        await trio.testing.wait_all_tasks_blocked()
        assert repr(two) == "<Inspector 2 of 2 at work>"
        finish.set()
    assert len(list(tmp_path.iterdir())) == 3


def test_the_daemon_holds_none_of_a_document() -> None:
    """S12: sixty megabytes pass to the child in parts; whoever passes them on does not grow by them."""
    block = os.urandom(1 << 20)

    async def large() -> AsyncGenerator[bytes]:
        for _ in range(60):
            yield block

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    report = trio.run(Inspector(1, 60.0).inspect, large(), task_of(LOOK))
    assert report.flags == ("TYPE_UNKNOWN",)
    assert report.sha256 == hashlib.sha256(block * 60).hexdigest()
    assert time.monotonic() - began < 60
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 200 << 20
