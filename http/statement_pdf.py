"""Draws a statement as PDF; a program of its own, which the daemon starts for each (comptoir.http.drawing).

The rule: what is drawn is a `Sheet`, texts that are ready to be shown, so that nothing of the business is
decided here; and the same sheet gives the same bytes. The fonts are in the file. A letter that they do not have
becomes its plain form, else a question mark.
Source: ISO 32000-1 (PDF 1.4 is what ReportLab writes), 14.9.2 (natural language); spec.md S47.
"""

import io
import os
import resource
import sys
import unicodedata
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

__all__ = ["Section", "Sheet", "draw", "main"]

WIDTH, HEIGHT, MARGIN = 595.27, 841.89, 40.0
"""A4, in points of 1/72 inch."""
LINE: Final = 12.0
SIZE: Final = 7.5
CELL_GAP: Final = 4.0
PLAIN, BOLD = "Vera", "VeraBd"
EDGES: Final = (40.0, 92.0, 158.0, 279.0, 334.0, 388.0, 438.0, 482.0, 555.27)
"""Where columns begin, and the last ends."""
TEXTS: Final = 3
"""Columns on the left; the others are numbers, on the right of theirs."""
NICENESS: Final = 10
"""Webhooks come first."""
MEMORY_BYTES_MAX: Final = 1 << 30


class Section(msgspec.Struct, frozen=True):
    """A table under a heading."""

    heading: str
    rows: list[list[str]]
    """Of eight cells; the first row is the header where `headed`."""
    headed: bool = True


class Sheet(msgspec.Struct, frozen=True):
    """All that is drawn."""

    language: str
    title: str
    subtitle: str
    facts: list[str]
    sections: list[Section]
    footer: str
    """`{page}` and `{pages}`."""


class _Pen:
    """Where the next line goes, and on which page."""

    def __init__(self, sheet: Sheet, out: io.BytesIO) -> None:
        # Imported by the program that draws, not by the daemon, which only wants the sheet's type.
        from reportlab.pdfbase import pdfmetrics
        from reportlab.pdfbase.ttfonts import TTFont
        from reportlab.pdfgen.canvas import Canvas

        self._letters: set[int] = set()
        for number, name in enumerate((PLAIN, BOLD)):
            font = TTFont(name, f"{name}.ttf")
            pdfmetrics.registerFont(font)  # pyright: ignore[reportUnknownMemberType]  # its stub names no type
            has = set(font.face.charToGlyph)
            self._letters = self._letters & has if number else has
        self._width: Callable[[str, str, float], float] = pdfmetrics.stringWidth
        self._sheet = sheet
        # `invariant`: no time and no chance in the file.
        self._canvas = Canvas(out, (WIDTH, HEIGHT), invariant=1, lang=sheet.language)
        self._canvas.setTitle(f"{sheet.title} - {sheet.subtitle}")
        self._canvas.setSubject(sheet.subtitle)
        self._canvas.setCreator("comptoir")
        self._canvas.setAuthor("comptoir")
        self._page, self._y = 1, HEIGHT - MARGIN

    def text(self, text: str, size: float, font: str = PLAIN) -> None:
        """A line from margin to margin."""
        self._canvas.setFont(font, size)
        self._canvas.drawString(MARGIN, self._y, self._fitted(text, WIDTH - 2 * MARGIN, font, size))
        self._y -= size * 1.6

    def row(self, cells: Sequence[str], font: str = PLAIN) -> None:
        """A line of a table."""
        self._canvas.setFont(font, SIZE)
        for number, cell in enumerate(cells):
            beside = TEXTS if number == 0 and not any(cells[1:TEXTS]) else number + 1
            left, right = EDGES[number], EDGES[beside] - CELL_GAP
            text = self._fitted(cell, right - left, font, SIZE)
            if number < TEXTS:
                self._canvas.drawString(left, self._y, text)
            else:
                self._canvas.drawRightString(right, self._y, text)
        self._y -= LINE

    def rule(self) -> None:
        """A thin line under a header."""
        self._canvas.setLineWidth(0.4)
        self._canvas.line(MARGIN, self._y + LINE - 3, WIDTH - MARGIN, self._y + LINE - 3)

    def needs(self, lines: int) -> bool:
        """Whether so many lines go to the next page."""
        return self._y - lines * LINE < MARGIN + 2 * LINE

    def turn(self, pages: int) -> None:
        """End this page and begin the next."""
        self.foot(pages)
        self._page += 1
        self._y = HEIGHT - MARGIN

    def foot(self, pages: int) -> None:
        """The page's last line, and its end."""
        self._canvas.setFont(PLAIN, SIZE)
        told = self._sheet.footer.format(page=self._page, pages=pages)
        self._canvas.drawString(
            MARGIN, MARGIN, self._fitted(self._sheet.subtitle, 380, PLAIN, SIZE)
        )
        self._canvas.drawRightString(WIDTH - MARGIN, MARGIN, told)
        self._canvas.showPage()

    def skip(self) -> None:
        """An empty line."""
        self._y -= LINE

    def end(self) -> int:
        """Write the file; how many pages it has."""
        self._canvas.save()
        return self._page

    def _fitted(self, text: str, width: float, font: str, size: float) -> str:
        """As much of a text as there is room for, in letters that the fonts have."""
        plain = "".join(self._letter(letter) for letter in text)
        if self._width(plain, font, size) <= width:
            return plain
        while plain and self._width(plain + "...", font, size) > width:
            plain = plain[:-1]
        return plain + "..."

    def _letter(self, letter: str) -> str:
        if ord(letter) in self._letters:
            return letter
        plain = "".join(x for x in unicodedata.normalize("NFKD", letter) if ord(x) in self._letters)
        return plain or "?"


def draw(sheet: Sheet) -> bytes:
    """The file. It is drawn twice: only then it is known how many pages there are."""
    _, pages = _drawn(sheet, 0)
    return _drawn(sheet, pages)[0]


def _drawn(sheet: Sheet, pages: int) -> tuple[bytes, int]:
    out = io.BytesIO()
    pen = _Pen(sheet, out)
    pen.text(sheet.title, 16, BOLD)
    pen.text(sheet.subtitle, 11)
    for fact in sheet.facts:
        pen.text(fact, 8.5)
    for section in sheet.sections:
        _draw_section(pen, section, pages)
    pen.foot(pages)
    drawn = pen.end()
    return out.getvalue(), drawn


def _draw_section(pen: _Pen, section: Section, pages: int) -> None:
    """A table; its header stands on every page."""
    header, rows = (section.rows[0], section.rows[1:]) if section.headed else ([], section.rows)
    if pen.needs(4):
        pen.turn(pages)
    pen.skip()
    pen.text(section.heading, 10, BOLD)
    _draw_header(pen, header)
    for row in rows:
        if pen.needs(1):
            pen.turn(pages)
            _draw_header(pen, header)
        pen.row(row)


def _draw_header(pen: _Pen, header: Sequence[str]) -> None:
    if header:
        pen.row(header, BOLD)
        pen.rule()


def main() -> None:
    """Read a sheet, write its file: the program. It knows no secret, and has no more than it needs."""
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    sheet = msgspec.json.decode(sys.stdin.buffer.read(), type=Sheet)
    sys.stdout.buffer.write(draw(sheet))


if __name__ == "__main__":
    main()
