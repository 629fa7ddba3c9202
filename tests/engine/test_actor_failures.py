"""What a crash may hurt: its own message, never its neighbours (design.md 5; invariants 5 and 8)."""

# pyright: reportPrivateUsage=false
# Faults are planted, and rows are looked at, where no public door leads.

from collections.abc import Awaitable, Callable, Sequence

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from comptoir.engine.decision import Decision
from comptoir.engine.engine import Engine
from comptoir.engine.envelope import Answer
from comptoir.engine.errors import EngineError, Failed, Overloaded, Stopping, Suspended, Unavailable
from comptoir.engine.journal import Decided
from comptoir.engine.machine import Context, Machine, row
from comptoir.engine.spec import ActorSpec, Bounds, BreakerBounds, Intensity
from comptoir.engine.toys import Did, Do, Done, Look, Phase, Send, Toy, toy_parts, toy_spec
from comptoir.engine.values import Address, Message
from comptoir.storage.memory import MessageRow
from comptoir.storage.testing import MemoryJournal, MemoryTables

Together = Callable[[Engine, Address, Sequence[Message]], Awaitable[list[Answer | EngineError]]]
StateOf = Callable[[MemoryTables, Address], Toy]

A = Address("toy", "a")
B = Address("toy", "b")
CALM = Bounds(intensity=Intensity(1000), breaker=BreakerBounds(1000))


async def test_crash_is_tried_once_more_alone(
    autojump_clock: MockClock, together: Together, state_of: StateOf
) -> None:
    """Design.md 5: what was decided before stands, the message is tried again, the rest goes on."""
    tables = MemoryTables()
    messages = [Do("a", add=1), Do("b", add=1, crash="first"), Do("c", add=1)]
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal)).running() as engine,
    ):
        answers = await together(engine, A, messages)
        (host,) = engine.statistics().hosts
    assert answers == [Answer(Done(name, n + 1)) for n, name in enumerate("abc")]
    assert state_of(tables, A).seen == ("a", "b", "c")
    assert host.restarts_total == 1
    assert not tables.messages


async def test_second_crash_makes_a_dead_letter(
    autojump_clock: MockClock, together: Together, state_of: StateOf
) -> None:
    """A message that crashes twice is kept with where it crashed and without any value of it."""
    tables = MemoryTables()
    messages = [Do("a", add=1), Do("b", add=1, crash="always"), Do("c", add=1)]
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal)).running() as engine,
    ):
        _, failed, _ = await together(engine, A, messages)
        (letter,) = await journal.dead_letters("dlq:toy", 10)
    assert isinstance(failed, Failed)
    assert state_of(tables, A).seen == ("a", "c")
    assert letter.code == "MACHINE_CRASHED"
    assert letter.detail.startswith("ZeroDivisionError do:")
    assert "secret" not in letter.detail, "what the exception says may be personal (invariant 8)"
    assert toy_spec().read_message(letter.payload) == messages[1]


async def test_crashing_row_is_a_dead_letter_with_its_sender(
    autojump_clock: MockClock, state_of: StateOf
) -> None:
    """A sent message that crashes its receiver is buried there; the next in order still arrives."""
    tables = MemoryTables()
    sends = (Send("toy", "b", Do("x", crash="always")), Send("toy", "b", Do("y", add=1)))
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal)).running() as engine,
    ):
        await engine.ask(A, Do("m", send=sends))
        assert await engine.quiesce(5)
        (letter,) = await journal.dead_letters(None, 10)
    assert (letter.target, letter.sender) == (B, A)
    assert state_of(tables, B).seen == ("y",)


async def test_replayed_dead_letter_is_handled(
    autojump_clock: MockClock, state_of: StateOf
) -> None:
    """S64: an operator sends a dead letter again; it is a due message like any other."""
    tables = MemoryTables()
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal)).running() as engine,
    ):
        await engine.ask(A, Do("m", send=(Send("toy", "b", Do("x", refuse="NOT_NOW")),)))
        assert await engine.quiesce(5)
        (letter,) = await journal.dead_letters(None, 10)
        assert await engine.replay([letter.id]) == 1
        assert await engine.quiesce(5)
        (again,) = await journal.dead_letters(None, 10)
        assert await engine.replay([letter.id]) == 0, "it is no longer there"
    assert [attempt.outcome for attempt in again.attempts] == ["replayed"]
    assert again.id > letter.id


async def test_crashing_look_up_hurts_its_message_only(
    autojump_clock: MockClock, together: Together, state_of: StateOf
) -> None:
    """A message whose look-up crashes is tried again and buried; its actor is not suspended."""
    tables = MemoryTables()
    bounds = Bounds(intensity=Intensity(restarts=4))
    messages = [
        Do("a", add=1),
        Look("x", crash=True),
        Do("b", add=1),
        Look("y", crash=True),
        Do("c"),
    ]
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal, actors=(toy_spec(bounds=bounds),))).running() as engine,
    ):
        answers = await together(engine, A, messages)
        letters = await journal.dead_letters("dlq:toy", 10)
    assert [type(answer) for answer in answers] == [Answer, Failed, Answer, Failed, Answer]
    assert state_of(tables, A).seen == ("a", "b", "c")
    assert {letter.code for letter in letters} == {"MACHINE_CRASHED"}
    assert len(letters) == 2


