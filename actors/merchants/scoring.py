"""How well a partner base and the rule match labelled statement lines (E9).

The rule: a label is right when it is given the partner that its author gave it, or nobody where that was
nobody. Precision is the share of the partners given that are right, recall the share of the partners'
labels that were given theirs. A false partner is worse than none, so every one of them is told.
Source: issue 6, deliver 4; spec.md E9, X22.
"""

from collections.abc import Iterable
from typing import Annotated, Final

import msgspec

from comptoir.actors.merchants.catalogue import Catalogue
from comptoir.actors.merchants.partner import Purchase

__all__ = ["LabelCase", "Miss", "Score", "read_cases", "score"]

LABEL_CHARS_MAX: Final = 1024


class LabelCase(msgspec.Struct, frozen=True):
    """One labelled line: a label and whose a careful person takes it for."""

    label: Annotated[str, msgspec.Meta(max_length=LABEL_CHARS_MAX)]
    partner: str | None
    mcc: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}\Z")] | None = None
    country: str = ""
    """ISO 3166 of the purchase, or empty."""
    note: str = ""


class Miss(msgspec.Struct, frozen=True):
    """A label that was given another partner than its author's."""

    case: LabelCase
    given: str | None
    trace: tuple[str, ...]

    @property
    def is_false_partner(self) -> bool:
        """Whether somebody is given who should not be."""
        return self.given is not None


class Score(msgspec.Struct, frozen=True):
    """What a set came to."""

    labels: int
    positives: int
    """Labels that have a partner."""
    given: int
    """Labels that were given one."""
    right: int
    """Of these, the right one."""
    misses: tuple[Miss, ...]

    @property
    def precision(self) -> float:
        """1 where nobody was given."""
        return self.right / self.given if self.given else 1.0

    @property
    def recall(self) -> float:
        """1 where nobody was to be found."""
        return self.right / self.positives if self.positives else 1.0

    @property
    def false_partners(self) -> int:
        """Labels that were given a partner who is not theirs."""
        return self.given - self.right


_CASES: Final = msgspec.json.Decoder(LabelCase)


def read_cases(lines: Iterable[bytes]) -> tuple[LabelCase, ...]:
    """Read a set: a case a line, blank lines aside.

    Raises:
        ValueError: a line is none; the text says which, and what is wrong.
    """
    cases: list[LabelCase] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            cases.append(_CASES.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"line {number}: {error}") from None
    return tuple(cases)


def score(catalogue: Catalogue, cases: Iterable[LabelCase]) -> Score:
    """Match every label, and count."""
    labels = positives = given = right = 0
    misses: list[Miss] = []
    for case in cases:
        match = catalogue.match(
            Purchase(label=case.label, mcc=case.mcc or "", country=case.country)
        )
        found = match.partner.id if match.partner is not None else None
        labels += 1
        positives += case.partner is not None
        given += found is not None
        right += found is not None and found == case.partner
        if found != case.partner:
            misses.append(Miss(case, found, match.trace))
    return Score(labels, positives, given, right, tuple(misses))
