"""Daemons of one database's whole life, for tests that end them again and again.

Rule: whatever is started here is ended here, by the process id that was kept, and the folders go.
Source: design.md 7 (tests leave none behind); issue 2, "Must show", second line.
"""

import json
import os
import random
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from comptoir.engine.testing import Process
from comptoir.storage.embedded_testing import DISK, open_folder

SECRET = "0123456789abcdef0123456789abcdef0123456789abcdef"
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
        print(line, flush=True)
        told.append(line)

    return say


@pytest.fixture
def disk_folder() -> Iterator[Path]:
    """Give a folder on a disk (never in memory), and hold that nothing runs in it at the end."""
    with open_folder(DISK) as folder:
        yield folder


@pytest.fixture
def new_life() -> Iterator[Life]:
    """Give the maker of daemons; those of one folder share their data, their keys and one log.

    `new_life(url, folder, VARIABLE="value") -> Process`, not started; its `url` is known already.
    """
    lives: list[Process] = []

    def make(url: str, folder: Path, **values: str) -> Process:
        port = _free_port()
        env = {name: value for name, value in os.environ.items() if "COMPTOIR_" not in name}
        env |= {
            "COMPTOIR_STORAGE__URL": url,
            "COMPTOIR_STORAGE__DATA_DIR": str(folder / "data"),
            "COMPTOIR_HTTP__PORT": str(port),
            "COMPTOIR_INGEST__ENABLED": "false",
            "COMPTOIR_WEBHOOKS__SEED__SECRETS": json.dumps([SECRET]),
            "COMPTOIR_LOG__FORMAT": "text",
            # The net below the delivery is drawn every 0.2 s: whatever it holds is a bug of ours,
            # and a life of one second must be long enough to show it.
            "COMPTOIR_ENGINE__SWEEP_INTERVAL_S": "0.2",
            **values,
        }
        command = [str(Path(sys.executable).with_name("comptoir")), "serve"]
        process = Process(command, env, folder)
        process.ready = {"http": f"http://127.0.0.1:{port}"}
        lives.append(process)
        return process

    yield make
    for process in lives:
        if process.running:
            process.kill()


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
