"""An account on the mainframe is created once, whatever is answered, however often and in whatever order."""

from itertools import permutations, product
from typing import TypeVar

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from comptoir.actors.account.machine import MACHINE
from comptoir.actors.account.messages import (
    AccountCreated,
    AccountDelayed,
    AccountDescribed,
    AccountDue,
    AccountHeld,
    AccountRefused,
    ChangesDue,
    CommandAnswered,
    CoreBankingChanged,
    DescribeAccount,
)
from comptoir.actors.account.state import Phase, ProfileChanged
from comptoir.actors.account.terms import CORE_TERMS, CoreTerms
from comptoir.actors.gateways.core_messages import CommandRefused
from comptoir.engine import Message
from comptoir.engine.decision import Decision
from comptoir.engine.machine import Context
from comptoir.engine.values import Address
from tests.actors.account.life import NEVER_MADE, OPEN, SILENT, Life
from tests.actors.opened import CLIENT, answer, changed
from tests.actors.purchases import NOW

M = TypeVar("M", bound=Message)
LOOK_MS = CoreTerms().look_ms


def test_a_command_is_published_once_and_its_answer_is_taken_once() -> None:
    """One command, one account, one word to the file, however often both are said (S29, S31)."""
    life = Life(OPEN, answer("created"), answer("created"))
    assert life.creations == [f"{CLIENT}:1"]
    assert life.said(AccountCreated) == [AccountCreated("WM0000000001", NOW)]
    assert life.state.phase is Phase.CREATED
    assert life.alerts == []


def test_silence_is_no_failure_and_is_told_once() -> None:
    """After MQ's wait the file hears that it takes longer; the late reply completes it (X9, S32)."""
    life = Life()
    assert life.due == [NOW + 30_000]
    life.hear(AccountDue())
    assert life.state.phase is Phase.LATE
    assert life.said(AccountDelayed) == [AccountDelayed(NOW)]
    life.hear(answer("created"))
    assert life.said(AccountCreated)
    assert len(life.said(AccountDelayed)) == 1


def test_nothing_is_published_again_before_two_looks_have_found_nothing() -> None:
    """Reconciliation by CLIENT-ID precedes any republication, and a creation's time lies between two looks (X9)."""
    life = Life(AccountDue(), AccountDue())
    assert life.commands[1:] == [("FIND_ACCOUNT", f"{CLIENT}:1.1")]
    life.hear(answer("absent", "1.1")).hear(answer("absent", "1.1"))
    assert len(life.creations) == 1, "one look counts once"
    assert life.due[-1] >= NOW + LOOK_MS
    life.hear(AccountDue()).hear(answer("absent", "1.2"))
    assert life.creations == [f"{CLIENT}:1", f"{CLIENT}:2"]
    assert life.hear(answer("created", "1")).state.phase is Phase.CREATED, "the first command's"


def test_attempts_end_with_a_person() -> None:
    """A mainframe that never makes it is operations' matter after three commands (E11)."""
    life = Life(AccountDue())
    for _ in range(20):
        life.hear(AccountDue()).hear(
            answer("absent", life.state.looking.removeprefix(f"{CLIENT}:"))
        )
    assert life.creations == [f"{CLIENT}:{one}" for one in (1, 2, 3)]
    assert (life.state.phase, life.alerts) == (Phase.HELD, ["ACCOUNT_NEVER_MADE"])
    assert not life.said(AccountCreated)
    assert not life.said(AccountRefused)


def test_a_mainframe_that_never_answers_is_looked_for_ever_more_rarely_and_not_for_ever() -> None:
    """Every outside call is bounded in number (X9); the pauses grow."""
    life = Life(*[AccountDue()] * 100)
    assert life.state.phase is Phase.HELD
    assert len(life.commands) == 61
    assert life.alerts == ["MAINFRAME_SILENT"]
    assert life.due[-1] - NOW == LOOK_MS << 7


@pytest.mark.parametrize(
    ("steps", "code"), [(SILENT, "MAINFRAME_SILENT"), (NEVER_MADE, "ACCOUNT_NEVER_MADE")]
)
@pytest.mark.parametrize("number", ["1", "1.1"])
def test_an_answer_that_comes_when_nobody_waits_any_more_still_counts(
    steps: list[Message], code: str, number: str
) -> None:
    """Held for want of an answer, it is created by one, however late, and the file is told (X9, S31, E11)."""
    life = Life(*steps, changed(1))
    assert (life.state.phase, life.state.code, life.alerts) == (Phase.HELD, code, [code])
    life.hear(answer("unknown")).hear(answer("absent", "1.1")).hear(answer("created", "9"))
    assert life.state.phase is Phase.HELD, "these say nothing of it"
    life.hear(answer("created", number)).hear(answer("created", number))
    assert (life.state.phase, life.state.code) == (Phase.CREATED, "")
    assert life.said(AccountCreated) == [AccountCreated("WM0000000001", NOW)]
    assert life.cities == ["LAVAL"], "what has waited for it is applied"
    life.hear(answer("created", number="WM0000000002"))
    assert (life.state.phase, life.alerts) == (Phase.HELD, [code, "SECOND_ACCOUNT"])


