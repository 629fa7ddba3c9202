"""Supervision under fire: each part crashed a thousand times, beside siblings that must not notice.

Held in every test: the siblings' answers are exact and in order throughout and none of them is an
error; at the end nothing due is left, nothing is stranded, and no task is left over.
Source: issue 3, deliver 6; design.md 5 (Supervision); invariants 1, 2, 5.
"""

# pyright: reportPrivateUsage=false

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from comptoir.engine.engine import Engine
from comptoir.engine.errors import Failed, Overloaded, Stopping, Suspended
from comptoir.engine.hosting import CRASH_MEMORY_MAX, SUSPENDED_MAX
from comptoir.engine.journal import Decided
from comptoir.engine.spec import Bounds, BreakerBounds, Intensity
from comptoir.engine.toys import Do, Done, Look, Send, Toy, toy_spec
from comptoir.engine.values import Address
from comptoir.storage.testing import MemoryTables

StateOf = Callable[[MemoryTables, Address], Toy]
Fire = Callable[..., AbstractAsyncContextManager[Engine]]
Metric = Callable[[Engine, str], float]

CRASHES = 1000
ENDLESS = Intensity(restarts=10**6)
CALM = Bounds(intensity=ENDLESS, breaker=BreakerBounds(10**6))
A = Address("toy", "a")


class Bug(Exception):
    """What only a bug would raise."""


# Actors.


