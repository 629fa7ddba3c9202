"""What is decided about dead letters, from the decision to its one effect (S64, E14; adr/0032)."""

from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from itertools import chain
from typing import Any

import msgspec
import pytest
import trio
from trio.testing import MockClock

from comptoir.actors.disposition.kind import disposition_spec
from comptoir.actors.disposition.machine import MACHINE, DispositionState, Phase
from comptoir.actors.disposition.messages import (
    OTHERWISE,
    Act,
    DescribeDisposition,
    DisposeLetter,
    DispositionDescribed,
    LettersUnsettled,
    ReplayLetters,
)
from comptoir.engine import Address, Decision, Refused
from comptoir.engine.boot.letters import letters_gateway
from comptoir.engine.engine import Engine
from comptoir.engine.letters import ID_MAX, LetterFilter
from comptoir.engine.machine import Context
from comptoir.engine.spec import Bounds
from comptoir.engine.toys import Call, Do, Party, Send, Toy, toy_parts, toy_spec
from comptoir.engine.values import encode
from comptoir.storage.testing import MemoryJournal, MemoryTables

A = Address("toy", "a")
KIND = "disposition"
DEAD = LetterFilter("dlq:party")


class World:
    """An engine with a party, its dead letters, and the desk that settles them."""

    def __init__(self, engine: Engine, party: Party, tables: MemoryTables) -> None:
        self.engine, self.party, self.tables = engine, party, tables

    async def bury(self, *names: str) -> list[int]:
        """Have calls refused for good; their letters, the oldest first."""
        self.party.script |= {name: ["no"] for name in names}
        before = await self.ids()
        for start in range(0, len(names), 20):
            sent = tuple(Send("party", "", Call(x)) for x in names[start : start + 20])
            await self.engine.ask(A, Do("m", quiet=True, send=sent))
        assert await self.engine.quiesce(60)
        return [x for x in await self.ids() if x not in before]

    async def ids(self) -> list[int]:
        """All letters, the oldest first."""
        return await self.engine.journal.letter_ids(DEAD, 0, ID_MAX, 10_000)

    async def dispose(self, letter: int, act: Act, reason: str = "") -> DispositionDescribed:
        """Decide about one letter."""
        message = DisposeLetter(act, letter, "eva", reason)
        reply = (await self.engine.ask(Address(KIND, f"dl_{letter}"), message)).reply
        assert isinstance(reply, DispositionDescribed)
        return reply

    async def described(self, key: str) -> DispositionDescribed:
        """How far it is."""
        reply = (await self.engine.ask(Address(KIND, key), DescribeDisposition())).reply
        assert isinstance(reply, DispositionDescribed)
        return reply

    async def wait_done(self, key: str) -> None:
        """Return when it is."""
        while (await self.described(key)).status != "done":  # noqa: ASYNC110  # no event says
            await trio.sleep(0.1)

    def calls(self, name: str) -> int:
        """How often the party was called by this name."""
        return [reference for reference, _, _ in self.party.calls].count(name)

    def answered(self) -> list[str]:
        """What the asker has heard of calls that went well."""
        toy = msgspec.json.decode(self.tables.actors[A][2], type=Toy)
        return [label for label in toy.seen if label.startswith("answered")]

    def events(self) -> list[tuple[str, dict[str, Any]]]:
        """The audit log of dispositions."""
        return [
            (x.type, msgspec.json.decode(x.payload))
            for x in self.tables.events
            if x.address.kind == KIND
        ]


@asynccontextmanager
async def _world(tables: MemoryTables, party: Party) -> AsyncGenerator[World, None]:
    opened: list[Engine] = []
    async with MemoryJournal.open(tables) as journal:
        desk = letters_gateway(journal, lambda: opened[0] if opened else None)
        actors = (toy_spec(), disposition_spec(Bounds()))
        parts = toy_parts(journal, party.gateway(), desk, actors=actors)
        opened.append(Engine(parts))
        async with opened[0].running() as engine:
            yield World(engine, party, tables)
            assert engine.statistics().delivery.stranded_total == 0


async def test_a_letter_is_replayed_once_however_often_it_is_wanted(
    autojump_clock: MockClock,
) -> None:
    """S64: who, when and which letter stand in the audit log before the letter goes out; asked for again
    it is not delivered again, and a letter that dies anew is another one.
    """
    tables = MemoryTables()
    async with _world(tables, Party()) as world:
        (letter,) = await world.bury("r")
        assert (await world.dispose(letter, Act.REPLAY)).status == "settling"
        assert await world.engine.quiesce(5)
        again = await world.dispose(letter, Act.REPLAY)
        assert (again.status, again.maker, again.letters) == ("done", "eva", 1)
        assert await world.engine.quiesce(5)
        assert world.calls("r") == 2
        assert await world.ids() == []
        assert [name for name, _ in world.events()] == [
            "DispositionOrdered", "LettersNamed", "DispositionEnded",
        ]  # fmt: skip
        assert world.events()[0][1]["maker"] == "eva"
        assert world.events()[1][1]["letters"] == [letter]
        with pytest.raises(Refused) as refused:
            await world.dispose(letter, Act.DISCARD)
        assert refused.value.code == OTHERWISE
        (other,) = await world.bury("r")
        assert other > letter
        await world.dispose(other, Act.REPLAY)
        assert await world.engine.quiesce(5)
        assert world.calls("r") == 4


