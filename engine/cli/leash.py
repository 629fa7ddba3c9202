"""A small program that ends the demo's children when the demo is gone, even by SIGKILL.

Rule: each child gets one SIGTERM and no more, because a second one would cut its graceful stop
short. That is why the kernel's own signal at a parent's death is not used: it comes once for every
thread that the parent had. Process ids come by line on standard input; its end is the demo's end.
Run as a file (`leash.py`), never imported by anything but its test.
Source: interface.md 2 (a second signal ends at once); pidfd_open(2); prctl(2), PR_SET_PDEATHSIG.
"""

import contextlib
import os
import signal
import sys
from typing import TextIO

__all__ = ["main"]


def main(ids: TextIO) -> None:
    """Hold each process as it is named; at the end of the names, end those that still run."""
    held: dict[int, int | None] = {}
    for line in ids:
        with contextlib.suppress(ProcessLookupError):
            held[int(line)] = _handle(int(line))
    for process, handle in held.items():
        with contextlib.suppress(ProcessLookupError):
            if handle is None:
                os.kill(process, signal.SIGTERM)
            else:
                signal.pidfd_send_signal(handle, signal.SIGTERM)


def _handle(process: int) -> int | None:
    """What stays true of a process when its id is given to another one; None where unknown."""
    return os.pidfd_open(process) if sys.platform == "linux" else None


if __name__ == "__main__":
    main(sys.stdin)
