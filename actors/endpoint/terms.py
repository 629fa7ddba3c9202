"""The terms of webhooks to others, as the machine of an endpoint sees them: one frozen value from the settings."""

from typing import Final, cast

import msgspec

from comptoir.engine.compose import mail_carriers
from comptoir.engine.machine import Context
from comptoir.engine.settings import Settings

__all__ = ["OUTWARD_TERMS", "OutwardTerms", "terms_of"]

OUTWARD_TERMS: Final = "outward"
HOUR_MS: Final = 3_600_000


class OutwardTerms(msgspec.Struct, frozen=True):
    """What the configuration says about them."""

    failing_ms: int = 120 * HOUR_MS
    """Of failures without one success, after which an endpoint is disabled."""
    rotation_ms: int = 24 * HOUR_MS
    """For so long a secret signs after another has taken its place."""
    mail: bool = False
    """Whether there is a party that carries mail."""

    @classmethod
    def of(cls, settings: Settings) -> "OutwardTerms":
        """The terms as configured."""
        outward = settings.outward
        return cls(
            outward.disable_after_hours * HOUR_MS,
            outward.rotation_hours * HOUR_MS,
            bool(mail_carriers(settings)),
        )


def terms_of(context: Context) -> OutwardTerms:
    """The terms in force for this decision."""
    return cast("OutwardTerms", context.references[OUTWARD_TERMS])
