"""How a file goes on when its documents are there: actors/onboarding/assessing.py."""

import msgspec
import pytest

from comptoir.actors.gateways.document_messages import (
    DeleteObject,
    DocumentInspected,
    ObjectAbsent,
)
from comptoir.actors.kyc.messages import AssessClient, DocumentsJudged, Party
from comptoir.actors.onboarding.assessing import KycCompleted, judged
from comptoir.actors.onboarding.machine import MACHINE
from comptoir.actors.onboarding.messages import (
    ChangeProfile,
    CompleteUpload,
    Document,
    DocumentsClosed,
    DocumentStatus,
    FileDescribed,
    KeptLongEnough,
    KycConcluded,
)
from comptoir.actors.onboarding.state import OnboardingState, Phase
from comptoir.actors.onboarding.terms import TERMS
from comptoir.engine import Address, Decision, Message
from comptoir.engine.machine import Context
from tests.actors.filed import (
    ASSESSED,
    BESIDE,
    CONCLUDED,
    FILE_TERMS,
    INSPECTED,
    INSPECTING,
    KNOWN,
    REQUEST,
    company,
    document,
)

NOW = 1_800_000_000_000
FILE = Address("onboarding", "ONB-2026-00001")


def decide(state: OnboardingState, message: Message) -> Decision[OnboardingState]:
    """One decision."""
    made = MACHINE.decide(state, message, Context(FILE, NOW, 1, {TERMS: FILE_TERMS}))
    assert isinstance(made, Decision)
    return made


def accepted(doc_type: str, *reasons: str, fields: dict[str, str] | None = None) -> Document:
    """A document that was taken, with what is told of it."""
    return document(
        DocumentStatus.ACCEPTED, id=f"doc_{doc_type}_{len(reasons)}", doc_type=doc_type,
        reasons=reasons, fields={"read": "x"} if fields is None else fields,
    )  # fmt: skip


def test_the_client_is_assessed_in_the_decision_that_takes_the_last_document() -> None:
    """S13, S16, S21: at once, with what the documents came to and who is looked at; nothing can come in between."""
    whole = decide(INSPECTING, INSPECTED)
    assert whole.state.phase is Phase.KYC_PENDING
    (question,) = whole.messages
    assert question.target == Address("kyc", "ONB-2026-00001")
    asked = question.message
    assert isinstance(asked, AssessClient)
    assert (asked.round, asked.client_type, asked.advisor) == (1, "INDIVIDUAL", "adv-1")
    assert asked.parties == (
        Party("client", "client", "Person", "Marie", "Tremblay", "1980-05-15", "CA", "CA"),
    )
    assert asked.documents == DocumentsJudged(valid=True)
    assert [one.event for one in whole.state.history[-2:]] == ["DOCUMENTS_UPLOADED", "KYC_STARTED"]


def test_everybody_behind_a_company_is_looked_at() -> None:
    """S1, S6, S21: who acts for it as its representative, then the company, then its owner; the last word of the profile
    has them assessed.
    """
    told = ChangeProfile(KNOWN, "client", "cli_1")
    (question,) = decide(company(Phase.DOCUMENTS_PENDING), told).messages
    assert isinstance(question.message, AssessClient)
    assert [(one.id, one.role) for one in question.message.parties] == [
        ("client", "representative"), ("entity", "entity"), ("owner-1", "beneficial_owner"),
    ]  # fmt: skip


def test_what_was_never_accepted_goes_with_a_rejection() -> None:
    """S18: the later step that fails for good undoes what the earlier ones left outside; what the decision rests on
    stays.
    """
    kept = document(DocumentStatus.ACCEPTED)
    left = document(DocumentStatus.REDO, id="doc_7")
    pending = msgspec.structs.replace(
        ASSESSED, phase=Phase.KYC_PENDING, documents=(kept, left), kyc=None
    )
    rejected = decide(pending, msgspec.structs.replace(CONCLUDED, outcome="rejected"))
    assert rejected.state.phase is Phase.KYC_REJECTED
    assert rejected.state.documents == (kept,)
    assert [out.message for out in rejected.messages] == [
        DeleteObject("ONB-2026-00001/IDENTITY/doc_7.pdf"),
        KeptLongEnough(),
    ]


