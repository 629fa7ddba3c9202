"""What the print of a page says of what its zone says: the same names and the same number stand in both.

The rule: print puts nothing into a zone; it says which of the readings that are equally good is meant: of a name, whose
signs have no digit, between signs that OCR confuses; of a number, between repairs that all make its digit hold.
Lines that may be the zone's own are no print: they would vouch for themselves.
Source: ICAO Doc 9303 part 3, 3 (the same data in both zones); docs/documents.md.
"""

import dataclasses
import re
import unicodedata
from typing import Final

from comptoir.actors.inspection.mrz import Zone, check_digit

__all__ = ["as_printed", "printed_words"]

_ALIKE: Final = str.maketrans("QD012568", "OOOIZSGB")
"""Signs that OCR takes for one another -> one of them."""
_FILLERS: Final = frozenset("CEKLS")
"""Letters for which OCR takes a filler."""
_RUNS: Final = re.compile(r"(.)\1+")


def printed_words(text: str) -> frozenset[str]:
    """The words and numbers of a page, in capitals without accents; without those of lines with fillers."""
    print_only = "\n".join(line for line in text.splitlines() if "<" not in line)
    plain = unicodedata.normalize("NFKD", print_only.upper())
    bare = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return frozenset(re.findall(r"[A-Z0-9]{2,}", bare))


def as_printed(zone: Zone, words: frozenset[str]) -> Zone:
    """The zone with each word of its names, and its number, as the page prints it, where exactly one printed word is the
    same but for signs that OCR confuses (in names also doubles, and letters at their end that may be fillers); a number
    has the same digit, too.
    """
    alike: dict[str, set[str]] = {}
    for word in words:
        if word.isalpha():
            alike.setdefault(_outline(word), set()).add(word)

    def settled(name: str) -> str:
        return " ".join(_settled(word, words, alike) for word in name.split())

    return dataclasses.replace(
        zone,
        surname=settled(zone.surname),
        given_names=settled(zone.given_names),
        document_number=_number(zone.document_number, words),
    )


def _number(number: str, words: frozenset[str]) -> str:
    found = {
        word
        for word in words
        if word.translate(_ALIKE) == number.translate(_ALIKE)
        and check_digit(word) == check_digit(number)
    }
    return found.pop() if len(found) == 1 else number


def _settled(word: str, words: frozenset[str], alike: dict[str, set[str]]) -> str:
    found = alike.get(_outline(word), set())
    if word in words or len(found) > 1:
        return word
    stems = (word[:end] for end in range(len(word) - 1, 1, -1) if not set(word[end:]) - _FILLERS)
    return next(iter(found), None) or next((stem for stem in stems if stem in words), word)


def _outline(word: str) -> str:
    return _RUNS.sub(r"\1", word.translate(_ALIKE))
