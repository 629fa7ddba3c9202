"""The signature of a contract: from when it is asked for to when it is kept (S28)."""

from collections.abc import Iterable, Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.gateways.signing_messages import (
    CONTRACTS,
    SIGNING,
    ContractMade,
    CreateEnvelope,
    EnvelopeCreated,
    EnvelopeGone,
    FetchSigned,
    MakeContract,
    ReadEnvelope,
    SignedFetched,
    SigningRefused,
    VoidEnvelope,
)
from comptoir.actors.signature import portal
from comptoir.actors.signature.machine import MACHINE
from comptoir.actors.signature.messages import (
    AdmitSigner,
    ContractSigned,
    DeclineContract,
    Evidence,
    KeepContract,
    OpenSigning,
    ShowContract,
    SignContract,
    SignerAdmitted,
    SigningDescribed,
    SigningEnded,
    SigningOver,
    SigningStarted,
    SigningStatus,
    SigningUnread,
    StandingDue,
    VoidSigning,
)
from comptoir.actors.signature.state import (
    RANK,
    Phase,
    SignatureState,
    SignerSentOn,
    Superseded,
)
from comptoir.actors.signature.terms import SIGNING_TERMS, SigningTerms
from comptoir.engine import Decision, Message, Refusal
from comptoir.engine.machine import Context
from tests.actors.signed import (
    CONTRACT,
    ENVELOPE,
    EVIDENCE,
    FILE,
    NOW,
    OPEN,
    STATES,
    TO_SIGNATURE,
    VIEWED,
    report,
)

REFERENCE = "ONB-2026-00001:1"
DAY_MS = 86_400_000
ANYTHING: tuple[Message, ...] = (
    *(x for x in TO_SIGNATURE if not isinstance(x, KeepContract)), msgspec.structs.replace(OPEN, round=3),
)  # fmt: skip
"""All that may be said of a signature whose file goes on."""
STATUSES = st.sampled_from([x for x in RANK if x != "preparing"])


class Told:
    """A signature, and all that it has said so far."""

    def __init__(self, state: SignatureState | None = None, provider: str = "docusign") -> None:
        self.state = state or SignatureState(Phase.NONE)
        self.said: list[object] = []
        self.to: list[object] = []
        self.now, self.provider, self.terms = NOW, provider, SigningTerms()
        self._version = 0

    def take(self, message: Message) -> "Decision[SignatureState]":
        """Let it decide; a refusal is an error here."""
        decided = self.decide(message)
        assert isinstance(decided, Decision)
        return decided

    def decide(self, message: Message) -> "Decision[SignatureState] | Refusal":
        """Let it decide."""
        self._version += 1
        context = Context(FILE, self.now, self._version, {SIGNING_TERMS: self.terms})
        decided = MACHINE.decide(self.state, message, context)
        if isinstance(decided, Decision):
            self.state = decided.state
            self.said += [one.message for one in decided.messages if one.due_at is None]
            self.to += [one.target for one in decided.messages if one.due_at is None]
        return decided

    def take_all(self, messages: Iterable[Message]) -> "Told":
        for message in messages:
            self.take(message)
        return self

    def phase(self) -> Phase:
        """Where it is."""
        return self.state.phase

    def sent(self) -> "Told":
        """The contract is with its signer."""
        return self.take_all(
            (OPEN, ContractMade(REFERENCE, CONTRACT, 3, "Mandat"), EnvelopeCreated(REFERENCE, self.provider, ENVELOPE))
        )  # fmt: skip

    def heard(self) -> list[object]:
        """What the file was told."""
        return [
            x for x in self.said if isinstance(x, ContractSigned | SigningEnded | SigningStarted)
        ]


def test_a_contract_is_drawn_sent_signed_and_kept() -> None:
    """S28: each step asks for the next, and the file hears when its client is asked and when it is signed."""
    signature = Told().sent()
    assert [type(x) for x in signature.said] == [MakeContract, CreateEnvelope, SigningStarted]
    assert signature.to[:2] == [CONTRACTS, SIGNING]
    signature.take(report("signed"))
    assert signature.phase() is Phase.FETCHING
    signature.take(SignedFetched(REFERENCE, "5" * 64))
    assert signature.phase() is Phase.SIGNED
    assert signature.heard()[1:] == [ContractSigned(1, "docusign", "5" * 64, NOW)]


