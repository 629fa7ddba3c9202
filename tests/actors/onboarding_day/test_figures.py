"""Sums of days and what they say: shares, stability, times, cost.

Source: spec.md S26, S27, S39, E17; docs/review.md; adr/0048.
"""

from dataclasses import replace
from math import isclose, log

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.onboarding_day.adding import Countable, added, summed, sums_of
from comptoir.actors.onboarding_day.figures import Figures, figures, wanted_days
from comptoir.actors.onboarding_day.machine import MACHINE, DayState, Phase
from comptoir.actors.onboarding_day.messages import (
    BANDS,
    COLLECTION,
    CountCalls,
    CountCase,
    CountFate,
    CountReview,
    CountStage,
    Sums,
    Waits,
    band_of,
    day_at,
    day_of,
    days_until,
)
from comptoir.actors.onboarding_day.stability import MUCH, SOME, stability
from comptoir.actors.onboarding_day.terms import MeasureTerms
from comptoir.engine import Decision
from comptoir.engine.machine import Context
from comptoir.engine.settings import Settings

NOW = 1_764_345_600_000
DAY_MS = 86_400_000
HOUR_MS = 3_600_000
TERMS = MeasureTerms(window_days=2, baseline_days=3, cases_min=4)
COUNTS = st.dictionaries(st.sampled_from(BANDS), st.integers(0, 500), max_size=11)
COUNTABLE: st.SearchStrategy[Countable] = st.one_of(
    st.builds(
        CountStage, st.sampled_from(["KYC_PENDING", "COMPLIANCE_HOLD"]), st.just("provider"),
        st.integers(-5, 40 * DAY_MS),
    ),
    st.builds(CountFate, st.just("abandoned"), st.sampled_from(["INITIATED", "DOCUMENTS_PENDING"])),
    st.builds(
        CountCase, st.sampled_from(["v7", "v8"]), st.none() | st.integers(0, 100),
        st.just("AUTO_APPROVE"), st.just({"base": 25}), st.sampled_from(["approved", "held", "rejected"]),
    ),
    st.builds(CountReview, st.sampled_from(["REJECT", None]), st.booleans(), st.booleans()),
    st.builds(CountCalls, st.sampled_from(["identity", "media"]), st.integers(1, 3)),
)  # fmt: skip


def test_stability_of_a_published_example() -> None:
    """S26: the example of geeksforgeeks.org ("Population Stability Index (PSI)", 2025): incomes of 40, 30, 30 % and
    of 35, 25, 40 %; and that of KAscore's page by its probabilities.
    """
    expected, actual = {"low": 40, "middle": 30, "high": 30}, {"low": 35, "middle": 25, "high": 40}
    assert stability(expected, actual) == pytest.approx(0.0445, abs=1e-4)
    even, ramp = dict.fromkeys("abcd", 25), {"a": 10, "b": 20, "c": 30, "d": 40}
    assert stability(even, ramp) == pytest.approx(0.2282, abs=1e-4)
    assert SOME < stability(even, ramp) < MUCH


@given(COUNTS, COUNTS)
def test_stability_is_a_divergence(one: dict[str, int], other: dict[str, int]) -> None:
    """S26: never negative, symmetric, zero for a population of the same shape, whatever its size; with no empty bin
    it is the sum of both Kullback-Leibler divergences.
    """
    found = stability(one, other)
    assert found >= 0
    assert isclose(found, stability(other, one), abs_tol=1e-9)
    full = {name: count for name, count in one.items() if count}
    assert isclose(stability(full, {x: 7 * n for x, n in full.items()}), 0, abs_tol=1e-9)
    both = [name for name in one if one[name] and other.get(name)]
    if both and {x for x in one if one[x]} == {x for x in other if other[x]}:
        p = {x: one[x] / sum(one.values()) for x in both}
        q = {x: other[x] / sum(other.values()) for x in both}
        oracle = sum(p[x] * log(p[x] / q[x]) + q[x] * log(q[x] / p[x]) for x in both)
        assert isclose(found, oracle, abs_tol=1e-9)


@given(st.integers(0, 100))
def test_every_score_has_a_band(score: int) -> None:
    """S23: ten bands of ten points, the last with 100; what has no score has a band as well (X3)."""
    assert band_of(score) in BANDS
    assert int(band_of(score)) <= score < int(band_of(score)) + 10 + (score == 100)
    assert band_of(None) == "none"


@given(st.lists(COUNTABLE, max_size=12), st.randoms())
def test_sums_do_not_depend_on_order(said: list[Countable], chance: object) -> None:
    """S39: whatever comes first, and however it is split into days, the sums of all of it are the same."""
    mixed = list(said)
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    whole = summed(map(sums_of, said))
    assert whole == summed(map(sums_of, mixed))
    half = len(said) // 2
    assert whole == added(summed(map(sums_of, said[:half])), summed(map(sums_of, said[half:])))
    assert added(whole, Sums()) == whole == added(Sums(), whole)


