"""What a watch list says of one person, company or vessel, and how a list is read strictly.

The rules:
- a list is read whole or not at all: a line that cannot be understood ends the reading with its number and what is
  wrong, because a list that is silently short lets somebody through;
- a version is a digest over what the entries say, whatever their order: two downloads that say the same are one.
Source: protocols.md 5.4; issue 8, deliver 3.
"""

from collections.abc import Iterable
from hashlib import sha256
from typing import Annotated

import msgspec

__all__ = ["Entry", "ListInvalid", "entry_of", "version_of"]


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One entry of a list."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    schema: str
    """As FollowTheMoney names it: `Person`, `Company`, `Organization`, `Vessel`, ..."""
    names: tuple[str, ...]
    """Its own first, then aliases; each once."""
    birth_dates: tuple[str, ...] = ()
    """A year, a month or a day."""
    countries: tuple[str, ...] = ()
    """Lower-case ISO 3166 alpha-2."""
    gender: str | None = None
    topics: tuple[str, ...] = ()
    """`sanction`, `role.pep`, and so on: what it is listed for."""

    @property
    def digest(self) -> bytes:
        """What it says."""
        return sha256(msgspec.json.encode(self, order="deterministic")).digest()


class ListInvalid(Exception):
    """A list cannot be read; its text names the line."""

    def __init__(self, line: int, text: str) -> None:
        """Keep where and what.

        Args:
            line: from 1.
            text: what is wrong; names nobody.
        """
        super().__init__(f"line {line}: {text}")
        self.line = line


def entry_of(line: int, entry: Entry) -> Entry:
    """The entry with its values in their form.

    Raises:
        ListInvalid: it has no name.
    """
    names = _once(name for name in (" ".join(one.split()) for one in entry.names) if name)
    if not entry.id:
        raise ListInvalid(line, "an entry has no id")
    if not names:
        raise ListInvalid(line, f"entry {entry.id} has no name")
    return msgspec.structs.replace(
        entry,
        names=names,
        birth_dates=tuple(sorted(set(entry.birth_dates))),
        countries=tuple(sorted({one.lower() for one in entry.countries})),
        topics=tuple(sorted(set(entry.topics))),
    )


def version_of(digests: Iterable[bytes]) -> str:
    """The version of a list: SHA-256 over its entries' digests in their order by value."""
    whole = sha256()
    for one in sorted(digests):
        whole.update(one)
    return whole.hexdigest()


def _once(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))
