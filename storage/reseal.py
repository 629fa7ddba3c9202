"""Sealed rows under new keys, page by page, as batches of the one writer.

The rule: a page is read and written between two batches, so nothing that it touches changes meanwhile,
and is one transaction under the writer's fence; a page that is done twice changes nothing. Rows that are
written in the ordinary way meanwhile are sealed under the new key already, so one pass finds all others.
Events are left as they are: their leaves cover them as stored. Source: design.md 7; docs/keys.md.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, Protocol

from comptoir.engine.values import Address
from comptoir.storage.runs import identify_actor, identify_message, identify_once
from comptoir.storage.sealing import SETTING

__all__ = [
    "TABLES",
    "Mover",
    "Page",
    "Resealer",
    "count_movable",
    "count_rows",
    "move_once_page",
    "reseal_page",
]

TABLES: Final = ("actor", "message", "once")
"""In the order in which they are sealed anew."""
COUNT_SQL: Final = """
select (select count(*) from comptoir.actor), (select count(*) from comptoir.message),
       (select count(*) from comptoir.once where answer <> '')"""
ACTORS_SQL: Final = """
select kind, key, version, state from comptoir.actor
where (kind, key) > ($1::text collate "C", $2::text collate "C") order by kind, key limit $3"""
MESSAGES_SQL: Final = """
select id, kind, key, sender_kind, sender_key, payload from comptoir.message
where id > $1 order by id limit $2"""
ONCE_SQL: Final = """
select digest, answer from comptoir.once where digest > $1 and answer <> '' order by digest limit $2"""
MOVABLE_SQL: Final = """
select digest, answer from comptoir.once
where digest > $1 and octet_length(digest) = $2 and digest < $3 order by digest limit $4"""
MOVABLE_COUNT_SQL: Final = """
select count(*) from comptoir.once where octet_length(digest) = $1 and digest > $2 and digest < $3"""
RESEAL_SQL: Final = "select comptoir.reseal($1, $2, $3, $4, $5, $6, $7)"
MOVE_ONCE_SQL: Final = "select comptoir.move_once($1, $2, $3, $4, $5, $6, $7)"
FIRST_BYTES: Final = 16
"""Of a digest of generation 1; a later one begins with its generation."""
BEYOND: Final = b"\xff" * 18
"""After every digest."""


class Resealer(Protocol):
    """Whoever knows the keys (storage/keys/keyring.py)."""

    def reseal(self, sealed: bytes, identity: bytes, about: Sequence[Address] = ()) -> bytes | None:
        """The value under the key that seals now; None: it is already."""
        ...


class Scribe(Protocol):
    """The writer, as far as it is needed here (storage/session.py)."""

    last_event: int

    async def call(self, sql: str, *arguments: object) -> list[Any]:
        """Run a statement that may be repeated."""
        ...

    async def advance(self, sql: str, last_event: int, *arguments: object) -> None:
        """Run a statement that advances `writer` by one batch."""
        ...


class Page(NamedTuple):
    """What became of a page."""

    cursor: tuple[Any, ...] | None
    """Where the next one begins; None: this was the last."""
    read: int
    written: int


async def count_rows(writer: Scribe) -> int:
    """How many sealed rows there are, events aside."""
    return sum((await writer.call(COUNT_SQL))[0])


async def reseal_page(
    writer: Scribe, keys: Resealer, table: str, cursor: tuple[Any, ...], limit: int
) -> Page:
    """Seal a page of a table anew.

    Args:
        writer: between two batches.
        keys: seals.
        table: one of `TABLES`.
        cursor: the key of the row before it; empty: from the beginning.
        limit: rows at most.
    """
    rows, changed, keys_of = await _SEALERS[table](writer, keys, cursor, limit)
    if changed:
        written = [changed if name == table else [] for name in TABLES]
        await writer.advance(RESEAL_SQL, writer.last_event, *written)
    following = keys_of(rows[-1]) if len(rows) == limit else None
    return Page(following, len(rows), len(changed))


async def _actors(
    writer: Scribe, keys: Resealer, cursor: tuple[Any, ...], limit: int
) -> tuple[list[Any], list[tuple[Any, ...]], Callable[[Any], tuple[Any, ...]]]:
    rows = await writer.call(ACTORS_SQL, *(cursor or ("", "")), limit)
    changed: list[tuple[Any, ...]] = []
    for kind, key, version, state in rows:
        address = Address(kind, key)
        sealed = keys.reseal(state, identify_actor(address, version), (address, address))
        if sealed is not None:
            changed.append((kind, key, version, sealed))
    return rows, changed, lambda row: (row[0], row[1])


async def _messages(
    writer: Scribe, keys: Resealer, cursor: tuple[Any, ...], limit: int
) -> tuple[list[Any], list[tuple[Any, ...]], Callable[[Any], tuple[Any, ...]]]:
    rows = await writer.call(MESSAGES_SQL, *(cursor or (0,)), limit)
    changed: list[tuple[Any, ...]] = []
    for row_id, kind, key, sender_kind, sender_key, payload in rows:
        target = Address(kind, key)
        about = (target, Address(sender_kind, sender_key))
        sealed = keys.reseal(payload, identify_message(row_id, target), about)
        if sealed is not None:
            changed.append((row_id, sealed))
    return rows, changed, lambda row: (row[0],)


async def _once(
    writer: Scribe, keys: Resealer, cursor: tuple[Any, ...], limit: int
) -> tuple[list[Any], list[tuple[Any, ...]], Callable[[Any], tuple[Any, ...]]]:
    rows = await writer.call(ONCE_SQL, *(cursor or (b"",)), limit)
    changed: list[tuple[Any, ...]] = []
    for digest, answer in rows:
        sealed = keys.reseal(answer, identify_once(digest))
        if sealed is not None:
            changed.append((digest, sealed))
    return rows, changed, lambda row: (row[0],)


_SEALERS: Final = {"actor": _actors, "message": _messages, "once": _once}


class Mover(Protocol):
    """Whoever knows the digests and the keys (storage/keys/rotation.py)."""

    def progress(self) -> tuple[int, bytes]:
        """(generation that every `once` row has, the last digest of it that has moved on)."""
        ...

    def move(self, digest: bytes, answer: bytes) -> tuple[bytes, bytes, bytes]:
        """A row as `comptoir.once_move` has it."""
        ...

    def note(self, last: bytes | None) -> str:
        """What the database is to keep when the rows up to `last` have moved; None: all have."""
        ...

    def reach(self, value: str) -> None:
        """It is durable."""
        ...


def _generation(reached: int, cursor: bytes) -> tuple[bytes, int, bytes]:
    """After which digest, of which length, before which: the rows of a generation."""
    if reached == 1:
        return cursor, FIRST_BYTES, BEYOND
    return cursor or bytes((reached,)), FIRST_BYTES + 1, bytes((reached + 1,))


async def count_movable(writer: Scribe, mover: Mover) -> int:
    """How many `once` rows still have to move."""
    after, length, before = _generation(*mover.progress())
    return int((await writer.call(MOVABLE_COUNT_SQL, length, after, before))[0][0])


async def move_once_page(writer: Scribe, mover: Mover, limit: int) -> Page:
    """Move a page of `once` rows to the next generation of their digests, oldest digests first."""
    after, length, before = _generation(*mover.progress())
    rows = await writer.call(MOVABLE_SQL, after, length, before, limit)
    last = rows[-1][0] if len(rows) == limit else None
    value = mover.note(last)
    moved = [mover.move(digest, answer) for digest, answer in rows]
    await writer.advance(MOVE_ONCE_SQL, writer.last_event, moved, SETTING, value)
    mover.reach(value)
    return Page((last,) if last is not None else None, len(rows), len(rows))
