"""The text of a copybook as words: reference formats, comments, continuation, literals.

Rules:
- fixed: columns 1 to 6 are a number, 7 the indicator, 8 to 72 the text, 73 to 80 nobody's; beyond 80 is refused;
- free: the whole line is text, and a comment begins at `*>`, or with `*` or `/` as the first character of a line;
- auto: fixed where every line that says something has six signs or six blanks before a column 7 that is blank or an
  indicator, and ends by column 80; else free. Tabs go to columns 9, 17, 25 and so on;
- a debugging line (D) is a comment, as it is for a compiler without WITH DEBUGGING MODE;
- EJECT, SKIP1 to SKIP3 and TITLE only space a listing.
Source: IBM Enterprise COBOL for z/OS Language Reference, "Reference format"; GnuCOBOL Programmer's Guide 1.3.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from comptoir.actors.gateways.copybook.refusals import CopybookRefused

__all__ = ["PERIOD", "SourceFormat", "Word", "words_of"]

SourceFormat = Literal["auto", "fixed", "free"]

CHARACTERS_MAX: Final = 1 << 20
INDICATOR_AT: Final = 6
TEXT_END: Final = 72
CARD_END: Final = 80
PERIOD: Final = "."

_CARD: Final = re.compile(r"(?: {6}|\S{6})(?:[*/].*|[ \-dD$].{0,73}|)\Z|\Z")
_LISTING: Final = re.compile(r"\s*(?:EJECT|SKIP[123])\s*\.?\s*\Z|\s*TITLE\s+['\"]", re.IGNORECASE)
_WORD: Final = re.compile(
    r"""(?P<blank>\s+)
      | (?P<comment>\*>[^\n]*)
      | (?P<literal>[XxZz]?(?:'(?:[^'\n]|'')*'|"(?:[^"\n]|"")*"))
      | (?P<open>[XxZz]?['"])
      | (?P<word>[^\s'"]+)""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Word:
    """A word, a literal, or the period that ends an entry."""

    text: str
    """In upper case, but for a literal, which stands as it was written, with its quotes."""
    line: int
    column: int
    is_literal: bool = False


@dataclass(slots=True)
class _Line:
    """A line with those that continue it; `columns` holds line and column of every character."""

    text: str
    columns: list[tuple[int, int]]


def words_of(text: str, form: SourceFormat = "auto") -> list[Word]:
    """Every word of a copybook, in order.

    Raises:
        CopybookRefused: it cannot be read as lines of COBOL.
    """
    if len(text) > CHARACTERS_MAX:
        raise CopybookRefused("SOURCE_TOO_LONG", f"{len(text)} characters")
    if form not in ("auto", "fixed", "free"):
        raise CopybookRefused("FORMAT_UNKNOWN", "the source format is auto, fixed or free")
    lines = [line.expandtabs(8).rstrip() for line in re.split(r"\r\n|\r|\n", text)]
    fixed = form == "fixed" or (form == "auto" and all(_CARD.match(line) for line in lines))
    logical = _fixed(lines) if fixed else _free(lines)
    return [word for line in logical for word in _words(line)]


def _free(lines: list[str]) -> Iterator[_Line]:
    for number, line in enumerate(lines, 1):
        bare = line.lstrip()
        if bare.startswith(("*", "/")) or _LISTING.match(line):
            continue
        yield _Line(line, [(number, at) for at in range(1, len(line) + 1)])


def _fixed(lines: list[str]) -> list[_Line]:
    """Fixed lines, those that continue one joined to it."""
    logical: list[_Line] = []
    for number, line in enumerate(lines, 1):
        if len(line) > CARD_END:
            raise CopybookRefused("LINE_TOO_LONG", f"{len(line)} columns", number, CARD_END + 1)
        indicator, body = line[INDICATOR_AT : INDICATOR_AT + 1], line[INDICATOR_AT + 1 : TEXT_END]
        if indicator in ("*", "/", "d", "D", "$") or not body.strip() or _LISTING.match(body):
            continue
        columns = [(number, INDICATOR_AT + 2 + at) for at in range(len(body))]
        if indicator == "-":
            _continue(logical, _Line(body, columns))
        elif indicator in (" ", ""):
            logical.append(_Line(body, columns))
        else:
            raise CopybookRefused(
                "INDICATOR_UNKNOWN", f"column 7 holds {indicator!r}", number, INDICATOR_AT + 1
            )
    return logical


def _continue(logical: list[_Line], added: _Line) -> None:
    """Join a line to the one that it continues: a literal up to column 72, anything else without its blanks."""
    number, column = added.columns[0]
    if not logical:
        raise CopybookRefused("CONTINUATION_INVALID", "nothing to continue", number, column)
    before, skipped = logical[-1], len(added.text) - len(added.text.lstrip())
    if (quote := _open_quote(before.text)) is not None:
        if added.text[skipped] != quote:
            detail = f"a literal goes on without its {quote}"
            raise CopybookRefused("CONTINUATION_INVALID", detail, number, column + skipped)
        last_line, last_column = before.columns[-1]
        missing = TEXT_END - last_column
        before.text += " " * missing
        before.columns += [(last_line, last_column + 1 + at) for at in range(missing)]
        skipped += 1
    before.text += added.text[skipped:]
    before.columns += added.columns[skipped:]


def _open_quote(text: str) -> str | None:
    """The quote of a literal that does not end in this text."""
    for found in _WORD.finditer(text):
        if found.lastgroup == "open":
            return found.group()[-1]
    return None


def _words(line: _Line) -> Iterator[Word]:
    for found in _WORD.finditer(line.text):
        kind, text = found.lastgroup, found.group()
        number, column = line.columns[found.start()]
        if kind in ("blank", "comment"):
            continue
        if kind == "open":
            raise CopybookRefused("LITERAL_INVALID", "a literal does not end", number, column)
        if kind == "literal":
            yield Word(text, number, column, is_literal=True)
            continue
        yield from _parted(text, line, found.start())


def _parted(text: str, line: _Line, start: int) -> Iterator[Word]:
    """A word without the comma, semicolon or period that ends it; the period is one of its own."""
    bare = text.rstrip(",;")
    ends = bare.endswith(PERIOD)
    bare = bare[:-1] if ends else bare
    if bare:
        yield Word(bare.upper(), *line.columns[start])
    if ends:
        yield Word(PERIOD, *line.columns[start + len(bare)])
