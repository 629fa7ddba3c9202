"""A proxy between a daemon and its PostgreSQL that can stop the world at one statement.

It understands just enough of the protocol: on the way there the messages that send a statement (Parse
names it, Bind or Query sends it), on the way back ReadyForQuery. A *trap* catches the first statement
that it was set for and holds it; then it is let through, let through with its answer withheld, or its
connection is cut. Whatever passes is written down: the log of what the daemon really sent.

Rule: it never guesses by time; each of its waits is for an event, and bounded.
Source: PostgreSQL manual, "Frontend/Backend Protocol", "Message Formats"; issue 3, deliver 2.
"""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

WAIT_SECONDS_MAX = 20.0
"""For anything that must happen; a passing test waits for milliseconds, and for a take-over 6 to 8 s."""
PIECE_BYTES = 65_536
SOCKET_NAME = ".s.PGSQL.5432"

Wanted = Callable[[str, str], bool]
"""(statement, application name) -> whether to catch it."""


@dataclass
class Trap:
    """Waits for one statement, and holds it."""

    wanted: Wanted
    caught: threading.Event = field(default_factory=threading.Event)
    answered: threading.Event = field(default_factory=threading.Event)
    """The answer has come, and is withheld; or who had asked has hung up, and gets none in any case."""
    _go: threading.Event = field(default_factory=threading.Event)
    _withhold: bool = False
    _wire: "_Wire | None" = None

    def wait_caught(self, instead: Callable[[], str] = str) -> None:
        """Return when the statement has come; it is not sent on yet. `instead` says what came of it."""
        assert self.caught.wait(WAIT_SECONDS_MAX), f"the statement was not sent: {instead()}"

    def forward(self, *, withholding: bool = False) -> None:
        """Let it through; its answer as well, unless it is to be withheld."""
        self._withhold = withholding
        self._go.set()

    def wait_answered(self) -> None:
        """Return when the answer is here that the daemon does not get."""
        assert self.answered.wait(WAIT_SECONDS_MAX), "the database does not answer"

    def cut(self) -> None:
        """End its connection on both sides; what is withheld or not sent yet is lost."""
        assert self._wire is not None
        self._wire.close()
        self._go.set()

    def spring(self, wire: "_Wire") -> bool:
        """Hold the statement of this connection; whether it may go on. For the proxy."""
        self._wire = wire
        self.caught.set()
        self._go.wait(3 * WAIT_SECONDS_MAX)
        if self._withhold:
            wire.withheld_by = self
        return not wire.closed


class Proxy:
    """Listens on a socket folder of its own, in front of a server's."""

    def __init__(self, folder: Path, server: Path) -> None:
        """Put the socket into `folder`, and connect to the server of the socket folder `server`."""
        self._server = server / SOCKET_NAME
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(folder / SOCKET_NAME))
        self._socket.listen(64)
        self._lock = threading.Lock()
        self._traps: list[Trap] = []
        self._wires: list[_Wire] = []
        self.seen: dict[tuple[str, str], int] = {}
        """(statement, application name) -> how often it was sent."""
        self._acceptor = threading.Thread(target=self._accept, name="proxy")
        self._acceptor.start()

    def __enter__(self) -> "Proxy":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.cut_all()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._acceptor.join(WAIT_SECONDS_MAX)
        self._socket.close()

    def set_trap(self, wanted: Wanted) -> Trap:
        """Catch the next statement that is wanted."""
        trap = Trap(wanted)
        with self._lock:
            self._traps.append(trap)
        return trap

    def cut_all(self) -> None:
        """End every connection, and forget every trap."""
        with self._lock:
            wires, traps = list(self._wires), list(self._traps)
            self._traps.clear()
        for wire in wires:
            wire.close()
        for trap in traps:
            trap.forward()
        for wire in wires:
            wire.join()

    def pass_on(self, wire: "_Wire", sql: str) -> bool:
        """A statement comes by: note it, hold it if it is wanted; whether it may go on."""
        key = (sql, wire.application)
        with self._lock:
            self.seen[key] = self.seen.get(key, 0) + 1
            caught = next((trap for trap in self._traps if trap.wanted(*key)), None)
            if caught is not None:
                self._traps.remove(caught)
        return True if caught is None else caught.spring(wire)

    def forget(self, wire: "_Wire") -> None:
        """A connection has ended."""
        with self._lock:
            if wire in self._wires:
                self._wires.remove(wire)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._socket.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            try:
                far.connect(str(self._server))
            except OSError:
                near.close()
                far.close()
                continue
            wire = _Wire(self, near, far)
            with self._lock:
                self._wires.append(wire)
            wire.start()


class _Wire:
    """One connection: two sockets, and a thread for each direction."""

    def __init__(self, proxy: Proxy, near: socket.socket, far: socket.socket) -> None:
        self._proxy = proxy
        self._near = near
        self._far = far
        self._statements: dict[bytes, str] = {}
        self._threads = [
            threading.Thread(target=self._run, args=(work,), name="proxy wire", daemon=True)
            for work in (self._there, self._back)
        ]
        self._ending = threading.Lock()
        self._ended = 0
        self.application = ""
        self.withheld_by: Trap | None = None
        self.closed = False

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(WAIT_SECONDS_MAX)

    def close(self) -> None:
        """Hang up on both sides, as a network that breaks."""
        self.closed = True
        for end in (self._near, self._far):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _run(self, work: Callable[[], None]) -> None:
        with contextlib.suppress(OSError, _Over):
            work()
        self.close()
        with self._ending:
            self._ended += 1
            if self._ended == 2:
                self._near.close()
                self._far.close()
                self._proxy.forget(self)

    def _there(self) -> None:
        (size,) = struct.unpack("!I", _read(self._near, 4))
        body = _read(self._near, size - 4)
        words = body[4:].split(b"\0")
        if b"application_name" in words:
            self.application = words[words.index(b"application_name") + 1].decode()
        self._far.sendall(struct.pack("!I", size) + body)
        while True:
            head = self._asked()
            body = _read(self._near, struct.unpack("!I", head[1:])[0] - 4)
            sql = self._statement(head[:1], body)
            if sql is not None and not self._proxy.pass_on(self, sql):
                return
            self._far.sendall(head + body)

    def _asked(self) -> bytes:
        """The head of the daemon's next message.

        A standby hangs up when the lock comes before the answer that its holder is ended: there is no
        answer to be waited for then.
        """
        try:
            return _read(self._near, 5)
        except (OSError, _Over):
            if self.withheld_by is not None and not self.closed:
                self.withheld_by.answered.set()
            raise

    def _statement(self, kind: bytes, body: bytes) -> str | None:
        """What a message sends to be executed, if anything."""
        if kind == b"Q":
            return body[:-1].decode()
        if kind == b"P":
            name, sql, _ = body.split(b"\0", 2)
            self._statements[name] = sql.decode()
        elif kind == b"B":
            return self._statements[body.split(b"\0", 2)[1]]
        return None

    def _back(self) -> None:
        while True:
            head = _read(self._far, 5)
            body = _read(self._far, struct.unpack("!I", head[1:])[0] - 4)
            if self.withheld_by is None:
                self._near.sendall(head + body)
            elif head[:1] == b"Z":
                self.withheld_by.answered.set()


class _Over(Exception):
    """The other side has hung up."""


def _read(source: socket.socket, size: int) -> bytes:
    """Exactly so many bytes."""
    pieces: list[bytes] = []
    while size:
        piece = source.recv(min(size, PIECE_BYTES))
        if not piece:
            raise _Over
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)
