"""A failing seed with as few of its faults as still fail.

Rule: the seed's work stays; faults are left out by halves, then one by one, as long as the same
invariant is violated. Bounded in runs, because a smaller list is a convenience. Source: issue 3,
deliver 4; Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (ddmin).
"""

from collections.abc import Callable

from tests.simulation.faults import draw_faults
from tests.simulation.run import play

__all__ = ["RUNS_MAX", "shrink"]

RUNS_MAX = 80


def shrink(seed: int, invariant: str) -> tuple[int, ...]:
    """The places in the seed's list of faults that are enough for this violation."""
    drawn = draw_faults(seed)
    runs = 0

    def fails(kept: tuple[int, ...]) -> bool:
        nonlocal runs
        runs += 1
        played, _ = play(seed, tuple(drawn[place] for place in kept))
        return played.invariant == invariant

    kept = tuple(range(len(drawn)))
    size = max(1, len(kept) // 2)
    while size and runs < RUNS_MAX:
        smaller = _without_one_chunk(kept, size, fails)
        if smaller is not None:
            kept = smaller
        else:
            size //= 2
    return kept


def _without_one_chunk(
    kept: tuple[int, ...], size: int, fails: Callable[[tuple[int, ...]], bool]
) -> tuple[int, ...] | None:
    for start in range(0, len(kept), size):
        smaller = kept[:start] + kept[start + size :]
        if len(smaller) < len(kept) and fails(smaller):
            return smaller
    return None
