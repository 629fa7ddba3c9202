"""What two people have settled stays settled, and can always be settled: actors/account/holding.py.

Source: spec.md E11, E14, X9; docs/core-banking.md.
"""

from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.account.holding import LOOKS_BY_HAND_MAX, LOOKS_MAX
from comptoir.actors.account.messages import (
    AccountCreated,
    AccountDue,
    AccountRefused,
    CommandAnswered,
    DisownAccount,
    LookForAccount,
    SettleAccount,
)
from comptoir.actors.account.state import AccountSettled, Phase, command_of, described
from comptoir.actors.account.terms import CoreTerms
from comptoir.actors.gateways.core_messages import CommandRefused
from comptoir.engine import Message
from tests.actors.account.life import OPEN, SILENT, Life
from tests.actors.opened import CLIENT, answer

STANDS = SettleAccount("created", "WM0000000001", "ops-1", "asked there", "ops-2")
GONE = SettleAccount("refused", "", "ops-1", "closed there", "ops-2")
DOUBTED = (answer("created"), answer("refused"))
LOOK = LookForAccount()
LATER = (AccountDue(), AccountDue(), answer("absent", "1.1"), AccountDue(), answer("absent", "1.2"))
"""Until a second command is published."""


def said_to(life: Life, outcome: str) -> CommandAnswered:
    """The answer to the look that is on its way."""
    return answer(outcome, life.state.asking.removeprefix(f"{CLIENT}:"))


def test_a_look_that_is_on_its_way_is_not_begun_again() -> None:
    """E11: however often operations compare, one look goes out for each answer; where none comes another one may."""
    life = Life(*DOUBTED, LOOK, LOOK, LOOK)
    assert life.state.looks == 1
    life.now += CoreTerms().look_ms
    assert life.hear(LOOK).state.looks == 2


def test_a_word_waits_for_no_answer_for_ever() -> None:
    """E11, E14: half an hour after two people have said it, it is given up and operations are told; a look by hand meanwhile
    gives it no minute more; what comes later settles nothing.
    """
    life = Life(*DOUBTED, LOOK)
    life.hear(said_to(life, "created")).hear(STANDS)
    until = life.now + 3 * CoreTerms().look_ms
    assert life.due[-1] == until
    life.now += 2 * CoreTerms().look_ms
    late = said_to(life, "created")
    life.hear(LOOK)
    assert described(life.hear(AccountDue()).state).settling, "a timer that is early takes nothing"
    assert life.due[-2:] == [until] * 2
    late_too = said_to(life, "created")
    life.now = until
    life.hear(AccountDue())
    assert (life.alerts[-1], described(life.state).settling) == ("SETTLEMENT_UNCONFIRMED", "")
    life.hear(AccountDue()).hear(late).hear(late_too)
    assert (life.state.phase, life.alerts.count("SETTLEMENT_UNCONFIRMED")) == (Phase.HELD, 1)


def test_a_word_of_the_release_before_has_a_timer_with_the_next_look() -> None:
    """E11, E14: it had none, and waited for an answer for ever; from the look on it is given up as any other."""
    life = Life(*DOUBTED, GONE)
    life.state = msgspec.structs.replace(life.state, settling_at=0)
    before, life.now = len(life.due), life.now + 86_400_000
    life.hear(LOOK)
    assert life.due[before:] == [life.now + 3 * CoreTerms().look_ms]
    life.now = life.due[-1]
    assert life.hear(AccountDue()).alerts[-1] == "SETTLEMENT_UNCONFIRMED"


def test_however_often_it_was_looked_two_people_can_settle_it() -> None:
    """E11, E14: looks by hand leave numbers for them; where none is left it is said by its own name, and nothing is asked."""
    life = Life(*DOUBTED)
    for _ in range(LOOKS_MAX):
        life.hear(LOOK)
        if life.state.asking:
            life.hear(said_to(life, "absent"))
    assert life.state.looks == LOOKS_BY_HAND_MAX
    assert not described(life.hear(LOOK).state).looking, "nobody is told that it is being looked"
    for _ in range(LOOKS_MAX - LOOKS_BY_HAND_MAX):
        life.hear(GONE).hear(said_to(life, "created"))
    assert life.state.looks == LOOKS_MAX
    assert len(command_of("ABCDE-2026-00001", 3, LOOKS_MAX)) <= 24, "of MQ's CorrelId"
    commands = len(life.commands)
    life.hear(GONE)
    assert (life.alerts[-1], len(life.commands)) == ("LOOKS_SPENT", commands)
    assert not described(life.state).settling


