"""Values to bytes: one function for each field, made once from the layout.

Rules:
- a value that does not fit is refused with the field's name and why; nothing is cut, rounded or replaced;
- a number is an int, a Decimal or its text (`-12.50`); never a float, whose decimals are not what was written;
- the preferred signs are written: C and D where there is an S, F where there is none.
Source: as reading.py; X12.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from comptoir.actors.gateways.copybook.items import Item
from comptoir.actors.gateways.copybook.options import Options
from comptoir.actors.gateways.copybook.pages import CodePage
from comptoir.actors.gateways.copybook.pictures import DIGITS_MAX
from comptoir.actors.gateways.copybook.reading import EXPONENT_BIAS, overpunched
from comptoir.actors.gateways.copybook.refusals import RecordRefused

__all__ = ["Writer", "initial_of", "writer_of"]

Writer = Callable[[Any], bytes]

_NUMBER: Final = re.compile(r"([+-]?)([0-9]{1,400})(?:\.([0-9]{1,400}))?\Z", re.ASCII)
_DIGITS_READ_MAX: Final = 1000
"""Before the point of a Decimal, and behind it: far beyond any picture, and quickly counted."""
_FLOAT_DECIMALS_MAX: Final = 400
"""Of a COMP-1 or COMP-2: 16**-64 is the least, with 14 digits of 4 bits behind it: 312."""
_FLOAT_BITS_MAX: Final = 2048


def writer_of(item: Item, page: CodePage, options: Options) -> Writer:
    """The function that writes one field."""
    picture = item.picture
    if picture is None:
        return _hexadecimal(item)
    if picture.kind != "number":
        return _text(item, page)
    if item.usage == "COMP-3":
        return _packed(item)
    if item.usage == "DISPLAY":
        return _zoned(item, page, options)
    return _binary(item, options)


def initial_of(item: Item, page: CodePage, options: Options) -> bytes | None:
    """What a field holds that no value is given for: its VALUE; a FILLER's blanks or zeros; None where there is none.

    Raises:
        RecordRefused: a VALUE that does not fit its own field.
    """
    value, write = item.value, writer_of(item, page, options)
    is_number = item.picture is None or item.picture.kind == "number"
    if value is None:
        return None if item.key else write(0 if is_number else "")
    if value.kind == "hex":
        data = bytes.fromhex(value.text)
        if len(data) > item.length or is_number:
            raise _refused(item, "FIELD_TOO_LONG", "its VALUE does not fit")
        return data + bytes((page.blank,)) * (item.length - len(data))
    if value.kind == "filling":
        if value.text in ("\x00", "\xff"):
            return bytes((ord(value.text),)) * item.length
        return write(int(value.text or 0) if is_number else value.text * item.length)
    return write(value.text)


def _refused(item: Item, code: str, detail: str) -> RecordRefused:
    return RecordRefused(code, detail, item.path, item.offset)


def _text(item: Item, page: CodePage) -> Writer:
    length, blank = item.length, bytes((page.blank,))
    is_letters = item.picture is not None and item.picture.kind == "letters"
    is_right = item.is_justified

    def write(value: Any) -> bytes:
        if not isinstance(value, str):
            raise _refused(item, "FIELD_TYPE_WRONG", "a text is wanted")
        if len(value) > length:
            raise _refused(item, "FIELD_TOO_LONG", f"{len(value)} characters, of {length}")
        if is_letters and not value.replace(" ", "").isalpha() and value.strip(" "):
            raise _refused(item, "CHARACTER_INVALID", "PIC A holds letters")
        data = page.encoded(value)
        if data is None:
            raise _refused(item, "CHARACTER_UNMAPPED", f"{page.name} lacks a character of it")
        return data.rjust(length, blank) if is_right else data.ljust(length, blank)

    return write


def _unscaled(item: Item) -> Callable[[Any], int]:
    """A value as a whole number of the picture's last digit, if it is one."""
    assert item.picture is not None
    scale, signed = item.picture.scale, item.picture.signed

    def unscaled(value: Any) -> int:
        negative, digits, decimals = _parts(item, value)
        if decimals < scale:
            digits *= 10 ** (scale - decimals)
        elif decimals > scale:
            digits, rest = divmod(digits, 10 ** (decimals - scale))
            if rest:
                detail = f"digits beyond the {scale} decimals of its picture"
                raise _refused(item, "FRACTION_TOO_LONG", detail)
        if negative and digits and not signed:
            raise _refused(item, "VALUE_NEGATIVE", "its picture has no S")
        return -digits if negative else digits

    return unscaled


