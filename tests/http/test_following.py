"""Whoever waits at the edge asks once for each move, and not for its own questions (docs/architecture.md, design.md 2)."""

import trio
import trio.testing

from comptoir.engine.engine import Engine
from comptoir.engine.journal import Decided
from comptoir.engine.moves import Moves
from comptoir.engine.toys import Do, Done, toy_parts, toy_spec
from comptoir.engine.values import Address
from comptoir.http.following import until
from comptoir.storage.testing import MemoryJournal

A = Address("toy", "a")
ASKS_MAX = 10


async def test_a_question_is_no_move(autojump_clock: object) -> None:
    """S62: the answer to a waiter's own question is a decision, too, of nothing: it asks again when something is decided,
    and does not keep a processor busy until then.
    """
    moves, asked = Moves(), list[int]()

    def measure(decided: Decided) -> None:
        moves.decided("a", decided)

    async with (
        MemoryJournal.open() as journal,
        Engine(toy_parts(journal, actors=(toy_spec(measure=measure),))).running() as engine,
    ):

        async def look() -> int:
            reply = (await engine.ask(A, Do("how it stands", quiet=True))).reply
            assert isinstance(reply, Done)
            asked.append(reply.total)
            assert len(asked) < ASKS_MAX, "it goes in circles"
            return reply.total

        def ready(total: int) -> bool:
            return total > 1

        assert await until(moves, "a", look, ready, 5.0) == 0
        assert asked == [0]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(until, moves, "a", look, ready, 5.0)
            for number in range(2):
                await trio.testing.wait_all_tasks_blocked()
                await engine.ask(A, Do(f"move {number}", add=1))
        assert asked == [0, 0, 1, 2]
