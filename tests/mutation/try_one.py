"""Runs named tests against a tree, one after the other, and writes down how each ended.

Rules:
- the tree that is named is what is tested, and no other. An editable install would add a second portion to the
  namespace `comptoir`, so its finder is taken out before anything of ours is imported; where each module
  in question was loaded from stands in the report, for whoever started this to check;
- each run is a fork of this process, which has read the libraries that tests and daemon use, and either not one
  module of ours, or (started with a tree) all of that tree's: most of what a run of one test computes would be
  that reading. A run leads a session. Loaded modules are changed by swapping (swapping.py); the report says of what.

A program of its own. On standard input a JSON object in a line for each run: `tree` (the root, whose `.src` is
searched first), `modules`, `report`, `tests`, `env`, `output` (a file for all that is printed), and `swaps` (pairs
of a file and its new text). On standard output a line with the process id when a run begins, and one with its exit
status, which is pytest's (negative: the signal), when it has ended; NOT_SWAPPED where a change lies in no function.
Source: tools/lint_imports.py (the same for import-linter); pytest's manual, "exit codes".
"""

import gc
import importlib
import json
import os
import shutil
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import Phase, settings

if TYPE_CHECKING:
    from tests.mutation.swapping import Functions, Swap, plan
else:  # it stands beside this file; `tests` is what a run's own tree has under this name
    from swapping import Functions, Swap, plan

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
ROOMS = ("engine", "actors", "http", "storage", "sandbox")
UNREAD = ("__main__", "comptoir.engine.testing")
"""What starts something when it is read; and the plugin, which pytest reads itself."""
NOT_SWAPPED = 97
"""Beyond all of pytest's."""


class Recorder:
    """A pytest plugin: test -> (outcome, the line that says why), written down at the end."""

    def __init__(self, modules: list[str], report: Path, swaps: list[Swap]) -> None:
        self.modules = modules
        self.report = report
        self.swaps = swaps
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
        """Write the report: a JSON object with `loaded`, `swapped` and `ended`."""
        loaded = {x: getattr(sys.modules.get(x), "__file__", None) for x in self.modules}
        swapped = {one.code.co_qualname: one.made for one in self.swaps}
        told = {"loaded": loaded, "swapped": swapped, "ended": self.ended}
        self.report.write_text(json.dumps(told), "utf-8")


def _leaves(error: BaseException) -> list[str]:
    """The errors that a group of groups holds: the type, and the first line of what it says."""
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        return [line for inside in group.exceptions for line in _leaves(inside)]
    return [f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"]


def _plan(functions: Functions | None, order: dict[str, Any]) -> list[Swap] | None:
    """What an order has swapped: nothing, or all of it; None if that cannot be."""
    swaps: list[Swap] = []
    for file, text in order["swaps"]:
        assert functions is not None
        if file.endswith(".sql"):
            continue
        planned = plan(functions, file, (Path(order["tree"]) / file).read_text("utf-8"), text)
        if planned is None:
            return None
        swaps += planned
    return swaps


def _plant_data(order: dict[str, Any]) -> None:
    """What is no code: from here on its package finds its files in a copy of the folder, in which they are changed."""
    for file, text in order["swaps"]:
        if file.endswith(".sql"):
            source = Path(order["tree"]) / file
            folder = Path(order["report"]).parent / source.parent.name
            shutil.copytree(source.parent, folder, dirs_exist_ok=True)
            (folder / source.name).write_text(text, "utf-8")
            package = importlib.import_module(".".join(("comptoir", *Path(file).parent.parts)))
            cast("Any", package.__spec__).loader.path = str(folder / "__init__.py")


def _test(order: dict[str, Any], functions: Functions | None) -> int:
    """In the fork: run the tests of an order, and answer pytest's status."""
    swaps = _plan(functions, order)
    if swaps is None:
        return NOT_SWAPPED
    for swap in swaps:
        swap.make()
    _plant_data(order)
    os.setsid()
    output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, file in enumerate((nothing, output, output)):
        os.dup2(file, number)
    os.environ.clear()
    os.environ.update(order["env"])
    os.chdir(order["tree"])
    sys.pycache_prefix = os.environ.get("PYTHONPYCACHEPREFIX")
    sys.dont_write_bytecode = False  # whatever the shell says: the next run reads it
    # As `python -m pytest` has it: the root of the tree, then what PYTHONPATH says.
    if functions is None:
        sys.path[:1] = [order["tree"], str(Path(order["tree"]) / ".src")]
    # One seed, so that a verdict does not change from one run to the next.
    options = ["-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0"]
    # Of plugins that were read before: their own assertions are none of ours.
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning", "--disable-plugin-autoload"]
    options += [part for name in PLUGINS for part in ("-p", name)]
    recorder = Recorder(order["modules"], Path(order["report"]), swaps)
    return int(pytest.main([*options, *order["tests"]], plugins=[recorder]))


def _carry_out(order: dict[str, Any], functions: Functions | None) -> int:
    """Fork for an order, tell who it is, and wait for its end; the exit status."""
    pid = os.fork()
    if pid == 0:
        status = 3  # pytest's for an error of its own
        try:
            status = _test(order, functions)
        except BaseException:  # noqa: BLE001 - the end of this process: told in its output
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(status)
    sys.stdout.write(f"{pid}\n")
    sys.stdout.flush()
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def _read_tree(tree: Path) -> Functions:
    """Read every module of ours, and know their functions."""
    sys.path[:1] = [str(tree), str(tree / ".src")]
    for room in ROOMS:
        for file in sorted((tree / room).rglob("*.py")):
            words = ("comptoir", *file.relative_to(tree).with_suffix("").parts)
            name = ".".join(words).removesuffix(".__init__")
            if words[-1] not in UNREAD and name not in UNREAD:
                importlib.import_module(name)
    return Functions(tree)


def main() -> None:
    """Read the libraries, then carry out what standard input asks for until it ends."""
    sys.meta_path[:] = [f for f in sys.meta_path if EDITABLE not in getattr(f, "__module__", "")]
    sys.path[:] = [entry for entry in sys.path if EDITABLE not in entry]
    for name in LIBRARIES:
        importlib.import_module(name)
    ours = [name for name in sys.modules if name.partition(".")[0] in OURS]
    assert not ours, f"read before the tree was known: {ours}"
    functions = _read_tree(Path(sys.argv[1])) if len(sys.argv) > 1 else None
    gc.collect()
    gc.freeze()  # the collector of a fork touches none of the shared pages
    for line in sys.stdin:
        status = _carry_out(json.loads(line), functions)
        sys.stdout.write(f"{status}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
