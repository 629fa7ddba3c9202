"""Has contracts drawn, sealed and verified, each by a program of its own, so that nobody else waits for them.

The rule: the daemon's loop does no more than hand bytes over and take bytes back; so many at once and no more; one that
takes too long is ended, and so is one whose caller has gone; what it says is bounded; none gets our variables.
Source: design.md 2 (nothing synchronous takes over a millisecond); spec.md S28, S62; docs/adr/0052.
"""

import os
import subprocess
import sys
from typing import Final, Literal

import msgspec
import trio

from comptoir.actors.hearing import hear
from comptoir.actors.signature.sheet import Drawn, Seal, Sealed, Sheet, Verdict

__all__ = ["Studio", "StudioFailed"]

Work = Literal["drawing", "sealing", "verifying"]
KEPT: Final = ("PATH", "LANG", "TZDIR", "SSL_CERT_FILE")
ANSWER_BYTES_MAX: Final = 128 * 1024 * 1024
BUSY: Final = "STUDIO_BUSY"
TOO_LONG: Final = "STUDIO_TOO_LONG"
FAILED: Final = "STUDIO_FAILED"


class StudioFailed(Exception):
    """There is no answer: why, as a stable code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
        self.retryable = code != FAILED
        """Whether the same may come to something another time."""


class Studio:
    """Who has it done; so many at once."""

    def __init__(self, works_max: int, waiting_max: int, seconds_max: float) -> None:
        """Take so many at once, let so many wait, and each take so long."""
        self._places = trio.CapacityLimiter(works_max)
        self._waiting_max = waiting_max
        self._seconds_max = seconds_max

    def __repr__(self) -> str:
        busy, most = self._places.borrowed_tokens, self._places.total_tokens
        return f"<Studio {busy} of {most:g} at work>"

    async def draw(self, sheet: Sheet) -> Drawn:
        """A contract as PDF.

        Raises:
            StudioFailed: see there; so of the others.
        """
        return msgspec.msgpack.decode(
            await self._have("drawing", msgspec.json.encode(sheet)), type=Drawn
        )

    async def seal(self, seal: Seal) -> Sealed:
        """A contract, sealed for the long term; or why it could not be."""
        return msgspec.msgpack.decode(
            await self._have("sealing", msgspec.msgpack.encode(seal)), type=Sealed
        )

    async def verify(
        self, pdf: bytes, roots: tuple[bytes, ...], at: int, stamp_roots: tuple[bytes, ...] = ()
    ) -> Verdict:
        """What is to be said of the signatures of a PDF.

        Args:
            pdf: anybody's bytes.
            roots: certificates that signers must lead to, in DER; time stamps may.
            at: the time at which it is asked, ms since 1970.
            stamp_roots: further ones that time stamps may lead to, and no signer.
        """
        task = msgspec.msgpack.encode((roots, stamp_roots, at, pdf))
        return msgspec.msgpack.decode(await self._have("verifying", task), type=Verdict)

    async def _have(self, work: Work, task: bytes) -> bytes:
        if self._places.statistics().tasks_waiting >= self._waiting_max:
            raise StudioFailed(BUSY)
        async with self._places:
            with trio.move_on_after(self._seconds_max):
                return await _run(work, task)
        raise StudioFailed(TOO_LONG)


async def _run(work: Work, task: bytes) -> bytes:
    """Run the program; it is killed with its caller's patience."""
    child = await trio.lowlevel.open_process(
        (sys.executable, "-I", "-m", f"comptoir.actors.signature.{work}"),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, process_group=0,
        env={name: os.environ[name] for name in KEPT if name in os.environ},
    )  # fmt: skip
    answer = bytearray()
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_tell, child, task)
            nursery.start_soon(hear, child, answer, ANSWER_BYTES_MAX)
        await child.wait()
    finally:
        if child.returncode is None:
            child.kill()
        with trio.CancelScope(shield=True):  # it has ended or been killed: nothing can hold it up
            await child.wait()
            for pipe in (child.stdin, child.stdout):
                if pipe is not None:
                    await pipe.aclose()
    if child.returncode != 0:
        raise StudioFailed(FAILED)
    return bytes(answer)


async def _tell(child: trio.Process, task: bytes) -> None:
    assert child.stdin is not None
    try:
        await child.stdin.send_all(task)
    except trio.BrokenResourceError:
        return  # it has ended; how, its status says
    await child.stdin.aclose()
