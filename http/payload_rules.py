"""What a right webhook body is: every rule of rows 6, 7 and 8, with every fault found at once.

Rules, and why where the table leaves room:
- A key given twice is malformed (row 6): RFC 8259 leaves the meaning open, so the sender who signed
  it and we could read two different amounts.
- The amount is judged by its value, read from its text as an exact decimal: 1E2 and 100.000 are a
  hundred, -0 is nought, 1e400 is a number over the limit, "100" is a text and refused.
- Keys that are not known are ignored, also `signature` and `timestamp` in the body (X17).
- A required field is what the ledger cannot do without; what else S56 shows may be missing or null,
  but has its type when it is there.
- A right event that is not served is refused as such whatever its `data` holds: only an event that
  is served has rules for it.
Source: spec.md S52, S56, X17; interface.md 6; RFC 6901 (pointers).
"""

import re
from collections.abc import Collection
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple, cast

import iso4217

from comptoir.actors.connection.messages import TransactionReported
from comptoir.http.problems import FieldError
from comptoir.http.strict_json import Malformed, Number, parse

__all__ = ["CURRENCIES", "DIRECTIONS", "SERVED", "BadBody", "Reported", "cents", "read"]

MALFORMED = "WEBHOOK_PAYLOAD_MALFORMED"
INVALID = "WEBHOOK_PAYLOAD_INVALID"
UNSUPPORTED = "WEBHOOK_EVENT_UNSUPPORTED"

SERVED = frozenset({"transaction.created"})
"""Of S52's events; the others are refused by name until their issue."""
DIRECTIONS = frozenset({"DEBIT", "CREDIT"})
CURRENCIES = frozenset(currency.code for currency in iso4217.Currency)
EVENT_CHARACTERS_MAX = 64
ID_CHARACTERS_MAX = 128
NAME_CHARACTERS_MAX = 512
"""Card-statement labels end at 140 characters in ISO 20022; acquirers and wallets prefix them."""
PLACE_CHARACTERS_MAX = 128
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


class Reported(NamedTuple):
    """A right body: which connection it speaks of, and what it says."""

    connection_id: str
    message: TransactionReported


def read(body: bytes, provider: str) -> Reported:
    """Read a body.

    Args:
        body: bytes as received.
        provider: whose scheme it came by.

    Raises:
        BadBody: the first of rows 6, 7, 8 that applies; of row 7 every fault.
    """
    try:
        value = parse(body)
    except Malformed as error:
        raise BadBody(MALFORMED) from error
    found: list[FieldError] = []
    top = _Fields(value, "", found)
    event = top.text("event", (1, EVENT_CHARACTERS_MAX))
    data = top.inside("data")
    _stop_if_any(found)
    if event not in SERVED:
        raise BadBody(UNSUPPORTED)
    reported = _transaction(event, data, provider)
    _stop_if_any(found)
    return reported


def _stop_if_any(found: list[FieldError]) -> None:
    """End the reading with row 7 if anything was wrong."""
    if found:
        raise BadBody(INVALID, tuple(found))


def _transaction(event: str, data: "_Fields", provider: str) -> Reported:
    """Check the fields of a transaction; what is wrong is noted by `data`."""
    merchant = data.inside("merchant")
    data.text("account_id", (0, ID_CHARACTERS_MAX), required=False)
    message = TransactionReported(
        provider=provider,
        event=event,
        transaction_id=data.identifier("transaction_id"),
        amount_cents=data.amount("amount"),
        currency=data.choice("currency", CURRENCIES, "an ISO 4217 code"),
        direction=data.choice("direction", DIRECTIONS, "DEBIT or CREDIT"),
        date=data.day("date"),
        merchant_name=merchant.text("name", (0, NAME_CHARACTERS_MAX)),
        mcc=merchant.category("mcc_code"),
        city=merchant.text("city", (0, PLACE_CHARACTERS_MAX), required=False),
        country=merchant.text("country", (0, PLACE_CHARACTERS_MAX), required=False),
        original_transaction_id=data.identifier("original_transaction_id", required=False),
    )
    return Reported(data.identifier("connection_id"), message)


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
_MCC = re.compile(r"[0-9]{4}").fullmatch
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch
_AMOUNT_DETAILS = {
    "AMOUNT_TOO_LONG": f"at most {AMOUNT_CHARACTERS_MAX} characters",
    "AMOUNT_EXPONENT": "an exponent that no amount has",
    "AMOUNT_NEGATIVE": "not below 0; the direction tells a refund",
    "AMOUNT_TOO_LARGE": "at most 99999999.99",
    "AMOUNT_TOO_PRECISE": "at most two decimals",
}


class _Fields:
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

    def inside(self, key: str) -> "_Fields":
        """The object under a required key."""
        value: object = _SILENT if self._table is None else self._table.get(key, _ABSENT)
        return _Fields(value, f"{self._pointer}/{key}", self._found)

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
