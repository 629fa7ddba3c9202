"""Programs of ours that are forked from one that has imported them, so that a start costs no imports.

Most of what a test that starts a daemon waits for is Python reading modules. One process for each test
session reads them once and is forked for every program that is asked for. The fork is a process of its
own in every respect (its id, its signals, its memory, its environment, its folder) and runs the very
function that the installed command runs; it only had its modules read for it.

Rules:
- whoever asks gets what `subprocess.Popen` would have given, as far as `Child` says;
- the process that is forked never has a thread, an open file of a program's, or a loop;
- it ends when the session that asked for it does, however that ends.
"""

import atexit
import functools
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path
from types import FrameType
from typing import IO, Any, NamedTuple

__all__ = ["PROGRAMS", "Child", "Watchdog", "fork_program", "start_once"]

PROGRAMS = {
    "comptoir": "comptoir.engine.cli:main",
    "comptoir-sandbox": "comptoir.sandbox.cli:main",
}
READ_BEFORE = (
    "comptoir.engine.boot",
    "comptoir.engine.boot.serving",
    "comptoir.engine.cli.checking",
    "comptoir.engine.cli.clients",
    "comptoir.engine.cli.databases",
    "comptoir.engine.cli.entry",
    "comptoir.engine.cli.importing",
    "comptoir.engine.cli.keys",
    "comptoir.engine.cli.letters",
    "comptoir.engine.cli.matching",
    "comptoir.engine.cli.running",
    "comptoir.engine.cli.staff",
    "comptoir.engine.cli.tokens",
    "comptoir.engine.cli.upkeep",
    "comptoir.sandbox.app",
    "comptoir.sandbox.cli",
    "comptoir.storage.migrations",
    "encodings.idna",
    "hypercorn.trio",
    "pydantic.plugin._loader",
    "typer._adapters",
    "typer._click.decorators",
    "typer.rich_utils",
)
ORDER_BYTES_MAX = 1 << 20
FILES = 4
"""That come with an order: the three standard files, and where its end is told."""


class Child:
    """A program that was forked: what a test needs of `subprocess.Popen`."""

    def __init__(self, pid: int, stdout: IO[bytes], end: int) -> None:
        self.pid = pid
        self.stdout = stdout
        self._end = end
        self._status: int | None = None

    def __del__(self) -> None:
        self.stdout.close()  # of a test that failed before it read to the end: told by its failure
        if self._end >= 0:
            os.close(self._end)

    def poll(self) -> int | None:
        """The exit status (negative: the signal), or None while it runs."""
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end.

        Raises:
            subprocess.TimeoutExpired: it did not end within `timeout` seconds.
        """
        status = self._look(timeout)
        if status is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
        return status

    def send_signal(self, number: int) -> None:
        """Any signal; none once it has ended, whose id may be another's by now."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def _look(self, seconds: float | None) -> int | None:
        if self._status is None:
            with selectors.DefaultSelector() as selector:
                selector.register(self._end, selectors.EVENT_READ)
                if selector.select(seconds):
                    told = os.read(self._end, 16)
                    # Nothing is told only if the process that is forked was killed itself.
                    self._status = int(told) if told else -signal.SIGKILL
                    os.close(self._end)
                    self._end = -1
        return self._status


class Watchdog:
    """Kills a child that does not become ready, so that reading its ready line ends."""

    def __init__(self, child: "subprocess.Popen[bytes] | Child", seconds: float) -> None:
        """Begin to wait."""
        self._timer = threading.Timer(seconds, child.kill)
        self._timer.daemon = True
        self._timer.start()

    def cancel(self) -> None:
        """It has become ready."""
        self._timer.cancel()


def fork_program(
    command: list[str],
    env: Mapping[str, str],
    folder: Path,
    stderr: int,
    stdin: int | None = None,
) -> Child:
    """Start one of `PROGRAMS`, whose name the first word ends with, or a program of a test's, a Python file, in a folder.

    Its standard output is a pipe; its standard input, unless a file is given, is empty.
    """
    order = {"command": command, "env": dict(env), "folder": str(folder)}
    if stdin is not None:
        return _server().fork(order, stdin, stderr)
    with Path(os.devnull).open("rb") as nothing:
        return _server().fork(order, nothing.fileno(), stderr)


