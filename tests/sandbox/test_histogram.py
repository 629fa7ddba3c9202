"""The latency histogram against sorted samples."""

from hypothesis import given
from hypothesis import strategies as st

from comptoir.sandbox.histogram import Histogram

SAMPLES = st.lists(st.integers(0, 60_000_000), min_size=1, max_size=200)


@given(SAMPLES, st.sampled_from([0.0, 0.5, 0.9, 0.99, 1.0]))
def test_quantile_is_at_most_one_step_above(samples: list[int], share: float) -> None:
    """interface.md 10 (latencyMs): a quantile is the sample or at most 1/64 more."""
    histogram = Histogram()
    for microseconds in samples:
        histogram.record(microseconds / 1_000_000 + 1e-9)
    truth = sorted(samples)[min(int(share * len(samples)), len(samples) - 1)]
    found = histogram.quantile_ms(share)
    assert found is not None
    assert truth <= found * 1000 + 0.001
    assert found * 1000 <= truth * (1 + 1 / 64) + 0.001


def test_empty_and_extreme() -> None:
    """An empty histogram has no quantile; what is beyond its range counts at its end."""
    histogram = Histogram()
    assert histogram.quantile_ms(0.5) is None
    histogram.record(-1)
    histogram.record(1e9)
    assert len(histogram) == 2
    assert histogram.quantile_ms(0.0) == 0
