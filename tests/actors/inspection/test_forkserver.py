"""The program that forks children: one for each document, none left over, whoever is killed.

Source: spec.md S19; docs/adr/0064-children-are-forked-from-one-that-is-warm.md.
"""

import hashlib
import json
import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from comptoir.actors.inspection.forkserver import Forked, Forkserver
from comptoir.actors.inspection.inspector import Inspector, task_of
from comptoir.actors.inspection.report import LOOK, READ, Report, Task
from comptoir.engine.objects import ObjectsUnavailable
from tests.actors.inspection.hostile import BOMBS, jpeg, pdf_with

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="what /proc tells of, and the kernel's signal at a parent's end"
)


async def parts(data: bytes) -> AsyncGenerator[bytes]:
    """A document as it comes."""
    for at in range(0, len(data), 1 << 16):
        yield data[at : at + (1 << 16)]


async def looked(inspector: Inspector, data: bytes, work: str = LOOK) -> Report:
    """What is said of one document."""
    return await inspector.inspect(parts(data), task_of(work))


def stat_of(number: int) -> list[str]:
    """What stands behind a program's name: its state, its parent, its group, and so on."""
    return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()


def children_of(number: int) -> set[int]:
    """Those that are there."""
    return {int(x) for x in Path(f"/proc/{number}/task/{number}/children").read_text().split()}


def open_in(number: int) -> int:
    """Descriptors."""
    return len(list(Path(f"/proc/{number}/fd").iterdir()))


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what comes by itself within a moment."""
    with trio.fail_after(60):
        while not holds():  # noqa: ASYNC110  # of another program
            await trio.sleep(0.01)


def server_of(forkserver: Forkserver) -> int:
    """Its program's number."""
    assert forkserver.pid is not None
    return forkserver.pid


async def test_each_document_has_a_child_of_its_own_and_leaves_nothing() -> None:
    """ADR 0064: twenty documents, two at once: each is answered as by a child that was started by exec, locked by the same
    measures; afterwards there is one program, without a child, and neither it nor the daemon has a descriptor more.
    """
    forkserver = Forkserver()
    two = Inspector(2, 60.0, forkserver)
    data = pdf_with()
    alone = await looked(Inspector(1, 60.0), data, READ)
    assert alone.text == "SPECIMEN"
    assert await looked(two, data, READ) == alone
    assert {"limits", "descriptors", "syscalls"} <= set(alone.held)
    server = server_of(forkserver)
    assert repr(forkserver) == f"<Forkserver {server}>"
    before = (open_in(os.getpid()), open_in(server))
    found: list[Report] = []

    seen = await looked(Inspector(1, 60.0), data)

    async def one() -> None:
        found.append(await looked(two, data))

    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(one)
    assert found == [seen] * 20
    assert (open_in(os.getpid()), open_in(server)) == before
    assert (server_of(forkserver), children_of(server)) == (server, set())


async def test_a_bomb_ends_with_its_child_alone() -> None:
    """S19, issue 8: what ends a child that was forked is told as of any other, within its bounds that count from the fork, and
    the next document is looked at.
    """
    forkserver = Forkserver()
    one = Inspector(1, 60.0, forkserver)
    for name, bounds, flag in (
        ("flate", Task(memory_bytes_max=1 << 28), None),
        ("wide png", Task(memory_bytes_max=1 << 28), None),
        ("huge page", Task(cpu_seconds_max=0), "INSPECTION_TOO_LONG"),
        ("huge page", Task(memory_bytes_max=1 << 26), "INSPECTION_TOO_LARGE"),
    ):
        alone = (await Inspector(1, 60.0).inspect(parts(BOMBS[name]()), bounds)).flags
        report = await one.inspect(parts(BOMBS[name]()), bounds)
        assert report.flags == alone, name
        assert flag is None or flag in report.flags, (name, report.flags)
    assert (await looked(one, jpeg())).flags == ()
    assert children_of(server_of(forkserver)) == set()


def memory_of(number: int) -> Iterator[bytes]:
    """What a program could write, region by region."""
    with Path(f"/proc/{number}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{number}/maps").read_text().splitlines():
            where, rights = line.split()[:2]
            if rights.startswith("rw"):
                begins, ends = (int(x, 16) for x in where.split("-"))
                memory.seek(begins)
                yield memory.read(ends - begins)


