"""How often the demo asks whether something has come about.

Rule: the longer it has taken, the longer until it is asked again: ten clients who wait for one reader of papers
would otherwise take from it what asking costs the daemon.
Source: issue "client onboarding, first half".
"""

from typing import Final

import trio

__all__ = ["Patience"]

PAUSE_SECONDS: Final = 0.5
PAUSE_SECONDS_MAX: Final = 5.0
SHARE: Final = 0.1
"""Of what has been waited already."""


class Patience:
    """Of somebody who waits for one thing."""

    def __init__(self, pause_s: float = PAUSE_SECONDS) -> None:
        """Begin to wait, with so much between two questions at first."""
        self._pause_s = pause_s
        self._began = trio.current_time()

    async def rest(self) -> None:
        """Until it is asked again."""
        waited = trio.current_time() - self._began
        await trio.sleep(min(PAUSE_SECONDS_MAX, max(self._pause_s, SHARE * waited)))
