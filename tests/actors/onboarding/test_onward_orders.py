"""Whatever is said to a file after its decision, in whatever order and how often: properties of its machine."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.account.messages import AccountDelayed, AccountRefused, OpenAccount
from comptoir.actors.cutoffs import CUTOFFS, Cutoffs
from comptoir.actors.gateways.messages import SendMail
from comptoir.actors.onboarding import onward_events as facts
from comptoir.actors.onboarding.machine import MACHINE
from comptoir.actors.onboarding.messages import KeptLongEnough, KycConcluded
from comptoir.actors.onboarding.onward_messages import (
    ApprovalDue,
    ApproveFile,
    Onward,
    ReissueSignature,
    SignatureDue,
)
from comptoir.actors.onboarding.state import OnboardingState, Phase
from comptoir.actors.onboarding.terms import TERMS
from comptoir.actors.signature.messages import (
    ContractSigned,
    OpenSigning,
    SigningEnded,
    SigningStarted,
)
from comptoir.engine import Address, Decision, Message, Refusal
from comptoir.engine.machine import Context
from tests.actors.filed import ASSESSED, CONCLUDED, NOW, RESUMES
from tests.actors.onward import CREATED, OPEN_TERMS, WHOLE

replace = msgspec.structs.replace
FILE = Address("onboarding", "ONB-2027-00001")
READY = replace(ASSESSED, said=WHOLE)
PEOPLE = ("adv-1", "adv-2", "cp-1", "cp-2")
ROUNDS = st.integers(1, 3)
SIGNING = st.one_of(
    ROUNDS.map(lambda number: SigningStarted(number, "embedded", NOW + 9)),
    ROUNDS.map(lambda number: ContractSigned(number, "embedded", "ab" * 32, NOW)),
    st.builds(
        SigningEnded, ROUNDS, st.sampled_from(["declined", "expired", "failed"]), st.just("X"), st.just(NOW)
    ),
)  # fmt: skip
ACCOUNT = st.sampled_from([CREATED, AccountRefused("X", NOW), AccountDelayed(NOW)])
STAFF = st.one_of(
    st.builds(ApproveFile, st.booleans(), st.sampled_from(PEOPLE), st.just("x")),
    st.sampled_from(PEOPLE).map(ReissueSignature),
    st.builds(
        KycConcluded, ROUNDS, st.sampled_from(["approved", "held", "rejected"]), st.just(85), st.just("LOW"),
        st.just("AUTO_APPROVE"), st.sampled_from(["SYSTEM", *PEOPLE]),
    ),
)  # fmt: skip
TIME = st.sampled_from([SignatureDue(), ApprovalDue(), RESUMES])
WORDS = st.lists(st.one_of(SIGNING, ACCOUNT, STAFF, TIME), max_size=25)
LUCKY = st.lists(
    st.sampled_from([
        SigningStarted(1, "embedded", NOW), ContractSigned(1, "embedded", "ab" * 32, NOW),
        ApproveFile(True, "adv-1", "x"), CREATED, AccountDelayed(NOW), AccountRefused("X", NOW),
        replace(CONCLUDED, outcome="held"), replace(CONCLUDED, by="cp-1"),
        replace(CONCLUDED, round=3, by="adv-1"), ApproveFile(True, "cp-1", "x"),
    ]),
    max_size=25,
)  # fmt: skip
"""Words that lead somewhere more often."""


def play(words: list[Message]) -> tuple[OnboardingState, list[Decision[Any]]]:
    """A file that hears them one after the other, from the first conclusion on; time goes on between."""
    steps = heard(READY, [CONCLUDED, *words])
    return steps[-1][1].state, [made for _, made in steps]


def heard(state: OnboardingState, words: list[Message]) -> list[tuple[Message, Decision[Any]]]:
    """What a file decides of each word that it does not refuse."""
    steps: list[tuple[Message, Decision[Any]]] = []
    for at, word in enumerate(words):
        context = Context(FILE, NOW + at * 86_400_000, at, {TERMS: OPEN_TERMS, CUTOFFS: Cutoffs()})
        found = MACHINE.decide(state, word, context)
        if isinstance(found, Decision):
            steps.append((word, found))
            state = found.state
    return steps


def said(made: list[Decision[Any]], kind: type[Message]) -> list[Any]:
    """Messages of one type in all decisions."""
    return [out.message for one in made for out in one.messages if isinstance(out.message, kind)]


def happened(made: list[Decision[Any]], kind: type) -> list[Any]:
    """Events of one type in all decisions."""
    return [event for one in made for event in one.events if isinstance(event, kind)]


@given(st.one_of(WORDS, LUCKY))
def test_completed_is_never_reached_with_something_missing(words: list[Message]) -> None:
    """S13, X5: a signature of the round that counts, the word of somebody who decided nothing, an account; and the
    client heard of it once.
    """
    state, made = play(words)
    onward = state.onward
    if state.phase is Phase.COMPLETED:
        assert onward.signing.status == "signed"
        assert onward.approval.approved
        assert onward.account.status == "created"
    ready = [one for one in said(made, SendMail) if one.reference.endswith(":ready")]
    assert len(ready) == (state.phase is Phase.COMPLETED)


@given(st.one_of(WORDS, LUCKY))
def test_nobody_approves_who_has_decided(words: list[Message]) -> None:
    """X5: of no word that the file has heard from them, whatever its round and wherever the file stood then. Who has
    decided is counted from what was said to it, and not from what it kept.
    """
    deciders: set[str] = set()
    for word, made in heard(READY, [CONCLUDED, *words]):
        if isinstance(word, KycConcluded) and word.by != "SYSTEM":
            deciders.add(word.by)
        for one in happened([made], facts.FileApproved):
            assert one.by not in deciders
        assert set(made.state.onward.reviewers) == deciders


@pytest.mark.parametrize("phase", [one for one in Phase if one is not Phase.NONE])
@pytest.mark.parametrize("number", [0, 1, 2])
def test_who_decides_while_nothing_is_to_be_decided_counts_as_well(
    phase: Phase, number: int
) -> None:
    """X5, S18: of a file that is INCOMPLETE, or was resumed and waits; nothing of it changes but that, and no system is
    a person.
    """
    file = replace(READY, phase=phase)
    late = replace(CONCLUDED, round=number, by="cp-1")
    ((_, made),) = heard(file, [late])
    assert made.state.onward.reviewers == ("cp-1",)
    ((_, unmanned),) = heard(file, [replace(late, by="SYSTEM")])
    assert unmanned.state.onward.reviewers == ()
    if number != file.round:
        assert made == Decision(replace(file, onward=Onward(reviewers=("cp-1",))))


def test_who_decided_an_incomplete_file_does_not_approve_it_when_it_is_resumed() -> None:
    """X5, S18: the refusal has its stable code; somebody else may."""
    words: list[Message] = [
        replace(CONCLUDED, by="cp-1"), RESUMES, replace(CONCLUDED, round=2), SigningStarted(1, "embedded", NOW),
        ContractSigned(1, "embedded", "ab" * 32, NOW),
    ]  # fmt: skip
    signed = heard(replace(READY, phase=Phase.INCOMPLETE), words)[-1][1].state
    assert signed.phase is Phase.SIGNED
    context = Context(FILE, NOW, 1, {TERMS: OPEN_TERMS, CUTOFFS: Cutoffs()})
    refused = MACHINE.decide(signed, ApproveFile(True, "cp-1", "x"), context)
    assert isinstance(refused, Refusal)
    assert refused.code == "FOUR_EYES"
    assert isinstance(MACHINE.decide(signed, ApproveFile(True, "cp-2", "x"), context), Decision)


@given(st.one_of(WORDS, LUCKY))
def test_no_file_is_incomplete_without_end(words: list[Message]) -> None:
    """S18: each time that it becomes so, the end of its data is set."""
    before = READY.phase
    for _, made in heard(READY, [CONCLUDED, *words]):
        if made.state.phase is Phase.INCOMPLETE and before is not Phase.INCOMPLETE:
            assert said([made], KeptLongEnough) == [KeptLongEnough()]
        before = made.state.phase


@given(st.one_of(WORDS, LUCKY))
def test_never_two_accounts_are_asked_for(words: list[Message]) -> None:
    """X9, S31: once per file, whatever is said, and only of a signed and approved one."""
    state, made = play(words)
    asked = said(made, OpenAccount)
    assert len(asked) == (state.onward.account.status != "none") <= 1
    assert len(happened(made, facts.AccountCreated)) <= 1
    for one in made:
        if said([one], OpenAccount):
            assert one.state.onward.signing.status == "signed"
            assert one.state.onward.approval.approved


@given(WORDS)
def test_no_round_is_issued_twice_and_none_is_signed_twice(words: list[Message]) -> None:
    """S28: rounds only grow, and each is signed once."""
    _, made = play(words)
    rounds = [one.round for one in said(made, OpenSigning)]
    assert rounds == sorted(set(rounds))
    signed = [one.round for one in happened(made, facts.ContractSigned)]
    assert signed == sorted(set(signed))
    assert set(signed) <= set(rounds)


@given(st.one_of(WORDS, LUCKY))
def test_every_word_twice_is_as_every_word_once(words: list[Message]) -> None:
    """S16: what is handed over again changes nothing; but for people and time, who may mean it twice."""
    mechanical = (
        SigningStarted,
        ContractSigned,
        SigningEnded,
        type(CREATED),
        AccountRefused,
        AccountDelayed,
    )
    state = READY
    for at, word in enumerate([CONCLUDED, *words]):
        context = Context(FILE, NOW + at * 86_400_000, at, {TERMS: OPEN_TERMS, CUTOFFS: Cutoffs()})
        found = MACHINE.decide(state, word, context)
        if not isinstance(found, Decision):
            continue
        state = found.state
        if isinstance(word, (*mechanical, type(CONCLUDED))):
            assert MACHINE.decide(state, word, context) == Decision(state)
