"""The one loop of all actors: order, runs, undoing, first answers (design.md 2, 3; invariant 1)."""

from collections.abc import Awaitable, Callable, Sequence

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from comptoir.engine.engine import Engine
from comptoir.engine.envelope import Answer
from comptoir.engine.errors import AskTimeout, EngineError, Refused
from comptoir.engine.journal import Run
from comptoir.engine.spec import Bounds, BreakerBounds, Intensity
from comptoir.engine.toys import Do, Done, Look, Phase, Send, Toy, toy_parts, toy_spec
from comptoir.engine.values import Address, Message
from comptoir.storage.testing import MemoryJournal, MemoryTables

Together = Callable[[Engine, Address, Sequence[Message]], Awaitable[list[Answer | EngineError]]]
StateOf = Callable[[MemoryTables, Address], Toy]

A = Address("toy", "a")


class HeldJournal(MemoryJournal):
    """Keeps runs to itself until told: between deciding and durable lies all the time we want."""

    kept: list[Run] | None = None

    def submit(self, run: Run) -> None:
        """Keep it, or pass it on."""
        if self.kept is None:
            super().submit(run)
        else:
            self.kept.append(run)

    def let_go(self) -> None:
        """Pass on what was kept, and keep no more."""
        kept, self.kept = self.kept or [], None
        for run in kept:
            super().submit(run)


async def test_messages_take_effect_in_order(
    autojump_clock: MockClock, together: Together, state_of: StateOf
) -> None:
    """A hundred asks are handled one at a time, in the order in which they were asked."""
    tables = MemoryTables()
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(
            toy_parts(journal, actors=(toy_spec(bounds=Bounds(mailbox_max=100)),))
        ).running() as e,
    ):
        answers = await together(e, A, [Do(f"m{n}", add=1) for n in range(100)])
    assert [a.reply for a in answers if isinstance(a, Answer)] == [
        Done(f"m{n}", n + 1) for n in range(100)
    ]
    assert state_of(tables, A).seen == tuple(f"m{n}" for n in range(100))


async def test_waiting_messages_are_committed_as_one_run(
    autojump_clock: MockClock, together: Together
) -> None:
    """What waits for a hot actor is decided on tentative state and committed together, bounded."""
    runs: list[int] = []
    async with HeldJournal.open() as journal:
        assert isinstance(journal, HeldJournal)
        bounds = Bounds(mailbox_max=100, run_max=32)
        async with Engine(toy_parts(journal, actors=(toy_spec(bounds=bounds),))).running() as e:
            submit = journal.submit

            def count(run: Run) -> None:
                runs.append(len(run.decided))
                submit(run)

            journal.submit = count  # type: ignore[method-assign]  # counted on its way
            await together(e, A, [Do(f"m{n}", add=1) for n in range(70)])
    assert runs == [32, 32, 6]
    version, *_ = journal.tables.actors[A]
    assert version == 70


async def test_no_answer_before_it_is_durable(autojump_clock: MockClock, state_of: StateOf) -> None:
    """Invariant 1: while the batch is not flushed nobody hears anything, and nothing is sent on."""
    b = Address("toy", "b")
    async with HeldJournal.open() as journal:
        assert isinstance(journal, HeldJournal)
        async with Engine(toy_parts(journal)).running() as engine:
            journal.kept = []
            answers: list[Answer] = []
            message = Do("m", add=1, send=(Send("toy", "b", Do("sent")),))

            async def ask() -> None:
                answers.append(await engine.ask(A, message))

            async with trio.open_nursery() as asking:
                asking.start_soon(ask)
                await wait_all_tasks_blocked()
                assert len(journal.kept) == 1
                await trio.sleep(5)
                assert not answers
                assert state_of(journal.tables, A).total == 0
                assert engine.statistics().hosts[0].resident == 1, "b was not handed anything"
                journal.let_go()
            assert answers == [Answer(Done("m", 1))]
            assert await engine.quiesce(5)
            assert state_of(journal.tables, b).seen == ("sent",)


