"""Counters of onboarding: stages, fates, decisions, reviews and calls that cost money (S39, E17, S26).

Rule: most of them are counted where the sums of a day are, so that a metric and the sums cannot disagree but for what a
restart sets to zero, as every counter of Prometheus.
"""

from typing import Final

from prometheus_client import CollectorRegistry

from comptoir.actors.onboarding_day.messages import (
    CountCalls,
    CountCase,
    CountFate,
    CountReview,
    CountStage,
)
from comptoir.actors.review.state import (
    ReviewApprovedOnce,
    ReviewClaimed,
    ReviewDecided,
    ReviewEscalated,
    ReviewLapsed,
    ReviewOpened,
    ReviewReleased,
    ReviewSnoozed,
    ReviewUntold,
    ReviewWithdrawn,
    ReviewWoken,
)
from comptoir.engine import Event
from comptoir.engine.journal import Decided
from comptoir.engine.tally import Tallies

__all__ = ["OnboardingMeasures"]

CHANGES: Final[dict[type[Event], str]] = {
    ReviewOpened: "opened",
    ReviewClaimed: "claimed",
    ReviewReleased: "released",
    ReviewLapsed: "lapsed",
    ReviewSnoozed: "snoozed",
    ReviewWoken: "woken",
    ReviewApprovedOnce: "approved_once",
    ReviewEscalated: "escalated",
    ReviewWithdrawn: "withdrawn",
    ReviewUntold: "untold",
}


class OnboardingMeasures:
    """Counts what reviews and the days of onboarding decided."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._reviews = Tallies(
            registry,
            "comptoir_reviews",
            "Reviews by what happened to them; `escalated`: not decided in time, `untold`: no mail went to compliance.",
            ("change",),
        )
        for change in (*CHANGES.values(), "approved", "rejected"):
            self._reviews.of(change)
        self._judged = Tallies(
            registry,
            "comptoir_reviews_decided",
            "Reviews by what the rules had recommended and what a person decided (S26).",
            ("recommendation", "decision"),
        )
        self._files = Tallies(
            registry,
            "comptoir_onboarding_stage_files",
            "Files that have left a stage, by whom it waits for (E17).",
            ("stage", "waits"),
        )
        self._seconds = Tallies(
            registry,
            "comptoir_onboarding_stage_seconds",
            "Business time that they were in it.",
            ("stage", "waits"),
        )
        self._fates = Tallies(
            registry,
            "comptoir_onboarding_files",
            "Files by what became of them: begun, decided, abandoned and refused (cause: stage), resumed, corrected (cause: code), completed.",
            ("fate", "cause"),
        )
        self._cases = Tallies(
            registry,
            "comptoir_kyc_decisions",
            "What the rules alone concluded, by their version (S27).",
            ("rules", "outcome"),
        )
        self._calls = Tallies(
            registry, "comptoir_kyc_calls", "Calls of parties that want money for them.", ("party",)
        )

    def review(self, decided: Decided) -> None:
        """Count what happened to a review."""
        for event in decided.decision.events:
            if isinstance(event, ReviewDecided):
                self._reviews.of("approved" if event.approved else "rejected").value += 1
            elif type(event) in CHANGES:
                self._reviews.of(CHANGES[type(event)]).value += 1

    def day(self, decided: Decided) -> None:
        """Count what was added to a day."""
        match decided.message:
            case CountStage(stage, waits, ms):
                self._files.of(stage, waits).value += 1
                self._seconds.of(stage, waits).value += max(0, ms) // 1000
            case CountFate(fate, cause):
                self._fates.of(fate, cause).value += 1
            case CountCase(rules_version, outcome=outcome):
                self._cases.of(rules_version, outcome).value += 1
            case CountReview(recommendation, approved):
                said = "approved" if approved else "rejected"
                self._judged.of(recommendation or "NONE", said).value += 1
            case CountCalls(party, calls):
                self._calls.of(party).value += calls
            case _:
                pass
