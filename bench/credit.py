"""How long a credit took, from purchase taken to points durable: the daemon's own histogram, before and after.

Why the histogram and not the rows: `report.transaction` has both moments of a purchase, but they are
those of the two decisions, in whole milliseconds; the last flush, which makes the credit durable, is
not in them. `comptoir_credit_seconds` is observed when the credit has been committed. Its price is
its buckets: a quantile is interpolated within one, so both bounds are told beside it.
Source: actors/measures.py; engine/telemetry.py; Prometheus' manual, histogram_quantile.
"""

import re
from itertools import pairwise
from typing import NamedTuple

__all__ = ["Quantile", "buckets", "quantile"]

NAME = "comptoir_credit_seconds"
_LINE = re.compile(rf'^{NAME}_bucket{{le="([^"]+)"}} ([0-9.e+]+)$', re.MULTILINE)


class Quantile(NamedTuple):
    """One quantile in ms, and the bucket that it lies in."""

    ms: float
    low_ms: float
    high_ms: float


def buckets(metrics: str) -> dict[float, float]:
    """Upper bound in seconds -> observations up to it, from the text of /metrics."""
    return {float(bound): float(count) for bound, count in _LINE.findall(metrics)}


def quantile(before: dict[float, float], after: dict[float, float], share: float) -> Quantile:
    """The quantile of what was observed between two looks.

    Raises:
        ValueError: nothing was observed.
    """
    counts = [(bound, after[bound] - before.get(bound, 0.0)) for bound in sorted(after)]
    wanted = counts[-1][1] * share
    if not wanted:
        raise ValueError("nothing was observed")
    for (low, below), (high, within) in pairwise([(0.0, 0.0), *counts]):
        if within >= wanted:
            top = high if high != float("inf") else low
            part = (wanted - below) / (within - below)
            return Quantile((low + (top - low) * part) * 1000, low * 1000, top * 1000)
    raise ValueError("the buckets do not add up")