@given(statuses=st.lists(STATUSES, max_size=8), order=st.randoms())
def test_the_end_is_a_function_of_what_was_reported(
    statuses: Sequence[SigningStatus], order: object
) -> None:
    """S28: the same reports in any order and number end the same; what is signed is never unsigned."""
    shuffled: list[SigningStatus] = [*statuses, *statuses[:2]]
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    orders: tuple[Sequence[SigningStatus], ...] = (tuple(set(statuses)), statuses, shuffled)
    ends = [Told().sent().take_all(report(x) for x in one).state.phase for one in orders]
    assert len(set(ends)) == 1
    best = max(statuses, key=lambda x: RANK[x], default="sent")
    assert ends[0] is (Phase.FETCHING if best == "signed" else Phase(best))


@given(st.lists(STATUSES, min_size=1, max_size=4))
def test_a_report_before_the_answer_counts_as_one_after_it(
    statuses: Sequence[SigningStatus],
) -> None:
    """S28: a webhook that is faster than the provider's own answer is not lost."""
    early = Told().take_all((OPEN, ContractMade(REFERENCE, CONTRACT, 3)))
    early.take_all(report(x) for x in statuses)
    early.take(EnvelopeCreated(REFERENCE, "docusign", ENVELOPE))
    late = Told().sent().take_all(report(x) for x in statuses)
    assert early.state.phase is late.state.phase
    assert early.heard()[0] == late.heard()[0]


def test_a_lost_report_is_asked_for() -> None:
    """E6: where no webhook comes the provider is asked, again and again, and its word counts."""
    signature = Told().sent()
    decided = signature.take(StandingDue(1))
    assert signature.said[-1] == ReadEnvelope(REFERENCE, ENVELOPE)
    assert [x.name for x in decided.messages if x.due_at] == ["poll"]


def test_a_signed_document_that_cannot_be_had_is_fetched_again() -> None:
    """S28: a provider that is away after the client has signed does not unsign anything."""
    signature = Told().sent().take_all((report("signed"), SigningRefused(REFERENCE, "AWAY")))
    assert signature.phase() is Phase.FETCHING
    signature.take(StandingDue(1))
    assert isinstance(signature.said[-1], FetchSigned)


def test_an_hour_too_late_is_too_late_and_is_voided() -> None:
    """S28: its time over, the envelope is voided and the file hears of it; an early timer changes nothing."""
    signature = Told().sent()
    signature.take(SigningOver(1))
    assert signature.phase() is Phase.SENT
    signature.now += 14 * DAY_MS
    signature.take(SigningOver(1))
    assert isinstance(signature.said[-2], VoidEnvelope)
    assert signature.heard()[-1] == SigningEnded(1, "expired", "SIGNATURE_EXPIRED", signature.now)


def test_what_was_signed_before_it_was_voided_is_signed() -> None:
    """S28: an envelope that cannot be voided because its client has signed is a signed one."""
    signature = Told().sent().take_all((VoidSigning("FILE_REFUSED"), report("declined")))
    assert signature.phase() is Phase.VOIDED
    assert len(signature.heard()) == 1
    signature.take(EnvelopeGone(REFERENCE, signed=True))
    assert signature.phase() is Phase.FETCHING


def test_an_envelope_that_comes_after_it_was_voided_is_voided() -> None:
    """S18: nothing is left that could still be signed."""
    signature = Told().take_all(
        (OPEN, ContractMade(REFERENCE, CONTRACT, 3), VoidSigning("FILE_REFUSED"))
    )
    signature.take(EnvelopeCreated(REFERENCE, "docusign", ENVELOPE))
    assert signature.said[-1] == VoidEnvelope(REFERENCE, ENVELOPE, "FILE_REFUSED")


@pytest.mark.parametrize("state", [x for x in STATES if x.phase is not Phase.NONE])
def test_an_envelope_of_a_round_before_that_was_made_late_is_voided(state: SignatureState) -> None:
    """S18, S28: in every phase, for its client could still sign it; the one that is known stays as it is."""
    again = msgspec.structs.replace(state, asked=msgspec.structs.replace(OPEN, round=2))
    signature = Told(again)
    signature.take(EnvelopeCreated(REFERENCE, "docusign", "env-0"))
    assert signature.said == [VoidEnvelope(REFERENCE, "env-0", "REISSUED")]
    assert signature.to == [SIGNING]
    assert signature.state == msgspec.structs.replace(
        again, superseded=(Superseded(1, "docusign", "env-0", ""),)
    )
    if again.envelope_id:
        signature.take(EnvelopeCreated(REFERENCE, "docusign", again.envelope_id))
        assert len(signature.said) == 1


