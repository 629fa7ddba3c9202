"""The population stability index: how far what comes now is from what came before (S26).

The rule: PSI = sum over bins of (actual - expected) * ln(actual / expected), of shares. Below 0.10 nothing has
changed that matters, from 0.10 on something has, from 0.25 on much has. It is symmetric and never negative: it is the
sum of both Kullback-Leibler divergences (Jeffreys). A bin that is empty on one side alone would make it infinite; it
counts as half a decision, and a bin that is empty on both sides says nothing.
Source: N. Siddiqi, Intelligent Credit Scoring, 2nd ed. (Wiley 2017), page 369; B. Yurdakul, Statistical Properties of
Population Stability Index (Western Michigan University, 2018); H. Jeffreys, Theory of Probability (1948).
"""

from collections.abc import Mapping
from math import fsum, log
from typing import Final

__all__ = ["MUCH", "SOME", "stability"]

SOME: Final = 0.10
MUCH: Final = 0.25
EMPTY: Final = 0.5


def stability(expected: Mapping[str, int], actual: Mapping[str, int]) -> float:
    """The index over counts by bin; 0.0 where either side has none at all."""
    before, now = sum(expected.values()), sum(actual.values())
    if not before or not now:
        return 0.0
    bins = {name for one in (expected, actual) for name, count in one.items() if count}
    shares = (
        ((actual.get(name, 0) or EMPTY) / now, (expected.get(name, 0) or EMPTY) / before)
        for name in sorted(bins)
    )
    return fsum((is_now - was) * log(is_now / was) for is_now, was in shares)
