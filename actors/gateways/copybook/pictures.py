"""A PICTURE: what kind of field it is, how many digits it has, and where its point stands.

Rule: only pictures that hold data are read (X, A, 9, S, V, P); what edits a number for a reader is refused by name.
Source: IBM Enterprise COBOL for z/OS Language Reference, "PICTURE clause"; protocols.md 5.7.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["DIGITS_MAX", "Picture", "PictureRefused", "read_picture"]

DIGITS_MAX: Final = 38
"""GnuCOBOL's; IBM has 31 with ARITH(EXTEND)."""
_LENGTH_MAX: Final = 1 << 24
_RUN: Final = re.compile(r"(CR|DB|[A-Z0-9$€£.,+\-*/])(?:\(([0-9]{1,9})\))?")
_TEXT: Final = frozenset("XA9")
_NUMBER: Final = frozenset("9SVP")
_EDITING: Final = frozenset(
    {"Z", "B", "0", "/", ",", ".", "+", "-", "*", "$", "€", "£", "CR", "DB"}
)
_UNSUPPORTED: Final = frozenset("NGUE")
_NUMERIC: Final = re.compile(r"(S?)(?:(V?)(P+)(9+)|(9+)(P+)(V?)|(9*)(V?)(9*))\Z")


class PictureRefused(ValueError):
    """No such picture; its first argument is a code of COPYBOOK_CODES."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that was read."""

    text: str
    """As it was written, in upper case."""
    kind: Literal["text", "letters", "number"]
    size: int
    """Characters, or digits (S, V and P have none)."""
    scale: int = 0
    """Digits behind the point; negative where P stands for zeros before it."""
    signed: bool = False


def read_picture(text: str) -> Picture:
    """Read the string of a PICTURE clause.

    Raises:
        PictureRefused: it is none, or one that is not understood here.
    """
    runs = _runs(text)
    signs = {sign for sign, _ in runs}
    if signs & _UNSUPPORTED:
        raise PictureRefused("PICTURE_UNSUPPORTED", f"{text}: national, double-byte or floating")
    if signs & _EDITING:
        raise PictureRefused("PICTURE_EDITED", f"{text}: edits what it shows")
    if signs & {"X", "A"}:
        if not signs <= _TEXT:
            raise PictureRefused("PICTURE_INVALID", f"{text}: a number and a text")
        size = sum(count for _, count in runs)
        return Picture(text, "letters" if signs == {"A"} else "text", size)
    if not signs <= _NUMBER:
        raise PictureRefused("PICTURE_INVALID", f"{text}: not a picture")
    return _number(text, runs)


def _runs(text: str) -> list[tuple[str, int]]:
    """Its signs, and how often each is said."""
    runs: list[tuple[str, int]] = []
    at = 0
    while at < len(text):
        found = _RUN.match(text, at)
        count = int(found.group(2) or 1) if found else 0
        if found is None or not 0 < count <= _LENGTH_MAX:
            raise PictureRefused("PICTURE_INVALID", f"{text[:60]}: not a picture")
        runs.append((found.group(1), count))
        at = found.end()
    if not runs:
        raise PictureRefused("PICTURE_INVALID", "nothing is said")
    return runs


def _number(text: str, runs: list[tuple[str, int]]) -> Picture:
    if sum(count for _, count in runs) > DIGITS_MAX * 2:
        raise PictureRefused("PICTURE_TOO_LONG", f"{text}: over {DIGITS_MAX} digits")
    found = _NUMERIC.match("".join(sign * count for sign, count in runs))
    if found is None:
        raise PictureRefused("PICTURE_INVALID", f"{text}: S, V, P and 9 not in their places")
    sign, _, zeros, small, large, noughts, _, whole, _, part = (
        group or "" for group in found.groups()
    )
    digits = len(small) + len(large) + len(whole) + len(part)
    if not digits:
        raise PictureRefused("PICTURE_INVALID", f"{text}: no digit in it")
    scale = len(zeros) + len(small) - len(noughts) + len(part)
    if max(digits, digits + len(zeros) + len(noughts)) > DIGITS_MAX:
        raise PictureRefused("PICTURE_TOO_LONG", f"{text}: over {DIGITS_MAX} digits")
    return Picture(text, "number", digits, scale, signed=bool(sign))
