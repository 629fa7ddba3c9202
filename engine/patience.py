"""A reading that a start cannot do without, repeated while the database is away.

Rule: whatever reads the database before the engine runs is read so. A database that goes away and returns within
`storage.start_timeout_s` ends no start, wherever it was met. Source: design.md 7 (While PostgreSQL is away).
"""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import trio

from comptoir.engine.errors import Unavailable

__all__ = ["read_patiently"]

T = TypeVar("T")

RETRY_S: Final = 0.2


async def read_patiently(read: Callable[[], Awaitable[T]], seconds: float) -> T:
    """Read, and try again for so long.

    Args:
        read: begins the reading anew.
        seconds: how long from now a try may begin.

    Raises:
        Unavailable: the database is still away.
    """
    until = trio.current_time() + seconds
    while True:
        try:
            return await read()
        except Unavailable:
            if trio.current_time() > until:
                raise
            await trio.sleep(RETRY_S)
