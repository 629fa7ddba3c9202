"""Gateways and chores under fire, and what climbs: crashed a thousand times each.

Held: an idempotent call is answered once whatever crashed around it; a confirm-first call reaches its
party at most once, and ends in its answer or held for a person; and no task is left over.
Source: issue 3, deliver 6; design.md 5, 6; invariants 1, 4, 6.
"""

# pyright: reportPrivateUsage=false

import random
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
import trio
from trio.testing import MockClock

from comptoir.engine import supervisor
from comptoir.engine.clock import BusinessClock
from comptoir.engine.engine import Engine
from comptoir.engine.failures import failure_of
from comptoir.engine.gateway_spec import CallContext, GatewayBounds, GatewaySpec, Operation
from comptoir.engine.housekeeping import Housekeeping
from comptoir.engine.parts import EngineBounds
from comptoir.engine.spec import Bounds, BreakerBounds, Intensity
from comptoir.engine.supervisor import ChildSpec, Supervisor, TooManyRestarts
from comptoir.engine.telemetry import Telemetry
from comptoir.engine.toys import Call, Do, Party, Send, Toy, toy_parts, toy_spec
from comptoir.engine.values import Address, Message
from comptoir.storage.testing import MemoryJournal, MemoryTables

StateOf = Callable[[MemoryTables, Address], Toy]

CRASHES = 1000
ENDLESS = Intensity(restarts=10**6)
PATIENT = EngineBounds(intensity=ENDLESS)
CALLS = GatewayBounds(deadline_s=4.0, calls_max=8, breaker=BreakerBounds(10**6))
A = Address("toy", "a")


class Bug(Exception):
    """What only a bug would raise."""


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the pauses after crashes: a thousand of them would be hours of virtual time."""
    monkeypatch.setattr(supervisor, "PAUSE_S_MAX", 0.1)


@asynccontextmanager
async def _engine(
    tables: MemoryTables, *gateways: GatewaySpec, bounds: EngineBounds = PATIENT
) -> AsyncGenerator[Engine]:
    """An engine of toys; at the end nothing is left of it."""
    tasks = trio.lowlevel.current_statistics().tasks_living
    toys = toy_spec(bounds=Bounds(intensity=ENDLESS, breaker=BreakerBounds(10**6)))
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal, *gateways, actors=(toy_spec("other"), toys), bounds=bounds))
        .running() as engine,
    ):  # fmt: skip
        yield engine
        assert await engine.quiesce(60)
        figures = engine.statistics().delivery
        assert (figures.stranded_total, figures.held) == (0, 0)
        assert all(gateway.in_flight == 0 for gateway in engine.statistics().gateways)
    assert trio.lowlevel.current_statistics().tasks_living == tasks


def _ask_for(*references: str) -> Do:
    return Do("m", quiet=True, send=tuple(Send("party", "", Call(x)) for x in references))


async def test_adapter_crashed_a_thousand_times(
    autojump_clock: MockClock, state_of: StateOf
) -> None:
    """A bug in an adapter is a fault of its own calls: they are retried and given up, each asker hears
    so once, and the calls between them are answered.
    """
    sick = [f"sick{n}" for n in range(CRASHES // 4)]
    well = [f"well{n}" for n in range(CRASHES // 4)]
    tables, party = MemoryTables(), Party({name: ["crash"] * 4 for name in sick})
    async with _engine(tables, party.gateway(CALLS)) as engine:
        for one, other in zip(sick, well, strict=True):
            await engine.ask(A, _ask_for(one, other))
        await trio.sleep(60)
        figures = engine.statistics().gateways[0]
        assert (figures.failures_total, figures.dead_total) == (CRASHES, len(sick))
    seen = Counter(state_of(tables, A).seen)
    assert seen == Counter(
        [f"answered {x}" for x in well] + [f"failed {x} ADAPTER_CRASHED" for x in sick]
    )


@pytest.mark.parametrize("part", ["business_key", "failed"])
async def test_declaration_crashed_a_thousand_times(
    autojump_clock: MockClock, state_of: StateOf, part: str
) -> None:
    """A bug in what declares an operation makes a dead letter of its own call, and of no other."""

    def crash_on_sick(message: Call, _code: str = "") -> Any:
        if message.reference.startswith("sick"):
            raise Bug
        return message.reference

    party = Party({f"sick{n}": ["no"] for n in range(CRASHES)})
    operation = Operation(
        party.call,
        crash_on_sick if part == "business_key" else lambda message: message.reference,
        failed=crash_on_sick if part == "failed" else lambda _message, _code: None,
    )
    tables = MemoryTables()
    async with _engine(tables, GatewaySpec("party", {Call: operation}, CALLS)) as engine:
        for n in range(CRASHES):
            await engine.ask(A, _ask_for(f"sick{n}", *([f"well{n}"] if n % 10 == 0 else [])))
        assert await engine.quiesce(60)
        letters = await engine.journal.dead_letters(None, 10 * CRASHES)
        assert engine.statistics().gateways[0].in_flight == 0
    assert Counter(letter.code for letter in letters) == {"ADAPTER_CRASHED": CRASHES}
    assert Counter(state_of(tables, A).seen) == Counter(
        f"answered well{n}" for n in range(0, CRASHES, 10)
    )


async def test_looking_up_crashed_a_thousand_times(autojump_clock: MockClock) -> None:
    """Confirm-first: a bug in looking up holds the call for a person; it is never sent again."""
    names = [f"c{n}" for n in range(CRASHES // 4)]
    tables, party = MemoryTables(), Party({name: ["sick"] * 9 for name in names})
    party.lookups = {name: ["crash"] * 9 for name in names}
    async with _engine(tables, party.gateway(CALLS, confirm=True)) as engine:
        for name in names:
            await engine.ask(A, _ask_for(name))
        await trio.sleep(120)
        letters = await engine.journal.dead_letters("hold", 10 * CRASHES)
        assert len(party.looked_up) == CRASHES
    assert len(letters) == len(names)
    assert Counter(reference for reference, _, _ in party.calls) == dict.fromkeys(names, 1)


class Slow(Party):
    """A party that takes its time, from a seed, and has done it when the call has begun."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__()
        self.rng = rng

    async def call(self, message: Call, context: CallContext) -> Message | None:
        """One call."""
        self.calls.append((message.reference, context.business_key, context.attempt))
        await trio.sleep(self.rng.uniform(0, 0.05))
        return Do(f"answered {message.reference}")


