"""The daemon's side of the program that forks children: started at the first document, and again when it is gone.

The rule: there is one for each daemon; whatever becomes of it, a document has a child of its own, by exec if need be
(inspector.py). A child that is killed is one whose line was closed; it is buried when the line says how it ended. A program that
does not bury in its time is killed itself, and its children end with it.
Source: docs/adr/0064-children-are-forked-from-one-that-is-warm.md; forking.py.
"""

import array
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from typing import Final

import trio

from comptoir.actors.inspection.report import FORKED, LOOKING, READ, READING

__all__ = ["ENVIRONMENT", "Forked", "Forkserver"]

ENVIRONMENT: Final = {"OMP_THREAD_LIMIT": "1", "PATH": os.defpath, "LC_ALL": "C.UTF-8"}
"""Of whoever opens documents: one thread, which is also what makes it fit to be forked."""
IDLE_SECONDS: Final = 300.0
"""Clients upload their documents within some minutes of each other; its memory is given back after them."""
START_SECONDS_MAX: Final = 30.0
"""It takes one to two of a processor, which it has to itself or not."""
END_SECONDS_MAX: Final = 10.0
"""Killing takes milliseconds, unless languages are being loaded, which takes one."""
TRIES: Final = 2
"""The first may meet one that is just ending."""
_PROGRAM: Final = (sys.executable, "-I", "-m", "comptoir.actors.inspection.forking")


class Forked:
    """One child, as `trio.Process` shows one."""

    def __init__(self, server: trio.Process, line: trio.socket.SocketType) -> None:
        """Hear of it on its line.

        Args:
            server: who forks it.
            line: where it says so, and how the child ended.
        """
        self._server = server
        self._line = line
        source, give = os.pipe()
        try:
            take, sink = os.pipe()
        except OSError:  # no descriptor is left: what was had goes back
            os.close(source)
            os.close(give)
            raise
        self.theirs: tuple[int, ...] = (source, sink)
        self.stdin = trio.lowlevel.FdStream(give)
        self.stdout = trio.lowlevel.FdStream(take)
        self.returncode: int | None = None

    def release(self) -> None:
        """Close the child's ends here: it has its own."""
        for descriptor in self.theirs:
            os.close(descriptor)
        self.theirs = ()

    def kill(self) -> None:
        """Have it killed."""
        with suppress(OSError):
            self._line.shutdown(socket.SHUT_WR)

    async def wait(self) -> int:
        """Until it has ended: how; as one that was killed where nobody can say."""
        if self.returncode is None:
            told = b""
            with suppress(OSError):
                while part := await self._line.recv(16):
                    told += part
            self.returncode = int(told.lstrip(FORKED) or -signal.SIGKILL)
        return self.returncode

    async def end(self) -> None:
        """Kill it if it is still there, wait for its end, and close everything."""
        with trio.CancelScope(shield=True):
            if self.returncode is None:
                self.kill()
                with trio.move_on_after(END_SECONDS_MAX) as patience:
                    await self.wait()
                if patience.cancelled_caught:
                    self._server.kill()
            self.discard()
            await self.stdin.aclose()
            await self.stdout.aclose()

    def discard(self) -> None:
        """Hang up: a child that is there is killed."""
        self.release()
        self._line.close()


class Forkserver:
    """Whoever has children forked, one for each document."""

    def __init__(self, idle_seconds: float = IDLE_SECONDS) -> None:
        """Have it end when it had nothing to do for so long."""
        self._idle_seconds = idle_seconds
        self._starting = trio.Lock()
        self._server: trio.Process | None = None
        self._control: trio.socket.SocketType | None = None

    def __repr__(self) -> str:
        return f"<Forkserver {self.pid or 'at rest'}>"

    @property
    def pid(self) -> int | None:
        """Of the program, while there is one."""
        return None if self._server is None else self._server.pid

    async def fork(self, work: str) -> Forked | None:
        """A child that waits for its task; None: there is none to be had.

        Args:
            work: LOOK, or READ.
        """
        for _ in range(TRIES):
            with trio.move_on_after(START_SECONDS_MAX) as patience:
                child = await self._try_fork(READING if work == READ else LOOKING)
                if child is not None:
                    return child
            if patience.cancelled_caught and self._server is not None:
                self._server.kill()
        return None

    async def _try_fork(self, work: bytes) -> Forked | None:
        server, control = await self._open()
        ours, theirs = trio.socket.socketpair()
        child = Forked(server, ours)
        try:
            handed = array.array("i", (*child.theirs, theirs.fileno()))
            await control.sendmsg([work], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, handed)])
            theirs.close()
            child.release()
            if await ours.recv(1) == FORKED:
                return child
        except OSError:  # it has just ended
            pass
        except BaseException:
            await child.end()
            raise
        finally:
            theirs.close()
        self._forget(server)
        await child.end()
        return None

    async def _open(self) -> tuple[trio.Process, trio.socket.SocketType]:
        async with self._starting:
            if self._server is None or self._control is None:
                ours, theirs = trio.socket.socketpair()
                with theirs:
                    self._server = await trio.lowlevel.open_process(
                        (*_PROGRAM, str(self._idle_seconds)), stdin=theirs.fileno(),
                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT,
                        process_group=0,
                    )  # fmt: skip
                self._control = ours
                trio.lowlevel.spawn_system_task(self._bury, self._server, ours)
            return self._server, self._control

    def _forget(self, server: trio.Process) -> None:
        """Ask no more of it: the next one is another's."""
        if self._server is server:
            self._server = self._control = None

    async def _bury(self, server: trio.Process, control: trio.socket.SocketType) -> None:
        """Until it has ended, by itself or with this loop, in its nursery of the system."""
        try:
            await server.wait()
        finally:
            self._forget(server)
            control.close()
            with trio.CancelScope(shield=True):
                with trio.move_on_after(END_SECONDS_MAX):
                    await server.wait()
                if server.returncode is None:
                    server.kill()
                    await server.wait()
