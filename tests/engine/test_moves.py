"""Who waits for an actor to move hears of its next decision, and leaves nothing behind (design.md 2)."""

import trio
import trio.testing

from comptoir.engine.moves import Moves


async def test_the_next_move_is_heard(autojump_clock: object) -> None:
    """Everybody who waits for this one hears of it, and of no other; a move before is not heard."""
    moves, heard = Moves(), list[str]()
    moves.moved("a")

    async def wait(name: str) -> None:
        with moves.next_of(name) as moved:
            await moved.wait()
            heard.append(name)

    async with trio.open_nursery() as nursery:
        for name in ("a", "a", "b"):
            nursery.start_soon(wait, name)
        await trio.testing.wait_all_tasks_blocked()
        moves.moved("a")
        await trio.testing.wait_all_tasks_blocked()
        assert heard == ["a", "a"]
        moves.moved("b")
    assert heard == ["a", "a", "b"]
    assert repr(moves) == "<Moves of 0>"


async def test_who_gives_up_is_forgotten(autojump_clock: object) -> None:
    """Nothing is unbounded: a waiter that leaves takes its place with it."""
    moves = Moves()
    with trio.move_on_after(1), moves.next_of("a") as moved:
        await moved.wait()
    assert repr(moves) == "<Moves of 0>"
    moves.moved("a")
