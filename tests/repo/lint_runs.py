"""Runs import-linter on one small tree after the other, each in a fork of one process that has read it.

Rule: a fork does what tools/lint_imports.py does, in the folder of its tree; most of what a run computes is reading
import-linter. A program of its own: on standard input a JSON object in a line for each run, with `tree`, `arguments` and
`output` (a file for all that is printed); on standard output a line with its exit status.
Source: tools/lint_imports.py; tests/http/fuzz_runs.py (the same for schemathesis).
"""

import json
import os
import sys
import traceback
from typing import Any

from importlinter.cli import lint_imports_command

EDITABLE = "__editable__"


def _run(order: dict[str, Any]) -> None:
    """In the fork: become the program."""
    output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for number in (1, 2):
        os.dup2(output, number)
    os.chdir(order["tree"])
    sys.path.insert(0, f"{order['tree']}/.src")
    sys.argv = ["lint-imports", *order["arguments"]]
    lint_imports_command()


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
            os._exit(status)
    _, ended = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(ended)


def main() -> None:
    """Carry out what standard input asks for until it ends."""
    sys.meta_path[:] = [f for f in sys.meta_path if EDITABLE not in getattr(f, "__module__", "")]
    sys.path[:] = [entry for entry in sys.path if EDITABLE not in entry]
    for line in sys.stdin:
        sys.stdout.write(f"{_carry_out(json.loads(line))}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
