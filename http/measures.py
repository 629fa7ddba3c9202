"""What is measured of onboarding, over the API: sums of days, and nobody's file.

Source: spec.md S26, S27, S39, E17; docs/review.md; adr/0048.
"""

from comptoir.actors.onboarding_day.figures import Drift, Figures, StageFigure, figures, wanted_days
from comptoir.actors.onboarding_day.terms import MeasureTerms
from comptoir.http.answers import Response, json_response
from comptoir.http.operation import Call
from comptoir.http.port import Port

__all__ = ["show"]

PLACES = 4
"""Decimals of a share: a hundredth of a percent."""


async def show(port: Port, call: Call) -> Response:
    """GET /api/v1/onboarding/measures."""
    terms, now = port.rules.measures, port.now_ms()
    days = await port.onboarding_days(wanted_days(now, terms))
    return json_response(200, _shown(figures(days, now, terms), terms), call.ticket)


def _shown(found: Figures, terms: MeasureTerms) -> dict[str, object]:
    return {
        "firstDay": found.first,
        "lastDay": found.last,
        "decisions": found.cases,
        "outcomes": found.outcomes,
        "shares": {name: round(share, PLACES) for name, share in found.shares.items()},
        "aims": found.aims,
        "stages": [_stage(one) for one in found.stages],
        "waitedHours": {name: round(hours, 1) for name, hours in found.waited_hours.items()},
        "files": found.fates,
        "abandonedAt": found.abandoned_at,
        "correctedFor": found.corrected_for,
        "calls": found.calls,
        "costCents": found.cost_cents,
        "fileCostCents": found.file_cents,
        "currency": "USD",
        "reviews": found.reviews,
        "unpriced": list(found.unpriced),
        "entryErrorShare": _rounded(found.entry_errors),
        "entryErrorAim": terms.mistaken,
        "falsePositiveShare": _rounded(found.false_positives),
        "falsePositiveAim": terms.stopped,
        "reversedShare": _rounded(found.reversed_share),
        "rules": [_rules(one) for one in found.drifts],
        "alerts": list(found.alerts),
    }


def _stage(one: StageFigure) -> dict[str, object]:
    return {
        "stage": one.stage,
        "waitsFor": one.waits,
        "files": one.files,
        "meanHours": round(one.hours, 2),
        "halfWithinHours": one.half_within,
        "mostWithinHours": one.most_within,
        "aimHours": one.aim_hours,
        "lateShare": _rounded(one.late_share),
    }


def _rules(one: Drift) -> dict[str, object]:
    return {
        "version": one.version,
        "decisions": one.cases,
        "decisionsBefore": one.before,
        "bands": one.bands,
        "bandsBefore": one.bands_before,
        "factors": one.factors,
        "stabilityIndex": _rounded(one.index),
        "factorIndices": {x: round(index, PLACES) for x, index in one.factor_indices.items()},
    }


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, PLACES)
