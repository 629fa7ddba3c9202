"""The whole suite in parts, as many at once as there are processors: what `make test` runs.

The rule: every test runs exactly once. The parts are folders and files of tests/ that are named here,
and the last one is all the rest, so that a new file cannot be forgotten. Each part is a pytest of its
own, whose output is shown in one piece when it has ended; the table at the end says which part took how
long. Many tests wait for daemons and databases to start or to end, so two parts at once take little more
than the longer one.

    python tools/run_tests.py [--coverage] [--jobs N] [pytest's own options for every part]
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PARTS: dict[str, tuple[str, ...]] = {
    # The longest first, so that none of them is left for the end.
    "sequences": ("tests/storage/test_equivalence.py",),
    "crash points": ("tests/durability/test_crash_points.py",),
    "mutants": ("tests/mutation",),
    "exhaustion": ("tests/durability/exhaustion",),
    "simulation": ("tests/simulation",),
    "contract": ("tests/contract",),
    "engine": ("tests/engine",),
    "storage": ("tests/storage",),
    "durability": ("tests/durability",),
    "the rest": ("tests",),
}
UNMEASURED = ("sequences", "crash points", "mutants", "exhaustion", "simulation")
"""Parts that branches are not measured in: most of what they run is other programs, which would not be
seen, and what they run themselves costs three times as much when it is watched."""
NO_TESTS = 5
"""pytest's status where its options deselect all tests of a part."""


class Ended(NamedTuple):
    """One part, over."""

    name: str
    status: int
    seconds: float
    output: str

    @property
    def summary(self) -> str:
        """The last line of pytest, without its bars and its time."""
        last = self.output.strip().rpartition("\n")[2].strip("= ")
        return last.rpartition(" in ")[0] or last

    @property
    def failed(self) -> bool:
        """Whether something of it went wrong."""
        return self.status not in (0, NO_TESTS)


def arguments_of(name: str) -> list[str]:
    """The paths of a part, without what other parts have below them."""
    own = PARTS[name]
    others = [path for paths in PARTS.values() if paths != own for path in paths]
    inside = [x for x in others if any(x.startswith(f"{path}/") for path in own)]
    return [*own, *(f"--ignore={path}" for path in inside)]


def _run(name: str, options: Sequence[str], *, coverage: bool) -> Ended:
    program = ["-m", "coverage", "run", "--parallel-mode"] if coverage else []
    command = [sys.executable, *program, "-m", "pytest", "-p", "no:cacheprovider"]
    began = time.monotonic()
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        status = subprocess.run(
            [*command, *arguments_of(name), *options],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            check=False,
        ).returncode
        output.seek(0)
        return Ended(name, status, time.monotonic() - began, output.read())


def _show(ended: Ended, done: int) -> None:
    print(f"\n──── {ended.name} ({done} of {len(PARTS)}, {ended.seconds:.0f} s)")
    print(ended.output.rstrip(), flush=True)


def _table(parts: Sequence[Ended], seconds: float) -> None:
    print("\n──── all parts")
    for part in sorted(parts, key=lambda one: -one.seconds):
        mark = "FAILED" if part.failed else "passed"
        print(f"{part.name:14} {part.seconds:5.0f} s  {mark}  {part.summary}")
    print(f"{'in all':14} {seconds:5.0f} s")


def main() -> int:
    """Run all parts; 1 if one of them failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--coverage", action="store_true", help="measure branches")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2, help="parts at once")
    given, options = parser.parse_known_args()
    began = time.monotonic()
    parts: list[Ended] = []
    with ThreadPoolExecutor(given.jobs) as pool:
        runs = [
            pool.submit(_run, name, options, coverage=given.coverage and name not in UNMEASURED)
            for name in PARTS
        ]
        for run in as_completed(runs):
            parts.append(run.result())
            _show(parts[-1], len(parts))
    _table(parts, time.monotonic() - began)
    return 1 if any(part.failed for part in parts) else 0


if __name__ == "__main__":
    sys.exit(main())
