"""A name taken apart into the words that are compared.

Rules: what is no part of who somebody is (titles, a vessel's prefix) is taken off; a legal form is set aside, as weak
evidence; particles stay, marked, because one writer glues them to what follows and another leaves them out. Nothing
is thrown away that would leave a name empty. Source: issue 8, deliver 3.
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple

from comptoir.actors.screening.latin import bones_of, folds_of, is_abjad, romanise
from comptoir.actors.screening.words import (
    FORMS,
    GENERIC,
    NICKNAMES,
    NUMERALS,
    PARTICLES,
    PHRASES,
    TITLES,
)

__all__ = ["PERSONS", "Name", "Word", "parse_name", "word_of"]

PERSONS: Final = frozenset({"Person"})
"""Schemas whose names are persons'."""
NAME_CHARS_MAX: Final = 512
WORDS_MAX: Final = 24
PLURAL_CHARS_MIN: Final = 4
_BREAK: Final = re.compile(r"[\s,;/|()\[\]\"«»“”\-‐‑–—_.&+:·・]+")  # noqa: RUF001 - dashes of all kinds part words
_GLUED: Final = re.compile(r"['’‘`´ʼʻ]")  # noqa: RUF001 - apostrophes of all kinds
_INITIAL_CHARS: Final = 1


class Word(NamedTuple):
    """One word of a name."""

    text: str
    """In a to z and digits."""
    folds: tuple[str, ...]
    bones: tuple[str, ...]
    abjad: bool
    families: frozenset[int]
    """Of given names that it may stand for."""

    @property
    def is_initial(self) -> bool:
        """Whether it is one letter that stands for a word."""
        return len(self.text) == _INITIAL_CHARS and self.text.isalpha() and not self.abjad

    @property
    def is_number(self) -> bool:
        """Whether it tells one of several of a name apart."""
        return self.text.isdigit()

    @property
    def is_particle(self) -> bool:
        """Whether writers leave it out or glue it."""
        return self.text in PARTICLES


class Name(NamedTuple):
    """A name, taken apart."""

    words: tuple[Word, ...]
    forms: frozenset[str]
    """The sorts of legal form that it states."""


@lru_cache(maxsize=65_536)
def word_of(text: str, *, abjad: bool = False) -> Word:
    """A romanised word, with how it sounds."""
    folds = (text,) if abjad else folds_of(text)
    bones = tuple(dict.fromkeys(bones_of(fold) for fold in folds))
    return Word(text, folds, bones, abjad, NICKNAMES.get(text, frozenset()))


@lru_cache(maxsize=16_384)
def parse_name(text: str, schema: str) -> Name:
    """Take a name apart; longer ones than `NAME_CHARS_MAX` are cut."""
    words: list[Word] = []
    for part in _BREAK.split(_GLUED.sub("", text[:NAME_CHARS_MAX])):
        abjad = is_abjad(part)
        words += [word_of(one, abjad=abjad) for one in _without_article(romanise(part), abjad=abjad)]  # fmt: skip
    if schema in PERSONS:
        kept = [one for one in words if one.text not in TITLES or one.is_initial]
        return Name(tuple(kept or words)[:WORDS_MAX], frozenset())
    return _company(words, vessel=schema == "Vessel")


def _without_article(parts: tuple[str, ...], *, abjad: bool) -> tuple[str, ...]:
    """Arabic glues its article to the word; what is left is compared."""
    if not abjad:
        return parts
    return tuple(one[2:] if one.startswith("al") and len(one) > 4 else one for one in parts)  # noqa: PLR2004


def _singular(word: str) -> str:
    """Guards and Guard, Services and Service are one word in the name of an organisation."""
    plural = len(word) > PLURAL_CHARS_MIN and word.endswith("s") and word[-2] not in "sui"
    return word[:-1] if plural else word


def _company(words: list[Word], *, vessel: bool) -> Name:
    text = " ".join(one.text for one in words)
    for phrase, form in PHRASES:
        text = f" {text} ".replace(f" {phrase} ", f" {form} ").strip()
    abjad = {one.text: one for one in words if one.abjad}
    forms: set[str] = set()
    kept: list[Word] = []
    for one in text.split():
        if one in FORMS:
            forms.add(FORMS[one])
        elif not (vessel and one in TITLES):
            plain = NUMERALS.get(one, GENERIC.get(one, one))
            kept.append(abjad.get(one) or word_of(_singular(plain)))
    return Name(tuple(kept or words)[:WORDS_MAX], frozenset(forms))
