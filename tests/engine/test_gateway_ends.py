"""Ends of calls that are easily forgotten: a probe that is told no, a call replaced on its way.

Each was a safeguard that no test missed when it was taken away (tests/mutation).
Source: design.md 3 and 6; spec.md S65.
"""

import trio
from trio.testing import MockClock

from comptoir.engine.engine import Engine
from comptoir.engine.gateway_spec import GatewayBounds
from comptoir.engine.spec import BreakerBounds
from comptoir.engine.toys import Call, Do, Party, Send, toy_parts
from comptoir.engine.values import Address
from comptoir.storage.testing import MemoryJournal, MemoryTables

A = Address("toy", "a")


async def test_probe_that_is_told_no_closes_the_breaker(autojump_clock: MockClock) -> None:
    """S65, E5: a party that answers is there, though it says no: what was parked goes out at once,
    not after one more recovery time for each no.
    """
    party = Party({f"s{n}": ["sick"] for n in range(2)} | {"w0": ["no"]})
    bounds = GatewayBounds(calls_max=1, breaker=BreakerBounds(2, 10_000, 30_000))
    async with (
        MemoryJournal.open() as journal,
        Engine(toy_parts(journal, party.gateway(bounds))).running() as engine,
    ):
        await engine.ask(A, Do("m", send=tuple(Send("party", "", Call(f"s{n}")) for n in range(2))))
        await party.wait_calls(2)
        party.script |= {"s0": ["no"], "s1": ["no"]}
        await engine.ask(A, Do("n", send=(Send("party", "", Call("w0")),)))
        await trio.sleep(45)
        assert len(party.calls) == 5
        assert engine.statistics().gateways[0].breaker == "closed"


async def test_call_replaced_while_under_way_is_held_no_longer(autojump_clock: MockClock) -> None:
    """A named call that was set again while it was under way is gone when it comes back: its row is
    forgotten, and nothing of it is kept in memory for ever.
    """
    tables, party = MemoryTables(), Party({"r1": ["gate"]})
    gateway = party.gateway(GatewayBounds(deadline_s=60.0))
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal, gateway)).running() as engine,
    ):
        await engine.ask(A, Do("m", send=(Send("party", "", Call("r1"), name="n"),)))
        await party.wait_calls(1)
        await engine.ask(A, Do("n", send=(Send("party", "", Call("r2"), name="n"),)))
        await party.wait_calls(2)
        party.gate.set()
        await trio.sleep(5)
        assert engine.statistics().delivery.held == 0
    assert not tables.messages
