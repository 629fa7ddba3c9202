"""Parking: what an outage costs, and how the work that waited for its end is released (X18, E5)."""

from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import MockClock

from comptoir.engine.engine import Engine
from comptoir.engine.gateway_spec import PROBED, CallContext, GatewayBounds, GatewaySpec
from comptoir.engine.spec import BreakerBounds
from comptoir.engine.toys import Call, Do, Party, Send, Toy, toy_clock, toy_parts
from comptoir.engine.values import Address, Message
from comptoir.storage.testing import MemoryJournal, MemoryTables

StateOf = Callable[[MemoryTables, Address], Toy]

A = Address("toy", "a")
DAY_S = 86_400
FRAIL = BreakerBounds(errors=1, window_ms=10_000, recovery_ms=5_000)
RATE = 20
BOUNDS = GatewayBounds(breaker=FRAIL, release_per_s=float(RATE))


class Timed(Party):
    """A party that knows when it was called."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []

    async def call(self, message: Call, context: CallContext) -> Message | None:
        """One call."""
        self.times.append(trio.current_time())
        return await super().call(message, context)

    def busiest_second(self) -> int:
        """The most calls that began within a second."""
        return max(sum(at <= x < at + 1 for x in self.times) for at in self.times)


def _calls(*references: str) -> Do:
    return Do("m", quiet=True, send=tuple(Send("party", "", Call(name)) for name in references))


@asynccontextmanager
async def _engine(tables: MemoryTables, gateway: GatewaySpec) -> AsyncGenerator[Engine, None]:
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal, gateway, clock=toy_clock(manual=True))).running() as engine,
    ):
        yield engine
        assert engine.statistics().delivery.stranded_total == 0


async def _parked(engine: Engine) -> int:
    return (await engine.journal.count_pending(engine.now())).get(("party", "parked"), 0)


async def _fill(engine: Engine, party: Party, calls: int) -> None:
    """Open the breaker, and have so many calls parked."""
    party.script["first"] = ["sick"]
    await engine.ask(A, _calls("first"))
    await party.wait_calls(1)
    for start in range(0, calls, 20):
        await engine.ask(A, _calls(*(f"w{n}" for n in range(start, min(calls, start + 20)))))
    await trio.sleep(2)
    assert await _parked(engine) == calls + 1


async def test_what_was_parked_is_released_at_the_pace_to_the_last_call(
    autojump_clock: MockClock,
) -> None:
    """E5: far beyond a recovery time, no second has more calls than the pace; what waits is parked and
    counted until its turn, and each call is made once.
    """
    tables, party = MemoryTables(), Timed()
    async with _engine(tables, party.gateway(BOUNDS)) as engine:
        await _fill(engine, party, 600)
        party.times.clear()
        await party.wait_calls(2)
        for seconds in range(1, 25):
            await trio.sleep(1)
            assert abs(601 - RATE * seconds - await _parked(engine)) <= 2 * RATE
            assert await engine.quiesce(1), "what is parked is not due"
        await trio.sleep(20)
        assert await _parked(engine) == 0
        assert not await engine.journal.dead_letters(None, 10)
    assert not tables.messages
    assert party.busiest_second() <= RATE + 1
    made = Counter(reference for reference, _, _ in party.calls)
    assert made == Counter({"first": 2} | {f"w{n}": 1 for n in range(600)})


async def test_new_work_does_not_wait_behind_what_was_parked(autojump_clock: MockClock) -> None:
    """E5: once the party is well again, what is asked for now is done now, though thousands wait."""
    tables, party = MemoryTables(), Timed()
    async with _engine(tables, party.gateway(BOUNDS)) as engine:
        await _fill(engine, party, 600)
        await trio.sleep(12)
        assert await _parked(engine) > 300
        await engine.ask(A, _calls(*(f"new{n}" for n in range(50))))
        await trio.sleep(1)
        made = {reference for reference, _, _ in party.calls}
        assert {f"new{n}" for n in range(50)} <= made


async def test_an_outage_costs_the_call_that_probes_nothing(
    autojump_clock: MockClock, state_of: StateOf
) -> None:
    """X18: the one call that all probes of ten minutes are made with burns none of its attempts, and its
    story does not grow; when the party is back it is answered.
    """
    tables, party = MemoryTables(), Party({"alone": ["sick"] * 1000})
    async with _engine(tables, party.gateway(BOUNDS)) as engine:
        await engine.ask(A, _calls("alone"))
        await trio.sleep(600)
        assert len(party.calls) > 100
        (row,) = (row for row in tables.messages.values() if row.kind == "parked")
        assert [x.outcome for x in row.attempts] == ["PARTY_SICK", PROBED]
        party.script.clear()
        await trio.sleep(10)
        assert await engine.quiesce(1)
        assert not await engine.journal.dead_letters(None, 10)
    assert state_of(tables, A).seen == ("answered alone",)


@pytest.mark.parametrize("lives", [1, 4])
async def test_one_call_that_always_fails_keeps_the_party_from_nobody(
    autojump_clock: MockClock, state_of: StateOf, lives: int
) -> None:
    """S65, E5: a party that fails one request and answers all others is well: that call comes to its end, over restarts too,
    and the breaker is closed but for a recovery time or two.
    """
    bounds = GatewayBounds(breaker=BreakerBounds(errors=3, window_ms=60_000, recovery_ms=30_000))
    tables, party = MemoryTables(), Party({"poison": ["sick"] * 1000})
    away, codes = 0, list[str]()
    for life in range(lives):
        async with _engine(tables, party.gateway(bounds)) as engine:
            if life == 0:
                await engine.ask(A, _calls("poison"))
            for second in range(400 // lives):
                if second % 5 == 0:
                    await engine.ask(Address("toy", f"{life}-{second}"), _calls(f"{life}.{second}"))
                await trio.sleep(1)
                await engine.advance_clock(1)
                (seen,) = (one for one in engine.statistics().gateways if one.kind == "party")
                away += seen.breaker != "closed"
            codes = [one.code for one in await engine.journal.dead_letters("dlq:party", 10)]
    assert codes == ["PARTY_SICK"]
    assert state_of(tables, A).seen == ("failed poison PARTY_SICK",)
    assert len([name for name, _, _ in party.calls if name == "poison"]) <= 4 + lives
    assert away <= 61 * lives, "it may be the first probe as well"


async def test_a_call_that_nobody_ever_answers_ends(
    autojump_clock: MockClock, state_of: StateOf
) -> None:
    """Invariant 6: after thirty days of probes a call counts its attempts after all, and dies of them."""
    tables, party = MemoryTables(), Party({"never": ["sick"] * 1000})
    async with _engine(tables, party.gateway(BOUNDS)) as engine:
        await engine.ask(A, _calls("never"))
        await trio.sleep(60)
        await engine.advance_clock(31 * DAY_S)
        await trio.sleep(60)
        (letter,) = await engine.journal.dead_letters("dlq:party", 10)
        assert letter.code == "PARTY_SICK"
    assert state_of(tables, A).seen == ("failed never PARTY_SICK",)
    assert not [row for row in tables.messages.values() if row.kind != "dead"]


@pytest.mark.parametrize("seconds", [0.5, 3.0])
async def test_an_outage_in_the_middle_of_the_release(
    autojump_clock: MockClock, seconds: float
) -> None:
    """E5: the party falls ill again while it is worked off: the rest waits on, parked, and nothing is lost
    or made twice.
    """
    tables, party = MemoryTables(), Timed()
    async with _engine(tables, party.gateway(BOUNDS)) as engine:
        await _fill(engine, party, 200)
        await party.wait_calls(2)
        await trio.sleep(seconds)
        before = len(party.calls)
        party.script |= {f"w{n}": ["sick"] for n in range(200)}
        await trio.sleep(4)
        assert len(party.calls) <= before + 20, "those on their way, and a probe"
        party.script.clear()
        await trio.sleep(30)
        assert await engine.quiesce(1)
        assert not await engine.journal.dead_letters(None, 10)
    assert not tables.messages
    made = Counter(reference for reference, _, _ in party.calls)
    assert set(made) == {"first", *(f"w{n}" for n in range(200))}
    assert made.total() <= 202 + 21


async def test_a_gateway_that_stops_leaves_parked_what_had_no_turn(
    autojump_clock: MockClock,
) -> None:
    """E5: a daemon that ends while parked calls are released loses none: the next one goes on."""
    tables, party = MemoryTables(), Timed()
    async with _engine(tables, party.gateway(BOUNDS)) as engine:
        await _fill(engine, party, 200)
        await party.wait_calls(50)
    left = [row for row in tables.messages.values() if row.kind == "parked"]
    assert 100 < len(left) < 160
    async with _engine(tables, party.gateway(BOUNDS)) as engine:
        await trio.sleep(30)
        assert await engine.quiesce(1)
    assert not tables.messages
    assert Counter(x for x, _, _ in party.calls) == Counter(
        {"first": 2} | {f"w{n}": 1 for n in range(200)}
    )
