"""What the sandbox remembers of what it received: calls and the inbox.

Rule: bounded in entries and in bytes; what was forgotten is counted and told, never silent.

Source: interface.md 10 (`GET /control/calls`, `GET /control/inbox`); design.md 5.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

# Enough for half of a demo run's pushes; a test that needs more reads with `since` as it goes.
ENTRIES_MAX = 10_000
# Bodies are people's data in a long-running process: bound the memory, not only the count.
BYTES_MAX = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Entry:
    """One remembered thing: its place in the order of arrival, its time and its facts."""

    seq: int
    at_ms: int
    facts: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    size: int = 0
    """Bytes that it counts for."""


@dataclass(frozen=True, slots=True)
class RecordStatistics:
    """What a `Record` holds now."""

    entries: int
    forgotten: int
    """Entries dropped since the last reset because a bound was reached."""
    bytes: int
    last_seq: int


class Record:
    """A ring of entries, oldest forgotten first; `seq` counts from 1 and is never reused."""

    def __init__(self, entries_max: int = ENTRIES_MAX, bytes_max: int = BYTES_MAX) -> None:
        assert entries_max > 0
        self._entries: deque[Entry] = deque()
        self._entries_max = entries_max
        self._bytes_max = bytes_max
        self._bytes = 0
        self._seq = 0
        self._forgotten = 0

    def add(self, at_ms: int, facts: Mapping[str, Any], size: int) -> Entry:
        """Remembers `facts` (which weigh `size` bytes) and forgets what no longer fits."""
        self._seq += 1
        entry = Entry(self._seq, at_ms, facts, size)
        self._entries.append(entry)
        self._bytes += size
        while len(self._entries) > self._entries_max or (
            self._bytes > self._bytes_max and len(self._entries) > 1
        ):
            self._bytes -= self._entries.popleft().size
            self._forgotten += 1
        return entry

    def select(self, wanted: Callable[[Entry], bool]) -> list[Entry]:
        """The remembered entries that are wanted, oldest first."""
        return [entry for entry in self._entries if wanted(entry)]

    def clear(self) -> None:
        """Forgets everything, the count of the forgotten included; `seq` starts again at 1."""
        self._entries.clear()
        self._bytes = self._seq = self._forgotten = 0

    def statistics(self) -> RecordStatistics:
        return RecordStatistics(len(self._entries), self._forgotten, self._bytes, self._seq)
