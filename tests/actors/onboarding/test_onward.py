"""How a file comes from its decision to its account: actors/onboarding/{signing,approving,opening,onward}.py."""

from typing import Any

import msgspec
import pytest

from comptoir.actors.account.messages import AccountRefused, OpenAccount
from comptoir.actors.cutoffs import CUTOFFS, Cutoffs
from comptoir.actors.gateways.messages import SendMail
from comptoir.actors.onboarding import onward_events as facts
from comptoir.actors.onboarding.compensating import CONTRACTS, ContractRule
from comptoir.actors.onboarding.completing import lacking
from comptoir.actors.onboarding.machine import MACHINE, KycCompleted, OnboardingExpired
from comptoir.actors.onboarding.messages import (
    FileDescribed,
    KeptLongEnough,
)
from comptoir.actors.onboarding.onward_messages import (
    AccountKept,
    ApprovalDue,
    ApproveFile,
    Onward,
    OnwardRefused,
    ReissueSignature,
    SignatureDue,
    SigningKept,
)
from comptoir.actors.onboarding.state import OnboardingState, Phase
from comptoir.actors.onboarding.terms import TERMS, OnboardingTerms
from comptoir.actors.signature.messages import (
    ContractSigned,
    KeepContract,
    OpenSigning,
    SigningEnded,
    SigningStarted,
    VoidSigning,
)
from comptoir.engine import Address, Decision, Message, Refusal
from comptoir.engine.machine import Context
from tests.actors.filed import ASSESSED, CONCLUDED, FILE_TERMS, NOW, RESUMES
from tests.actors.onward import (
    APPROVES,
    CREATED,
    HELD,
    OPEN_TERMS,
    PENDING,
    SENT,
    SIGNED,
    SIGNS,
    WHOLE,
    at,
)

replace = msgspec.structs.replace
FILE = Address("onboarding", "ONB-2027-00001")
READY = replace(ASSESSED, said=WHOLE)
DECLINED = SigningEnded(1, "declined", "DECLINED", NOW)
HOLD = replace(CONCLUDED, outcome="held")


def ask(
    state: OnboardingState, message: Message, now: int = NOW, terms: OnboardingTerms = OPEN_TERMS
) -> "Decision[OnboardingState] | Refusal":
    """One decision, or why there is none."""
    references = {TERMS: terms, CUTOFFS: Cutoffs()}
    return MACHINE.decide(state, message, Context(FILE, now, 1, references))


def decide(
    state: OnboardingState, message: Message, now: int = NOW, terms: OnboardingTerms = OPEN_TERMS
) -> Decision[OnboardingState]:
    """One decision."""
    made = ask(state, message, now, terms)
    assert isinstance(made, Decision)
    return made


def play(state: OnboardingState, *messages: Message) -> OnboardingState:
    """What comes of several."""
    for one in messages:
        state = decide(state, one).state
    return state


def sent(decision: Decision[Any], kind: type[Message]) -> list[Any]:
    """The messages of one type."""
    return [one.message for one in decision.messages if isinstance(one.message, kind)]


