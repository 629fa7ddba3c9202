"""Latencies in bounded memory: logarithmic buckets with 64 steps to a doubling.

Rule: any quantile is reported at most 1/64 above the truth, whatever the number of samples.

Source: the bucket layout of HdrHistogram (significand and exponent), as a plain list of counts.
"""

_STEPS_BITS = 7  # the highest bit is always set, so 64 steps are in use
_STEPS = 1 << _STEPS_BITS
# 2**36 microseconds are 19 hours, longer than any run.
_EXPONENT_MAX = 36 - _STEPS_BITS


class Histogram:
    """Counts of durations, given in seconds and kept in whole microseconds."""

    def __init__(self) -> None:
        self._counts = [0] * ((_EXPONENT_MAX + 1) * _STEPS)
        self._samples = 0
        self._highest_us = 0

    def __len__(self) -> int:
        return self._samples

    def record(self, seconds: float) -> None:
        """Adds one duration; below zero counts as zero, above the range as its end."""
        microseconds = max(int(seconds * 1_000_000), 0)
        self._highest_us = max(self._highest_us, microseconds)
        exponent = max(microseconds.bit_length() - _STEPS_BITS, 0)
        bucket = exponent * _STEPS + (microseconds >> exponent)
        self._counts[min(bucket, len(self._counts) - 1)] += 1
        self._samples += 1

    def quantile_ms(self, quantile: float) -> float | None:
        """The duration that the share `quantile` does not exceed, in ms; None without samples."""
        if not self._samples:
            return None
        rank = min(int(quantile * self._samples), self._samples - 1)
        seen = 0
        for bucket, count in enumerate(self._counts):
            seen += count
            if seen > rank:
                exponent, significand = divmod(bucket, _STEPS)
                top_us = ((significand + 1) << exponent) - 1
                return min(top_us, self._highest_us) / 1000
        raise AssertionError("the counts do not add up to the samples")

    def document(self) -> dict[str, float | int | None]:
        """p50, p90, p99, p999 and max in milliseconds, and how many samples they stand on."""
        shares = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999, "max": 1.0}
        document: dict[str, float | int | None] = {
            name: self.quantile_ms(share) for name, share in shares.items()
        }
        document["samples"] = self._samples
        return document
