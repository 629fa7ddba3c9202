"""Runs import-linter on the rooms of one tree and of no other.

Rule: rooms are found through the tree's `.src/comptoir` links (PYTHONPATH) only. An editable install
adds a second portion to the namespace `comptoir`, and a room without `__init__.py` would then be a
mixture of two trees, in an order that differs from run to run.
"""

import sys

from importlinter.cli import lint_imports_command

EDITABLE = "__editable__"

if __name__ == "__main__":
    sys.meta_path[:] = [f for f in sys.meta_path if EDITABLE not in getattr(f, "__module__", "")]
    sys.path[:] = [entry for entry in sys.path if EDITABLE not in entry]
    lint_imports_command()
