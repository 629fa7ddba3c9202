"""Runs of schemathesis, each a fork of one process that has read it.

Most of what a short run computes is reading some thousand modules, and which characters Unicode has; that is the
same for every run. The fork is a process of its own, and calls what the installed program calls.

A program of its own. On standard input a JSON object in a line for each run: `arguments`, `folder` (where it
runs), `output` (a file for all that is printed). On standard output a line with its exit status, once it has ended
(negative: the signal).
Source: tests/mutation/try_one.py (the same for pytest); the documentation of schemathesis 4.
"""

import gc
import importlib
import json
import os
import sys
import traceback
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

READ_BEFORE = (
    "comptoir.http.testing",  # tests/http/fuzz_signs.py wants it
    "hypothesis.stateful",
    "rich.live",
    "schemathesis.cli",
    "schemathesis.cli.commands.run.executor",
    "schemathesis.engine.run.stateful",
    "schemathesis.engine.run.unit",
    "schemathesis.openapi.loaders",
    "schemathesis.specs.openapi.schemas",
    "schemathesis.transport.requests",
)


def _remember(owner: Any, name: str) -> None:
    """Have a question about an operation's settings answered once: no run changes them, and it merges them anew
    for every request that it draws, which is a tenth of what it computes.
    """
    asked = getattr(owner, name)
    known: dict[tuple[Any, ...], Any] = {}

    def answer(self: Any, *, operation: Any = None, **more: Any) -> Any:
        key = (id(self), None if operation is None else operation.label, *sorted(more.items()))
        if key not in known:
            known[key] = asked(self, operation=operation, **more)
        return known[key]

    setattr(owner, name, answer)


def _run(order: dict[str, Any]) -> None:
    """In the fork: become the program, and never return."""
    output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, file in enumerate((nothing, output, output)):
        os.dup2(file, number)
    os.chdir(order["folder"])
    sys.argv = ["schemathesis", *order["arguments"]]
    config = importlib.import_module("schemathesis.config").ProjectConfig
    for name in ("generation_for", "phases_for"):
        _remember(config, name)
    importlib.import_module("schemathesis.cli").schemathesis()


def _carry_out(order: dict[str, Any]) -> int:
    """Fork for an order, and wait for its end; the exit status."""
    pid = os.fork()
    if pid == 0:
        status = 70  # an error of its own: told in its output
        try:
            _run(order)
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


@settings(max_examples=1, database=None, deadline=None)
@given(st.text(), st.integers())
def _draw(text: str, number: int) -> None:
    """Draw something: what hypothesis has to know for that, of Unicode and of our constants, it then knows."""


def main() -> None:
    """Read it all, then carry out what standard input asks for until it ends."""
    for name in READ_BEFORE:
        importlib.import_module(name)
    _draw()
    gc.collect()
    gc.freeze()  # the collector of a fork touches none of the shared pages
    for line in sys.stdin:
        sys.stdout.write(f"{_carry_out(json.loads(line))}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
