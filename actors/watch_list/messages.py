"""What may be said to a watch list, and what it answers (S21, S27, E4).

One actor per list, under its name. Another machine may import this module and nothing else of this package
(design.md 1).
"""

import msgspec

from comptoir.engine.values import Message, Reply

__all__ = [
    "COLLECTION",
    "KIND",
    "SYSTEM",
    "DescribeList",
    "DropList",
    "KeepList",
    "ListDescribed",
    "ListDue",
    "NoteSearch",
    "ReloadList",
    "RescreenDue",
    "Rescreening",
    "SearchNoted",
]

KIND = "watch_list"
COLLECTION = "watch_list"
"""By the list's name: which version of it is in force. Read at a start."""
SYSTEM = "SYSTEM"
"""Who reloads a list when the daemon is told by a signal."""


class KeepList(Message, frozen=True):
    """It is configured: see that its present version is searched, and keep looking (engine/boot)."""


class DropList(Message, frozen=True):
    """It is configured no more."""


class ReloadList(Message, frozen=True):
    """Somebody wants its file read now."""

    by: str
    """Their `sub`, or `SYSTEM`."""


class ListDue(Message, frozen=True):
    """One's own later self: it is time to look whether its file has changed."""


class RescreenDue(Message, frozen=True):
    """One's own later self: the next cases may be told."""

    walk: int


class NoteSearch(Message, frozen=True):
    """Somebody has searched it by hand; for whom is not kept."""

    by: str
    hits: int


class DescribeList(Message, frozen=True):
    """Say what is known."""


class SearchNoted(Reply, frozen=True):
    """It is."""


class Rescreening(msgspec.Struct, frozen=True):
    """How far the cases have been told of a version."""

    version: str
    done: int
    of: int
    """As many as there were when it began."""
    since: int
    """Business time, ms."""
    until: int = 0
    """0: it goes on."""


class ListDescribed(Reply, frozen=True):
    """A list."""

    status: str
    """`none`, `loading`, `ready` or `refused`."""
    version: str = ""
    """In force; empty: none is."""
    entries: int = 0
    names: int = 0
    loaded_at: int = 0
    """Business time, ms."""
    looked_at: int = 0
    code: str = ""
    """Why the last one was refused."""
    detail: str = ""
    rescreening: Rescreening | None = None
    """The last; None: there never was one."""
