"""What the seeds together have tried: fault by phase, and totals.

Rule: a cell that could be hit and was not is a hole, shown as such; one that cannot be is declared in
faults.py with its reason. Source: issue 3, "Must show", first line.
"""

from collections import Counter
from collections.abc import Iterable

from tests.simulation.faults import COMMITS_MIN, IMPOSSIBLE, KINDS, PHASES, possible
from tests.simulation.run import Played

__all__ = ["holes", "poor_seeds", "shown_table", "shown_totals"]

CRASHES_MIN = 5


def _cells(runs: Iterable[Played]) -> Counter[str]:
    cells: Counter[str] = Counter()
    for run in runs:
        cells.update(run.hits)
    return cells


def holes(runs: Iterable[Played]) -> list[str]:
    """Cells that could be hit and were not."""
    cells = _cells(runs)
    return [
        f"{kind} while {phase}"
        for kind in KINDS
        for phase in PHASES
        if possible(kind, phase) and not cells[f"{kind}/{phase}"]
    ]


def poor_seeds(runs: Iterable[Played]) -> list[str]:
    """Seeds that did not go through enough: commits, crashes, every kind of fault."""
    poor: list[str] = []
    for run in runs:
        missing = [kind for kind in KINDS if not run.kinds.get(kind)]
        if run.commits < COMMITS_MIN or run.crashes < CRASHES_MIN or missing:
            poor.append(f"{run.seed}: {run.commits} commits, {run.crashes} crashes, no {missing}")
    return poor


def shown_table(runs: Iterable[Played]) -> list[str]:
    """Fault by phase: how often; `-` cannot be, `HOLE` could be and was not."""
    cells = _cells(runs)
    width = max(len(kind) for kind in KINDS)
    lines = [f"{'':<{width}}" + "".join(f"{phase:>12}" for phase in PHASES)]
    for kind in KINDS:
        row = [
            str(cells[f"{kind}/{phase}"] or "HOLE") if possible(kind, phase) else "-"
            for phase in PHASES
        ]
        lines.append(f"{kind:<{width}}" + "".join(f"{cell:>12}" for cell in row))
    reasons: dict[str, list[str]] = {}
    for kind, reason in IMPOSSIBLE.items():
        reasons.setdefault(reason, []).append(kind)
    lines += [f"-  {', '.join(kinds)}: {reason}" for reason, kinds in reasons.items()]
    return lines


def shown_totals(runs: list[Played], wall_s: float) -> list[str]:
    """What was gone through in all."""
    days = sum(run.business_days for run in runs)
    faults = sum(sum(run.kinds.values()) for run in runs)
    failed = sum(run.failed for run in runs)
    figures = [
        f"{len(runs)} seeds, {failed} failed, in {wall_s:.0f} s: {len(runs) / wall_s:.2f} seeds/s",
        f"{sum(r.commits for r in runs)} commits, {faults} faults",
        f"{sum(r.crashes for r in runs)} crashes, {sum(r.take_overs for r in runs)} take-overs",
        f"{sum(r.lives for r in runs)} lives of daemons",
        f"{sum(r.messages for r in runs)} messages consumed, {sum(r.calls for r in runs)} calls",
    ]
    hours = sum(r.io_seconds for r in runs) / 3600
    return [*figures, f"{hours:.1f} h of I/O time, {days / 365:.0f} years of business time"]
