"""Plants declared bugs into a copy of the tree, and runs the test that must see each.

Rules: the checkout itself is never written to; the copy is read once, and a bug is swapped into what is loaded
(swapping.py); where that cannot be, another copy is made of hard links, and the one file that is
changed is a file of its own; whatever is started ends within its time, with all its children. Such copies
follow one another at the same few places, so that what was compiled for one serves the next; a changed
file is told from all others at its place by its time.
Source: issue 3, deliver 3 (mutation check); tests/mutation/mutants.toml.
"""

import json
import os
import shutil
import tempfile
import tomllib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from tests.mutation.bench import ENVIRONMENT, TRY_SECONDS_MAX, Bench, Program, Runner

ROOT = Path(__file__).resolve().parents[2]
MUTANTS = Path(__file__).with_name("mutants.toml")
PYTEST_FAILED = 1
"""pytest's status for "tests ran, and some failed"; 2 to 5 mean that none could run."""
NOT_SWAPPED = 97
"""Where a bug lies in no function (try_one.py)."""
MIGRATING = ("storage/migrations/", "storage/migrate.py", "storage/roles.py")
"""Whose change a migrated database does not show, if it was migrated before."""
CARRIED = (
    "engine", "actors", "http", "storage", "sandbox", "tests", "docs", ".src",
    "pyproject.toml", "config.toml",
)  # fmt: skip
"""What a named test may need of the tree."""
FOLDERS = ("tests/actors", "tests/engine", "tests/http", "tests/mutation", "tests/storage")
"""Where named tests are; those of each are run on the unchanged tree."""

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
    """Modules in question that were not loaded from the copy, and functions that have not the bug in the end."""
    ended: dict[str, tuple[str, str]]
    """Test -> outcome, and what it died of."""
    output: str
    swapped: bool = False
    """Whether it was in modules that were loaded before."""


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
    """Trials, as many at a time as there are processors.

    A bug that lies within functions, or in SQL, is swapped into what is loaded already; where it does not, or goes
    unseen so (by a test that starts programs, say), a copy of the tree has it in the file.
    """

    def __init__(self, folder: Path, trials: list[Trial]) -> None:
        self.folder = folder
        self._trials = trials
        self._whole = folder / "whole"
        self._compiled = folder / "compiled"
        self._clusters = folder / "clusters"  # tests/storage/clusters.py
        self._clusters.mkdir()
        # As root, PostgreSQL runs in it under another account, which must get through.
        folder.chmod(0o755)
        self._clusters.chmod(0o755)
        self._copy_tree()
        workers = os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(workers)
        self._places: SimpleQueue[Bench] = SimpleQueue()
        self._benches = [Bench(folder / str(number), number) for number in range(workers)]
        self._bare = Program(workers)
        files = sorted({trial.test.partition("::")[0] for trial in trials})
        self._loaded = Program(workers, "--tree", str(self._whole), *files)
        for bench in self._benches:
            self._places.put(bench)
        self._times = count(1_000_000_000, 10)
        self._verdicts: dict[str, Future[Verdict]] = {}

    def _copy_tree(self) -> None:
        """With what was compiled of it; what is being compiled has a number at its end."""
        ignore = shutil.ignore_patterns("*.pyc.*")
        for name in CARRIED:
            source, target = ROOT / name, self._whole / name
            if source.is_dir():
                shutil.copytree(source, target, symlinks=True, ignore=ignore)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)

    def begin(self) -> None:
        """Start on the tree as it is with all tests that are named, and on each trial."""
        for folder in FOLDERS:
            named = {trial.test for trial in self._trials if trial.test.startswith(f"{folder}/")}
            tests = sorted(named)
            if tests:
                self._verdicts[folder] = self._pool.submit(self._try, (), tests)
        for trial in self._trials:
            self._verdicts[trial.name] = self._pool.submit(self._try, trial.mutants, [trial.test])

    def verdict(self, name: str) -> Verdict:
        """Wait for the verdict on a trial; under the name of a folder, on its tests in the unchanged tree."""
        return self._verdicts[name].result()

    def tries(self, name: str) -> bool:
        """Whether anything was begun under this name."""
        return name in self._verdicts

    def end(self) -> None:
        """Leave nothing running."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._bare.kill()
        self._loaded.kill()
        self._pool.shutdown()
        self._bare.end()
        self._loaded.end()
        for bench in self._benches:
            bench.end()

    def _try(self, mutants: tuple[Mutant, ...], tests: list[str]) -> Verdict:
        bench = self._places.get()
        try:
            bench.place.mkdir()
            bench.place.chmod(0o755)
            swapped = self._swap(bench, mutants, tests)
            if swapped.status == PYTEST_FAILED or (not mutants and swapped.status == 0):
                return swapped
            return self._copy(bench, mutants, tests)
        finally:
            shutil.rmtree(bench.place, ignore_errors=True)
            self._places.put(bench)

    def _swap(self, bench: Bench, mutants: tuple[Mutant, ...], tests: list[str]) -> Verdict:
        """In modules that are loaded."""
        if not all(mutant.file.endswith((".py", ".sql")) for mutant in mutants):
            return Verdict(NOT_SWAPPED, (), {}, "")
        texts = {one.file: (self._whole / one.file).read_text(encoding="utf-8") for one in mutants}
        for mutant in mutants:
            texts[mutant.file] = texts[mutant.file].replace(mutant.old, mutant.new)
        order = self._order(bench, self._whole, mutants, tests)
        order["swaps"] = list(texts.items())
        verdict = self._run(bench, self._loaded.runner(bench.number), order)
        return replace(verdict, swapped=True)

    def _copy(self, bench: Bench, mutants: tuple[Mutant, ...], tests: list[str]) -> Verdict:
        """In a copy that is read anew."""
        tree = bench.place / "tree"
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(self._whole, tree, symlinks=True, copy_function=os.link, ignore=ignore)
        for mutant in mutants:
            self._plant(mutant, tree)
        order = self._order(bench, tree, mutants, tests)
        order["env"]["PYTHONPYCACHEPREFIX"] = str(self._compiled)
        return self._run(bench, self._bare.runner(bench.number), order)

    def _plant(self, mutant: Mutant, tree: Path) -> None:
        """Change the one file; its link is broken first, for it is shared with the other copies."""
        file = tree / mutant.file
        text = file.read_text(encoding="utf-8")
        assert text.count(mutant.old) == 1
        file.unlink()
        file.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
        at = next(self._times)  # a compiled file is known by its source's time and size alone
        os.utime(file, (at, at))

    def _order(
        self, bench: Bench, tree: Path, mutants: tuple[Mutant, ...], tests: list[str]
    ) -> dict[str, Any]:
        env = {name: value for name, value in ENVIRONMENT.items() if not name.startswith("TESTS_")}
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        env |= {"PYTHONPATH": str(tree / ".src"), "TMPDIR": str(bench.place)}
        env["TESTS_CLUSTERS"] = str(self._clusters)
        if any(test.startswith("tests/storage/") for test in tests):
            migrated = not any(mutant.file.startswith(MIGRATING) for mutant in mutants)
            env["TESTS_RUNNING"] = bench.servers(migrated=migrated)
        return {
            "tree": str(tree), "tests": tests, "env": env, "swaps": [],
            "modules": [mutant.module for mutant in mutants] or ["comptoir.engine"],
            "report": str(bench.place / "report.json"), "output": str(bench.place / "printed"),
        }  # fmt: skip

    def _run(self, bench: Bench, runner: Runner, order: dict[str, Any]) -> Verdict:
        report, printed = bench.place / "report.json", bench.place / "printed"
        report.unlink(missing_ok=True)
        printed.unlink(missing_ok=True)
        status, late = runner.run(order)
        output = printed.read_text(errors="replace") if printed.exists() else ""
        modules, tree = order["modules"], Path(order["tree"])
        if late:
            return Verdict(status, (), {}, f"not ended within {TRY_SECONDS_MAX} s\n{output}")
        if not report.exists():
            return Verdict(status, tuple(modules), {}, output)
        found = json.loads(report.read_text(encoding="utf-8"))
        strangers = tuple(x for x in modules if not _lies_in(tree, found["loaded"].get(x)))
        lost = tuple(name for name, made in found["swapped"].items() if not made)
        ended = {test: (how, why) for test, (how, why) in found["ended"].items()}
        return Verdict(status, strangers + lost, ended, output)


def _lies_in(tree: Path, file: str | None) -> bool:
    return file is not None and Path(file).resolve().is_relative_to(tree.resolve())


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each trial; one for each folder of named tests."""
    if "folder" in metafunc.fixturenames:
        metafunc.parametrize("folder", FOLDERS)
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
        laboratory = Laboratory(Path(folder), list(chosen.values()))
        try:
            laboratory.begin()
            yield laboratory
        finally:
            laboratory.end()


@pytest.fixture
def tell() -> list[str]:
    """Give the list of lines that are shown at the end."""
    return told
