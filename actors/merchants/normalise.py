"""Normal form of merchant names and card-statement labels.

The rule: two texts are the same name when a reading of one equals a reading of the other. A reading
is a sequence of words; a word is a run of letters and digits; everything else separates words,
except where this page says otherwise. Case, accents and ligatures do not count.

- An apostrophe between letters is read twice, once as a separator and once as nothing, because
  statements print `L'Occitane` as `L OCCITANE` and as `LOCCITANE`.
- Single letters with dots between them are one word (`S.N.C.F.` is `sncf`), else `C.A.R. Auto`
  would begin with `C&A`.
- `+` is the word `plus`, else `Canal+` would own every label that begins with `CANAL`.
- `&` only separates: `C&A` is `c a`, never `ca`.

Source: interface.md 4 ("both normalised"); Unicode Standard Annex 15 (NFKD), Unicode 3.13
(default case folding).
"""

import re
import unicodedata
from typing import Final

__all__ = ["fold", "keys", "readings", "without_card_number", "words"]

_APOSTROPHES: Final = (
    "\N{GRAVE ACCENT}"
    "\N{ACUTE ACCENT}"
    "\N{LEFT SINGLE QUOTATION MARK}"
    "\N{RIGHT SINGLE QUOTATION MARK}"
    "\N{SINGLE HIGH-REVERSED-9 QUOTATION MARK}"
    "\N{MODIFIER LETTER PRIME}"
    "\N{MODIFIER LETTER TURNED COMMA}"
    "\N{MODIFIER LETTER APOSTROPHE}"
    "\N{MODIFIER LETTER REVERSED COMMA}"
    "\N{MODIFIER LETTER VERTICAL LINE}"
    "\N{PRIME}"
    "\N{FULLWIDTH APOSTROPHE}"
)
"""What keyboards, word processors and banks print where an apostrophe is meant."""

_LETTERS: Final = str.maketrans(
    dict.fromkeys(_APOSTROPHES, "'")
    | {
        "œ": "oe",
        "æ": "ae",
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "ħ": "h",
        "þ": "th",
        "\N{LATIN SMALL LETTER DOTLESS I}": "i",
    }
)
"""Letters that NFKD leaves whole although a bank's seven-bit line prints them as these."""

_WORD: Final = re.compile(r"[^\W_]+")
_INNER_APOSTROPHE: Final = re.compile(r"(?<=[^\W_])'(?=[^\W_])")
CARD_DIGITS_MIN: Final = 12
_CARD_NUMBER: Final = re.compile(rf"[0-9](?:[ -]?[0-9]){{{CARD_DIGITS_MIN - 1},}}")
"""Twelve digits or more in a row, blanks or hyphens between them allowed: what may be a whole card number."""
_ACRONYM: Final = re.compile(r"(?<![^\W_])[^\W\d_](?:\.[^\W\d_](?![^\W_]))+")


def fold(text: str) -> str:
    """Bring a text to one case without accents, ligatures and typographic apostrophes.

    Punctuation stays, because the marks of acquirers (`SQ *`) are punctuation. Idempotent.
    """
    folded = text.translate(_LATIN)
    if not folded.isascii():
        folded = _fold_unicode(text)
    if "+" in folded:
        folded = folded.replace("+", " plus ")
    if "." in folded:
        folded = _ACRONYM.sub(_without_dots, folded)
    return folded


def words(folded: str) -> list[str]:
    """Split a folded text into its words, apostrophes separating."""
    return _WORD.findall(folded)


def readings(folded: str) -> list[list[str]]:
    """Give each distinct way to read a folded text as words: one, or two with an apostrophe."""
    split = _WORD.findall(folded)
    if "'" not in folded:
        return [split]
    joined = _WORD.findall(_INNER_APOSTROPHE.sub("", folded))
    return [split] if joined == split else [split, joined]


def keys(name: str) -> list[str]:
    """Give the distinct keys under which a name is found: its readings, words joined by a blank.

    Empty for a name without any letter or digit, which therefore never matches.
    """
    return [" ".join(reading) for reading in readings(fold(name)) if reading]


def without_card_number(text: str) -> str:
    """The text without a number as long as a card's (S58)."""
    if len(text) < CARD_DIGITS_MIN:
        return text
    return _CARD_NUMBER.sub("(number)", text)


def _fold_unicode(text: str) -> str:
    # Apostrophes go first: NFKD turns some of them into a blank and a combining mark. Case folding
    # may compose again, so decomposition runs on both sides of it.
    decomposed = unicodedata.normalize("NFKD", text.translate(_LETTERS)).casefold()
    marked = unicodedata.normalize("NFKD", decomposed)
    bare = "".join(char for char in marked if unicodedata.category(char) != "Mn")
    return bare.translate(_LETTERS)


_LATIN: Final = str.maketrans({chr(code): _fold_unicode(chr(code)) for code in range(0x0250)})
"""Every letter of Latin-1 and Latin Extended, folded once: a fifth of the time of the long way."""


def _without_dots(acronym: re.Match[str]) -> str:
    return acronym[0].replace(".", "")
