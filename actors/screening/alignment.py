"""Which word of one name is which of the other, and how alike they are.

Rules: a likeness is 0 to 1, and is read as a chance that both writers meant the same word; so the likenesses of a
name multiply. Letters are compared by Damerau's distance, sounds by folds and bones, given names by their families,
an initial by its letter. A pair that differs as two genders of a given name do (Mario, Maria) is two names. One word may
stand for two or three neighbours of the other name, glued. Source: issue 8, deliver 3; docs/screening.md.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from rapidfuzz.distance import DamerauLevenshtein, Indel, JaroWinkler

from comptoir.actors.screening.latin import bones_of
from comptoir.actors.screening.names import Word, word_of

__all__ = ["LIKE_MIN", "SOFT", "Pairing", "likeness", "pair_words", "skeleton"]

LIKE_MIN: Final = 0.5
"""Less alike are two words that have nothing to do with one another."""
GLUED_MAX: Final = 3
GLUED_MIN: Final = 0.86
GLUE_SLIPS_MAX: Final = 2
FAR: Final = 0.4
"""Words that share fewer letters, and not the first, are two words in every spelling that was met."""
SHORT_CHARS: Final = 4
MIDDLE_CHARS: Final = 6
LONG_CHARS: Final = 9
GENDER_ENDS: Final = frozenset({"e", "le", "ne", "ina", "ine", "ette"})
GENDERED_CHARS_MIN: Final = 3
GENDERED_CHARS_MAX: Final = 9
"""Longer words that end in a and o are surnames, spelt by ear (Lukashenko)."""


class Pairing(NamedTuple):
    """Two names' words beside one another."""

    pairs: tuple[tuple[Word, Word, float], ...]
    left: tuple[Word, ...]
    """Of the query, with nothing beside them."""
    right: tuple[Word, ...]


@lru_cache(maxsize=262_144)
def likeness(one: Word, other: Word) -> float:
    """How likely both were meant to be one word."""
    if one.text == other.text:
        return 1.0
    if one.is_number or other.is_number:
        return 0.0
    if one.is_initial or other.is_initial:
        return 0.88 if _first(one, other) else 0.0
    if one.is_particle or other.is_particle:
        return 0.98 if one.is_particle and other.is_particle else 0.0
    if (one.abjad or other.abjad) and one.families.isdisjoint(other.families):
        return _by_consonants(one, other)
    if _are_two_genders(one.text, other.text):
        return 0.55
    kin = 0.0 if one.families.isdisjoint(other.families) else 0.93
    if Indel.normalized_similarity(one.text, other.text) < FAR and one.text[0] != other.text[0]:
        return kin
    return max(_by_letters(one.text, other.text), _by_sound(one, other), kin)


def pair_words(left: Sequence[Word], right: Sequence[Word]) -> Pairing:
    """Put the words beside one another, the most alike first."""
    left, right = _glued(tuple(left), tuple(right))
    right, left = _glued(right, left)
    scored = sorted(
        (
            (likeness(one, other), -abs(i - j), i, j)
            for i, one in enumerate(left)
            for j, other in enumerate(right)
        ),
        reverse=True,
    )
    pairs: list[tuple[Word, Word, float]] = []
    free_left, free_right = set(range(len(left))), set(range(len(right)))
    for alike, _, i, j in scored:
        if alike < LIKE_MIN:
            break
        if i in free_left and j in free_right:
            free_left.discard(i)
            free_right.discard(j)
            pairs.append((left[i], right[j], alike))
    return Pairing(
        tuple(pairs),
        tuple(left[i] for i in sorted(free_left)),
        tuple(right[j] for j in sorted(free_right)),
    )


def _first(one: Word, other: Word) -> bool:
    return one.text[:1] == other.text[:1] or any(
        one.folds[0][:1] == fold[:1] for fold in other.folds
    )


def _are_two_genders(one: str, other: str) -> bool:
    """Mario and Maria, Daniel and Daniela, Michel and Michelle, Louis and Louise."""
    short, long = sorted((one, other), key=len)
    if long.startswith(short):
        end = long[len(short) :]
        known = end == "a" or (end in GENDER_ENDS and len(short) <= MIDDLE_CHARS)
        return known and len(short) >= GENDERED_CHARS_MIN and short[-1] not in "aeiouy"
    ends = {one[-1:], other[-1:]}
    return (
        len(one) <= GENDERED_CHARS_MAX
        and one[:-1] == other[:-1]
        and "a" in ends
        and not ends.isdisjoint("oe")
    )


def _by_letters(one: str, other: str) -> float:
    distance = DamerauLevenshtein.distance(one, other, score_cutoff=3)
    length = max(len(one), len(other))
    if distance == 1:
        if length >= LONG_CHARS:
            return 0.94
        if length >= MIDDLE_CHARS + 1:
            return 0.9 if one[0] == other[0] else 0.7
        return 0.66 if length >= MIDDLE_CHARS - 1 and one[0] == other[0] else 0.5
    if distance == 2 and length >= MIDDLE_CHARS + 2:  # noqa: PLR2004
        return 0.86 if length > LONG_CHARS else 0.68
    if distance == 3 and length > LONG_CHARS + 1:  # noqa: PLR2004
        return 0.6
    return 0.0


