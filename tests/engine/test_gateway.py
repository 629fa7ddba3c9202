"""Gateways: bounded calls, retries, parking, paced release (design.md 6; S63, S65, X18, E5)."""

# pyright: reportPrivateUsage=false
# Faults are planted, and rows are looked at, where no public door leads.

from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise

import msgspec
import pytest
import trio
from trio.testing import MockClock

from comptoir.engine.engine import Engine
from comptoir.engine.gateway_spec import (
    BREAKER_OPEN,
    CallContext,
    Forwarded,
    GatewayBounds,
    GatewaySpec,
    Operation,
)
from comptoir.engine.spec import BreakerBounds
from comptoir.engine.toys import Call, Do, Look, Party, Send, Toy, toy_parts
from comptoir.engine.values import Address, Message
from comptoir.storage.memory import MessageRow
from comptoir.storage.testing import MemoryJournal, MemoryTables

StateOf = Callable[[MemoryTables, Address], Toy]

A = Address("toy", "a")
PARTY = Address("party", "")
S65 = BreakerBounds(errors=5, window_ms=10_000, recovery_ms=30_000)
CALM = BreakerBounds(errors=1000)


def _calls(*references: str) -> Do:
    return Do("m", send=tuple(Send("party", "", Call(reference)) for reference in references))


@asynccontextmanager
async def _engine(tables: MemoryTables, *gateways: GatewaySpec) -> AsyncGenerator[Engine, None]:
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal, *gateways)).running() as engine,
    ):
        yield engine
        assert engine.statistics().delivery.stranded_total == 0


async def test_answer_returns_as_a_message(autojump_clock: MockClock, state_of: StateOf) -> None:
    """The answer is committed with the call's removal and comes to the asking actor as a message."""
    tables, party = MemoryTables(), Party()
    async with _engine(tables, party.gateway()) as engine:
        await engine.ask(A, _calls("r1", "r2"))
        assert await engine.quiesce(5)
    assert sorted(state_of(tables, A).seen) == ["answered r1", "answered r2", "m"]
    assert sorted(party.calls) == [("r1", "party:r1", 1), ("r2", "party:r2", 1)]
    assert not tables.messages


async def test_a_call_is_handed_on_to_another_gateway(
    autojump_clock: MockClock, state_of: StateOf
) -> None:
    """S18: one address may stand for several parties: the call goes on once, and whoever asked hears from there."""
    tables, party = MemoryTables(), Party({"r1": ["sick", "ok"], "r2": ["no"]})

    async def hand_on(message: Call, _context: CallContext) -> Message | None:
        return Forwarded(Address("behind", ""), message)

    front = GatewaySpec("party", {Call: Operation(hand_on, lambda message: message.reference)})
    async with _engine(tables, front, party.gateway(kind="behind")) as engine:
        await engine.ask(A, _calls("r1", "r2"))
        await party.wait_calls(3)
        assert await engine.quiesce(5)
        calls = {one.kind: one.calls_total for one in engine.statistics().gateways}
    assert calls == {"party": 2, "behind": 3}
    assert set(state_of(tables, A).seen) == {"m", "answered r1", "failed r2 PARTY_REFUSED"}
    (letter,) = tables.messages.values()
    assert (letter.target, letter.sender) == (Address("behind", ""), A)


async def test_calls_in_flight_are_bounded(autojump_clock: MockClock) -> None:
    """Bulkhead: never more calls at once than declared; the others wait, and all are made."""
    names = [f"r{n}" for n in range(40)]
    tables, party = MemoryTables(), Party({name: ["gate"] for name in names})
    async with _engine(tables, party.gateway(GatewayBounds(calls_max=3, mailbox_max=5))) as engine:
        await engine.ask(A, _calls(*names))
        await trio.sleep(5)
        (figures,) = engine.statistics().gateways
        assert (party.in_flight, figures.in_flight) == (3, 3)
        assert not await engine.quiesce(0.5)
        party.gate.set()
        assert await engine.quiesce(60)
    assert party.in_flight_max == 3
    assert Counter(reference for reference, _, _ in party.calls) == Counter(names)


