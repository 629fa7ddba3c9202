"""Timers that fall due while the database is away: late, and not forgotten (design.md 3 and 7)."""

from collections.abc import Callable

import trio
from trio.testing import MockClock

from comptoir.engine.engine import Engine
from comptoir.engine.toys import Do, Send, Toy, toy_parts
from comptoir.engine.values import Address
from comptoir.storage.testing import MemoryJournal, MemoryTables

StateOf = Callable[[MemoryTables, Address], Toy]

A = Address("toy", "a")
B = Address("toy", "b")


async def test_timers_that_fell_due_during_an_outage_fire_after_it(
    autojump_clock: MockClock, state_of: StateOf
) -> None:
    """A reading of due timers that failed is done again, over the same span: nothing is left to the
    sweep.
    """
    tables = MemoryTables()
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal)).running() as engine,
    ):
        sends = tuple(Send("toy", "b", Do(f"t{n}"), 1000 * n) for n in range(1, 6))
        await engine.ask(A, Do("m", send=sends))
        await trio.sleep(0.5)
        journal.go_away()
        await trio.sleep(3)
        assert state_of(tables, B).seen == ()
        journal.come_back()
        await trio.sleep(10)
        assert engine.statistics().delivery.stranded_total == 0
    assert state_of(tables, B).seen == ("t1", "t2", "t3", "t4", "t5")