@given(st.lists(COUNTABLE, min_size=1, max_size=8))
def test_what_a_day_shows_is_what_it_keeps(said: list[Countable]) -> None:
    """S26: the sums survive a restart: the document that is written with each of them says all of it."""
    state, shown = DayState(Phase.EMPTY), Sums()
    for message in said:
        found = MACHINE.decide(state, message, Context(day_at(NOW), NOW, 1))
        assert isinstance(found, Decision)
        state = found.state
        (put,) = found.documents
        assert (put.collection, put.key) == (COLLECTION, day_of(NOW))
        stored = msgspec.json.decode(msgspec.json.encode(put.fields))
        shown = msgspec.convert({**msgspec.to_builtins(shown), **stored}, Sums)
    assert shown == state.sums == summed(map(sums_of, said))


def test_days_are_of_utc_and_in_order() -> None:
    """S39: a window ends with today; five days in a row have five names."""
    assert wanted_days(NOW, TERMS) == [
        "2025-11-24", "2025-11-25", "2025-11-26", "2025-11-27", "2025-11-28"
    ]  # fmt: skip
    assert days_until(0, 1) == ["1970-01-01"]


def cases(version: str, **outcomes: int) -> Sums:
    """So many decisions of each outcome, whose scores tell it."""
    scores = {"approved": 85, "held": 70, "rejected": 10}
    words = {"approved": "AUTO_APPROVE", "held": "MANUAL_REVIEW", "rejected": "REJECT"}
    return summed(
        sums_of(CountCase(version, scores[name], words[name], {"base": 25}, name))  # type: ignore[arg-type]
        for name, count in outcomes.items()
        for _ in range(count)
    )


def seen(window: Sums, before: Sums | None = None, terms: MeasureTerms = TERMS) -> Figures:
    """The figures of what happened today and, before the window, three days ago."""
    days = {day_of(NOW): window, day_of(NOW - 3 * DAY_MS): before or Sums()}
    return figures(days, NOW, terms)


def test_shares_as_aimed_alarm_nobody() -> None:
    """S27: 70, 20 and 10 % are what is aimed at."""
    found = seen(cases("v7", approved=7, held=2, rejected=1))
    assert found.shares == {"approved": 0.7, "held": 0.2, "rejected": 0.1}
    assert found.alerts == ()


@pytest.mark.parametrize(
    ("approved", "held", "rejected", "alerts"),
    [
        (85, 10, 5, ()),  # 15 points off is not more than 15
        (86, 9, 5, ("SHARE_APPROVED",)),
        (54, 36, 10, ("SHARE_APPROVED", "SHARE_HELD")),
        (60, 14, 26, ("SHARE_REJECTED",)),
    ],
)
def test_shares_beside_the_aim_are_alerts(
    approved: int, held: int, rejected: int, alerts: tuple[str, ...]
) -> None:
    """S26, S27: each share that is further from its aim than the tolerance is named."""
    assert seen(cases("v7", approved=approved, held=held, rejected=rejected)).alerts == alerts


def test_few_decisions_alarm_nobody() -> None:
    """S26: three rejections in a row are no drift."""
    found = seen(cases("v7", rejected=3))
    assert (found.cases, found.shares["rejected"], found.alerts) == (3, 1.0, ())


def test_scores_are_held_against_those_of_the_same_rules() -> None:
    """S26: a version whose scores have moved is named; one that has no past of its own is not judged."""
    before = cases("v7", approved=90, rejected=10)
    moved = seen(cases("v7", approved=7, held=2, rejected=1), before)
    (drift,) = moved.drifts
    assert (drift.version, drift.cases, drift.before) == ("v7", 10, 100)
    assert drift.index is not None
    assert drift.index > MUCH
    assert moved.alerts == ("SCORE_DRIFT:v7",)
    assert drift.factor_indices == {"base": 0.0}
    fresh = seen(cases("v8", approved=7, held=2, rejected=1), before)
    assert (fresh.drifts[0].index, fresh.alerts) == (None, ())


def test_a_factor_that_is_gone_is_named() -> None:
    """S26: an address check that is always missing moves its factor, whatever becomes of the scores."""
    with_it = [CountCase("v7", 85, "AUTO_APPROVE", {"address_verified": 15}, "approved")] * 20
    without = [CountCase("v7", 85, "AUTO_APPROVE", {}, "approved")] * 20
    found = seen(summed(map(sums_of, without)), summed(map(sums_of, with_it)))
    assert "FACTOR_DRIFT:v7:address_verified" in found.alerts
    assert not [one for one in found.alerts if one.startswith("SCORE_DRIFT")]


