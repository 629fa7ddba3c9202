"""Sums of days, and how they grow: pure, and so that days can be added in any order (S26, S39).

The rule: `added` is a commutative monoid with `Sums()` as its zero, so the sums of a month are those of its days, and
what a day says does not depend on the order in which its files spoke.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from typing import Final, TypeVar

from comptoir.actors.onboarding_day.messages import (
    SPREAD_HOURS,
    CountCalls,
    CountCase,
    CountFate,
    CountReview,
    CountStage,
    Rules,
    Stage,
    Sums,
    band_of,
)

__all__ = ["Countable", "added", "summed", "sums_of"]

T = TypeVar("T")
HOUR_MS: Final = 3_600_000
Countable = CountStage | CountFate | CountCase | CountReview | CountCalls


def sums_of(message: Countable) -> Sums:
    """What one of them adds to its day."""
    match message:
        case CountStage():
            ms = max(0, message.ms)  # business time may be set back between two decisions
            place = bisect_left([hours * HOUR_MS for hours in SPREAD_HOURS], ms)
            spread = tuple(int(one == place) for one in range(len(SPREAD_HOURS) + 1))
            return Sums(stages={message.stage: Stage(message.waits, 1, ms, spread)})
        case CountFate():
            name = f"{message.fate}:{message.cause}" if message.cause else message.fate
            return Sums(fates={name: 1})
        case CountCase():
            held = Rules(
                1, {band_of(message.score): 1}, dict.fromkeys(message.factors, 1),
                {message.recommendation: 1}, {message.outcome: 1},
            )  # fmt: skip
            return Sums(rules={message.rules_version: held})
        case CountReview():
            said = "approved" if message.approved else "rejected"
            beside = {
                "overdue": message.overdue,
                "screened": message.screened,
                "cleared": message.screened and message.approved,
            }
            told = {name: 1 for name, holds in beside.items() if holds}
            return Sums(reviews={f"{message.recommendation or 'NONE'}:{said}": 1, **told})
        case CountCalls():
            return Sums(calls={message.party: message.calls})


def added(one: Sums, other: Sums) -> Sums:
    """Both together."""
    return Sums(
        _by_name(one.stages, other.stages, _stages),
        _counts(one.fates, other.fates),
        _by_name(one.rules, other.rules, _rules),
        _counts(one.reviews, other.reviews),
        _counts(one.calls, other.calls),
    )


def summed(days: Iterable[Sums]) -> Sums:
    """All of them together."""
    return reduce(added, days, Sums())


def _counts(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted((Counter(one) + Counter(other)).items()))


def _stages(one: Stage, other: Stage) -> Stage:
    spread = tuple(a + b for a, b in zip(one.spread, other.spread, strict=True))
    # A stage waits for one of them; were that ever to change, the later word in the alphabet is as good.
    return Stage(max(one.waits, other.waits), one.files + other.files, one.ms + other.ms, spread)


def _rules(one: Rules, other: Rules) -> Rules:
    return Rules(
        one.cases + other.cases,
        _counts(one.bands, other.bands),
        _counts(one.factors, other.factors),
        _counts(one.recommended, other.recommended),
        _counts(one.outcomes, other.outcomes),
    )


def _by_name(
    one: Mapping[str, T], other: Mapping[str, T], both: Callable[[T, T], T]
) -> dict[str, T]:
    shared = {name: both(one[name], other[name]) for name in one.keys() & other.keys()}
    return dict(sorted({**one, **other, **shared}.items()))
