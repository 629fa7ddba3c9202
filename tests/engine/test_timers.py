"""Durable timers and parked work: once, at business time, named, replaced, released (design.md 3)."""

# pyright: reportPrivateUsage=false
# Faults are planted, and rows are looked at, where no public door leads.

from collections.abc import Callable

import msgspec
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from comptoir.engine.clock import BusinessClock
from comptoir.engine.delivery import PAGE_ROWS, Delivery
from comptoir.engine.engine import Engine
from comptoir.engine.envelope import Answer
from comptoir.engine.journal import Pending
from comptoir.engine.toys import Do, Send, Toy, toy_clock, toy_parts
from comptoir.engine.values import Address, encode
from comptoir.engine.waiter import Waiter
from comptoir.storage.memory import MessageRow
from comptoir.storage.testing import MemoryJournal, MemoryTables

StateOf = Callable[[MemoryTables, Address], Toy]

A = Address("toy", "a")
B = Address("toy", "b")


def _later(label: str, ms: int, name: str | None = None) -> Send:
    return Send("toy", "b", Do(label), ms, name)


def _sooner(label: str, ms: int, name: str | None = None, *, parked: bool = False) -> Send:
    return Send("toy", "a", Do(label), ms, name, parked)


async def test_timer_fires_once_at_its_time(autojump_clock: MockClock, state_of: StateOf) -> None:
    """Not a moment before its business time, and once."""
    tables = MemoryTables()
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal)).running() as engine,
    ):
        await engine.ask(A, Do("m", send=(_later("late", 3000), _later("soon", 1000))))
        await trio.sleep(0.9)
        assert state_of(tables, B).seen == ()
        await trio.sleep(0.2)
        assert state_of(tables, B).seen == ("soon",)
        await trio.sleep(10)
        assert state_of(tables, B).seen == ("soon", "late")
        figures = engine.statistics().delivery
        assert (figures.timers_fired_total, figures.stranded_total) == (2, 0)
    assert not tables.messages


async def test_manual_clock_handles_all_that_falls_due(
    autojump_clock: MockClock, state_of: StateOf
) -> None:
    """interface.md 10: advancing answers when everything due by then was handled, and says how
    much; the moved clock outlives a restart.
    """
    tables = MemoryTables()
    async with MemoryJournal.open(tables) as journal:
        clock = toy_clock(manual=True)
        async with Engine(toy_parts(journal, clock=clock)).running() as engine:
            sends = tuple(_later(f"d{day}", day * 86_400_000) for day in range(1, 8))
            await engine.ask(A, Do("m", send=sends))
            began = engine.now()
            now, fired = await engine.advance_clock(3 * 86_400)
            assert 0 <= now - began - 3 * 86_400_000 < 1000, "I/O time went by as well"
            assert fired == 3
            assert state_of(tables, B).seen == ("d1", "d2", "d3")
            assert (await engine.advance_clock(0))[1] == 0
            with pytest.raises(ValueError, match="backwards"):
                await engine.advance_clock(-1)
    async with MemoryJournal.open(tables) as journal:
        clock = toy_clock(manual=True)
        async with Engine(toy_parts(journal, clock=clock)).running() as engine:
            assert engine.now() >= now - 1000
            assert (await engine.advance_clock(4 * 86_400))[1] == 4
    assert state_of(tables, B).seen == tuple(f"d{day}" for day in range(1, 8))


async def test_wall_clock_cannot_be_moved(autojump_clock: MockClock) -> None:
    """Only a manual clock moves by hand."""
    async with MemoryJournal.open() as journal, Engine(toy_parts(journal)).running() as engine:
        with pytest.raises(ValueError, match="manual"):
            await engine.advance_clock(1)


def test_business_time_never_runs_backwards() -> None:
    """A wall clock that is set back holds business time still until it has caught up."""
    wall = [1000, 5000, 2000, 4999, 5001]
    clock = BusinessClock(wall_ms=lambda: wall.pop(0))
    assert [clock.now() for _ in range(5)] == [1000, 5000, 5000, 5000, 5001]


