"""What a child of the daemon says on its standard output, heard up to a bound.

The rule: nobody reads before there is something. A read of an empty pipe is a signal to a child that follows its reader
(confinement.py), as the reader's end is: a daemon that came late to its first read ended a child that was at work.
Source: fcntl(2), O_ASYNC; pipe(7).
"""

from typing import Final, Protocol

import trio

__all__ = ["Heard", "hear"]

PART_BYTES: Final = 64 * 1024


class Heard(Protocol):
    """A child, as `trio.Process` shows one."""

    @property
    def stdout(self) -> trio.abc.ReceiveStream | None:
        """Where it speaks: a pipe."""
        ...

    def kill(self) -> None:
        """End it."""
        ...


async def hear(child: Heard, answer: bytearray, bytes_max: int) -> None:
    """Collect what it says until it has ended.

    Args:
        child: whose standard output is a pipe.
        answer: what it said so far.
        bytes_max: one that says more is killed.
    """
    stream = child.stdout
    assert isinstance(stream, trio.lowlevel.FdStream)
    await trio.lowlevel.wait_readable(stream.fileno())
    while part := await stream.receive_some(PART_BYTES):
        if len(answer) + len(part) > bytes_max:
            child.kill()
            return
        answer += part
