"""Files as they are listed: the read side of the dashboard of advisors, compliance and partners (S18, S38).

Rules:
- a row is written by the very decision that changes it, and only where it does: so the list is never behind its files, and
  whoever reads it wakes none of them;
- nothing in a row is about the client: what the file is called, how far it is, for what it waits, since when and until when.

Source: spec.md S18 (CQRS), S38; interface.md 1 (lists); docs/onboarding.md; docs/adr/0060.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from comptoir.engine.journal import Journal

__all__ = ["ALL", "FILES", "FileRow", "advisors", "find_files", "partners", "place_of"]

FILES: Final = "onboarding_file"
"""Documents by list and place: a file stands in that of all, in its advisor's and in its partner's."""
ALL: Final = "all:"
"""The beginning of the keys of the list of all."""
_TIME_MAX: Final = 10**15 - 1


class FileRow(msgspec.Struct, frozen=True):
    """What a list knows of a file."""

    client_type: str
    status: str
    """ADR-001's word (S13, S14)."""
    cause: str
    """Why it is INCOMPLETE."""
    signing: str
    """Status of its signature."""
    since: int
    """When its status became so: business time, ms."""
    due_at: int
    """When what is awaited should be there; 0: it has no end of its own."""
    created_at: int


def advisors(subject: str) -> str:
    """The beginning of the keys of one advisor's files: no other subject's begins so."""
    return f"advisor:{len(subject)}:{subject}:"


def partners(client_id: str) -> str:
    """Likewise of a partner's."""
    return f"partner:{len(client_id)}:{client_id}:"


def place_of(created_at: int, number: str) -> str:
    """Where a file stands in a list: the newest first."""
    return f"{_TIME_MAX - created_at:015d}:{number}"


async def find_files(
    journal: Journal, mine: str, after: str, limit: int
) -> Sequence[tuple[str, FileRow]]:
    """A part of a list, by places.

    Args:
        journal: to read.
        mine: the beginning of the list's keys.
        after: a place; empty: from the newest file on.
        limit: how many at most.
    """
    found: list[tuple[str, dict[str, Any]]] = await journal.scan(FILES, mine + after, limit)
    return [
        (key.removeprefix(mine), msgspec.convert(one, FileRow))
        for key, one in found
        if key.startswith(mine)
    ]
