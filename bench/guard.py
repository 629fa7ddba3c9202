"""The guard: our rate beside the tuned peer's must not fall far below what was recorded.

Rule: only ratios of one run are compared, because the rate itself says as much of the machine as of
the code. Fails when the median ratio of three interleaved rounds is more than 15 % below the recorded
one, at 128 or at 32 connections. Run before a release (CONTRIBUTING.md), never in CI, whose machines
are shared.

    make bench-guard                   # exit status 1 when it fell
    make bench-guard ARGS=--record     # remember this run's ratios in bench/guard.json
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bench.results import end_as_interrupted
from bench.rounds import closed, ratio
from bench.sides import OURS, Crowd, open_sides
from bench.webhooks import plan_of_environment

__all__ = ["fallen", "main"]

RECORD: Final = Path(__file__).with_name("guard.json")
TOLERANCE: Final = 0.15
PEER: Final = "tuned"


def fallen(recorded: Mapping[str, float], found: Mapping[str, float]) -> list[str]:
    """What to complain of: a sentence for each ratio more than the tolerance below its record.

    Args:
        recorded: `ratio_128` and the like.
        found: the same of this run. A ratio that was never recorded, or was not measured, is a
            complaint too, or the guard would pass by measuring nothing.
    """
    complaints = [f"{name} was not recorded" for name in found if name not in recorded]
    for name, before in recorded.items():
        now = found.get(name)
        if now is None:
            complaints.append(f"{name} was not measured")
        elif now < before * (1 - TOLERANCE):
            part = (1 - now / before) * 100
            complaints.append(f"{name} is {now:.2f}, {part:.0f} % below the recorded {before:.2f}")
    return complaints


def main() -> None:
    """Measure, compare or record, and exit 1 on a fall."""
    parser = argparse.ArgumentParser(prog="make bench-guard", description="guards the ratio")
    parser.add_argument("--record", action="store_true", help="write bench/guard.json anew")
    record = parser.parse_args().record
    end_as_interrupted()
    plan = plan_of_environment("32,128")
    with open_sides((OURS, PEER), Crowd()) as sides:
        rounds = closed(sides, plan)
        for side in sides:
            side.check()
    found = {f"ratio_{n}": round(ratio(rounds, OURS, PEER, n), 3) for n in plan.connections}
    print(f"ours by {PEER}: " + ", ".join(f"{name} {value:.2f}" for name, value in found.items()))
    if record:
        RECORD.write_text(json.dumps(found, indent=1) + "\n")
        print(f"recorded in bench/{RECORD.name}")
        return
    complaints = fallen(json.loads(RECORD.read_text()) if RECORD.exists() else {}, found)
    if complaints:
        sys.exit("make bench-guard: " + "; ".join(complaints))
    print(f"none more than {TOLERANCE:.0%} below bench/{RECORD.name}")


if __name__ == "__main__":
    main()