async def test_facts_are_those_of_the_message_that_looked(autojump_clock: MockClock) -> None:
    """What one message looked up is not shown to the next of the same run."""
    shown: list[object] = []

    def show(state: Toy, _message: Do, context: Context) -> Decision[Toy]:
        shown.append(context.facts)
        return Decision(state, Done("", 0))

    def look(state: Toy, _message: Look, context: Context) -> Decision[Toy]:
        shown.append(context.facts)
        return Decision(Toy(Phase.USED), Done("", 0))

    async def find(*_: object) -> str:
        await trio.lowlevel.checkpoint()
        return "facts"

    machine: Machine[Toy] = Machine(
        "toy", phases=Phase, messages=(Do, Look),
        rows=(
            row(Phase.NEW, Look, look, Phase.USED), row(Phase.NEW, Do, show, Phase.NEW),
            row(Phase.USED, Look, look, Phase.USED), row(Phase.USED, Do, show, Phase.USED),
        ),
    )  # fmt: skip
    spec = ActorSpec(machine, Toy, replies=(Done,), lookups={Look: find})
    async with (
        MemoryJournal.open() as journal,
        Engine(toy_parts(journal, actors=(spec,))).running() as engine,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(engine.ask, A, Look("x"))
        await trio.lowlevel.checkpoint()
        for waiting in ("y", "z"):
            nursery.start_soon(engine.ask, A, Do(waiting))
    assert shown == ["facts", None, None]


async def test_intensity_suspends_one_actor_until_resumed(
    autojump_clock: MockClock, state_of: StateOf
) -> None:
    """Design.md 5: beyond its intensity one actor is suspended, visibly; its rows wait for it, the
    others work on, and `resume` lets it go on where it was.
    """
    tables = MemoryTables()
    bounds = Bounds(intensity=Intensity(restarts=3), breaker=BreakerBounds(1000))
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal, actors=(toy_spec(bounds=bounds),))).running() as engine,
    ):
        for _ in range(2):
            with pytest.raises(Failed):
                await engine.ask(B, Do("x", crash="always"))
        with pytest.raises(Suspended):
            await engine.ask(B, Do("y", add=1))
        await engine.ask(A, Do("m", send=(Send("toy", "b", Do("sent", add=1)),)))
        await trio.sleep(5)
        assert engine.statistics().hosts[0].suspended == ("b",)
        assert "1 suspended" in str(engine.health().checks)
        assert state_of(tables, B).seen == ()
        assert not await engine.quiesce(1), "its row waits"
        assert engine.resume(B)
        assert not engine.resume(B)
        assert await engine.quiesce(5)
        assert state_of(tables, B).seen == ("sent",)
        assert not engine.statistics().hosts[0].suspended
        assert engine.statistics().delivery.stranded_total == 0


async def test_unreadable_message_is_a_dead_letter(
    autojump_clock: MockClock, state_of: StateOf
) -> None:
    """A stored message of another version of the program is kept; many of them neither suspend
    their actor nor open the kind's breaker.
    """
    tables = MemoryTables()
    for number in range(1, 13):
        payload = b'{"type":"Removed"}' if number % 2 else b"no json"
        tables._put_in(MessageRow(number, B, A, payload, "message", 0, 0))
    bounds = Bounds(intensity=Intensity(restarts=3), breaker=BreakerBounds(errors=5))
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal, actors=(toy_spec(bounds=bounds),))).running() as engine,
    ):
        assert await engine.quiesce(5)
        letters = await journal.dead_letters("dlq:toy", 100)
        await engine.ask(B, Do("m", add=1))
        assert engine.statistics().hosts[0].restarts_total == 0
    assert len(letters) == 12
    assert {letter.code for letter in letters} == {"MACHINE_CRASHED"}
    assert {letter.payload for letter in letters} == {b'{"type":"Removed"}', b"no json"}
    assert state_of(tables, B).seen == ("m",)


async def test_crashing_measure_hurts_nobody(autojump_clock: MockClock, state_of: StateOf) -> None:
    """A metric that raises cannot end the journal's task, nor keep a message from its receiver."""
    tables = MemoryTables()

    def measure(_decided: Decided) -> None:
        raise ValueError("counters can only be incremented")

    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal, actors=(toy_spec(measure=measure),))).running() as engine,
    ):
        await engine.ask(A, Do("m", send=(Send("toy", "b", Do("sent")),)))
        assert await engine.quiesce(5)
    assert state_of(tables, B).seen == ("sent",)


