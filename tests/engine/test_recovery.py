"""Crashes at any moment: what was acknowledged took effect, everything exactly once (invariants 1, 2).

Hypothesis draws the moments and seeds trio's scheduler, so a failing example replays as it was.
"""

# pyright: reportPrivateUsage=false
# Faults are planted, and rows are looked at, where no public door leads.

from collections import Counter
from collections.abc import Awaitable, Callable

import msgspec
import pytest
import trio
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from comptoir.engine.backlog import CATCH_UP_S
from comptoir.engine.engine import Engine
from comptoir.engine.errors import EngineError
from comptoir.engine.gateway_spec import GatewayBounds
from comptoir.engine.journal import Pending
from comptoir.engine.spec import Bounds
from comptoir.engine.toys import Call, Do, Done, Look, Party, Send, Toy, toy_parts, toy_spec
from comptoir.engine.values import Address
from comptoir.storage.testing import MemoryJournal, MemoryTables

ACTORS = 3


def _job(label: str, index: int) -> Do:
    """Adds 1, sends on, sets a timer there, calls a party; each may happen only once."""
    following = str((index + 1) % ACTORS)
    timer = Send("toy", str((index + 2) % ACTORS), Do(f"timer {label}"), due_in_ms=300)
    sends = (
        Send("toy", following, Do(f"sent {label}", send=(timer,))),
        Send("party", "", Call(label)),
    )
    return Do(label, add=1, once=label, send=sends)


class World:
    """What outlives the daemons: the tables, the party, the sender who repeats until answered."""

    def __init__(self, jobs: int) -> None:
        self.tables = MemoryTables()
        self.party = Party()
        self.waiting = {f"job{n}": n for n in range(jobs)}
        self.acknowledged: Counter[str] = Counter()
        self.stranded = 0

    async def _send(self, engine: Engine, label: str, index: int) -> None:
        try:
            answer = await engine.ask(Address("toy", str(index % ACTORS)), _job(label, index))
        except EngineError:
            return  # asked again in the next life
        assert answer.reply is not None
        self.acknowledged[label] += 1
        self.waiting.pop(label, None)

    async def live(self, act: Callable[[Engine, MemoryJournal], Awaitable[None]]) -> None:
        """One life of the daemon: the sender sends what was never acknowledged, and then `act`."""
        bounds = Bounds(mailbox_max=4, run_max=3, resident_max=2)
        gateway = self.party.gateway(GatewayBounds(calls_max=2, mailbox_max=3))
        async with MemoryJournal.open(self.tables, batch_decisions_max=4) as journal:
            parts = toy_parts(journal, gateway, actors=(toy_spec(bounds=bounds),))
            async with Engine(parts).running() as engine, trio.open_nursery() as senders:
                for label, index in list(self.waiting.items()):
                    senders.start_soon(self._send, engine, label, index)
                await act(engine, journal)
                self.stranded += engine.statistics().delivery.stranded_total
                senders.cancel_scope.cancel()


LIVES = st.lists(st.tuples(st.integers(0, 120), st.booleans(), st.booleans()), max_size=6)


@settings(max_examples=60, phases=(Phase.explicit, Phase.generate))
@given(LIVES, st.integers(1, 10))
def test_everything_takes_effect_exactly_once(
    lives: list[tuple[int, bool, bool]], jobs: int
) -> None:
    """Invariants 1 and 2, E6: whatever dies in between, before or after a commit landed, each
    acknowledged message and each hand-over, timer and answer of a party takes effect once.
    """
    world = World(jobs)

    async def play() -> None:
        for steps, landed, late in lives:

            async def crash(
                _engine: Engine,
                journal: MemoryJournal,
                steps: int = steps,
                *,
                landed: bool = landed,
                late: bool = late,
            ) -> None:
                if late:
                    await trio.sleep(0.299)  # about when timers fall due
                for _ in range(steps):
                    await trio.lowlevel.checkpoint()
                journal.crash(after_commit=landed)

            await world.live(crash)

        async def finish(engine: Engine, journal: MemoryJournal) -> None:
            # The last life: whoever was turned away for want of room asks again.
            for _ in range(50):
                await trio.sleep(1)
                for label, index in list(world.waiting.items()):
                    await world._send(engine, label, index)
            assert await engine.quiesce(30)
            assert not await journal.dead_letters(None, 10)

        await world.live(finish)

    trio.run(play, clock=MockClock(autojump_threshold=0))
    labels = [f"job{n}" for n in range(jobs)]
    effects = ("", "sent ", "timer ", "answered ")
    assert not world.waiting
    assert _seen(world.tables) == Counter(
        f"{effect}{label}" for effect in effects for label in labels
    )
    assert not world.tables.messages
    assert world.stranded == 0
    assert {key for _, key, _ in world.party.calls} == {f"party:{label}" for label in labels}