async def test_rejected_decision_hurts_itself_only(
    autojump_clock: MockClock, together: Together, state_of: StateOf
) -> None:
    """Design.md 7, isolation: the guilty one is a dead letter, what was decided on it is undone and
    decided again, and all others stand.
    """
    tables = MemoryTables()
    messages = [Do("a", add=1), Do("bad", add=1000, spoil=True), Do("b", add=10), Do("c", add=100)]
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal)).running() as engine,
    ):
        first, bad, *rest = await together(engine, A, messages)
        letters = await journal.dead_letters("dlq:toy", 10)
    assert [x.reply for x in (first, *rest) if isinstance(x, Answer)] == [
        Done("a", 1),
        Done("b", 11),
        Done("c", 111),
    ]
    assert isinstance(bad, EngineError)
    assert bad.code == "INTERNAL"
    assert state_of(tables, A).seen == ("a", "b", "c")
    assert [letter.code for letter in letters] == ["23514"]


async def test_repeat_is_answered_with_the_first_answer(
    autojump_clock: MockClock, together: Together
) -> None:
    """X16, X19: in the same run, later, and after a restart, the repeat of a `once` key gets the
    first answer and changes nothing, whatever the rest of its body.
    """
    tables = MemoryTables()
    first = Answer(Done("m0", 1))
    again = Answer(Done("m0", 1), replayed=True)
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal)).running() as engine,
    ):
        messages = [Do(f"m{n}", add=1, once="k") for n in range(3)]
        assert await together(engine, A, messages) == [first, again, again]
        assert await engine.ask(A, Do("later", add=7, once="k")) == again
        assert await engine.ask(A, Do("other", add=1, once="k2")) == Answer(Done("other", 2))
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal)).running() as engine,
    ):
        assert await engine.ask(A, Do("m0", add=1, once="k")) == again
        assert (await engine.ask(A, Look("?"))).reply == Done("?", 2, 2)


async def test_repeat_at_another_actor_in_the_same_batch(
    autojump_clock: MockClock, together: Together
) -> None:
    """A `once` key is one for all actors: two that decide in one batch cannot both take it."""
    async with HeldJournal.open() as journal:
        assert isinstance(journal, HeldJournal)
        async with Engine(toy_parts(journal)).running() as engine:
            journal.kept = []
            answers: dict[str, Answer] = {}

            async def ask(key: str) -> None:
                answers[key] = await engine.ask(Address("toy", key), Do(key, add=1, once="k"))

            async with trio.open_nursery() as asking:
                for key in ("a", "b", "c"):
                    asking.start_soon(ask, key)
                    await wait_all_tasks_blocked()
                journal.let_go()
    assert answers["a"] == Answer(Done("a", 1))
    assert answers["b"] == answers["c"] == Answer(Done("a", 1), replayed=True)
    assert journal.statistics().refusals_total == 2


async def test_repeat_of_a_sent_message_has_no_effect(
    autojump_clock: MockClock, state_of: StateOf
) -> None:
    """A row whose `once` key is taken is consumed and changes nothing."""
    tables = MemoryTables()
    b = Address("toy", "b")
    sends = tuple(Send("toy", "b", Do(f"s{n}", add=1, once="k")) for n in range(3))
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal)).running() as engine,
    ):
        await engine.ask(A, Do("m", send=sends))
        assert await engine.quiesce(5)
    assert state_of(tables, b) == Toy(Phase.USED, 1, ("s0",))
    assert not tables.messages


async def test_refusal_of_an_ask_changes_nothing(
    autojump_clock: MockClock, together: Together, state_of: StateOf
) -> None:
    """Invariant 5: a refused message has a stable code and left no trace; its neighbours stand."""
    tables = MemoryTables()
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal)).running() as engine,
    ):
        messages = [Do("a", add=1), Do("b", add=1, refuse="NOT_NOW"), Do("c", add=1)]
        _, refused, _ = await together(engine, A, messages)
        batch = tables.batch
        with pytest.raises(Refused):
            await engine.ask(A, Do("alone", refuse="NOT_NOW"))
        assert tables.batch == batch, "a refusal alone writes nothing at all"
    assert isinstance(refused, Refused)
    assert (refused.code, refused.detail) == ("NOT_NOW", "as told")
    assert state_of(tables, A).seen == ("a", "c")
    assert not tables.messages


async def test_refused_row_is_a_dead_letter(autojump_clock: MockClock) -> None:
    """A sent message that its receiver refuses is not lost: it is kept under the refusal's code."""
    tables = MemoryTables()
    async with (
        MemoryJournal.open(tables) as journal,
        Engine(toy_parts(journal)).running() as engine,
    ):
        await engine.ask(A, Do("m", send=(Send("toy", "b", Do("s", refuse="NOT_NOW")),)))
        assert await engine.quiesce(5)
        (letter,) = await journal.dead_letters(None, 10)
    assert (letter.queue, letter.code) == ("dlq:toy", "NOT_NOW")
    assert (letter.target, letter.sender) == (Address("toy", "b"), A)
    assert toy_spec().read_message(letter.payload) == Do("s", refuse="NOT_NOW")


