"""Bytes to values: one function for each field, made once from the layout.

Rules:
- a number with a point is a Decimal with all its decimals, one without is an int, a text is a str: never a float;
- the sign nibbles C, D and F are read, and A, B and E where it is said; no S, no minus;
- a nibble that no compiler writes is refused, also in a pad.
A function takes the bytes, the same as characters, and where the record begins; it raises with the field's name.
Source: IBM Enterprise COBOL for z/OS Programming Guide, "Sign representation of zoned and packed-decimal data";
z/Architecture Principles of Operation, "Hexadecimal-floating-point"; protocols.md 5.7.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from comptoir.actors.gateways.copybook.items import Item
from comptoir.actors.gateways.copybook.options import Options
from comptoir.actors.gateways.copybook.pages import UNMAPPED, CodePage
from comptoir.actors.gateways.copybook.refusals import RecordRefused

__all__ = ["Reader", "Scalar", "overpunched", "reader_of"]

Scalar = str | int | Decimal | None
Reader = Callable[[bytes, str, int], Scalar]

POSITIVE_SIGNS: Final = {"preferred": "cf", "any": "acef"}
NEGATIVE_SIGNS: Final = {"preferred": "d", "any": "bd"}
_ASCII_POSITIVE: Final = "{ABCDEFGHI"
"""What EBCDIC's signs become where a file was converted as text."""
_ASCII_NEGATIVE: Final = "}JKLMNOPQR"
_ASCII_NEGATIVE_OWN: Final = "pqrstuvwxy"
"""GnuCOBOL's and Micro Focus's own: bit 6 is set."""
EXPONENT_BIAS: Final = 64


def reader_of(item: Item, page: CodePage, options: Options) -> Reader:
    """The function that reads one field."""
    picture = item.picture
    if picture is None:
        return _hexadecimal(item)
    if picture.kind != "number":
        return _text(item, page, options)
    if item.usage == "COMP-3":
        return _packed(item, options)
    if item.usage == "DISPLAY":
        return _zoned(item, page, options)
    return _binary(item, options)


def _scaled(item: Item) -> Callable[[int], "int | Decimal"]:
    """An unscaled number as what it stands for. Never by Decimal arithmetic, which rounds to its context."""
    assert item.picture is not None
    scale = item.picture.scale
    if scale == 0:
        return int
    if scale < 0:
        factor = 10**-scale
        return lambda number: number * factor
    end = f"E-{scale}"
    return lambda number: Decimal(f"{number}{end}")


def _right(text: str) -> str:
    return text.rstrip(" ")


def _left(text: str) -> str:
    return text.lstrip(" ")


def _both(text: str) -> str:
    return text.strip(" ")


_STRIPPING: Final[dict[str, Callable[[str], str]]] = {
    "right": _right, "left": _left, "both": _both, "none": str,
}  # fmt: skip


def _text(item: Item, page: CodePage, options: Options) -> Reader:
    assert item.picture is not None
    start, end = item.offset, item.offset + item.length
    trim, is_whole, is_letters = options.trim, page.is_whole, item.picture.kind == "letters"
    if item.is_justified and trim == "right":
        trim = "left"
    stripped = _STRIPPING[trim]

    def read(_data: bytes, text: str, at: int) -> Scalar:
        value = text[at + start : at + end]
        if not is_whole and UNMAPPED in value:
            offset = start + value.index(UNMAPPED)
            raise RecordRefused("CHARACTER_UNMAPPED", "a byte is no character", item.path, offset)
        if is_letters and not value.replace(" ", "").isalpha() and value.strip(" "):
            raise RecordRefused("CHARACTER_INVALID", "PIC A holds letters", item.path, start)
        return stripped(value)

    def read_right(_data: bytes, text: str, at: int) -> Scalar:
        return text[at + start : at + end].rstrip(" ")

    return read_right if trim == "right" and is_whole and not is_letters else read


def _zoned(item: Item, page: CodePage, options: Options) -> Reader:
    assert item.picture is not None
    start, end = item.offset, item.offset + item.length
    scaled, is_null = _scaled(item), options.blanks == "null"
    blanks = (" " * item.length, "\x00" * item.length)
    signs = _signs(item, page, options)
    is_leading, is_separate = item.sign.startswith("leading"), item.sign.endswith("separate")

    place = start if is_leading else end - 1

    def read(data: bytes, text: str, at: int) -> Scalar:
        digits = text[at + start : at + end]
        if is_null and digits in blanks:
            return None
        rest = digits[1:] if is_leading else digits[:-1]
        found = signs.get(data[at + place])
        if found is None:
            raise RecordRefused("SIGN_INVALID", "no sign, or one with no S", item.path, place)
        digit, is_negative = found
        digits = rest if is_separate else digit + rest if is_leading else rest + digit
        if not (digits.isascii() and digits.isdecimal()):
            raise _digit_invalid(item, rest, start + is_leading)
        return scaled(-int(digits) if is_negative else int(digits))

    def read_unsigned(data: bytes, text: str, at: int) -> Scalar:
        digits = text[at + start : at + end]
        if digits.isascii() and digits.isdecimal():
            return scaled(int(digits))
        return read(data, text, at)

    return read if item.picture.signed else read_unsigned


