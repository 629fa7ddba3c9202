"""A quantile of the credit's histogram: of what was observed between two looks, inside its bucket.

Source: bench/credit.py.
"""

import pytest

from bench.credit import buckets, quantile

BEFORE = """# TYPE comptoir_credit_seconds histogram
comptoir_credit_seconds_bucket{le="0.005"} 10.0
comptoir_credit_seconds_bucket{le="0.01"} 20.0
comptoir_credit_seconds_bucket{le="+Inf"} 20.0
comptoir_credit_seconds_count 20.0
"""


def _after(*counts: int) -> dict[float, float]:
    lines = zip(("0.005", "0.01", "+Inf"), counts, strict=True)
    return buckets("\n".join(f'comptoir_credit_seconds_bucket{{le="{b}"}} {n}.0' for b, n in lines))


def test_only_what_came_between_counts() -> None:
    """What was observed before the first look changes nothing."""
    before = buckets(BEFORE)
    assert quantile(before, _after(110, 120, 120), 0.5) == (2.5, 0.0, 5.0)


def test_quantile_lies_in_its_bucket() -> None:
    """The quantile is interpolated between the bounds that are told beside it."""
    found = quantile({}, _after(50, 100, 100), 0.75)
    assert (found.low_ms, found.high_ms) == (5.0, 10.0)
    assert found.ms == pytest.approx(7.5)


def test_beyond_the_last_bound_the_bound_is_told() -> None:
    """What took longer than the last bound is told as that bound, for want of a better one."""
    assert quantile({}, _after(0, 0, 10), 0.99).ms == 10.0


def test_nothing_observed_is_an_error() -> None:
    """A quantile of nothing is none."""
    with pytest.raises(ValueError, match="nothing"):
        quantile(buckets(BEFORE), buckets(BEFORE), 0.99)