def test_stages_say_for_whom_they_waited() -> None:
    """E17: time per stage with the reason for waiting; the whole way is beside them, not among them."""
    found = seen(
        summed(
            map(
                sums_of,
                (
                    CountStage("DOCUMENTS_PENDING", "client", 20 * HOUR_MS),
                    CountStage("DOCUMENTS_PENDING", "client", 40 * HOUR_MS),
                    CountStage("COMPLIANCE_HOLD", "compliance", 30 * DAY_MS + 1),
                    CountStage("TO_DECISION", "all", 90 * HOUR_MS),
                ),
            )
        )
    )
    stages = {one.stage: one for one in found.stages}
    pending, held = stages["DOCUMENTS_PENDING"], stages["COMPLIANCE_HOLD"]
    assert (pending.files, pending.hours, pending.half_within, pending.most_within) == (
        2,
        30,
        24,
        48,
    )
    assert (held.half_within, held.most_within) == (None, None), "longer than the longest bound"
    assert set(found.waited_hours) == {"client", "compliance"}
    assert found.waited_hours["client"] == 60


def test_cost_abandonment_and_corrections_are_per_file() -> None:
    """S39, E17: what calls cost falls on the files that were decided; who gave up is told with where."""
    said: list[Countable] = [
        *[CountFate("begun")] * 10, *[CountFate("decided")] * 4, CountFate("resumed"),
        *[CountFate("abandoned", "DOCUMENTS_PENDING")] * 2, CountFate("abandoned", "INITIATED"),
        CountFate("corrected", "PHOTO_BLURRED"), CountCalls("identity", 5), CountCalls("screening", 9),
    ]  # fmt: skip
    dear = msgspec.structs.replace(TERMS, cents={"identity": 10_001})
    found = seen(summed(map(sums_of, said)), terms=dear)
    assert (found.cost_cents, found.file_cents) == (50_005, 12_501)
    assert found.abandoned_at == {"DOCUMENTS_PENDING": 2, "INITIATED": 1}
    assert found.corrected_for == {"PHOTO_BLURRED": 1}
    assert found.fates == {
        "begun": 10,
        "decided": 4,
        "abandoned": 3,
        "resumed": 1,
        "corrected": 1,
        "completed": 0,
        "refused": 0,
        "entered": 0,
        "mistaken": 0,
    }
    assert found.alerts == ("FILE_COST", "ABANDONMENT")
    assert seen(Sums()).file_cents is None


def test_a_reversal_is_against_a_direction() -> None:
    """S26: who approves what was to be rejected reverses it; MANUAL_REVIEW says nothing that could be reversed."""
    said = (
        CountReview("REJECT", True, False), CountReview("REJECT", False, True),
        CountReview("AUTO_APPROVE", True, False), CountReview("MANUAL_REVIEW", False, False),
        CountReview(None, True, False),
    )  # fmt: skip
    found = seen(summed(map(sums_of, said)))
    assert found.reversed_share == pytest.approx(1 / 3)
    assert found.reviews["overdue"] == 1
    assert seen(Sums()).reversed_share is None


def test_reversals_are_a_share_of_recommendations_with_a_direction() -> None:
    """S26: one in ten is aimed at, one more is an alert; of few nobody knows, and what had no direction counts nowhere."""
    said: list[Countable] = [
        *[CountReview("AUTO_APPROVE", True, False)] * 9, CountReview("AUTO_APPROVE", False, False),
        *[CountReview("MANUAL_REVIEW", False, False)] * 50,
    ]  # fmt: skip
    found = seen(summed(map(sums_of, said)))
    assert (found.reversed_share, found.alerts) == (0.1, ())
    more = seen(summed(map(sums_of, [*said, CountReview("REJECT", True, False)])))
    assert more.alerts == ("REVERSALS",)
    few = [CountReview("REJECT", True, False)] * 3
    assert seen(summed(map(sums_of, few))).alerts == ()


def stays(stage: str, waits: Waits, hours: float, files: int) -> list[Countable]:
    """So many files that were in a stage for so long."""
    return [CountStage(stage, waits, int(hours * HOUR_MS))] * files


