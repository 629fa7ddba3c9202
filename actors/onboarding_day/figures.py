"""What the sums of some days say of onboarding, and what of it is an alert: pure functions (S26, S27, S39, E17).

The rules:
- shares are of what the rules alone concluded (approved, held for a person, rejected), not of what people made of it;
- scores and factors are held against those of the same version of the rules in the days before: another version is
  another population;
- what too few decisions say alarms nobody, and is shown as not known;
- a time is held against its aim by the files that took longer: more than one in ten is an alert. It is told as the
  spread tells it, so an aim between two of its bounds is the upper one;
- a share of errors is known when there is something that it is a share of; it alarms when that is enough;
- what has no price costs nothing that is known: it is named, and counted as nothing;
- a reversal is a person who decided against a recommendation that had a direction; MANUAL_REVIEW has none.
Source: spec.md S26, S27, S39, E17; docs/review.md.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from comptoir.actors.onboarding_day.adding import summed
from comptoir.actors.onboarding_day.messages import (
    SPREAD_HOURS,
    Rules,
    Stage,
    Sums,
    Waits,
    days_until,
)
from comptoir.actors.onboarding_day.stability import MUCH, stability
from comptoir.actors.onboarding_day.terms import PARTIES, MeasureTerms

__all__ = ["Drift", "Figures", "StageFigure", "figures", "wanted_days"]

HOUR_MS: Final = 3_600_000
REVERSED: Final = ("AUTO_APPROVE:rejected", "REJECT:approved")
UPHELD: Final = ("AUTO_APPROVE:approved", "REJECT:rejected")
QUARTERS: Final = (0.5, 0.9)
LATE: Final = 0.1
"""Share of files that may take longer than is aimed at; nine of ten are what the report shows as well."""
FATES: Final = (
    "begun", "decided", "abandoned", "resumed", "corrected", "completed", "refused", "entered",
    "mistaken",
)  # fmt: skip


class StageFigure(msgspec.Struct, frozen=True):
    """How long files were in a stage that they have left."""

    stage: str
    waits: Waits
    files: int
    hours: float
    """Mean."""
    half_within: int | None
    """Hours in which half of them had left it, as an upper bound of the spread; None: longer than its last."""
    most_within: int | None
    """Likewise nine of ten."""
    aim_hours: int | None
    """In which it was to be left; None: nothing is aimed at."""
    late_share: float | None
    """Of files that took longer; None likewise."""


class Drift(msgspec.Struct, frozen=True):
    """What one version of the rules decides now, and decided before."""

    version: str
    cases: int
    before: int
    bands: Mapping[str, int]
    bands_before: Mapping[str, int]
    factors: Mapping[str, int]
    index: float | None
    """Of the scores; None: too few decisions on either side."""
    factor_indices: Mapping[str, float]
    """By factor; empty likewise."""


class Figures(msgspec.Struct, frozen=True):
    """What is measured, of a window of days."""

    first: str
    last: str
    cases: int
    outcomes: Mapping[str, int]
    shares: Mapping[str, float]
    """By outcome; empty: nothing was decided."""
    aims: Mapping[str, float]
    stages: tuple[StageFigure, ...]
    waited_hours: Mapping[str, float]
    """By whom it was waited for, of all files together."""
    fates: Mapping[str, int]
    """By `FATES`."""
    abandoned_at: Mapping[str, int]
    """By stage."""
    corrected_for: Mapping[str, int]
    """By code."""
    calls: Mapping[str, int]
    cost_cents: int
    """Of all calls; cents (USD), as `targets.file_cost_cents`."""
    file_cents: int | None
    """Of one file that was decided; None: none was, or no price is set."""
    unpriced: tuple[str, ...]
    """Parties that were asked and whose price is not set."""
    entry_errors: float | None
    """Share of whole files with an entry error (S39); None: none was whole."""
    false_positives: float | None
    """Share of decided files that screening stopped and a person then approved (S27); None: none was decided."""
    reviews: Mapping[str, int]
    reversed_share: float | None
    """None: nobody has decided about a recommendation that had a direction."""
    drifts: tuple[Drift, ...]
    alerts: tuple[str, ...]


def wanted_days(now: int, terms: MeasureTerms) -> list[str]:
    """The days that the figures are made of, the oldest first: those before the window, and its own."""
    return days_until(now, terms.baseline_days + terms.window_days)


def figures(days: Mapping[str, Sums], now: int, terms: MeasureTerms) -> Figures:
    """What they say.

    Args:
        days: sums by day; a day without any may be left out.
        now: business time, ms.
        terms: what is measured, and against what.
    """
    wanted = wanted_days(now, terms)
    earlier, window = wanted[: terms.baseline_days], wanted[terms.baseline_days :]
    before = summed(days[day] for day in earlier if day in days)
    sums = summed(days[day] for day in window if day in days)
    outcomes = _total(one.outcomes for one in sums.rules.values())
    cases = sum(one.cases for one in sums.rules.values())
    fates = {name: _fate(sums, name) for name in FATES}
    unpriced = tuple(x for x in PARTIES if sums.calls.get(x) and not terms.cents.get(x))
    priced = any(terms.cents.values())
    cost = sum(count * terms.cents.get(party, 0) for party, count in sums.calls.items())
    found = Figures(
        first=window[0],
        last=window[-1],
        cases=cases,
        outcomes=outcomes,
        shares={name: outcomes.get(name, 0) / cases for name in terms.aims} if cases else {},
        aims=terms.aims,
        stages=tuple(_stage(name, one, terms) for name, one in sums.stages.items()),
        waited_hours=_waited(sums.stages),
        fates=fates,
        abandoned_at=_causes(sums, "abandoned"),
        corrected_for=_causes(sums, "corrected"),
        calls=sums.calls,
        cost_cents=cost,
        file_cents=cost // fates["decided"] if fates["decided"] and priced else None,
        reviews=sums.reviews,
        unpriced=unpriced,
        entry_errors=_share(fates["mistaken"], fates["entered"]),
        false_positives=_share(sums.reviews.get("cleared", 0), fates["decided"]),
        reversed_share=_reversed(sums.reviews),
        drifts=tuple(_drifts(before.rules, sums.rules, terms)),
        alerts=(),
    )
    return msgspec.structs.replace(found, alerts=tuple(_alerts(found, terms)))


def _total(counts: Iterator[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for one in counts:
        for name, count in one.items():
            total[name] = total.get(name, 0) + count
    return dict(sorted(total.items()))


def _fate(sums: Sums, fate: str) -> int:
    return sums.fates.get(fate, 0) + sum(_causes(sums, fate).values())


def _causes(sums: Sums, fate: str) -> dict[str, int]:
    named = (name.partition(":") for name in sums.fates)
    return {cause: sums.fates[f"{one}:{cause}"] for one, colon, cause in named if colon and one == fate}  # fmt: skip


def _share(some: int, all_of_them: int) -> float | None:
    """Never more than 1: what is counted on two days may fall on both sides of a window's beginning."""
    return min(1.0, some / all_of_them) if all_of_them else None


