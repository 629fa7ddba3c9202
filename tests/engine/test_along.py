"""Messages that go along: decided by their receivers in the batch that makes them durable (ADR 0013)."""

from collections.abc import Callable

import pytest
import trio
from trio.testing import MockClock

from comptoir.engine.along import DEPTH_MAX
from comptoir.engine.engine import Engine
from comptoir.engine.errors import EngineError
from comptoir.engine.toys import Do, Send, Toy, toy_parts
from comptoir.engine.values import Address
from comptoir.storage.testing import MemoryJournal, MemoryTables

StateOf = Callable[[MemoryTables, Address], Toy]

A = Address("toy", "a")
B = Address("toy", "b")


def _to(key: str, what: Do, **how: object) -> Send:
    return Send("toy", key, what, **how)  # type: ignore[arg-type]  # the keywords of a Send


async def test_an_idle_receiver_decides_in_the_batch_of_its_sender(
    autojump_clock: MockClock, state_of: StateOf
) -> None:
    """Invariant 2: both decisions are durable in one commit, and no row lies between them."""
    tables = MemoryTables()
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal)).running() as engine,
    ):
        await engine.ask(B, Do("wake up"))
        before = journal.statistics().batches_total
        await engine.ask(A, Do("a", send=(_to("b", Do("from a", add=5)),)))
        assert journal.statistics().batches_total == before + 1
        assert state_of(tables, B).total == 5
        assert not tables.messages
        assert engine.statistics().delivery.held == 0


async def test_a_sleeping_or_busy_receiver_gets_it_when_it_is_durable(
    autojump_clock: MockClock, state_of: StateOf
) -> None:
    """What cannot go along is handed over after the commit, as ever."""
    tables = MemoryTables()
    twice = (_to("b", Do("1")), _to("b", Do("2")), _to("c", Do("3")))
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal)).running() as engine,
    ):
        await engine.ask(B, Do("wake up"))
        await engine.ask(A, Do("a", send=twice))
        assert await engine.quiesce(5)
    assert state_of(tables, B).seen == ("wake up", "1", "2")
    assert state_of(tables, Address("toy", "c")).seen == ("3",)
    assert not tables.messages


async def test_a_receiver_is_undone_with_its_sender(
    autojump_clock: MockClock, state_of: StateOf
) -> None:
    """X16, invariant 4: a repeat is answered as before, and what it would have sent never was."""
    tables = MemoryTables()
    purchase = Do("buy", once="tx_1", send=(_to("b", Do("credit", add=7)),))
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal)).running() as engine,
    ):
        await engine.ask(B, Do("wake up"))
        first = await engine.ask(A, purchase)
        again = await engine.ask(Address("toy", "other"), purchase)
        assert await engine.quiesce(5)
        await engine.ask(B, Do("and goes on", add=1))
        assert (again.reply, again.replayed) == (first.reply, True)
        assert engine.statistics().delivery.held == 0
    assert state_of(tables, B).seen == ("wake up", "credit", "and goes on")
    assert state_of(tables, B).total == 8
    assert not tables.messages


async def test_nothing_to_the_same_receiver_overtakes_what_stays_behind(
    autojump_clock: MockClock, state_of: StateOf
) -> None:
    """Design.md 2: messages between two actors arrive in the order of their commits."""
    tables = MemoryTables()
    named = _to("b", Do("first"), name="reminder")
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal)).running() as engine,
    ):
        await engine.ask(B, Do("wake up"))
        await engine.ask(A, Do("a", send=(named, _to("b", Do("second")))))
        assert await engine.quiesce(5)
    assert state_of(tables, B).seen == ("wake up", "first", "second")