async def test_a_document_finds_nothing_of_another() -> None:
    """ADR 0064: a child has what the program that forked it has, and that has none of a document's bytes: not in the whole of
    its memory, where a page of our own is found.
    """
    forkserver = Forkserver()
    mark = os.urandom(16)
    data = jpeg() + mark * 1000
    assert (await looked(Inspector(1, 60.0, forkserver), data, READ)).flags == ("TRAILING_DATA",)
    regions = list(memory_of(server_of(forkserver)))
    assert any(b"24 Tf 20 90 Td" in region for region in regions)
    assert not any(mark in region for region in regions)


async def held_child(forkserver: Forkserver) -> tuple[Forked, int]:
    """A child that waits for its task, and its number."""
    child = await forkserver.fork(LOOK)
    assert child is not None
    (number,) = children_of(server_of(forkserver))
    return child, number


async def test_a_child_has_its_pipes_and_is_locked_before_the_first_byte() -> None:
    """ADR 0064: two children wait for their documents: they have three descriptors, two of them pipes of their own: no socket of the
    program that forked them, and no pipe of each other's. They may call what a computation needs, and open nothing.
    """
    forkserver = Forkserver()
    both = [await forkserver.fork(LOOK), await forkserver.fork(LOOK)]
    pipes: list[str] = []
    for child in both:
        assert child is not None
        await child.stdin.send_all(msgspec.json.encode(Task()) + b"\n")
    for number in children_of(server_of(forkserver)):
        own = Path(f"/proc/{number}")
        await until(lambda own=own: "Seccomp:\t2" in (own / "status").read_text())  # type: ignore[misc]  # of this turn
        limits = (own / "limits").read_text()
        assert re.search(r"^Max open files +0 +0 ", limits, re.MULTILINE)
        assert re.search(r"^Max address space +1073741824 ", limits, re.MULTILINE)
        folder = own / "fd"
        assert {x.name for x in folder.iterdir()} == {"0", "1", "2"}
        pipes += [str((folder / name).readlink()) for name in "01"]
        assert str((folder / "2").readlink()) == os.devnull
    assert len(set(pipes)) == 4
    assert all(name.startswith("pipe:") for name in pipes)
    for child in both:
        assert child is not None
        await child.end()


async def test_what_ends_a_child_is_told_by_its_signal() -> None:
    """ADR 0064: killed from outside, by its time, by its caller: how it ended is what the kernel says, and it is buried."""
    forkserver = Forkserver()
    for kind in (signal.SIGKILL, signal.SIGXCPU):
        child, number = await held_child(forkserver)
        os.kill(number, kind)
        assert await child.wait() == -kind
        await child.end()
    child, number = await held_child(forkserver)
    ended = os.pidfd_open(number)
    await child.end()
    assert select.select([ended], [], [], 0)[0], "it is gone when `end` is over"
    os.close(ended)
    assert child.returncode == -signal.SIGKILL
    assert children_of(server_of(forkserver)) == set()


async def test_after_a_crash_the_next_is_forked_from_another() -> None:
    """ADR 0064: children of one program share its addresses; whoever crashes one to guess them has lost them."""
    forkserver = Forkserver()
    child, number = await held_child(forkserver)
    beside = await forkserver.fork(LOOK)
    assert beside is not None
    first = server_of(forkserver)
    os.kill(number, signal.SIGSEGV)
    assert await child.wait() == -signal.SIGSEGV
    assert (await looked(Inspector(1, 60.0, forkserver), jpeg())).flags == ()
    assert server_of(forkserver) != first
    assert stat_of(first)[0] != "Z", "it has a child yet"
    await beside.end()
    await child.end()
    await until(lambda: not Path(f"/proc/{first}").exists())


async def test_killed_between_documents_it_is_started_again() -> None:
    """ADR 0064: nobody notices."""
    forkserver = Forkserver()
    one = Inspector(1, 60.0, forkserver)
    assert (await looked(one, jpeg())).flags == ()
    first = server_of(forkserver)
    os.kill(first, signal.SIGKILL)
    assert (await looked(one, jpeg())).flags == ()
    assert server_of(forkserver) != first


