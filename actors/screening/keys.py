"""The keys under which a name is found among a million.

Rules: a name that is misspelt, transliterated, reordered or shortened still has a key in common with what was meant;
a key of two words is had by few, so that names of common words (Mohammed Ali) are found without reading all that
have one of them. A key is the CRC-32 of its text: two that collide cost one needless comparison, and no hit.
Source: issue 8, deliver 3.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations
from typing import Final, NamedTuple
from zlib import crc32

from comptoir.actors.screening.alignment import SOFT, skeleton
from comptoir.actors.screening.names import Name, Word

__all__ = ["keys_of", "pair_keys", "single_keys"]

PAIRED_WORDS_MAX: Final = 6
"""Fifteen pairs; what comes after is of long names of organisations, which have enough."""
STEM_CHARS: Final = 4
FAMILIES_MAX: Final = 2


class _Roots(NamedTuple):
    """What stands for a word in a pair."""

    bones: str
    stem: str
    """Its beginning, as it sounds."""
    initial: str
    families: tuple[str, ...]
    """Of given names that it may stand for."""


def keys_of(name: Name) -> set[int]:
    """All keys of a name."""
    return {*single_keys(name), *pair_keys(name)}


def single_keys(name: Name) -> Iterator[int]:
    """Those of one word each (as it sounds, its consonants, its beginning and its end), and of all words together."""
    for word in name.words:
        if not word.is_initial and not word.is_particle:
            yield from _singles(word)
    if len(name.words) > 1:
        yield crc32(b"g" + "".join(word.text for word in name.words).encode())
        yield crc32(b"w" + " ".join(sorted(word.text for word in name.words)).encode())


def pair_keys(name: Name) -> Iterator[int]:
    """Those of two words each, in any order."""
    roots = [_roots(word) for word in name.words if not word.is_particle][:PAIRED_WORDS_MAX]
    for one, other in combinations(roots, 2):
        yield _pair(one.bones, other.bones)
        yield _pair(one.stem, other.stem)
        yield _pair(one.initial, other.bones)
        yield _pair(one.bones, other.initial)
        for family in one.families:
            yield _pair(family, other.bones)
        for family in other.families:
            yield _pair(one.bones, family)


def _pair(one: str, other: str) -> int:
    first, second = (one, other) if one < other else (other, one)
    return crc32(f"2{first}|{second}".encode())


@lru_cache(maxsize=131_072)
def _singles(word: Word) -> tuple[int, ...]:
    bones = _bones(word)
    found = [f"b{bones}"] if len(bones) > 1 else []
    if not word.abjad:
        for fold in word.folds:
            found += [f"f{fold}", f"p{fold[:STEM_CHARS]}", f"s{fold[-STEM_CHARS:]}"]
    return tuple(dict.fromkeys(crc32(one.encode()) for one in found))


@lru_cache(maxsize=131_072)
def _roots(word: Word) -> _Roots:
    initial = f"i{word.text[:1]}"
    if word.is_initial:
        return _Roots(initial, initial, initial, ())
    bones = f"b{_bones(word)}"
    stem = bones if word.abjad else f"p{word.folds[0][: STEM_CHARS - 1]}"
    families = tuple(f"n{family}" for family in sorted(word.families)[:FAMILIES_MAX])
    return _Roots(bones, stem, initial, families)


@lru_cache(maxsize=131_072)
def _bones(word: Word) -> str:
    text = word.text if word.abjad else word.text.replace("kh", "x")
    return skeleton(text.translate(SOFT))
