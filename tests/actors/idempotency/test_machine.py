"""What a caller asked for is done once (interface.md 1, Idempotency-Key)."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.idempotency.kind import idempotency_spec
from comptoir.actors.idempotency.machine import MACHINE, RUNNING_MAX, IdempotencyState, Phase
from comptoir.actors.idempotency.messages import (
    KIND,
    REUSED,
    BeginRequest,
    EndRequest,
    ForgetRequest,
    RequestBegun,
    RequestEnded,
)
from comptoir.engine import Address, Refused
from comptoir.engine.decision import Decision, Refusal
from comptoir.engine.engine import Engine
from comptoir.engine.machine import Context
from comptoir.engine.spec import Bounds
from comptoir.engine.toys import toy_clock, toy_parts
from comptoir.engine.values import Message
from comptoir.storage.testing import MemoryJournal, MemoryTables

DAWN = 1_800_000_000_000
DAY_MS = 86_400_000
ME = Address(KIND, "digest-of-the-caller")
BEGIN = BeginRequest("k1", "body", "5eed", DAY_MS)
END = EndRequest("k1", "body", 201, "application/json", '{"id":1}', DAY_MS)
ENDED = RequestEnded("body", 201, "application/json", '{"id":1}')
IDLE = IdempotencyState(Phase.IDLE)


def _decide(
    state: IdempotencyState, message: Message, now: int = DAWN
) -> Decision[IdempotencyState]:
    outcome = MACHINE.decide(state, message, Context(ME, now, 1))
    assert isinstance(outcome, Decision)
    return outcome


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    """An engine with the kind alone, over an in-memory journal with a manual clock."""
    async with MemoryJournal(MemoryTables()).open() as journal:
        parts = toy_parts(
            journal, actors=(idempotency_spec(Bounds()),), clock=toy_clock(manual=True)
        )
        async with Engine(parts).running() as running:
            yield running


async def test_what_has_ended_is_told_again(engine: Engine) -> None:
    """Interface.md 1: the first answer, for 24 hours of business time, and then the key is a new one."""
    assert (await engine.ask(ME, BEGIN)).reply == RequestBegun("5eed")
    assert (await engine.ask(ME, END)).reply == ENDED
    for other in ("body", "another body"):
        again = await engine.ask(ME, BeginRequest("k1", other, "beef", DAY_MS))
        assert (again.reply, again.replayed) == (ENDED, True)
    assert (await engine.ask(ME, BeginRequest("k2", "body", "beef", DAY_MS))).reply == RequestBegun(
        "beef"
    )
    await engine.advance_clock(DAY_MS / 1000 + 1)
    anew = await engine.ask(ME, BeginRequest("k1", "another body", "beef", DAY_MS))
    assert (anew.reply, anew.replayed) == (RequestBegun("beef"), False)


async def test_what_was_begun_goes_on_with_its_chance(engine: Engine) -> None:
    """Interface.md 1: one that never ended is begun again with the seed of the first time; another body
    is refused until it was forgotten.
    """
    await engine.ask(ME, BEGIN)
    again = await engine.ask(ME, BeginRequest("k1", "body", "beef", DAY_MS))
    assert again.reply == RequestBegun("5eed")
    other = BeginRequest("k1", "another body", "beef", DAY_MS)
    with pytest.raises(Refused, match=REUSED):
        await engine.ask(ME, other)
    await engine.ask(ME, ForgetRequest("k1"))
    assert (await engine.ask(ME, other)).reply == RequestBegun("beef")


@given(
    st.lists(
        st.one_of(
            st.builds(
                BeginRequest,
                st.sampled_from(("k1", "k2")),
                st.sampled_from(("b1", "b2")),
                st.text(min_size=1, max_size=2),
                st.just(DAY_MS),
            ),
            st.builds(ForgetRequest, st.sampled_from(("k1", "k2"))),
        ),
        max_size=12,
    )
)
def test_a_key_runs_for_one_body(messages: list[Message]) -> None:
    """Interface.md 1: for any order, a key that runs has the body and the seed that it began with."""
    state, model = IDLE, dict[str, tuple[str, str]]()
    for message in messages:
        outcome = MACHINE.decide(state, message, Context(ME, DAWN, 1))
        if isinstance(message, ForgetRequest):
            model.pop(message.key, None)
        else:
            assert isinstance(message, BeginRequest)
            digest, seed = model.setdefault(message.key, (message.digest, message.seed))
            if digest != message.digest:
                assert isinstance(outcome, Refusal)
                continue
            assert isinstance(outcome, Decision)
            assert outcome.reply == RequestBegun(seed)
        assert isinstance(outcome, Decision)
        state = outcome.state
        assert {key: (one.digest, one.seed) for key, one in state.running.items()} == model
        assert (state.phase is Phase.BUSY) == bool(model)


def test_it_is_bounded() -> None:
    """Nothing grows for ever: what is a day old is dropped, and beyond the bound the oldest."""
    state = IDLE
    for number in range(RUNNING_MAX + 1):
        state = _decide(state, BeginRequest(f"k{number}", "body", "00", DAY_MS), DAWN).state
    assert len(state.running) == RUNNING_MAX
    assert "k0" not in state.running
    later = _decide(state, BeginRequest("new", "body", "00", DAY_MS), DAWN + DAY_MS).state
    assert list(later.running) == ["new"]
