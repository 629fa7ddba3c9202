"""What the simulation has found in the product, each as small as it can be told.

Source: design.md 2, 8; docs/reliability.md.
"""

from typing import Any

import msgspec
import pytest
import trio
from trio.testing import MockClock

from comptoir.engine.decision import Decision, Outgoing
from comptoir.engine.engine import Engine
from comptoir.engine.errors import Unavailable
from comptoir.engine.journal import Decided, Fate, Run
from comptoir.engine.toys import Call, Do, Party, Toy, toy_clock, toy_parts
from comptoir.engine.values import Address
from comptoir.storage.testing import MemoryJournal, MemoryTables

PARTY = Address("party", "")
TOY = Address("toy", "b")


class SlowToRecover(MemoryJournal):
    """A journal that takes a second to find what an earlier life left."""

    async def backlog(self, now: int, limit: int) -> list[tuple[Address, int]]:
        """As the journal's, late."""
        found = await super().backlog(now, limit)
        await trio.sleep(1)
        return found


async def _left_by_an_earlier_life(tables: MemoryTables) -> None:
    """An answer of the party that was committed and never handed over, and a call not made yet."""
    told = trio.Event()
    state: Any = object()

    def settle(_run: Run, _fate: Fate) -> None:
        told.set()

    messages = (Outgoing(TOY, Do("older")), Outgoing(PARTY, Call("r"), sender=TOY))
    decided = Decided(Decision(state, messages=messages), 0, None, None)
    async with MemoryJournal.open(tables) as journal:
        journal.submit(Run(PARTY, None, [decided], settle, state=state))
        await told.wait()


def test_nothing_is_handed_over_before_what_an_earlier_life_left() -> None:
    """Order between two actors holds across a crash (design.md 2): a gateway's first answer of a
    life comes after those of the life before, however long these take to be found.
    """
    tables = MemoryTables()

    async def play() -> None:
        await _left_by_an_earlier_life(tables)
        async with SlowToRecover.open(tables) as journal:
            parts = toy_parts(journal, Party().gateway())
            async with Engine(parts).running() as engine:
                assert await engine.quiesce(10)

    trio.run(play, clock=MockClock(autojump_threshold=0))
    state = msgspec.json.decode(tables.actors[TOY][2], type=Toy)
    assert state.seen == ("older", "answered r")


def test_business_time_moves_only_when_that_is_durable() -> None:
    """A step of the manual clock that could not be stored has not happened: else decisions of the
    new time would outlive it, and the next life would begin before them (design.md 8).
    """

    async def play() -> None:
        async with MemoryJournal.open(MemoryTables()) as journal:
            clock = toy_clock(manual=True)
            async with Engine(toy_parts(journal, clock=clock)).running() as engine:
                before = engine.now()
                journal.go_away()
                with pytest.raises(Unavailable):
                    await engine.advance_clock(3600)
                assert engine.now() == before
                journal.come_back()
                moved, _ = await engine.advance_clock(3600)
                assert moved == engine.now() == before + 3_600_000

    trio.run(play, clock=MockClock(autojump_threshold=0))
