"""A child is heard, however late its daemon comes to it, and no further than it may speak. Source: design.md 5; spec.md S19."""

import subprocess
import sys

import trio

from comptoir.actors.hearing import hear

FOLLOWS = """
import sys
from comptoir.actors.inspection.confinement import follow_reader, lose_reader
follow_reader()
print("ready", file=sys.stderr, flush=True)
sys.stdin.read()
lose_reader()
print("answer", flush=True)
"""


async def _started(program: str) -> trio.Process:
    return await trio.lowlevel.open_process(
        [sys.executable, "-I", "-c", program],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


async def _closed(child: trio.Process) -> None:
    for stream in (child.stdin, child.stdout, child.stderr):
        if stream is not None:
            await stream.aclose()


async def test_whoever_listens_late_ends_no_child() -> None:
    """S19, S28: a daemon that has much to do comes to hear its child when that is long at work: it answers all the same."""
    child = await _started(FOLLOWS)
    assert child.stdin is not None
    assert child.stderr is not None
    assert await child.stderr.receive_some() == b"ready\n"
    answer = bytearray()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(hear, child, answer, 100)
        await trio.testing.wait_all_tasks_blocked()
        await child.stdin.aclose()
    assert (await child.wait(), bytes(answer)) == (0, b"answer\n")
    await _closed(child)


async def test_who_says_too_much_is_ended() -> None:
    """Design.md 5: what a child says is bounded, and so is what is kept of it."""
    child = await _started("import sys\nwhile True: sys.stdout.write('x' * 1000)")
    answer = bytearray()
    await hear(child, answer, 100_000)
    assert await child.wait() != 0
    assert len(answer) <= 100_000
    await _closed(child)
