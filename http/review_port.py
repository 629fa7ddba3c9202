"""What the edge reads of reviews and of the days of onboarding: a part of the port (comptoir.http.port).

Source: interface.md 8; docs/review.md.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from comptoir.actors.onboarding_day.messages import Sums
from comptoir.http.files_port import FilesPort

__all__ = ["ReviewPort"]


class ReviewPort(FilesPort, Protocol):
    """The queue, and the sums."""

    async def reviews(self, after: str, limit: int) -> Sequence[str]:
        """A page of reviews that wait, by their places (`review.messages.place_of`), those after this one, what is
        due first first.
        """
        ...

    async def onboarding_days(self, days: Sequence[str]) -> Mapping[str, Sums]:
        """The sums of these days; one on which nothing happened is left out."""
        ...
