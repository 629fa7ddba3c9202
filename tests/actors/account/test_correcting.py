"""A correction is commanded once, and what comes of it told once: actors/account/correcting.py."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.account.correcting import DOUBLINGS_MAX, LOOKS_MAX
from comptoir.actors.account.messages import CorrectionAnswered, CorrectionDue
from comptoir.actors.account.state import Phase
from comptoir.actors.gateways.core_messages import CommandRefused, PublishCommand
from comptoir.engine import Message
from tests.actors.account.life import Life
from tests.actors.account.test_machine import LOOK_MS
from tests.actors.opened import CLIENT, CORRECTS, answer, changed
from tests.actors.purchases import NOW


def _commands(life: Life) -> list[str]:
    return [x.command_id for x in life.said(PublishCommand) if x.command == "UPDATE_ACCOUNT"]


def test_a_correction_is_commanded_once_whole_and_answered() -> None:
    """S29, S33: under a name of its own, with the address and nothing that proves who somebody is."""
    life = Life(answer("created"), CORRECTS, CORRECTS)
    (command,) = [x for x in life.said(PublishCommand) if x.command == "UPDATE_ACCOUNT"]
    assert (command.command_id, command.profile) == (f"{CLIENT}:u1", CORRECTS.profile)
    assert life.due[-1] == NOW + LOOK_MS
    life.hear(answer("updated", "u1")).hear(answer("updated", "u1"))
    assert life.said(CorrectionAnswered) == [CorrectionAnswered(1, "taken")]
    assert (life.state.phase, life.state.correcting) == (Phase.CREATED, False)


@pytest.mark.parametrize(
    ("said", "outcome", "code"),
    [
        (answer("refused", "u1"), "refused", "CLIENT_ABSENT"),
        (CommandRefused(f"{CLIENT}:u1", "FIELD_TOO_LONG:PROVINCE"), "refused", "FIELD_TOO_LONG:PROVINCE"),
        (CorrectionDue(), "unconfirmed", "CORRECTION_UNCONFIRMED"),
    ],
)  # fmt: skip
def test_why_it_was_not_taken(said: Message, outcome: str, code: str) -> None:
    """X9: a refusal, a record that cannot be, silence; none of them touches the account, and nothing is sent again."""
    life = Life(answer("created"), CORRECTS, said)
    assert [(x.outcome, x.code) for x in life.said(CorrectionAnswered)] == [(outcome, code)]
    assert life.state.phase is Phase.CREATED
    assert _commands(life) == [f"{CLIENT}:u1"]
    assert life.alerts == (["CORRECTION_UNCONFIRMED"] if outcome == "unconfirmed" else [])


def test_who_answers_after_it_was_given_up_is_heard() -> None:
    """X9: late is not a failure."""
    life = Life(answer("created"), CORRECTS, CorrectionDue(), answer("updated", "u1"))
    assert [x.outcome for x in life.said(CorrectionAnswered)] == ["unconfirmed", "taken"]


def _looks(life: Life) -> list[str]:
    return [x.command_id for x in life.said(PublishCommand) if x.command == "FIND_ADDRESS"]


def test_silence_is_looked_into_until_it_is_known() -> None:
    """S33, X9: whether the client lives there is asked, at ever longer intervals, and nothing is sent again; the first look
    that finds it is an answer.
    """
    life = Life(answer("created"), CORRECTS, CorrectionDue(), CorrectionDue())
    assert _looks(life) == [f"{CLIENT}:u1.1", f"{CLIENT}:u1.2"]
    asked = [x for x in life.said(PublishCommand) if x.command == "FIND_ADDRESS"]
    assert {x.profile for x in asked} == {CORRECTS.profile}
    assert life.due[-2:] == [NOW + LOOK_MS, NOW + 2 * LOOK_MS]
    life.hear(answer("updated", "u1.1"))
    assert [x.outcome for x in life.said(CorrectionAnswered)] == ["unconfirmed", "taken"]
    life.hear(CorrectionDue()).hear(answer("absent", "u1.2"))
    assert (len(_looks(life)), len(life.said(CorrectionAnswered))) == (2, 2)
    assert _commands(life) == [f"{CLIENT}:u1"]


def test_what_two_looks_do_not_find_was_lost() -> None:
    """S33, E11: one after the other; the same look twice is one, and what is not known decides nothing."""
    life = Life(answer("created"), CORRECTS, CorrectionDue(), answer("absent", "u1.1"))
    life.hear(answer("absent", "u1.1"))
    life.hear(CorrectionDue()).hear(answer("absent", "u1.1")).hear(answer("unknown", "u1.2"))
    assert [x.outcome for x in life.said(CorrectionAnswered)] == ["unconfirmed"]
    life.hear(answer("absent", "u1.2"))
    assert [(x.outcome, x.code) for x in life.said(CorrectionAnswered)][1:] == [
        ("refused", "CORRECTION_ABSENT")
    ]
    assert _commands(life) == [f"{CLIENT}:u1"]


def test_it_is_looked_a_bounded_number_of_times() -> None:
    """S63: a mainframe that says nothing for days is asked no more, and heard all the same."""
    life = Life(answer("created"), CORRECTS, *[CorrectionDue()] * 30)
    assert len(_looks(life)) == LOOKS_MAX
    longest = LOOK_MS << DOUBLINGS_MAX
    assert [x - NOW for x in life.due[-3:]] == [longest] * 3, "no longer than the longest"
    life.hear(CommandRefused(f"{CLIENT}:u1.1", "NOT_CONFIGURED"))
    life.hear(answer("updated", "u1.3"))
    assert [x.outcome for x in life.said(CorrectionAnswered)] == ["unconfirmed", "taken"]


def test_of_an_account_that_is_held_nothing_is_corrected() -> None:
    """A person looks at it first."""
    life = Life(answer("created"), answer("created", number="WM0000000002"), CORRECTS)
    assert life.state.phase is Phase.HELD
    assert [x.code for x in life.said(CorrectionAnswered)] == ["ACCOUNT_NOT_OPEN"]
    assert _commands(life) == []


ECHOES = st.lists(
    st.sampled_from([
        CORRECTS, CorrectionDue(), answer("updated", "u1"), answer("refused", "u1"), answer("unknown", "u1"),
        answer("created"), answer("updated", "u7"), changed(1), changed(2), changed(3), answer("updated", "u1.1"),
        answer("absent", "u1.1"), answer("absent", "u1.2"),
    ]),
    max_size=14,
)  # fmt: skip


@given(ECHOES)
def test_a_correction_is_answered_once(steps: list[Message]) -> None:
    """S33, X9: the first answer counts, said however often; before it there may have been silence, which is told once."""
    life = Life(answer("created"), CORRECTS, *steps)
    told = [x.outcome for x in life.said(CorrectionAnswered)]
    assert told[:-1] in ([], ["unconfirmed"])
    assert len(set(told)) == len(told)


def test_the_next_correction_has_an_answer_of_its_own() -> None:
    """S33: what became of the first is over."""
    again = msgspec.structs.replace(CORRECTS, number=2)
    life = Life(
        answer("created"), CORRECTS, answer("updated", "u1"), again, answer("refused", "u2")
    )
    assert [(x.number, x.outcome) for x in life.said(CorrectionAnswered)] == [
        (1, "taken"),
        (2, "refused"),
    ]


@given(ECHOES)
def test_nothing_that_comes_is_a_command(steps: list[Message]) -> None:
    """S33: whatever is said in whatever order, one command for one correction and none for what comes back: no loop. What looks
    changes nothing, and is of the timer alone.
    """
    life = Life(answer("created"), *steps)
    assert len(_commands(life)) == (CORRECTS in steps)
    assert len(_looks(life)) <= steps.count(CorrectionDue())
    assert len(life.said(PublishCommand)) == 1 + len(_commands(life)) + len(_looks(life))
    assert life.state.phase is Phase.CREATED
