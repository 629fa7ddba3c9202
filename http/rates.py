"""How many requests an address may make a minute: token buckets in a bounded table.

The rule: a bucket is forgotten only when it would be full again, or when the table is full, oldest
first; so the table never holds more than `ADDRESSES_MAX` entries, whoever calls.
Source: spec.md S62; interface.md 6.
"""

from collections import OrderedDict

__all__ = ["Rates"]

ADDRESSES_MAX = 8192
"""About 150 bytes each; behind an allow-list there are a handful."""


class Rates:
    """Token buckets by address, each filled evenly to `per_minute` tokens."""

    __slots__ = ("_buckets", "per_minute")

    def __init__(self, per_minute: int) -> None:
        """Allow `per_minute` a minute and address; 0 = any number, and nothing is kept."""
        self.per_minute = per_minute
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __repr__(self) -> str:
        """Show the bound and the number of addresses known."""
        return f"Rates({self.per_minute}/min, {len(self._buckets)} addresses)"

    def take(self, address: str, now: float) -> bool:
        """Take one token; False if the address has none left.

        Args:
            address: whoever calls.
            now: seconds on a clock that never goes back.
        """
        if self.per_minute == 0:
            return True
        tokens, since = self._buckets.pop(address, (float(self.per_minute), now))
        tokens = min(float(self.per_minute), tokens + (now - since) * self.per_minute / 60.0)
        taken = tokens >= 1.0
        if len(self._buckets) >= ADDRESSES_MAX:
            self._buckets.popitem(last=False)  # the longest unused: re-inserted on use
        self._buckets[address] = (tokens - 1.0 if taken else tokens, now)
        return taken
