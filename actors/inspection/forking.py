"""The program that forks a child for each document: it has loaded all that they want, and sees none of their bytes.

The rule: it is started by exec at a daemon's first document, with no key, no file and no socket but the one to its daemon
(standard input). It looks at pages of our own, and then forks for each byte that it hears: the byte says whether reading is wanted,
and three descriptors come with it: where the document comes from, where its report goes, and a line on which the daemon
hears that there is a child, and then how it ended. A line that is closed kills its child. It ends with its daemon, after some
minutes without a document, after so many of them, and after one that crashed: the next one is forked from another, whose
addresses nobody can have guessed by crashing this one.
Source: docs/adr/0064-children-are-forked-from-one-that-is-warm.md; unix(7), SCM_RIGHTS; fork(2).
"""

import gc
import os
import select
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

from comptoir.actors.inspection.child import answer, warm
from comptoir.actors.inspection.confinement import NICE
from comptoir.actors.inspection.report import FORKED, READING
from comptoir.actors.priority import give_way

if TYPE_CHECKING:
    from comptoir.actors.inspection.reading import Reader

__all__ = ["main"]

DOCUMENTS_MAX: Final = 1000
"""Of one program; another costs a second."""
DESCRIPTORS: Final = 3
DESCRIPTORS_MAX: Final = 1 << 16
ORDERLY: Final = (signal.SIGXCPU, signal.SIGKILL, signal.SIGIO)
"""Ends by a bound, by the daemon's patience and by its end: no crash."""


def _wake(number: int, frame: object) -> None:
    """Nothing: the signal has been written to the socket that is waited for."""


@dataclass(slots=True)
class _Child:
    line: socket.socket
    killed: bool = False


class _Forkserver:
    """Its children, and what they are forked with."""

    def __init__(self, control: socket.socket, idle_seconds: float) -> None:
        self._control = control
        self._idle_seconds = idle_seconds
        self._children: dict[int, _Child] = {}
        self._left = DOCUMENTS_MAX
        self._reader: Reader | None = None
        self._woken, waker = socket.socketpair()
        for end in (self._woken, waker):
            end.setblocking(False)
        self._waker = waker
        signal.signal(signal.SIGCHLD, _wake)
        signal.set_wakeup_fd(waker.fileno())

    def serve(self) -> None:
        """Fork until nobody asks any more, and bury the last child."""
        asked = True
        while asked or self._children:
            lines = [child.line for child in self._children.values() if not child.killed]
            heard = [self._woken, *lines, *([self._control] if asked else [])]
            wait = None if self._children else self._idle_seconds
            ready, _, _ = select.select(heard, [], [], wait)
            self._kill(ready)
            crashed = self._bury()
            if self._control in ready and not self._hear():
                for child in self._children.values():
                    child.line.shutdown(socket.SHUT_RD)  # the daemon is gone: as if it had hung up
                asked = False
            elif crashed or not ready or self._left == 0:
                asked = False
            if not asked:
                self._control.close()  # what waits in it is asked of the next one

    def _kill(self, ready: list[socket.socket]) -> None:
        """Kill the children whose lines were closed; nobody but this program buries them, so that a number is theirs."""
        for number, child in self._children.items():
            if child.line in ready and not child.killed:
                child.killed = True
                os.kill(number, signal.SIGKILL)

    def _bury(self) -> bool:
        """Tell how children ended; whether one of them crashed."""
        with suppress(BlockingIOError):
            self._woken.recv(4096)
        crashed = False
        for number, child in list(self._children.items()):
            ended, status = os.waitpid(number, os.WNOHANG)
            if not ended:
                continue
            code = os.waitstatus_to_exitcode(status)
            crashed = crashed or (code < 0 and -code not in ORDERLY)
            with suppress(OSError):
                child.line.send(b"%d" % code)
            child.line.close()
            del self._children[number]
        return crashed

    def _hear(self) -> bool:
        """Fork for what was asked; False: there is nobody who asks."""
        work, handed, _, _ = socket.recv_fds(self._control, 1, DESCRIPTORS)
        if not work:
            return False
        if work == READING and self._reader is None:
            from comptoir.actors.inspection.reading import Reader

            self._reader = Reader()
            warm(self._reader)
            gc.freeze()
        if len(handed) == DESCRIPTORS:
            self._left -= 1
            self._fork(handed[0], handed[1], socket.socket(fileno=handed[2]))
        for descriptor in handed[:2]:
            os.close(descriptor)
        return True

    def _fork(self, source: int, sink: int, line: socket.socket) -> None:
        parent = os.getpid()
        try:
            child = os.fork()
        except OSError:  # no room for it: the daemon is told by the end of the line
            line.close()
            return
        if child == 0:
            self._be_child(source, sink, parent)
        self._children[child] = _Child(line)
        with suppress(OSError):
            line.send(FORKED)

    def _be_child(self, source: int, sink: int, parent: int) -> NoReturn:
        """Have nothing of this program but what it has loaded; answer, and end."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.dup2(source, 0)
            os.dup2(sink, 1)
            os.closerange(3, DESCRIPTORS_MAX)
            answer(self._reader, parent)
            code = 0
        finally:
            os._exit(code)


def main() -> None:
    """Serve the daemon at standard input."""
    give_way(nice=NICE)
    warm(None)
    gc.freeze()
    _Forkserver(socket.socket(fileno=0), float(sys.argv[1])).serve()


if __name__ == "__main__":
    main()
