"""Code pages: every byte one character, and those that the source's adapter meets. Source: protocols.md 5.7, X12."""

import codecs

import pytest

from comptoir.actors.gateways.copybook import RecordRefused
from comptoir.actors.gateways.copybook.pages import (
    ASCII_PAGES,
    EBCDIC_PAGES,
    UNMAPPED,
    code_page,
)


@pytest.mark.parametrize("name", [*EBCDIC_PAGES, *ASCII_PAGES])
def test_every_byte_is_one_character_or_none(name: str) -> None:
    """What is read is written again as the same byte, and a text is what the page's own codec says."""
    page = code_page(name)
    table = [char for char in page.table if char != UNMAPPED]
    assert len(set(table)) == len(table)
    for byte, char in enumerate(page.table):
        assert char == UNMAPPED or page.encoded(char) == bytes((byte,))
    text = "ABCXYZ 0189 abcxyz .,()+-/=:"
    assert page.encoded(text) == codecs.encode(text, name)
    assert page.text(codecs.encode(text, name)) == text
    digits, blank = (0xF0, 0x40) if page.is_ebcdic else (0x30, 0x20)
    assert page.encoded("0123456789 ") == bytes([*range(digits, digits + 10), blank])


def test_names_of_pages() -> None:
    """IBM's and Python's ways to write one; the euro page of France is known, a page of two bytes is not."""
    for name in ("cp1140", "CP1140", "IBM-1140", "ibm1140", "1140", "cp01140"):
        assert code_page(name).name == "cp1140"
    assert [code_page(name).name for name in ("37", "ibm037", "latin-1", "US-ASCII")] == [
        "cp037", "cp037", "iso8859-1", "ascii",
    ]  # fmt: skip
    assert {"cp297", "cp1047", "cp1147", "cp1148"} <= set(EBCDIC_PAGES)
    for name in ("cp930", "utf-8", "rot13", "", "cp", "٣٧"):
        with pytest.raises(RecordRefused) as refused:
            code_page(name)
        assert refused.value.code == "CODE_PAGE_UNKNOWN"
