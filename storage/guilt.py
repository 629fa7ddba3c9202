"""Whom a fence was raised for: learned by a second statement, so that the next fold leaves them out.

The rule: commit_batch raises for a batch as a whole; these queries name the decisions. What they find
cannot change before the next fold: there is one writer, and it is asking.
Source: design.md 3 (once keys), 7 (Loud fences).
"""

import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

from comptoir.engine.journal import Decided, Gone
from comptoir.storage.runs import STALE, Part, identify_once
from comptoir.storage.vault import Vault

__all__ = ["find_gone", "find_stale", "read_answers"]

log = logging.getLogger("comptoir.storage")

Call = Callable[..., Awaitable[list[Any]]]
"""(statement, *arguments) -> rows, however long the database is away."""

ANSWERS_SQL = "select digest, answer, expires_at from comptoir.once where digest = any($1)"
THERE_SQL = "select id from comptoir.message where id = any($1) and class <> 'dead'"
VERSIONS_SQL = """
select a.kind, a.key, a.version from comptoir.actor a
join unnest($1::text[], $2::text[]) as u(kind, key) using (kind, key)"""


def _undecided(parts: Sequence[Part]) -> Iterator[tuple[Part, int, Decided]]:
    for part in parts:
        for index in range(part.progress.done, part.stop):
            yield part, index, part.progress.run.decided[index]


async def read_answers(
    call: Call, vault: Vault, parts: Sequence[Part]
) -> dict[bytes, tuple[bytes, int]]:
    """Digest -> (first answer, expires_at) of the once keys of these parts that are taken."""
    digests = {
        vault.once_digest(once.scope, once.key)
        for _, _, decided in _undecided(parts)
        for once in decided.decision.once
    }
    return {
        digest: (vault.open(sealed, identify_once(digest)) if sealed else b"", expires)
        for digest, sealed, expires in await call(ANSWERS_SQL, sorted(digests))
    }


async def find_gone(call: Call, parts: Sequence[Part]) -> None:
    """Bar the first decision of each part whose consumed message is no longer there."""
    consuming = [
        (part, index, decided.consumed.id)
        for part, index, decided in _undecided(parts)
        if decided.consumed is not None
    ]
    rows = await call(THERE_SQL, sorted({row_id for _, _, row_id in consuming}))
    there = {row[0] for row in rows}
    for part, index, row_id in reversed(consuming):
        if row_id not in there:
            part.progress.barrier_at, part.progress.barrier = index, Gone()


async def find_stale(call: Call, parts: Sequence[Part]) -> None:
    """Bar the parts that were decided on another version than the durable one."""
    first: dict[Any, Part] = {}
    for part in parts:
        if part.progress.version is not None:
            first.setdefault(part.progress.run.address, part)
    addresses = sorted(first)
    rows = await call(VERSIONS_SQL, [x.kind for x in addresses], [x.key for x in addresses])
    versions = {(kind, key): version for kind, key, version in rows}
    for address, part in first.items():
        progress = part.progress
        if progress.version != versions.get((address.kind, address.key), 0):
            log.error("an actor of kind %s decided on a stale version", address.kind)
            progress.barrier_at, progress.barrier = progress.done, STALE
