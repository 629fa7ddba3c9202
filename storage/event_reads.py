"""The events that a journal reads back: all of them, those of some names, those of some numbers.

The rule: an event of somebody who was erased is still there, without a payload; numbers are dense and in the order of
commits, and one writer commits one batch after the other, so that whoever has seen a number has seen all below it
(docs/adr/0058). Source: design.md 7; engine/journal.py.
"""

# ruff: noqa: S608  # statements are put together from constants of this module only

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Final

from comptoir.engine.journal import Recorded
from comptoir.engine.values import Address
from comptoir.storage.runs import identify_event
from comptoir.storage.sealing import Sealer
from comptoir.storage.vault import KeysErased

__all__ = ["MS", "EventReads"]

MS: Final = "(extract(epoch from {}) * 1000)::bigint"
_COLUMNS: Final = f"select number, {MS.format('at')}, kind, key, type, payload from comptoir.event"
EVENTS_SQL: Final = f"{_COLUMNS} where number > $1 order by number limit $2"
NAMED_SQL: Final = f"""
{_COLUMNS} where number > $1 and number <= $2
and (kind, type) in (select * from unnest($3::text[], $4::text[])) order by number limit $5"""
NUMBERED_SQL: Final = f"{_COLUMNS} where number = any($1::bigint[]) order by number"


class EventReads(ABC):
    """The part of `comptoir.storage.reads.Reads` that is about events."""

    _vault: Sealer

    @abstractmethod
    async def _fetch(self, sql: str, *args: object) -> list[Any]: ...

    async def events(self, after: int, limit: int) -> list[Recorded]:
        """Committed events with numbers above `after`, in order; of who was erased without a payload."""
        return [self._recorded(row) for row in await self._fetch(EVENTS_SQL, after, limit)]

    async def events_named(
        self, names: Sequence[tuple[str, str]], after: int, last: int, limit: int
    ) -> list[Recorded]:
        """Those of these kinds and types in a range of numbers, in order."""
        kinds, types = [kind for kind, _ in names], [name for _, name in names]
        rows = await self._fetch(NAMED_SQL, after, last, kinds, types, limit)
        return [self._recorded(row) for row in rows]

    async def events_at(self, numbers: Sequence[int]) -> list[Recorded]:
        """Those with these numbers that there still are, in order."""
        return [self._recorded(row) for row in await self._fetch(NUMBERED_SQL, list(numbers))]

    def _recorded(self, row: Any) -> Recorded:
        number, at, kind, key, name, sealed = row
        return Recorded(number, at, Address(kind, key), name, self._open_event(number, sealed))

    def _open_event(self, number: int, sealed: bytes) -> bytes:
        try:
            return self._vault.open(sealed, identify_event(number))
        except KeysErased:
            return b""
