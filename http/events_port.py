"""What the edge reads of public events: a part of the port (comptoir.http.port).

Source: interface.md 8; docs/events.md.
"""

from collections.abc import Sequence
from typing import Protocol

from comptoir.actors.feed.messages import PublicEvent

__all__ = ["FEED_MOVES", "EventsPort"]

FEED_MOVES = "feed of public events"
"""By which name whoever waits for the next one hears of it (engine/moves.py)."""


class EventsPort(Protocol):
    """The feed."""

    async def public_events(self, after: int, limit: int) -> Sequence[PublicEvent]:
        """Those with positions above `after`, in order."""
        ...
