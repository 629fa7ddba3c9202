"""Rounds take turns, ratios are of neighbours in time, and the guard speaks up for a fall only.

Source: bench/rounds.py, bench/guard.py; docs/performance.md, "Interleaved" and "The guard".
"""

from dataclasses import dataclass
from typing import Any

import pytest

from bench.guard import fallen
from bench.rounds import Plan, closed, median_of, ratio


@dataclass
class Side:
    """A side with a rate for each of its slices."""

    name: str
    rates: list[float]
    order: list[str]
    counts: list[int]

    def slice(self, count: int, connections: int, rate: float = 0) -> dict[str, Any]:
        """The next rate."""
        self.order.append(self.name)
        self.counts.append(count)
        per_s = self.rates.pop(0)
        cpu = {"program": 0.1, "database": 0.2, "all": 0.3}
        figures = dict.fromkeys(
            ("p50_ms", "p90_ms", "p99_ms", "cpu_s_per_1000", "cpu_share", "late_p99_ms"), 1.0
        )
        return {"per_s": per_s, "cpu": cpu, **figures}


def _sides(*rates: list[float]) -> tuple[list[Side], list[str]]:
    order: list[str] = []
    return [Side(f"s{n}", list(given), order, []) for n, given in enumerate(rates)], order


def test_sides_take_turns_and_the_order_turns() -> None:
    """After warming up, each round has one slice of every side, and another one is first."""
    sides, order = _sides([100.0] * 5, [100.0] * 5)
    closed(sides, Plan((4,), 3, 1.0))
    assert order[4:] == ["s0", "s1", "s1", "s0", "s0", "s1"]


def test_slices_take_as_long_for_each_side() -> None:
    """What a side is sent follows the rate that it had before, and never less than a few a connection."""
    sides, _ = _sides([1.0, 1000.0, 2000.0, 500.0], [1.0, 10.0, 10.0, 10.0])
    closed(sides, Plan((4,), 2, 2.0))
    assert sides[0].counts[2:] == [2000, 4000]
    assert sides[1].counts[2:] == [32, 32]


def test_ratio_is_the_median_of_the_rounds_ratios() -> None:
    """A machine that slows down for one round changes both sides of it, and not the ratio."""
    sides, _ = _sides([1, 1, 300.0, 30.0, 200.0], [1, 1, 100.0, 10.0, 100.0])
    found = closed(sides, Plan((1,), 3, 1.0))
    assert ratio(found, "s0", "s1", 1) == 3.0
    assert median_of(found["s0"][1])["per_s"] == 200.0
    assert median_of(found["s0"][1])["rounds_per_s"] == [300.0, 30.0, 200.0]


@pytest.mark.parametrize(
    ("now", "complaints"), [(4.0, 0), (2.0, 0), (1.71, 0), (1.69, 1), (0.5, 1)]
)
def test_guard_complains_of_more_than_15_percent(now: float, complaints: int) -> None:
    """A ratio may rise, and fall by 15 percent, but not by more."""
    assert len(fallen({"ratio_128": 2.0}, {"ratio_128": now})) == complaints


def test_guard_complains_of_what_is_missing() -> None:
    """A ratio that was not recorded, or was not measured, does not pass in silence."""
    assert fallen({"ratio_128": 2.0}, {}) == ["ratio_128 was not measured"]
    assert fallen({}, {"ratio_128": 2.0}) == ["ratio_128 was not recorded"]


def test_guard_names_both_ratios() -> None:
    """The complaint has what was found, what was recorded, and how far apart they are."""
    (text,) = fallen({"ratio_32": 2.0}, {"ratio_32": 1.0})
    assert text == "ratio_32 is 1.00, 50 % below the recorded 2.00"
