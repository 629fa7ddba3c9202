"""The figures of onboarding as gauges: shares, cost, stability of scores, and what of them is an alert (S26, S27).

Rule: they are made of what is committed, so that they are the same after a restart; while the database is away they
are what they were. An alert is told in the log when it begins and when it ends, not for as long as it lasts.
Source: spec.md S26, S27, S39, E17; docs/review.md.
"""

from collections.abc import Callable
from contextlib import suppress
from math import nan
from typing import Final

import structlog
import trio
from prometheus_client import CollectorRegistry, Gauge

from comptoir.actors.onboarding_day.figures import Figures, figures, wanted_days
from comptoir.actors.onboarding_day.terms import MeasureTerms
from comptoir.actors.onboarding_day.views import find_days
from comptoir.engine.boot.unread import UnreadFigure
from comptoir.engine.errors import EngineError
from comptoir.engine.journal import Journal
from comptoir.engine.settings import Settings

__all__ = ["CommittedFigures", "OnboardingFigures"]

PERIOD_S: Final = 60.0
"""A window of weeks does not change by the second."""
log = structlog.get_logger("comptoir.boot")


class OnboardingFigures:
    """`comptoir_kyc_share` and its neighbours."""

    def __init__(
        self, registry: CollectorRegistry, terms: MeasureTerms, now: Callable[[], int]
    ) -> None:
        self._terms, self._now = terms, now
        self._alerts: frozenset[str] = frozenset()
        self._share = Gauge(
            "comptoir_kyc_share",
            "Share of what the rules alone concluded in the window, 0 to 1 (S27).",
            ("outcome",), registry=registry,
        )  # fmt: skip
        self._aim = Gauge(
            "comptoir_kyc_share_aim", "What it should be.", ("outcome",), registry=registry
        )
        for outcome, aim in terms.aims.items():
            self._aim.labels(outcome).set(aim)
        self._cases = Gauge(
            "comptoir_kyc_window_decisions", "Decisions in the window.", registry=registry
        )
        self._index = Gauge(
            "comptoir_kyc_stability_index",
            "Population stability index of the scores of a version of the rules (S26): 0.10 some, 0.25 much.",
            ("rules",), registry=registry,
        )  # fmt: skip
        self._cost = Gauge(
            "comptoir_onboarding_file_cost_cents",
            "Of a decided file's calls; cents (USD); NaN: no price is set.", registry=registry,
        )  # fmt: skip
        self._errors = Gauge(
            "comptoir_onboarding_entry_error_share",
            "Of files that were whole: something had been entered wrongly (S39).", registry=registry,
        )  # fmt: skip
        self._stopped = Gauge(
            "comptoir_onboarding_false_positive_share",
            "Of decided files: stopped by screening and then approved (S27).", registry=registry,
        )  # fmt: skip
        self._late = Gauge(
            "comptoir_onboarding_late_share",
            "Of files that have left a stage, or are that far: took longer than is aimed at (E17).",
            ("stage",), registry=registry,
        )  # fmt: skip
        self._reversed = Gauge(
            "comptoir_reviews_reversed_share",
            "Of reviews of a recommendation that had a direction: decided against it (S26).",
            registry=registry,
        )
        self._alert = Gauge(
            "comptoir_onboarding_alert", "1: see docs/review.md.", ("code",), registry=registry
        )

    async def take(self, journal: Journal) -> None:
        """As they are now."""
        now = self._now()
        days = await find_days(journal, wanted_days(now, self._terms))
        self.show(figures(days, now, self._terms))

    def show(self, found: Figures) -> None:
        """These are they."""
        for outcome, share in found.shares.items():
            self._share.labels(outcome).set(share)
        self._cases.set(found.cases)
        self._index.clear()  # of what has left the window there is none
        for drift in found.drifts:
            if drift.index is not None:
                self._index.labels(drift.version).set(drift.index)
        self._cost.set(nan if found.file_cents is None else found.file_cents)
        self._errors.set(found.entry_errors or 0)
        self._stopped.set(found.false_positives or 0)
        self._late.clear()
        for stage in found.stages:
            if stage.late_share is not None:
                self._late.labels(stage.stage).set(stage.late_share)
        self._reversed.set(found.reversed_share or 0)
        alerts = frozenset(found.alerts)
        for code in sorted(alerts - self._alerts):
            log.warning("onboarding alert", code=code)
            self._alert.labels(code).set(1)
        for code in sorted(self._alerts - alerts):
            log.info("onboarding alert over", code=code)
            self._alert.labels(code).set(0)
        self._alerts = alerts

    async def run(self, opened: Callable[[], Journal]) -> None:
        """Take them again and again, until cancelled.

        Args:
            opened: the journal; raises while there is none.
        """
        while True:
            with suppress(EngineError):  # the database is away
                await self.take(opened())
            await trio.sleep(PERIOD_S)


class CommittedFigures:
    """All gauges that are read of what is committed."""

    def __init__(
        self, settings: Settings, registry: CollectorRegistry, now: Callable[[], int]
    ) -> None:
        terms = MeasureTerms.of(settings)
        self._all = (UnreadFigure(registry), OnboardingFigures(registry, terms, now))

    async def take(self, journal: Journal) -> None:
        """As they are now."""
        for one in self._all:
            await one.take(journal)

    async def run(self, opened: Callable[[], Journal]) -> None:
        """Take them again and again, until cancelled; `opened` raises while there is no journal."""
        async with trio.open_nursery() as nursery:
            for one in self._all:
                nursery.start_soon(one.run, opened)
