"""Activation and passivation: bounded residents, nothing lost, order kept (design.md 2, 5)."""

# pyright: reportPrivateUsage=false
# Faults are planted, and rows are looked at, where no public door leads.

from collections.abc import Awaitable, Callable, Sequence

import msgspec
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from comptoir.engine.engine import Engine
from comptoir.engine.envelope import Answer
from comptoir.engine.errors import EngineError, Overloaded, UnknownAddress
from comptoir.engine.spec import Bounds
from comptoir.engine.toys import Do, Done, Look, Send, Toy, toy_parts, toy_spec
from comptoir.engine.values import Address, Message
from comptoir.storage.testing import MemoryJournal, MemoryTables

Together = Callable[[Engine, Address, Sequence[Message]], Awaitable[list[Answer | EngineError]]]


def _address(key: object) -> Address:
    return Address("toy", str(key))


async def test_idle_actors_leave_memory_and_come_back(autojump_clock: MockClock) -> None:
    """After its idle time an actor is no longer resident; its next message loads it again."""
    spec = toy_spec(bounds=Bounds(idle_ms=10_000))
    async with (
        MemoryJournal.open() as journal,
        Engine(toy_parts(journal, actors=(spec,))).running() as engine,
    ):
        for key in range(50):
            await engine.ask(_address(key), Do("m", add=key))
        await trio.sleep(5)
        await engine.ask(_address(7), Do("again", add=1))
        assert engine.statistics().hosts[0].resident == 50
        await trio.sleep(7)
        figures = engine.statistics().hosts[0]
        assert (figures.resident, figures.passivations_total) == (1, 49)
        await trio.sleep(6)
        assert engine.statistics().hosts[0].resident == 0
        assert (await engine.ask(_address(7), Do("m", add=1))).reply == Done("m", 9)


async def test_residents_are_bounded(autojump_clock: MockClock) -> None:
    """A new actor takes the place of the longest unused idle one; the bound is never passed."""
    spec = toy_spec(bounds=Bounds(resident_max=4))
    async with (
        MemoryJournal.open() as journal,
        Engine(toy_parts(journal, actors=(spec,))).running() as engine,
    ):
        for key in (1, 2, 3, 4, 1, 5, 6):
            await engine.ask(_address(key), Do("m", add=1))
            assert engine.statistics().hosts[0].resident <= 4
        assert set(engine._hosts["toy"]._residents) == {"4", "1", "5", "6"}
        assert (await engine.ask(_address(2), Do("m", add=1))).reply == Done("m", 2)


async def test_no_room_is_overloaded(autojump_clock: MockClock) -> None:
    """When all residents are busy a further one is refused, and taken once there is room."""
    free = trio.Event()

    async def look(*_: object) -> int:
        await free.wait()
        return 0

    spec = toy_spec(bounds=Bounds(resident_max=2))
    spec.lookups[Look] = look
    async with (
        MemoryJournal.open() as journal,
        Engine(toy_parts(journal, actors=(spec,))).running() as engine,
        trio.open_nursery() as nursery,
    ):
        for key in (1, 2):
            nursery.start_soon(engine.ask, _address(key), Look("?"))
        await wait_all_tasks_blocked()
        with pytest.raises(Overloaded, match="resident"):
            await engine.ask(_address(3), Do("m"))
        free.set()
        await wait_all_tasks_blocked()
        assert (await engine.ask(_address(3), Do("m", add=1))).reply == Done("m", 1)


async def test_full_mailbox_is_overloaded(autojump_clock: MockClock, together: Together) -> None:
    """The mailbox is bounded: beyond it an ask is refused at once and changed nothing."""
    spec = toy_spec(bounds=Bounds(mailbox_max=4))
    async with (
        MemoryJournal.open() as journal,
        Engine(toy_parts(journal, actors=(spec,))).running() as engine,
    ):
        with pytest.raises(Overloaded, match="mailbox full"):
            await together(engine, _address(1), [Do(f"m{n}", add=1) for n in range(5)])
        assert await engine.quiesce(5)
        assert (await engine.ask(_address(1), Do("m"))).reply == Done("m", 4)


async def test_unknown_kind_is_the_callers_bug(autojump_clock: MockClock) -> None:
    """Asking or telling a kind that nobody declared is refused, not kept as a row for ever."""
    tables = MemoryTables()
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal)).running() as engine,
    ):
        with pytest.raises(UnknownAddress):
            await engine.ask(Address("nobody", "1"), Do("m"))
        with pytest.raises(UnknownAddress):
            await engine.tell(Address("nobody", "1"), Do("m"))
    assert not tables.messages


STEPS = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7), st.integers(0, 3)), max_size=60)


@given(STEPS, st.integers(1, 3), st.integers(1, 3))
def test_passivation_under_load_loses_nothing(
    steps: list[tuple[int, int, int]], resident_max: int, mailbox_max: int
) -> None:
    """Eight actors, room for three: whatever is taken takes effect once, in the order of asking and
    sending, however often actors are moved out of memory in between.
    """
    tables = MemoryTables()
    taken: dict[str, list[str]] = {str(key): [] for key in range(8)}
    sent: dict[tuple[str, str], list[str]] = {}

    async def ask(engine: Engine, index: int, source: int, target: int) -> None:
        label = f"{source}.{index}"
        message = Do(label, send=(Send("toy", str(target), Do(f"to {label}")),))
        try:
            await engine.ask(_address(source), message)
        except Overloaded:
            return
        taken[str(source)].append(label)
        sent.setdefault((str(source), str(target)), []).append(f"to {label}")

    async def play() -> None:
        bounds = Bounds(resident_max=resident_max, mailbox_max=mailbox_max, idle_ms=1000)
        async with (
            MemoryJournal.open(tables, batch_decisions_max=3) as journal,
            Engine(toy_parts(journal, actors=(toy_spec(bounds=bounds),))).running() as engine,
        ):
            async with trio.open_nursery() as nursery:
                for index, (source, target, pause) in enumerate(steps):
                    nursery.start_soon(ask, engine, index, source, target)
                    for _ in range(pause):
                        await trio.lowlevel.checkpoint()
                    if pause == 3:
                        await trio.sleep(0.9)
            assert await engine.quiesce(60)
            figures = engine.statistics()
            assert figures.hosts[0].resident <= resident_max
            assert figures.delivery.stranded_total == 0
            assert (figures.delivery.held, figures.delivery.backlogged_rows) == (0, 0)

    trio.run(play, clock=MockClock(autojump_threshold=0))
    assert not tables.messages
    seen = {key.key: _seen(tables, key) for key in tables.actors}
    for key, labels in taken.items():
        own = [label for label in seen.get(key, []) if not label.startswith("to ")]
        assert sorted(own) == sorted(labels)
    for (source, target), labels in sent.items():
        got = [x for x in seen[target] if x.startswith(f"to {source}.")]
        # In the order in which the source decided to send them, each exactly once.
        order = [f"to {x}" for x in seen[source] if f"to {x}" in labels]
        assert got == order
        assert sorted(got) == sorted(labels)


def _seen(tables: MemoryTables, address: Address) -> list[str]:
    return list(msgspec.json.decode(tables.actors[address][2], type=Toy).seen)
