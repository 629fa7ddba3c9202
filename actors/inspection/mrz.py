"""The machine readable zone of a document: read, checked by its digits, repaired where a digit proves it.

Rules:
- a zone is text of A to Z, 0 to 9 and the filler `<`, in lines of one of six formats (layouts.py);
- every digit is counted anew, and each has its own yes or no; a date that does not exist is no date;
- a year has two digits: a birth is the latest that is not to come, the end of a validity lies no more than
  fifty years ahead;
- what OCR takes for something else (O and 0, S and 5) is put right only where the field's kind or its digit
  says so, and only if then every digit of the zone holds. Names have no check digit, and no digits either: what
  was read as one is the letter that looks like it.
Source: ICAO Doc 9303 part 3, 4.1 to 4.9; protocols.md 5.5; spec.md S19, S20.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import combinations, product
from typing import Final

from comptoir.actors.inspection.layouts import Check, Layout, Span, layout_of

__all__ = ["Zone", "ZoneUnreadable", "check_digit", "clean_lines", "read_zone", "repair_zone"]

FILLER: Final = "<"
_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_VALUES: Final = {sign: value for value, sign in enumerate(_ALPHABET)} | {FILLER: 0}
_WEIGHTS: Final = (7, 3, 1)

_AS_DIGIT: Final = str.maketrans("OQDILZASGTB", "00011245678")
"""What OCR reads where a digit stood."""
_AS_LETTER: Final = str.maketrans("0124568", "OIZASGB")
"""Likewise where a letter did."""
_CONFUSED: Final = {
    "0": "OQD", "1": "I", "2": "Z", "4": "A", "5": "S", "7": "T", "8": "B",
    "O": "0", "Q": "0", "D": "0", "I": "1", "Z": "2", "A": "4", "S": "5", "T": "7", "B": "8",
}  # fmt: skip
"""Where letters and digits may both stand. G and 6, L and 1 are left out: they differ by a multiple of ten, so that
no digit can tell them apart."""
REPAIRS_MAX: Final = 2
"""In one field; with more, some other reading fits the one digit by chance."""
YEARS_AHEAD_MAX: Final = 50
_DATES: Final = ("birth_date", "expiry_date")
_LETTERS: Final = ("names", "surname", "given_names", "issuer", "nationality")


class ZoneUnreadable(ValueError):
    """It is no machine readable zone; `code` is stable."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True, slots=True)
class Zone:
    """What stands in one."""

    format: str
    checks: dict[str, bool]
    document_code: str
    issuer: str
    surname: str
    given_names: str
    document_number: str
    nationality: str
    birth_date: str | None
    """ISO 8601; `1974` or `1974-08` where the rest is not known; None where it is no date."""
    sex: str
    """`F`, `M`, or `X`: not said."""
    expiry_date: str | None
    optional: str
    issue_month: str | None = None
    """`1988-06`; of the French card, which does not say when it ends."""
    truncated: bool = False
    """The names did not fit: the last one may be cut."""

    @property
    def holds(self) -> bool:
        """Whether all check digits hold."""
        return all(self.checks.values())


def check_digit(text: str) -> int:
    """The digit of a text of the zone's alphabet: weights 7, 3, 1; the sum modulo 10."""
    return sum(_VALUES[sign] * _WEIGHTS[at % 3] for at, sign in enumerate(text)) % 10


def clean_lines(lines: list[str]) -> tuple[str, ...]:
    """As a zone is written: capitals, without blanks; empty lines are none.

    Raises:
        ZoneUnreadable: MRZ_CHARACTER_INVALID.
    """
    cleaned = tuple(filter(None, ("".join(line.split()).upper() for line in lines)))
    for number, line in enumerate(cleaned, 1):
        strange = next((at for at, sign in enumerate(line, 1) if sign not in _VALUES), None)
        if strange is not None:
            where = f"line {number}, position {strange}: not A-Z, 0-9 or <"
            raise ZoneUnreadable("MRZ_CHARACTER_INVALID", where)
    return cleaned