def test_what_was_looked_before_it_was_refused_is_not_counted_again() -> None:
    """E11: asked for anew it has all its looks, under names that were never used."""
    life = Life(*DOUBTED, LOOK)
    life.hear(said_to(life, "absent")).hear(GONE).hear(said_to(life, "absent")).hear(OPEN)
    assert (life.state.phase, life.state.looks) == (Phase.ASKED, 0)
    life.hear(LOOK)
    names = [name for _, name in life.commands]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("before", "look"),
    [
        ((*SILENT, LOOK), "1.61"),
        ((AccountDue(), AccountDue()), "1.1"),
        ((AccountDue(), LOOK), "1.1"),
        ((answer("created"),), "1.1"),
        ((LOOK, answer("created")), "1.1"),
    ],
)
def test_a_look_cannot_be_refused(before: tuple[Message, ...], look: str) -> None:
    """X9: a status that refuses, in answer to a look, says nothing of the command: no end, no contradiction."""
    life = Life(*before)
    was = life.state.phase
    life.hear(answer("refused", look))
    assert (life.state.phase, life.said(AccountRefused)) == (was, [])


@pytest.mark.parametrize(
    "failed", [answer("unknown", "1.1"), CommandRefused(f"{CLIENT}:1.1", "NOT_CONFIGURED")]
)
def test_a_word_holds_by_the_look_that_it_began_or_not_at_all(failed: Message) -> None:
    """E14: where that look fails operations are told, and a later look of one person settles nothing."""
    life = Life(*DOUBTED, GONE, failed)
    assert (life.state.phase, life.alerts[-1]) == (Phase.HELD, "SETTLEMENT_UNCONFIRMED")
    told = described(life.state)
    assert (told.looking, told.settling) == (False, "")
    life.hear(LOOK).hear(said_to(life, "absent"))
    assert life.state.phase is Phase.HELD


@pytest.mark.parametrize("phase", [(), (AccountDue(),), DOUBTED])
def test_a_look_that_was_not_sent_is_over(phase: tuple[Message, ...]) -> None:
    """E11: nobody waits for its answer."""
    life = Life(*phase, LOOK)
    was = life.state.phase
    life.hear(CommandRefused(life.state.asking, "NOT_CONFIGURED"))
    assert (life.state.phase, described(life.state).looking) == (was, False)


def test_a_refusal_of_a_command_that_was_replaced_does_not_contradict_an_account() -> None:
    """X9: of two commands the second made it; what is said of the first comes late, and is known to be over."""
    life = Life(*LATER, answer("created", "2"), answer("refused", "1"))
    assert (life.state.phase, life.alerts) == (Phase.CREATED, [])


def test_what_is_closed_has_no_number() -> None:
    """E11: nothing is there, and no number is shown."""
    life = Life(*DOUBTED, GONE, answer("absent", "1.1"))
    assert (life.state.phase, described(life.state).account_number) == (Phase.REFUSED, "")


HISTORIES = st.lists(
    st.sampled_from((
        answer("created"), answer("created", number="WM0000000002"), answer("refused"), LOOK, DisownAccount(),
        answer("unknown"), answer("unknown", "1.1"), answer("absent", "1.1"), answer("created", "1.1"),
    )),
    max_size=8,
)  # fmt: skip


@given(HISTORIES, st.sampled_from((STANDS, GONE)), st.randoms(use_true_random=False))
def test_what_is_delivered_again_undoes_no_settlement(
    history: list[Message], word: SettleAccount, order: Random
) -> None:
    """E11, X9: answers come as often as the bus likes, in any order; what was said before two people settled it is known."""
    life = Life(*DOUBTED, *history, word)
    life.now += CoreTerms().look_ms
    outcome = "created" if word is STANDS else "absent"
    life.hear(said_to(life, outcome))
    assert [type(x) for x in life.events].count(AccountSettled) == 1
    phase, sent = life.state.phase, len(life.sent)
    again = [x for x in (*DOUBTED, *history) if isinstance(x, CommandAnswered)]
    order.shuffle(again)
    for one in again:
        life.hear(one)
    assert (life.state.phase, life.sent[sent:]) == (phase, [])


def test_an_account_that_nobody_knew_of_is_no_repetition() -> None:
    """E11: settled as absent, and then the mainframe makes one after all: it is held."""
    life = Life(*DOUBTED, GONE, answer("absent", "1.1"), answer("created", number="WM0000000009"))
    assert (life.state.phase, life.alerts[-1]) == (Phase.HELD, "CREATED_YET_REFUSED")
    assert len(life.said(AccountCreated)) == 1
