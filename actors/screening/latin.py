"""Names of any script in the letters a to z, and as they sound.

The rules:
- what an alphabet writes is kept (Cyrillic, Greek, Georgian, kana, Hangul, Han by its Mandarin reading): `anyascii`,
  with our own letters where names go otherwise than its;
- Arabic and Hebrew write few vowels: their words are marked as an abjad, and are compared by consonants;
- a *fold* is how a word sounds, in one spelling for all the ways in which Latin letters write that sound (ou, oo, u;
  sch, sh; tsch, tch, cz). Some letters sound in more than one way (ch, j, x), so a word has several folds.
Source: issue 8, deliver 3; the romanisations named in docs/screening.md.
"""

# Letters that look alike are the subject here.
# ruff: noqa: RUF001

import re
import unicodedata
from functools import lru_cache
from typing import Final

from anyascii import anyascii

__all__ = ["bones_of", "folds_of", "is_abjad", "romanise"]

_SPECIAL: Final = {
    ord(letter): text
    for letter, text in zip(
        "щшжхцчёйыюяэьъгҐґєіїђћњљџ",
        ["shch", "sh", "zh", "kh", "ts", "ch", "yo", "y", "y", "yu", "ya", "e", "", "", "g", "G", "g", "ye", "i", "yi", "dj", "c", "nj", "lj", "dz"],
        strict=True,
    )
} | {
    ord("ä"): "ae", ord("ö"): "oe", ord("ü"): "ue", ord("å"): "a", ord("ø"): "o", ord("æ"): "ae", ord("ß"): "ss",
    ord("ə"): "a", ord("þ"): "th", ord("ð"): "d", ord("đ"): "dj", ord("ł"): "l", ord("ı"): "i", ord("ç"): "c",
    ord("χ"): "ch", ord("υ"): "y", ord("η"): "i", ord("ή"): "i", ord("ύ"): "y", ord("ω"): "o", ord("ώ"): "o",
}  # fmt: skip
"""Letters that names write otherwise than `anyascii` does."""

_ABJAD: Final = {
    ord(letter): text
    for letter, text in zip(
        "ابتثجحخدذرزسشصضطظعغفقكلمنهوي" "ءآأإؤئةىپچژگکیڤ" "אבגדהוזחטיכךלמםנןסעפףצץקרשת",
        [
            "a", "b", "t", "th", "j", "h", "x", "d", "dh", "r", "z", "s", "sh", "s", "d", "t", "z", "a", "gh", "f",
            "q", "k", "l", "m", "n", "h", "u", "i",
            "", "a", "a", "i", "u", "i", "", "a", "p", "ch", "zh", "g", "k", "i", "v",
            "a", "b", "g", "d", "h", "u", "z", "h", "t", "i", "k", "k", "l", "m", "m", "n", "n", "s", "a", "p", "p",
            "ts", "ts", "k", "r", "sh", "t",
        ],
        strict=True,
    )
}  # fmt: skip
_ABJAD_LETTERS: Final = re.compile("[\u0590-\u05ff\u0600-\u06ff\u0900-\u0dff]")
_INDIC: Final = re.compile("[\u0900-\u0dff]")
_SURNAMES: Final = dict(
    zip(
        "박이최정김강조윤임서신권류전문백노",
        [
            "park",
            "lee",
            "choi",
            "jung",
            "kim",
            "kang",
            "cho",
            "yoon",
            "lim",
            "seo",
            "shin",
            "kwon",
            "ryu",
            "jeon",
            "moon",
            "baek",
            "noh",
        ],
        strict=True,
    )
)
"""Of Korea, as their bearers write them."""
_GREEK_PAIRS: Final = (("ου", "ou"), ("ού", "ou"), ("γγ", "ng"), ("γκ", "gk"), ("ευα", "eva"), ("ευ", "ef"), ("αυ", "af"), ("μπ", "b"), ("ντ", "nt"), ("ει", "ei"), ("εί", "ei"))  # fmt: skip
_SPLIT: Final = re.compile(r"[^a-z0-9]+")
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NONSPACING: Final = re.compile("[\u064b-\u065f\u0670\u0591-\u05c7\u200c\u200d]")
_IDEOGRAPHIC: Final = re.compile("[\u3400-\u9fff\uac00-\ud7af]")


def is_abjad(word: str) -> bool:
    """Whether it is written without most of its vowels."""
    return _ABJAD_LETTERS.search(word) is not None