def test_the_whole_way() -> None:
    """S4, S7, S13, S17: from the decision to the account, each step by its own word, each fact on record."""
    approved = decide(READY, CONCLUDED)
    (opens,) = sent(approved, OpenSigning)
    assert (opens.round, opens.template, opens.signer.user_id) == (
        1,
        "management-individual",
        "cli_1",
    )
    assert "nationalId/number" not in opens.values
    pending = decide(approved.state, SigningStarted(1, "embedded", NOW + 5))
    signed = decide(pending.state, SIGNS)
    assert signed.events == (facts.ContractSigned(1, "embedded", "ab" * 32),)
    (mail,) = sent(signed, SendMail)
    assert (mail.to, "Tremblay" in mail.text) == ("a@bank.example", False)
    opening = decide(signed.state, APPROVES)
    assert isinstance(opening.reply, FileDescribed)
    (account,) = sent(opening, OpenAccount)
    assert (account.client_id, account.profile.national_id) == (FILE.key, "046 454 286")
    done = decide(opening.state, CREATED)
    assert done.events == (facts.AccountCreated(),)
    (ready,) = sent(done, SendMail)
    assert (ready.to, FILE.key in ready.text, "12345678" in ready.text) == (
        "m@t.example",
        False,
        False,
    )
    assert [one.after for one in done.state.history] == [
        "KYC_APPROVED", "SIGNATURE_PENDING", "SIGNED", "ACCOUNT_CREATION_PENDING", "COMPLETED",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("provider", "portal", "mails"),
    [
        ("embedded", "https://b.example", 1),
        ("embedded", "", 1),
        ("docusign", "https://b.example", 0),
    ],
)
def test_a_client_is_told_where_to_sign(provider: str, portal: str, mails: int) -> None:
    """S7, S28: in our own portal by our mail, which lets nobody in; any other provider writes itself."""
    approved = decide(READY, CONCLUDED).state
    asked = decide(
        approved, SigningStarted(1, provider, NOW), terms=replace(OPEN_TERMS, portal=portal)
    )
    told = sent(asked, SendMail)
    assert [one.to for one in told] == ["m@t.example"] * mails
    for one in told:
        assert (f"{portal}/portal/{FILE.key}/contract" in one.text) == bool(portal)
        assert "Tremblay" not in one.text


def test_without_a_signature_of_any_kind_it_stays_approved() -> None:
    """S28: nobody is asked, and whoever configures it later has the contract issued by hand."""
    approved = decide(READY, CONCLUDED, terms=FILE_TERMS)
    assert (approved.state.phase, approved.messages) == (Phase.KYC_APPROVED, ())
    refused = decide(approved.state, ReissueSignature("adv-1"), terms=FILE_TERMS)
    assert refused.reply == OnwardRefused("SIGNING_NOT_CONFIGURED")
    issued = decide(approved.state, ReissueSignature("adv-1"))
    assert [one.round for one in sent(issued, OpenSigning)] == [1]
    assert issued.state.onward.signing.reissues == 0


@pytest.mark.parametrize("outcome", ["declined", "expired", "failed"])
def test_what_ends_unsigned_is_told_and_issued_anew(outcome: Any) -> None:
    """S14, S16, S28: the file waits for its advisor; what was said of the round before counts no more."""
    ended = decide(SENT, SigningEnded(1, outcome, "WHY", NOW))
    assert (ended.state.phase, ended.state.onward.signing.status) == (
        Phase.SIGNATURE_PENDING,
        outcome,
    )
    assert [one.to for one in sent(ended, SendMail)] == ["a@bank.example"]
    anew = decide(ended.state, ReissueSignature("adv-1"))
    assert [one.round for one in sent(anew, OpenSigning)] == [2]
    for late in (SIGNS, DECLINED, SigningStarted(1, "embedded", NOW)):
        assert decide(anew.state, late) == Decision(anew.state)
    assert play(anew.state, replace(SIGNS, round=2)).phase is Phase.SIGNED


def test_reissues_are_bounded() -> None:
    """A contract that is declined for ever comes to an end, and one that is being made is not made twice."""
    state = SENT
    for number in range(1, OPEN_TERMS.reissues_max + 1):
        state = play(state, SigningEnded(number, "declined", "", NOW), ReissueSignature("adv-1"))
        assert decide(state, ReissueSignature("adv-1")).reply == OnwardRefused("SIGNATURE_NOT_OPEN")
    state = play(state, SigningEnded(OPEN_TERMS.reissues_max + 1, "declined", "", NOW))
    used_up = decide(state, ReissueSignature("adv-1"))
    assert used_up == Decision(state, OnwardRefused("SIGNATURE_REISSUES_USED_UP"))


