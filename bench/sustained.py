"""Whether a daemon that has taken half a million webhooks is as quick as one that has just begun (aim: the same).

One daemon takes them slice by slice; then a second, with a database of its own, begins, and both take
slices in turn. What a daemon does for a webhook must not grow with how many came before: what it remembers has its
bounds, and reaching a bound must cost nothing. The rates differ a little by their databases, which are not of one age;
the daemon's own CPU does not.

Rule: after every slice the ledger must have grown by exactly what was sent, in entries and points.

    BENCH_COUNT=500000 BENCH_ROUNDS=5 make bench ARGS=sustained
"""

import os
import statistics
import sys
from typing import Any, Final

from bench.results import write
from bench.sides import OURS, Crowd, Side, open_sides

__all__ = ["main"]

CONNECTIONS: Final = 128
SLICE: Final = 20_000
FRESH_SLICE: Final = 8_000
WARM: Final = 3_000
ROUNDS_MAX: Final = 7
"""So the second stays fresh: it has taken fewer than the least that a daemon remembers (65,536 keys)."""


def _us(one: dict[str, Any], part: str) -> float:
    """CPU-us of a webhook."""
    return float(one["cpu"][part]) * 1000


def _grow_old(side: Side, count: int) -> list[dict[str, float]]:
    """Take so many webhooks; what one cost, by how many had come."""
    points: list[dict[str, float]] = []
    sent = 0
    while sent < count:
        one = side.slice(min(SLICE, count - sent), CONNECTIONS)
        sent += int(one["count"])
        points.append(
            {
                "sent": sent, "per_s": one["per_s"], "daemon_us": _us(one, "program"),
                "database_us": _us(one, "database"),
            }
        )  # fmt: skip
        print(
            f"  {sent:>9,} webhooks: {one['per_s']:6,.0f} /s, each {_us(one, 'program'):.0f} us of the daemon's "
            f"CPU, {_us(one, 'database'):.0f} us of the database's",
            flush=True,
        )
    return points


def _beside(old: Side, fresh: Side, rounds: int) -> dict[str, Any]:
    """Slices of both in turn: the ratios of the rounds' pairs."""
    pairs: list[tuple[dict[str, Any], dict[str, Any]]] = []
    for number in range(rounds):
        found = {
            side: side.slice(FRESH_SLICE, CONNECTIONS)
            for side in ((old, fresh) if number % 2 else (fresh, old))
        }
        pairs.append((found[old], found[fresh]))
    return {
        "rate_ratio": statistics.median(one["per_s"] / two["per_s"] for one, two in pairs),
        "cpu_ratio": statistics.median(
            _us(one, "program") / _us(two, "program") for one, two in pairs
        ),
        "old_us": statistics.median(_us(one, "program") for one, _ in pairs),
        "fresh_us": statistics.median(_us(two, "program") for _, two in pairs),
    }


def main() -> None:
    """Print and keep the figures."""
    count = int(os.environ.get("BENCH_COUNT", "500000"))
    rounds = int(os.environ.get("BENCH_ROUNDS", "5"))
    if not 1 <= rounds <= ROUNDS_MAX:
        sys.exit(
            f"make bench: BENCH_ROUNDS is 1 to {ROUNDS_MAX} here, or the second daemon is none that has just begun"
        )
    with open_sides([OURS, OURS], Crowd()) as (old, fresh):
        points = _grow_old(old, count)
        fresh.slice(WARM, CONNECTIONS)
        figures = _beside(old, fresh, rounds)
        for side in (old, fresh):
            side.check()
    print(
        f"after {count:,} webhooks: each {figures['old_us']:.0f} us of the daemon's CPU, {figures['fresh_us']:.0f} in "
        f"one that has just begun: {figures['cpu_ratio']:.2f} times as much (aim 1), at {figures['rate_ratio']:.2f} "
        "times its rate"
    )
    write("sustained", {"count": count, "points": points, **figures})


if __name__ == "__main__":
    main()