@pytest.mark.parametrize("message", [Do("x", crash="always"), Look("x", crash=True)])
async def test_decisions_and_look_ups_crashed_a_thousand_times(
    autojump_clock: MockClock, state_of: StateOf, message: Do | Look, fire: Fire, metric: Metric
) -> None:
    """Design.md 5: a crash hurts its own message; the actor itself goes on between the crashes."""
    tables = MemoryTables()
    async with fire(tables) as engine:
        for number in range(CRASHES // 2):
            with pytest.raises(Failed):
                await engine.ask(A, message)
            if number % 50 == 0:
                await engine.ask(A, Do(f"good {number}", add=1))
        assert metric(engine, 'comptoir_actor_restarts_total{kind="toy"}') == CRASHES
        assert len(engine._hosts["toy"]._crashes) == 1
    assert state_of(tables, A).total == 10
    letters = [row for row in tables.messages.values() if row.kind == "dead"]
    assert len(letters) == CRASHES // 2
    assert {row.code for row in letters} == {"MACHINE_CRASHED"}


async def test_intensity_suspends_only_those_that_crash(
    autojump_clock: MockClock, fire: Fire
) -> None:
    """Design.md 5: so many actors crash until they are suspended, each alone; the readiness says so
    and stays ready; resumed, they work.
    """
    tables = MemoryTables()
    bounds = Bounds(intensity=Intensity(restarts=5), breaker=BreakerBounds(10**6))
    sick = [Address("toy", f"sick-{n}") for n in range(CRASHES // 6 + 1)]
    async with fire(tables, actors=(toy_spec(bounds=bounds),)) as engine:
        for address in sick:
            for _ in range(3):
                with pytest.raises(Failed):
                    await engine.ask(address, Do("x", crash="always"))
            with pytest.raises(Suspended):
                await engine.ask(address, Do("y"))
        host = engine.statistics().hosts[0]
        assert host.restarts_total >= CRASHES
        assert host.suspended == tuple(address.key for address in sick)
        health = engine.health()
        assert health.checks["actors.toy"] == f"{len(sick)} suspended"
        assert health.status == "ready"
        for address in sick:
            assert engine.resume(address)
            assert (await engine.ask(address, Do("z", add=1))).reply == Done("z", 1)
        assert "actors.toy" not in engine.health().checks


async def test_memory_of_crashes_is_bounded(autojump_clock: MockClock, fire: Fire) -> None:
    """Design.md 5, nothing is unbounded: beyond the bound the oldest suspended actor is let go."""
    tables = MemoryTables()
    bounds = Bounds(intensity=Intensity(restarts=1), breaker=BreakerBounds(10**6), resident_max=50)
    async with fire(tables, actors=(toy_spec(bounds=bounds),)) as engine:
        for number in range(SUSPENDED_MAX + 50):
            with pytest.raises(Failed):
                await engine.ask(Address("toy", f"sick-{number}"), Do("x", crash="always"))
        host = engine._hosts["toy"]
        assert len(host._suspended) == SUSPENDED_MAX
        assert len(host._crashes) <= CRASH_MEMORY_MAX
        assert len(host._residents) <= 50
        await engine.ask(Address("toy", "sick-0"), Do("y"))


async def test_measure_crashed_a_thousand_times(
    autojump_clock: MockClock, state_of: StateOf, fire: Fire
) -> None:
    """A metric's callback that always raises keeps nobody from an answer or from a message."""
    tables = MemoryTables()

    def measure(_decided: Decided) -> None:
        raise Bug

    async with fire(tables, actors=(toy_spec(bounds=CALM, measure=measure),)) as engine:
        for number in range(CRASHES // 10):
            sends = tuple(Send("toy", "a", Do(f"{number}.{n}", add=1)) for n in range(9))
            await engine.ask(Address("toy", "b"), Do("m", send=sends))
        assert await engine.quiesce(60)
    assert state_of(tables, A).total == CRASHES // 10 * 9


async def test_upgrades_crashed_a_thousand_times(autojump_clock: MockClock, fire: Fire) -> None:
    """A state that cannot be upgraded suspends its actor, and is untouched when that is mended."""
    tables = MemoryTables()
    sick = [Address("toy", f"old-{n}") for n in range(CRASHES // 6 + 1)]
    for address in sick:
        tables.actors[address] = (7, 1, b'{"phase":"used","sum":41}', 0)
    mended = False
    crashed = 0

    def upgrade(raw: dict[str, Any]) -> dict[str, Any]:
        nonlocal crashed
        if not mended:
            crashed += 1
            raise Bug
        return {"phase": raw["phase"], "total": raw["sum"]}

    bounds = Bounds(intensity=Intensity(restarts=5), breaker=BreakerBounds(10**6))
    spec = toy_spec(bounds=bounds, schema=2, upgrades={1: upgrade})
    async with fire(tables, actors=(spec,)) as engine:
        for address in sick:
            for _ in range(6):
                with pytest.raises(Failed):
                    await engine.ask(address, Do("x", add=1))
            with pytest.raises(Suspended):
                await engine.ask(address, Do("x", add=1))
        assert crashed >= CRASHES
        assert {tables.actors[address][0] for address in sick} == {7}
        mended = True
        for address in sick:
            assert engine.resume(address)
            assert (await engine.ask(address, Do("x", add=1))).reply == Done("x", 42)


async def test_the_supervisor_of_a_kind_crashed_a_thousand_times(
    autojump_clock: MockClock, state_of: StateOf, fire: Fire
) -> None:
    """Actors of other kinds notice nothing; those of its own give back what they had in hand, once
    each, and their askers hear "try again" and nothing else.
    """
    tables = MemoryTables()
    other = toy_spec("other", bounds=CALM)
    async with fire(tables, actors=(toy_spec(bounds=CALM), other)) as engine:
        host = engine._hosts["other"]

        async def crash() -> None:
            await trio.lowlevel.checkpoint()
            raise Bug

        sent = heard = 0
        restarts = 0
        while restarts < CRASHES:
            sends = tuple(Send("other", "b", Do(f"{sent}.{n}", add=1)) for n in range(3))
            await engine.ask(A, Do("m", quiet=True, send=sends))
            sent += 3
            if host._nursery is not None:
                host._nursery.start_soon(crash)
            try:
                await engine.ask(Address("other", "c"), Do("x", quiet=True))
            except (Stopping, Overloaded):
                heard += 1
            await trio.sleep(0.1)
            (restarts,) = (
                child.restarts_total
                for child in engine.statistics().children
                if child.id == "actors other"
            )
        assert "lately" in engine.health().checks["crashes.actors.other"]
        assert heard > 0
        assert await engine.quiesce(600)
    assert state_of(tables, Address("other", "b")).total == sent
    assert _in_order(state_of(tables, Address("other", "b")).seen)


def _in_order(labels: Sequence[str]) -> bool:
    keys = [tuple(map(int, label.split("."))) for label in labels]
    return keys == sorted(set(keys))