def test_what_nobody_signs_is_incomplete_and_may_be_resumed() -> None:
    """S14, S16: not to be signed any more; resumed, the client is assessed and asked anew."""
    over = decide(SENT, SignatureDue(), NOW + 1000)
    assert (over.state.phase, over.state.cause) == (Phase.INCOMPLETE, "contract_not_signed")
    assert over.events == (OnboardingExpired("contract_not_signed"),)
    assert sent(over, VoidSigning) == [VoidSigning("NOT_SIGNED")]
    assert sent(over, KeptLongEnough)
    late = decide(over.state, SIGNS)
    assert (late.state.phase, late.events) == (Phase.INCOMPLETE, (facts.SignedTooLate(1),))
    assert sent(late, KeepContract)
    again = decide(late.state, RESUMES, terms=replace(OPEN_TERMS, accounts=False)).state
    assert (again.phase, again.round, again.onward.signing.status) == (Phase.KYC_PENDING, 2, "none")
    accepted = decide(again, replace(CONCLUDED, round=2))
    assert [one.round for one in sent(accepted, OpenSigning)] == [2]
    assert decide(SENT, SignatureDue(), NOW + 999) == Decision(SENT)


def test_whoever_decided_the_case_does_not_approve_the_file() -> None:
    """S4, X5, E14: in no round, whatever their roles; the file's own advisor may."""
    for who in ("cp-1", "cp-0"):
        state = replace(SIGNED, onward=replace(SIGNED.onward, reviewers=("cp-0", "cp-1")))
        for approve in (True, False):
            refused = ask(state, ApproveFile(approve, who, "why not"))
            assert isinstance(refused, Refusal)
            assert refused.code == "FOUR_EYES"
    of_before = replace(SIGNED, onward=replace(SIGNED.onward, reviewers=()))
    assert isinstance(ask(of_before, ApproveFile(True, "cp-1", "x")), Refusal)
    assert decide(SIGNED, APPROVES).state.phase is Phase.ACCOUNT_CREATION_PENDING


def test_who_decides_after_their_own_approval_takes_it_back() -> None:
    """X5: the last word is then another person's, and the account is not asked for a second time."""
    held = replace(
        HELD, onward=replace(HELD.onward, approval=replace(HELD.onward.approval, by="cp-2"))
    )
    again = decide(held, replace(CONCLUDED, by="cp-2"))
    assert (again.state.phase, again.state.onward.approval.approved) == (Phase.SIGNED, None)
    assert isinstance(ask(again.state, ApproveFile(True, "cp-2", "x")), Refusal)
    approved = decide(again.state, APPROVES)
    assert (approved.state.phase, sent(approved, OpenAccount)) == (
        Phase.ACCOUNT_CREATION_PENDING,
        [],
    )
    assert play(again.state, CREATED, APPROVES).phase is Phase.COMPLETED


def test_neither_of_the_two_who_cleared_a_sanction_approves_the_file() -> None:
    """X5, E14: the file remembers both, and the last word is a third person's."""
    again = decide(HELD, replace(CONCLUDED, by="cp-2", first="cp-3"))
    for who in ("cp-2", "cp-3"):
        refused = ask(again.state, ApproveFile(True, who, "x"))
        assert isinstance(refused, Refusal)
        assert refused.code == "FOUR_EYES"


