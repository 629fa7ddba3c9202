"""The terms of comparing, as its machine sees them: one frozen value from the settings."""

from typing import cast

import msgspec

from comptoir.engine.machine import Context
from comptoir.engine.settings import Settings

__all__ = ["RECONCILING", "ReconcilingTerms", "reconciling_of"]

RECONCILING = "reconciliation"
HOUR_MS = 3_600_000


class ReconcilingTerms(msgspec.Struct, frozen=True):
    """What the configuration says about it."""

    interval_ms: int = 0
    """Between two comparisons; 0: there are none."""
    days: int = 7
    """Before today that each looks at."""

    @classmethod
    def of(cls, settings: Settings) -> "ReconcilingTerms":
        """The terms as configured."""
        chosen = settings.withdrawals
        return cls(chosen.reconcile_hours * HOUR_MS, chosen.reconcile_days)


def reconciling_of(context: Context) -> ReconcilingTerms:
    """The terms in force for this decision."""
    return cast("ReconcilingTerms", context.references[RECONCILING])