@pytest.mark.parametrize("first", ["created", "refused"])
def test_what_is_held_by_a_contradiction_stays_held(first: str) -> None:
    """No later answer chooses between two that contradict each other: a person does (X10, E11)."""
    life = Life(answer(first), answer("refused" if first == "created" else "created"))
    assert (life.state.phase, life.state.code) == (Phase.HELD, "CREATED_YET_REFUSED")
    assert life.sent[-1] == AccountHeld("CREATED_YET_REFUSED", NOW)
    told = len(life.sent)
    life.hear(answer("created")).hear(answer("created", number="WM0000000002")).hear(
        answer("refused")
    )
    assert (life.state.phase, len(life.sent)) == (Phase.HELD, told)


def test_what_is_unclear_decides_nothing_and_makes_it_look() -> None:
    """A reply that cannot be read, or of somebody else: the account looks at once, and only once (X10)."""
    life = Life(answer("unknown"), answer("unknown"))
    assert life.state.phase is Phase.LATE
    assert life.commands[1:] == [("FIND_ACCOUNT", f"{CLIENT}:1.1")]
    found = msgspec.structs.replace(answer("created", "1.1"), healed=True)
    assert life.hear(found).said(AccountCreated)


@pytest.mark.parametrize("command", ["7", "1.x", "", "x:1"])
def test_an_answer_to_no_command_of_ours_is_ignored(command: str) -> None:
    """Somebody else's answer creates nothing (X10)."""
    life = Life(answer("created", command))
    assert life.state.phase is Phase.ASKED
    assert not life.said(AccountCreated)


def test_what_could_not_be_sent_is_refused_by_its_field() -> None:
    """A profile that no record can hold is refused, and nothing was created (X12)."""
    life = Life(CommandRefused(f"{CLIENT}:1", "FIELD_LENGTH_WRONG:SSN"))
    assert life.said(AccountRefused) == [AccountRefused("FIELD_LENGTH_WRONG:SSN", NOW)]
    again = life.hear(OPEN)
    assert again.creations == [f"{CLIENT}:1", f"{CLIENT}:2"], "after a refusal it may be asked anew"


def test_a_refusal_of_a_command_that_was_replaced_does_not_count() -> None:
    """Only the last command's refusal says that there is none."""
    life = Life(
        AccountDue(), AccountDue(), answer("absent", "1.1"), AccountDue(), answer("absent", "1.2")
    )
    assert len(life.creations) == 2
    assert life.hear(answer("refused", "1")).state.phase is Phase.LATE
    assert life.hear(answer("refused", "2")).state.phase is Phase.REFUSED


ANSWERS = (
    answer("created"), answer("created", number="WM0000000002"), answer("refused"), answer("unknown"),
    answer("absent", "1.1"), answer("created", "1.1"),
)  # fmt: skip


def test_every_order_and_number_of_answers_gives_one_command_and_one_word() -> None:
    """All permutations of answers, each up to twice, with a look between: never two creations, never a false created."""
    for chosen in product(range(3), repeat=len(ANSWERS)):
        if sum(chosen) > 4:
            continue
        pool = [one for one, times in zip(ANSWERS, chosen, strict=True) for _ in range(times)]
        for order in set(permutations(range(len(pool)))):
            life = Life(AccountDue(), AccountDue(), *(pool[one] for one in order))
            _check(life, [pool[one] for one in order])


def _check(life: Life, heard: list[CommandAnswered]) -> None:
    created = {x.account_number for x in heard if x.outcome == "created"}
    refused = any(x.outcome == "refused" for x in heard)
    assert len(life.creations) == 1
    told = life.said(AccountCreated)
    assert len(told) <= 1
    assert not told or created
    if len(created) > 1 or (created and refused):
        assert life.state.phase is Phase.HELD, "they contradict each other"
        assert life.alerts
    elif created:
        assert life.state.phase is Phase.CREATED
        assert told
    elif refused:
        assert (life.state.phase, len(life.said(AccountRefused))) == (Phase.REFUSED, 1)
    else:
        assert life.state.phase is Phase.LATE


STEPS = st.sampled_from(
    (AccountDue(), OPEN, *ANSWERS, *(answer(x, f"{a}.{n}") for x in ("absent", "created") for a in (1, 2) for n in (2, 3)),
     answer("refused", "2"), answer("created", "2"))
)  # fmt: skip