def _by_sound(one: Word, other: Word) -> float:
    best = 0.0
    for i, left in enumerate(one.folds):
        for j, right in enumerate(other.folds):
            best = max(best, _sounds(left, right) - 0.02 * (i + j))
    return best


_KIN: Final = (frozenset("kg"), frozenset("SjC"), frozenset("sj"), frozenset("vb"))
"""First sounds that one writer hears for another."""


def _sounds(one: str, other: str) -> float:
    if one == other:
        return 0.95 if len(one) > 2 else 0.8  # noqa: PLR2004
    if one[:1] != other[:1] and not {one[:1], other[:1]} <= set("aeiou"):
        if one[1:] != other[1:] or len(one) < SHORT_CHARS - 1:
            return 0.0
        return 0.86 if any({one[:1], other[:1]} <= kin for kin in _KIN) else 0.0
    bones, others = bones_of(one), bones_of(other)
    if bones == others:
        near = Indel.normalized_similarity(one, other)
        if len(bones) >= 3:  # noqa: PLR2004
            return 0.62 + 0.32 * near if near >= 0.65 else 0.4  # noqa: PLR2004
        return 0.28 + 0.46 * near
    if len(one) > MIDDLE_CHARS and len(other) > MIDDLE_CHARS:
        if DamerauLevenshtein.distance(one, other, score_cutoff=1) <= 1:
            return 0.88
        if JaroWinkler.similarity(one, other) > 0.93:  # noqa: PLR2004
            return 0.8
    return 0.0


SOFT: Final = str.maketrans({"e": "i", "y": "i", "o": "u", "w": "u", "v": "u"})
_HARD: Final = str.maketrans({"v": "b", "f": "p"})


def _by_consonants(one: Word, other: Word) -> float:
    if one.abjad and other.abjad:
        return _by_letters(one.text, other.text)
    abjad, latin = (one, other) if one.abjad else (other, one)
    return max(_consonants(abjad.text, text) for text in {latin.text, *latin.folds})


def _consonants(abjad: str, latin: str) -> float:
    best = 0.0
    for table in (SOFT, _HARD):
        bones = skeleton(abjad.translate(table).translate(SOFT))
        others = skeleton(latin.replace("kh", "x").translate(table).translate(SOFT))
        best = max(best, _same_bones(bones, others))
    if best and not _vowels_agree(abjad, latin):
        best *= 0.72
    return best


def _same_bones(one: str, other: str) -> float:
    if one == other:
        return {0: 0.0, 1: 0.8, 2: 0.88}.get(len(one), 0.93)
    longest = max(len(one), len(other))
    if longest >= SHORT_CHARS and DamerauLevenshtein.distance(one, other, score_cutoff=1) <= 1:
        return 0.72
    return 0.0


def skeleton(text: str) -> str:
    """The consonants of a word that an abjad would write, softened by `SOFT` beforehand."""
    for letters, sound in (("tz", "C"), ("ts", "C"), ("x", "k"), ("gh", "g"), ("sh", "S"), ("ch", "S"), ("dh", "d"), ("th", "t"), ("zh", "z"), ("c", "k"), ("q", "k")):  # fmt: skip
        text = text.replace(letters, sound)
    kept: list[str] = []
    for letter in text.removesuffix("h"):
        if letter not in "aiueo" and kept[-1:] != [letter]:
            kept.append("s" if letter == "z" else letter)
    return "".join(kept)


def _vowels_agree(abjad: str, latin: str) -> bool:
    """Whether the long vowels that the abjad does write are in the Latin spelling, in their order."""
    spelt = iter(latin.translate(SOFT))
    return all(letter in spelt for letter in abjad.translate(SOFT) if letter in "iu")


def _glued(whole: tuple[Word, ...], parts: tuple[Word, ...]) -> tuple[tuple[Word, ...], tuple[Word, ...]]:  # fmt: skip
    """Glue neighbours among `parts` that one word of `whole` stands for."""
    for word in whole:
        if len(word.text) < SHORT_CHARS or word.abjad:
            continue
        parts = _glue_for(word, parts)
    return whole, parts


def _glue_for(word: Word, parts: tuple[Word, ...]) -> tuple[Word, ...]:
    for size in range(2, min(GLUED_MAX, len(parts)) + 1):
        for at in range(len(parts) - size + 1):
            run = parts[at : at + size]
            # What costs least first: most runs are neither of its length nor of its beginning.
            if abs(sum(len(part.text) for part in run) - len(word.text)) > GLUE_SLIPS_MAX:
                continue
            if run[0].folds[0][:1] != word.folds[0][:1] or any(
                part.abjad or part.is_number for part in run
            ):
                continue
            glued = word_of("".join(part.text for part in run))
            alone = max(likeness(word, part) for part in parts)
            if (found := likeness(word, glued)) >= GLUED_MIN and found > alone:
                return (*parts[:at], glued, *parts[at + size :])
    return parts
