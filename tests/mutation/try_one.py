"""Runs named tests against a tree, one after the other, and writes down how each ended.

Rules:
- the tree that is named is what is tested, and no other. An editable install would add a second portion to the
  namespace `comptoir`, so its finder is taken out before anything of ours is imported; where each module
  in question was loaded from stands in the report, for whoever started this to check;
- each run is a fork of this process, which has read the libraries that tests and daemon use, and either not one
  module of ours, or (started with a tree) all of that tree's, where its pytest has collected the files of tests
  that were named too: most of what a run of one test computes would be that reading, and most of the rest
  pytest's own beginning. No test has run before the fork, so that none finds what another has left. A run leads a
  session. Loaded modules are changed by swapping (swapping.py); the report says of what.

A program of its own: try_one.py SOCKET..., then --tree ROOT FILE... for the latter. Each socket (the number of an
open file) is served by a process of its own. It reads a JSON object in a line for each run: `tree` (the root, whose
`.src` is searched first), `modules`, `report`, `tests`, `env`, `output` (a file for all that is printed), and `swaps`
(pairs of a file and its new text). It answers a line with the process id when a run begins, and one with its exit
status, which is pytest's (negative: the signal), when it has ended; NOT_SWAPPED where a change lies in no function.
Source: tools/lint_imports.py (the same for import-linter); pytest's manual, "exit codes", `pytest_runtestloop`.
"""

import gc
import importlib
import json
import os
import shutil
import socket
import sys
import tempfile
import traceback
from collections.abc import Iterable
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
EXAMPLES = 30
"""Of each property, as tests/conftest.py has it: here they are the same each time, with a bug and without."""
NOT_SWAPPED = 97
"""Beyond all of pytest's."""


class Recorder:
    """A pytest plugin: test -> (outcome, the line that says why), written down at the end."""

    def __init__(self, order: dict[str, Any], swaps: Iterable[Swap] = ()) -> None:
        self.modules: list[str] = order["modules"]
        self.report = Path(order["report"])
        self.swaps = tuple(swaps)
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
        """Write the report: a JSON object with `loaded`, `swapped` and `ended`."""
        loaded = {x: getattr(sys.modules.get(x), "__file__", None) for x in self.modules}
        swapped = {one.code.co_qualname: one.made for one in self.swaps}
        told = {"loaded": loaded, "swapped": swapped, "ended": self.ended}
        self.report.write_text(json.dumps(told), "utf-8")


class Searching:
    """A pytest plugin: how examples are looked for.

    No smaller one is: that a test fails is all that is asked, and who reads of it never sees one.
    """

    def pytest_configure(self) -> None:
        """Before tests are read: what their own settings begin with."""
        phases = tuple(x for x in Phase if x not in (Phase.shrink, Phase.explain))
        name = settings.get_current_profile_name()
        found = settings.get_profile(name)
        settings.register_profile(name, found, phases=phases, max_examples=EXAMPLES)
        settings.load_profile(name)


class Collected:
    """A pytest plugin: what was collected stays, and each order is a fork that goes on with some of it."""

    def __init__(self, tree: Path, sockets: list[int]) -> None:
        self._tree = tree
        self._sockets = sockets
        self._functions: Functions | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self) -> None:
        """Know all functions, before they are taken out of the collector's sight (tests/conftest.py)."""
        self._functions = Functions(self._tree)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Serve, and go on in each fork with the tests of its order: pytest's own loop runs them."""
        order = _serve_all(self._sockets)
        if order is None:
            return True
        assert self._functions is not None
        swaps = _plan(self._functions, order)
        if swaps is None:
            os._exit(NOT_SWAPPED)
        for swap in swaps:
            swap.make()
        _plant_data(order)
        _settle(order)
        wanted = set(order["tests"])
        session.items = [item for item in session.items if item.nodeid in wanted]
        session.testscollected = len(session.items)
        if len(session.items) != len(wanted):  # pytest's own answer to a test that is not there
            os._exit(int(pytest.ExitCode.USAGE_ERROR))
        session.config.pluginmanager.register(Recorder(order, swaps))
        return None