async def test_call_that_hangs_ends_at_its_deadline(autojump_clock: MockClock) -> None:
    """Every call is bounded in time; the late one is tried again, those beside it are not hurt."""
    tables, party = MemoryTables(), Party({"slow": ["hang", "ok"]})
    async with _engine(tables, party.gateway(GatewayBounds(deadline_s=4.0))) as engine:
        began = trio.current_time()
        await engine.ask(A, _calls("slow", "quick"))
        await trio.sleep(1)
        assert [reference for reference, _, _ in party.calls].count("quick") == 1
        await party.wait_calls(3)
        assert trio.current_time() - began == pytest.approx(4 + 1, abs=0.2)
        assert party.calls[-1] == ("slow", "party:slow", 2)


async def test_retries_at_one_two_four_seconds_then_a_dead_letter(
    autojump_clock: MockClock,
) -> None:
    """S63, X18: the first run and three retries after 1, 2 and 4 s, then the dead-letter queue with
    the attempts and their times.
    """
    tables, party = MemoryTables(), Party({"r": ["sick"] * 9})
    times: list[float] = []
    async with _engine(tables, party.gateway(GatewayBounds(breaker=CALM))) as engine:
        await engine.ask(A, _calls("r"))
        for attempt in range(1, 5):
            await party.wait_calls(attempt)
            times.append(trio.current_time())
        await trio.sleep(60)
        (letter,) = await engine.journal.dead_letters("dlq:party", 10)
    waits = [after - before for before, after in pairwise(times)]
    assert waits == pytest.approx([1, 2, 4], abs=0.1)
    assert len(party.calls) == 4
    assert letter.code == "PARTY_SICK"
    assert [attempt.outcome for attempt in letter.attempts] == ["PARTY_SICK"] * 3


@pytest.mark.parametrize("step", ["sick", "crash"])
async def test_answer_after_a_retry_finds_its_asker(
    autojump_clock: MockClock, state_of: StateOf, step: str
) -> None:
    """The asking actor stays the sender of a call that is tried again: success and failure for good
    are answered to it.
    """
    tables, party = MemoryTables(), Party({"late": [step], "never": [step] * 9})
    async with _engine(tables, party.gateway(GatewayBounds(breaker=CALM))) as engine:
        await engine.ask(A, _calls("late", "never"))
        await trio.sleep(60)
    code = {"sick": "PARTY_SICK", "crash": "ADAPTER_CRASHED"}[step]
    assert state_of(tables, A).seen == ("m", "answered late", f"failed never {code}")


async def test_refusal_for_good_is_not_tried_again(
    autojump_clock: MockClock, state_of: StateOf
) -> None:
    """A fault that cannot be mended by trying is answered at once, and says nothing of health."""
    names = [f"r{n}" for n in range(6)]
    tables, party = MemoryTables(), Party({name: ["no"] for name in names})
    async with _engine(tables, party.gateway(GatewayBounds(breaker=S65))) as engine:
        await engine.ask(A, _calls(*names))
        assert await engine.quiesce(5)
        assert engine.statistics().gateways[0].breaker == "closed"
    assert len(party.calls) == 6
    assert sorted(state_of(tables, A).seen) == [
        *(f"failed {name} PARTY_REFUSED" for name in names),
        "m",
    ]


async def test_open_breaker_gives_up_what_is_expendable(
    autojump_clock: MockClock, state_of: StateOf
) -> None:
    """E6, S65: what comes again by itself is answered with a failure at once, and is no call, no parked row and
    no dead letter; what is not expendable waits beside it as ever.
    """
    sick = [f"sick{n}" for n in range(5)]
    tables, party = MemoryTables(), Party({name: ["sick"] for name in sick})
    spec = party.gateway(GatewayBounds(breaker=S65))

    def expendable(message: Call) -> bool:
        return message.reference == "again"

    operation = msgspec.structs.replace(spec.operations[Call], expendable=expendable)
    spec = msgspec.structs.replace(spec, operations={Call: operation})
    async with _engine(tables, spec) as engine:
        await engine.ask(A, _calls(*sick))
        await party.wait_calls(5)
        await engine.ask(A, _calls("again", "once"))
        await trio.sleep(5)
        assert f"failed again {BREAKER_OPEN}" in state_of(tables, A).seen
        assert len(party.calls) == 5
        pending = await engine.journal.count_pending(engine.now())
        assert pending == {("party", "parked"): 6}
        assert not await engine.journal.dead_letters(None, 10)
        await trio.sleep(200)
        await engine.ask(A, _calls("again"))
        assert await engine.quiesce(5)
    made = Counter(reference for reference, _, _ in party.calls)
    assert (made["again"], made["once"]) == (1, 1), "made, once the breaker is closed"


