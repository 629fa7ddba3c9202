"""What is asked of those who read watch lists and go through cases, and what they answer (S21, S27, E4).

Both are our own, and called as every outside party is: a durable row until it is answered. Source: docs/screening.md.
"""

from comptoir.engine.values import Address, Message

__all__ = [
    "CASES",
    "LISTS",
    "CasesRead",
    "CasesUnread",
    "ListLoaded",
    "ListUnchanged",
    "ListWrong",
    "LoadList",
    "ReadCases",
]

LISTS = Address("lists", "")
"""Who reads lists from files, and has them searched."""
CASES = Address("cases", "")
"""Who knows which cases there are."""


class LoadList(Message, frozen=True):
    """Have the present version of a list searched."""

    list: str
    version: str
    """That was loaded last; empty: none."""
    look: str
    """How its files looked then."""
    anyway: bool = False
    """Also if it has lost most of its entries: somebody has said so."""


class ListLoaded(Message, frozen=True):
    """It is searched."""

    version: str
    """SHA-256 over what its entries say, in hexadecimal."""
    entries: int
    names: int
    look: str


class ListUnchanged(Message, frozen=True):
    """Its files look as they did."""


class ListWrong(Message, frozen=True):
    """It cannot be taken; the version before is searched on."""

    code: str
    detail: str
    """Where and what, as its line is named; empty where nothing is known."""


class ReadCases(Message, frozen=True):
    """Which cases come next, in the order of their numbers?"""

    walk: int
    """Which of the asker's; it comes back."""
    after: str
    """The last one of before; empty: from the first."""
    limit: int
    count: bool
    """Whether all are to be counted."""


class CasesRead(Message, frozen=True):
    """These; fewer than were asked for: there are no more."""

    walk: int
    after: str
    keys: tuple[str, ...]
    total: int | None
    """Where it was asked for."""
    crowded: bool
    """Too many searches wait already: ask again later. Then none are named."""


class CasesUnread(Message, frozen=True):
    """They could not be read."""

    walk: int
    after: str
