"""What is measured and against what, from the settings: one frozen value.

Source: spec.md S26, S27, S39, E17.
"""

from collections.abc import Mapping

import msgspec

from comptoir.engine.settings import Settings

__all__ = ["PARTIES", "MeasureTerms"]

PARTIES = ("identity", "address", "credit", "media")
"""Parties that want money for an answer; our own search of lists wants none."""
HOUR_MS = 3_600_000


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
        )
