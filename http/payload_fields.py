"""The fields of a webhook's body: each check notes what is wrong, with its pointer, and goes on.

The rule: every fault of a body is found at once and none holds a value of it; an amount is judged by
its value, read from its text as an exact decimal, never through a float.
Source: interface.md 1 and 6 (row 7); RFC 6901 (pointers).
"""

import re
from collections.abc import Collection
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, cast

import iso4217

from comptoir.http.problems import FieldError
from comptoir.http.strict_json import Number

__all__ = [
    "CURRENCIES",
    "ID_CHARACTERS_MAX",
    "INVALID",
    "MALFORMED",
    "NAME_CHARACTERS_MAX",
    "PLACE_CHARACTERS_MAX",
    "UNSUPPORTED",
    "BadBody",
    "Fields",
    "cents",
    "stop_if_any",
]

MALFORMED = "WEBHOOK_PAYLOAD_MALFORMED"
INVALID = "WEBHOOK_PAYLOAD_INVALID"
UNSUPPORTED = "WEBHOOK_EVENT_UNSUPPORTED"

CURRENCIES = frozenset(currency.code for currency in iso4217.Currency)
ID_CHARACTERS_MAX = 128
NAME_CHARACTERS_MAX = 512
"""Card-statement labels end at 140 characters in ISO 20022; acquirers and wallets prefix them."""
PLACE_CHARACTERS_MAX = 128
WHOLE_DIGITS_MAX = 15
"""Of a whole number: in ms it is after the year 30000, and every double holds it."""
AMOUNT_CENTS_MAX = 9_999_999_999
"""99,999,999.99 in major units (interface.md 6, row 7)."""
AMOUNT_CHARACTERS_MAX = 64
"""A longer text of a number is refused before any arithmetic."""


class BadBody(Exception):
    """The body is refused: the stable code, and for row 7 what is wrong where."""

    def __init__(self, code: str, errors: tuple[FieldError, ...] = ()) -> None:
        """Keep both; neither holds a value of the body."""
        super().__init__(code)
        self.code = code
        self.errors = errors


def stop_if_any(found: list[FieldError]) -> None:
    """End the reading with row 7 if anything was wrong."""
    if found:
        raise BadBody(INVALID, tuple(found))


def cents(text: str) -> int | str:
    """The cents of an amount in major units, or the code of what is wrong with it.

    Args:
        text: a JSON number as it stands in the body.
    """
    if len(text) > AMOUNT_CHARACTERS_MAX:
        return "AMOUNT_TOO_LONG"
    try:
        amount = Decimal(text)
    except InvalidOperation:  # an exponent that no decimal holds
        return "AMOUNT_EXPONENT"
    if amount < 0:
        return "AMOUNT_NEGATIVE"
    if amount > AMOUNT_MAX:
        return "AMOUNT_TOO_LARGE"
    sign, digits, exponent = amount.as_tuple()
    del sign  # -0 is nought
    assert type(exponent) is int  # a JSON number is never NaN or infinite
    whole = int("".join(map(str, digits)))
    shift = exponent + DECIMALS
    if whole == 0 or shift >= 0:
        return whole * 10**shift if whole else 0  # bounded: the amount is at most 10**8
    quotient, rest = divmod(whole, 10 ** min(-shift, AMOUNT_CHARACTERS_MAX))
    return "AMOUNT_TOO_PRECISE" if rest else quotient


AMOUNT_MAX = Decimal(AMOUNT_CENTS_MAX) / 100
DECIMALS = 2
"""Of an amount in major units (interface.md 6, row 7), whatever its currency."""
_ABSENT = object()
_SILENT = object()
"""Stands for an object inside one that was wrong itself."""
_DECIMAL = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?").fullmatch
_MCC = re.compile(r"[0-9]{4}").fullmatch
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch
_AMOUNT_DETAILS = {
    "AMOUNT_TOO_LONG": f"at most {AMOUNT_CHARACTERS_MAX} characters",
    "AMOUNT_EXPONENT": "an exponent that no amount has",
    "AMOUNT_NEGATIVE": "not below 0; the direction tells a refund",
    "AMOUNT_TOO_LARGE": "at most 99999999.99",
    "AMOUNT_TOO_PRECISE": "at most two decimals",
}


