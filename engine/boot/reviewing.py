"""What the edge reads of reviews, files and the days of onboarding (http/review_port.py), once there is a journal.

Rule: reading only, and no decision; while the database is away nothing is shown.
Source: interface.md 8; design.md 2; docs/review.md.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from comptoir.actors.onboarding.views import FileRow, find_files
from comptoir.actors.onboarding_day.messages import Sums
from comptoir.actors.onboarding_day.views import find_days
from comptoir.actors.review.messages import REVIEWS
from comptoir.engine.boot.banking_views import AccountViews

__all__ = ["ReviewViews"]

ROWS_PER_LOOK: Final = 1000
"""Documents are small and none is ever deleted, so that those of reviews that have ended are passed over here: years
of them are a few looks.
"""


class ReviewViews(AccountViews):
    """The queue of a daemon, and its days."""

    async def reviews(self, after: str, limit: int) -> Sequence[str]:
        """Those that wait, what is due first first."""
        waiting: list[str] = []
        while True:
            found = await self._open_books().scan(REVIEWS, after, ROWS_PER_LOOK)
            waiting += [place for place, one in found if one["waits"]]
            if len(waiting) >= limit or len(found) < ROWS_PER_LOOK:
                return waiting[:limit]
            after = found[-1][0]

    async def files(self, mine: str, after: str, limit: int) -> Sequence[tuple[str, FileRow]]:
        """A part of a list of files, the newest first."""
        return await find_files(self._open_books(), mine, after, limit)

    async def onboarding_days(self, days: Sequence[str]) -> Mapping[str, Sums]:
        """The sums of these days."""
        return await find_days(self._open_books(), days)