async def test_a_crash_between_sender_and_receiver_loses_and_doubles_nothing(
    autojump_clock: MockClock, state_of: StateOf
) -> None:
    """Invariant 2: where the two come into two batches, and the daemon dies between them, the row is
    there, and the next life hands it over once.
    """
    tables = MemoryTables()
    message = Do("a", send=(_to("b", Do("from a", add=5)),))
    async with trio.open_nursery() as nursery:
        journal = MemoryJournal(tables, batch_decisions_max=1)
        nursery.start_soon(journal.run)
        async with Engine(toy_parts(journal)).running() as engine:
            await engine.ask(B, Do("wake up"))
            await engine.ask(A, Do("wake up"))
            journal.crash(after_commit=True)
            with pytest.raises(EngineError):
                await engine.ask(A, message, timeout_s=1)
    assert state_of(tables, A).seen == ("wake up", "a")
    assert state_of(tables, B).seen == ("wake up",)
    assert len(tables.messages) == 1
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal)).running() as engine,
    ):
        assert await engine.quiesce(5)
        assert engine.statistics().delivery.stranded_total == 0
    assert state_of(tables, B).seen == ("wake up", "from a")
    assert not tables.messages


async def test_in_two_batches_it_is_handed_over_once(
    autojump_clock: MockClock, state_of: StateOf
) -> None:
    """Invariant 2: a row that went along and then became durable alone is in nobody else's hands."""
    tables = MemoryTables()
    async with (
        MemoryJournal.open(tables, batch_decisions_max=1) as journal,
        Engine(toy_parts(journal)).running() as engine,
    ):
        await engine.ask(B, Do("wake up"))
        await engine.ask(A, Do("a", send=(_to("b", Do("from a", add=5)),)))
        assert await engine.quiesce(5)
        assert engine.statistics().delivery.held == 0
        assert journal.statistics().refusals_total == 0, "it was decided a second time"
    assert state_of(tables, B).seen == ("wake up", "from a")


async def test_a_repeat_that_would_crash_its_receiver_counts_for_nothing(
    autojump_clock: MockClock, state_of: StateOf
) -> None:
    """Design.md 5: the bank's retries of a webhook whose credit is a dead letter suspend no wallet."""
    tables = MemoryTables()
    poison = Do("buy", once="tx_1", send=(_to("b", Do("poison", crash="always")),))
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal)).running() as engine,
    ):
        await engine.ask(B, Do("wake up"))
        await engine.ask(A, poison)
        assert await engine.quiesce(5)
        before = engine.statistics().hosts[0].restarts_total
        for _ in range(5):
            assert (await engine.ask(A, poison)).replayed
            assert await engine.quiesce(5)
        (host,) = engine.statistics().hosts
        assert (host.restarts_total, host.suspended) == (before, ())
        await engine.ask(B, Do("works", add=1))
    assert state_of(tables, B).seen == ("wake up", "works")
    assert [row.kind for row in tables.messages.values()] == ["dead"], "the first one, once"


async def test_two_keys_taken_before_are_one_repeat(
    autojump_clock: MockClock, state_of: StateOf
) -> None:
    """X16: where sender and receiver each name what may happen only once, a repeat ends nobody."""
    tables = MemoryTables()
    purchase = Do("buy", once="tx_1", send=(_to("b", Do("credit", add=7, once="credit_1")),))
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal)).running() as engine,
    ):
        await engine.ask(B, Do("wake up"))
        await engine.ask(A, purchase)
        assert await engine.quiesce(5)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(engine.ask, A, purchase)
            nursery.start_soon(engine.ask, B, Do("beside it", add=1))
        assert await engine.quiesce(5)
        assert engine.statistics().hosts[0].resident == 2, "nobody's task ended"
    assert state_of(tables, B).total == 8


async def test_a_long_chain_ends_in_another_batch(
    autojump_clock: MockClock, state_of: StateOf
) -> None:
    """Nothing is unbounded: one message reaches so many actors in its batch, and the rest after."""
    tables = MemoryTables()
    links = [f"{number}" for number in range(2 * DEPTH_MAX)]
    message = Do("end", add=1)
    for key in reversed(links):
        message = Do("pass on", add=1, send=(_to(key, message),))
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal)).running() as engine,
    ):
        for key in links:
            await engine.ask(Address("toy", key), Do("wake up"))
        before = journal.statistics().batches_total
        await engine.ask(A, message)
        assert state_of(tables, Address("toy", links[0])).total == 1
        assert state_of(tables, Address("toy", links[-1])).total == 0
        assert await engine.quiesce(5)
        assert journal.statistics().batches_total > before + 1
    assert all(state_of(tables, Address("toy", key)).total == 1 for key in links)