async def test_open_breaker_parks_and_burns_no_attempt(
    autojump_clock: MockClock, state_of: StateOf
) -> None:
    """X18, E5: five errors open it; what comes then waits, however long, without an attempt; one
    probe goes out per recovery time; when the party is back, all of it is called and answered.
    """
    sick = [f"sick{n}" for n in range(5)]
    waiting = [f"w{n}" for n in range(20)]
    tables = MemoryTables()
    party = Party({name: ["sick"] for name in sick} | {name: ["sick"] * 2 for name in waiting})
    async with _engine(tables, party.gateway(GatewayBounds(breaker=S65))) as engine:
        await engine.ask(A, _calls(*sick))
        await party.wait_calls(5)
        await engine.ask(A, _calls(*waiting))
        await trio.sleep(25)
        assert len(party.calls) == 5, "nothing leaves while it is open"
        pending = await engine.journal.count_pending(engine.now())
        assert pending == {("party", "parked"): 25}
        await trio.sleep(10)
        assert len(party.calls) == 6, "one probe"
        await trio.sleep(30)
        assert len(party.calls) == 7, "it failed, and so did the next"
        party.script.clear()
        await trio.sleep(200)
        assert await engine.quiesce(5)
        assert not await engine.journal.dead_letters(None, 10)
        assert engine.statistics().gateways[0].breaker == "closed"
    assert not tables.messages
    made = Counter(reference for reference, _, _ in party.calls)
    assert set(made) == {*sick, *waiting}
    assert max(attempt for _, _, attempt in party.calls) <= 3
    assert party.in_flight_max <= 16


async def test_release_is_paced(autojump_clock: MockClock) -> None:
    """E5: what was parked does not fall upon a party that has just come back all at once."""
    sick = [f"sick{n}" for n in range(5)]
    waiting = [f"w{n}" for n in range(100)]
    tables, party = MemoryTables(), Party({name: ["sick"] for name in sick})
    bounds = GatewayBounds(breaker=S65, release_per_s=10.0)
    async with _engine(tables, party.gateway(bounds)) as engine:
        await engine.ask(A, _calls(*sick))
        await party.wait_calls(5)
        await engine.ask(A, _calls(*waiting))
        await party.wait_calls(7)
        before = len(party.calls)
        await trio.sleep(4)
        assert 30 <= len(party.calls) - before <= 41
        await trio.sleep(60)
    assert len(party.calls) == 5 + 5 + 100


async def test_parked_calls_of_an_earlier_life_are_released(
    autojump_clock: MockClock, state_of: StateOf
) -> None:
    """A daemon that starts with parked calls in its table makes them."""
    tables, party = MemoryTables(), Party({f"s{n}": ["sick"] for n in range(5)})
    async with _engine(tables, party.gateway(GatewayBounds(breaker=S65))) as engine:
        await engine.ask(A, _calls(*(f"s{n}" for n in range(5))))
        await party.wait_calls(5)
        await engine.ask(A, _calls("parked"))
        await trio.sleep(5)
    async with _engine(tables, party.gateway(GatewayBounds(breaker=S65))) as engine:
        await trio.sleep(5)
        assert await engine.quiesce(5)
    assert "parked" in {reference for reference, _, _ in party.calls}
    assert not tables.messages


