"""The values of a file's columns: a field's text in, a value or the rule that it breaks out.

The rule: a refusal has a stable code and says the rule, never the value, because a value may be personal.
Source: interface.md 4; ISO 18245; ISO 3166.
"""

import difflib
import re
from collections.abc import Callable
from datetime import date
from typing import Final

from comptoir.actors.merchants.normalise import keys
from comptoir.actors.merchants.partner import Store

__all__ = [
    "LIST_ENTRIES_MAX", "NAME_CHARS_MAX", "PROVIDERS", "Parser", "Value", "ValueRefusedError", "day", "flag", "form",
    "list_of", "name", "provider", "store", "text", "whole_number",
]  # fmt: skip

NAME_CHARS_MAX: Final = 200
LIST_ENTRIES_MAX: Final = 50
"""Codes, names or stores of one partner."""
PROVIDERS: Final = ("seed", "powens", "plaid", "tink")
"""Providers a connection may belong to (S42)."""


class ValueRefusedError(Exception):
    """A value breaks a rule: (code, text). Becomes a `LineError`, never leaves a reading."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text


Value = str | int | bool | tuple[str | Store, ...] | None
Parser = Callable[[str], Value]


def text(chars_max: int) -> Callable[[str], str]:
    """Some characters that are not all blank."""

    def parse(field: str) -> str:
        value = field.strip()
        if not value:
            raise ValueRefusedError("VALUE_MISSING", "blanks only")
        if len(value) > chars_max:
            raise ValueRefusedError("VALUE_TOO_LONG", f"at most {chars_max} characters")
        return value

    return parse


def form(pattern: str, rule: str) -> Callable[[str], str]:
    """What a regular expression of ours fits."""
    compiled = re.compile(pattern)

    def parse(field: str) -> str:
        if compiled.fullmatch(field) is None:
            raise ValueRefusedError("VALUE_INVALID", rule)
        return field

    return parse


def whole_number(most: int) -> Parser:
    """0 to a number."""

    def parse(field: str) -> int:
        if re.fullmatch(r"[0-9]{1,18}", field) is None:
            raise ValueRefusedError("VALUE_INVALID", f"a whole number from 0 to {most}")
        if int(field) > most:
            raise ValueRefusedError("VALUE_OUT_OF_RANGE", f"a whole number from 0 to {most}")
        return int(field)

    return parse


def list_of(parse_entry: Callable[[str], str | Store]) -> Parser:
    """Entries between semicolons."""

    def parse(field: str) -> tuple[str | Store, ...]:
        entries = [entry.strip() for entry in field.split(";")]
        if len(entries) > LIST_ENTRIES_MAX:
            raise ValueRefusedError("VALUE_TOO_LONG", f"at most {LIST_ENTRIES_MAX} entries")
        # An empty entry is a stray semicolon. A doubled one says nothing new.
        return tuple(dict.fromkeys(parse_entry(entry) for entry in entries if entry))

    return parse


def day(field: str) -> str:
    """YYYY-MM-DD."""
    rule = "a day that exists, YYYY-MM-DD"
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", field) is None:
        raise ValueRefusedError("VALUE_INVALID", rule)
    try:
        date.fromisoformat(field)
    except ValueError:
        raise ValueRefusedError("VALUE_INVALID", rule) from None
    return field


def name(field: str) -> str:
    """A name by which a label can be found."""
    value = text(NAME_CHARS_MAX)(field)
    if not keys(value):
        raise ValueRefusedError(
            "VALUE_INVALID", "a name needs a letter or a digit, else no label can match it"
        )
    return value


def provider(field: str) -> str:
    """One of those that we know."""
    if field not in PROVIDERS:
        near = difflib.get_close_matches(field.lower(), PROVIDERS, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueRefusedError("PROVIDER_UNKNOWN", f"one of {', '.join(PROVIDERS)}{hint}")
    return field


def flag(field: str) -> bool:
    """`true` or `false`."""
    if field not in ("true", "false"):
        raise ValueRefusedError("VALUE_INVALID", "true or false")
    return field == "true"


def store(field: str) -> Store:
    """`NAME`, or `NAME@TOWN`."""
    called, at, town = field.partition("@")
    if at and not town.strip():
        raise ValueRefusedError("VALUE_INVALID", "NAME@TOWN, or NAME alone")
    return Store(name(called), text(NAME_CHARS_MAX)(town) if at else "")
