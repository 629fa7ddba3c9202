"""Reading under fire: loads, delivery, snapshots, subscribers, crashed a thousand times each.

Held in every test: the siblings' answers are exact and in order throughout and none of them is an
error; at the end nothing due is left, nothing is stranded, and no task is left over.
Source: issue 3, deliver 6; design.md 5 (Supervision); invariants 1, 2, 5.
"""

# pyright: reportPrivateUsage=false

import random
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from comptoir.engine.engine import Engine
from comptoir.engine.errors import Failed
from comptoir.engine.journal import Journal, Loaded
from comptoir.engine.parts import EngineBounds
from comptoir.engine.reference import ReferenceSpec
from comptoir.engine.spec import Bounds, BreakerBounds, Intensity
from comptoir.engine.toys import Do, Send, Toy, toy_spec
from comptoir.engine.values import Address
from comptoir.storage.testing import MemoryJournal, MemoryTables

StateOf = Callable[[MemoryTables, Address], Toy]
Fire = Callable[..., AbstractAsyncContextManager[Engine]]
Metric = Callable[[Engine, str], float]

CRASHES = 1000
ENDLESS = Intensity(restarts=10**6)
CALM = Bounds(intensity=ENDLESS, breaker=BreakerBounds(10**6))
A = Address("toy", "a")


class Bug(Exception):
    """What only a bug would raise."""


def _in_order(labels: Sequence[str]) -> bool:
    keys = [tuple(map(int, label.split("."))) for label in labels]
    return keys == sorted(set(keys))


class Unreadable(MemoryJournal):
    """A journal whose reads crash for as long as they are told to."""

    broken: Callable[[str, Any], bool] | None = None
    crashed = 0

    def _strike(self, what: str, about: Any = None) -> None:
        if self.broken is not None and self.broken(what, about):
            self.crashed += 1
            raise Bug(what)

    async def load(self, address: Address) -> Loaded | None:
        self._strike("load", address)
        return await super().load(address)

    async def pending(self, target: Address, limit: int, now: int) -> Any:
        found = await super().pending(target, limit, now)
        self._strike("pending", target)
        return found

    async def backlog(self, now: int, limit: int) -> Any:
        self._strike("backlog")
        return await super().backlog(now, limit)

    async def due_timers(self, now: int, after: int, limit: int) -> Any:
        found = await super().due_timers(now, after, limit)
        self._strike("due_timers")
        return found

    async def next_due(self, now: int) -> int | None:
        found = await super().next_due(now)
        self._strike("next_due")
        return found


async def test_loads_crashed_a_thousand_times(
    autojump_clock: MockClock, state_of: StateOf, fire: Fire
) -> None:
    """An actor whose state cannot be loaded fails its askers, alone; healed, it is what it was."""
    tables = MemoryTables()
    journal = Unreadable(tables)
    bounds = Bounds(intensity=ENDLESS, breaker=BreakerBounds(10**6), idle_ms=1)
    async with fire(tables, actors=(toy_spec(bounds=bounds),), journal=journal) as engine:
        await engine.ask(A, Do("first", add=1))
        await trio.sleep(5)  # it leaves memory
        journal.broken = lambda what, about: what == "load" and about == A
        for _ in range(CRASHES):
            with pytest.raises(Failed):
                await engine.ask(A, Do("lost"))
        assert engine.statistics().hosts[0].restarts_total == journal.crashed == CRASHES
        journal.broken = None
        await engine.ask(A, Do("second", add=1))
    assert state_of(tables, A).seen == ("first", "second")


# Delivery.


async def test_delivery_crashed_a_thousand_times(
    autojump_clock: MockClock, state_of: StateOf, fire: Fire, metric: Metric
) -> None:
    """Pump, timers and sweep over a journal whose reads crash half of the time: every message arrives
    once and in order, no row is stranded, and the daemon lives.
    """
    tables = MemoryTables()
    journal = Unreadable(tables)
    rng = random.Random(3)
    small = Bounds(mailbox_max=2, intensity=ENDLESS, breaker=BreakerBounds(10**6))
    bounds = EngineBounds(sweep_s=1.0, pending_rows_max=10**6)  # the default intensity
    async with fire(
        tables, actors=(toy_spec(bounds=small),), journal=journal, bounds=bounds
    ) as engine:
        journal.broken = lambda what, _about: what != "load" and rng.random() < 0.5
        number = 0
        while journal.crashed < CRASHES:
            at_once = tuple(Send("toy", "b", Do(f"{number}.{n}")) for n in range(5))
            late = (Send("toy", f"late-{number}", Do("x"), due_in_ms=rng.randrange(1, 3000)),)
            await engine.ask(A, Do("m", quiet=True, send=at_once + late))
            number += 1
            await trio.sleep(0.2)
        delivery = engine.statistics().delivery
        assert delivery.crashes_total == journal.crashed
        assert metric(engine, 'comptoir_crashes_total{part="delivery"}') == journal.crashed
        assert engine.health().checks["crashes.delivery"].endswith("lately")
        assert all(child.restarts_total == 0 for child in engine.statistics().children)
        journal.broken = None
        await trio.sleep(10)
    seen = state_of(tables, Address("toy", "b")).seen
    assert len(seen) == number * 5
    assert _in_order(seen)
    for timer in range(number):
        assert state_of(tables, Address("toy", f"late-{timer}")).seen == ("x",)


# Snapshots and subscribers.


class Version:
    """A snapshot: only its version is of interest."""

    version = 0


async def test_a_snapshot_crashed_a_thousand_times(autojump_clock: MockClock, fire: Fire) -> None:
    """While its building crashes the last snapshot stands, which the readiness shows; when it works
    again it shows what was committed last.
    """
    tables = MemoryTables()
    state = {"broken": False, "crashed": 0}

    async def build(journal: Journal) -> Version:
        loaded = await journal.load(A)
        if state["broken"]:
            state["crashed"] += 1
            raise Bug
        snapshot = Version()
        snapshot.version = loaded.version if loaded else 0
        return snapshot

    spec = ReferenceSpec("catalogue", "toy", build)
    async with fire(tables, references=(spec,), bounds=EngineBounds()) as engine:
        await engine.ask(A, Do("x"))
        await engine.wait_reference("catalogue", 1)
        state["broken"] = True
        await engine.ask(A, Do("y"))
        while state["crashed"] < CRASHES:
            await trio.sleep(10)
            assert engine.references["catalogue"].version == 1
        assert "builds crashed" in engine.health().checks["reference.catalogue"]
        assert engine.statistics().references[0].crashes_total == state["crashed"]
        state["broken"] = False
        with trio.fail_after(60):
            await engine.wait_reference("catalogue", 2)
        assert "reference.catalogue" not in engine.health().checks


async def test_subscribers_crashed_a_thousand_times(autojump_clock: MockClock, fire: Fire) -> None:
    """A subscriber that crashes over an event hurts no other; started again it goes on after it."""
    tables = MemoryTables()
    async with fire(tables) as engine:
        numbers: list[int] = []

        async def read_one() -> None:
            async with aclosing(engine.events(after=len(numbers))) as events:
                async for event in events:
                    numbers.append(event.number)
                    raise Bug

        while len(numbers) < CRASHES:
            try:
                await read_one()
            except Bug:
                continue
        assert numbers == list(range(1, CRASHES + 1))
