"""The labelled pairs of names (labels/pairs.tsv), in two halves.

Rule: the matcher was tuned on the half `tuned` alone; which half a pair is in hangs on its text, not on anybody's
choice.
"""

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from comptoir.actors.screening.matching import MATCH_FROM, Subject, match

PAIRS = Path(__file__).parent / "labels" / "pairs.tsv"


class Pair(NamedTuple):
    """Two subjects, and whether a careful person takes them for one."""

    kind: str
    schema: str
    same: bool
    query: Subject
    candidate: Subject

    @property
    def half(self) -> str:
        """`tuned` or `unseen`."""
        text = f"{self.query.names[0]}|{self.candidate.names[0]}"
        return "tuned" if sha256(text.encode()).digest()[0] % 2 else "unseen"


class Outcome(NamedTuple):
    """What a half came to."""

    right: int
    false: int
    missed: int

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return 2 * self.right / (2 * self.right + self.false + self.missed)


def _subject(name: str, known: dict[str, str]) -> Subject:
    return Subject(
        (name,),
        (known["b"],) if "b" in known else (),
        frozenset({known["c"]} if "c" in known else ()),
        known.get("g"),
    )


@cache
def pairs() -> tuple[Pair, ...]:
    """All of them."""
    found: list[Pair] = []
    for line in PAIRS.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        kind, schema, same, query, candidate, *more = line.split("\t")
        sides: tuple[dict[str, str], dict[str, str]] = ({}, {})
        for known in " ".join(more).split():
            key, _, values = known.partition("=")
            for side, value in zip(sides, values.split("|"), strict=True):
                side[key] = value
        one, other = _subject(query, sides[0]), _subject(candidate, sides[1])
        found.append(Pair(kind, schema, same == "1", one, other))
    return tuple(found)


def outcome(half: str) -> Outcome:
    """Match every pair of a half."""
    right = false = missed = 0
    for pair in pairs():
        if pair.half == half:
            given = match(pair.schema, pair.query, pair.candidate).score >= MATCH_FROM
            right += given and pair.same
            false += given and not pair.same
            missed += pair.same and not given
    return Outcome(right, false, missed)
