"""Runs named tests against copies of the tree, one after the other, and writes down how each ended.

Rules:
- the copy is what is tested, and no other tree. An editable install would add a second portion to the
  namespace `comptoir`, so its finder is taken out before anything of ours is imported; where each module
  in question was loaded from stands in the report, for whoever started this to check;
- each run is a fork of this process, which has read the libraries that tests and daemon use and not one
  module of ours: most of what a run of one test computes would be that reading. A run leads a session.

A program of its own. On standard input a JSON object in a line for each run: `tree` (the root of the
copy, whose `.src` is searched first), `modules`, `report`, `tests`, `env`, `output` (a file for all that is
printed). On standard output a line with the process id when a run begins, and one with its exit status,
which is pytest's (negative: the signal), when it has ended.
Source: tools/lint_imports.py (the same for import-linter); pytest's manual, "exit codes".
"""

import gc
import importlib
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import Phase, settings

EDITABLE = "__editable__"
LIBRARIES = (
    "asyncpg", "cryptography.hazmat.backends.openssl.backend",
    "cryptography.hazmat.primitives.ciphers.aead", "cryptography.x509", "html.parser", "httpcore",
    "httptools", "httpx", "hypercorn.trio", "hypothesis.internal.conjecture.optimiser",
    "hypothesis.strategies", "iso4217", "joserfc.jwt", "jsonschema", "msgspec", "orjson", "outcome",
    "prometheus_client", "pytest_trio", "quart_trio", "rich.console", "structlog", "trio.testing",
    "trio_asyncio", "typer", "webauthn", "_hypothesis_pytestplugin", "_pytest.faulthandler",
    "_pytest.helpconfig", "_pytest.junitxml", "_pytest.pastebin", "_pytest.setuponly",
    "_pytest.setupplan", "_pytest.skipping", "_pytest.threadexception", "_pytest.tracemalloc",
    "_pytest.unittest", "_pytest.unraisableexception", "_pytest.warnings",
)  # fmt: skip
"""Read once for all runs; none of them imports anything of ours. pytest reads its own plugins when it
begins, which is with each run."""
PLUGINS = ("pytest_trio.plugin", "comptoir.engine.testing", "_hypothesis_pytestplugin")
"""All that tests of ours use; to look for others takes longer than most of the named tests."""
OURS = ("comptoir", "tests")


class Recorder:
    """A pytest plugin: test -> (outcome, the line that says why), written down at the end."""

    def __init__(self, modules: list[str], report: Path) -> None:
        self.modules = modules
        self.report = report
        self.ended: dict[str, tuple[str, str]] = {}

    def pytest_configure(self) -> None:
        """Look for no smaller example: that a test fails is all that is asked, and who reads of it never
        sees one.
        """
        phases = tuple(x for x in Phase if x not in (Phase.shrink, Phase.explain))
        name = settings.get_current_profile_name()
        settings.register_profile(name, settings.get_profile(name), phases=phases)
        settings.load_profile(name)

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


def _test(order: dict[str, Any]) -> int:
    """In the fork: run the tests of an order, and answer pytest's status."""
    os.setsid()
    output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, file in enumerate((nothing, output, output)):
        os.dup2(file, number)
    os.environ.clear()
    os.environ.update(order["env"])
    os.chdir(order["tree"])
    sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"]
    sys.dont_write_bytecode = False  # whatever the shell says: the next run reads it
    # As `python -m pytest` has it: the root of the copy, then what PYTHONPATH says.
    sys.path[:1] = [order["tree"], str(Path(order["tree"]) / ".src")]
    # One seed, so that a verdict does not change from one run to the next.
    options = ["-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0"]
    # Of plugins that were read before: their own assertions are none of ours.
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning", "--disable-plugin-autoload"]
    options += [part for name in PLUGINS for part in ("-p", name)]
    recorder = Recorder(order["modules"], Path(order["report"]))
    return int(pytest.main([*options, *order["tests"]], plugins=[recorder]))


def _carry_out(order: dict[str, Any]) -> int:
    """Fork for an order, tell who it is, and wait for its end; the exit status."""
    pid = os.fork()
    if pid == 0:
        status = 3  # pytest's for an error of its own
        try:
            status = _test(order)
        except BaseException:  # noqa: BLE001 - the end of this process: told in its output
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(status)
    sys.stdout.write(f"{pid}\n")
    sys.stdout.flush()
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def main() -> None:
    """Read the libraries, then carry out what standard input asks for until it ends."""
    sys.meta_path[:] = [f for f in sys.meta_path if EDITABLE not in getattr(f, "__module__", "")]
    sys.path[:] = [entry for entry in sys.path if EDITABLE not in entry]
    for name in LIBRARIES:
        importlib.import_module(name)
    ours = [name for name in sys.modules if name.partition(".")[0] in OURS]
    assert not ours, f"read before the copy was known: {ours}"
    gc.collect()
    gc.freeze()  # the collector of a fork touches none of the shared pages
    for line in sys.stdin:
        status = _carry_out(json.loads(line))
        sys.stdout.write(f"{status}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