@pytest.mark.parametrize(
    ("last", "kept"),
    [
        (DocumentInspected("doc_5", "cd" * 32, "", ("DOCUMENT_EXPIRED",), {}), True),
        (DocumentInspected("doc_5", "cd" * 32, "", ("DAMAGED",), {}), False),
        (ObjectAbsent("doc_5", "OBJECTS_UNAVAILABLE"), False),
    ],
)
def test_a_document_that_is_still_being_looked_at_counts_as_well(last: Message, kept: bool) -> None:
    """S20, S25: the file waits for it, whatever it comes to, and for nothing that was only announced."""
    announced = document(DocumentStatus.AWAITING, id="doc_6", doc_type="CONTRACT")
    beside = msgspec.structs.replace(BESIDE, doc_type="CONTRACT")
    both = msgspec.structs.replace(INSPECTING, documents=(*INSPECTING.documents, beside, announced))
    waits = decide(both, INSPECTED)
    assert (waits.state.phase, waits.messages) == (Phase.DOCUMENTS_UPLOADED, ())
    goes_on = decide(waits.state, last)
    assert goes_on.state.phase is Phase.KYC_PENDING
    (asked,) = [x.message for x in goes_on.messages if isinstance(x.message, AssessClient)]
    assert asked.documents.expired is kept


def test_of_each_type_the_last_document_counts() -> None:
    """S20, S25: an expired passport that was followed by a good one costs nothing; what was never read proves nothing."""
    papers = (
        accepted("IDENTITY", "DOCUMENT_EXPIRED"), accepted("IDENTITY"),
        accepted("PROOF_OF_RESIDENCE", "DATA_INCONSISTENT", "IMAGE_EDITED"),
        document(DocumentStatus.REFUSED, id="no", reasons=("PDF_LAUNCH",)),
    )  # fmt: skip
    found = judged(msgspec.structs.replace(ASSESSED, documents=papers), FILE_TERMS)
    assert found == DocumentsJudged(
        valid=True, inconsistent=True, codes=("DATA_INCONSISTENT", "IMAGE_EDITED")
    )
    expired = judged(msgspec.structs.replace(ASSESSED, documents=papers[:1]), FILE_TERMS)
    assert (expired.valid, expired.expired) == (False, True)
    unread = judged(
        msgspec.structs.replace(ASSESSED, documents=(accepted("DEED", fields={}),)), FILE_TERMS
    )
    assert unread.valid is None


@pytest.mark.parametrize(
    ("outcome", "phase", "topic"),
    [
        ("approved", Phase.KYC_APPROVED, "onboarding.kyc.approved"),
        ("held", Phase.COMPLIANCE_HOLD, ""),
        ("rejected", Phase.KYC_REJECTED, ""),
    ],
)
def test_every_conclusion_leads_to_its_own_phase(outcome: str, phase: Phase, topic: str) -> None:
    """S11, S13, S14, S17, X4: the topic of an approval is told of an approval and of nothing else; S11's two values are
    kept; the same again changes nothing.
    """
    told = msgspec.structs.replace(CONCLUDED, outcome=outcome)
    done = decide(ASSESSED, told)
    assert done.state.phase is phase
    assert done.events == (KycCompleted(85, "AUTO_APPROVE", phase.value, topic),)
    kept = done.state.kyc
    assert kept is not None
    assert (kept.score, kept.completed_at) == (85, NOW)
    line = done.state.history[-1]
    assert (line.before, line.after, line.event, line.actor) == (
        "KYC_PENDING", phase.value, "KYC_COMPLETED", "system",
    )  # fmt: skip
    again = decide(done.state, told)
    assert (again.state, again.events) == (done.state, ())


def test_who_reviewed_a_file_is_kept_and_not_shown() -> None:
    """X4, X5, E3: a held file is approved or rejected by a person, whose name the client does not hear."""
    held = decide(ASSESSED, msgspec.structs.replace(CONCLUDED, outcome="held")).state
    for outcome, phase in (("approved", Phase.KYC_APPROVED), ("rejected", Phase.KYC_REJECTED)):
        done = decide(held, msgspec.structs.replace(CONCLUDED, outcome=outcome, by="cp-1")).state
        assert (done.phase, done.history[-1].actor) == (phase, "compliance")
        assert done.kyc is not None
        assert done.kyc.by == "cp-1"


def test_a_conclusion_of_a_round_before_changes_nothing() -> None:
    """S16: a file that was assessed again waits for the assessment of now."""
    late = KycConcluded(7, "approved", 85, "LOW", "AUTO_APPROVE", "SYSTEM")
    assert decide(ASSESSED, late).state == ASSESSED


@pytest.mark.parametrize(
    "phase",
    [Phase.KYC_PENDING, Phase.KYC_APPROVED, Phase.COMPLIANCE_HOLD, Phase.KYC_REJECTED],
)
def test_no_document_is_taken_any_more(phase: Phase) -> None:
    """S16: a decision is about what was there; what was taken is told once more, everything else is refused by name."""
    state = msgspec.structs.replace(ASSESSED, phase=phase)
    for message in (REQUEST, CompleteUpload("doc_9")):
        closed = decide(state, message)
        assert (closed.state, closed.reply) == (state, DocumentsClosed())
    assert isinstance(decide(state, CompleteUpload("doc_1")).reply, FileDescribed)