def _stage(name: str, one: Stage, terms: MeasureTerms) -> StageFigure:
    half, most = (_within(one, share) for share in QUARTERS)
    hours = one.ms / one.files / HOUR_MS
    aim = terms.aim_hours(name, one.waits)
    late = (
        None if aim is None else sum(one.spread[bisect_left(SPREAD_HOURS, aim) + 1 :]) / one.files
    )
    return StageFigure(name, one.waits, one.files, hours, half, most, aim, late)


def _within(one: Stage, share: float) -> int | None:
    """The least upper bound under which at least this share of the files is."""
    reached = 0
    for hours, count in zip(SPREAD_HOURS, one.spread, strict=False):
        reached += count
        if reached >= share * one.files:
            return hours
    return None


def _waited(stages: Mapping[str, Stage]) -> dict[str, float]:
    waited: dict[str, float] = {}
    for one in stages.values():
        if one.waits != "all":
            waited[one.waits] = waited.get(one.waits, 0.0) + one.ms / HOUR_MS
    return dict(sorted(waited.items()))


def _reversed(reviews: Mapping[str, int]) -> float | None:
    told = _directed(reviews)
    return sum(reviews.get(name, 0) for name in REVERSED) / told if told else None


def _directed(reviews: Mapping[str, int]) -> int:
    """How many decided about a recommendation that had a direction."""
    return sum(reviews.get(name, 0) for name in (*REVERSED, *UPHELD))


def _drifts(
    before: Mapping[str, Rules], now: Mapping[str, Rules], terms: MeasureTerms
) -> Iterator[Drift]:
    for version, one in now.items():
        was = before.get(version, Rules())
        known = min(one.cases, was.cases) >= terms.cases_min
        names = sorted({*one.factors, *was.factors}) if known else []
        yield Drift(
            version, one.cases, was.cases, one.bands, was.bands, one.factors,
            stability(was.bands, one.bands) if known else None,
            {name: stability(_held(was, name), _held(one, name)) for name in names},
        )  # fmt: skip


def _held(one: Rules, factor: str) -> dict[str, int]:
    """In how many decisions a factor held, and in how many it did not."""
    held = one.factors.get(factor, 0)
    return {"held": held, "not": one.cases - held}


def _alerts(found: Figures, terms: MeasureTerms) -> Iterator[str]:
    """Codes: what somebody should look at."""
    if found.cases >= terms.cases_min:
        for outcome, aim in terms.aims.items():
            if round(abs(found.shares[outcome] - aim), 9) > terms.tolerance:
                yield f"SHARE_{outcome.upper()}"
    for drift in found.drifts:
        if drift.index is not None and drift.index >= MUCH:
            yield f"SCORE_DRIFT:{drift.version}"
        for factor, index in drift.factor_indices.items():
            if index >= MUCH:
                yield f"FACTOR_DRIFT:{drift.version}:{factor}"
    enough = found.fates["decided"] >= terms.cases_min
    if enough and found.file_cents is not None and found.file_cents > terms.cost_cents:
        yield "FILE_COST"
    begun, given_up = found.fates["begun"], found.fates["abandoned"] - found.fates["resumed"]
    if begun >= terms.cases_min and given_up > terms.abandoned * begun:
        yield "ABANDONMENT"
    yield from _late(found.stages, terms)
    if found.fates["entered"] >= terms.cases_min and (found.entry_errors or 0) > terms.mistaken:
        yield "ENTRY_ERRORS"
    if enough and (found.false_positives or 0) > terms.stopped:
        yield "FALSE_POSITIVES"
    yield from _reversals(found, terms)


def _reversals(found: Figures, terms: MeasureTerms) -> Iterator[str]:
    """Of people who decide otherwise than the rules recommend."""
    known = _directed(found.reviews) >= terms.cases_min
    if known and (found.reversed_share or 0) > terms.reversals:
        yield "REVERSALS"


def _late(stages: tuple[StageFigure, ...], terms: MeasureTerms) -> Iterator[str]:
    """Of times that more than one file in ten has overrun; a stage of its own is named as one."""
    for one in stages:
        if one.files >= terms.cases_min and (one.late_share or 0) > LATE:
            yield one.stage if one.waits == "all" else f"STAGE_{one.stage}"
