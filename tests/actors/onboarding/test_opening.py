"""What becomes of a file by what the mainframe says: actors/onboarding/opening.py."""

import msgspec
import pytest

from comptoir.actors.account.messages import (
    AccountCreated,
    AccountDelayed,
    AccountHeld,
    AccountRefused,
    DisownAccount,
)
from comptoir.actors.cutoffs import CUTOFFS, Cutoffs
from comptoir.actors.gateways.document_messages import DeleteObject
from comptoir.actors.gateways.messages import SendMail
from comptoir.actors.onboarding import onward_events as facts
from comptoir.actors.onboarding.machine import MACHINE
from comptoir.actors.onboarding.messages import FileOver, KeptLongEnough
from comptoir.actors.onboarding.state import OnboardingState, Phase
from comptoir.actors.onboarding.terms import TERMS
from comptoir.actors.signature.messages import KeepContract
from comptoir.engine import Decision, Message
from comptoir.engine.machine import Context
from tests.actors.filed import CONCLUDED, FILES, NOW, RESUMES
from tests.actors.onboarding.test_onward import FILE, HOLD, decide, play, sent
from tests.actors.onward import CREATED, ONWARD, OPEN_TERMS, PENDING, SENT, SIGNS, at

replace = msgspec.structs.replace


def test_late_is_not_a_failure() -> None:
    """S32, X9: it waits, and the late reply completes it."""
    late = decide(PENDING, AccountDelayed(NOW))
    assert (late.state.phase, late.state.onward.account.status) == (
        Phase.ACCOUNT_CREATION_PENDING,
        "late",
    )
    assert decide(late.state, AccountDelayed(NOW)) == Decision(late.state)
    assert play(late.state, CREATED).phase is Phase.COMPLETED


def test_an_account_that_is_refused_ends_the_file_for_good() -> None:
    """S18, X9: INCOMPLETE, the contract kept, advisor and operations told, and never a second command for its number;
    its national id and papers go when they were kept long enough.
    """
    over = decide(PENDING, AccountRefused("DUPLICATE", NOW))
    assert (over.state.phase, over.state.cause) == (Phase.INCOMPLETE, "account_refused")
    assert sent(over, KeepContract) == [KeepContract("ACCOUNT_REFUSED")]
    assert [one.to for one in sent(over, SendMail)] == ["a@bank.example", "ops@bank.example"]
    (kept,) = [one for one in over.messages if isinstance(one.message, KeptLongEnough)]
    assert (kept.name, kept.due_at) == ("kept", NOW + OPEN_TERMS.audit_ms)
    assert kept.due_at is not None
    gone = decide(over.state, KeptLongEnough(), kept.due_at)
    assert (gone.state.said, gone.state.documents, gone.state.forgotten) == ({}, (), True)
    assert sent(gone, DeleteObject)
    assert decide(gone.state, RESUMES).reply == FileOver()
    assert decide(over.state, RESUMES).reply == FileOver()
    assert decide(over.state, CREATED) == Decision(over.state)


@pytest.mark.parametrize("state", [PENDING, at(Phase.KYC_REJECTED, PENDING.onward)])
def test_the_mainframes_words_are_in_no_event_and_no_mail(state: OnboardingState) -> None:
    """S17, S30, X10: its REASON may name the client; a stable code is what is recorded and sent."""
    over = decide(state, AccountRefused("TREMBLAY 046454286 KNOWN", NOW))
    assert facts.AccountNotOpened("STATUS_08") in over.events
    assert not [one for one in sent(over, SendMail) if "TREMBLAY" in one.subject + one.text]
    assert "TREMBLAY" not in repr(over.events)
    ours = decide(state, AccountRefused("FIELD_LENGTH_WRONG:SSN", NOW))
    assert facts.AccountNotOpened("FIELD_LENGTH_WRONG:SSN") in ours.events


def test_whatever_leaves_a_file_incomplete_says_until_when_it_is_kept() -> None:
    """S18: over every sample of a file and what may be said to it: a timer is set for the end, and every way is tried."""
    context = Context(FILE, NOW, 1, {TERMS: OPEN_TERMS, CUTOFFS: Cutoffs()})
    ways: set[tuple[str, str]] = set()
    for state, message in (*FILES, *ONWARD):
        assert isinstance(state, OnboardingState)
        found = MACHINE.decide(state, message, context)
        if isinstance(found, Decision) and leads_to_incomplete(state, found):
            ways.add((state.phase.value, type(message).__name__))
            erased = found.state.forgotten  # nothing of it is kept
            assert len(sent(found, KeptLongEnough)) == (0 if erased else 1), (state.phase, message)
            assert erased == ("kept" in found.cancel)
    declared = {
        (row.source.value, row.message.__name__)
        for row in MACHINE
        if Phase.INCOMPLETE in row.targets and row.source is not Phase.INCOMPLETE
    }
    assert ways == declared


def leads_to_incomplete(before: OnboardingState, decision: Decision[OnboardingState]) -> bool:
    """Whether a file became INCOMPLETE by it."""
    return decision.state.phase is Phase.INCOMPLETE and before.phase is not Phase.INCOMPLETE


