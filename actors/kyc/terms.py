"""The terms of assessing, as its machine sees them: one frozen value from the settings.

Source: spec.md S10, S21 to S25, S27, S40, E6.
"""

from typing import Final, cast

import msgspec

from comptoir.actors.kyc.rules import Rules
from comptoir.engine.machine import Context
from comptoir.engine.settings import Settings

__all__ = ["KYC_TERMS", "KycTerms", "kyc_terms_of"]

KYC_TERMS: Final = "kyc"
MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000


class KycTerms(msgspec.Struct, frozen=True):
    """What the configuration says about it."""

    rules: Rules = Rules()
    read_ms: int = 15 * MINUTE_MS
    """How long a bureau's report is waited for before it is read, and between two readings (E6)."""
    silent_ms: int = 24 * HOUR_MS
    """After which nothing is waited for any longer, and a person must look (S27)."""

    @classmethod
    def of(cls, settings: Settings) -> "KycTerms":
        """The terms as configured."""
        chosen = settings.kyc
        return cls(
            Rules.of(settings), chosen.read_minutes * MINUTE_MS, chosen.silent_hours * HOUR_MS
        )


def kyc_terms_of(context: Context) -> KycTerms:
    """The terms in force for this decision."""
    return cast("KycTerms", context.references[KYC_TERMS])
