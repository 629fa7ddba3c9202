"""Whether two names, with what else is known of them, are of one person or company, and why.

The rules:
- the score begins at 1 and every difference takes its share; what is told of it sums up to the score;
- likenesses of words multiply (alignment.py), so one wrong word is not made up for by three right ones;
- a word that only one side has costs little (a second given name, a patronymic); two different words beside one
  another, one on each side, cost most: that is how two persons differ;
- names that many bear name nobody alone: two given names without a surname are weak;
- birth date, country and gender are evidence in both directions, and none of them makes a match of two names that are
  not alike.
Source: issue 8, deliver 3; docs/screening.md.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from comptoir.actors.screening.alignment import pair_words
from comptoir.actors.screening.evidence import Subject, evidence
from comptoir.actors.screening.names import PERSONS, Name, Word, parse_name
from comptoir.actors.screening.words import AFTER_WHOM, FILLERS, GIVEN, PLACES

__all__ = ["MATCH_FROM", "Matched", "Subject", "compare_names", "match"]

MATCH_FROM: Final = 0.7
"""From here on two names match, where the settings (`screening.match_from`) do not say otherwise; chosen on the half of
the labelled pairs that was tuned on."""

Factor = tuple[str, float]
"""What is told, and what the score is multiplied by."""


class Matched(msgspec.Struct, frozen=True):
    """How alike two subjects are, and why."""

    score: float
    """0 to 1."""
    features: dict[str, float]
    """What each thing gave or took; sums up to the score."""


def match(schema: str, query: Subject, candidate: Subject) -> Matched:
    """Compare two subjects of one schema (`Person`, `Company`, ...), by their best pair of names."""
    factors = _best(
        [compare_names(schema, one, other) for one in query.names for other in candidate.names]
    )
    score, features = 1.0, {"names": 1.0}
    for what, factor in (*factors, *evidence(query, candidate)):
        # Above 1 it takes away a share of what is missing, so that nothing exceeds 1.
        after = score * factor if factor <= 1 else 1 - (1 - score) * (2 - factor)
        features[what] = round(features.get(what, 0.0) + after - score, 4)
        score = after
    rest = round(score, 4) - sum(features.values())
    features["names"] = round(features["names"] + rest, 4)
    return Matched(round(score, 4), features)


def compare_names(schema: str, query: str, candidate: str) -> tuple[Factor, ...]:
    """What every difference of two names costs."""
    one, other = parse_name(query, schema), parse_name(candidate, schema)
    if not one.words or not other.words:
        return (("no name", 0.0),)
    if schema in PERSONS:
        return tuple(_persons(one, other))
    return tuple(_companies(one, other))


def _best(found: Sequence[tuple[Factor, ...]]) -> tuple[Factor, ...]:
    return max(found, key=_product, default=(("no name", 0.0),))


def _product(factors: tuple[Factor, ...]) -> float:
    result = 1.0
    for _, factor in factors:
        result *= factor
    return result


def _told(pair: tuple[Word, Word, float]) -> Factor:
    return f"{pair[0].text} ~ {pair[1].text}", pair[2]


def _persons(one: Name, other: Name) -> Iterator[Factor]:
    paired = pair_words(one.words, other.words)
    yield from (_told(pair) for pair in paired.pairs if pair[2] < 1)
    solid = [pair for pair in paired.pairs if not _is_light(pair)]
    if not solid and {*one.words} != {*other.words}:
        yield "no whole word in common", 0.2
        return
    fathers = _fathers(one) | _fathers(other)
    left, right = ([word for word in words if not word.is_particle] for words in paired[1:])
    both = min(len(left), len(right))
    for index in range(both):
        yield f"{left[index].text} is not {right[index].text}", 0.4
    more = [*left[both:], *right[both:]]
    yield from ((f"only one has {word.text}", _missing(word, fathers)) for word in more)
    if more and len(solid) == 1:
        yield "only one word in common", 0.55
    elif more and all(_is_given(pair) for pair in solid):
        yield "only given names in common", 0.75


def _missing(word: Word, fathers: frozenset[str]) -> float:
    return 0.97 if word.is_initial or word.text in fathers else 0.92


def _fathers(name: Name) -> frozenset[str]:
    """The words that follow a "son of"."""
    pairs = zip(name.words, name.words[1:], strict=False)
    return frozenset(word.text for before, word in pairs if before.text in AFTER_WHOM)


def _is_light(pair: tuple[Word, Word, float]) -> bool:
    return any(word.is_initial or word.is_particle for word in pair[:2])


def _is_given(pair: tuple[Word, Word, float]) -> bool:
    return pair[0].text in GIVEN or pair[1].text in GIVEN


def _companies(one: Name, other: Name) -> Iterator[Factor]:
    paired = pair_words(one.words, other.words)
    yield from (_told(pair) for pair in paired.pairs if pair[2] < 1)
    if not any(_weighs(pair[0]) for pair in paired.pairs):
        yield "no word of its own in common", 0.3
    left, right = (
        [word for word in words if not word.is_particle and not _is_acronym(word, both)]
        for words, both in ((paired.left, other), (paired.right, one))
    )
    both = min(len(left), len(right))
    for index in range(both):
        yield f"{left[index].text} is not {right[index].text}", 0.35
    for word in (*left[both:], *right[both:]):
        yield f"only one has {word.text}", _weight(word)
    if one.forms and other.forms and one.forms.isdisjoint(other.forms):
        yield "another legal form", 0.92


def _weight(word: Word) -> float:
    if word.text in FILLERS:
        return 0.9
    return 0.8 if word.text in PLACES else 0.62


def _weighs(word: Word) -> bool:
    return word.text not in FILLERS and not word.is_particle


def _is_acronym(word: Word, of: Name) -> bool:
    """Whether it is made of the first letters of the other name's words."""
    letters = [one.text[:1] for one in of.words if not one.is_particle]
    return len(word.text) > 2 and word.text == "".join(letters[: len(word.text)])  # noqa: PLR2004
