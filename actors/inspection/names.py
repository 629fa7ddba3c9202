"""Whether a name that was read is the one that was declared, and in which way it is.

The rule: every tolerance has a word, the least one that explains the difference; none of them lets another person's
name pass: each word of the shorter side must be there. Letters are compared as travel documents write them, where
one letter may have two spellings (UE and U for U with an umlaut).
Source: ICAO Doc 9303 part 3, 6 (transliteration); spec.md S20, S25; docs/documents.md.
"""

import re
import unicodedata
from typing import Final

__all__ = ["DIFFERENT", "as_read", "match_names", "spellings"]

DIFFERENT: Final = "different"
_LATIN: Final = {
    "Æ": "AE", "Œ": "OE", "Ø": "OE", "Å": "AA", "Ä": "AE", "Ö": "OE", "Ü": "UE", "ẞ": "SS", "ß": "SS",
    "Þ": "TH", "Ð": "D", "Đ": "D", "Ħ": "H", "Ł": "L", "Ŋ": "N", "Ŧ": "T", "Ĳ": "IJ",
}  # fmt: skip
"""Of Doc 9303 part 3, 6, table A: what is more than a letter with an accent; the others lose it."""
_CYRILLIC: Final = dict(zip(
    "АБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯІЇЄҐ",
    ["A", "B", "V", "G", "D", "E", "E", "ZH", "Z", "I", "I", "K", "L", "M", "N", "O", "P", "R", "S", "T", "U", "F", "KH", "TS", "CH", "SH", "SHCH", "IE", "Y", "", "E", "IU", "IA", "I", "I", "IE", "G"],
    strict=True,
))  # fmt: skip
"""Table B."""
_PARTICLES: Final = frozenset(
    [
        "DE",
        "DU",
        "DES",
        "D",
        "LA",
        "LE",
        "LES",
        "L",
        "VAN",
        "VON",
        "DER",
        "DEN",
        "DA",
        "DO",
        "DOS",
        "DAS",
        "DI",
        "DEL",
        "DELLA",
        "Y",
        "E",
        "ZU",
        "AF",
        "AV",
    ]
)
_TITLES: Final = frozenset(
    ["M", "MR", "MME", "MLLE", "MRS", "MS", "MISS", "MONSIEUR", "MADAME", "MADEMOISELLE", "DR"]
)
TRUNCATED_SIGNS_MIN: Final = 3
_APOSTROPHES: Final = re.compile("['\u2019\u02bc]")
"""Between two parts of a name; a travel document leaves them out (Doc 9303 part 3, 4.6), everybody else may."""
_OF_OURS: Final = frozenset("àâäæçéèêëîïôœùûüÿ")
"""What OCR knows, beside plain letters: those of French."""


def spellings(name: str) -> frozenset[tuple[str, ...]]:
    """The words of a name, in every spelling that it may have in a travel document."""
    upper = unicodedata.normalize("NFC", name).upper()
    wide = "".join(_CYRILLIC.get(sign, _LATIN.get(sign, sign)) for sign in upper)
    plain = "".join(_CYRILLIC.get(sign, sign) for sign in upper)
    return frozenset(
        _words(text) for both in (wide, plain) for text in (both, _APOSTROPHES.sub("", both))
    )


def as_read(name: str) -> tuple[re.Pattern[str], ...]:
    """What OCR may make of each word of a name, in capitals without accents: of a letter that is neither French nor English
    it has made some other letter, or none. Empty: the name has no such letter.
    """
    words = [word for word in re.split(r"\W+", unicodedata.normalize("NFC", name)) if word]
    if not any(_is_foreign(sign) for word in words for sign in word):
        return ()
    return tuple(re.compile("".join(map(_shape, word))) for word in words)


def _is_foreign(sign: str) -> bool:
    return sign.isalpha() and not sign.isascii() and sign.lower() not in _OF_OURS


def _shape(sign: str) -> str:
    plain = _bare(unicodedata.normalize("NFKD", sign.upper())[0])
    if not _is_foreign(sign):
        return re.escape(plain)
    return f"(?:{re.escape(_LATIN.get(sign.upper(), plain))}|[A-Z])?"


def _words(text: str) -> tuple[str, ...]:
    bare = "".join(_bare(sign) for sign in unicodedata.normalize("NFKD", text))
    return tuple(word for word in re.split(r"[^A-Z]+", bare) if word and word not in _TITLES)


def _bare(sign: str) -> str:
    if unicodedata.combining(sign):
        return ""
    return {"Ø": "O", "Ł": "L", "Đ": "D", "Ð": "D", "ß": "SS", "ẞ": "SS", "Æ": "AE", "Œ": "OE"}.get(
        sign, sign
    )


def match_names(declared: tuple[str, str], read: tuple[str, str], *, truncated: bool) -> str:
    """How a name that was read is the declared one.

    Args:
        declared: first name, last name.
        read: given names, surname; of a text where nobody can tell them apart, all of it as the surname.
        truncated: the last word that was read may have been cut.

    Returns:
        `same`; else what explains it: `accents`, `order`, `particles`, `given_names` (one side has more of them),
        `truncated`; or `different`.
    """
    if tuple(" ".join(x.upper().split()) for x in declared) == read:
        return "same"
    found = [
        _explained(first + last, given, surname, truncated=truncated)
        for first in spellings(declared[0])
        for last in spellings(declared[1])
        for given in spellings(read[0])
        for surname in spellings(read[1])
    ]
    return min(found, key=ORDER.index)


ORDER: Final = ("accents", "order", "particles", "given_names", "truncated", DIFFERENT)


def _explained(
    wanted: tuple[str, ...], given: tuple[str, ...], surname: tuple[str, ...], *, truncated: bool
) -> str:
    found = given + surname
    if wanted == found:
        return "accents"
    if sorted(wanted) == sorted(found):
        return "order"
    wanted_bare, found_bare = (
        {word for word in words if word not in _PARTICLES} for words in (wanted, found)
    )
    if not wanted_bare or not found_bare:
        return DIFFERENT
    if wanted_bare == found_bare:
        return "particles"
    least = min(len(wanted_bare), len(found_bare))
    if least > 1 and (wanted_bare < found_bare or found_bare < wanted_bare):
        return "given_names" if set(surname) - _PARTICLES <= wanted_bare else DIFFERENT
    missing = found_bare - wanted_bare
    if truncated and len(missing) == 1:
        cut = missing.pop()
        if len(cut) >= TRUNCATED_SIGNS_MIN and any(word.startswith(cut) for word in wanted_bare):
            return "truncated"
    return DIFFERENT
