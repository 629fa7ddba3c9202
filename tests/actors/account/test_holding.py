"""An account that is held has a way out, and none but what the mainframe itself says when two people have asked."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.account.messages import (
    AccountCreated,
    AccountDue,
    AccountHeld,
    AccountRefused,
    CommandAnswered,
    DisownAccount,
    LookForAccount,
    Seen,
    SettleAccount,
)
from comptoir.actors.account.state import (
    AccountAlerted,
    AccountSettled,
    AnswerIgnored,
    Phase,
)
from comptoir.engine import Message
from tests.actors.account.life import NEVER_MADE, SILENT, Life
from tests.actors.opened import CLIENT, answer
from tests.actors.purchases import NOW

STANDS = SettleAccount("created", "WM0000000001", "ops-1", "asked there", "ops-2")
GONE = SettleAccount("refused", "", "ops-1", "closed there", "ops-2")
DOUBTED = (answer("created"), answer("refused"))
LOOK = LookForAccount()


def test_a_person_sees_what_is_there_and_nothing_follows() -> None:
    """E11: a look by CLIENT-ID; what it finds is shown beside the account, which stays held."""
    life = Life(*DOUBTED, LOOK)
    assert life.commands[-1] == ("FIND_ACCOUNT", f"{CLIENT}:1.1")
    life.hear(answer("created", "1.1"))
    assert life.state.seen == Seen("created", "WM0000000001", NOW)
    life.hear(LOOK).hear(answer("absent", "1.1"))
    assert life.state.seen is None, "the answer to the look before says nothing of this one"
    life.hear(answer("absent", "1.2"))
    assert (life.state.phase, life.state.seen) == (Phase.HELD, Seen("absent", "", NOW))


@pytest.mark.parametrize(
    ("order", "found", "phase"),
    [
        (STANDS, answer("created", "1.1"), Phase.CREATED),
        (STANDS, answer("created", "1.1", "WM0000000002"), Phase.HELD),
        (STANDS, answer("absent", "1.1"), Phase.HELD),
        (STANDS, answer("unknown", "1.1"), Phase.HELD),
        (GONE, answer("absent", "1.1"), Phase.REFUSED),
        (GONE, answer("created", "1.1"), Phase.HELD),
        (GONE, answer("unknown", "1.1"), Phase.HELD),
        (GONE, answer("absent", "1"), Phase.HELD),
        (GONE, answer("refused", "1"), Phase.HELD),
    ],
)
def test_what_two_people_found_holds_if_the_mainframe_says_the_same(
    order: SettleAccount, found: CommandAnswered, phase: Phase
) -> None:
    """E11, E14: the very number, or nothing, on a look that began after their word; anything else leaves it held."""
    life = Life(*DOUBTED, order)
    assert (life.state.phase, life.commands[-1][0]) == (Phase.HELD, "FIND_ACCOUNT")
    told = len(life.sent)
    life.hear(found)
    assert life.state.phase is phase
    if phase is Phase.HELD:
        assert len(life.sent) == told
        return
    settled = AccountSettled(order.outcome, "ops-1", "ops-2", order.reason)
    assert settled in life.events
    expected = {
        Phase.CREATED: AccountCreated("WM0000000001", NOW),
        Phase.REFUSED: AccountRefused("SETTLED_ABSENT", NOW),
    }
    assert life.sent[told:] == [expected[phase]]


def test_a_word_that_the_mainframe_contradicts_is_told_of() -> None:
    """Operations hear that their finding did not hold, and may try again."""
    life = Life(*DOUBTED, GONE, answer("created", "1.1"))
    assert life.alerts[-1] == "SETTLEMENT_CONTRADICTED"
    life.hear(STANDS).hear(answer("created", "1.2"))
    assert life.state.phase is Phase.CREATED


@pytest.mark.parametrize("steps", [SILENT, NEVER_MADE])
def test_a_late_refusal_of_the_last_command_ends_what_nobody_had_answered(
    steps: list[Message],
) -> None:
    """X9: held for want of an answer, it is refused by one; that of a command before it is not the last word."""
    life = Life(*steps)
    attempts = life.state.attempts
    if attempts > 1:
        assert life.hear(answer("refused", "1")).state.phase is Phase.HELD
    life.hear(answer("refused", str(attempts)))
    assert (life.state.phase, len(life.said(AccountRefused))) == (Phase.REFUSED, 1)


def test_an_account_of_a_file_that_came_to_nothing_is_held_until_it_is_gone() -> None:
    """S18: it is on operations' list, its file hears nothing new, and it ends when nothing is there."""
    life = Life(answer("created"), DisownAccount())
    assert (life.state.phase, life.alerts) == (Phase.HELD, ["ACCOUNT_ORPHANED"])
    assert life.said(AccountHeld) == []
    life.hear(GONE).hear(answer("absent", "1.1"))
    assert life.state.phase is Phase.REFUSED