async def test_a_letter_is_given_up_with_its_reason(autojump_clock: MockClock) -> None:
    """S64: a letter that is discarded is gone, why stands in the audit log, and no replay brings it back."""
    tables = MemoryTables()
    async with _world(tables, Party()) as world:
        first, second = await world.bury("r", "s")
        assert (
            await world.dispose(first, Act.DISCARD, "settled by hand")
        ).reason == "settled by hand"
        assert await world.engine.quiesce(5)
        assert await world.ids() == [second]
        assert world.events()[0][1]["reason"] == "settled by hand"
        assert await world.engine.replay([first]) == 0
        assert world.calls("r") == 1


async def test_many_are_replayed_at_a_pace_and_none_that_died_later(
    autojump_clock: MockClock,
) -> None:
    """E14: what two people approved is what had died by then, the oldest first, at the pace that was
    asked for; each letter is named once, and delivered once.
    """
    names = [f"r{n}" for n in range(250)]
    tables = MemoryTables()
    async with _world(tables, Party()) as world:
        letters = await world.bury(*names)
        later = await world.bury("later")
        order = ReplayLetters(DEAD, letters[-1], "eva", 50)
        began = trio.current_time()
        await world.engine.tell(Address(KIND, "dsp_1"), order)
        assert await world.engine.quiesce(5)
        assert len(world.party.calls) == 251 + 100
        await world.wait_done("dsp_1")
        assert 4 <= trio.current_time() - began < 6
        assert await world.engine.quiesce(5)
        assert await world.ids() == later
        assert {world.calls(name) for name in names} == {2}
        named = [x["letters"] for kind, x in world.events() if kind == "LettersNamed"]
        assert list(chain.from_iterable(named)) == letters
        assert (await world.described("dsp_1")).letters == 250


@pytest.mark.parametrize("seconds", [0.0, 0.5, 1.0, 2.0, 3.0])
async def test_a_daemon_that_dies_in_the_middle_is_followed_by_one_that_goes_on(
    autojump_clock: MockClock, seconds: float
) -> None:
    """S64: however far it was, the next daemon replays what is left, and no letter twice."""
    names = [f"r{n}" for n in range(250)]
    tables, party = MemoryTables(), Party()
    async with _world(tables, party) as world:
        letters = await world.bury(*names)
        order = ReplayLetters(DEAD, letters[-1], "eva", 100)
        await world.engine.tell(Address(KIND, "dsp_1"), order)
        await trio.sleep(seconds)
    async with _world(tables, party) as world:
        await world.wait_done("dsp_1")
        assert await world.engine.quiesce(10)
        # A call whose answer died with its daemon is made again under its key; it is answered once.
        assert Counter(world.answered()) == Counter(f"answered {name}" for name in names)
        assert (await world.described("dsp_1")).letters == 250
        assert await world.ids() == []


async def test_a_page_that_is_settled_again_changes_nothing(autojump_clock: MockClock) -> None:
    """S64: the desk's answer was lost with its daemon, and the call is made again: the letters of the page
    are letters no more, whatever died since is not touched.
    """
    tables = MemoryTables()
    async with _world(tables, Party()) as world:
        letters = await world.bury("r", "s")
        assert await world.engine.replay(letters) == 2
        assert await world.engine.quiesce(5)
        assert await world.engine.replay(letters) == 0
        assert await world.engine.quiesce(5)
        assert (world.calls("r"), world.calls("s")) == (2, 2)


def _decide(state: DispositionState, messages: Sequence[object]) -> DispositionState:
    for message in messages:
        outcome = MACHINE.decide(state, message, Context(Address(KIND, "dl_7"), 1, 1))  # type: ignore[arg-type]
        assert isinstance(outcome, Decision)
        state = outcome.state
    return state


def test_what_could_not_be_done_is_said_and_may_be_wanted_again() -> None:
    """S64: after the desk's last try it has failed by name, and a person may decide anew, and otherwise."""
    wanted = DisposeLetter(Act.REPLAY, 7, "eva")
    failed = _decide(
        DispositionState(Phase.NONE), (wanted, LettersUnsettled("STORAGE_UNAVAILABLE"))
    )
    assert (failed.phase, failed.code) == (Phase.FAILED, "STORAGE_UNAVAILABLE")
    anew = _decide(failed, (DisposeLetter(Act.DISCARD, 7, "max", "of no use"),))
    assert (anew.phase, anew.maker, anew.act) == (Phase.SETTLING, "max", Act.DISCARD)


def test_states_and_messages_are_read_back() -> None:
    """Design.md 4: what is stored is what is read."""
    spec = disposition_spec(Bounds())
    message = ReplayLetters(DEAD, 9, "eva", 50)
    assert spec.read_message(encode(message)) == message
    assert isinstance(spec.newborn, DispositionState)
