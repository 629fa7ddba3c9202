"""`comptoir kyc report`: figures that can be looked at (S26, S39, E17)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.engine.cli import kyc_report
from comptoir.engine.cli.kyc_report import BAR, bar, run_report

FOUND: dict[str, Any] = {
    "firstDay": "2026-11-02", "lastDay": "2026-12-01", "decisions": 100,
    "outcomes": {"approved": 60, "held": 20, "rejected": 20},
    "shares": {"approved": 0.6, "held": 0.2, "rejected": 0.2},
    "aims": {"approved": 0.7, "held": 0.2, "rejected": 0.1},
    "stages": [
        {"stage": "COMPLIANCE_HOLD", "waitsFor": "compliance", "files": 20, "meanHours": 61.5,
         "halfWithinHours": 48, "mostWithinHours": None, "aimHours": 72, "lateShare": 0.25},
        {"stage": "INCOMPLETE", "waitsFor": "client", "files": 1, "meanHours": 1.0,
         "halfWithinHours": 1, "mostWithinHours": 1, "aimHours": None, "lateShare": None},
    ],
    "waitedHours": {"compliance": 1230.0}, "files": {"begun": 120, "abandoned": 20},
    "abandonedAt": {"DOCUMENTS_PENDING": 20}, "correctedFor": {}, "calls": {"identity": 100},
    "costCents": 25000, "fileCostCents": 250, "currency": "USD", "unpriced": ["media"],
    "entryErrorShare": 0.08, "entryErrorAim": 0.05, "falsePositiveShare": 0.012, "falsePositiveAim": 0.02,
    "reviews": {"REJECT:approved": 1}, "reversedShare": 0.05,
    "rules": [
        {"version": "v7", "decisions": 100, "decisionsBefore": 400, "bands": {"80": 100}, "bandsBefore": {"80": 400},
         "factors": {"base": 100}, "stabilityIndex": 0.0, "factorIndices": {"base": 0.3}},
        {"version": "v8", "decisions": 1, "decisionsBefore": 0, "bands": {"none": 1}, "bandsBefore": {}, "factors": {},
         "stabilityIndex": None, "factorIndices": {}},
    ],
    "alerts": ["SHARE_REJECTED"],
}  # fmt: skip


@given(st.floats(-1, 2), st.none() | st.floats(0, 1), st.booleans())
def test_a_bar_is_as_long_as_its_share(share: float, aim: float | None, fine: bool) -> None:
    """Never longer than a whole one, and with its mark inside."""
    drawn = bar(share, aim, fine=fine)
    assert len(drawn) <= BAR
    assert bar(1.0, fine=fine) == ("█" if fine else "#") * BAR
    assert bar(0.0, fine=fine) == ""
    if aim is not None:
        assert drawn.count("│" if fine else "|") == 1


def test_the_report_shows_what_was_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """S26, S27, S39: shares beside their aims, stages with whom they wait for, stability, cost, alerts."""

    def told(*_arguments: object, **_named: object) -> dict[str, Any]:
        return FOUND

    monkeypatch.setattr(kyc_report, "asked", told)
    run_report("table", None, None)
    shown = capsys.readouterr().out
    for text in (
        "60.0%", "70%", "COMPLIANCE_HOLD", "compliance", "2.6 d", "longer", "0.000 (stable)", "0.300 (much)",
        "A decided file costs 2.50 USD of calls (not set: measures.media_check_cents)", "3.0 d", "25.0%",
        "8.0% of the files had an entry error; at most 5%", "1.2% of the files were stopped by screening", "reversed 5.0%", "ALERT SHARE_REJECTED", "not known", "80 to 89",
    ):  # fmt: skip
        assert text in shown
    assert "Sent again" not in shown, "what has no row has no table"


def test_a_cost_without_prices_is_said_not_to_be_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """S39: parties that were asked and have no price do not make a file cost nothing."""
    unset = {**FOUND, "fileCostCents": None, "unpriced": ["identity"]}

    def answered(*_arguments: object, **_named: object) -> dict[str, Any]:
        return unset

    monkeypatch.setattr(kyc_report, "asked", answered)
    run_report("table", None, None)
    shown = capsys.readouterr().out
    assert "What a decided file costs is not set (not set: measures.identity_check_cents)." in shown