async def test_asker_that_gives_up_undoes_nothing(
    autojump_clock: MockClock, state_of: StateOf
) -> None:
    """Design.md 2: a cancelled or late caller does not undo a decision; the answer waits under the
    key.
    """
    async with HeldJournal.open() as journal:
        assert isinstance(journal, HeldJournal)
        async with Engine(toy_parts(journal)).running() as engine:
            journal.kept = []
            with pytest.raises(AskTimeout):
                await engine.ask(A, Do("late", add=1, once="k1"), timeout_s=2)
            with trio.move_on_after(1) as scope:
                await engine.ask(A, Do("left", add=10, once="k2"))
            assert scope.cancelled_caught
            began = trio.current_time()
            with pytest.raises(AskTimeout):
                await engine.ask(A, Do("default", add=100))
            assert 10 <= trio.current_time() - began < 10.5
            journal.let_go()
            again = await engine.ask(A, Do("retry", add=1, once="k1"))
            assert again == Answer(Done("late", 1), replayed=True)
            again = await engine.ask(A, Do("retry", add=1, once="k2"))
            assert again == Answer(Done("left", 11), replayed=True)
    assert state_of(journal.tables, A).total == 111


async def test_look_up_sees_everything_decided_before(
    autojump_clock: MockClock, together: Together
) -> None:
    """A message that looks something up ends the run before it: it sees what came before it, even
    when all of them were asked in one step.
    """
    messages = [
        Do("a", add=1),
        Look("l1"),
        Do("b", add=10),
        Do("c", add=10),
        Look("l2"),
        Look("l3"),
    ]
    async with MemoryJournal.open() as journal, Engine(toy_parts(journal)).running() as engine:
        answers = await together(engine, A, messages)
    found = [x.reply.found for x in answers if isinstance(x, Answer) and isinstance(x.reply, Done)]
    assert found == [None, 1, None, None, 21, 21]


MESSAGES = st.lists(
    st.builds(
        Do,
        label=st.uuids().map(str),
        add=st.integers(-5, 5),
        once=st.sampled_from(("", "", "k1", "k2")),
        refuse=st.sampled_from(("", "", "", "NO")),
        crash=st.sampled_from(("", "", "", "first", "always")),
        spoil=st.sampled_from((False, False, False, True)),
        quiet=st.booleans(),
    ),
    max_size=30,
)


@given(MESSAGES, st.integers(1, 8), st.integers(1, 6))
def test_runs_leave_what_one_by_one_would(messages: list[Do], run_max: int, batch_max: int) -> None:
    """However many are decided together, the end is that of deciding one at a time (the oracle)."""

    async def play() -> Toy:
        tables = MemoryTables()
        bounds = Bounds(run_max=run_max, intensity=Intensity(1000), breaker=BreakerBounds(1000))
        async with (
            MemoryJournal.open(tables, batch_decisions_max=batch_max) as journal,
            Engine(toy_parts(journal, actors=(toy_spec(bounds=bounds),))).running() as engine,
        ):
            async with trio.open_nursery() as nursery:
                for message in messages:
                    nursery.start_soon(_ask_quietly, engine, message)
                    # Each asks before the next is started: the order is that of the list.
                    await trio.lowlevel.checkpoint()
                    await trio.lowlevel.checkpoint()
            reply = (await engine.ask(A, Look("?"))).reply
            assert isinstance(reply, Done)
            assert reply.total == reply.found
            return toy_spec().read_state(await journal.load(A))[0]

    total, seen, taken = 0, list[str](), set[str]()
    for message in messages:
        fails = message.crash == "always" or message.refuse or message.spoil
        if fails or message.once in taken:
            continue
        taken |= {message.once} - {""}
        if not message.quiet:
            total += message.add
            seen.append(message.label)
    state = trio.run(play, clock=MockClock(autojump_threshold=0))
    assert (state.total, list(state.seen)) == (total, seen)


async def _ask_quietly(engine: Engine, message: Do) -> None:
    try:
        await engine.ask(A, message)
    except EngineError:
        if not (message.crash or message.refuse or message.spoil):
            raise
