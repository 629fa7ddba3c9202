"""The terms of core banking, as the machine of an account sees them: one frozen value from the settings.

Source: spec.md S31, S32, X9.
"""

from typing import Final, cast

import msgspec

from comptoir.engine.machine import Context
from comptoir.engine.settings import Settings

__all__ = ["CORE_TERMS", "CoreTerms", "core_terms_of"]

CORE_TERMS: Final = "core_banking"
MINUTE_MS: Final = 60_000


class CoreTerms(msgspec.Struct, frozen=True):
    """What the configuration says about it."""

    wait_ms: int = 30_000
    """MQ's wait (S31): an answer that is not there by then is late, and no failure (X9)."""
    look_ms: int = 10 * MINUTE_MS
    """Creation takes five to ten minutes (S32): after this long it is looked whether there is an account."""

    @classmethod
    def of(cls, settings: Settings) -> "CoreTerms":
        """The terms as configured."""
        chosen = settings.core_banking
        return cls(round(chosen.reply_wait_s * 1000), chosen.overdue_minutes * MINUTE_MS)


def core_terms_of(context: Context) -> CoreTerms:
    """The terms in force for this decision."""
    return cast("CoreTerms", context.references[CORE_TERMS])