def test_a_word_that_was_said_is_not_said_twice() -> None:
    """S16: the same again is the same; another, or one too early, is refused by name."""
    opening = decide(SIGNED, APPROVES).state
    same = decide(opening, APPROVES)
    assert (same.state, same.messages) == (opening, ())
    assert isinstance(same.reply, FileDescribed)
    for state in (opening, SENT, HELD):
        for other in (replace(APPROVES, by="adv-2"), ApproveFile(False, "adv-2", "x")):
            assert decide(state, other) == Decision(state, OnwardRefused("APPROVAL_NOT_AWAITED"))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("nationalId/number", None), ("nationalId/number", "2 84 05 99 123 456 78"), ("address/street", None),
        ("address/province", None), ("address/province", "QUE"), ("lastName", None), ("address/street", "\u2116 7"),
    ],
)  # fmt: skip
def test_what_the_mainframe_cannot_hold_is_named_at_approval(path: str, value: str | None) -> None:
    """S30, X11, X12: nothing is approved, cut or filled up."""
    said = {name: one for name, one in WHOLE.items() if name != path}
    if value is not None:
        said[path] = (replace(WHOLE[path][0], value=value),)
    state = replace(SIGNED, said=said)
    assert decide(state, APPROVES) == Decision(
        state, OnwardRefused("ACCOUNT_FIELDS_UNFIT", (path,))
    )


def test_it_is_asked_of_the_client_before_anybody_looks() -> None:
    """S29, S30: where the mainframe opens accounts, what it wants is missing from the beginning."""
    assert "nationalId/number" in lacking(replace(READY, said={}), OPEN_TERMS)
    assert lacking(READY, OPEN_TERMS) == ()
    assert lacking(replace(READY, said={}), FILE_TERMS) == ()


def test_without_a_mainframe_nothing_is_approved() -> None:
    """S29: what could not be opened is not promised."""
    refused = decide(SIGNED, APPROVES, terms=replace(OPEN_TERMS, accounts=False))
    assert refused.reply == OnwardRefused("CORE_BANKING_NOT_CONFIGURED")


def test_an_advisor_who_refuses_ends_it() -> None:
    """S18: INCOMPLETE with its cause and whose word it was; the signed contract is evidence; it may be resumed."""
    ended = decide(SIGNED, ApproveFile(False, "adv-1", "moved away"))
    assert (ended.state.phase, ended.state.cause) == (Phase.INCOMPLETE, "approval_refused")
    assert sent(ended, KeepContract) == [KeepContract("APPROVAL_REFUSED")]
    assert decide(ended.state, RESUMES).state.phase is Phase.KYC_PENDING


def test_nobody_approves_in_time() -> None:
    """E14: the advisor is reminded, then operations hear of it, and it stays due."""
    waits = decide(SENT, SIGNS).state
    due = waits.onward.approval.due_at
    assert due > NOW
    assert decide(waits, ApprovalDue(), due - 1) == Decision(waits)
    reminded = decide(waits, ApprovalDue(), due)
    assert ([one.to for one in sent(reminded, SendMail)], reminded.events) == (
        ["a@bank.example"], (facts.ApprovalReminded(due),),
    )  # fmt: skip
    (timer,) = [one for one in reminded.messages if isinstance(one.message, ApprovalDue)]
    assert timer.due_at is not None
    escalated = decide(reminded.state, ApprovalDue(), timer.due_at)
    assert ([one.to for one in sent(escalated, SendMail)], escalated.events) == (
        ["ops@bank.example"], (facts.ApprovalEscalated(due),),
    )  # fmt: skip
    assert decide(escalated.state, ApprovalDue(), timer.due_at + 1) == Decision(escalated.state)
    assert play(escalated.state, APPROVES).phase is Phase.ACCOUNT_CREATION_PENDING


def test_nobody_to_tell_holds_nothing_up() -> None:
    """A file without an advisor's address, and a house without operations' (S5)."""
    assert SIGNED.opened is not None
    nobody = replace(SENT, opened=replace(SIGNED.opened, advisor_email=""))
    signed = decide(nobody, SIGNS)
    assert facts.StaffUntold("ADVISOR_UNKNOWN") in signed.events
    silent = decide(nobody, SIGNS, terms=replace(OPEN_TERMS, mail=False))
    assert silent.state.phase is Phase.SIGNED
    refused = decide(PENDING, AccountRefused("X", NOW), terms=replace(OPEN_TERMS, operations=()))
    assert facts.StaffUntold("OPERATIONS_UNKNOWN") in refused.events


