"""Counts and spreads that cost the hot path an addition: numbers here, Prometheus when scraped.

Rule: one thread counts (trio's), so nothing is locked; prometheus_client's own counters take a lock and
five calls for each increment, which was a tenth of what a webhook costs between its two ends.
Source: interface.md 5; design.md 10; the Prometheus exposition format (cumulative buckets).
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

__all__ = ["Spread", "Tallies", "Tally"]


class Tally:
    """One running total."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0

    def __repr__(self) -> str:
        return f"<Tally {self.value}>"


class Tallies(Collector):
    """A counter metric: a running total for each combination of its labels."""

    def __init__(
        self, registry: CollectorRegistry, name: str, text: str, labels: Sequence[str] = ()
    ) -> None:
        self._name, self._text, self._labels = name, text, tuple(labels)
        self._tallies: dict[tuple[str, ...], Tally] = {}
        registry.register(self)

    def of(self, *labels: str) -> Tally:
        """The total for these values of the labels; the same one each time."""
        tally = self._tallies.get(labels)
        if tally is None:
            assert len(labels) == len(self._labels), "a value for each label"
            tally = self._tallies[labels] = Tally()
        return tally

    def collect(self) -> Iterable[Metric]:
        """What a scrape sees."""
        family = CounterMetricFamily(self._name, self._text, labels=self._labels)
        for labels, tally in self._tallies.items():
            family.add_metric(labels, tally.value)
        yield family

    def __repr__(self) -> str:
        return f"<Tallies {self._name} of {len(self._tallies)}>"


class Spread(Collector):
    """A histogram metric without labels."""

    def __init__(
        self, registry: CollectorRegistry, name: str, text: str, bounds: Sequence[float]
    ) -> None:
        self._name, self._text = name, text
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0
        registry.register(self)

    def observe(self, value: float) -> None:
        """Count a value in its bucket: the first whose upper bound is not below it."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def collect(self) -> Iterable[Metric]:
        """What a scrape sees: each bucket counts all below its bound."""
        buckets: list[tuple[str, float]] = []
        total = 0
        for bound, count in zip((*self._bounds, float("inf")), self._counts, strict=True):
            total += count
            buckets.append(("+Inf" if bound == float("inf") else str(float(bound)), total))
        family = HistogramMetricFamily(self._name, self._text)
        family.add_metric((), buckets, self._sum)
        yield family

    def __repr__(self) -> str:
        return f"<Spread {self._name} of {sum(self._counts)}>"
