"""What is measured and against what, from the settings: one frozen value.

Source: spec.md S26, S27, S39, E17.
"""

from collections.abc import Mapping

import msgspec

from comptoir.actors.onboarding_day.messages import TO_ACCOUNT, WHOLE_ALONE, WHOLE_REVIEWED, Waits
from comptoir.engine.settings import Settings

__all__ = ["PARTIES", "MeasureTerms"]

PARTIES = ("identity", "address", "credit", "media")
"""Parties that want money for an answer; our own search of lists wants none."""
DAY_HOURS = 24
LATER = ("INCOMPLETE",)
"""Stages without an aim: nobody works on what was abandoned."""


class MeasureTerms(msgspec.Struct, frozen=True):
    """What the configuration says."""

    window_days: int = 30
    baseline_days: int = 180
    cases_min: int = 50
    tolerance: float = 0.15
    aims: Mapping[str, float] = msgspec.field(
        default_factory=lambda: {"approved": 0.7, "held": 0.2, "rejected": 0.1}
    )
    """Shares by outcome (S27)."""
    cents: Mapping[str, int] = msgspec.field(default_factory=lambda: dict.fromkeys(PARTIES, 0))
    """Of one call, by party."""
    cost_cents: int = 12_000
    """Of one file, at most (S39)."""
    abandoned: float = 0.18
    """Share of files, at most (S39)."""
    mistaken: float = 0.05
    """Share of files with an entry error, at most (S39)."""
    stopped: float = 0.02
    """Share of decided files that screening stopped wrongly, at most (S27)."""
    reversals: float = 0.1
    """Share of recommendations with a direction that people decide against, at most (S26)."""
    whole_hours: Mapping[str, int] = msgspec.field(
        default_factory=lambda: {WHOLE_ALONE: 24, WHOLE_REVIEWED: 72, TO_ACCOUNT: 120}
    )
    """In which a file is to be there, from its beginning (S27, S39)."""
    stage_hours: Mapping[Waits, int] = msgspec.field(
        default_factory=lambda: {
            "client": 48, "compliance": 72, "provider": 1, "advisor": 24, "mainframe": 1
        }
    )  # fmt: skip
    """In which a stage is to be left, by whom it waits for (E17)."""

    def aim_hours(self, stage: str, waits: Waits) -> int | None:
        """In which a file is to have left a stage, or to be that far; None: nothing is aimed at."""
        if stage in LATER:
            return None
        return self.whole_hours.get(stage) if waits == "all" else self.stage_hours[waits]

    @classmethod
    def of(cls, settings: Settings) -> "MeasureTerms":
        """As configured."""
        chosen, aims = settings.measures, settings.targets
        return cls(
            chosen.window_days,
            chosen.baseline_days,
            chosen.cases_min,
            chosen.share_tolerance_percent / 100,
            {
                "approved": aims.auto_approved_percent / 100,
                "held": aims.manual_review_percent / 100,
                "rejected": aims.rejected_percent / 100,
            },
            {
                "identity": chosen.identity_check_cents,
                "address": chosen.address_check_cents,
                "credit": chosen.credit_check_cents,
                "media": chosen.media_check_cents,
            },
            aims.file_cost_cents,
            aims.abandoned_percent / 100,
            aims.entry_error_percent / 100,
            aims.false_positive_percent / 100,
            aims.reversed_percent / 100,
            {
                WHOLE_ALONE: aims.auto_approved_hours,
                WHOLE_REVIEWED: aims.manual_review_days * DAY_HOURS,
                TO_ACCOUNT: aims.onboarding_days * DAY_HOURS,
            },
            {
                "client": aims.client_stage_hours,
                "compliance": aims.compliance_stage_hours,
                "provider": aims.provider_stage_hours,
                "advisor": aims.advisor_stage_hours,
                "mainframe": aims.mainframe_stage_hours,
            },
        )