def read_zone(lines: list[str], today: date) -> Zone:
    """Read a zone as it stands.

    Args:
        lines: of the zone, from above.
        today: which century a year of two digits lies in is judged from here.

    Raises:
        ZoneUnreadable: MRZ_CHARACTER_INVALID, or MRZ_FORMAT_UNKNOWN by number and width of the lines.
    """
    cleaned = clean_lines(lines)
    return _zone(_layout(cleaned), cleaned, today)


def repair_zone(lines: list[str], today: date, printed: frozenset[str] = frozenset()) -> Zone:
    """Read a zone that OCR has read before: as it stands, or repaired where its digits prove every repair.

    Args:
        lines: of the zone, from above.
        today: which century a year of two digits lies in is judged from here.
        printed: words of the same page: of repairs that are equally good, the one whose number is printed there.

    Raises:
        ZoneUnreadable: as `read_zone`.
    """
    cleaned = clean_lines(lines)
    layout = _layout(cleaned)
    zone = _zone(layout, cleaned, today)
    again = _zone(layout, _repaired(layout, cleaned, printed), today)
    return again if again.holds else zone


def _layout(lines: tuple[str, ...]) -> Layout:
    layout = layout_of(lines)
    if layout is None:
        found = " and ".join(str(len(line)) for line in lines) or "none"
        wanted = "3 of 30, 2 of 36 or 2 of 44"
        raise ZoneUnreadable(
            "MRZ_FORMAT_UNKNOWN", f"{len(lines)} lines, of {found}; wanted: {wanted}"
        )
    return layout


def _zone(layout: Layout, lines: tuple[str, ...], today: date) -> Zone:
    def plain(field: str) -> str:
        return _words(layout.text(lines, field))

    names = layout.text(lines, "names")
    surname, _, given = names.partition("<<")
    ends_of_names = [names]
    if not names:  # the French card has a field for each
        surname, given = layout.text(lines, "surname"), layout.text(lines, "given_names")
        ends_of_names = [surname, given]
    cut = not all(field.endswith(FILLER) for field in ends_of_names)
    number, optional = _number(layout, lines)
    ends = layout.text(lines, "expiry_date")
    issued = layout.text(lines, "issue_month")
    return Zone(
        layout.name, dict(_checked(layout, lines)), plain("document_code"), plain("issuer"),
        _words(surname), _words(given), number,
        plain("nationality") or ("FRA" if layout.name == "FRA" else ""),
        _past(layout.text(lines, "birth_date"), today), plain("sex") or "X",
        _end(ends, today) if ends else None, optional,
        _past(issued + "<<", today) if issued else None, cut,
    )  # fmt: skip


def _words(text: str) -> str:
    return " ".join(text.replace(FILLER, " ").split())


def _long(layout: Layout, lines: tuple[str, ...]) -> tuple[str, str] | None:
    """Number and digit of one that goes on in the optional field of a card: a filler stands for its digit, and
    the digit is the last sign before the next filler (Doc 9303 part 5, 4.2.2, note j; part 6 likewise).
    """
    if layout.name not in ("TD1", "TD2"):
        return None
    head, digit = layout.text(lines, "document_number"), layout.checks[0].digit.of(lines)
    first = layout.fields["optional"][0].of(lines)
    tail = first.partition(FILLER)[0]
    if digit != FILLER or head.endswith(FILLER) or not tail:
        return None
    return head + tail[:-1], tail[-1]


def _number(layout: Layout, lines: tuple[str, ...]) -> tuple[str, str]:
    """Number of the document, and what is optional."""
    spans = layout.fields["optional"]
    parts = [span.of(lines) for span in spans]
    number, long = layout.text(lines, "document_number").strip(FILLER), _long(layout, lines)
    if long is not None:
        number, parts[0] = long[0], parts[0].partition(FILLER)[2]
    return number.replace(FILLER, ""), " ".join(filter(None, map(_words, parts)))


def _checked(layout: Layout, lines: tuple[str, ...]) -> Iterator[tuple[str, bool]]:
    """Each digit, and whether it holds."""
    for check in layout.checks:
        text, digit = "".join(span.of(lines) for span in check.over), check.digit.of(lines)
        if check.name == "document_number" and (long := _long(layout, lines)) is not None:
            text, digit = long
        if check.name == "optional" and not text.strip(FILLER) and digit == FILLER:
            digit = "0"  # both are allowed where nothing stands (part 4, 4.2.2)
        is_sound = check.name not in _DATES or not text.strip(FILLER) or _is_day(text)
        yield check.name, is_sound and digit == str(check_digit(text))


