"""A bounded memory of what the database is known to hold; the oldest entries are forgotten first.

The rule: there is one writer, so what it wrote or read stays true until it writes again; a thing
forgotten is asked for again, so the bound costs a question and never an answer.
Source: design.md 2, 5 (nothing is unbounded).
"""

from collections import OrderedDict
from typing import Generic, TypeVar

__all__ = ["Remembered"]

K = TypeVar("K")
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """Key -> value, for the last so many keys."""

    __slots__ = ("_entries", "_entries_max")

    def __init__(self, entries_max: int) -> None:
        self._entries_max = entries_max
        self._entries: OrderedDict[K, V] = OrderedDict()

    def __repr__(self) -> str:
        return f"<Remembered {len(self._entries)} of {self._entries_max}>"

    def get(self, key: K) -> V | None:
        """What is known, or None."""
        return self._entries.get(key)

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()

    def put(self, key: K, value: V) -> None:
        """Remember this, in place of what was known of the key."""
        if key not in self._entries and len(self._entries) >= self._entries_max:
            self._entries.popitem(last=False)
        self._entries[key] = value
