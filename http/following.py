"""Waiting at the edge for what an outside party does: an ask answers at once, and what follows takes longer.

Source: docs/architecture.md ("Waiting for an outside party"); engine/moves.py.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import trio

from comptoir.engine.moves import Moves

__all__ = ["until"]

T = TypeVar("T")


async def until(
    moves: Moves,
    name: str,
    ask: Callable[[], Awaitable[T]],
    ready: Callable[[T], bool],
    wait_s: float,
) -> T | None:
    """What it answers once it is ready, or at the end of the time; None: not even once.

    Args:
        moves: who hears of its decisions.
        name: whose.
        ask: how it stands.
        ready: whether to wait no longer.
        wait_s: for so long at most.
    """
    found: T | None = None
    with trio.move_on_after(wait_s):
        while True:
            with moves.next_of(name) as moved:
                found = await ask()
                if ready(found):
                    return found
                await moved.wait()
    return found
