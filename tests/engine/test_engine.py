"""The engine as a whole: its public surface, its start and its end (design.md 2; interface.md 5, 10)."""

# pyright: reportPrivateUsage=false
# Faults are planted, and rows are looked at, where no public door leads.

from collections.abc import Callable
from contextlib import aclosing

import msgspec
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from comptoir.engine.engine import Engine
from comptoir.engine.envelope import Answer
from comptoir.engine.errors import Overloaded, Stopping, Unavailable
from comptoir.engine.journal import Recorded
from comptoir.engine.parts import EngineBounds
from comptoir.engine.spec import Bounds
from comptoir.engine.toys import Did, Do, Done, Party, Send, Toy, toy_parts, toy_spec
from comptoir.engine.values import Address
from comptoir.engine.waiter import Waiter
from comptoir.storage.testing import MemoryJournal, MemoryTables

StateOf = Callable[[MemoryTables, Address], Toy]

A = Address("toy", "a")


async def test_is_ready_as_soon_as_it_says_so(autojump_clock: MockClock) -> None:
    """Whoever asks in the very step in which the engine opens is answered, every time."""
    for _ in range(30):
        async with MemoryJournal.open() as journal, Engine(toy_parts(journal)).running() as engine:
            assert engine.health().status == "ready"
            engine._hosts["toy"].ask(A, Do("m"), waiter := Waiter[Answer]())
            assert (await waiter.wait()).reply == Done("m", 0)


async def test_before_and_after_its_life_it_takes_nothing(autojump_clock: MockClock) -> None:
    """An engine that is not open yet, or closed, refuses asks as such."""
    async with MemoryJournal.open() as journal:
        engine = Engine(toy_parts(journal))
        assert engine.health().status == "starting"
        with pytest.raises(Stopping):
            await engine.ask(A, Do("m"))
        async with engine.running():
            await engine.ask(A, Do("m"))
        assert engine.health().status == "stopping"
        with pytest.raises(Stopping):
            await engine.ask(A, Do("m"))


async def test_stop_finishes_what_was_accepted(
    autojump_clock: MockClock, state_of: StateOf
) -> None:
    """interface.md 2: what is in hand is finished; messages on their way stay durable and are
    handled by the next life.
    """
    tables = MemoryTables()
    chain = Do("5")
    for n in range(4, -1, -1):
        chain = Do(str(n), send=(Send("toy", "ab"[n % 2], chain),))
    async with MemoryJournal.open(tables) as journal:
        async with Engine(toy_parts(journal)).running() as engine:
            await engine.tell(A, chain)
        assert engine.statistics().delivery.stranded_total == 0
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal)).running() as engine,
    ):
        assert await engine.quiesce(5)
    assert not tables.messages
    seen = (*state_of(tables, A).seen, *state_of(tables, Address("toy", "b")).seen)
    assert sorted(seen) == list("012345")


async def test_failure_of_the_body_is_passed_on(autojump_clock: MockClock) -> None:
    """An error inside the block ends the engine in order and reaches the caller."""
    with pytest.RaisesGroup(KeyError, flatten_subgroups=True):
        async with MemoryJournal.open() as journal, Engine(toy_parts(journal)).running() as engine:
            await engine.ask(A, Do("m"))
            raise KeyError("mine")


async def test_start_without_a_database_fails_at_once(autojump_clock: MockClock) -> None:
    """An engine that cannot recover says so and leaves no task behind."""
    with pytest.RaisesGroup(Unavailable, flatten_subgroups=True, allow_unwrapped=True):
        async with MemoryJournal.open() as journal:
            journal.go_away()
            with trio.fail_after(60):
                async with Engine(toy_parts(journal)).running():
                    pytest.fail("it must not open")


async def test_told_message_is_durable_and_handled(
    autojump_clock: MockClock, state_of: StateOf
) -> None:
    """`tell` returns once the message is a row; due, named, or at once."""
    tables = MemoryTables()
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal)).running() as engine,
    ):
        await engine.tell(A, Do("now"))
        await engine.tell(A, Do("old"), due_at=engine.now() + 1000, name="n")
        await engine.tell(A, Do("new"), due_at=engine.now() + 2000, name="n")
        await trio.sleep(3)
        assert state_of(tables, A).seen == ("now", "new")
        journal.go_away()
        with pytest.raises(Unavailable):
            await engine.tell(A, Do("lost"))
        journal.come_back()


