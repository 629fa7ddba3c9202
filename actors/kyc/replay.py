"""Decisions that were taken, taken again under other rules (E2).

Rule: it changes nothing, and it decides from the facts as they were stored. A line whose facts are not the ones that
it says (its digest) is refused: a flip list over altered facts would be worth nothing. What cannot be compared is
told, never left out. Source: spec.md E2, S26.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Annotated, Final

import msgspec

from comptoir.actors.kyc.deciding import Decided, Recommendation, decide
from comptoir.actors.kyc.facts import Facts
from comptoir.actors.kyc.rules import Rules

__all__ = ["DryRun", "Flip", "Stored", "read_stored"]


class Stored(msgspec.Struct, frozen=True, rename="camel"):
    """A decision as it was stored: as `Decided` writes itself, with the file's id."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    score: int | None
    recommendation: Recommendation
    rules_version: str
    facts: Facts
    facts_digest: str

    @classmethod
    def of(cls, file_id: str, decided: Decided) -> "Stored":
        """What is kept of a decision."""
        return cls(
            file_id, decided.score, decided.recommendation, decided.rules_version, decided.facts, decided.facts_digest
        )  # fmt: skip


class Flip(msgspec.Struct, frozen=True, rename="camel"):
    """A file that the new rules would treat in another way."""

    id: str
    was: Recommendation
    becomes: Recommendation
    score_was: int | None
    score_becomes: int | None
    shares: tuple[str, ...]
    """The new shares, readable: `address_verified +15`."""


@dataclass(slots=True)
class DryRun:
    """A rule set, tried on one stored decision after the other."""

    rules: Rules
    decisions: int = 0
    flips: list[Flip] = field(default_factory=list[Flip])
    moved: int = 0
    """Decisions whose score would be another, flips among them."""
    outcomes: Counter[Recommendation] = field(default_factory=Counter[Recommendation])
    """What they would come to, to be held against S27's targets."""

    def take(self, stored: Stored) -> None:
        """Decide one again."""
        found = decide(self.rules, stored.facts)
        self.decisions += 1
        self.outcomes[found.recommendation] += 1
        self.moved += found.score != stored.score
        if found.recommendation is not stored.recommendation:
            shares = tuple(f"{share.factor} {share.points:+d}" for share in found.shares)
            self.flips.append(
                Flip(stored.id, stored.recommendation, found.recommendation, stored.score, found.score, shares)
            )  # fmt: skip


_STORED: Final = msgspec.json.Decoder(Stored)


def read_stored(lines: Iterable[bytes]) -> Iterator[Stored]:
    """Read decisions, one a line, blank lines aside.

    Raises:
        ValueError: a line is none, or its facts are not those that it was taken from; the text names the line.
    """
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            stored = _STORED.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"line {number}: {error}") from None
        if stored.facts.digest != stored.facts_digest:
            raise ValueError(f"line {number}: the facts are not those of factsDigest")
        yield stored
