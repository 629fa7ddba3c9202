"""A town for tests of exhaustion: one daemon, its database, and a bank that sends all the while.

Rule: whatever is short, the bank's own notes are the measure: what it was answered with 200 or 202
is credited exactly once, and it was answered nothing but 200, 202 and 503 (load.py, oracle.py).
TESTS_SEED=n replays what the bank sends.
Source: design.md 5 and 7; interface.md 1 (503 carries Retry-After), 5.
"""

import contextlib
import http.client
import json
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trio

from comptoir.engine.testing import Answered, Process
from comptoir.storage.embedded import EmbeddedPostgres

LOAD = Path(__file__).parents[1] / "load.py"
RATE = 40
WORKERS = 6
"""A steady load that a busy machine carries, too."""
RECOVERY_SECONDS_MAX = 5.0
"""From the end of a shortage to the next acknowledgement (issue 3, deliver, 7)."""
IMPATIENT = {"COMPTOIR_ENGINE__ASK_TIMEOUT_S": "0.5"}
"""The first webhooks of an outage wait for their answer; the others are refused at once."""

Life = Callable[..., Process]
Judge = Callable[[EmbeddedPostgres, str, Process, Path], Awaitable[dict[str, int]]]


@dataclass
class Town:
    """One daemon, its database, and the bank."""

    daemon: Process
    postgres: EmbeddedPostgres
    database: str
    folder: Path
    """Where the bank keeps its notes: on a disk that does not fill."""
    world: dict[str, Any]
    judge: Judge
    edge: str = "http"
    """Which listener the bank and the crowd call: `http`, `ingest`."""
    _bank: "subprocess.Popen[str] | None" = None
    _read: int = field(default=0)
    _ms: list[float] = field(default_factory=list[float])

    @property
    def target(self) -> str:
        """The address of that listener."""
        return self.daemon.url if self.edge == "http" else self.daemon.ingest_url

    @property
    def notes(self) -> Path:
        """What the bank wrote down."""
        return self.folder / "notes.jsonl"

    def limit(self, *limits: str) -> None:
        """Have the daemon started under limits of `ulimit`: `limit("-n", "64")`."""
        script = f'ulimit {" ".join(limits)} && exec "$@"'
        self.daemon.command = ["/bin/sh", "-c", script, "sh", *self.daemon.command]

    def open(self) -> None:
        """Start the daemon, import partners and connections, send in the bank."""
        self.daemon.start()
        partners = [
            f"p{number},{name},{rate},{cap or ''}"
            for number, (name, rate, cap) in enumerate(self.world["partners"])
        ]
        header = "id,name,rate_bp,cap_cents_purchase"
        assert self.daemon.load("partners", "\n".join([header, *partners])).status == 200
        rows = [f"{connection},{user}" for connection, user in self.world["connections"]]
        text = "\n".join(["connection_id,user_id", *rows])
        assert self.daemon.load("connections", text).status == 200
        address = self.folder / "address"
        address.write_text(self.target)
        plan = self.folder / "plan.json"
        self.notes.touch()
        files = {"address": str(address), "notes": str(self.notes)}
        plan.write_text(json.dumps(self.world | files))
        self._bank = subprocess.Popen(
            [sys.executable, str(LOAD), str(plan)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def news(self) -> list[str]:
        """How attempts ended since the last call, in order."""
        with self.notes.open("rb") as file:
            file.seek(self._read)
            whole = file.read().rpartition(b"\n")
        self._read += len(whole[0]) + len(whole[1])
        notes = [json.loads(line) for line in whole[0].splitlines()]
        self._ms = sorted(note["ms"] for note in notes if note.get("outcome", "").startswith("20"))
        return [note["outcome"] for note in notes if "outcome" in note]

    @property
    def p99_ms(self) -> float:
        """Of the acknowledgements that the last `news` told of."""
        return self._ms[len(self._ms) * 99 // 100]

    async def until_outcome(self, begins: str, seconds_max: float) -> float:
        """Wait until the bank hears such an answer; how long it took."""
        self.news()
        began = time.monotonic()
        while not any(outcome.startswith(begins) for outcome in self.news()):
            spent = time.monotonic() - began
            assert spent < seconds_max, f"no {begins} within {spent:.1f} s: {self.daemon.said()}"
            assert self.daemon.running, self.daemon.said()
            await trio.sleep(0.02)
        return time.monotonic() - began

    async def until_acknowledged(self) -> float:
        """Wait until the daemon takes webhooks again, within the bound; how long it took."""
        return await self.until_outcome("20", RECOVERY_SECONDS_MAX)

    async def until_ready(self, seconds_max: float = RECOVERY_SECONDS_MAX) -> float:
        """Wait until a new connection hears that the daemon is ready; how long it took."""
        began = time.monotonic()
        while True:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.daemon.get("/health/ready").status == 200:
                    return time.monotonic() - began
            spent = time.monotonic() - began
            assert spent < seconds_max, f"not ready within {spent:.1f} s: {self.daemon.said()}"
            await trio.sleep(0.02)

    def ask(self, path: str) -> tuple[Answered, float]:
        """GET, and how long the answer took."""
        began = time.monotonic()
        return self.daemon.get(path), time.monotonic() - began

    async def settle(self) -> dict[str, int]:
        """End the load, have everything handled, and hold that credited = acknowledged."""
        bank = self._bank
        assert bank is not None
        assert bank.poll() is None, "the bank ended by itself"
        await trio.to_thread.run_sync(bank.communicate, "")
        assert bank.returncode == 0
        answer = self.daemon.post("/dev/v1/quiesce", {"timeoutSeconds": 30})
        assert answer.status == 200, answer
        counts = await self.judge(self.postgres, self.database, self.daemon, self.folder)
        assert self.daemon.stop() == 0, self.daemon.said()
        return counts

    def close(self) -> None:
        """End whatever still runs."""
        if self._bank is not None:
            self._bank.kill()
            self._bank.communicate()
        if self.daemon.running:
            self.daemon.kill()

    # What the kernel says of the daemon.

    @property
    def descriptors(self) -> int:
        """Open files of the daemon."""
        return sum(1 for _ in Path(f"/proc/{self.daemon.pid}/fd").iterdir())

    def kib(self, name: str) -> int:
        """A line of /proc/PID/status: VmRSS, VmHWM, VmData."""
        status = Path(f"/proc/{self.daemon.pid}/status").read_text()
        found = re.search(rf"^{name}:\s+(\d+) kB$", status, re.MULTILINE)
        assert found is not None
        return int(found[1])

    @property
    def cpu_seconds(self) -> float:
        """Time that the daemon has computed."""
        fields = Path(f"/proc/{self.daemon.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def held_back(answer: Answered) -> str:
    """The code of a refusal that says when to come again, as interface.md 1 demands."""
    assert answer.status == 503, answer
    assert int(answer.headers["retry-after"]) > 0
    return str(answer.json()["code"])


@pytest.fixture
def refused() -> Callable[[Answered], str]:
    """Give what holds that an answer is a 503 that says when to come again."""
    return held_back


@pytest.fixture
def build_town(
    new_life: Life,
    make_world: Callable[[int], dict[str, Any]],
    judge: Judge,
    disk_folder: Path,
    tell: Callable[[str], None],
) -> Iterator[Callable[..., Town]]:
    """Give the maker of towns: `build_town(postgres, database, url, folder, VARIABLE="value")`."""
    towns: list[Town] = []
    seed = int(os.environ.get("TESTS_SEED") or secrets.randbelow(1_000_000))
    tell(f"TESTS_SEED={seed} replays what the bank sends")

    def build(
        postgres: EmbeddedPostgres, database: str, url: str, folder: Path, **values: str
    ) -> Town:
        world = {**make_world(seed), "rate": RATE, "workers": WORKERS}
        daemon = new_life(url, folder, **values)
        towns.append(Town(daemon, postgres, database, disk_folder, world, judge))
        return towns[-1]

    yield build
    for town in towns:
        town.close()


@pytest.fixture
async def town(
    postgres: EmbeddedPostgres, build_town: Callable[..., Town], disk_folder: Path
) -> Town:
    """Give a town on a server of its own, with fsync; nothing is started but the server."""
    await postgres.create_database("town")
    return build_town(postgres, "town", postgres.url("town"), disk_folder)


@contextlib.contextmanager
def many_files(count: int) -> Generator[None]:
    """Let this process open so many files."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if before[0] < count:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (count, max(count, before[1])))
        except (OSError, ValueError):
            pytest.skip(f"this account may open {before[1]} files, the test needs {count}")
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.fixture
def open_files() -> Callable[[int], contextlib.AbstractContextManager[None]]:
    """Give the way to more descriptors for this process."""
    return many_files
