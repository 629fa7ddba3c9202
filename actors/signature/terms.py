"""The terms of signing, as its machine sees them: one frozen value from the settings.

Source: spec.md S28.
"""

from typing import Final, cast

import msgspec

from comptoir.engine.machine import Context
from comptoir.engine.settings import Settings

__all__ = ["SIGNING_TERMS", "SigningTerms", "signing_terms_of"]

SIGNING_TERMS: Final = "signing"
MINUTE_MS: Final = 60_000
DAY_MS: Final = 86_400_000


class SigningTerms(msgspec.Struct, frozen=True):
    """What the configuration says about it."""

    expiry_ms: int = 14 * DAY_MS
    """How long a contract may be signed, from when it was asked for."""
    poll_ms: int = 60 * MINUTE_MS
    """How long nothing is heard of an envelope before its provider is asked."""

    @classmethod
    def of(cls, settings: Settings) -> "SigningTerms":
        """The terms as configured."""
        chosen = settings.signing
        return cls(chosen.expiry_days * DAY_MS, chosen.poll_minutes * MINUTE_MS)


def signing_terms_of(context: Context) -> SigningTerms:
    """The terms in force for this decision."""
    return cast("SigningTerms", context.references[SIGNING_TERMS])
