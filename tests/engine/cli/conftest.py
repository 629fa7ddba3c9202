"""The command as its users run it: a process of its own, in a folder of its own, without settings.

Rule: what is tested is what a terminal shows (status, standard output, standard error).
Source: interface.md 2.
"""

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import trio

from comptoir.engine.forking_testing import fork_program
from comptoir.storage.embedded import EmbeddedPostgres

SECONDS_MAX = 90


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def last_error(self) -> str:
        """The last line of standard error."""
        return self.err.splitlines()[-1] if self.err else ""


Run = Callable[..., Ran]


def environment(values: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment without settings and without a terminal's width, then these."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("COMPTOIR_")}
    return {**kept, "COLUMNS": "120", "NO_COLOR": "1", **values}


def program(*arguments: str) -> list[str]:
    """The command beside this Python."""
    return [str(Path(sys.executable).with_name("comptoir")), *arguments]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run `comptoir` to its end in an empty folder."""

    def run(
        *arguments: str, stdin: bytes = b"", seconds: float = SECONDS_MAX, **values: str
    ) -> Ran:
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as err:
            given.write(stdin)
            given.seek(0)
            files = {"stdin": given.fileno(), "stderr": err.fileno()}
            child = fork_program(program(*arguments), environment(values), tmp_path, **files)
            late = threading.Timer(seconds, child.kill)
            late.start()
            with child.stdout as stdout:
                out = stdout.read()
            status = child.wait()
            late.cancel()
            err.seek(0)
            shown = Ran(status, out.decode(), err.read().decode())
        assert "Traceback" not in shown.out + shown.err
        return shown

    return run


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A data folder whose database, wherever it had to lie, is gone at the end."""
    folder = tmp_path / "place"
    yield folder
    trio.run(EmbeddedPostgres(folder).destroy)


@pytest.fixture
def cli_process(tmp_path: Path) -> Iterator[Callable[..., "subprocess.Popen[bytes]"]]:
    """Start `comptoir` with pipes on all sides; killed at the end if it still runs."""
    with ExitStack() as stack:

        def start(*arguments: str, **values: str) -> "subprocess.Popen[bytes]":
            child = subprocess.Popen(
                program(*arguments),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=tmp_path,
                env=environment(values),
            )
            stack.callback(_end, child)
            return child

        yield start


def _end(child: "subprocess.Popen[bytes]") -> None:
    if child.poll() is None:
        child.kill()
    for stream in (child.stdin, child.stdout, child.stderr):
        if stream is not None:
            with suppress(BrokenPipeError):
                stream.close()
    child.wait()