async def test_database_away_is_said_and_nothing_is_lost(
    autojump_clock: MockClock, state_of: StateOf
) -> None:
    """Design.md 7: while the database is away asks are refused as such; it goes on by itself."""
    tables = MemoryTables()
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal)).running() as engine,
    ):
        await engine.ask(A, Do("m", send=(Send("toy", "b", Do("later"), due_in_ms=1000),)))
        journal.go_away()
        with pytest.raises(Unavailable):
            await engine.ask(A, Do("n"))
        assert engine.health().status == "degraded"
        await trio.sleep(10)
        journal.come_back()
        await trio.sleep(1)
        assert await engine.quiesce(5)
        assert engine.health().status == "ready"
        assert state_of(tables, B).seen == ("later",)
        assert engine.statistics().delivery.stranded_total == 0


async def test_asker_hears_that_the_engine_stops(autojump_clock: MockClock) -> None:
    """Whoever still waits when the engine's time to stop is over hears so, at once and by name."""
    heard: list[EngineError] = []
    journal = MemoryJournal()

    async def ask(engine: Engine) -> None:
        try:
            await engine.ask(A, Do("m"))
        except EngineError as error:
            heard.append(error)

    async with trio.open_nursery() as asking:
        async with Engine(toy_parts(journal)).running() as engine:
            asking.start_soon(ask, engine)  # nobody runs this journal: it is never durable
            await wait_all_tasks_blocked()
            began = trio.current_time()
            engine.bounds = type(engine.bounds)(stop_timeout_s=3.0)
        assert trio.current_time() - began < 4.0
    assert [type(error) for error in heard] == [Stopping]


async def test_restarted_kind_gives_back_what_it_had(
    autojump_clock: MockClock, state_of: StateOf
) -> None:
    """When a kind's supervisor is started again, its actors' rows are delivered again, and their
    askers hear of it.
    """
    tables = MemoryTables()
    stuck = trio.Event()

    async def find(*_: object) -> int:
        await stuck.wait()
        return 0

    spec = toy_spec()
    spec.lookups[Look] = find
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal, actors=(spec,))).running() as engine,
        trio.open_nursery() as nursery,
    ):
        heard: list[EngineError] = []

        async def ask() -> None:
            try:
                await engine.ask(B, Look("x"))
            except EngineError as error:
                heard.append(error)

        nursery.start_soon(ask)
        await wait_all_tasks_blocked()
        await engine.ask(A, Do("m", send=(Send("toy", "b", Do("sent")),)))
        hosting = engine._hosts["toy"]
        assert hosting._nursery is not None
        hosting._nursery.start_soon(_crash)
        await trio.sleep(5)
        stuck.set()
        assert [type(error) for error in heard] == [Stopping]
        assert await engine.quiesce(5)
        assert engine.statistics().delivery.held == 0
    assert state_of(tables, B).seen == ("sent",)


async def _crash() -> None:
    await trio.lowlevel.checkpoint()
    raise RuntimeError("a bug in the supervisor of a kind")


async def test_sick_kind_answers_quickly_and_recovers(autojump_clock: MockClock) -> None:
    """S65, Points: ten crashes within ten seconds open the kind's breaker; after the recovery time
    one ask goes through, and its success lets all others through.
    """
    bounds = Bounds(intensity=Intensity(1000))
    async with (
        MemoryJournal.open() as journal,
        Engine(toy_parts(journal, actors=(toy_spec(bounds=bounds),))).running() as engine,
    ):
        for n in range(5):
            with pytest.raises(Failed):
                await engine.ask(Address("toy", f"k{n}"), Do("x", crash="always"))
        with pytest.raises(Overloaded, match="breaker open"):
            await engine.ask(A, Do("m"))
        assert engine.health().checks["breaker.toy"] == "open"
        await trio.sleep(15)
        assert isinstance(await engine.ask(A, Do("m")), Answer)
        assert isinstance(await engine.ask(A, Do("n")), Answer)


async def test_probe_that_was_a_repeat_does_not_stick(autojump_clock: MockClock) -> None:
    """A probe of a half-open kind that ends without a decision (a repeat, a full mailbox) is
    followed by another.
    """
    bounds = Bounds(intensity=Intensity(1000))
    async with (
        MemoryJournal.open() as journal,
        Engine(toy_parts(journal, actors=(toy_spec(bounds=bounds),))).running() as engine,
    ):
        await engine.ask(A, Do("m", once="k"))
        for n in range(5):
            with pytest.raises(Failed):
                await engine.ask(Address("toy", f"k{n}"), Do("x", crash="always"))
        await trio.sleep(15)
        assert (await engine.ask(A, Do("again", once="k"))).replayed
        await trio.sleep(15)
        assert isinstance(await engine.ask(A, Do("n")), Answer)
        assert engine.statistics().hosts[0].breaker == "closed"


async def test_events_of_a_crashed_run_are_not_told_twice(
    autojump_clock: MockClock, together: Together
) -> None:
    """What a run decided before a crash is recorded once, in order."""
    tables = MemoryTables()
    messages = [Do(n, crash="first" if n in "bd" else "") for n in "abcde"]
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal, actors=(toy_spec(bounds=CALM),))).running() as engine,
    ):
        await together(engine, A, messages)
        recorded = await journal.events(0, 100)
    assert [event.payload for event in recorded] == [
        b'{"type":"Did","label":"%s"}' % n.encode() for n in "abcde"
    ]
    assert {event.type for event in recorded} == {Did.__name__}