@pytest.mark.parametrize("address", ["", "advisor@bank.example"])
def test_a_partner_does_not_choose_where_the_advisor_is_told(address: str) -> None:
    """S5, S9: of what a partner's program has brought the configured address alone hears, whatever `conseillerEmail` said."""
    assert SIGNED.opened is not None
    said = replace(SIGNED.opened, partner="broker-7", advisor_email="anybody@broker.example")
    signed = decide(
        replace(SENT, opened=said), SIGNS, terms=replace(OPEN_TERMS, partner_advisor_email=address)
    )
    assert [one.to for one in sent(signed, SendMail)] == ([address] if address else [])
    assert (facts.StaffUntold("ADVISOR_UNKNOWN") in signed.events) == (not address)


@pytest.mark.parametrize("rule", CONTRACTS, ids=lambda rule: rule.status)
def test_what_becomes_of_a_contract(rule: ContractRule) -> None:
    """S18: each row of the table, when compliance rejects the client after all."""
    status: Any = rule.status
    held = at(Phase.COMPLIANCE_HOLD, Onward(SigningKept(status, 1)))
    ended = decide(held, replace(CONCLUDED, outcome="rejected"))
    assert ended.state.phase is Phase.KYC_REJECTED
    assert bool(sent(ended, KeepContract)) == rule.kept
    assert bool(sent(ended, VoidSigning)) != rule.kept


@pytest.mark.parametrize(
    ("state", "voids", "back"),
    [
        (SENT, True, Phase.KYC_APPROVED), (SIGNED, False, Phase.SIGNED),
        (PENDING, False, Phase.ACCOUNT_CREATION_PENDING),
    ],
    ids=["sent", "signed", "pending"],
)  # fmt: skip
def test_a_new_hit_holds_it_and_it_goes_on_where_it_stood(
    state: OnboardingState, voids: bool, back: Phase
) -> None:
    """S21, X3, X5: what is out is not to be signed any more, nothing is approved meanwhile; cleared, it stands where
    its papers are, and everything that comes meanwhile counts.
    """
    held = decide(state, HOLD)
    assert held.state.phase is Phase.COMPLIANCE_HOLD
    assert [one.reason for one in sent(held, VoidSigning)] == ["FILE_HELD"] * voids
    assert decide(held.state, replace(APPROVES, by="adv-2")).reply == OnwardRefused(
        "APPROVAL_NOT_AWAITED"
    )
    cleared = decide(held.state, replace(CONCLUDED, by="cp-9"))
    assert cleared.state.phase is back
    assert cleared.state.onward.reviewers == ("cp-1", "cp-9")
    assert bool(sent(cleared, OpenSigning)) == voids
    assert not sent(cleared, OpenAccount)


def test_a_completed_file_stays_so() -> None:
    """S21: compliance looks all the same, but the file says what has happened."""
    done = play(PENDING, CREATED)
    for word in (HOLD, CONCLUDED, replace(CONCLUDED, outcome="rejected"), CREATED, DECLINED, SIGNS):
        assert decide(done, word) == Decision(done)


def test_an_approval_of_the_case_is_on_record_with_what_follows() -> None:
    """S11, S17: the topic of an approval, and that the contract is being made."""
    approved = decide(READY, CONCLUDED)
    completed, opened = approved.events
    assert isinstance(completed, KycCompleted)
    assert (completed.topic, opened) == ("onboarding.kyc.approved", facts.SigningOpened(1))


def test_words_of_nobody_change_nothing() -> None:
    """S16: an account that was never asked for, a signature of a round that never was."""
    for state, word in (
        (SIGNED, CREATED),
        (SENT, CREATED),
        (SENT, ContractSigned(7, "x", "", NOW)),
    ):
        assert decide(state, word) == Decision(state)
    none = at(Phase.KYC_REJECTED, Onward(account=AccountKept()))
    assert decide(none, CREATED) == Decision(none)
