"""Runs import-linter on one small tree after the other, each in a fork of one process that has read it.

Rule: a fork does what tools/lint_imports.py does, in the folder of its tree; most of what a run computes is reading
import-linter. A program of its own, which obeys orders (tests/orders.py): `tree`, `arguments`.
Source: tools/lint_imports.py.
"""

import os
import sys
from typing import Any

from importlinter.cli import lint_imports_command

from tests.orders import obey

EDITABLE = "__editable__"


def _run(order: dict[str, Any]) -> None:
    """In the fork: become the program."""
    os.chdir(order["tree"])
    sys.path.insert(0, f"{order['tree']}/.src")
    sys.argv = ["lint-imports", *order["arguments"]]
    lint_imports_command()


def main() -> None:
    """Carry out what standard input asks for until it ends."""
    sys.meta_path[:] = [f for f in sys.meta_path if EDITABLE not in getattr(f, "__module__", "")]
    sys.path[:] = [entry for entry in sys.path if EDITABLE not in entry]
    obey(_run)


if __name__ == "__main__":
    main()