class _Server:
    """The process that is forked, as this one sees it."""

    def __init__(self) -> None:
        # Of whole messages: an order and its files stay together.
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for side in (self._channel, theirs):
            side.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ORDER_BYTES_MAX)
        self._lock = threading.Lock()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  # this very module
                [sys.executable, "-P", "-m", __name__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        atexit.register(self.end)

    def fork(self, order: dict[str, Any], stdin: int, stderr: int) -> Child:
        """Have a program started."""
        out, their_out = os.pipe()
        end, their_end = os.pipe()
        try:
            with self._lock:
                said = json.dumps(order).encode()
                socket.send_fds(self._channel, [said], [stdin, their_out, stderr, their_end])
                answer = self._channel.recv(64)
        finally:
            os.close(their_out)
            os.close(their_end)
        assert answer, "the process that is forked has ended"
        return Child(int(answer), os.fdopen(out, "rb"), end)

    def end(self) -> None:
        """It ends; what was forked from it and still runs goes on."""
        self._channel.close()
        self._process.wait()


@functools.cache
def _server() -> _Server:
    return _Server()


# What follows runs in the process that is forked, and in its forks.


def _wake_up(number: int, frame: FrameType | None) -> None:
    """The handler without which the wake-up file would not be written to."""


class _Order(NamedTuple):
    """A program to start, as it came over the channel."""

    what: dict[str, Any]
    files: list[int]


class _Nursery:
    """Takes orders, forks, and tells of ends, until the channel is closed."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._ends: dict[int, int] = {}
        """Where the end of each is told, by process id."""
        self._woken, self._wake = socket.socketpair()
        for side in (self._woken, self._wake):
            side.setblocking(False)
        signal.set_wakeup_fd(self._wake.fileno())
        signal.signal(signal.SIGCHLD, _wake_up)

    def run(self) -> _Order | None:
        """Serve; an order in the fork that is to carry it out, None where all is over."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._channel, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while True:
                ready = [key.fileobj for key, _ in selector.select()]
                if self._woken in ready:
                    self._woken.recv(1024)
                    self._reap()
                if self._channel not in ready:
                    continue
                said, files, _, _ = socket.recv_fds(self._channel, ORDER_BYTES_MAX, FILES)
                if not said:
                    return None
                if self._fork(files[-1]):
                    return _Order(json.loads(said), files)
                for file in files[:-1]:
                    os.close(file)

    def _fork(self, end: int) -> bool:
        """Fork; whether this is the fork."""
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            for side in (self._channel, self._woken, self._wake):
                side.close()
            for other in (*self._ends.values(), end):
                os.close(other)
            return True
        self._ends[pid] = end
        self._channel.send(str(pid).encode())
        return False

    def _reap(self) -> None:
        """Tell of those that have ended."""
        while self._ends:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            end = self._ends.pop(pid)
            try:
                os.write(end, str(os.waitstatus_to_exitcode(status)).encode())
            except BrokenPipeError:
                pass  # nobody waits for it any more
            finally:
                os.close(end)


def _carry_out(order: _Order) -> None:
    """Become the program of an order, and run it; never returns."""
    for number, file in enumerate(order.files[:3]):
        os.dup2(file, number)
        os.close(file)
    os.chdir(order.what["folder"])
    os.environ.clear()
    os.environ.update(order.what["env"])
    sys.argv = order.what["command"]
    module, _, function = PROGRAMS.get(Path(sys.argv[0]).name, "").partition(":")
    try:
        if module:
            getattr(importlib.import_module(module), function)()
        else:
            runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            _leave(end.code or 0)
        raise
    _leave(0)


def _leave(status: int) -> None:
    """End as the interpreter does, up to where it would free what it has, piece by piece.

    All of that is shared with the process that is forked, and would be copied in order to be freed: half of
    what a short program costs. Returns where the interpreter has to end it, since a reader is gone.
    """
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001  no public way waits for all threads
    atexit._run_exitfuncs()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  nor runs what is registered
    try:
        for file in (sys.stdout, sys.stderr):
            file.flush()
    except OSError:
        sys.exit(status)
    os._exit(status & 0xFF)


def start_once() -> None:
    """Have made what a process makes at its first start and keeps: decoders, routes, whom TLS trusts.

    It is half of what a start computes. Without accounts, database and sockets: these are each daemon's own.
    """
    importlib.import_module("comptoir.http.app").routes()
    memory_engine = importlib.import_module("comptoir.engine.boot").memory_engine

    async def start() -> None:
        async with memory_engine():
            pass

    # Its log is nobody's, and standard output may be where somebody is answered.
    with Path(os.devnull).open("w") as nothing, redirect_stdout(nothing):
        importlib.import_module("trio").run(start)
    assert threading.active_count() == 1, "a fork would lack the others"


def main() -> None:
    """Read the modules, then serve the channel whose number is the first argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: it is the session's to end
    gc.disable()  # what is read stays: walking it again and again is a fifth of the reading
    for name in READ_BEFORE:
        importlib.import_module(name)
    # Its patterns are then compiled: every program's own settings are judged by them.
    importlib.import_module("comptoir.engine.settings").Settings.load(Path(os.devnull), {})
    start_once()
    gc.collect()
    gc.freeze()  # the collector of a fork touches none of the shared pages
    gc.enable()
    order = _Nursery(socket.socket(fileno=int(sys.argv[1]))).run()
    if order is not None:
        _carry_out(order)


if __name__ == "__main__":
    main()
