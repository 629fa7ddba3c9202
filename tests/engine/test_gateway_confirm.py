"""Confirm-first calls: started durably, sent once, looked up or held, never sent again (design.md 6).

A payment sent twice is the worst thing that this daemon can do; so here every way out of a call is
tried, and the party counts.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import msgspec
import pytest
import trio
from hypothesis import Phase as HypothesisPhase
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from comptoir.engine.engine import Engine
from comptoir.engine.errors import EngineError
from comptoir.engine.gateway_spec import CallContext, GatewayBounds, GatewaySpec, Operation
from comptoir.engine.spec import BreakerBounds
from comptoir.engine.toys import Call, Do, Party, Send, Toy, toy_clock, toy_parts
from comptoir.engine.values import Address, Message
from comptoir.storage.testing import MemoryJournal, MemoryTables

StateOf = Callable[[MemoryTables, Address], Toy]

A = Address("toy", "a")
PARTY = Address("party", "")
BOUNDS = GatewayBounds(deadline_s=4.0)


def _pay(*references: str) -> Do:
    return Do("m", send=tuple(Send("party", "", Call(reference)) for reference in references))


@asynccontextmanager
async def _engine(
    tables: MemoryTables, party: Party, bounds: GatewayBounds = BOUNDS, *, manual: bool = False
) -> AsyncGenerator[Engine, None]:
    spec = party.gateway(bounds, confirm=True)
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal, spec, clock=toy_clock(manual=manual))).running() as engine,
    ):
        yield engine
        assert engine.statistics().delivery.stranded_total == 0


def _made(party: Party, reference: str) -> int:
    return sum(one == reference for one, _, _ in party.calls)


async def test_started_is_durable_before_the_call(autojump_clock: MockClock) -> None:
    """Invariant 1: when the party hears of it, "attempt 1 started" is already in the table."""
    tables, party = MemoryTables(), Party()
    seen: list[list[str]] = []

    async def call(message: Call, context: CallContext) -> Message | None:
        rows = [row for row in tables.messages.values() if row.target == PARTY]
        seen.append([attempt.outcome for row in rows for attempt in row.attempts])
        return await party.call(message, context)

    operation = Operation(call, lambda message: message.reference, idempotent=False)
    spec = GatewaySpec("party", {Call: operation})
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal, spec)).running() as engine,
    ):
        await engine.ask(A, _pay("r"))
        assert await engine.quiesce(5)
    assert seen == [["started"]]
    assert not tables.messages, "the answer took the watchdog with it"


async def test_answer_is_given_once_and_nothing_is_left(
    autojump_clock: MockClock, state_of: StateOf
) -> None:
    """A call that ends well is answered; its watchdog goes with it, whatever time passes."""
    tables, party = MemoryTables(), Party()
    async with _engine(tables, party) as engine:
        await engine.ask(A, _pay("r"))
        await trio.sleep(60)
    assert state_of(tables, A).seen == ("m", "answered r")
    assert not party.looked_up
    assert not tables.messages


async def test_definite_no_is_an_outcome(autojump_clock: MockClock, state_of: StateOf) -> None:
    """When the party said no for good, nothing is unknown: the asker hears so at once."""
    tables, party = MemoryTables(), Party({"r": ["no"]})
    async with _engine(tables, party) as engine:
        await engine.ask(A, _pay("r"))
        await trio.sleep(60)
    assert state_of(tables, A).seen == ("m", "failed r PARTY_REFUSED")
    assert not party.looked_up
    assert not tables.messages


@pytest.mark.parametrize("step", ["sick", "hang", "crash", "bad"])
async def test_unknown_outcome_is_looked_up(
    autojump_clock: MockClock, state_of: StateOf, step: str
) -> None:
    """After a fault, a time-out, a bug or an answer that cannot be kept, the call is looked up by our
    reference and answered with what was found; it is not sent again.
    """
    tables, party = MemoryTables(), Party({"r": [step] * 5})
    async with _engine(tables, party) as engine:
        await engine.ask(A, _pay("r"))
        await trio.sleep(60)
    assert _made(party, "r") == 1
    assert party.looked_up == ["r"]
    assert state_of(tables, A).seen == ("m", "found r")
    assert not tables.messages


async def test_what_the_party_does_not_know_is_held(
    autojump_clock: MockClock, state_of: StateOf
) -> None:
    """Invariant 6: an outcome that nobody can tell is held for a person; replaying it looks it up
    again, and still never sends it.
    """
    tables, party = MemoryTables(), Party({"r": ["hang"] * 5})
    party.lookups["r"] = ["unknown"]
    async with _engine(tables, party) as engine:
        await engine.ask(A, _pay("r"))
        await trio.sleep(60)
        (letter,) = await engine.journal.dead_letters("hold", 10)
        assert letter.code == "OUTCOME_UNKNOWN"
        assert engine.statistics().gateways[0].held_total == 1
        assert await engine.replay([letter.id]) == 1
        await trio.sleep(60)
    assert _made(party, "r") == 1
    assert party.looked_up == ["r", "r"]
    assert state_of(tables, A).seen == ("m", "found r")


async def test_without_a_look_up_it_is_held(autojump_clock: MockClock) -> None:
    """Where the party offers no way to find out, the call is held at once, replayed or not."""
    tables, party = MemoryTables(), Party({"r": ["hang"] * 5})
    operation = Operation(party.call, lambda message: message.reference, idempotent=False)
    spec = GatewaySpec("party", {Call: operation}, BOUNDS)
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal, spec)).running() as engine,
    ):
        await engine.ask(A, _pay("r"))
        for _ in range(2):
            await trio.sleep(60)
            (letter,) = await journal.dead_letters("hold", 10)
            await engine.replay([letter.id])
        await trio.sleep(60)
        assert len(await journal.dead_letters("hold", 10)) == 1
    assert _made(party, "r") == 1


async def test_failing_look_up_is_tried_again_and_then_held(autojump_clock: MockClock) -> None:
    """S63 for looking up: the first time and three more, then a person."""
    tables, party = MemoryTables(), Party({"r": ["hang"]})
    party.lookups["r"] = ["sick"] * 9
    bounds = GatewayBounds(deadline_s=4.0, breaker=BreakerBounds(1000))
    async with _engine(tables, party, bounds) as engine:
        await engine.ask(A, _pay("r"))
        await trio.sleep(60)
        (letter,) = await engine.journal.dead_letters("hold", 10)
    assert letter.code == "PARTY_SICK"
    assert party.looked_up == ["r"] * 4
    assert _made(party, "r") == 1


async def test_open_breaker_parks_what_must_be_looked_up(
    autojump_clock: MockClock, state_of: StateOf
) -> None:
    """X18: while the party is away, calls of unknown outcome wait for it like all others; they are
    neither held for a person nor sent again, and found when it is back.
    """
    names = [f"r{n}" for n in range(8)]
    tables, party = MemoryTables(), Party({name: ["sick"] for name in names})
    for name in names:
        party.lookups[name] = ["sick"] * 2
    bounds = GatewayBounds(deadline_s=4.0, breaker=BreakerBounds(5, 10_000, 30_000))
    async with _engine(tables, party, bounds) as engine:
        await engine.ask(A, _pay(*names))
        await trio.sleep(600)
        assert not await engine.journal.dead_letters(None, 10)
        assert engine.statistics().gateways[0].breaker == "closed"
    assert max(_made(party, name) for name in names) == 1
    seen = state_of(tables, A).seen
    assert len(seen) == 1 + len(names)
    assert not tables.messages


async def test_call_still_under_way_is_not_looked_up(
    autojump_clock: MockClock, state_of: StateOf
) -> None:
    """When business time is moved past the watchdog while the call is under way, its own answer is
    the answer, and the only one.
    """
    tables, party = MemoryTables(), Party({"r": ["gate"]})
    bounds = GatewayBounds(deadline_s=600.0)
    async with _engine(tables, party, bounds, manual=True) as engine:
        await engine.ask(A, _pay("r"))
        await trio.sleep(1)
        await engine.advance_clock(86_400, timeout_s=1)
        await engine.advance_clock(86_400, timeout_s=1)
        party.gate.set()
        assert await engine.quiesce(5)
        await engine.advance_clock(86_400, timeout_s=1)
    assert state_of(tables, A).seen == ("m", "answered r")
    assert not party.looked_up
    assert not tables.messages


async def test_call_under_way_is_work_in_hand(autojump_clock: MockClock) -> None:
    """A started call counts as busy: neither quiescence nor a graceful stop passes over it."""
    tables, party = MemoryTables(), Party({"r": ["gate"]})
    async with trio.open_nursery() as nursery:

        async def open_gate() -> None:
            await trio.sleep(3)
            party.gate.set()

        async with _engine(tables, party, GatewayBounds(deadline_s=60.0)) as engine:
            await engine.ask(A, _pay("r"))
            await trio.sleep(1)
            assert not await engine.quiesce(1)
            assert engine.statistics().gateways[0].in_flight == 1
            nursery.start_soon(open_gate)
    assert not any(row.target == PARTY for row in tables.messages.values())
    assert not party.looked_up


async def test_same_call_asked_twice_is_sent_once(
    autojump_clock: MockClock, state_of: StateOf
) -> None:
    """Two messages of one business key, together or much later: the second is looked up instead."""
    tables, party = MemoryTables(), Party({"r": ["gate"]})
    async with _engine(tables, party, GatewayBounds(deadline_s=60.0)) as engine:
        await engine.ask(A, _pay("r", "r"))
        await trio.sleep(10)
        party.gate.set()
        await trio.sleep(30)
        await engine.ask(A, _pay("r"))
        await trio.sleep(30)
    assert _made(party, "r") == 1
    assert state_of(tables, A).seen == ("m", "answered r", "found r", "m", "found r")
    assert not tables.messages


LIVES = st.lists(st.tuples(st.integers(0, 90), st.booleans(), st.integers(0, 2)), max_size=5)
SCRIPT = st.lists(st.sampled_from(("ok", "hang", "sick", "crash", "no")), min_size=1, max_size=4)


@settings(max_examples=40, phases=(HypothesisPhase.explicit, HypothesisPhase.generate))
@given(LIVES, SCRIPT)
def test_never_sent_twice_whatever_dies(
    lives: list[tuple[int, bool, int]], script: list[str]
) -> None:
    """Invariant 4: crashes at any moment, faults of any kind: each payment reaches the party at most
    once, and ends with exactly one answer, or is held.
    """
    tables = MemoryTables()
    names = [f"r{n}" for n in range(len(script))]
    party = Party({name: [step] for name, step in zip(names, script, strict=True)})
    held: list[str] = []

    async def live(steps: int, *, landed: bool, pause: int, last: bool) -> None:
        async with MemoryJournal.open(tables) as journal, trio.open_nursery() as nursery:
            spec = party.gateway(BOUNDS, confirm=True)
            async with Engine(toy_parts(journal, spec)).running() as engine:
                if A not in tables.actors:
                    nursery.start_soon(
                        _ask_quietly, engine, Do("m", once="k", send=_pay(*names).send)
                    )
                await trio.sleep(4 * pause)
                for _ in range(steps):
                    await trio.lowlevel.checkpoint()
                if last:
                    await trio.sleep(120)
                    assert await engine.quiesce(10)
                    held.extend(row.queue for row in await journal.dead_letters(None, 10))
                else:
                    journal.crash(after_commit=landed)
                    nursery.cancel_scope.cancel()

    async def play() -> None:
        for steps, landed, pause in lives:
            await live(steps, landed=landed, pause=pause, last=False)
        await live(0, landed=False, pause=0, last=True)

    trio.run(play, clock=MockClock(autojump_threshold=0))
    assert max(_made(party, name) for name in names) <= 1
    assert set(held) <= {"hold"}
    answers = _answers(tables)
    assert len(answers) + len(held) == len(names)
    assert len(set(answers)) == len(answers)


async def _ask_quietly(engine: Engine, message: Do) -> None:
    with trio.move_on_after(5):
        try:
            await engine.ask(A, message)
        except EngineError:
            return  # asked again in the next life


def _answers(tables: MemoryTables) -> list[str]:
    seen = msgspec.json.decode(tables.actors[A][2], type=Toy).seen
    return [label for label in seen if label != "m"]
