"""What the engine's tests share: asking many things in one step, and looking at what is durable."""

# pyright: reportPrivateUsage=false
# Faults are planted, and rows are looked at, where no public door leads.

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import msgspec
import pytest
import trio

from comptoir.engine import reference, supervisor
from comptoir.engine.engine import Engine
from comptoir.engine.envelope import Answer
from comptoir.engine.errors import EngineError
from comptoir.engine.parts import EngineBounds, Parts
from comptoir.engine.reference import ReferenceSpec
from comptoir.engine.spec import ActorSpec, Bounds, BreakerBounds, Intensity
from comptoir.engine.telemetry import Telemetry
from comptoir.engine.toys import Do, Done, Phase, Toy, toy_parts, toy_spec
from comptoir.engine.values import Address, Message
from comptoir.engine.waiter import Waiter
from comptoir.storage.testing import MemoryJournal, MemoryTables

Together = Callable[[Engine, Address, Sequence[Message]], Awaitable[list[Answer | EngineError]]]
StateOf = Callable[[MemoryTables, Address], Toy]


@pytest.fixture
def together() -> Together:
    """Ask all of these in one step, in this order, and wait for all answers and errors."""

    async def ask(
        engine: Engine, address: Address, messages: Sequence[Message]
    ) -> list[Answer | EngineError]:
        waiters = [Waiter[Answer]() for _ in messages]
        for waiter, message in zip(waiters, messages, strict=True):
            engine._hosts[address.kind].ask(address, message, waiter)
        answers: list[Answer | EngineError] = []
        for waiter in waiters:
            try:
                answers.append(await waiter.wait())
            except EngineError as error:
                answers.append(error)
        return answers

    return ask


@pytest.fixture
def state_of() -> StateOf:
    """The durable state of a toy."""

    def read(tables: MemoryTables, address: Address) -> Toy:
        row = tables.actors.get(address)
        return Toy(Phase.NEW) if row is None else msgspec.json.decode(row[2], type=Toy)

    return read


# Under fire: an engine with siblings at work in it.

ENDLESS = Intensity(restarts=10**6)
CALM = Bounds(intensity=ENDLESS, breaker=BreakerBounds(10**6))
PATIENT = EngineBounds(intensity=ENDLESS)
SIBLINGS = tuple(Address("toy", f"sibling-{n}") for n in range(4))


class Siblings:
    """Actors of the same kind, asked all the while."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.totals = dict.fromkeys(SIBLINGS, 0)
        self.over = False

    async def ask(self, address: Address) -> None:
        """Ask one of them until it is over: each answer is the next sum, and never an error."""
        while not self.over:
            answer = await self.engine.ask(address, Do(f"{self.totals[address]}", add=1))
            self.totals[address] += 1
            assert answer.reply == Done(f"{self.totals[address] - 1}", self.totals[address])
            await trio.sleep(0.5 + self.totals[address] / 10)  # its state grows with each


@asynccontextmanager
async def _fire(
    tables: MemoryTables,
    *,
    actors: Sequence[ActorSpec[Any]] | None = None,
    journal: MemoryJournal | None = None,
    bounds: EngineBounds = PATIENT,
    references: Sequence[ReferenceSpec] = (),
) -> AsyncGenerator[Engine]:
    """An engine with siblings at work in it; holds at the end what this module promises."""
    tasks = trio.lowlevel.current_statistics().tasks_living
    own = journal or MemoryJournal(tables)
    calm = (toy_spec(bounds=CALM),)
    made = toy_parts(own, actors=calm if actors is None else actors, bounds=bounds)
    parts = Parts(own, made.clock, made.actors, made.gateways, references, {}, bounds)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(own.run)
        try:
            async with Engine(parts).running() as engine:
                siblings = Siblings(engine)
                async with trio.open_nursery() as asking:
                    for address in SIBLINGS:
                        asking.start_soon(siblings.ask, address)
                    yield engine
                    siblings.over = True
                assert await engine.quiesce(60)
                figures = engine.statistics().delivery
                assert (figures.stranded_total, figures.held, figures.backlogged_rows) == (0, 0, 0)
                assert engine.health().status == "ready"
        finally:
            own.stop()
    assert trio.lowlevel.current_statistics().tasks_living == tasks
    assert all(count > 0 for count in siblings.totals.values())
    for address, total in siblings.totals.items():
        version, _, state, _ = tables.actors[address]
        assert version == total
        assert f'"total":{total},'.encode() in state


@pytest.fixture
def fire(monkeypatch: pytest.MonkeyPatch) -> Callable[..., AbstractAsyncContextManager[Engine]]:
    """An engine with siblings at work in it; at the end it holds what supervision promises.

    The pauses after crashes are short: a thousand of them would be hours of virtual time.
    """
    monkeypatch.setattr(supervisor, "PAUSE_S_MAX", 0.1)
    monkeypatch.setattr(reference, "RETRY_S_MAX", 1.0)
    return _fire


@pytest.fixture
def metric() -> Callable[[Engine, str], float]:
    """The value of one metric, as scraped."""
    return _metric


def _metric(engine: Engine, name: str) -> float:
    telemetry = Telemetry()
    telemetry.engine.statistics = engine.statistics
    (value,) = (
        line.rpartition(" ")[2]
        for line in telemetry.text().decode().splitlines()
        if line.startswith(f"{name} ")
    )
    return float(value)