def _leaves(error: BaseException) -> list[str]:
    """The errors that a group of groups holds: the type, and the first line of what it says."""
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        return [line for inside in group.exceptions for line in _leaves(inside)]
    return [f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"]


def _plan(functions: Functions, order: dict[str, Any]) -> list[Swap] | None:
    """What an order has swapped: nothing, or all of it; None if that cannot be."""
    swaps: list[Swap] = []
    for file, text in order["swaps"]:
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


def _settle(order: dict[str, Any]) -> None:
    """In the fork: a session of its own, with the files, the environment and the folder of an order."""
    os.setsid()
    output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, file in enumerate((nothing, output, output)):
        os.dup2(file, number)
    os.environ.clear()
    os.environ.update(order["env"])
    tempfile.tempdir = None  # it may be known already, from another environment
    os.chdir(order["tree"])
    sys.pycache_prefix = os.environ.get("PYTHONPYCACHEPREFIX")
    sys.dont_write_bytecode = False  # whatever the shell says: the next run reads it


def _options() -> list[str]:
    # One seed, so that a verdict does not change from one run to the next.
    options = ["-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0"]
    # Of plugins that were read before: their own assertions are none of ours.
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning", "--disable-plugin-autoload"]
    return options + [part for name in PLUGINS for part in ("-p", name)]


def _serve_all(sockets: list[int]) -> dict[str, Any] | None:
    """One process for each socket; the order in each fork of theirs, None where all is over."""
    for number in sockets:
        if os.fork() == 0:
            for other in set(sockets) - {number}:
                os.close(other)
            return _serve(number)
    for number in sockets:
        os.close(number)
        os.wait()
    return None


def _serve(number: int) -> dict[str, Any]:
    """Fork for each order, tell who it is, wait for its end and tell its exit status; the order, in the fork."""
    with socket.socket(fileno=number) as channel, channel.makefile() as lines:
        while line := lines.readline():
            pid = os.fork()
            if pid == 0:
                return cast("dict[str, Any]", json.loads(line))
            channel.sendall(f"{pid}\n".encode())
            _, status = os.waitpid(pid, 0)
            channel.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _read_tree(tree: Path) -> None:
    """Read every module of ours."""
    for room in ROOMS:
        for file in sorted((tree / room).rglob("*.py")):
            words = ("comptoir", *file.relative_to(tree).with_suffix("").parts)
            name = ".".join(words).removesuffix(".__init__")
            if words[-1] not in UNREAD and name not in UNREAD:
                importlib.import_module(name)


def _run_bare(sockets: list[int]) -> int:
    """Forks that have read libraries alone, each of which reads its own tree; pytest's status in a fork."""
    gc.collect()
    gc.freeze()  # the collector of a fork touches none of the shared pages
    order = _serve_all(sockets)
    if order is None:
        return 0
    _settle(order)
    # As `python -m pytest` has it: the root of the tree, then what PYTHONPATH says.
    sys.path[:1] = [order["tree"], str(Path(order["tree"]) / ".src")]
    return int(pytest.main([*_options(), *order["tests"]], plugins=[Searching(), Recorder(order)]))


def _run_collected(sockets: list[int], tree: Path, files: list[str]) -> int:
    """Forks that have read a tree, with the tests of some files; pytest's status in a fork."""
    os.chdir(tree)
    sys.path[:1] = [str(tree), str(tree / ".src")]
    _read_tree(tree)
    # A file that cannot be read is no reason to run none. Without capture: each fork prints into its own file.
    options = [*_options(), "--continue-on-collection-errors", "--capture=no"]
    return int(pytest.main([*options, *files], plugins=[Searching(), Collected(tree, sockets)]))


def main() -> None:
    """Read the libraries, then carry out what the sockets ask for until they are closed."""
    sys.meta_path[:] = [f for f in sys.meta_path if EDITABLE not in getattr(f, "__module__", "")]
    sys.path[:] = [entry for entry in sys.path if EDITABLE not in entry]
    for name in LIBRARIES:
        importlib.import_module(name)
    ours = [name for name in sys.modules if name.partition(".")[0] in OURS]
    assert not ours, f"read before the tree was known: {ours}"
    numbers, _, named = " ".join(sys.argv[1:]).partition(" --tree ")
    sockets = [int(number) for number in numbers.split()]
    status = 3  # pytest's for an error of its own
    try:
        if named:
            tree, *files = named.split()
            status = _run_collected(sockets, Path(tree), files)
        else:
            status = _run_bare(sockets)
    except BaseException:  # noqa: BLE001 - the end of this process: told in its output
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
