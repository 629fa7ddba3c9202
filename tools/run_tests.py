"""The whole suite in parts, two more at once than there are processors: what `make test` runs.

The rule: every test runs exactly once. The parts are folders and files of tests/ that are named here,
and the last one is all the rest, so that a new file cannot be forgotten. Each part is a pytest of its
own, whose output is shown in one piece when it has ended. At the end what went wrong is told once more, since
whoever reads a long log begins there, and a table says which part took how long, and how much of that its
processes computed: on a shared machine only the latter can be compared. Many tests wait, for daemons and
databases to start or to end, or for real seconds of an outage: with a part for each processor a sixth of these
stood still, with one more an eighth, which is what the two more use.

    python tools/run_tests.py [--coverage] [--jobs N] [pytest's own options for every part]
"""

import argparse
import os
import shutil
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
    # The longest first, so that none of them is left for the end; and a long folder in parts that are named
    # here, so that its end does not run alone. What only computes begins last: it fills what waits leave.
    "contract, files": (
        "tests/contract/test_account_faults.py",
        "tests/contract/test_beginnings.py",
        "tests/contract/test_core_banking.py",
        "tests/contract/test_core_banking_killed.py",
        "tests/contract/test_decisions.py",
        "tests/contract/test_documents.py",
        "tests/contract/test_docusign.py",
        "tests/contract/test_docusign_completed.py",
        "tests/contract/test_erased.py",
        "tests/contract/test_hostile_documents.py",
        "tests/contract/test_kept.py",
        "tests/contract/test_kyc.py",
        "tests/contract/test_lists.py",
        "tests/contract/test_portal.py",
        "tests/contract/test_rescreening.py",
        "tests/contract/test_review.py",
        "tests/contract/test_scenarios.py",
        "tests/contract/test_signing_timers.py",
        "tests/contract/test_to_completed.py",
        "tests/contract/test_to_completed_ways.py",
        "tests/contract/test_uploads.py",
        "tests/contract/test_verify.py",
    ),
    "contract, money": (
        "tests/contract/test_dead_letters.py",
        "tests/contract/test_fault_scripts.py",
        "tests/contract/test_healing.py",
        "tests/contract/test_notification_faults.py",
        "tests/contract/test_notifications.py",
        "tests/contract/test_payout_batches.py",
        "tests/contract/test_payout_faults.py",
        "tests/contract/test_payout_killed.py",
        "tests/contract/test_points.py",
        "tests/contract/test_quotes.py",
        "tests/contract/test_reconciliation.py",
        "tests/contract/test_statements.py",
        "tests/contract/test_upkeep.py",
        "tests/contract/test_withdrawal_faults.py",
        "tests/contract/test_withdrawals.py",
    ),
    "actors": ("tests/actors",),
    "contract": ("tests/contract",),
    "edge": ("tests/http",),
    "commands": ("tests/engine/cli",),
    "storage": ("tests/storage",),
    "exhaustion": ("tests/durability/exhaustion",),
    "crash points": ("tests/durability/test_crash_points.py",),
    "engine": ("tests/engine",),
    "durability": ("tests/durability",),
    "contract, banks": (
        "tests/contract/test_claims.py",
        "tests/contract/test_claims_fetched.py",
        "tests/contract/test_claims_linked.py",
        "tests/contract/test_connection_events.py",
        "tests/contract/test_consent_calendar.py",
        "tests/contract/test_linking.py",
        "tests/contract/test_plaid.py",
        "tests/contract/test_powens.py",
        "tests/contract/test_powens_link.py",
        "tests/contract/test_tink.py",
        "tests/contract/test_tink_faults.py",
    ),
    "the rest": ("tests",),
    "fuzzing": ("tests/http/test_fuzz.py",),
    "sequences": ("tests/storage/test_equivalence.py",),
    "simulation": ("tests/simulation",),
    "mutants": ("tests/mutation",),  # which take over what the parts before have compiled of tests
}
UNMEASURED = ("sequences", "crash points", "mutants", "exhaustion", "simulation")
"""Parts that branches are not measured in: most of what they run is other programs, which would not be
seen, and what they run themselves costs three times as much when it is watched."""
MEMORY = "/dev/shm"  # noqa: S108 - a folder with a name of its own is made in it
MEMORY_BYTES_MIN = 8 << 30
"""Free, or it is not used: some 0.4 GiB were seen in use at a time."""
CLUSTERS = "TESTS_CLUSTERS"
"""Where runs find clusters to copy: tests/storage/conftest.py."""
NO_TESTS = 5
"""pytest's status where its options deselect all tests of a part."""
TROUBLE = ("Timeout (", "= ERRORS =", "= FAILURES =")
"""Where a log begins to tell of what went wrong: a hang that was ended, a fixture, a test."""
TROUBLE_CHARACTERS_MAX = 5_000
"""Of each part that failed."""