def test_looks_of_people_never_have_a_command_published_again() -> None:
    """X9: however often somebody looks while it is late, two looks of its own, with their time between, go before that."""
    life = Life(AccountDue())
    for number in range(1, 6):
        life.hear(LOOK).hear(answer("absent", f"1.{number}"))
    assert (life.creations, life.state.absent) == ([f"{CLIENT}:1"], 0)
    life.hear(LOOK).hear(answer("created", "1.6"))
    assert life.state.phase is Phase.CREATED, "what a look finds is there"


def test_it_is_listed_while_it_has_no_end() -> None:
    """E11: operations find every account that waits, by when it was asked for."""
    waits = {
        Phase.ASKED: Life(), Phase.LATE: Life(AccountDue()), Phase.HELD: Life(*DOUBTED),
        Phase.CREATED: Life(answer("created")), Phase.REFUSED: Life(answer("refused")),
    }  # fmt: skip
    for phase, life in waits.items():
        assert life.state.phase is phase
        shown: dict[str, object] = {}
        for put in life.documents:
            shown[put.key] = put.fields["waits"]
        open_ones = phase not in (Phase.CREATED, Phase.REFUSED)
        assert shown == {f"{NOW:015d}:{CLIENT}": open_ones}


WORDS = "MARIE TREMBLAY 046454286 UNSUCCESSFUL"


@pytest.mark.parametrize(
    "before", [(), (AccountDue(),), DOUBTED, (answer("created"),), (answer("refused"),)]
)
@pytest.mark.parametrize("outcome", ["refused", "unknown", "absent"])
def test_the_mainframes_words_are_in_no_event(before: tuple[Message, ...], outcome: str) -> None:
    """S30, X10: its REASON may name the client; what is recorded is a code of ours."""
    said = msgspec.structs.replace(answer(outcome), code=WORDS)
    life = Life(*before, said, said, msgspec.structs.replace(said, command_id=f"{CLIENT}:9"))
    assert "TREMBLAY" not in repr(life.events)
    codes = {one.code for one in life.events if isinstance(one, AnswerIgnored | AccountAlerted)}
    assert all(code.replace("_", "").isalpha() and code.isupper() for code in codes)


ANSWERS = st.sampled_from((
    LOOK, GONE, STANDS, DisownAccount(), AccountDue(),
    *(answer(x, f"1.{n}") for x in ("absent", "created", "unknown") for n in (1, 2, 3)),
    answer("created"), answer("refused"), answer("created", number="WM0000000002"),
))  # fmt: skip


@given(st.lists(ANSWERS, max_size=20))
def test_whatever_is_said_no_held_account_ends_without_the_mainframes_word(
    steps: list[Message],
) -> None:
    """E11, E14: out of a contradiction leads two people's word, and an answer to a look that began after it; no account is
    asked for a second time.
    """
    life = Life(*DOUBTED)
    ordered: SettleAccount | None = None
    for step in steps:
        was, asking = life.state.phase, life.state.asking
        if was is Phase.HELD and isinstance(step, SettleAccount):
            ordered = step
        life.hear(step)
        if was is Phase.HELD and life.state.phase is not Phase.HELD:
            assert isinstance(step, CommandAnswered)
            assert ordered is not None
            assert step.command_id == asking
            wanted = {"created": "created", "refused": "absent"}[ordered.outcome]
            assert (step.outcome, step.account_number) == (wanted, ordered.account_number)
            ordered = None
    assert life.creations == [f"{CLIENT}:1"]
