"""A query goes on by itself, whoever waits for it; asyncio's futures are what it waits for.

Source: design.md 7 (the bridge); storage/query.py.
"""

import asyncio  # noqa: TID251 - what a query of asyncpg's waits for
from collections.abc import AsyncGenerator, Coroutine
from typing import Any

import pytest
import trio

from comptoir.storage.bridge import Bridge, open_bridge


@pytest.fixture
async def bridge() -> AsyncGenerator[Bridge]:
    """A bridge; no server is needed."""
    async with open_bridge() as opened:
        yield opened


class Asked:
    """What a query asks for, and what became of it."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.steps: list[str] = []

    async def run(self) -> str:
        """Ask, wait, and note each step."""
        self.steps.append("sent")
        try:
            return await self.answer
        except asyncio.CancelledError:
            self.steps.append("cancelled")
            raise
        finally:
            self.steps.append("ended")


async def test_a_query_begins_before_it_is_waited_for(bridge: Bridge) -> None:
    """Its first step is taken at once, and the rest while nobody looks; its answer is kept."""
    asked = Asked()
    query = bridge.begin(asked.run())
    assert asked.steps == ["sent"]
    assert not query.ended
    assert "under way" in repr(query)
    asked.answer.set_result("row")
    await trio.testing.wait_all_tasks_blocked()
    assert asked.steps == ["sent", "ended"]
    assert query.ended
    assert await query.wait() == "row"


async def test_who_leaves_does_not_end_a_query(bridge: Bridge) -> None:
    """The wait is cancelled, the query is not: another hears its answer."""
    asked = Asked()
    query = bridge.begin(asked.run())
    with trio.CancelScope() as scope:
        scope.cancel()
        await query.wait()
    assert scope.cancelled_caught
    assert asked.steps == ["sent"]
    asked.answer.set_result("row")
    assert await query.wait() == "row"


async def test_an_error_is_raised_where_it_is_waited_for(bridge: Bridge) -> None:
    """Not in the loop, where it would end whatever else is going on."""
    asked = Asked()
    query = bridge.begin(asked.run())
    asked.answer.set_exception(OSError("reset by peer"))
    with pytest.raises(OSError, match="reset"):
        await query.wait()


async def test_a_query_that_needs_no_answer_has_ended_at_once(bridge: Bridge) -> None:
    """As one does whose connection is found to be closed."""

    async def refused() -> None:
        raise ConnectionResetError

    query = bridge.begin(refused())
    assert query.ended
    with pytest.raises(ConnectionResetError):
        await query.wait()


async def test_a_bare_yield_lets_others_run(bridge: Bridge) -> None:
    """`asyncio.sleep(0)` in a query is a turn of the loop, and no end of it."""
    order: list[str] = []

    async def polite(name: str) -> None:
        order.append(f"{name} 1")
        await asyncio.sleep(0)
        order.append(f"{name} 2")

    queries = [bridge.begin(polite(name)) for name in ("a", "b")]
    for query in queries:
        await query.wait()
    assert order == ["a 1", "b 1", "a 2", "b 2"]


@pytest.mark.parametrize("waited_for", [False, True])
async def test_the_end_of_a_bridge_ends_its_queries(*, waited_for: bool) -> None:
    """Each hears that it is cancelled and has its say, and whoever waits is told."""
    told: list[str] = []

    async def wait(query: Any) -> None:
        try:
            await query.wait()
        except asyncio.CancelledError:
            told.append("cancelled")

    async with trio.open_nursery() as nursery:
        async with open_bridge() as bridge:
            asked = Asked()
            running: Coroutine[Any, Any, str] = asked.run()
            query = bridge.begin(running)
            if waited_for:
                nursery.start_soon(wait, query)
                await trio.testing.wait_all_tasks_blocked()
        assert asked.steps == ["sent", "cancelled", "ended"]
    assert told == ["cancelled"] * waited_for