def test_an_account_of_a_rejected_client_is_told_to_operations() -> None:
    """S18: whichever comes first, the rejection or the account; a person closes it."""
    reject = replace(CONCLUDED, outcome="rejected", by="cp-9")
    first = decide(play(PENDING, HOLD, reject), CREATED)
    second = decide(play(PENDING, HOLD, CREATED), reject)
    for ended in (first, second):
        assert ended.state.phase is Phase.KYC_REJECTED
        assert facts.AccountOrphaned("KYC_REJECTED") in ended.events
        assert "ops@bank.example" in [one.to for one in sent(ended, SendMail)]


def test_what_comes_while_it_is_held() -> None:
    """S16, X9: a signature that was faster than its withdrawal, and the account."""
    held = play(SENT, HOLD)
    signed = decide(held, SIGNS)
    assert signed.events == (facts.ContractSigned(1, "embedded", "ab" * 32),)
    assert play(signed.state, replace(CONCLUDED, by="cp-9")).phase is Phase.SIGNED
    there = play(PENDING, HOLD, CREATED)
    assert there.phase is Phase.COMPLIANCE_HOLD
    done = decide(there, replace(CONCLUDED, by="cp-9"))
    assert (done.state.phase, len(sent(done, SendMail))) == (Phase.COMPLETED, 1)
    refused = play(PENDING, HOLD, AccountRefused("X", NOW), replace(CONCLUDED, by="cp-9"))
    assert (refused.phase, refused.cause) == (Phase.INCOMPLETE, "account_refused")


HOLDS = AccountHeld("CREATED_YET_REFUSED", NOW)
LAST = replace(CONCLUDED, outcome="rejected", by="cp-9")


def doubted(*messages: Message) -> Decision[OnboardingState]:
    """A file whose account is held, after it had heard these; the last decision."""
    return decide(play(PENDING, *messages), HOLDS)


@pytest.mark.parametrize(
    "before", [(), (CREATED,), (AccountRefused("X", NOW),), (AccountDelayed(NOW),), (HOLD,)]
)
def test_an_account_that_is_held_is_shown_and_operations_are_told(
    before: tuple[Message, ...],
) -> None:
    """E11: whatever its file has come to, the file stays there, says so, and operations alone have a mail."""
    was, found = play(PENDING, *before), doubted(*before)
    assert (found.state.phase, found.state.onward.account.status) == (was.phase, "held")
    assert found.state.onward.account.number == was.onward.account.number
    assert facts.AccountHeld("CREATED_YET_REFUSED") in found.events
    assert [one.to for one in sent(found, SendMail)] == ["ops@bank.example"]


def test_what_was_found_out_ends_a_file_that_waits() -> None:
    """E11, S18: it counts as the answer that the mainframe would not give."""
    assert play(doubted().state, CREATED).phase is Phase.COMPLETED
    over = play(doubted().state, AccountRefused("SETTLED_ABSENT", NOW))
    assert (over.phase, over.onward.account.code) == (Phase.INCOMPLETE, "SETTLED_ABSENT")


def test_a_completed_file_stays_so_and_its_account_is_put_right() -> None:
    """E11: another number, or none, of which advisor and operations are told; its client was told once."""
    other = decide(doubted(CREATED).state, AccountCreated("87654321", NOW))
    assert (other.state.phase, other.state.onward.account.number) == (Phase.COMPLETED, "87654321")
    assert (other.state.onward.account.status, other.messages) == ("created", ())
    none = decide(doubted(CREATED).state, AccountRefused("SETTLED_ABSENT", NOW))
    assert (none.state.phase, none.state.onward.account.status) == (Phase.COMPLETED, "refused")
    assert [one.to for one in sent(none, SendMail)] == ["a@bank.example", "ops@bank.example"]


def test_an_account_that_nobody_wants_is_given_up_by_its_file() -> None:
    """S18: of a client who was rejected, or of a file that was closed because there was none; until it is gone it is held."""
    refused = doubted(AccountRefused("X", NOW)).state
    for found in (
        decide(play(PENDING, HOLD, LAST), CREATED),
        decide(doubted(HOLD, LAST).state, CREATED),
        decide(refused, CREATED),
    ):
        assert sent(found, DisownAccount) == [DisownAccount()]
        assert "ops@bank.example" in [one.to for one in sent(found, SendMail)]
    none = decide(refused, AccountRefused("SETTLED_ABSENT", NOW))
    assert none.state.phase is Phase.INCOMPLETE
    assert [one.message for one in none.messages] == [KeptLongEnough()], (
        "its time ends, as any other's"
    )


@pytest.mark.parametrize("ended", ["KYC_REJECTED", "INCOMPLETE"])
def test_an_account_that_nobody_wanted_and_that_is_closed_is_there_no_more(ended: str) -> None:
    """E11, S18: its file says so, whether it had shown the account as there or as held."""
    refused = doubted(AccountRefused("X", NOW)).state
    vain = {
        "KYC_REJECTED": play(PENDING, HOLD, LAST, CREATED),
        "INCOMPLETE": play(refused, CREATED),
    }
    assert (vain[ended].phase.value, vain[ended].onward.account.status) == (ended, "created")
    gone = decide(vain[ended], AccountRefused("SETTLED_ABSENT", NOW))
    account = gone.state.onward.account
    assert (account.status, account.number, account.code) == ("refused", "", "SETTLED_ABSENT")
    assert gone.events == (facts.AccountSettled("refused"),)
    assert {type(one.message) for one in gone.messages} <= {KeptLongEnough}


def test_an_account_that_was_held_and_stands_has_no_reason() -> None:
    """E11: why it was held is over."""
    there = play(doubted().state, CREATED).onward.account
    assert (there.status, there.code) == ("created", "")