class Fields:
    """One object of the body. Each check notes what is wrong and returns the right type anyway.

    The fields of an object that is itself wrong are not reported on top of it.
    """

    __slots__ = ("_found", "_pointer", "_table")

    def __init__(self, value: object, pointer: str, found: list[FieldError]) -> None:
        self._found = found
        self._pointer = pointer
        self._table: dict[str, Any] | None = None
        if type(value) is dict:
            self._table = cast(dict[str, Any], value)
        elif value is not _SILENT:
            self._found.append(_missing_or_wrong(value, pointer, "an object"))

    def inside(self, key: str) -> "Fields":
        """The object under a required key."""
        value: object = _SILENT if self._table is None else self._table.get(key, _ABSENT)
        return Fields(value, f"{self._pointer}/{key}", self._found)

    def objects(self, key: str) -> "list[Fields]":
        """The objects of a required list."""
        value = self._value(key, required=True)
        if value is None:
            return []
        if type(value) is not list:
            self._note(key, "TYPE_WRONG", "a list")
            return []
        place = f"{self._pointer}/{key}"
        items = cast(list[object], value)
        return [Fields(item, f"{place}/{index}", self._found) for index, item in enumerate(items)]

    def identifiers(self, key: str) -> list[str]:
        """The identifiers of a list; an absent one is empty."""
        value = self._value(key, required=False)
        if value is None:
            return []
        if type(value) is not list:
            self._note(key, "TYPE_WRONG", "a list")
            return []
        items = cast(list[object], value)
        listed = Fields(
            {str(index): item for index, item in enumerate(items)},
            f"{self._pointer}/{key}",
            self._found,
        )
        return [listed.identifier(str(index)) for index in range(len(items))]

    def whole(self, key: str, *, required: bool = True) -> int:
        """A whole number from 0 on, such as a time in ms; 0 where an optional one is absent."""
        value = self._value(key, required)
        if value is None:
            return 0
        text = value.text if type(value) is Number else ""
        if not text.isdigit() or len(text) > WHOLE_DIGITS_MAX:
            self._note(key, "TYPE_WRONG", "a whole number, not below 0")
            return 0
        return int(text)

    def has(self, key: str) -> bool:
        """Whether something other than null stands under a key."""
        return self._table is not None and self._table.get(key) is not None

    def flag(self, key: str, *, default: bool) -> bool:
        """An optional true or false."""
        value = self._value(key, required=False)
        if value is None or type(value) is bool:
            return default if value is None else value
        self._note(key, "TYPE_WRONG", "true or false")
        return default

    def reference(self, key: str) -> str:
        """An identifier that is written as a number or as a text."""
        if self._table is not None and type(value := self._table.get(key)) is Number:
            if value.text.isdigit() and len(value.text) <= ID_CHARACTERS_MAX:
                return value.text
            return self._note(key, "VALUE_UNKNOWN", "a whole number, or a text")
        return self.identifier(key)

    def signed_amount(self, key: str) -> int:
        """An amount in major units as cents, below 0 too, written as a number or as a text."""
        value = self._value(key, required=True)
        if value is None:
            return 0
        text = value.text if type(value) is Number else value
        if type(text) is not str or _DECIMAL(text) is None:
            self._note(key, "TYPE_WRONG", "a number, or its text")
            return 0
        exact = cents(text.removeprefix("-"))
        if isinstance(exact, int):
            return -exact if text.startswith("-") else exact
        self._note(key, exact, _AMOUNT_DETAILS[exact])
        return 0

    def text(self, key: str, characters: tuple[int, int], *, required: bool = True) -> str:
        """A text of so many characters, both included; empty where an optional one is absent."""
        value = self._value(key, required)
        if value is None:
            return ""
        if type(value) is not str:
            return self._note(key, "TYPE_WRONG", "a text")
        least, most = characters
        if len(value) > most:
            return self._note(key, "TEXT_TOO_LONG", f"at most {most} characters")
        if len(value) < least:
            return self._note(key, "TEXT_EMPTY", "not empty")
        return value

    def identifier(self, key: str, *, required: bool = True) -> str:
        """A text that names something: printable, not empty."""
        value = self.text(key, (1, ID_CHARACTERS_MAX), required=required)
        if not value.isprintable():
            return self._note(key, "TEXT_FORBIDDEN", "printable characters only")
        return value

    def choice(self, key: str, allowed: Collection[str], detail: str) -> str:
        """One of some words, exactly."""
        value = self._value(key, required=True)
        if value is None:
            return ""
        if type(value) is not str:
            return self._note(key, "TYPE_WRONG", "a text")
        return value if value in allowed else self._note(key, "VALUE_UNKNOWN", detail)

    def category(self, key: str) -> str:
        """A merchant category code: four digits; empty where there is none."""
        value = self.text(key, (0, ID_CHARACTERS_MAX), required=False)
        if value and _MCC(value) is None:
            return self._note(key, "VALUE_UNKNOWN", "four digits (ISO 18245)")
        return value

    def day(self, key: str) -> str:
        """A day of the calendar, YYYY-MM-DD."""
        value = self.text(key, (1, ID_CHARACTERS_MAX))
        if not value:
            return ""
        if not _is_day(value):
            return self._note(key, "DATE_INVALID", "a day, YYYY-MM-DD")
        return value

    def amount(self, key: str) -> int:
        """An amount in major units as cents."""
        value = self._value(key, required=True)
        if value is None:
            return 0
        if type(value) is not Number:
            self._note(key, "TYPE_WRONG", "a number")
            return 0
        exact = cents(value.text)
        if isinstance(exact, int):
            return exact
        self._note(key, exact, _AMOUNT_DETAILS[exact])
        return 0

    def _value(self, key: str, required: bool) -> object:
        """What stands under a key; None when there is nothing to check (any fault is noted)."""
        if self._table is None:
            return None
        value = self._table.get(key, _ABSENT)
        if value is _ABSENT and required:
            self._note(key, "MISSING", "required")
        elif value is None and required:
            self._note(key, "TYPE_WRONG", "not null")
        return None if value is _ABSENT else value

    def _note(self, key: str, code: str, detail: str) -> str:
        """Note a fault; the empty text it returns stands for the value."""
        pointer = f"{self._pointer}/{key}"
        self._found.append(FieldError(pointer=pointer, code=code, detail=detail))
        return ""


def _is_day(text: str) -> bool:
    """Say whether the text is a day of the calendar (Python alone also takes other forms)."""
    if _DAY(text) is None:
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _missing_or_wrong(value: object, pointer: str, detail: str) -> FieldError:
    """The fault of an object that is not there, or is something else."""
    if value is _ABSENT:
        return FieldError(pointer=pointer, code="MISSING", detail="required")
    return FieldError(pointer=pointer, code="TYPE_WRONG", detail=detail)
