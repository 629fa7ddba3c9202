"""Turns of the asyncio loop as asyncio has them: all that is ready is done in one.

trio-asyncio does one callback in each turn of trio. An answer of the database makes three of them (asyncpg
tidies up, the query goes on, the socket is read again), so whoever waited for it, above all the writer,
went on some turns later, and meanwhile the database had nothing to do.

The rule: a turn does what is ready, and what becomes ready by that, up to a bound: callbacks that always
beget others hold up nobody else. Source: docs of asyncio, "Event Loop"; trio-asyncio, `BaseTrioEventLoop`.
"""

from collections.abc import Callable, Coroutine
from typing import Any, Final, Protocol, cast

import trio

__all__ = ["CALLBACKS_MAX", "Loop", "in_whole_turns"]


CALLBACKS_MAX: Final = 64
"""Of one turn."""


class Loop(Protocol):
    """What is used of the asyncio loop (trio-asyncio has no types)."""

    def call_soon(self, callback: Callable[[], None]) -> object: ...
    def create_task(self, coro: Coroutine[Any, Any, Any]) -> Any: ...
    def set_exception_handler(self, handler: Any) -> None: ...


def in_whole_turns(loop: Any) -> Loop:
    """Have a loop of trio-asyncio, which has no switch for it, do all that is ready in one turn of trio."""
    do_one = loop._main_loop_one  # noqa: SLF001 - the one step that its main loop repeats

    async def do_all(*, no_wait: bool = False) -> None:
        await do_one(no_wait=no_wait)
        if no_wait:
            return
        try:
            # Each comes back at once: only what must be waited for waits.
            for _ in range(CALLBACKS_MAX - 1):
                await do_one(no_wait=True)
        except trio.WouldBlock:
            return
        # Where timers are due, the first of them did not wait either.
        await trio.lowlevel.cancel_shielded_checkpoint()

    loop._main_loop_one = do_all  # noqa: SLF001 - as above
    return cast(Loop, loop)
