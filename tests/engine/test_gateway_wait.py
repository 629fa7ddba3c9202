"""A party that says when to come again is not called before (S63): the longer of its word and the schedule."""

import pytest
import trio
from trio.testing import MockClock

from comptoir.engine.engine import Engine
from comptoir.engine.gateway_spec import (
    CallContext,
    CallFault,
    GatewayBounds,
    GatewaySpec,
    Operation,
)
from comptoir.engine.spec import BreakerBounds
from comptoir.engine.toys import Call, Do, Send, toy_parts
from comptoir.engine.values import Address
from comptoir.storage.testing import MemoryJournal, MemoryTables

CALM = BreakerBounds(errors=1000)
A = Address("toy", "a")


@pytest.mark.parametrize(("wait_ms", "seconds"), [(0, 1), (500, 1), (30_000, 30)])
async def test_a_party_that_asks_for_time_is_not_called_before(
    autojump_clock: MockClock, wait_ms: int, seconds: int
) -> None:
    """S63, X18: at least as long as the schedule says, and as long as the party asks for."""
    called: list[float] = []
    twice = trio.Event()

    async def call(_message: Call, _context: CallContext) -> None:
        called.append(trio.current_time())
        if len(called) == 1:
            raise CallFault("BUSY", retryable=True, wait_ms=wait_ms)
        twice.set()

    operation = Operation(call, lambda message: f"party:{message.reference}")
    gateway = GatewaySpec("party", {Call: operation}, GatewayBounds(breaker=CALM))
    async with (
        MemoryJournal.open(MemoryTables()) as journal,
        Engine(toy_parts(journal, gateway)).running() as engine,
    ):
        await engine.ask(A, Do("m", send=(Send("party", "", Call("r1")),)))
        with trio.fail_after(120):
            await twice.wait()
    assert seconds <= called[1] - called[0] < seconds + 2


async def test_a_look_up_waits_as_long_as_it_is_asked_to(autojump_clock: MockClock) -> None:
    """Issue 9, ADR 0053: what became of a call is not asked for before the party's limit is over either."""
    del autojump_clock
    looked: list[float] = []
    twice = trio.Event()

    async def call(_message: Call, _context: CallContext) -> None:
        raise CallFault("LOST", retryable=True)

    async def look_up(_message: Call, _context: CallContext) -> Do:
        looked.append(trio.current_time())
        if len(looked) == 1:
            raise CallFault("BUSY", retryable=True, sick=False, wait_ms=30_000)
        twice.set()
        return Do("found")

    operation = Operation(
        call, lambda message: message.reference, idempotent=False, look_up=look_up
    )
    gateway = GatewaySpec("party", {Call: operation}, GatewayBounds(breaker=CALM))
    async with (
        MemoryJournal.open(MemoryTables()) as journal,
        Engine(toy_parts(journal, gateway)).running() as engine,
    ):
        await engine.ask(A, Do("m", send=(Send("party", "", Call("r1")),)))
        with trio.fail_after(120):
            await twice.wait()
    assert looked[1] - looked[0] >= 30
