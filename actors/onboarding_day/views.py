"""Sums of days, from what is committed (S26, S39)."""

from collections.abc import Sequence
from typing import Final

import msgspec

from comptoir.actors.onboarding_day.messages import COLLECTION, Sums
from comptoir.engine.journal import Journal

__all__ = ["find_days"]

DAYS_AT_ONCE: Final = 366


async def find_days(journal: Journal, days: Sequence[str]) -> dict[str, Sums]:
    """The sums of these days; one on which nothing happened is left out."""
    found: dict[str, Sums] = {}
    for begin in range(0, len(days), DAYS_AT_ONCE):
        documents = await journal.documents(COLLECTION, list(days[begin : begin + DAYS_AT_ONCE]))
        found |= {day: msgspec.convert(one, Sums) for day, one in documents.items()}
    return found
