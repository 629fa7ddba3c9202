"""What webhooks feel of something beside them: slices at a rate that take turns, told against the quiet one of their round.

Rule: a ratio is taken within each round, since the machine of the next is another one; a median is taken of the rounds.

    BENCH_ROUNDS=3 BENCH_SECONDS=5 BENCH_RATE=200
"""

import os
import statistics
from collections.abc import Sequence
from typing import Any, Final

from bench.sides import Side

__all__ = ["RATE", "ROUNDS", "one_slice", "tell"]

ROUNDS: Final = int(os.environ.get("BENCH_ROUNDS", "3"))
SECONDS: Final = float(os.environ.get("BENCH_SECONDS", "5"))
RATE: Final = int(os.environ.get("BENCH_RATE", "200"))
CONNECTIONS: Final = 64
FIGURES: Final = ("p50_ms", "p99_ms")

Slice = dict[str, Any]
"""What `Side.slice` found."""


def one_slice(side: Side, target: str = "") -> Slice:
    """Webhooks at the rate, over connections of their own."""
    return side.slice(round(RATE * SECONDS), CONNECTIONS, RATE, target)


def tell(label: str, some: Sequence[Slice], quiet: Sequence[Slice]) -> dict[str, float]:
    """Print the medians of the slices of one kind, and their ratios to the quiet ones of their rounds."""
    told: dict[str, float] = {}
    for figure in FIGURES:
        told[figure] = statistics.median(one[figure] for one in some)
        rounds = zip(some, quiet, strict=True)
        told[f"{figure}_ratio"] = statistics.median(a[figure] / b[figure] for a, b in rounds)
    print(
        f"{label} p50 {told['p50_ms']:.1f} ms (x{told['p50_ms_ratio']:.2f}), "
        f"p99 {told['p99_ms']:.1f} ms (x{told['p99_ms_ratio']:.2f})"
    )
    return told