def _parts(item: Item, value: Any) -> tuple[bool, int, int]:
    """Negative or not, all its digits as one number, and how many of them are decimals."""
    if isinstance(value, Decimal):
        if not value.is_finite() or abs(value.adjusted()) > _DIGITS_READ_MAX:
            raise _refused(item, "VALUE_OUT_OF_RANGE", "no number, or far beyond its picture")
        whole, _, part = f"{value:f}".partition(".")
        if len(whole) + len(part) > 2 * _DIGITS_READ_MAX:
            raise _refused(item, "VALUE_OUT_OF_RANGE", "far more digits than its picture")
        return value.is_signed(), abs(int(whole + part)), len(part)
    if isinstance(value, int) and not isinstance(value, bool):
        if value.bit_length() > 4 * DIGITS_MAX * 2:
            raise _refused(item, "VALUE_OUT_OF_RANGE", "more digits than its picture")
        return value < 0, abs(value), 0
    if isinstance(value, str):
        found = _NUMBER.match(value.strip(" "))
        if found is None:
            raise _refused(item, "FIELD_TYPE_WRONG", "the text is no number")
        sign, whole, part = found.group(1), found.group(2), found.group(3) or ""
        return sign == "-", int(whole + part), len(part)
    raise _refused(item, "FIELD_TYPE_WRONG", "a number is wanted: whole, or as a text")


def _digits(item: Item) -> Callable[[Any], tuple[bool, str]]:
    """A value as exactly the digits of the picture."""
    assert item.picture is not None
    size, unscaled = item.picture.size, _unscaled(item)

    def digits(value: Any) -> tuple[bool, str]:
        number = unscaled(value)
        text = str(abs(number)) if abs(number).bit_length() <= 4 * DIGITS_MAX else ""
        if not text or len(text) > size:
            detail = f"more than the {size} digits of its picture"
            raise _refused(item, "VALUE_OUT_OF_RANGE", detail)
        return number < 0, text.zfill(size)

    return digits


def _zoned(item: Item, page: CodePage, options: Options) -> Writer:
    digits_of = _digits(item)
    encoded = {digit: bytes((page.bytes_of[ord(digit)],)) for digit in "+-"}
    zeros = str.maketrans({digit: chr(page.bytes_of[ord(digit)]) for digit in "0123456789"})
    is_leading, is_separate = item.sign.startswith("leading"), item.sign.endswith("separate")
    signed = item.picture is not None and item.picture.signed
    is_null = options.blanks == "null"

    def write(value: Any) -> bytes:
        if value is None and is_null:
            return bytes((page.blank,)) * item.length
        is_negative, digits = digits_of(value)
        data = digits.translate(zeros).encode("latin-1")
        if not signed:
            return data
        if is_separate:
            mark = encoded["-" if is_negative else "+"]
            return mark + data if is_leading else data + mark
        place = 0 if is_leading else len(data) - 1
        mark = bytes((overpunched(int(digits[place]), page, is_negative=is_negative),))
        return data[:place] + mark + data[place + 1 :]

    return write


def _packed(item: Item) -> Writer:
    digits_of = _digits(item)
    signed = item.picture is not None and item.picture.signed
    nibbles = item.length * 2

    def write(value: Any) -> bytes:
        is_negative, digits = digits_of(value)
        sign = ("d" if is_negative else "c") if signed else "f"
        return bytes.fromhex((digits + sign).zfill(nibbles))

    return write


def _binary(item: Item, options: Options) -> Writer:
    assert item.picture is not None
    unscaled, signed, length = _unscaled(item), item.picture.signed, item.length
    order = options.byte_order if item.usage == "COMP-5" else "big"
    least, most = (-(1 << (8 * length - 1)) if signed else 0), (1 << (8 * length - signed)) - 1
    if item.usage != "COMP-5" and options.trunc == "std":
        most = 10**item.picture.size - 1
        least = -most if signed else 0

    def write(value: Any) -> bytes:
        number = unscaled(value)
        if not least <= number <= most:
            raise _refused(item, "VALUE_OUT_OF_RANGE", "more than its bytes or its picture hold")
        return number.to_bytes(length, order, signed=signed)

    return write


def _hexadecimal(item: Item) -> Writer:
    """The reverse of reading.py's: normalised, and only where it is exact."""
    bits = (item.length - 1) * 8

    def write(value: Any) -> bytes:
        negative, digits, decimals = _parts(item, value)
        if not digits:
            return bytes(item.length)
        if decimals > _FLOAT_DECIMALS_MAX or digits.bit_length() > _FLOAT_BITS_MAX:
            raise _refused(item, "VALUE_INEXACT", "it cannot be held exactly")
        # digits / 10**decimals == number / 16**places, if five goes into it often enough.
        fives: int = 5**decimals
        number, rest = divmod(digits << (-decimals % 4), fives)
        places = (decimals + (-decimals % 4)) // 4
        while number and number % 16 == 0:
            number, places = number // 16, places - 1
        hexadecimals = (number.bit_length() + 3) // 4
        exponent = hexadecimals - places + EXPONENT_BIAS
        if rest or hexadecimals * 4 > bits or not 0 <= exponent < 2 * EXPONENT_BIAS:
            raise _refused(item, "VALUE_INEXACT", "it cannot be held exactly")
        fraction = number << (bits - 4 * hexadecimals)
        sign = int(negative) << (bits + 7)
        word: int = sign | exponent << bits | fraction
        return word.to_bytes(item.length, "big")

    return write