async def test_killed_beside_a_document_it_takes_its_child_along() -> None:
    """ADR 0064: the document is one that ended its child, its digest that of its bytes, and no child is left."""
    forkserver = Forkserver()
    one = Inspector(1, 60.0, forkserver)
    data = jpeg()
    numbers: list[int] = []

    async def breaking() -> AsyncGenerator[bytes]:
        yield data[:100]
        server = server_of(forkserver)
        numbers.extend(os.pidfd_open(number) for number in children_of(server))
        os.kill(server, signal.SIGKILL)
        yield data[100:]

    report = await one.inspect(breaking(), Task())
    assert (report.flags, report.sha256) == (
        ("INSPECTION_FAILED",), hashlib.sha256(data).hexdigest()
    )  # fmt: skip
    assert len(numbers) == 1
    assert select.select(numbers, [], [], 60)[0] == numbers
    os.close(numbers[0])
    assert (await looked(one, data)).flags == ()


async def test_one_that_hangs_is_killed_and_the_document_is_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """ADR 0064: a program that answers nothing any more holds nobody up for ever."""
    monkeypatch.setattr("comptoir.actors.inspection.forkserver.END_SECONDS_MAX", 0.1)
    forkserver = Forkserver()
    assert (await looked(Inspector(1, 60.0, forkserver), jpeg())).flags == ()
    first = server_of(forkserver)
    os.kill(first, signal.SIGSTOP)
    late = await looked(Inspector(1, 0.1, forkserver), jpeg())
    assert late.flags == ("INSPECTION_TOO_LONG",)
    assert (await looked(Inspector(1, 60.0, forkserver), jpeg())).flags == ()
    assert server_of(forkserver) != first


async def test_where_none_can_be_had_a_document_is_looked_at_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """ADR 0064: by a child that is started by exec."""
    program = (sys.executable, "-I", "-S", "-c", "")
    monkeypatch.setattr("comptoir.actors.inspection.forkserver._PROGRAM", program)
    forkserver = Forkserver()
    assert (await looked(Inspector(1, 60.0, forkserver), jpeg())).flags == ()
    assert repr(forkserver) == "<Forkserver at rest>"


async def test_trouble_of_the_store_leaves_no_child() -> None:
    """design.md 6: an error of the parts is the caller's as it is, and the child is gone."""
    forkserver = Forkserver()

    async def breaking() -> AsyncGenerator[bytes]:
        yield jpeg()[:100]
        raise ObjectsUnavailable

    with pytest.raises(ObjectsUnavailable):
        await Inspector(1, 60.0, forkserver).inspect(breaking(), Task())
    assert children_of(server_of(forkserver)) == set()


async def test_it_ends_when_nobody_has_asked_for_a_while() -> None:
    """ADR 0064: its memory is given back, it is buried, and the next document has another."""
    forkserver = Forkserver(0.01)
    one = Inspector(1, 60.0, forkserver)
    assert (await looked(one, jpeg())).flags == ()
    await until(lambda: forkserver.pid is None)
    assert (await looked(one, jpeg())).flags == ()


DAEMON = """
import json, os, sys, trio
from pathlib import Path
from comptoir.actors.inspection.forkserver import Forkserver
async def main():
    forkserver = Forkserver()
    child = await forkserver.fork("look")
    server = forkserver.pid
    children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    print(json.dumps([server, *map(int, children)]), flush=True)
    await trio.sleep_forever()
trio.run(main)
"""


def test_a_daemon_that_is_killed_leaves_none() -> None:
    """ADR 0064: SIGKILL of the daemon ends the program that forks, and the child that it has forked."""
    with subprocess.Popen([sys.executable, "-I", "-c", DAEMON], stdout=subprocess.PIPE) as daemon:
        assert daemon.stdout is not None
        told: Any = json.loads(daemon.stdout.readline())
        ends = [os.pidfd_open(number) for number in told]
        assert len(ends) == 2
        daemon.kill()
        for end in ends:
            assert select.select([end], [], [], 60)[0]
            os.close(end)