class Ended(NamedTuple):
    """One part, over."""

    name: str
    status: int
    seconds: float
    computed: float
    """CPU-seconds of it and of all that it started and waited for."""
    output: str

    @property
    def summary(self) -> str:
        """The last line of pytest, without its bars and its time."""
        last = self.output.strip().rpartition("\n")[2].strip("= ")
        return last.rpartition(" in ")[0] or last

    @property
    def trouble(self) -> str:
        """What pytest says of its failures and errors, cut in its middle; or how it was ended."""
        found = min((at for mark in TROUBLE if (at := self.output.find(mark)) >= 0), default=None)
        told = self.output[found:].strip() if found is not None else self.output.strip()
        half = TROUBLE_CHARACTERS_MAX // 2
        return told if len(told) <= 2 * half else f"{told[:half]}\n[…]\n{told[-half:]}"

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


def _run(name: str, options: Sequence[str], folder: str, *, coverage: bool) -> Ended:
    program = ["-m", "coverage", "run", "--parallel-mode"] if coverage else []
    command = [sys.executable, *program, "-m", "pytest", "-p", "no:cacheprovider"]
    began = time.monotonic()
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        process = subprocess.Popen(
            [*command, *arguments_of(name), *options],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env={**os.environ, "TMPDIR": folder, CLUSTERS: folder},
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds, computed = time.monotonic() - began, used.ru_utime + used.ru_stime
        output.seek(0)
        return Ended(name, process.returncode, seconds, computed, output.read())


def _show(ended: Ended, done: int) -> None:
    print(f"\n──── {ended.name} ({done} of {len(PARTS)}, {ended.seconds:.0f} s)")
    print(ended.output.rstrip(), flush=True)


def _repeat(parts: Sequence[Ended]) -> None:
    for part in parts:
        if part.failed:
            print(f"\n──── what went wrong in {part.name}")
            print(part.trouble)


def _table(parts: Sequence[Ended], seconds: float) -> None:
    print("\n──── all parts")
    for part in sorted(parts, key=lambda one: -one.seconds):
        mark = "FAILED" if part.failed else "passed"
        spent = f"{part.seconds:5.0f} s {part.computed:5.0f} s CPU"
        print(f"{part.name:18} {spent}  {mark}  {part.summary}")
    print(f"{'in all':18} {seconds:5.0f} s {sum(part.computed for part in parts):5.0f} s CPU")


def _folder() -> str | None:
    """Where tests put what is only theirs: memory where there is plenty, else where the system says.

    What must lie on a disk says so itself. Clusters that are made and deleted cost a fifth less in memory.
    """
    try:
        free = shutil.disk_usage(MEMORY).free
    except OSError:
        return None
    return MEMORY if free >= MEMORY_BYTES_MIN and os.access(MEMORY, os.W_OK) else None


def main() -> int:
    """Run all parts; 1 if one of them failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--coverage", action="store_true", help="measure branches")
    jobs = (os.cpu_count() or 2) + 2
    parser.add_argument("--jobs", type=int, default=jobs, help="parts at once")
    given, options = parser.parse_known_args()
    began = time.monotonic()
    parts: list[Ended] = []
    with (
        tempfile.TemporaryDirectory(
            prefix="ct", dir=_folder(), ignore_cleanup_errors=True
        ) as folder,
        ThreadPoolExecutor(given.jobs) as pool,
    ):
        Path(folder).chmod(0o755)  # as root, PostgreSQL runs under another account
        measured = {name: given.coverage and name not in UNMEASURED for name in PARTS}
        runs = [pool.submit(_run, name, options, folder, coverage=measured[name]) for name in PARTS]
        for run in as_completed(runs):
            parts.append(run.result())
            _show(parts[-1], len(parts))
    _repeat(parts)
    _table(parts, time.monotonic() - began)
    return 1 if any(part.failed for part in parts) else 0


if __name__ == "__main__":
    sys.exit(main())
