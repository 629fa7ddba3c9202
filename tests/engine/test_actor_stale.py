"""An actor whose durable state moved on without it: it loads again and decides again.

Nothing of ours does that to an actor; an operator's hand or a bug of ours would, and then it must
not be answered on the old state. Source: engine/actor.py; design.md 7 (Loud fences).
"""

from trio.testing import MockClock

from comptoir.engine.engine import Engine
from comptoir.engine.envelope import Answer
from comptoir.engine.toys import Do, Done, Phase, Toy, toy_parts
from comptoir.engine.values import Address, encode
from comptoir.storage.testing import MemoryJournal, MemoryTables

A = Address("toy", "a")


async def test_decision_on_a_stale_version_is_taken_again(autojump_clock: MockClock) -> None:
    """The version fence loses the run, the actor loads what is durable, and the asker gets the
    answer that follows from it (invariant 2).
    """
    tables = MemoryTables()
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal)).running() as engine,
    ):
        await engine.ask(A, Do("m", add=1))
        tables.actors[A] = (7, 1, encode(Toy(Phase.USED, 40, ("other",))), 0)
        assert await engine.ask(A, Do("n", add=2)) == Answer(Done("n", 42))
    assert tables.actors[A][0] == 8
