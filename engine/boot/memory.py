"""What the collector of garbage is told once everything is loaded."""

import gc

__all__ = ["settle_memory"]

COLLECT_AFTER = (10_000, 5, 400)
"""Objects made and not freed until the youngest are looked at (part of a millisecond); so many times
until those that lasted are, 10,000 at most; so many of these until all are."""


def settle_memory() -> None:
    """What is loaded now stays: the collector need not walk it again and again.

    Measured with 100,000 partners: a full collection holds the loop for 8 ms. And with 20,000
    actors woken up, for 100 ms and more, each time their number has grown by a quarter: what is
    resident is no garbage, and what is garbage dies young, so all are looked at rarely.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
