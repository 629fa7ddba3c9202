"""`python -m tests.simulation --seeds N --from M`: play seeds, from the root of the checkout.

What comes out: a line of progress, for each failing seed the violated invariant, the faults that are
enough for it, the end of the trace and the command that plays just that; at the end the table fault by
phase and the totals. One seed alone prints its whole trace. The exit status is 1 if a seed failed,
else 0; with `--full` a hole in the table or a seed that went through too little fails as well.

For whoever changes the product to see a seed fail: put a changed copy of the rooms into
`COPY/comptoir/{engine,actors,storage,http}` and run this with `PYTHONPATH=COPY` from the root, and with
`--no-shrink --stop`: it ends with 1 at the first seed that fails.
Source: issue 3, deliver 4 and "Must show"; docs/reliability.md.
"""

import argparse
import gc
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tests.simulation.coverage import holes, poor_seeds, shown_table, shown_totals
from tests.simulation.faults import draw_faults
from tests.simulation.run import Played, play, silence
from tests.simulation.shrink import shrink

PROGRESS_S = 5.0
TRACE_END = 40
SHRUNK_MAX = 3
"""Failing seeds that are shrunk and shown; of the others the line is enough."""


def _play(seed: int) -> Played:
    return play(seed)[0]


def _begin() -> None:
    silence()
    gc.collect()
    gc.freeze()
    gc.disable()


def _all(seeds: range, jobs: int) -> Iterator[Played]:
    if jobs == 1 or len(seeds) == 1:
        _begin()
        yield from map(_play, seeds)
        return
    context = multiprocessing.get_context("fork")
    with context.Pool(jobs, _begin) as pool:
        yield from pool.imap(_play, seeds, chunksize=1)


def _one(seed: int, keep: tuple[int, ...] | None) -> Played:
    """A seed with its whole trace."""
    _begin()
    drawn = draw_faults(seed)
    faults = drawn if keep is None else tuple(drawn[place] for place in keep)
    for place, fault in enumerate(drawn):
        say(f"fault {place}{'' if fault in faults else ' (left out)'}: {fault}")
    played, trace = play(seed, faults)
    for line in trace.shown():
        say(line)
    say(f"seed {seed}: {_verdict(played)}; trace {played.digest[:16]}")
    return played


def _verdict(played: Played) -> str:
    done = f"{played.commits} commits, {played.crashes} crashes, {played.lives} lives"
    if played.failed:
        return f"VIOLATED {played.invariant}: {played.detail} (after {done})"
    return f"all invariants held ({done}, {played.business_days:g} days)"


def _explain(failed: Played) -> None:
    """Shrink a failing seed and show how it ends."""
    kept = shrink(failed.seed, failed.invariant)
    drawn = draw_faults(failed.seed)
    played, trace = play(failed.seed, tuple(drawn[place] for place in kept))
    say(f"seed {failed.seed} shrunk to {len(kept)} of {len(drawn)} faults:")
    for place in kept:
        say(f"  fault {place}: {drawn[place]}")
    for line in trace.shown(TRACE_END):
        say(f"  {line[:400]}")
    say(f"seed {failed.seed}: {_verdict(played)}")
    places = ",".join(map(str, kept))
    say(f"again: python -m tests.simulation --seeds 1 --from {failed.seed} --keep '{places}'")


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _read() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=300, help="how many")
    parser.add_argument("--from", dest="first", type=int, default=1, help="the first seed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--keep", help="of a single seed: only these faults, by place: 0,3,7")
    parser.add_argument("--json", type=Path, help="write what is known of every seed to this file")
    parser.add_argument("--stop", action="store_true", help="end at the first failing seed")
    parser.add_argument("--no-shrink", action="store_true", help="do not shrink failing seeds")
    parser.add_argument("--full", action="store_true", help="fail for holes and poor seeds, too")
    return parser.parse_args()


def main() -> int:
    """Play and tell."""
    options = _read()
    if options.seeds == 1:
        keep = options.keep
        places = None if keep is None else tuple(int(x) for x in keep.split(",") if x)
        return int(_one(options.first, places).failed)
    began = shown = time.monotonic()
    runs: list[Played] = []
    failed: list[Played] = []
    for played in _all(range(options.first, options.first + options.seeds), options.jobs):
        runs.append(played)
        if played.failed:
            failed.append(played)
            say(f"seed {played.seed}: {_verdict(played)}")
            if options.stop:
                break
        if time.monotonic() > shown + PROGRESS_S:
            shown = time.monotonic()
            pace = len(runs) / (shown - began)
            say(
                f"seed {played.seed}: {len(runs)}/{options.seeds}, {len(failed)} failed, {pace:.1f}/s"
            )
    if options.json is not None:
        options.json.write_bytes(msgspec.json.encode(runs))
    if not options.no_shrink and failed:
        _begin()
        for one in failed[:SHRUNK_MAX]:
            _explain(one)
    return int(bool(_report(runs, time.monotonic() - began, full=options.full) or failed))


def _report(runs: list[Played], wall_s: float, *, full: bool) -> bool:
    """Table and totals; whether the coverage is not what was asked for."""
    for line in (*shown_table(runs), *shown_totals(runs, wall_s)):
        say(line)
    found = [f"never hit: {hole}" for hole in holes(runs)]
    found += [f"too little in seed {poor}" for poor in poor_seeds(runs)]
    for line in found if full else ():
        say(line)
    return full and bool(found)


if __name__ == "__main__":
    sys.exit(main())
