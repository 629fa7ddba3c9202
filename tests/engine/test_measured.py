"""The figures of onboarding as gauges (S26, S39, E17)."""

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from comptoir.actors.onboarding_day.adding import summed, sums_of
from comptoir.actors.onboarding_day.figures import Figures
from comptoir.actors.onboarding_day.messages import CountCase, CountReview, Sums
from comptoir.actors.onboarding_day.stability import MUCH
from comptoir.engine.boot.measured import OnboardingFigures
from tests.actors.onboarding_day.test_figures import NOW, TERMS, cases, seen, stays


def test_what_has_left_the_window_is_told_no_more() -> None:
    """E17: a stage in which nobody was for weeks has no share; the last one would be an alert for ever."""
    registry = CollectorRegistry()
    gauges = OnboardingFigures(registry, TERMS, lambda: NOW)

    def late(stage: str) -> float | None:
        return registry.get_sample_value("comptoir_onboarding_late_share", {"stage": stage})

    gauges.show(seen(summed(map(sums_of, stays("SIGNED", "advisor", 700, 9)))))
    assert (late("SIGNED"), late("KYC_PENDING")) == (1.0, None)
    gauges.show(seen(summed(map(sums_of, stays("KYC_PENDING", "provider", 700, 9)))))
    assert (late("SIGNED"), late("KYC_PENDING")) == (None, 1.0)


def moved() -> dict[str, Figures]:
    """By the alert that they are to raise: shares beside their aim, scores and a factor that have moved, words reversed."""
    with_it = [CountCase("v7", 85, "AUTO_APPROVE", {"address_verified": 15}, "approved")] * 20
    without = [CountCase("v7", 85, "AUTO_APPROVE", {}, "approved")] * 20
    reversals = [CountReview("REJECT", True, False)] * 5
    aimed = cases("v7", approved=7, held=2, rejected=1)
    return {
        "SHARE_APPROVED": seen(cases("v7", approved=10)),
        "SHARE_HELD": seen(cases("v7", approved=5, held=5)),
        "SHARE_REJECTED": seen(cases("v7", approved=6, rejected=4)),
        "SCORE_DRIFT:v7": seen(aimed, cases("v7", approved=90, rejected=10)),
        "FACTOR_DRIFT:v7:address_verified": seen(
            summed(map(sums_of, without)), summed(map(sums_of, with_it))
        ),
        "REVERSALS": seen(summed(map(sums_of, reversals))),
    }


@pytest.mark.parametrize("code", moved())
def test_an_operator_sees_an_alert_when_it_begins_and_when_it_ends(code: str) -> None:
    """S26, S27: 1 in the metric and a warning in the log with the code, once for as long as it lasts; 0 and a line when it is
    over; and the figure that it is of stands beside it.
    """
    registry, found = CollectorRegistry(), moved()[code]
    gauges = OnboardingFigures(registry, TERMS, lambda: NOW)

    def told() -> float | None:
        return registry.get_sample_value("comptoir_onboarding_alert", {"code": code})

    assert code in found.alerts
    with capture_logs() as said:
        gauges.show(found)
        gauges.show(found)
        assert told() == 1.0
        gauges.show(seen(Sums()))
        assert told() == 0.0
    ours = [(one["log_level"], one["event"]) for one in said if one["code"] == code]
    assert ours == [("warning", "onboarding alert"), ("info", "onboarding alert over")]


def test_the_figures_of_an_alert_are_metrics() -> None:
    """S26, S27: shares, the index of the scores and reversals."""
    registry = CollectorRegistry()
    gauges = OnboardingFigures(registry, TERMS, lambda: NOW)
    gauges.show(moved()["SHARE_HELD"])
    read = registry.get_sample_value
    assert read("comptoir_kyc_share", {"outcome": "held"}) == 0.5
    assert read("comptoir_kyc_share_aim", {"outcome": "held"}) == 0.2
    gauges.show(moved()["SCORE_DRIFT:v7"])
    assert (read("comptoir_kyc_stability_index", {"rules": "v7"}) or 0) > MUCH
    gauges.show(moved()["REVERSALS"])
    assert read("comptoir_reviews_reversed_share") == 1.0


def test_operations_are_told_what_to_do_about_each() -> None:
    """S26: every alert of the figures has its row in docs/operations.md."""
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
    codes = {code.partition(":")[0] for code in moved()} | {
        "FILE_COST", "ABANDONMENT", "ENTRY_ERRORS", "FALSE_POSITIVES", "TO_ACCOUNT",
        "TO_APPROVAL_ALONE", "TO_DECISION_REVIEWED", "STAGE_",
    }  # fmt: skip
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    told = {code for code in codes for row in rows if f"`{code}" in row.split("|")[1]}
    assert told == codes
