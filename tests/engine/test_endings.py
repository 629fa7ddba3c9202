"""Endings: an engine that is cancelled at any step of its start, its work or its stop ends cleanly.

Held for every step: nothing hangs, no task is left over, what was acknowledged is in the tables, and
the next life goes on from there.
Source: issue 3, deliver 6; design.md 2 (a commit is shielded), 5; invariant 1.
"""

from collections.abc import Awaitable, Callable

import pytest
import trio
from trio.testing import MockClock

from comptoir.engine.engine import Engine
from comptoir.engine.errors import EngineError
from comptoir.engine.gateway_spec import GatewayBounds
from comptoir.engine.toys import Call, Do, Party, Send, Toy, toy_parts
from comptoir.engine.values import Address
from comptoir.storage.testing import MemoryJournal, MemoryTables

StateOf = Callable[[MemoryTables, Address], Toy]

A = Address("toy", "a")
B = Address("toy", "b")
CALLS = GatewayBounds(deadline_s=1.0)


class Bug(Exception):
    """What only a bug would raise."""


class Steps(trio.abc.Instrument):
    """Counts the steps of all tasks, and cancels a scope before the n-th."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.scope = trio.CancelScope()
        self.count = 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        """One more."""
        self.count += 1
        if self.count == self.limit:
            self.scope.cancel()


class Life:
    """One engine's life, with work of every sort, and what it acknowledged."""

    def __init__(self, tables: MemoryTables) -> None:
        self.tables = tables
        self.acknowledged: list[str] = []

    async def work(self, engine: Engine, name: str) -> None:
        """Ask twice, and have a message, a timer and a call each."""
        for number in range(2):
            label = f"{name}{number}"
            sends = (
                Send("toy", "b", Do(label)),
                Send("toy", "b", Do(f"{label} late"), due_in_ms=5),
                Send("party", "", Call(label)),
            )
            await engine.ask(Address("toy", name), Do(label, send=sends))
            self.acknowledged.append(label)

    async def live(self) -> None:
        """Start, work, stop."""
        gateway = Party().gateway(CALLS, confirm=True)
        async with (
            MemoryJournal.open(self.tables) as journal,
            Engine(toy_parts(journal, gateway)).running() as engine,
            trio.open_nursery() as nursery,
        ):
            for name in ("a", "c"):
                nursery.start_soon(self.work, engine, name)


async def _cancelled_at(limit: int, live: Callable[[], Awaitable[None]]) -> bool:
    """Live, and be cancelled before this step of any task; False when it was over by then."""
    tasks = trio.lowlevel.current_statistics().tasks_living
    steps = Steps(limit)
    with trio.fail_after(100), trio.CancelScope() as scope:
        steps.scope = scope
        trio.lowlevel.add_instrument(steps)
        try:
            await live()
        finally:
            trio.lowlevel.remove_instrument(steps)
    assert trio.lowlevel.current_statistics().tasks_living == tasks, f"at step {limit}"
    return steps.count >= limit


async def test_cancelled_at_every_step_an_engine_ends_cleanly(
    autojump_clock: MockClock, state_of: StateOf
) -> None:
    """Design.md 2: wherever a cancellation strikes, nothing hangs or is left over, and what was
    acknowledged is there, once, in the next life.
    """
    limit = acknowledged_most = 0
    while True:
        limit += 1
        life = Life(MemoryTables())
        if not await _cancelled_at(limit, life.live):
            break
        tables = life.tables
        for name in ("a", "c"):
            mine = [label for label in life.acknowledged if label.startswith(name)]
            assert state_of(tables, Address("toy", name)).seen[: len(mine)] == tuple(mine)
        gateway = Party().gateway(CALLS, confirm=True)
        async with (
            MemoryJournal.open(tables) as journal,
            Engine(toy_parts(journal, gateway)).running() as engine,
        ):
            await trio.sleep(3)  # beyond what watches over a call
            assert await engine.quiesce(60)
            assert engine.statistics().delivery.stranded_total == 0
        seen = state_of(tables, B).seen
        assert len(seen) == len(set(seen)), "twice"
        for label in life.acknowledged:
            assert label in seen
            assert f"{label} late" in seen
        acknowledged_most = max(acknowledged_most, len(life.acknowledged))
    assert limit > 100
    assert acknowledged_most == 4


@pytest.mark.parametrize("what", [Bug, KeyboardInterrupt])
async def test_an_error_of_the_body_ends_the_engine_and_is_told(
    autojump_clock: MockClock, what: type[BaseException]
) -> None:
    """What the block around an engine raises (Ctrl-C too) stops it gracefully; nothing else is in the
    group that leaves, and nothing is left over.
    """
    tasks = trio.lowlevel.current_statistics().tasks_living
    tables = MemoryTables()
    life = Life(tables)

    async def serve() -> None:
        async with (
            MemoryJournal.open(tables) as journal,
            Engine(toy_parts(journal, Party().gateway())).running() as engine,
        ):
            await life.work(engine, "a")
            raise what

    with pytest.RaisesGroup(what, flatten_subgroups=True):
        await serve()
    assert trio.lowlevel.current_statistics().tasks_living == tasks
    assert life.acknowledged == ["a0", "a1"]


async def test_askers_hear_that_they_were_cut_off(autojump_clock: MockClock) -> None:
    """Whoever asks from outside while the engine is cancelled hears an error of ours, or its answer;
    nobody waits for ever, and no answer was given that is not durable.
    """
    for limit in range(1, 120, 2):
        await _ask_while_it_ends(limit)


async def _ask_while_it_ends(limit: int) -> None:
    """Twenty asks, and a cancellation so many steps later."""
    heard: list[EngineError | str] = []
    tables = MemoryTables()

    async def ask(engine: Engine, number: int) -> None:
        try:
            await engine.ask(Address("toy", f"{number}"), Do("x"))
            heard.append("answered")
        except EngineError as error:
            heard.append(error)

    async with trio.open_nursery() as asking:
        with trio.CancelScope() as scope:
            async with (
                MemoryJournal.open(tables) as journal,
                Engine(toy_parts(journal)).running() as engine,
            ):
                for number in range(20):
                    asking.start_soon(ask, engine, number)
                steps = Steps(limit)
                steps.scope = scope
                trio.lowlevel.add_instrument(steps)
                try:
                    await trio.sleep(1)
                finally:
                    trio.lowlevel.remove_instrument(steps)
        with trio.fail_after(60):
            while len(heard) < 20:  # noqa: ASYNC110 - virtual time
                await trio.sleep(1)
    assert sum(one == "answered" for one in heard) <= len(tables.actors)