async def test_named_timer_is_replaced(autojump_clock: MockClock, state_of: StateOf) -> None:
    """Setting a name again replaces the earlier setting, sooner or later; another target's timer of
    the same name is another one.
    """
    tables = MemoryTables()
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal)).running() as engine,
    ):
        first = (_later("b1", 1000, "n"), _later("c1", 5000, "o"), _sooner("a1", 2000, "n"))
        await engine.ask(A, Do("m", send=first))
        await engine.ask(A, Do("n", send=(_later("b2", 3000, "n"), _later("c2", 500, "o"))))
        await trio.sleep(10)
    assert state_of(tables, B).seen == ("c2", "b2")
    assert state_of(tables, A).seen == ("m", "n", "a1")


async def test_own_timer_is_cancelled(autojump_clock: MockClock, state_of: StateOf) -> None:
    """An actor forgets its own timer by name; a name that is not there is no error."""
    tables = MemoryTables()
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal)).running() as engine,
    ):
        await engine.ask(A, Do("m", send=(_sooner("no", 1000, "n"), _sooner("yes", 1000, "o"))))
        await engine.ask(A, Do("n", cancel=("n", "unknown")))
        await trio.sleep(10)
    assert state_of(tables, A).seen == ("m", "n", "yes")
    assert not tables.messages


async def test_timer_cancelled_on_its_way_has_no_effect(
    autojump_clock: MockClock, state_of: StateOf
) -> None:
    """A timer that is already in the mailbox when it is cancelled is gone when it is handled."""
    tables = MemoryTables()
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal)).running() as engine,
        trio.open_nursery() as nursery,
    ):
        await engine.ask(A, Do("m", send=(_sooner("no", 1000, "n"),)))
        journal.go_away()
        waiting = trio.Event()
        nursery.start_soon(_ask_then, engine, Do("n", cancel=("n",)), waiting)
        (row,) = tables.messages.values()
        await wait_all_tasks_blocked()
        actor = engine._hosts["toy"]._residents["a"]
        assert engine._hosts["toy"].offer(row.pending())
        engine._delivery._held.add(row.id)
        assert len(actor.mailbox) == 1
        journal.come_back()
        await waiting.wait()
        assert await engine.quiesce(5)
        assert engine.statistics().delivery.held == 0
    assert state_of(tables, A).seen == ("m", "n")


async def _ask_then(engine: Engine, message: Do, done: trio.Event) -> None:
    engine._hosts["toy"].ask(A, message, waiter := Waiter[Answer]())
    await waiter.wait()
    done.set()


async def test_parked_work_waits_for_its_release(
    autojump_clock: MockClock, state_of: StateOf
) -> None:
    """Parked rows are no pending work until released, all together and in order; at the latest they
    come at their due time.
    """
    tables = MemoryTables()
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal)).running() as engine,
    ):
        parked = tuple(_sooner(f"p{n}", 60_000, parked=True) for n in range(3))
        await engine.ask(A, Do("m", send=parked))
        assert await engine.quiesce(1), "parked is not due"
        await trio.sleep(10)
        assert state_of(tables, A).seen == ("m",)
        await engine.ask(A, Do("n", release=True))
        assert await engine.quiesce(5)
        assert state_of(tables, A).seen == ("m", "n", "p0", "p1", "p2")
        await engine.ask(A, Do("o", send=(_sooner("p3", 60_000, parked=True),)))
        await trio.sleep(61)
        assert state_of(tables, A).seen[-1] == "p3"
        assert engine.statistics().delivery.stranded_total == 0
    assert not tables.messages


async def test_many_timers_of_one_moment_all_fire(
    autojump_clock: MockClock, state_of: StateOf
) -> None:
    """More timers of one millisecond than a page holds, for as many actors: none is left over."""
    tables = MemoryTables()
    count = 2 * PAGE_ROWS + 100
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal)).running() as engine,
    ):
        sends = tuple(Send("toy", f"k{n}", Do("t"), 1000) for n in range(count))
        await engine.ask(A, Do("m", send=sends))
        await trio.sleep(1.5)
        fired = sum(state_of(tables, Address("toy", f"k{n}")).seen == ("t",) for n in range(count))
        assert fired == count
        figures = engine.statistics().delivery
        assert (figures.timers_fired_total, figures.stranded_total) == (count, 0)