@lru_cache(maxsize=65_536)
def romanise(word: str) -> tuple[str, ...]:
    """A word in the letters a to z and digits; several where its script does not part words (Han, Hangul)."""
    word = unicodedata.normalize("NFC", _NONSPACING.sub("", unicodedata.normalize("NFKC", word)))
    if _INDIC.search(word):
        return (_indic(word),)
    if is_abjad(word):
        return tuple(_SPLIT.sub("", word.translate(_ABJAD)).split())
    if _IDEOGRAPHIC.search(word):
        if word[0] in _SURNAMES:
            return (_SURNAMES[word[0]], *romanise(word[1:])) if word[1:] else (_SURNAMES[word[0]],)
        parts = _SPLIT.split(_CAMEL.sub(" ", anyascii(word)).lower())
        return tuple(_FINAL.sub(_unvoiced, part) for part in parts if part)
    word = word.casefold()
    for pair, text in _GREEK_PAIRS:
        word = word.replace(pair, text)
    text = anyascii(unicodedata.normalize("NFC", word).translate(_SPECIAL)).lower()
    return tuple(part for part in [_SPLIT.sub("", text)] if part)


_FINAL: Final = re.compile(r"(?:(?<!n)g|d|b)$")
"""What ends a syllable of Korean is unvoiced; no reading of a Han character ends so."""


def _unvoiced(found: re.Match[str]) -> str:
    return {"g": "k", "d": "t", "b": "p"}[found[0]]


def _indic(word: str) -> str:
    """By the names of its letters: KA is k, for an inherent vowel is not written, and VOWEL SIGN I is i."""
    sounds: list[str] = []
    for letter in word:
        _, _, name = unicodedata.name(letter, "").partition(" LETTER ")
        if name:
            sounds.append(name.split()[0].lower().removesuffix("a") or "a")
        elif " VOWEL SIGN " in unicodedata.name(letter, ""):
            sounds.append(unicodedata.name(letter).split()[-1].lower()[:1])
    return "".join(sounds)


_COMMON: Final = tuple(
    (re.compile(pattern), text)
    for pattern, text in (
        (r"(iy|yi|ij|yj|ii|ey|ei|ie|y|j)$", "i"), (r"(?<=[^aeiou])[yij]o(?=.)", "e"), (r"schtsch|shtsh|shch|chtch|stch|schch|chtsch", "S"), (r"tsch|tch|cz|cs", "C"), (r"sch|sh|sz", "S"),
        (r"^chr|^kr", "kr"), (r"ph", "f"), (r"ck|cq|kk", "k"), (r"gh(?=[aeiouy])", "g"), (r"(?<=[aeiou])gh", "g"), (r"kh", "k"),
        (r"zh|dzh|dj", "j"), (r"dh", "d"), (r"th", "t"), (r"bh", "b"), (r"tz|ts", "ts"),
        (r"^hs", "x"), (r"qu(?=[ei])", "k"), (r"q", "k"),
        (r"c(?=[eiy])", "s"), (r"c(?!h)", "k"), (r"yeo", "yu"), (r"ou|oo|oe(?!$)|ue", "u"), (r"ee|ie|ii|iy|yi|ey|ei|ay|ai|ae", "e"),
        (r"(ow|off|of|ov|ew|eff|ef|ev)$", "ov"), (r"w", "v"), (r"z", "s"), (r"y", "i"), (r"iu", "u"), (r"ia(?=.)", "a"),
        (r"(?<=[a-z])h$", ""), (r"(?<=[aeiou])h(?=[^aeiou])", ""), (r"(?<=..)e$", ""), (r"(.)\1+", r"\1"),
    )
)  # fmt: skip
_READINGS: Final = (("ch", ("C", "k", "S")), ("j", ("j", "i", "h")), ("x", ("ks", "S", "h")))
_VOWELS: Final = re.compile(r"[aeiou]")
_FOLDS_MAX: Final = 3


@lru_cache(maxsize=65_536)
def folds_of(word: str) -> tuple[str, ...]:
    """How a romanised word may sound, the likeliest first; three at most."""
    for pattern, text in _COMMON:
        word = pattern.sub(text, word)
    found: list[str] = [word]
    for letters, sounds in _READINGS:
        if letters in word:
            found = [one.replace(letters, sound) for sound in sounds for one in found]
    return tuple(dict.fromkeys(found))[:_FOLDS_MAX]


@lru_cache(maxsize=65_536)
def bones_of(fold: str) -> str:
    """A fold without its vowels but a first one, which is one letter for all."""
    rest = _VOWELS.sub("", fold)
    return re.sub(r"(.)\1+", r"\1", ("a" if fold[:1] in "aeiou" else "") + rest)