def _digit_invalid(item: Item, text: str, start: int) -> RecordRefused:
    wrong = (at for at, char in enumerate(text) if not (char.isascii() and char.isdecimal()))
    offset = start + next(wrong)
    return RecordRefused("DIGIT_INVALID", "a byte is no digit", item.path, offset)


def _signs(item: Item, page: CodePage, options: Options) -> dict[int, tuple[str, bool]]:
    """What the byte with the sign may be: its digit, and whether the number is negative."""
    assert item.picture is not None
    byte_of = page.bytes_of
    if item.sign.endswith("separate"):
        return {byte_of[ord("+")]: ("", False), byte_of[ord("-")]: ("", True)}
    negative = NEGATIVE_SIGNS[options.signs] if item.picture.signed else ""
    signs = {byte_of[ord(digit)]: (digit, False) for digit in "0123456789"}
    for digit in range(10):
        shown = str(digit)
        if page.is_ebcdic:
            signs |= {
                int(zone, 16) << 4 | digit: (shown, False) for zone in POSITIVE_SIGNS[options.signs]
            }
            signs |= {int(zone, 16) << 4 | digit: (shown, True) for zone in negative}
            continue
        signs[ord(_ASCII_POSITIVE[digit])] = (shown, False)
        if negative:
            signs[ord(_ASCII_NEGATIVE[digit])] = (shown, True)
            signs[ord(_ASCII_NEGATIVE_OWN[digit])] = (shown, True)
    return signs


def overpunched(digit: int, page: CodePage, *, is_negative: bool) -> int:
    """The byte of a digit with a sign of a signed number, as compilers write it."""
    if page.is_ebcdic:
        return (0xD0 if is_negative else 0xC0) | digit
    return ord(_ASCII_NEGATIVE_OWN[digit]) if is_negative else ord("0") + digit


def _packed(item: Item, options: Options) -> Reader:
    assert item.picture is not None
    start, end = item.offset, item.offset + item.length
    scaled = _scaled(item)
    positive = POSITIVE_SIGNS[options.signs]
    negative = NEGATIVE_SIGNS[options.signs] if item.picture.signed else ""
    has_pad = item.picture.size % 2 == 0

    def read(data: bytes, _text: str, at: int) -> Scalar:
        nibbles = data[at + start : at + end].hex()
        digits, sign = nibbles[:-1], nibbles[-1]
        if not digits.isdecimal():
            wrong = next(place for place, nibble in enumerate(digits) if nibble not in "0123456789")
            offset = start + wrong // 2
            raise RecordRefused("NIBBLE_INVALID", "half a byte is no digit", item.path, offset)
        if has_pad and digits[0] != "0":
            raise RecordRefused("NIBBLE_INVALID", "the pad is not zero", item.path, start)
        if sign in positive:
            return scaled(int(digits))
        if sign in negative:
            return scaled(-int(digits))
        raise RecordRefused("SIGN_INVALID", "no sign, or one with no S", item.path, end - 1)

    return read


def _binary(item: Item, options: Options) -> Reader:
    assert item.picture is not None
    start, end = item.offset, item.offset + item.length
    scaled, is_signed = _scaled(item), item.picture.signed
    order = options.byte_order if item.usage == "COMP-5" else "big"
    is_full = item.usage == "COMP-5" or options.trunc == "bin"
    most = 10**item.picture.size - 1

    def read(data: bytes, _text: str, at: int) -> Scalar:
        number = int.from_bytes(data[at + start : at + end], order, signed=is_signed)
        if is_full or -most <= number <= most:
            return scaled(number)
        detail = "more digits than its picture"
        raise RecordRefused("VALUE_OUT_OF_RANGE", detail, item.path, start)

    return read


def _hexadecimal(item: Item) -> Reader:
    """COMP-1 and COMP-2: sign, exponent of 16 with 64 added, and a fraction of 6 or 14 hexadecimal digits."""
    start, end = item.offset, item.offset + item.length
    bits = (item.length - 1) * 8

    def read(data: bytes, _text: str, at: int) -> Scalar:
        word = int.from_bytes(data[at + start : at + end], "big")
        fraction = word & ((1 << bits) - 1)
        power = 4 * ((word >> bits & 0x7F) - EXPONENT_BIAS) - bits
        number = -fraction if word >> (bits + 7) else fraction
        if power >= 0 or not fraction:
            return Decimal(number << max(power, 0) if fraction else 0)
        shared = min(-power, (fraction & -fraction).bit_length() - 1)
        number, power = number >> shared, -power - shared
        return Decimal(f"{number * 5**power}E-{power}")

    return read
