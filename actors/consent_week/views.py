"""The weeks of the consent calendar, from what is committed (E10)."""

from collections.abc import Mapping, Sequence

from comptoir.actors.consent_week.messages import COLLECTION
from comptoir.engine.journal import Journal

__all__ = ["find_weeks"]


async def find_weeks(
    journal: Journal, weeks: Sequence[str]
) -> dict[str, Mapping[str, Mapping[str, int]]]:
    """Week -> provider -> what became of them -> how many; a week that never had any is left out."""
    return {**await journal.documents(COLLECTION, list(weeks))}
