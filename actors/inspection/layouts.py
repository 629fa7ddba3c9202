"""Where each thing stands in a machine readable zone, as tables.

The rule: a layout is data, one table for each format; what reads, checks and repairs (mrz.py) knows no format.
Positions are counted from 0 here, from 1 in the sources.
Source: ICAO Doc 9303 parts 4 (TD3), 5 (TD1), 6 (TD2) and 7 (MRV-A, MRV-B); protocols.md 5.5; the French card
of 1988 to 2021 has a layout of its own, which decree 55-1397 left to the ministry: read off its specimen.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

__all__ = ["LAYOUTS", "Check", "Layout", "Span", "layout_of"]


@dataclass(frozen=True, slots=True)
class Span:
    """Some positions of one line."""

    line: int
    start: int
    stop: int
    """One after the last."""

    def of(self, lines: tuple[str, ...]) -> str:
        """What stands there."""
        return lines[self.line][self.start : self.stop]


@dataclass(frozen=True, slots=True)
class Check:
    """One check digit, and what it is made of, in order."""

    name: str
    digit: Span
    over: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """One format."""

    name: str
    lines: int
    width: int
    fields: Mapping[str, tuple[Span, ...]]
    """What stands where; a field in two places is both, in order."""
    checks: tuple[Check, ...]

    def text(self, lines: tuple[str, ...], field: str) -> str:
        """What stands in a field, fillers and all; empty where the format has no such field."""
        return "".join(span.of(lines) for span in self.fields.get(field, ()))


def _two_lines(name: str, width: int, *, composite: bool) -> Layout:
    """TD3, TD2 and both visas: names above, everything else below."""
    number, birth, expiry = Span(1, 0, 9), Span(1, 13, 19), Span(1, 21, 27)
    end = width - 1 if composite else width
    personal = (
        composite and width == PASSPORT_WIDTH
    )  # alone has a digit of its own for what is optional
    optional = Span(1, 28, end - 1 if personal else end)
    checks = [
        Check("document_number", Span(1, 9, 10), (number,)),
        Check("birth_date", Span(1, 19, 20), (birth,)),
        Check("expiry_date", Span(1, 27, 28), (expiry,)),
    ]
    if personal:
        checks.append(Check("optional", Span(1, 42, 43), (optional,)))
    if composite:
        over = (Span(1, 0, 10), Span(1, 13, 20), Span(1, 21, end))
        checks.append(Check("composite", Span(1, end, width), over))
    fields = {
        "document_code": (Span(0, 0, 2),),
        "issuer": (Span(0, 2, 5),),
        "names": (Span(0, 5, width),),
        "document_number": (number,),
        "nationality": (Span(1, 10, 13),),
        "birth_date": (birth,),
        "sex": (Span(1, 20, 21),),
        "expiry_date": (expiry,),
        "optional": (optional,),
    }
    return Layout(name, 2, width, fields, tuple(checks))


PASSPORT_WIDTH: Final = 44
CARD_WIDTH: Final = 36

_TD1: Final = Layout(
    "TD1", 3, 30,
    {
        "document_code": (Span(0, 0, 2),),
        "issuer": (Span(0, 2, 5),),
        "document_number": (Span(0, 5, 14),),
        "birth_date": (Span(1, 0, 6),),
        "sex": (Span(1, 7, 8),),
        "expiry_date": (Span(1, 8, 14),),
        "nationality": (Span(1, 15, 18),),
        "optional": (Span(0, 15, 30), Span(1, 18, 29)),
        "names": (Span(2, 0, 30),),
    },
    (
        Check("document_number", Span(0, 14, 15), (Span(0, 5, 14),)),
        Check("birth_date", Span(1, 6, 7), (Span(1, 0, 6),)),
        Check("expiry_date", Span(1, 14, 15), (Span(1, 8, 14),)),
        Check(
            "composite", Span(1, 29, 30),
            (Span(0, 5, 30), Span(1, 0, 7), Span(1, 8, 15), Span(1, 18, 29)),
        ),
    ),
)  # fmt: skip

_FRA: Final = Layout(
    "FRA", 2, CARD_WIDTH,
    {
        "document_code": (Span(0, 0, 2),),
        "issuer": (Span(0, 2, 5),),
        "surname": (Span(0, 5, 30),),
        "optional": (Span(0, 30, 36),),
        "document_number": (Span(1, 0, 12),),
        "issue_month": (Span(1, 0, 4),),
        "given_names": (Span(1, 13, 27),),
        "birth_date": (Span(1, 27, 33),),
        "sex": (Span(1, 34, 35),),
    },
    (
        Check("document_number", Span(1, 12, 13), (Span(1, 0, 12),)),
        Check("birth_date", Span(1, 33, 34), (Span(1, 27, 33),)),
        Check("composite", Span(1, 35, 36), (Span(0, 0, 36), Span(1, 0, 35))),
    ),
)  # fmt: skip

LAYOUTS: Final[Mapping[str, Layout]] = {
    layout.name: layout
    for layout in (
        _TD1,
        _two_lines("TD2", CARD_WIDTH, composite=True),
        _two_lines("TD3", PASSPORT_WIDTH, composite=True),
        _two_lines("MRVA", PASSPORT_WIDTH, composite=False),
        _two_lines("MRVB", CARD_WIDTH, composite=False),
        _FRA,
    )
}


def _has_names(text: str) -> bool:
    """Whether it is the given names of a French card, where a TD2 has two dates and their digits."""
    return sum(sign.isdigit() for sign in text) < len(text) / 2


def layout_of(lines: tuple[str, ...]) -> Layout | None:
    """The format that lines have by their number, their width and how they begin; None: none of them."""
    widths = {len(line) for line in lines}
    shape = (len(lines), widths.pop() if len(widths) == 1 else 0)
    match shape:
        case (3, 30):
            return _TD1
        case (2, 44):
            return LAYOUTS["MRVA" if lines[0].startswith("V") else "TD3"]
        case (2, 36) if lines[0].startswith("V"):
            return LAYOUTS["MRVB"]
        case (2, 36) if lines[0].startswith("IDFRA") and _has_names(lines[1][13:27]):
            return _FRA
        case (2, 36):
            return LAYOUTS["TD2"]
        case _:
            return None
