"""Has PDFs drawn by a program of its own, so that nobody else waits for them.

The rule: the daemon's loop does no more than hand texts over and take bytes back. One is drawn at a time, at a
lower priority than the daemon; a bounded number waits; and one that takes too long is ended. The program gets
none of our variables, for there are secrets among them.
Source: design.md 2 (nothing synchronous takes over a millisecond); S62.
"""

import os
import sys
from subprocess import CalledProcessError
from typing import Final

import msgspec
import trio

from comptoir.http.statement_pdf import Sheet

__all__ = ["PDF", "DrawingBusy", "Studio"]

PDF: Final = "application/pdf"
PROGRAM: Final = (sys.executable, "-I", "-m", "comptoir.http.statement_pdf")
"""`-I`: no folder or variable of ours changes what it imports."""
KEPT: Final = ("PATH", "LANG", "TZDIR")


class DrawingBusy(Exception):
    """Too many wait already, or it took too long: it can be asked for again."""


class Studio:
    """Where they are drawn, one after the other."""

    def __init__(self) -> None:
        self._turn = trio.Lock()

    async def draw(self, sheet: Sheet, seconds_max: float, waiting_max: int) -> bytes:
        """A sheet as PDF.

        Args:
            sheet: what is drawn.
            seconds_max: for the drawing, from its beginning.
            waiting_max: others that may wait for theirs.

        Raises:
            DrawingBusy: see there.
        """
        if self._turn.statistics().tasks_waiting >= waiting_max:
            raise DrawingBusy
        text = msgspec.json.encode(sheet)
        async with self._turn:
            with trio.move_on_after(seconds_max):
                return await _drawn(text)
        raise DrawingBusy

    def __repr__(self) -> str:
        return f"<Studio {self._turn.statistics().tasks_waiting} waiting>"


async def _drawn(sheet: bytes) -> bytes:
    """Run the program; if we are cancelled, it is ended.

    Raises:
        AssertionError: it failed, which is an error of ours.
    """
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    try:
        done = await trio.run_process(
            PROGRAM, stdin=sheet, capture_stdout=True, capture_stderr=True, env=kept
        )
    except CalledProcessError as error:
        raise AssertionError(f"the drawing ended with status {error.returncode}") from None
    return bytes(done.stdout)
