"""Daemons of one database's whole life, for tests that end them again and again.

Rule: whatever is started here is ended here, by the process id that was kept, and the folders go.
Source: design.md 7 (tests leave none behind); issue 2, "Must show", second line.
"""

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from comptoir.engine.testing import Process
from comptoir.storage.copied_testing import take_copy
from comptoir.storage.embedded import EmbeddedPostgres
from comptoir.storage.embedded_testing import DISK, open_folder
from comptoir.storage.ledger_testing import audit, credited, wallets

SECRET = "0123456789abcdef0123456789abcdef0123456789abcdef"
USERS = 60
CONNECTIONS = 140
RATE = 100
SOAK_RATE = 250
"""Webhooks a second, from so many connections:"""
WORKERS = 12
ORACLE = Path(__file__).with_name("oracle.py")
ALARMS = re.compile(r"stranded rows|stale version|crashed|actor ended|Traceback")
"""What a daemon writes to its log only if it has a bug."""
PORTS = range(20_000, 30_000)
"""Below those that the kernel gives to whoever asks for any: what was free a moment ago still is."""

Life = Callable[..., Process]

told: list[str] = []
"""What the tests want to be seen at the end of a run that succeeds, too."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the seeds and the figures."""
    if told:
        terminalreporter.section("durability")
    for line in told:
        terminalreporter.write_line(line)


@pytest.fixture
def tell() -> Callable[[str], None]:
    """Give the way to tell a line: at once where output is not captured, and at the end."""

    def say(line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
        told.append(line)

    return say


@pytest.fixture
def disk_folder() -> Iterator[Path]:
    """Give a folder on a disk (never in memory), and hold that nothing runs in it at the end."""
    with open_folder(DISK) as folder:
        yield folder


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let children hear SIGINT: a suite that was started in the background has it ignored, and hands
    that down to every program that it starts.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def new_life(interruptible: None) -> Iterator[Life]:
    """Give the maker of daemons; those of one folder share their data, their keys and one log.

    `new_life(url, folder, VARIABLE="value") -> Process`, not started; its addresses are known already.
    """
    lives: list[Process] = []

    def make(url: str, folder: Path, **values: str) -> Process:
        port, lane = _free_port(), _free_port()
        env = {name: value for name, value in os.environ.items() if "COMPTOIR_" not in name}
        env |= {
            "COMPTOIR_STORAGE__URL": url,
            "COMPTOIR_STORAGE__DATA_DIR": str(folder / "data"),
            "COMPTOIR_HTTP__PORT": str(port),
            "COMPTOIR_INGEST__PORT": str(lane),
            "COMPTOIR_WEBHOOKS__SEED__SECRETS": json.dumps([SECRET]),
            "COMPTOIR_LOG__FORMAT": "text",
            # What these tests end is a daemon's storage; the kill test has ACCOUNTS as well.
            "COMPTOIR_AUTH__MODE": "loopback",
            # The net below the delivery is drawn every 0.2 s: whatever it holds is a bug of ours,
            # and a life of one second must be long enough to show it.
            "COMPTOIR_ENGINE__SWEEP_INTERVAL_S": "0.2",
            **values,
        }
        command = [str(Path(sys.executable).with_name("comptoir")), "serve"]
        process = Process(command, env, folder)
        process.ready = {
            "http": f"http://127.0.0.1:{port}", "ingest": f"http://127.0.0.1:{lane}",
        }  # fmt: skip
        lives.append(process)
        return process

    yield make
    for process in lives:
        if process.running:
            process.kill()


@pytest.fixture
async def postgres(disk_folder: Path) -> AsyncGenerator[EmbeddedPostgres]:
    """Give a server of the test's own, on disk, with fsync."""
    server = EmbeddedPostgres(disk_folder / "postgres")
    await take_copy(server)
    await server.start()
    yield server
    await server.destroy()


@pytest.fixture
def make_world() -> Callable[[int], dict[str, Any]]:
    """Give the maker of a bank's plan (load.py) from a seed: partners, connections, pace."""

    def make(seed: int) -> dict[str, Any]:
        rng = random.Random(f"{seed}/world")
        caps = (None, None, 15_000)
        return {
            "secret": SECRET,
            "seed": seed,
            "rate": SOAK_RATE if "TESTS_SOAK_SECONDS" in os.environ else RATE,
            "workers": WORKERS,
            "connections": [
                (f"cn-{number}", f"user-{rng.randrange(USERS)}") for number in range(CONNECTIONS)
            ],
            "partners": [
                (f"Maison Essai{number}", rng.choice((50, 100, 333, 1000)), rng.choice(caps))
                for number in range(25)
            ],
        }

    return make


@pytest.fixture
def judge() -> Callable[[EmbeddedPostgres, str, Process, Path], Awaitable[dict[str, int]]]:
    """Give the verdict on a scene that has settled: what is held is what was acknowledged."""
    return _judge


async def _judge(
    postgres: EmbeddedPostgres, database: str, daemon: Process, folder: Path
) -> dict[str, int]:
    """Hold that credited = acknowledged, exactly; the oracle's counts.

    Args:
        postgres: where the ledger is.
        database: its name.
        daemon: the last one, at rest.
        folder: where the bank's notes are.

    Raises:
        AssertionError: with the first purchases that differ and their history.
    """
    found = folder / "credited.json"
    found.write_text(json.dumps(await credited(postgres, database)))
    oracle: dict[str, Any] = json.loads(
        subprocess.run(
            [sys.executable, str(ORACLE), str(folder / "notes.jsonl"), str(found)],
            capture_output=True,
            check=True,
        ).stdout
    )
    assert not oracle["faults"], "\n".join(oracle["faults"])
    ledger = await audit(postgres, database)
    assert (ledger.faults, ledger.due) == ({}, 0)
    assert ledger.parked <= oracle["waiting_most"], "something is parked that has its purchase"
    _check_wallets(daemon, await wallets(postgres, database), oracle["users"])
    _check_lives(daemon)
    return {**oracle["counts"], "points": ledger.points, "entries": ledger.entries}


def _check_wallets(
    daemon: Process,
    held: dict[str, tuple[int, int, int, int]],
    expected: dict[str, tuple[int, int]],
) -> None:
    """Each user's balance, by SQL, over HTTP and as the oracle has it."""
    assert set(held) <= set(expected), "a wallet of nobody's"
    for user, (least, most) in sorted(expected.items()):
        available, *others = held.get(user, (0, 0, 0, 0))
        where = f"{user}: {available} points, expected {least} to {most}"
        assert (least <= available <= most, others) == (True, [0, 0, 0]), where
        answer = daemon.get(f"/api/v1/wallets/{user}")
        assert answer.status in (200, 404), answer
        shown = answer.json()["balance"] if answer.status == 200 else {"available": 0}
        assert shown["available"] == available, f"{where}, HTTP shows {answer}"


def _check_lives(daemon: Process) -> None:
    """The last daemon's own figures, and what any before it wrote to their log."""
    metrics = daemon.get("/metrics").body.decode()
    stranded = re.search(r"^comptoir_messages_stranded_total (\S+)$", metrics, re.MULTILINE)
    assert stranded is not None
    assert float(stranded[1]) == 0
    assert not re.search(r"^comptoir_dead_letters\{.*\} [1-9]", metrics, re.MULTILINE)
    alarms = [line for line in daemon.log.read_text().splitlines() if ALARMS.search(line)]
    assert not alarms, "\n".join(alarms[:5])


def _free_port() -> int:
    while True:
        port = random.choice(PORTS)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
