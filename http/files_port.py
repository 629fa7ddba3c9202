"""What the edge reads of files as they are listed: a part of the port (comptoir.http.port).

Source: interface.md 1 and 8; docs/onboarding.md.
"""

from collections.abc import Sequence
from typing import Protocol

from comptoir.actors.onboarding.views import FileRow

__all__ = ["FilesPort"]


class FilesPort(Protocol):
    """The lists."""

    async def files(self, mine: str, after: str, limit: int) -> Sequence[tuple[str, FileRow]]:
        """A part of a list, by places, the newest file first."""
        ...