def _is_day(text: str) -> bool:
    """Whether it may be a date: where letters stand, the digit holds by chance (a zone that was read one sign off)."""
    return text.replace(FILLER, "0").isdigit()


def _past(text: str, today: date) -> str | None:
    """A day that was: the latest with these two digits that is not to come."""
    near = _day(text, _century(today))
    return near if near is None or near <= today.isoformat() else _day(text, _century(today) - 100)


def _end(text: str, today: date) -> str | None:
    """The last day of a validity."""
    near = _day(text, _century(today))
    ahead = f"{today.year + YEARS_AHEAD_MAX}-12-31"
    return near if near is None or near <= ahead else _day(text, _century(today) - 100)


def _century(today: date) -> int:
    return today.year - today.year % 100


def _day(text: str, century: int) -> str | None:
    """YYMMDD as ISO 8601; fillers stand for what is not known, from the right (Doc 9303 part 3, 4.8)."""
    known = text.rstrip(FILLER)
    if not known.isdigit() or len(known) % 2:
        return None
    year, month, day = century + int(known[:2]), known[2:4], known[4:]
    try:
        date(year, int(month or 1), int(day or 1))
    except ValueError:
        return None
    return "-".join(filter(None, (f"{year:04d}", month, day)))


def _repaired(layout: Layout, lines: tuple[str, ...], printed: frozenset[str]) -> tuple[str, ...]:
    """The one reading in which every digit holds; the lines as they were where there is none, or more than one."""
    typed = lines
    for span in _digits_only(layout, lines):
        typed = _with(typed, span, span.of(typed).translate(_AS_DIGIT))
    for span in (span for field in _LETTERS for span in layout.fields.get(field, ())):
        typed = _with(typed, span, span.of(typed).translate(_AS_LETTER))
    failing = {name for name, holds in _checked(layout, typed) if not holds} - {"composite"}
    choices = [list(_readings(typed, check)) for check in layout.checks if check.name in failing]
    held: set[tuple[str, ...]] = set()
    for chosen in product(*choices):
        tried = typed
        for span, text in chosen:
            tried = _with(tried, span, text)
        if all(holds for _, holds in _checked(layout, tried)):
            held.add(tried)
    if len(held) > 1:
        held = {x for x in held if layout.text(x, "document_number").strip(FILLER) in printed}
    return held.pop() if len(held) == 1 else lines


def _digits_only(layout: Layout, lines: tuple[str, ...]) -> Iterator[Span]:
    """What is digits by its kind: dates, and check digits."""
    for field in _DATES:
        yield from layout.fields.get(field, ())
    long = _long(layout, lines) is not None
    for check in layout.checks:
        if not (long and check.name == "document_number"):
            yield check.digit


def _readings(lines: tuple[str, ...], check: Check) -> Iterator[tuple[Span, str]]:
    """What else may stand in a field so that its digit holds: with as few other signs as possible."""
    (span,) = check.over
    text, digit = span.of(lines), check.digit.of(lines)
    doubtful = [at for at, sign in enumerate(text) if sign in _CONFUSED]
    for count in range(1, REPAIRS_MAX + 1):
        found = [
            (span, reading)
            for places in combinations(doubtful, count)
            for reading in _exchanged(text, places)
            if str(check_digit(reading)) == digit
        ]
        if found:
            yield from found
            return


def _exchanged(text: str, places: tuple[int, ...]) -> Iterator[str]:
    for signs in product(*(_CONFUSED[text[at]] for at in places)):
        reading = list(text)
        for at, sign in zip(places, signs, strict=True):
            reading[at] = sign
        yield "".join(reading)


def _with(lines: tuple[str, ...], span: Span, text: str) -> tuple[str, ...]:
    line = lines[span.line]
    changed = line[: span.start] + text + line[span.stop :]
    return (*lines[: span.line], changed, *lines[span.line + 1 :])
