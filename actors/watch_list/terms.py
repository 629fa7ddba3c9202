"""The terms of watch lists, as their machine sees them: one frozen value from the settings."""

from typing import cast

import msgspec

from comptoir.engine.machine import Context
from comptoir.engine.settings import Settings

__all__ = ["LIST_TERMS", "ListTerms", "list_terms_of"]

LIST_TERMS = "watch_list"
MINUTE_MS = 60_000


class ListTerms(msgspec.Struct, frozen=True):
    """What the configuration says about them."""

    look_ms: int = 10 * MINUTE_MS
    """Between two looks at a list's files."""
    cases_per_s: float = 20.0

    @classmethod
    def of(cls, settings: Settings) -> "ListTerms":
        """The terms as configured."""
        chosen = settings.screening
        return cls(chosen.look_minutes * MINUTE_MS, chosen.rescreen_per_s)


def list_terms_of(context: Context) -> ListTerms:
    """The terms in force for this decision."""
    return cast("ListTerms", context.references[LIST_TERMS])
