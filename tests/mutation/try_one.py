"""Runs named tests against a copy of the tree, and writes down how each ended.

Rule: the copy is what is tested, and no other tree. An editable install would add a second portion
to the namespace `comptoir`, so its finder is taken out before anything of ours is imported; where
each module in question was loaded from stands in the report, for whoever started this to check.
A program of its own: `python try_one.py MODULE,... REPORT TEST...`, in the root of the copy, whose
`.src` is on PYTHONPATH. Its exit status is pytest's.
Source: tools/lint_imports.py (the same for import-linter); pytest's manual, "exit codes".
"""

import json
import sys
from pathlib import Path
from typing import cast

import pytest

EDITABLE = "__editable__"


class Recorder:
    """A pytest plugin: test -> (outcome, the line that says why), written down at the end."""

    def __init__(self, modules: list[str], report: Path) -> None:
        self.modules = modules
        self.report = report
        self.ended: dict[str, tuple[str, str]] = {}

    def pytest_exception_interact(
        self,
        node: pytest.Item | pytest.Collector,
        call: pytest.CallInfo[object],
        report: pytest.TestReport | pytest.CollectReport,
    ) -> None:
        """Keep the first thing that went wrong with a test."""
        assert call.excinfo is not None
        how = "failed" if call.when == "call" else "error"
        self.ended.setdefault(report.nodeid, (how, "; ".join(_leaves(call.excinfo.value))))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep that a test was skipped, or passed to its very end."""
        if report.skipped:
            self.ended.setdefault(report.nodeid, ("skipped", report.longreprtext))
        elif report.passed and report.when == "teardown":
            self.ended.setdefault(report.nodeid, ("passed", ""))

    def pytest_sessionfinish(self) -> None:
        """Write the report: a JSON object with `loaded` and `ended`."""
        loaded = {x: getattr(sys.modules.get(x), "__file__", None) for x in self.modules}
        self.report.write_text(json.dumps({"loaded": loaded, "ended": self.ended}), "utf-8")


def _leaves(error: BaseException) -> list[str]:
    """The errors that a group of groups holds: the type, and the first line of what it says."""
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        return [line for inside in group.exceptions for line in _leaves(inside)]
    return [f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"]


def main(modules: list[str], report: Path, tests: list[str]) -> int:
    """Run the tests, and answer pytest's status."""
    sys.meta_path[:] = [f for f in sys.meta_path if EDITABLE not in getattr(f, "__module__", "")]
    sys.path[:] = [entry for entry in sys.path if EDITABLE not in entry]
    sys.path[0] = str(Path.cwd())  # as `python -m pytest` has it: the root of the copy
    # One seed, so that a verdict does not change from one run to the next.
    options = ["-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0"]
    return int(pytest.main([*options, *tests], plugins=[Recorder(modules, report)]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1].split(","), Path(sys.argv[2]), sys.argv[3:]))
