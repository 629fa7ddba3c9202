"""What stands in a request's line: ids in paths, `limit` and `cursor` of lists.

The rule: a cursor is ours and opaque; one that is not of our making is refused, never guessed at.
An id that could not be kept cannot be known, so it is simply not found.
Source: interface.md 1; design.md 2.1.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from comptoir.http.problems import FieldError

__all__ = [
    "CURSOR_FAULT",
    "BadQuery",
    "Page",
    "Placed",
    "cursor",
    "name_at",
    "number",
    "page",
    "placed",
    "plausible_id",
]

T = TypeVar("T")

ID_CHARACTERS_MAX = 128
_CURSOR_MARK = b"e1:"
_CURSOR_CHARACTERS_MAX = 64
_POSITION = re.compile(rb"e1:([1-9][0-9]{0,18})").fullmatch
_LIMIT = re.compile(r"[0-9]{1,9}").fullmatch
_POSITION_MAX = 2**63 - 1


CURSOR_FAULT = FieldError(
    pointer="/query/cursor", code="CURSOR_INVALID", detail="the nextCursor of an earlier page"
)
"""Of lists whose cursor is a key."""


class BadQuery(Exception):
    """The query has wrong values, told in `errors`."""

    def __init__(self, errors: list[FieldError]) -> None:
        """Keep what is wrong where."""
        super().__init__("REQUEST_INVALID")
        self.errors = errors


class Page(NamedTuple):
    """Which part of a list is wanted."""

    before: int | None
    """Entries with smaller ids only; None = from the newest on."""
    limit: int


class Placed(NamedTuple):
    """Likewise of a list whose cursor is a place: a key that puts an object where it belongs, and ends with its
    name.
    """

    after: str
    """Places after this one; empty: from the first on."""
    limit: int

    @property
    def to_read(self) -> int:
        """How many to ask for: one more than are shown tells whether there are more."""
        return self.limit + 1

    def cut(
        self, found: Sequence[T], place: Callable[[T], str]
    ) -> "tuple[Sequence[T], str | None]":
        """What is shown of what was read, and the cursor of what follows."""
        shown = found[: self.limit]
        return shown, place(shown[-1]) if len(found) > self.limit else None


def name_at(place: str) -> str:
    """The name of what stands there."""
    return place.partition(":")[2]


def plausible_id(text: str) -> bool:
    """Say whether something could be known by this id."""
    return 0 < len(text) <= ID_CHARACTERS_MAX and text.isprintable()


def cursor(last: int) -> str:
    """The cursor of what follows the entry with this id."""
    return base64.urlsafe_b64encode(_CURSOR_MARK + b"%d" % last).rstrip(b"=").decode("ascii")


def number(query: Mapping[str, Sequence[str]], name: str, default: int, most: int) -> int:
    """Read how many are wanted.

    Args:
        query: every value by name.
        name: of the value.
        default: without it.
        most: the greatest; the least is 1.

    Raises:
        BadQuery: it is wrong or given twice.
    """
    given = query.get(name, ())
    if not given:
        return default
    found = int(given[0]) if len(given) == 1 and _LIMIT(given[0]) else 0
    if not 1 <= found <= most:
        raise BadQuery([_fault(name, "LIMIT_INVALID", f"a whole number from 1 to {most}")])
    return found


def page(query: Mapping[str, Sequence[str]], default: int, most: int) -> Page:
    """Read `limit` and `cursor`.

    Args:
        query: every value by name.
        default: items without a limit.
        most: the greatest limit.

    Raises:
        BadQuery: either is wrong or given twice.
    """
    errors: list[FieldError] = []
    limit, before, cursors = default, None, query.get("cursor", ())
    try:
        limit = number(query, "limit", default, most)
    except BadQuery as bad:
        errors += bad.errors
    if cursors:
        before = _position(cursors[0]) if len(cursors) == 1 else None
        if before is None:
            errors.append(CURSOR_FAULT)
    if errors:
        raise BadQuery(errors)
    return Page(before, limit)


def placed(
    query: Mapping[str, Sequence[str]], default: int, most: int, place: Callable[[str], object]
) -> Placed:
    """Read `limit` and a `cursor` that is a place.

    Args:
        query: every value by name.
        default: items without a limit.
        most: the greatest limit.
        place: whether a text is one of this list's places.

    Raises:
        BadQuery: either is wrong or given twice.
    """
    cursors = query.get("cursor", ())
    limit = number(query, "limit", default, most)
    if len(cursors) > 1 or not all(map(place, cursors)):
        raise BadQuery([CURSOR_FAULT])
    return Placed(cursors[0] if cursors else "", limit)


def _fault(name: str, code: str, detail: str) -> FieldError:
    return FieldError(pointer=f"/query/{name}", code=code, detail=detail)


def _position(text: str) -> int | None:
    """The id inside a cursor; None if it is not one of ours."""
    if len(text) > _CURSOR_CHARACTERS_MAX or not text.isascii():
        return None
    try:
        plain = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
    except binascii.Error:
        return None
    form = _POSITION(plain)
    if form is None or int(form[1]) > _POSITION_MAX or cursor(int(form[1])) != text:
        return None
    return int(form[1])
