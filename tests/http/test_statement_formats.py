"""What is drawn and written of a statement, read back by others: pypdf, and a reader of RFC 4180's grammar.

Source: interface.md 7; spec.md S47; docs/statements.md.
"""

import io
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from comptoir.actors.wallet.statement import Line
from comptoir.engine.books import Month, Total
from comptoir.http.page import Language
from comptoir.http.statement import Statement
from comptoir.http.statement_csv import COLUMNS, defused, to_csv
from comptoir.http.statement_pdf import Section, Sheet, draw
from comptoir.http.statement_sheet import to_sheet
from tests.http.stated import BOOKS, NOTHING, history, made, records

NASTY = st.text(st.sampled_from("=+-@\t\"',;\r\n aé＝"), max_size=6) | st.text(max_size=12)  # noqa: RUF001 - a full-width sign


@given(st.lists(NASTY.filter(lambda text: "\0" not in text), max_size=5))
def test_csv_is_read_back_as_it_was_and_is_never_a_formula(names: list[str]) -> None:
    """RFC 4180 by another reader; whatever a partner or a provider calls itself."""
    told = [
        Line(one.movement, name)
        for one, name in zip(history(*([5] * len(names))), names, strict=True)
    ]
    _, _, *rows, _ = records(to_csv(made(told)).decode())
    assert [row[COLUMNS.index("partner")] for row in rows] == [defused(name) for name in names]
    for row, name in zip(rows, names, strict=True):
        cell = row[COLUMNS.index("partner")]
        assert cell.removeprefix("'") == name.removeprefix("'")
        assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
        assert [row[COLUMNS.index(book)] for book in BOOKS] == ["5", "0", "0", "0"]


def read(pdf: bytes) -> list[str]:
    """The lines of text of a PDF, by another program's eyes."""
    return [
        line.replace("\N{NO-BREAK SPACE}", " ")
        for sheet in PdfReader(io.BytesIO(pdf)).pages
        for line in sheet.extract_text(extraction_mode="layout").splitlines()
    ]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_sums_of_a_pdf_are_the_books(language: Language) -> None:
    """S47: read back by pypdf, every number of some pages of movements is what the ledger has."""
    moved = [1000 + n if n % 3 else -500 - n for n in range(1, 160)]
    told = history(*moved)
    pdf = draw(to_sheet(made(told), language))
    separated = r"[+-]?\d{1,3}(?:[, ]\d{3})*"
    number = re.compile(rf"(?<!\S){separated}(?!\S)")
    dated = re.compile(r"^\s*(\d\d/\d\d/\d{4}|\d{4}-\d\d-\d\d)\s+(\S.*)$")
    found: list[list[int]] = []
    for text in read(pdf):
        row = dated.match(text)
        if row:
            wide = re.split(r"\s{2,}", row[2].strip())
            found.append([int(re.sub("[ ,+]", "", x)) for x in wide if number.fullmatch(x)])
    assert [row[0] for row in found] == moved
    assert [row[-1] for row in found] == [line.movement.after[0] for line in told]
    assert sum(row[0] for row in found) == told[-1].movement.after[0]
    words = ("Solde à la fin", "Relevé de points") if language == "fr" else (
        "Balance at the end", "Statement of points")  # fmt: skip
    assert all(any(word in text for text in read(pdf)) for word in words)


def test_a_pdf_is_the_same_twice_and_brings_its_fonts() -> None:
    """Deterministic bytes; language, title and pages are in it; letters that no font has do no harm."""
    told = history(*([5] * 60), partner="Łódź (株) <b>& Café")
    sheet = to_sheet(made(told), "fr")
    pdf = draw(sheet)
    assert pdf == draw(sheet)
    reader = PdfReader(io.BytesIO(pdf))
    assert reader.metadata is not None
    assert reader.metadata.title == "Relevé de points - novembre 2025"
    assert str(reader.root_object["/Lang"]) == "fr"
    resources: list[Any] = [page["/Resources"] for page in reader.pages]
    fonts: list[Any] = [font.get_object() for one in resources for font in one["/Font"].values()]
    used = [font for font in fonts if "Vera" in str(font["/BaseFont"])]
    assert used
    assert all("/FontFile2" in font["/FontDescriptor"].get_object() for font in used)
    assert all("/ToUnicode" in font for font in used)
    text = "\n".join(read(pdf))
    assert "Łódz (?) <b>& Café" in text
    assert f"Page 1 sur {len(reader.pages)}" in text


def test_a_page_in_the_middle_says_what_it_carries() -> None:
    """What is no beginning and no end says so, in words."""
    told = history(10, 20, 30)
    sheet = to_sheet(made(told, begins=False, more=True), "fr")
    rows = sheet.sections[-1].rows
    assert (rows[1][0], rows[-1][0], rows[-1][-1]) == ("Report", "Report", "60")


def test_books_that_disagree_are_not_shown() -> None:
    """Invariant 4: what moved and what is left must agree, movement by movement and in sum."""
    told = history(10, 20, 30)
    when, sixty = made(told).period, (60, 0, 0, 0)
    totals = (Total("credit", 3, sixty),)
    with pytest.raises(AssertionError, match="what moved"):
        Statement(
            "u-1", when, False, Month(0, 3, NOTHING, (61, 0, 0, 0), totals), told, True, False
        )
    with pytest.raises(AssertionError, match="missing"):
        Statement("u-1", when, False, Month(0, 3, NOTHING, sixty, totals), told[::2], True, False)


def test_a_table_goes_over_pages_with_its_header() -> None:
    """Whatever is on a page can be read on it."""
    rows = [["H", *[""] * 7], *([f"r{n}", *[""] * 7] for n in range(200))]
    pdf = draw(Sheet("en", "T", "S", [], [Section("M", rows)], "{page}/{pages}"))
    for page in PdfReader(io.BytesIO(pdf)).pages:
        assert "H" in page.extract_text().split()
