"""Orders carried out by forks of one process, which has read what all of them need.

Rule: each order is a fork of its own, so none finds what another has left; its status is its exit status, and what
it prints goes into the file that it names. A program calls `obey`; a test starts it with `starting`, and gives it
orders: each is a JSON object in a line of its standard input, answered by its status in a line (negative: the signal).
tests/mutation/try_one.py is like it, and apart: it may have read nothing of `tests` before it knows of which tree.
"""

import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["Orders", "obey", "starting"]

ROOT = Path(__file__).resolve().parents[1]
ERROR_STATUS = 70
"""An error of the program's own, told in its output (EX_SOFTWARE of sysexits.h)."""


class Orders:
    """Gives orders to a program, one after the other."""

    def __init__(self, program: "subprocess.Popen[str]") -> None:
        self._program = program

    def give(self, order: Mapping[str, Any]) -> int:
        """Have one carried out; its status."""
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        self._program.stdin.write(f"{json.dumps(order)}\n")
        self._program.stdin.flush()
        return int(self._program.stdout.readline())


@contextmanager
def starting(module: str, folder: Path) -> Generator[Orders]:
    """A module that obeys, as a program in this folder; whatever it still does in the end is ended with it."""
    with subprocess.Popen(
        [sys.executable, "-P", "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        start_new_session=True,
    ) as program:
        try:
            yield Orders(program)
        finally:
            os.killpg(program.pid, signal.SIGKILL)


def obey(run: Callable[[dict[str, Any]], object]) -> None:
    """Carry out what standard input asks for until it ends."""
    for line in sys.stdin:
        sys.stdout.write(f"{_carry_out(run, json.loads(line))}\n")
        sys.stdout.flush()


def _carry_out(run: Callable[[dict[str, Any]], object], order: dict[str, Any]) -> int:
    """Fork for an order, and wait for its end; the exit status."""
    pid = os.fork()
    if pid == 0:
        status = ERROR_STATUS
        try:
            _print_into(order["output"])
            run(order)
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:  # noqa: BLE001 - the end of this process
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    _, ended = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(ended)


def _print_into(file: str) -> None:
    """Whatever is printed goes there; nothing is read."""
    output = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, opened in enumerate((nothing, output, output)):
        os.dup2(opened, number)
