"""Where the mutation check tries one thing at a time: a place for a copy, processes that run tests, servers.

Rule: whatever is started here ends with `end`, and a run that takes too long ends with all its children.
Source: try_one.py (the program); tests/storage/clusters.py (the servers).
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.storage.clusters import WHEEL, Cluster, name_of, remove, start

__all__ = ["TRY_SECONDS_MAX", "Bench", "Program", "Runner"]

PROGRAM = Path(__file__).with_name("try_one.py")
PG15 = Path("/usr/lib/postgresql/15/bin")  # as tests/conftest.py has it
ENVIRONMENT = dict(os.environ)
"""As it was at first: pytest writes into it before each test, while trials begin in other threads."""
TRY_SECONDS_MAX = 250
"""Far beyond what any named test takes alone on a busy machine."""


class Runner:
    """A process whose forks run tests (try_one.py), one at a time."""

    def __init__(self, channel: socket.socket) -> None:
        self._running = 0
        self._channel = channel
        self._answers = channel.makefile()

    def run(self, order: dict[str, Any]) -> tuple[int, bool]:
        """Have an order carried out; its exit status, and whether it was ended for taking too long."""
        self._channel.sendall(f"{json.dumps(order)}\n".encode())
        self._running = int(self._answers.readline())
        late = threading.Event()

        def end() -> None:
            late.set()
            self.kill()

        timer = threading.Timer(TRY_SECONDS_MAX, end)
        timer.start()
        try:
            return int(self._answers.readline()), late.is_set()
        finally:
            timer.cancel()
            self._running = 0

    def kill(self) -> None:
        """End a run with its children: it leads a session of its own."""
        if self._running:
            with suppress(ProcessLookupError):
                os.killpg(self._running, signal.SIGKILL)

    def end(self) -> None:
        """No more orders."""
        self._answers.close()
        self._channel.close()


class Program:
    """try_one.py, started when it is first asked for: it reads once for all benches, and has a process for each."""

    def __init__(self, benches: int, *arguments: str) -> None:
        self._benches = benches
        self._arguments = arguments
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._runners: list[Runner] = []

    def runner(self, number: int) -> Runner:
        """That of a bench."""
        with self._lock:
            if self._process is None:
                self._start()
            return self._runners[number]

    def _start(self) -> None:
        pairs = [socket.socketpair() for _ in range(self._benches)]
        numbers = [theirs.fileno() for _, theirs in pairs]
        self._process = subprocess.Popen(
            [sys.executable, str(PROGRAM), *map(str, numbers), *self._arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, pass_fds=numbers,
            env={**ENVIRONMENT, "PYTHONDONTWRITEBYTECODE": ""},
        )  # fmt: skip
        for ours, theirs in pairs:
            theirs.close()
            self._runners.append(Runner(ours))

    def kill(self) -> None:
        """End what runs now."""
        for runner in self._runners:
            runner.kill()

    def end(self) -> None:
        """Leave nothing running."""
        for runner in self._runners:
            runner.end()
        if self._process is not None:
            self._process.wait()


class Bench:
    """A place for one run at a time; each server of it begins when it is first asked for."""

    def __init__(self, place: Path, number: int) -> None:
        self.place = place
        self.number = number
        self._servers: list[Cluster] = []

    def servers(self, *, migrated: bool) -> str:
        """TESTS_RUNNING: the servers that stay for all runs, and whether a migrated database is to be taken."""
        if not self._servers:
            self._servers = [start(binaries) for binaries in (WHEEL, PG15) if binaries.exists()]
        known = {
            name_of(binaries): {
                "folder": str(cluster.folder), "binaries": str(cluster.binaries), "port": cluster.port,
                "template": cluster.template if migrated else "",
            }
            for binaries, cluster in zip((WHEEL, PG15), self._servers, strict=False)
        }  # fmt: skip
        return json.dumps(known)

    def end(self) -> None:
        """Leave nothing running."""
        for cluster in self._servers:
            remove(cluster)
