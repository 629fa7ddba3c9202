"""Plants declared bugs into copies of the tree, and runs the test that must see each.

Rules: the checkout itself is never written to; a copy is made of hard links, and the one file that is
changed is a file of its own; whatever is started ends within its time, with all its children. Copies
follow one another at the same few places, so that what was compiled for one serves the next; a changed
file is told from all others at its place by its time.
Source: issue 3, deliver 3 (mutation check); tests/mutation/mutants.toml.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import tomllib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
MUTANTS = Path(__file__).with_name("mutants.toml")
TRY_ONE = "tests/mutation/try_one.py"
TRY_SECONDS_MAX = 250
"""Far beyond what any named test takes alone on a busy machine."""
CARRIED = (
    "engine", "actors", "http", "storage", "sandbox", "tests", "docs", ".src",
    "pyproject.toml", "config.toml",
)  # fmt: skip
"""What a named test may need of the tree."""
UNCHANGED = ""

told: list[str] = []
"""What each planted bug died of, for the end of a run that succeeds, too."""


@dataclass(frozen=True)
class Mutant:
    """One safeguard, and the text that takes it away."""

    name: str
    takes_away: str
    why: str
    file: str
    old: str
    new: str
    test: str

    @property
    def applies(self) -> int:
        """How often its text stands in its file; once is right."""
        return (ROOT / self.file).read_text(encoding="utf-8").count(self.old)

    @property
    def module(self) -> str:
        """The module to look at for where the code was loaded from."""
        if self.file.startswith("storage/migrations/"):
            return "comptoir.storage.migrate"
        return "comptoir." + self.file.removesuffix(".py").replace("/", ".")


@dataclass(frozen=True)
class Trial:
    """One or two mutants in one copy, and the test that must fail there."""

    name: str
    mutants: tuple[Mutant, ...]
    test: str


@dataclass(frozen=True)
class Verdict:
    """How a run of named tests in a copy ended."""

    status: int
    strangers: tuple[str, ...]
    """Modules in question that were not loaded from the copy."""
    ended: dict[str, tuple[str, str]]
    """Test -> outcome, and what it died of."""
    output: str


def read_trials() -> list[Trial]:
    """Every mutant with its own test, then what the simulation must find, in their order."""
    declared = tomllib.loads(MUTANTS.read_text(encoding="utf-8"))
    mutants = {fields["name"]: Mutant(**fields) for fields in declared["mutant"]}
    simulation = declared["simulation"]
    trials = [Trial(mutant.name, (mutant,), mutant.test) for mutant in mutants.values()]
    for names in simulation["finds"]:
        planted = tuple(mutants[name] for name in names)
        trials.append(Trial(f"simulation:{'+'.join(names)}", planted, simulation["test"]))
    return trials


class Laboratory:
    """Copies of the tree, and runs of tests in them, as many at a time as there are processors."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._whole = folder / "whole"
        self._compiled = folder / "compiled"
        self._clusters = folder / "clusters"  # tests/storage/conftest.py
        self._clusters.mkdir()
        workers = os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(workers)
        self._places: SimpleQueue[Bench] = SimpleQueue()
        self._benches = [Bench(folder / str(number)) for number in range(workers)]
        for bench in self._benches:
            self._places.put(bench)
        self._times = count(1_000_000_000, 10)
        self._verdicts: dict[str, Future[Verdict]] = {}
        # As root, PostgreSQL runs in it under another account, which must get through.
        folder.chmod(0o755)
        self._clusters.chmod(0o755)
        self._copy_tree()

    def _copy_tree(self) -> None:
        ignore = shutil.ignore_patterns("__pycache__")
        for name in CARRIED:
            source, target = ROOT / name, self._whole / name
            if source.is_dir():
                shutil.copytree(source, target, symlinks=True, ignore=ignore)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)

    def begin(self, trials: list[Trial]) -> None:
        """Start on these, and on the tree as it is with all of their tests."""
        tests = sorted({trial.test for trial in trials})
        self._verdicts[UNCHANGED] = self._pool.submit(self._try, (), tests)
        for trial in trials:
            self._verdicts[trial.name] = self._pool.submit(self._try, trial.mutants, [trial.test])

    def verdict(self, name: str = UNCHANGED) -> Verdict:
        """Wait for the verdict on a trial; without a name, on the unchanged tree."""
        return self._verdicts[name].result()

    def end(self) -> None:
        """Leave nothing running."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for bench in self._benches:
            bench.kill()
        self._pool.shutdown()
        for bench in self._benches:
            bench.end()

    def _try(self, mutants: tuple[Mutant, ...], tests: list[str]) -> Verdict:
        bench = self._places.get()
        try:
            tree = bench.place / "tree"
            shutil.copytree(self._whole, tree, symlinks=True, copy_function=os.link)
            bench.place.chmod(0o755)
            for mutant in mutants:
                self._plant(mutant, tree)
            modules = [mutant.module for mutant in mutants] or ["comptoir.engine"]
            return self._run(bench, tree, modules, tests)
        finally:
            shutil.rmtree(bench.place, ignore_errors=True)
            self._places.put(bench)

    def _plant(self, mutant: Mutant, tree: Path) -> None:
        """Change the one file; its link is broken first, for it is shared with the other copies."""
        file = tree / mutant.file
        text = file.read_text(encoding="utf-8")
        assert text.count(mutant.old) == 1
        file.unlink()
        file.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
        at = next(self._times)  # a compiled file is known by its source's time and size alone
        os.utime(file, (at, at))

    def _run(self, bench: "Bench", tree: Path, modules: list[str], tests: list[str]) -> Verdict:
        report, printed = tree.with_name("report.json"), tree.with_name("printed")
        env = {name: value for name, value in os.environ.items() if not name.startswith("TESTS_")}
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        env["PYTHONPYCACHEPREFIX"] = str(self._compiled)
        env |= {"PYTHONPATH": str(tree / ".src"), "TMPDIR": str(tree.parent)}
        env["TESTS_CLUSTERS"] = str(self._clusters)
        order = {
            "tree": str(tree), "modules": modules, "tests": tests, "env": env,
            "report": str(report), "output": str(printed),
        }  # fmt: skip
        status, late = bench.run(order)
        output = printed.read_text(errors="replace") if printed.exists() else ""
        if late:
            return Verdict(status, (), {}, f"not ended within {TRY_SECONDS_MAX} s\n{output}")
        if not report.exists():
            return Verdict(status, tuple(modules), {}, output)
        found = json.loads(report.read_text(encoding="utf-8"))
        strangers = tuple(x for x in modules if not _lies_in(tree, found["loaded"].get(x)))
        ended = {test: (how, why) for test, (how, why) in found["ended"].items()}
        return Verdict(status, strangers, ended, output)


class Bench:
    """A place for one copy at a time, and the process whose forks run tests in it (try_one.py)."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._running = 0
        self._process = subprocess.Popen(
            [sys.executable, str(ROOT / TRY_ONE)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, order: dict[str, Any]) -> tuple[int, bool]:
        """Have an order carried out; its exit status, and whether it was ended for taking too long."""
        orders, answers = self._process.stdin, self._process.stdout
        assert orders is not None
        assert answers is not None
        orders.write(json.dumps(order) + "\n")
        orders.flush()
        self._running = int(answers.readline())
        late = threading.Event()

        def end() -> None:
            late.set()
            self.kill()

        timer = threading.Timer(TRY_SECONDS_MAX, end)
        timer.start()
        try:
            return int(answers.readline()), late.is_set()
        finally:
            timer.cancel()
            self._running = 0

    def kill(self) -> None:
        """End a run with its children: it leads a session of its own."""
        if self._running:
            with suppress(ProcessLookupError):
                os.killpg(self._running, signal.SIGKILL)

    def end(self) -> None:
        """No more orders."""
        self._process.communicate()


def _lies_in(tree: Path, file: str | None) -> bool:
    return file is not None and Path(file).resolve().is_relative_to(tree.resolve())


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each trial."""
    if "trial" in metafunc.fixturenames:
        trials = read_trials()
        metafunc.parametrize("trial", trials, ids=[trial.name for trial in trials])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what each planted bug died of."""
    if told:
        terminalreporter.section("mutation check")
    for line in told:
        terminalreporter.write_line(line)


@pytest.fixture(scope="module")
def laboratory(request: pytest.FixtureRequest) -> Iterator[Laboratory]:
    """Begin at once on every trial that was asked for, and give the place to hear of them."""
    chosen: dict[str, Trial] = {}
    for item in request.session.items:
        if isinstance(item, pytest.Function) and "laboratory" in item.fixturenames:
            trial = item.callspec.params.get("trial") if hasattr(item, "callspec") else None
            if isinstance(trial, Trial) and all(x.applies == 1 for x in trial.mutants):
                chosen[trial.name] = trial
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        laboratory = Laboratory(Path(folder))
        try:
            laboratory.begin(list(chosen.values()))
            yield laboratory
        finally:
            laboratory.end()


@pytest.fixture
def tell() -> list[str]:
    """Give the list of lines that are shown at the end."""
    return told