@pytest.mark.parametrize("confirm", [False, True])
async def test_a_gateway_crashed_a_thousand_times(
    autojump_clock: MockClock, state_of: StateOf, confirm: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gateway itself crashes and is started again, with calls in hand: idempotent ones are made
    again and answered once; confirm-first ones reach the party at most once, and are looked up.
    """
    rng = random.Random(7)
    tables, party = MemoryTables(), Slow(rng)
    narrow = msgspec.structs.replace(CALLS, calls_max=2)  # so that calls wait when it crashes
    async with _engine(tables, party.gateway(narrow, confirm=confirm)) as engine:
        gateway = engine._gateways["party"]
        release = gateway._release_when_due
        crashed = 0

        async def crash_soon() -> None:
            nonlocal crashed
            if crashed >= CRASHES:
                await release()
            await trio.sleep(rng.uniform(0, 0.1))
            crashed += 1
            raise Bug

        monkeypatch.setattr(gateway, "_release_when_due", crash_soon)
        gateway.offer(object())  # type: ignore[arg-type]  # no row: it ends the first life
        names: list[str] = []
        while crashed < CRASHES:
            more = [f"c{len(names) + n}" for n in range(3)]
            names += more
            await engine.ask(A, _ask_for(*more))
            await engine.ask(Address("other", "b"), Do("x", quiet=True))
            await trio.sleep(rng.uniform(0, 1.5))
        (restarts,) = (
            child.restarts_total
            for child in engine.statistics().children
            if child.id == "gateway party"
        )
        assert restarts >= CRASHES - 1
        assert "lately" in engine.health().checks["crashes.gateway.party"]
        assert engine.health().status == "ready"
        await trio.sleep(600)
        letters = await engine.journal.dead_letters(None, 10 * CRASHES)
    made = Counter(reference for reference, _, _ in party.calls)
    heard = Counter(label.rpartition(" ")[2] for label in state_of(tables, A).seen)
    held = Counter(Call.__name__ for _ in letters)[Call.__name__]
    assert set(heard.values()) == {1}
    if confirm:
        assert set(made.values()) == {1}, "sent twice"
        assert party.looked_up
        assert {letter.queue for letter in letters} <= {"hold"}
        # Held are those that the party does not know: their task ended before their first byte.
        assert heard.keys() == made.keys()
        assert len(heard) + held == len(names)
    else:
        assert heard == dict.fromkeys(names, 1)
        assert max(made.values()) > 1
        assert not letters
        keys = {(reference, key) for reference, key, _ in party.calls}
        assert len(keys) == len(names), "the business key is stable"


async def test_chores_crashed_a_thousand_times(autojump_clock: MockClock) -> None:
    """Housekeeping that crashes at every turn is counted, and done when it can be done again."""
    tasks = trio.lowlevel.current_statistics().tasks_living
    telemetry = Telemetry()
    broken = True

    class Broken(MemoryJournal):
        async def count_pending(self, now: int) -> dict[tuple[str, str], int]:
            if broken:
                raise Bug
            return {("toy", "message"): 3}

        async def purge(self, now: int) -> int:
            raise Bug

    journal = Broken()
    chores = Housekeeping(
        journal, telemetry.engine, BusinessClock(), ("toy",), {"dead_letters": 10**12}
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(chores.run)
        while telemetry.engine.chores_crashed < CRASHES:  # noqa: ASYNC110 - virtual time
            await trio.sleep(10)
        assert telemetry.engine.pending == {}
        broken = False
        await trio.sleep(2)
        assert telemetry.engine.pending == {"toy": 3}
        nursery.cancel_scope.cancel()
    assert trio.lowlevel.current_statistics().tasks_living == tasks


async def test_beyond_the_intensity_the_failure_climbs(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child of the engine that crashes for half a minute without end ends the engine: one line, exit
    status 1, no task left over; a shorter trouble is survived.
    """
    monkeypatch.undo()
    tasks = trio.lowlevel.current_statistics().tasks_living
    seconds = 10.0
    lived: list[float] = []

    async def serve() -> None:
        party = Party()
        async with (
            MemoryJournal.open() as journal,
            Engine(toy_parts(journal, party.gateway())).running() as engine,
        ):
            began = trio.current_time()

            async def crash() -> None:
                if trio.current_time() - began > seconds:
                    await trio.sleep_forever()
                await trio.lowlevel.checkpoint()
                raise Bug

            monkeypatch.setattr(engine._gateways["party"], "_release_when_due", crash)
            engine._gateways["party"].offer(object())  # type: ignore[arg-type]  # as above
            try:
                await trio.sleep(300)
            finally:
                lived.append(trio.current_time() - began)

    await serve()
    seconds = 1000.0
    with pytest.RaisesGroup(TooManyRestarts, flatten_subgroups=True) as caught:
        await serve()
    assert lived[0] == 300.0
    assert 10 < lived[1] < 60
    (failure,) = failure_of(caught.value)
    assert failure.exit_status == 1
    assert failure.line().startswith(
        "comptoir: CRASHED_TOO_OFTEN: gateway party crashed more often"
    )
    assert trio.lowlevel.current_statistics().tasks_living == tasks


async def test_several_failures_at_once_are_one_line(autojump_clock: MockClock) -> None:
    """Two children beyond their intensity in the same step: both are in the group, one is the line."""
    tasks = trio.lowlevel.current_statistics().tasks_living

    async def crash() -> None:
        await trio.lowlevel.checkpoint()
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(_raise_shielded)

    supervised = Supervisor(
        (ChildSpec("one", crash), ChildSpec("two", crash)),
        Intensity(restarts=0),
        lambda: round(trio.current_time() * 1000),
    )
    with pytest.RaisesGroup(TooManyRestarts, TooManyRestarts) as caught:
        await supervised.run()
    assert {str(error).split()[0] for error in caught.value.exceptions} == {"one", "two"}
    for error in caught.value.exceptions:
        assert pytest.RaisesGroup(Bug, Bug, Bug).matches(error.__cause__)
    assert len(failure_of(caught.value)) == 1
    assert trio.lowlevel.current_statistics().tasks_living == tasks


async def _raise_shielded() -> None:
    """Not cancelled by the first of them."""
    await trio.lowlevel.cancel_shielded_checkpoint()
    raise Bug