def _seen(tables: MemoryTables) -> Counter[str]:
    states = (msgspec.json.decode(row[2], type=Toy) for row in tables.actors.values())
    return Counter(label for state in states for label in state.seen)


@given(st.integers(0, 40), st.booleans())
def test_superseded_daemon_tells_nobody_anything(steps: int, look: bool) -> None:
    """Invariant 3: once another daemon opened the tables, the old one commits nothing more, and
    whoever asks it hears an error, never a success.
    """
    tables = MemoryTables()
    said: list[str] = []

    async def ask(engine: Engine, label: str) -> None:
        try:
            await engine.ask(Address("toy", "a"), Do(label, add=1))
            said.append(label)
        except EngineError:
            pass

    async def play() -> None:
        async with (
            MemoryJournal.open(tables) as old,
            Engine(toy_parts(old)).running() as engine,
            trio.open_nursery() as asking,
        ):
            for n in range(5):
                asking.start_soon(ask, engine, f"old{n}")
            for _ in range(steps):
                await trio.lowlevel.checkpoint()
            durable = tables.batch
            async with MemoryJournal.open(tables) as new:
                await trio.sleep(1)
                assert tables.batch == durable
                async with Engine(toy_parts(new)).running() as heir:
                    message = Look("?") if look else Do("new", add=1)
                    await heir.ask(Address("toy", "a"), message)

    trio.run(play, clock=MockClock(autojump_threshold=0))
    row = tables.actors.get(Address("toy", "a"))
    seen = () if row is None else msgspec.json.decode(row[2], type=Toy).seen
    assert {label for label in seen if label != "new"} >= set(said)
    assert len(seen) == len(set(seen))


class LateJournal(MemoryJournal):
    """Reads what waits in the table slowly, as over a busy connection."""

    seconds = 0.2

    async def pending(self, target: Address, limit: int, now: int) -> list[Pending]:
        """As its base, but late."""
        await trio.sleep(self.seconds)
        return await super().pending(target, limit, now)


@pytest.mark.parametrize("seconds", [0.2, 3600.0])
async def test_who_asks_first_comes_after_what_was_promised(
    autojump_clock: MockClock, seconds: float
) -> None:
    """S16, S71: what an earlier life had promised was handed over before anybody is served, where that
    takes no longer than a moment; else nobody waits for it.
    """
    tables = MemoryTables()
    promise = Send("toy", "b", Do("promised", add=1))
    async with MemoryJournal.open(tables) as journal, Engine(toy_parts(journal)).running() as first:
        journal.crash(after_commit=True)
        with pytest.raises(EngineError):
            await first.ask(Address("toy", "a"), Do("asked", send=(promise,)))
    assert tables.messages, "the promise is durable, and was not kept"
    async with LateJournal.open(tables) as late:
        assert isinstance(late, LateJournal)
        late.seconds = seconds
        began = trio.current_time()
        async with Engine(toy_parts(late)).running() as second:
            assert trio.current_time() - began <= CATCH_UP_S
            answer = await second.ask(Address("toy", "b"), Look("is it?"))
            assert isinstance(answer.reply, Done)
            assert answer.reply.total == (seconds < CATCH_UP_S)