class GatedJournal(MemoryJournal):
    """Shows due timers as they were when the reading began, and only when told."""

    gate: trio.Event | None = None

    async def due_timers(self, now: int, after: int, limit: int) -> list[Pending]:
        """As its base, but late."""
        found = await super().due_timers(now, after, limit)
        if self.gate is not None:
            await self.gate.wait()
        return found


async def test_timer_that_was_late_when_it_was_set_is_not_missed(
    autojump_clock: MockClock,
) -> None:
    """One that falls due while its commit takes long, and is settled while others are being fired,
    is fired too.
    """
    tables = MemoryTables()
    journal = GatedJournal(tables)
    taken: list[int] = []
    now = 1000

    class Taker:
        def offer(self, row: Pending) -> bool:
            taken.append(row.id)
            return True

    delivery = Delivery(journal, {"toy": Taker()}, lambda: now, 5.0)
    tables._put_in(MessageRow(1, A, A, encode(Do("x")), "timer", 1500, 0))
    await delivery.recover()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(delivery.fire_timers)
        await wait_all_tasks_blocked()
        journal.gate = trio.Event()
        now = 2000
        await trio.sleep(1)
        tables._put_in(MessageRow(2, A, A, encode(Do("y")), "timer", 1400, 0))
        delivery.timer_set(1400)
        journal.gate.set()
        await trio.sleep(2)
        nursery.cancel_scope.cancel()
    assert taken == [1, 2]


async def test_timer_that_falls_due_while_recovering_is_not_missed(
    autojump_clock: MockClock,
) -> None:
    """Between reading the backlog and looking for timers time goes by; nothing falls in between."""
    tables = MemoryTables()
    times = iter(range(1000, 9000, 400))
    delivery = Delivery(MemoryJournal(tables), {}, lambda: next(times), 5.0)
    tables._put_in(MessageRow(1, A, A, encode(Do("x")), "timer", 1100, 0))
    assert await delivery.recover() == 0
    assert await delivery.fire_due() == 1


@given(
    st.lists(
        st.tuples(st.integers(0, 2000), st.integers(1, 3000), st.sampled_from((None, "n", "o"))),
        max_size=25,
    )
)
def test_timers_fire_as_a_model_says(steps: list[tuple[int, int, str | None]]) -> None:
    """Any sequence of settings, named or not: each fires once, at its time, unless replaced. The
    oracle is a dictionary.
    """
    expected: dict[object, tuple[int, str]] = {}
    moment = 0
    fired: list[str] = []
    for index, (wait, due_in, name) in enumerate(steps):
        moment += wait
        for key, (due, label) in list(expected.items()):
            if due <= moment:
                fired.append(label)
                del expected[key]
        expected[name or index] = (moment + due_in, f"t{index}")
    fired += [label for _, label in expected.values()]

    async def play() -> tuple[str, ...]:
        tables = MemoryTables()
        # It moves by hand only, not with the time that waiting takes.
        clock = BusinessClock(manual=True, wall_ms=lambda: 0)
        async with (
            MemoryJournal.open(tables) as journal,
            Engine(toy_parts(journal, clock=clock)).running() as engine,
        ):
            for index, (wait, due_in, name) in enumerate(steps):
                await engine.advance_clock(wait / 1000)
                message = Do(f"s{index}", send=(_later(f"t{index}", due_in, name),))
                await engine.ask(A, message)
            await engine.advance_clock(4)
            assert engine.statistics().delivery.stranded_total == 0
        assert not tables.messages
        row = tables.actors.get(B)
        return () if row is None else msgspec.json.decode(row[2], type=Toy).seen

    assert sorted(trio.run(play, clock=MockClock(autojump_threshold=0))) == sorted(fired)
