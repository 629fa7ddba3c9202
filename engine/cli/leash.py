"""Runs a program that ends when the one who started it ends, even by SIGKILL.

Rule: the kernel tells it (Linux); nothing polls. On other systems the program is started as it is,
and only an orderly end of the parent ends it. Run as a file, never imported: `leash.py PARENT
PROGRAM ARGUMENTS...`, because it becomes the program.
Source: prctl(2), PR_SET_PDEATHSIG; execve(2) keeps it.
"""

import ctypes
import os
import signal
import sys

__all__ = ["main"]

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Ask for SIGTERM at the parent's end, then become the program."""
    parent, program, *rest = arguments
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != int(parent):
        sys.exit(1)  # it ended before the kernel knew that we want to hear of it
    os.execv(program, [program, *rest])  # noqa: S606  no shell is what is wanted


if __name__ == "__main__":
    main(sys.argv[1:])
