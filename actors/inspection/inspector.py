"""Have a document looked at by a child of its own, which may die of it.

The rule: a child is made for each document and lives no longer than its answer, its time or its caller; what it
is given passes through in parts, so that the daemon holds none of it; how it ends is a report in every case. So many
at once and no more. A daemon has its children forked (forkserver.py); where there is no such program, each is started by exec. Source: spec.md S19; docs/adr/0045-a-document-is-opened-in-a-cell.md.
"""

import hashlib
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import asynccontextmanager
from pathlib import PurePosixPath
from typing import Final, Protocol

import msgspec
import outcome
import trio

from comptoir.actors.hearing import hear
from comptoir.actors.inspection.forkserver import ENVIRONMENT, Forked, Forkserver
from comptoir.actors.inspection.report import LOOK, READ, Report, Task, failed_report

__all__ = ["Inspector", "task_of"]

ANSWER_BYTES_MAX: Final = 4 * 1024 * 1024
"""Three pages of text have some 15 KiB; a child that says more is not one of ours any longer."""
CPU_SECONDS_MAX: Final = {LOOK: 6, READ: 8}
"""Looking takes a fraction of a second, reading a page one or two; a hostile file is given up within ten, with the start
and the way of its bytes (issue 8). Whoever reads begins nothing more in the last 3.5 of them (reading.py)."""
SUFFIX_SIGNS_MAX: Final = 12
_COMMAND: Final = (sys.executable, "-I", "-m", "comptoir.actors.inspection.child")


class Digest(Protocol):
    """What counts the bytes on their way."""

    def update(self, data: bytes, /) -> None:
        """Take a part."""
        ...


def task_of(work: str, filename: str = "", declared_type: str = "") -> Task:
    """What a child is told of a document.

    Args:
        work: LOOK, or READ.
        filename: as its sender calls it: no more than its suffix goes on.
        declared_type: as its sender says.
    """
    suffix = PurePosixPath(filename).suffix.lower()[:SUFFIX_SIGNS_MAX]
    return Task(declared_type, suffix, work, cpu_seconds_max=CPU_SECONDS_MAX[work])


class Inspector:
    """Whoever has documents looked at."""

    def __init__(
        self, inspections_max: int, seconds_max: float, forkserver: Forkserver | None = None
    ) -> None:
        """Take so many at once, each for so long; forked there, or started by exec."""
        self._forkserver = forkserver
        self._places = trio.CapacityLimiter(inspections_max)
        self._seconds_max = seconds_max

    def __repr__(self) -> str:
        busy, most = self._places.borrowed_tokens, self._places.total_tokens
        return f"<Inspector {busy} of {most:g} at work>"

    async def inspect(self, parts: AsyncIterable[bytes], task: Task) -> Report:
        """Look at one document.

        Args:
            parts: its bytes; an error of theirs ends the child and is the caller's.
            task: what to look for, and the child's bounds.
        """
        async with self._places:
            digest = hashlib.sha256()
            answer, status = b"", None
            with trio.move_on_after(self._seconds_max) as within:
                async with _child_of(self._forkserver, task) as child:
                    answer, status = await _ask(child, parts, task, digest)
            if within.cancelled_caught or status == -signal.SIGXCPU:
                return failed_report("INSPECTION_TOO_LONG", digest.hexdigest())
            if status != 0:
                return failed_report("INSPECTION_FAILED", digest.hexdigest())
            try:
                return msgspec.json.decode(answer, type=Report)
            except msgspec.DecodeError:
                return failed_report("INSPECTION_FAILED", digest.hexdigest())


@asynccontextmanager
async def _child_of(
    forkserver: Forkserver | None, task: Task
) -> AsyncGenerator["trio.Process | Forked"]:
    """A child that waits for its task; whatever happens, none is left."""
    forked = None if forkserver is None else await forkserver.fork(task.work)
    if forked is not None:
        try:
            yield forked
        finally:
            await forked.end()
        return
    child = await trio.lowlevel.open_process(
        _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env=ENVIRONMENT, process_group=0,
    )  # fmt: skip
    try:
        yield child
    finally:
        with trio.CancelScope(shield=True):
            if child.returncode is None:
                child.kill()
                await child.wait()  # it has been killed: nothing can hold it up
            await _close(child)


async def _ask(
    child: trio.Process | Forked, parts: AsyncIterable[bytes], task: Task, digest: Digest
) -> tuple[bytes, int | None]:
    """Its answer, and how it ended; killed with its caller's patience."""
    answer = bytearray()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(hear, child, answer, ANSWER_BYTES_MAX)
        told = await outcome.acapture(_tell, child, parts, task, digest)
        if isinstance(told, outcome.Error):
            child.kill()
    told.unwrap()  # an error of the parts is the caller's as it is, in no group
    await child.wait()
    return bytes(answer), child.returncode


async def _tell(
    child: trio.Process | Forked, parts: AsyncIterable[bytes], task: Task, digest: Digest
) -> None:
    """Its task, and the document; a child that has ended reads no more, and the rest is only hashed."""
    assert child.stdin is not None
    deaf = False
    try:
        await child.stdin.send_all(msgspec.json.encode(task) + b"\n")
    except trio.BrokenResourceError:
        deaf = True
    async for part in parts:
        digest.update(part)
        if deaf:
            continue
        try:
            await child.stdin.send_all(part)
        except trio.BrokenResourceError:
            deaf = True
    await child.stdin.aclose()


async def _close(child: trio.Process) -> None:
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            await pipe.aclose()