async def test_too_many_waiting_rows_are_overloaded(autojump_clock: MockClock) -> None:
    """design.md 2: full, or too many rows pending for that address, is Overloaded; others work."""
    spec = toy_spec(bounds=Bounds(mailbox_max=1))
    bounds = EngineBounds(pending_rows_max=5)
    async with MemoryJournal.open() as journal:
        parts = toy_parts(journal, actors=(spec,), bounds=bounds)
        async with Engine(parts).running() as engine:
            engine._hosts["toy"]._suspended["slow"] = "held still by this test"
            sends = tuple(Send("toy", "slow", Do(str(n))) for n in range(20))
            await engine.ask(A, Do("m", send=sends))
            with pytest.raises(Overloaded, match="too many rows wait for it"):
                await engine.ask(Address("toy", "slow"), Do("x"))
            await engine.ask(A, Do("n"))
            assert engine.health().pending_messages >= 19
            engine.resume(Address("toy", "slow"))
            assert await engine.quiesce(60)
            await engine.ask(Address("toy", "slow"), Do("x"))


async def test_events_are_told_from_where_one_was(autojump_clock: MockClock) -> None:
    """A subscriber hears every committed event once, in order, past and future, from any number."""
    heard: list[Recorded] = []
    async with MemoryJournal.open() as journal, Engine(toy_parts(journal)).running() as engine:

        async def listen(after: int, count: int) -> None:
            async with aclosing(engine.events(after)) as events:
                async for event in events:
                    heard.append(event)
                    if event.number == count:
                        break

        await engine.ask(A, Do("e1"))
        await engine.ask(A, Do("e2"))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(listen, 1, 4)
            await wait_all_tasks_blocked()
            assert [event.number for event in heard] == [2]
            await engine.ask(A, Do("quiet", quiet=True))
            await engine.ask(A, Do("e3"))
            await engine.ask(A, Do("e4"))
    assert [event.number for event in heard] == [2, 3, 4]
    assert [msgspec.json.decode(event.payload, type=Did).label for event in heard] == [
        "e2",
        "e3",
        "e4",
    ]
    assert {(event.address, event.type) for event in heard} == {(A, "Did")}


@given(st.lists(st.integers(0, 3), max_size=30), st.integers(0, 5))
def test_subscribers_miss_nothing_while_others_commit(keys: list[int], after: int) -> None:
    """Three subscribers of different starts, under concurrent commits: dense numbers, in order."""

    async def play() -> list[list[int]]:
        heard: list[list[int]] = [[], [], []]
        async with (
            MemoryJournal.open(batch_decisions_max=2) as journal,
            Engine(toy_parts(journal)).running() as engine,
            trio.open_nursery() as nursery,
        ):

            async def listen(into: list[int], start: int) -> None:
                async with aclosing(engine.events(start)) as events:
                    async for event in events:
                        into.append(event.number)
                        await trio.lowlevel.checkpoint()

            for into, start in zip(heard, (0, 0, after), strict=True):
                nursery.start_soon(listen, into, start)
            async with trio.open_nursery() as asking:
                for n, key in enumerate(keys):
                    asking.start_soon(engine.ask, Address("toy", str(key)), Do(f"m{n}"))
            await trio.sleep(1)
            nursery.cancel_scope.cancel()
        return heard

    heard = trio.run(play, clock=MockClock(autojump_threshold=0))
    every = list(range(1, len(keys) + 1))
    assert heard == [every, every, every[after:]]


async def test_statistics_show_everything_long_lived(autojump_clock: MockClock) -> None:
    """One snapshot of hosts, gateways, delivery, journal and children; it is a value, not a view."""
    party = Party()
    async with (
        MemoryJournal.open() as journal,
        Engine(toy_parts(journal, party.gateway())).running() as engine,
    ):
        before = engine.statistics()
        await engine.ask(A, Do("m", add=1))
        after = engine.statistics()
    assert (before.hosts[0].resident, after.hosts[0].resident) == (0, 1)
    assert after.journal.decisions_total == before.journal.decisions_total + 1
    assert [gateway.kind for gateway in after.gateways] == ["party"]
    assert {child.id for child in after.children} >= {
        "actors toy", "gateway party", "delivery pump", "delivery timers", "delivery sweep",
    }  # fmt: skip
    assert all(child.running and child.restarts_total == 0 for child in after.children)


async def test_representations_show_phase_and_counts(autojump_clock: MockClock) -> None:
    """Long-lived objects say what they are doing when printed (style.md 14)."""
    async with (
        MemoryJournal.open() as journal,
        Engine(toy_parts(journal, Party().gateway())).running() as engine,
    ):
        await engine.ask(A, Do("m"))
        assert "Engine ready" in repr(engine)
        assert repr(engine._hosts["toy"]) == "<Hosting toy 1 resident>"
        assert repr(engine._hosts["toy"]._residents["a"]) == "<Actor toy/a USED v1 +0>"
        assert repr(engine._gateways["party"]) == "<Gateway party closed 0 calls>"
        assert repr(engine._gateways["party"].breaker) == "<Breaker party closed>"
        assert "wall" in repr(engine.clock)