def test_what_became_of_an_envelope_that_nobody_knows_may_be_issued_anew() -> None:
    """S28: the file hears that it failed; if it turns up after all it is voided, before it is issued anew and after."""
    signature = Told().take_all((OPEN, ContractMade(REFERENCE, CONTRACT, 3)))
    signature.take(SigningRefused(REFERENCE, "OUTCOME_UNKNOWN"))
    assert signature.heard() == [SigningEnded(1, "failed", "OUTCOME_UNKNOWN", NOW)]
    failed = signature.state
    for again, reason in ((False, "OUTCOME_UNKNOWN"), (True, "REISSUED")):
        later = Told(failed)
        if again:
            later.take(msgspec.structs.replace(OPEN, round=2))
        later.take(EnvelopeCreated(REFERENCE, "docusign", ENVELOPE))
        assert later.said[-1] == VoidEnvelope(REFERENCE, ENVELOPE, reason)


def test_a_higher_round_voids_the_one_before() -> None:
    """S28: issued anew, the earlier envelope is voided, its late reports change nothing, and the same round is the same."""
    signature = Told().sent()
    signature.take(msgspec.structs.replace(OPEN, round=2))
    assert signature.said[-2] == VoidEnvelope(REFERENCE, ENVELOPE, "REISSUED")
    drawing = signature.state
    signature.take(report("declined"))
    signature.take(OPEN)
    assert signature.state is drawing


@given(st.lists(st.sampled_from(ANYTHING), max_size=12), st.integers(0, 12))
def test_once_its_client_has_signed_the_end_is_signed(words: list[Message], at: int) -> None:
    """S28: whatever is said after it, in any order, a higher round too: signed, the same bytes, and the file hears of
    the round that it waits for.
    """
    signature = Told(VIEWED)
    signature.take(SignContract(EVIDENCE))
    signed = signature.state
    for word in [*words[:at], SignedFetched(REFERENCE, "5" * 64), *words[at:]]:
        signature.decide(word)
    state = signature.state
    assert state.phase is Phase.SIGNED
    assert (state.evidence, state.signed_path) == (signed.evidence, signed.signed_path)
    asked = max([1, *(x.round for x in words if isinstance(x, OpenSigning))])
    last = signature.heard()[-1]
    assert isinstance(last, ContractSigned)
    assert last.round == asked


@pytest.mark.parametrize("before", [False, True])
def test_what_is_issued_anew_while_it_is_sealed_counts_as_the_new_round(before: bool) -> None:
    """S28: the file that waits for round 2 is told of round 2, by the contract that was signed in round 1."""
    again = msgspec.structs.replace(OPEN, round=2)
    signature = Told().sent()
    signature.take(report("signed"))
    words = (again, SignedFetched(REFERENCE, "5" * 64))
    signature.take_all(words if before else words[::-1])
    assert signature.heard()[-1] == ContractSigned(2, "docusign", "5" * 64, NOW)
    assert [x for x in signature.said if isinstance(x, MakeContract)] == [signature.said[0]]


def test_a_file_that_ended_and_is_resumed_has_another_contract_signed() -> None:
    """S18, S28: what was signed stays in the store, under its key; the new round is drawn."""
    signature = Told().sent().take_all((report("signed"), SignedFetched(REFERENCE, "5" * 64)))
    path = signature.state.signed_path
    signature.take_all((KeepContract("FILE_OVER"), msgspec.structs.replace(OPEN, round=2)))
    assert signature.phase() is Phase.DRAWING
    assert signature.state.earlier == (path,)


@pytest.mark.parametrize("phase", [Phase.FETCHING, Phase.SIGNED])
def test_a_signed_contract_stays_when_its_file_ends_badly(phase: Phase) -> None:
    """S18: what is signed is kept as evidence, whatever becomes of its file."""
    signature = Told().sent().take_all((report("signed"),))
    if phase is Phase.SIGNED:
        signature.take(SignedFetched(REFERENCE, "5" * 64))
    signature.take_all((KeepContract("ACCOUNT_REFUSED"), VoidSigning("FILE_REFUSED")))
    assert signature.phase() is phase