@pytest.mark.parametrize(
    ("stage", "waits", "aim", "code"),
    [
        ("TO_APPROVAL_ALONE", "all", 24, "TO_APPROVAL_ALONE"), ("TO_DECISION_REVIEWED", "all", 72, "TO_DECISION_REVIEWED"),
        ("TO_ACCOUNT", "all", 120, "TO_ACCOUNT"), ("COMPLIANCE_HOLD", "compliance", 72, "STAGE_COMPLIANCE_HOLD"),
        ("KYC_PENDING", "provider", 1, "STAGE_KYC_PENDING"), ("SIGNED", "advisor", 24, "STAGE_SIGNED"),
        ("SIGNATURE_PENDING", "client", 48, "STAGE_SIGNATURE_PENDING"),
        ("ACCOUNT_CREATION_PENDING", "mainframe", 1, "STAGE_ACCOUNT_CREATION_PENDING"),
    ],
)  # fmt: skip
def test_a_time_is_held_against_its_aim(stage: str, waits: Waits, aim: int, code: str) -> None:
    """S27, S39, E17: one file in ten may take longer; one more is an alert, by the stage's name."""
    said = stays(stage, waits, aim, 9) + stays(stage, waits, aim + 0.1, 1)
    (one,) = (found := seen(summed(map(sums_of, said)))).stages
    assert (one.aim_hours, one.late_share, found.alerts) == (aim, 0.1, ())
    more = seen(summed(map(sums_of, said + stays(stage, waits, aim + 0.1, 1))))
    assert more.alerts == (code,)
    assert seen(summed(map(sums_of, stays(stage, waits, 700, 3)))).alerts == (), "too few"


def test_what_nobody_works_on_has_no_aim() -> None:
    """E17: an abandoned file waits for its client for weeks, and alarms nobody; nor does the sum of both ways."""
    said = stays("INCOMPLETE", "client", 700, 9) + stays("TO_DECISION", "all", 700, 9)
    found = seen(summed(map(sums_of, said)))
    assert [(one.aim_hours, one.late_share) for one in found.stages] == [(None, None)] * 2
    assert found.alerts == ()


def test_every_aim_of_the_settings_is_measured() -> None:
    """S27, S39, E17: each target of onboarding changes what is an alert; none is a row without effect."""
    terms = MeasureTerms.of(Settings())
    assert terms == MeasureTerms(), "the defaults of the code are those of the settings"
    names = (
        "auto_approved_hours", "manual_review_days", "onboarding_days", "client_stage_hours",
        "compliance_stage_hours", "provider_stage_hours", "advisor_stage_hours", "mainframe_stage_hours",
        "entry_error_percent", "false_positive_percent", "reversed_percent", "file_cost_cents", "abandoned_percent",
        "auto_approved_percent", "manual_review_percent", "rejected_percent",
    )  # fmt: skip
    for name in names:
        targets = replace(Settings().targets, **{name: 7})
        assert MeasureTerms.of(replace(Settings(), targets=targets)) != terms, name


def test_entry_errors_are_a_share_of_whole_files() -> None:
    """S39: 5 % are aimed at; one more in a hundred is an alert."""
    said: list[Countable] = [*[CountFate("entered")] * 100, *[CountFate("mistaken")] * 5]
    found = seen(summed(map(sums_of, said)))
    assert (found.entry_errors, found.alerts) == (0.05, ())
    more = seen(summed(map(sums_of, [*said, CountFate("mistaken")])))
    assert more.alerts == ("ENTRY_ERRORS",)
    assert seen(Sums()).entry_errors is None


def test_false_positives_are_a_share_of_decided_files() -> None:
    """S27: stopped by screening and then approved, under 2 %; who is rejected was stopped rightly."""
    said: list[Countable] = [
        *[CountFate("decided")] * 100, *[CountReview("MANUAL_REVIEW", True, False, True)] * 2,
        *[CountReview("MANUAL_REVIEW", False, False, True)] * 9, *[CountReview("MANUAL_REVIEW", True, False)] * 9,
    ]  # fmt: skip
    found = seen(summed(map(sums_of, said)))
    assert (found.false_positives, found.alerts) == (0.02, ())
    assert (found.reviews["screened"], found.reviews["cleared"]) == (11, 2)
    more = seen(summed(map(sums_of, [*said, CountReview("MANUAL_REVIEW", True, False, True)])))
    assert more.alerts == ("FALSE_POSITIVES",)
    assert seen(Sums()).false_positives is None


def test_what_has_no_price_is_named() -> None:
    """S39: without prices a file's cost is not known, and not nothing; with some, the others are named."""
    said: list[Countable] = [
        CountFate("decided"),
        CountCalls("identity", 5),
        CountCalls("media", 1),
    ]
    unset = seen(summed(map(sums_of, said)))
    assert (unset.file_cents, unset.unpriced) == (None, ("identity", "media"))
    some = msgspec.structs.replace(TERMS, cents={"identity": 100})
    found = seen(summed(map(sums_of, said)), terms=some)
    assert (found.file_cents, found.unpriced) == (500, ("media",))