@given(st.lists(STEPS, max_size=25))
@example([AccountDue(), AccountDue(), answer("absent", "1.1"), answer("absent", "1.1")])
def test_a_second_command_is_only_published_after_looks_that_found_nothing(
    steps: list[Message],
) -> None:
    """Whatever is heard: between two commands to create lie a refusal, or two looks that were answered "absent"."""
    life = Life()
    absent: set[str] = set()
    refused = False
    for step in steps:
        before = len(life.creations)
        phase = life.state.phase
        looking = life.state.looking
        life.hear(step)
        if (
            isinstance(step, CommandAnswered)
            and step.outcome == "absent"
            and step.command_id == looking
        ):
            absent.add(step.command_id)
        refused = refused or life.state.phase is Phase.REFUSED
        if len(life.creations) > before:
            assert len(absent) >= 2 or phase is Phase.REFUSED
            absent.clear()
    assert len(life.said(AccountCreated)) <= 1 + sum(step == OPEN for step in steps)
    numbers = {x.account_number for x in life.sent if isinstance(x, AccountCreated)}
    assert len(numbers) <= 1, "never a second account"
    if life.state.phase is Phase.CREATED:
        assert numbers
    if life.state.phase is Phase.HELD and not life.state.account_number:
        assert life.hear(answer("created")).state.phase is Phase.CREATED, (
            "only an answer was wanting"
        )


CHANGES = st.permutations([changed(one, f"CITY {one}") for one in (1, 2, 3, 4)] * 2)


@given(CHANGES, st.integers(0, 8))
def test_changes_are_applied_once_and_in_their_order(
    changes: list[CoreBankingChanged], created_after: int
) -> None:
    """In whatever order and number they come, before or after the account is created (S33)."""
    life = Life(*changes[:created_after], answer("created"), *changes[created_after:])
    applied = [x.sequence for x in life.events if isinstance(x, ProfileChanged)]
    assert applied == [1, 2, 3, 4]
    assert life.cities == [f"CITY {one}" for one in applied], "and its file is told of each"
    assert (life.state.waiting, life.alerts) == ((), [])


def test_a_change_that_never_comes_holds_the_others_for_a_while_only() -> None:
    """They wait for it; then they go on, and operations hear that one is lost (S33)."""
    life = Life(answer("created"), changed(2), changed(4))
    assert life.cities == []
    life.hear(ChangesDue())
    assert (life.state.sequence, life.alerts) == (4, ["CHANGE_MISSING"])
    life.hear(changed(3, "LATE"))
    assert life.cities == ["LAVAL", "LAVAL"]


def test_what_the_others_wait_for_is_never_one_too_many() -> None:
    """S33: however many wait, the one whose turn it is is applied, and they after it; only another one is turned away."""
    life = Life(answer("created"), *(changed(one) for one in range(2, 102)), changed(102))
    assert (len(life.state.waiting), life.alerts) == (100, ["CHANGES_TOO_MANY"])
    life.hear(changed(1))
    assert (life.state.sequence, life.state.waiting) == (101, ())


def test_one_that_is_missing_is_waited_for_ten_minutes_at_most() -> None:
    """S33: from the first that waited for it, whatever comes behind; for the next one that is missing it begins anew."""
    life = Life(answer("created"), changed(2))
    began = len(life.due)
    assert life.due[-1] == NOW + LOOK_MS
    for sequence in (3, 5, 6):
        life.now += 60_000
        life.hear(changed(sequence))
    assert len(life.due) == began
    life.hear(changed(1))
    assert (life.state.sequence, life.due[began:]) == (3, [life.now + LOOK_MS])


def test_what_came_before_the_account_is_waited_for_from_then_on() -> None:
    """S33: before it is created nothing is missing."""
    life = Life(changed(2), changed(3), answer("created"))
    assert (life.state.sequence, life.due[-1]) == (0, NOW + LOOK_MS)


def test_two_changes_of_one_number_are_told_of() -> None:
    """The first stands."""
    life = Life(answer("created"), changed(2), changed(2, "OTHER", "CH9"))
    assert life.alerts == ["CHANGE_CONTRADICTED"]
    assert len(life.state.waiting) == 1


def test_an_account_says_how_far_it_is() -> None:
    """As the file shows it."""
    life = Life(answer("created"))
    context = Context(Address("account", CLIENT), NOW, 1, {CORE_TERMS: CoreTerms()}, None)
    told = MACHINE.decide(life.state, DescribeAccount(), context)
    assert isinstance(told, Decision)
    assert told.reply == AccountDescribed("created", "WM0000000001", "", NOW, NOW, 1)