@pytest.mark.parametrize("where", ["key", "failed"])
async def test_bug_in_an_operation_hurts_its_own_call(
    autojump_clock: MockClock, state_of: StateOf, where: str
) -> None:
    """A crash anywhere in what declares an operation ends as a dead letter; the calls beside it go
    on, and the gateway is not started again.
    """

    def key(message: Call) -> str:
        assert where != "key" or message.reference != "bad", "a bug"
        return message.reference

    def failed(_message: Call, _code: str) -> Do | None:
        raise ZeroDivisionError

    tables, party = MemoryTables(), Party({"bad": ["no"], "good": ["gate"]})
    spec = GatewaySpec("party", {Call: Operation(party.call, key, failed=failed)}, dead_queue="dlq")
    async with _engine(tables, spec) as engine:
        await engine.ask(A, _calls("good", "bad"))
        await trio.sleep(60)
        party.gate.set()
        assert await engine.quiesce(5)
        (letter,) = await engine.journal.dead_letters("dlq", 10)
        assert sum(child.restarts_total for child in engine.statistics().children) == 0
    assert letter.code == "ADAPTER_CRASHED"
    assert party.calls.count(("good", "good", 1)) == 1
    assert state_of(tables, A).seen == ("m", "answered good")


async def test_answer_that_no_database_takes_is_a_dead_letter(
    autojump_clock: MockClock,
) -> None:
    """Invariant 6: a call whose answer is refused by the database ends in a dead letter, and the
    party is not called again.
    """
    tables, party = MemoryTables(), Party({"r": ["bad"] * 9})
    async with _engine(tables, party.gateway()) as engine:
        await engine.ask(A, _calls("r"))
        await trio.sleep(30)
        assert await engine.quiesce(5)
        (letter,) = await engine.journal.dead_letters("dlq:party", 10)
        assert engine.statistics().delivery.held == 0
    assert letter.code == "22000"
    assert len(party.calls) == 1


async def test_unreadable_and_unknown_calls_are_dead_letters(autojump_clock: MockClock) -> None:
    """A stored call that this version cannot read, or does not offer, is kept."""
    tables, party = MemoryTables(), Party()
    tables._put_in(MessageRow(1, PARTY, A, b'{"type":"Removed"}', "message", 0, 0))
    async with _engine(tables, party.gateway()) as engine:
        assert await engine.quiesce(5)
        await engine.tell(PARTY, Look("not an operation"))
        assert await engine.quiesce(5)
        letters = await engine.journal.dead_letters("dlq:party", 10)
    assert {letter.code for letter in letters} == {"MESSAGE_UNREADABLE", "OPERATION_UNKNOWN"}
    assert not party.calls


async def test_replayed_dead_letter_is_tried_anew(
    autojump_clock: MockClock, state_of: StateOf
) -> None:
    """S64: a dead call that an operator sends again has all its tries again."""
    tables, party = MemoryTables(), Party({"r": ["sick"] * 6})
    async with _engine(tables, party.gateway(GatewayBounds(breaker=CALM))) as engine:
        await engine.tell(PARTY, Call("r"))
        await trio.sleep(60)
        (letter,) = await engine.journal.dead_letters("dlq:party", 10)
        assert len(party.calls) == 4
        await engine.replay([letter.id])
        await trio.sleep(60)
        assert await engine.quiesce(5)
    assert len(party.calls) == 7


async def test_stopping_waits_for_calls_under_way(
    autojump_clock: MockClock, state_of: StateOf
) -> None:
    """Graceful stop: a call in flight may finish within the time; beyond it, it stays durable and
    is made again with the same key.
    """
    tables, party = MemoryTables(), Party({"slow": ["hang"], "soon": ["gate"]})
    async with trio.open_nursery() as nursery:

        async def open_gate() -> None:
            await trio.sleep(5)
            party.gate.set()

        async with _engine(tables, party.gateway(GatewayBounds(deadline_s=60))) as engine:
            await engine.ask(A, _calls("slow", "soon"))
            await trio.sleep(1)
            nursery.start_soon(open_gate)
            began = trio.current_time()
        assert trio.current_time() - began < 11
    assert state_of(tables, A).seen[:1] == ("m",)
    async with _engine(tables, party.gateway()) as engine:
        assert await engine.quiesce(5)
    assert sorted(state_of(tables, A).seen) == ["answered slow", "answered soon", "m"]
    assert [key for reference, key, _ in party.calls if reference == "slow"] == ["party:slow"] * 2
