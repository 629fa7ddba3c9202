"""JSON with nothing left open: one meaning or none.

The rule: refused as malformed are bytes that are not UTF-8, a byte-order mark, anything after the
value, NaN and the infinities, a key given twice, nesting deeper than `DEPTH_MAX`, and characters
that PostgreSQL's text cannot hold (U+0000, lone surrogates), in keys as in values. Numbers stay
the text that they are.
Source: RFC 8259 sections 4, 8 and 9; interface.md 6, row 6; design.md 2.1.
"""

import json
from typing import Any, NamedTuple, NoReturn, cast

__all__ = ["DEPTH_MAX", "Malformed", "Number", "parse"]

DEPTH_MAX = 32
"""S56 needs three levels; nothing that a sender adds needs ten times that."""


class Malformed(ValueError):
    """The bytes are no JSON that we take. Says nothing of their content."""


class Number(NamedTuple):
    """A JSON number, as its text."""

    text: str


def parse(body: bytes) -> object:
    """Read one JSON value: dict, list, str, bool, None or Number.

    Raises:
        Malformed: see the rule above.
    """
    try:
        text = body.decode("utf-8")
        value: object = json.loads(
            text,
            parse_int=Number,
            parse_float=Number,
            parse_constant=_no_constant,
            object_pairs_hook=_once_each,
        )
    except (ValueError, RecursionError):
        value = _NOTHING
    if value is _NOTHING:
        raise Malformed("not JSON that is taken")  # outside the handler, which knows the body
    _check(value, escapes=b"\\" in body)
    return value


_NOTHING = object()


def _no_constant(_: str) -> NoReturn:
    """Refuse NaN, Infinity and -Infinity, which are no JSON."""
    raise Malformed("a constant that is no JSON")


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object whose keys are each given once."""
    table = dict(pairs)
    if len(table) != len(pairs):
        raise Malformed("a key given twice")
    return table


def _check(value: object, *, escapes: bool) -> None:
    """Refuse deep nesting and, where there are escapes, texts that cannot be kept."""
    level: list[object] = [value]
    depth = 0
    while level:
        below: list[object] = []
        containers = 0
        for item in level:
            if type(item) is dict:
                table = cast("dict[str, object]", item)
                below += (*table, *table.values())
                containers += 1
            elif type(item) is list:
                below += cast("list[object]", item)
                containers += 1
            elif escapes and type(item) is str and not _can_be_kept(item):
                raise Malformed("a character that cannot be kept")
        depth += 1 if containers else 0
        if depth > DEPTH_MAX:
            raise Malformed("nested too deep")
        level = below


def _can_be_kept(text: str) -> bool:
    """Say whether PostgreSQL's text holds it."""
    if "\0" in text:
        return False
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
