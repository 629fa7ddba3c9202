"""Where the mutation check tries one thing at a time: a place for a copy, processes that run tests, servers.

Rule: whatever is started here ends with `end`, and a run that takes too long ends with all its children.
Source: try_one.py (the program); tests/storage/clusters.py (the servers).
"""

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.storage.clusters import WHEEL, Cluster, name_of, remove, start

__all__ = ["TRY_SECONDS_MAX", "Bench", "Runner"]

PROGRAM = Path(__file__).with_name("try_one.py")
PG15 = Path("/usr/lib/postgresql/15/bin")  # as tests/conftest.py has it
ENVIRONMENT = dict(os.environ)
"""As it was at first: pytest writes into it before each test, while trials begin in other threads."""
TRY_SECONDS_MAX = 250
"""Far beyond what any named test takes alone on a busy machine."""


class Runner:
    """A process whose forks run tests (try_one.py), one at a time; with a tree it has read all of it."""

    def __init__(self, *tree: Path) -> None:
        self._running = 0
        self._process = subprocess.Popen(
            [sys.executable, str(PROGRAM), *map(str, tree)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**ENVIRONMENT, "PYTHONDONTWRITEBYTECODE": ""},
        )  # fmt: skip

    def run(self, order: dict[str, Any]) -> tuple[int, bool]:
        """Have an order carried out; its exit status, and whether it was ended for taking too long."""
        orders, answers = self._process.stdin, self._process.stdout
        assert orders is not None
        assert answers is not None
        orders.write(json.dumps(order) + "\n")
        orders.flush()
        self._running = int(answers.readline())
        late = threading.Event()

        def end() -> None:
            late.set()
            self.kill()

        timer = threading.Timer(TRY_SECONDS_MAX, end)
        timer.start()
        try:
            return int(answers.readline()), late.is_set()
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
        self._process.communicate()


class Bench:
    """A place for one run at a time; each process and server of it begins when it is first asked for."""

    def __init__(self, place: Path, whole: Path) -> None:
        self.place = place
        self._whole = whole
        self._bare: Runner | None = None
        self._loaded: Runner | None = None
        self._servers: list[Cluster] = []

    def bare(self) -> Runner:
        """What runs tests of any tree."""
        if self._bare is None:
            self._bare = Runner()
        return self._bare

    def loaded(self) -> Runner:
        """What runs tests of the tree as it is, which it has read."""
        if self._loaded is None:
            self._loaded = Runner(self._whole)
        return self._loaded

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

    def kill(self) -> None:
        """End what runs now."""
        for runner in (self._bare, self._loaded):
            if runner is not None:
                runner.kill()

    def end(self) -> None:
        """Leave nothing running."""
        for runner in (self._bare, self._loaded):
            if runner is not None:
                runner.end()
        for cluster in self._servers:
            remove(cluster)
