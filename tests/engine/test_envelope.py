"""Who is told what, and whom it may hurt (engine/envelope.py; engine/waiter.py, `Asker`)."""

from collections.abc import Callable

from trio.testing import MockClock

from comptoir.engine.engine import Engine
from comptoir.engine.envelope import Answer
from comptoir.engine.errors import EngineError
from comptoir.engine.toys import Do, Done, Send, Toy, toy_parts
from comptoir.engine.values import Address
from comptoir.engine.waiter import Waiter
from comptoir.storage.testing import MemoryJournal, MemoryTables

A = Address("toy", "a")
B = Address("toy", "b")
StateOf = Callable[[MemoryTables, Address], Toy]


class Deaf:
    """Crashes when it is told anything."""

    done = False

    def give(self, value: Answer) -> None:
        """Crash."""
        self.done = True
        raise ZeroDivisionError(value)

    def fail(self, error: EngineError) -> None:
        """Crash."""
        self.done = True
        raise ZeroDivisionError from error


async def test_crashing_asker_hurts_nobody(autojump_clock: MockClock, state_of: StateOf) -> None:
    """Who asked together with it is answered, what was sent arrives, and the actor goes on."""
    tables = MemoryTables()
    waiter: Waiter[Answer] = Waiter()
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal)).running() as engine,
    ):
        engine.ask_for(Deaf(), A, Do("m", send=(Send("toy", "b", Do("sent")),)))
        engine.ask_for(waiter, A, Do("n"))
        assert await waiter.wait() == Answer(Done("n", 0))
        assert await engine.quiesce(5)
        assert engine.statistics().delivery.stranded_total == 0
    assert state_of(tables, A).seen == ("m", "n")
    assert state_of(tables, B).seen == ("sent",)
