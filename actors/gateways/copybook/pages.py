"""Code pages: which character a byte is, and which bytes are digits and signs.

Rule: only pages of single bytes are known, and each byte of theirs means one character; the list is written out, and
held against Python's own and the `ebcdic` package's tables by a test. What a page does not have is refused, never
replaced.
Source: IBM CDRA; protocols.md 5.7; X12.
"""

import codecs
from dataclasses import dataclass
from functools import cache
from typing import Final

import ebcdic  # type: ignore[import-untyped] # registers codecs when it is imported

from comptoir.actors.gateways.copybook.refusals import RecordRefused

__all__ = ["ASCII_PAGES", "EBCDIC_PAGES", "CodePage", "code_page"]

EBCDIC_PAGES: Final = (
    "cp037", "cp273", "cp277", "cp278", "cp280", "cp284", "cp285", "cp297", "cp500", "cp870", "cp871", "cp875",
    "cp1025", "cp1026", "cp1047", "cp1112", "cp1122", "cp1123", "cp1140", "cp1141", "cp1142", "cp1143", "cp1144",
    "cp1145", "cp1146", "cp1147", "cp1148", "cp1149",
)  # fmt: skip
"""Latin, Cyrillic and Greek ones."""
ASCII_PAGES: Final = ("ascii", "iso8859-1", "iso8859-15", "cp1252", "cp850")
"""Those of other machines: a compiler there is GnuCOBOL or Micro Focus."""
BYTES: Final = 256
NEW_LINE: Final = 0x15
LINE_FEED: Final = 0x25
NEXT_LINE: Final = "\x85"
"""EBCDIC's new line after CDRA; z/OS UNIX (1047) has the two the other way round."""
UNMAPPED: Final = "\uffff"
"""What a byte is that is no character; Unicode has promised never to make it one."""
UNDEFINED: Final = "\ufffe"
"""What CPython's maps of bytes take for no character."""


@dataclass(frozen=True, slots=True)
class CodePage:
    """One page."""

    name: str
    is_ebcdic: bool
    table: str
    """The character of each byte."""
    bytes_of: dict[int, int]
    """The byte of each character."""
    encoding: object
    """The same as CPython's own codecs have it: a map that is made for it, and several times as fast."""
    blank: int
    """The byte of a blank."""
    is_whole: bool
    """Every byte is a character."""

    def text(self, data: bytes) -> str:
        """Every byte as its character; UNMAPPED where it is none."""
        # typeshed knows the maps of characters only; a string of 256 is the fast one, as Python's own codecs have it.
        return codecs.charmap_decode(data, "strict", self.table)[0]  # pyright: ignore[reportArgumentType]

    def encoded(self, text: str) -> bytes | None:
        """A text as bytes; None where the page lacks a character of it."""
        try:
            return codecs.charmap_encode(text, "strict", self.encoding)[0]  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
        except UnicodeEncodeError:
            return None


@cache
def _page(name: str) -> CodePage:
    assert ebcdic.codec_names, "the package registers its codecs when it is imported"
    table = "".join(_character(name, byte) for byte in range(BYTES))
    bytes_of = {ord(char): byte for byte, char in enumerate(table) if char != UNMAPPED}
    assert len(table) == BYTES
    assert len(bytes_of) == BYTES - table.count(UNMAPPED)
    is_ebcdic = name in EBCDIC_PAGES
    encoding = codecs.charmap_build(table.replace(UNMAPPED, UNDEFINED))
    blank = bytes_of[ord(" ")]
    return CodePage(name, is_ebcdic, table, bytes_of, encoding, blank, UNMAPPED not in table)


def _character(name: str, byte: int) -> str:
    """What a byte is: several tables say "line feed" of two bytes, and "substitute" of all that they lack."""
    char = bytes((byte,)).decode(name, "replace")
    if char == "\ufffd":
        return UNMAPPED
    if byte == NEW_LINE and name != "cp1047" and name in EBCDIC_PAGES:
        return NEXT_LINE
    is_first = bytes((byte,)) == char.encode(name) or (char == "\n" and byte == LINE_FEED)
    return char if is_first else UNMAPPED


def code_page(name: str) -> CodePage:
    """The page of that name; `ibm-1140`, `IBM1140`, `1140` and `CP1140` are one.

    Raises:
        RecordRefused: CODE_PAGE_UNKNOWN.
    """
    bare = name.strip().lower().replace("_", "-")
    for prefix in ("ibm-", "ibm", "cp-", "cp"):
        if bare.startswith(prefix):
            bare = bare.removeprefix(prefix)
            break
    if bare.isascii() and bare.isdecimal() and len(bare) <= len("01140"):
        bare = f"cp{int(bare):03d}"
    bare = _OTHER_NAMES.get(bare, bare)
    if bare not in EBCDIC_PAGES and bare not in ASCII_PAGES:
        known = ", ".join((*EBCDIC_PAGES, *ASCII_PAGES))
        raise RecordRefused("CODE_PAGE_UNKNOWN", f"code_page is one of {known}")
    return _page(bare)


_OTHER_NAMES: Final = {
    "us-ascii": "ascii", "latin-1": "iso8859-1", "latin1": "iso8859-1", "iso-8859-1": "iso8859-1",
    "iso-8859-15": "iso8859-15", "windows-1252": "cp1252", "cp819": "iso8859-1",
}  # fmt: skip
