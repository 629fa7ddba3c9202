"""Interleaved rounds: every side takes its turn in each, so that a noisy machine treats all alike.

Rules: a slice takes about as long for each side, whatever its rate; the order turns from round to
round; a figure is the median of the rounds, and a ratio is the median of the rounds' own ratios,
because only neighbours in time can be compared on a machine whose speed drifts.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

__all__ = ["Plan", "Rounds", "Slicing", "closed", "median_of", "ratio"]

WARM_COUNT = 1_500
COUNT_MAX = 150_000
ANSWERS_PER_CONNECTION_MIN = 8
"""Of a slice, so that its beginning and its end do not count for much."""

Rounds = dict[str, dict[int, list[dict[str, Any]]]]
"""Side -> connections -> the slice of each round."""


class Slicing(Protocol):
    """What a round needs of a side."""

    @property
    def name(self) -> str:
        """Which side."""
        ...

    def slice(self, count: int, connections: int, rate: float = 0) -> dict[str, Any]:
        """Measure once."""
        ...


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    connections: tuple[int, ...]
    rounds: int
    seconds: float
    """Of each slice, about."""


def closed(sides: Sequence[Slicing], plan: Plan) -> Rounds:
    """Closed loops of every side at every number of connections, round by round."""
    found: Rounds = {side.name: {n: [] for n in plan.connections} for side in sides}
    pace: dict[tuple[str, int], float] = {}
    for side in sides:
        side.slice(WARM_COUNT, 32)
        warm = float(side.slice(WARM_COUNT, 32)["per_s"])
        pace.update({(side.name, n): warm for n in plan.connections})
    for number in range(plan.rounds):
        for connections in plan.connections:
            for turn in range(len(sides)):
                side = sides[(number + turn) % len(sides)]
                wanted = round(pace[side.name, connections] * plan.seconds)
                count = min(COUNT_MAX, max(wanted, ANSWERS_PER_CONNECTION_MIN * connections))
                one = side.slice(count, connections)
                pace[side.name, connections] = one["per_s"]
                found[side.name][connections].append(one)
                print(
                    f"  round {number + 1}, {connections:>3} connections, {side.name:>8}: "
                    f"{one['per_s']:8,.0f} /s, {one['cpu']['all']:.3f} CPU-s per 1,000, "
                    f"p99 {one['p99_ms']:.1f} ms (sender: {one['cpu_s_per_1000']:.3f})",
                    flush=True,
                )
    return found


def median_of(slices: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The median of each figure over the rounds."""
    names = ("per_s", "p50_ms", "p90_ms", "p99_ms", "cpu_s_per_1000", "cpu_share", "late_p99_ms")
    figures: dict[str, Any] = {
        name: statistics.median(one[name] for one in slices) for name in names
    }
    figures["cpu"] = {
        part: statistics.median(one["cpu"][part] for one in slices)
        for part in ("program", "database", "all")
    }
    figures["rounds_per_s"] = [one["per_s"] for one in slices]
    return figures


def ratio(found: Rounds, ours: str, peer: str, connections: int) -> float:
    """Our rate by a peer's: the median of the rounds' ratios."""
    pairs = zip(found[ours][connections], found[peer][connections], strict=True)
    ratios: list[float] = [mine["per_s"] / theirs["per_s"] for mine, theirs in pairs]
    return statistics.median(ratios)