def test_its_signer_signs_in_the_portal() -> None:
    """S28: what they saw, what they agreed to and by what they showed who they are goes to whoever seals it."""
    signature = Told(provider="embedded").sent()
    signature.take(ShowContract("u1", NOW))
    assert signature.state.viewed_at == NOW
    decided = signature.take(SignContract(msgspec.structs.replace(EVIDENCE, authenticated_at=NOW)))
    assert isinstance(decided.reply, SigningDescribed)
    assert decided.reply.status == "signed"
    fetch = signature.said[-1]
    assert isinstance(fetch, FetchSigned)
    assert fetch.evidence is not None
    assert (fetch.evidence.document_sha256, fetch.evidence.signed_at) == (CONTRACT, NOW)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"user_id": "u2"}, "NOT_FOUND"),
        ({"document_sha256": "0" * 64}, "SIGNATURE_STALE"),
        ({"consents": ("read-1",)}, "CONSENT_MISSING"),
        ({"authenticated_at": NOW - 5000}, "SIGNATURE_CODE_NEEDED"),
        ({"methods": ("pwd",)}, "SIGNATURE_CODE_NEEDED"),
    ],
)
def test_what_is_no_signature_is_refused_by_name(change: dict[str, object], code: str) -> None:
    """S34: another person, another document, a consent that is missing, a code from before it was opened."""
    evidence = msgspec.convert({**msgspec.structs.asdict(EVIDENCE), **change}, Evidence)
    refused = Told(VIEWED).decide(SignContract(evidence))
    assert isinstance(refused, Refusal)
    assert refused.code == code


def test_what_was_not_opened_is_not_signed() -> None:
    """S28: SIGNATURE_UNREAD, and not that there is nothing to sign; to nobody but its signer."""
    signature = Told(provider="embedded").sent()
    before = signature.state
    assert signature.take(SignContract(EVIDENCE)).reply == SigningUnread()
    assert signature.state is before
    another = msgspec.structs.replace(EVIDENCE, user_id="u2")
    assert signature.decide(SignContract(another)) is portal.NOT_FOUND
    signature.now = before.expires_at
    assert signature.decide(SignContract(EVIDENCE)) is portal.OVER


def test_nobody_signs_after_its_time_even_if_the_timer_is_late() -> None:
    """S28: a late timer gives nobody a minute more."""
    signature = Told(VIEWED)
    signature.now = VIEWED.expires_at
    refused = signature.decide(SignContract(EVIDENCE))
    assert isinstance(refused, Refusal)
    assert refused.code == "SIGNATURE_OVER"


def test_its_signer_declines_in_the_portal() -> None:
    """S28: the file hears that it was declined, and nothing of what the client wrote."""
    signature = Told(VIEWED)
    signature.take(DeclineContract("u1", "the fees"))
    assert signature.heard() == [SigningEnded(1, "declined", "SIGNATURE_DECLINED", NOW)]
    assert isinstance(signature.decide(DeclineContract("u2", "x")), Refusal)


def test_its_signer_goes_on_to_the_page_of_its_provider() -> None:
    """S28, S34: with what that one is asked with for an address, once who went there, and how they were let in, is on record;
    nobody else goes, nobody from where it is signed in our portal, and nobody when its time is over.
    """
    signature = Told().sent()
    before, asks = signature.state, AdmitSigner("u1", ("mca", "otp", "sms"), NOW, 0, recent=True)
    asked = signature.take(asks)
    assert (asked.reply, asked.events) == (SignerAdmitted("docusign", ENVELOPE, OPEN.signer), ())
    admit = msgspec.structs.replace(asks, goes=True)
    decided = signature.take(admit)
    assert decided.reply == SignerAdmitted("docusign", ENVELOPE, OPEN.signer)
    assert decided.events == (SignerSentOn(1, ("mca", "otp", "sms"), NOW),)
    assert (signature.state, decided.messages) == (before, ())
    assert signature.decide(msgspec.structs.replace(admit, user_id="u2")) is portal.NOT_FOUND
    signature.now = before.expires_at
    assert signature.decide(admit) is portal.OVER
    signature.now = NOW
    for state in (*STATES[1:], VIEWED):
        here = Told(state).take(admit)
        assert isinstance(here.reply, SigningDescribed)
        assert here.events == ()


@pytest.mark.parametrize(
    "change", [{"recent": False}, {"methods": ("pwd",)}, {"methods": ()}, {"ago_ms": 3_602_000}]
)
def test_nobody_goes_on_without_a_code_of_now(change: dict[str, object]) -> None:
    """S28, S34: as in our own portal: a password is no code, nor is one from before the contract was sent; and nothing is on record."""
    signature = Told().sent()
    sent_at = signature.now
    signature.now = sent_at + 3_600_000
    admit = AdmitSigner("u1", ("mca", "otp", "sms"), NOW, 3_600_000, recent=True)
    assert isinstance(signature.take(admit).reply, SignerAdmitted)
    assert signature.decide(msgspec.structs.replace(admit, **change)) is portal.CODE_NEEDED
