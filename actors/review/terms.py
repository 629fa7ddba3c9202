"""The terms of reviews, as their machine sees them: one frozen value from the settings.

Source: spec.md S5, S7, S11, S27, X31.
"""

from typing import Final, cast

import msgspec

from comptoir.engine.compose import mail_carriers
from comptoir.engine.machine import Context
from comptoir.engine.settings import Settings

__all__ = ["TERMS", "ReviewTerms", "terms_of"]

TERMS: Final = "review"
MINUTE_MS: Final = 60_000
DAY_MS: Final = 86_400_000


class ReviewTerms(msgspec.Struct, frozen=True):
    """What the configuration says about reviews."""

    days: int = 3
    """Business days until a review is due."""
    accelerated_days: int = 1
    """Likewise where a partner has attested the file (X31)."""
    claim_ms: int = 240 * MINUTE_MS
    """So long a claim holds that nobody renews."""
    snooze_ms: int = 7 * DAY_MS
    """No review is put off for longer at once."""
    to: tuple[str, ...] = ()
    """Who is told."""
    mail: bool = False
    """Whether there is a party that carries mail."""

    @classmethod
    def of(cls, settings: Settings) -> "ReviewTerms":
        """The terms as configured."""
        chosen = settings.onboarding
        return cls(
            chosen.review_days,
            chosen.accelerated_review_days,
            chosen.review_claim_minutes * MINUTE_MS,
            chosen.review_snooze_days * DAY_MS,
            tuple(dict.fromkeys(chosen.compliance_emails)),
            bool(mail_carriers(settings)),
        )


def terms_of(context: Context) -> ReviewTerms:
    """The terms in force for this decision."""
    return cast("ReviewTerms", context.references[TERMS])
