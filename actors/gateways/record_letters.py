"""What a declared text becomes in a record of the mainframe: its letters (X12). Pure functions, without a record.

Rules:
- what nobody sees (category Cf: a soft hyphen, a blank of no width) is taken away, and blanks are one at a time;
- texts are put in upper case; accents stay where the code page has them, else they are written in Latin letters;
- what no letters stand for is refused: onboarding asks `written` of it before anybody signs, and the record is made by
  the same function, so that neither refuses what the other takes.
Source: spec.md S30, X12; docs/copybook.md.
"""

import unicodedata
from typing import Final, Literal

from anyascii import anyascii

from comptoir.actors.gateways.copybook.pages import CodePage, code_page
from comptoir.actors.gateways.copybook.refusals import RecordRefused

__all__ = ["LetterChange", "lettered", "readable", "written"]

LetterChange = Literal["invisible", "blanks", "uppercased", "transliterated"]
"""What became of a text."""
INVISIBLE: Final = "Cf"
"""Unicode's category of what is there only for the eye of a formatter."""
CONTROLS: Final = "C"
"""Of what is no character to be read: controls, INVISIBLE, and what Unicode has not given."""
SPELLED: Final = "LMNP"
"""Categories of which Latin letters are read as the same; of a symbol or a picture they are not."""


def written(text: str, page: str) -> str | None:
    """A text as it stands in a record; None: it cannot.

    Args:
        text: as it was declared.
        page: name of the mainframe's code page.

    Raises:
        RecordRefused: CODE_PAGE_UNKNOWN.
    """
    known = code_page(page)
    try:
        return lettered(text, known)[0]
    except RecordRefused:
        return None


def lettered(text: str, page: CodePage, field: str = "") -> tuple[str, tuple[LetterChange, ...]]:
    """A text as it stands in a record, and what became of it.

    Args:
        text: as it was declared.
        page: the mainframe's.
        field: whose it is; only said in the refusal.

    Raises:
        RecordRefused: CHARACTER_UNMAPPED.
    """
    visible = "".join(char for char in text if unicodedata.category(char) != INVISIBLE)
    said = " ".join(visible.split())
    composed = unicodedata.normalize("NFC", said)
    upper = unicodedata.normalize("NFC", composed.upper())
    made = " ".join(_transliterated(upper, page, field).split())
    steps: tuple[tuple[LetterChange, bool], ...] = (
        ("invisible", visible != text),
        ("blanks", said != visible),
        ("uppercased", upper != composed),
        ("transliterated", made != upper),
    )
    return made, tuple(kind for kind, happened in steps if happened)


def readable(text: str) -> str:
    """A text of the mainframe as people may read it: without controls, and blanks are one at a time."""
    shown = (" " if char.isspace() else char for char in text)
    kept = (char for char in shown if unicodedata.category(char)[0] != CONTROLS)
    return " ".join("".join(kept).split())


def _transliterated(text: str, page: CodePage, field: str) -> str:
    """A text in the characters of a code page: its own where it has them, else Latin letters.

    Raises:
        RecordRefused: a character that no letters stand for.
    """
    made: list[str] = []
    for char in text:
        kind = unicodedata.category(char)
        if page.encoded(char) is not None and kind[0] != CONTROLS:
            made.append(char)
            continue
        latin = anyascii(char).upper() if kind[0] in SPELLED else ""
        if (not latin and kind != "Mn") or page.encoded(latin) is None:
            raise RecordRefused("CHARACTER_UNMAPPED", f"{page.name} has nothing for it", field)
        made.append(latin)
    return "".join(made)
