"""Samples of a client's file, in each of its phases, and of what may be said to it; and of a series of numbers."""

from collections.abc import Mapping

import msgspec

from comptoir.actors.gateways.document_messages import DocumentInspected, ObjectAbsent, ObjectFound
from comptoir.actors.gateways.messages import NoticeRefused, NoticeTaken
from comptoir.actors.numbering import machine as numbering
from comptoir.actors.numbering.messages import DrawNumber
from comptoir.actors.onboarding.keeping_messages import (
    AskErasure,
    EndRelation,
    EraseFile,
    KeepByRule,
)
from comptoir.actors.onboarding.link_messages import RenewLink
from comptoir.actors.onboarding.messages import (
    AmendFile,
    ChangeProfile,
    ClientInfo,
    ClientReached,
    CompleteUpload,
    DescribeFile,
    DescribeProfile,
    Document,
    DocumentStatus,
    FileExpired,
    InitiateFile,
    KeepReceipt,
    KeptLongEnough,
    KycConcluded,
    KycShown,
    Opened,
    ReminderDue,
    RequestUpload,
    ResumeFile,
    Said,
    Value,
)
from comptoir.actors.onboarding.profile import with_said
from comptoir.actors.onboarding.state import OnboardingState, Phase
from comptoir.actors.onboarding.terms import OnboardingTerms
from comptoir.engine.settings import ClientType, PartyRole
from comptoir.engine.values import Message, State

__all__ = [
    "AMENDS",
    "ASSESSED",
    "BEGUN",
    "BESIDE",
    "COMPANY",
    "CONCLUDED",
    "FILES",
    "FILE_TERMS",
    "INITIATE",
    "INSPECTED",
    "INSPECTING",
    "KNOWN",
    "MARIE",
    "NUMBERS",
    "OPENED",
    "REQUEST",
    "RESUMES",
    "WHOLE_COMPANY",
    "company",
    "document",
]

NOW = 1_800_000_000_000
FILE_TERMS = OnboardingTerms(
    {
        "INDIVIDUAL": ClientType(("IDENTITY",)),
        "COMPANY": ClientType(
            (), ("entity",), True, (PartyRole("beneficial_owner", 1, 2),), "management-company"
        ),
    },
    mail=True,
    sms=True,
)
OPENED = Opened("INDIVIDUAL", "CONSEILLER", "adv-1", "a@bank.example", "cli_1", "CRM", "Q4")
MARIE = ClientInfo("Marie", "Tremblay", "m@t.example", "+15145551234", "1980-05-15", "CA", "CA")
INITIATE = InitiateFile(OPENED, MARIE, "https://x/portal/ONB?token=t", "digest", "listing", "ref")
REQUEST = RequestUpload("doc_2", "IDENTITY", "passeport.pdf", "application/pdf", 300, "ab" * 32)


def document(status: DocumentStatus = DocumentStatus.VERIFYING, **changes: object) -> Document:
    """A passport of 300 bytes."""
    made = Document(
        "doc_1", "IDENTITY", "passeport.pdf", "application/pdf", 300, "ab" * 32, NOW + 1000, status
    )
    return msgspec.structs.replace(made, **changes)


BEGUN = OnboardingState(
    Phase.INITIATED, OPENED, MARIE, created_at=NOW - 1, expires_at=NOW + 1000, updated_at=NOW - 1
)
KYC = KycShown(85, "LOW", "AUTO_APPROVE", "SYSTEM", completed_at=NOW - 1)
ASSESSED = msgspec.structs.replace(
    BEGUN, phase=Phase.KYC_PENDING, round=1, documents=(document(DocumentStatus.ACCEPTED),)
)
CONCLUDED = KycConcluded(1, "approved", 85, "LOW", "AUTO_APPROVE", "SYSTEM")
CONCLUSIONS = (
    CONCLUDED,
    msgspec.structs.replace(CONCLUDED, outcome="held"),
    msgspec.structs.replace(CONCLUDED, outcome="rejected"),
    msgspec.structs.replace(CONCLUDED, round=0),
)
PENDING = msgspec.structs.replace(BEGUN, phase=Phase.DOCUMENTS_PENDING, documents=(document(),))
STATES = (
    OnboardingState(Phase.NONE),
    BEGUN,
    PENDING,
    msgspec.structs.replace(PENDING, phase=Phase.DOCUMENTS_UPLOADED),
    msgspec.structs.replace(BEGUN, phase=Phase.INCOMPLETE),
    *(
        msgspec.structs.replace(
            BEGUN, phase=phase, round=1, documents=(document(DocumentStatus.ACCEPTED),), kyc=KYC
        )
        for phase in (Phase.KYC_APPROVED, Phase.COMPLIANCE_HOLD, Phase.KYC_REJECTED)
    ),
    ASSESSED,
)
COMPANY = msgspec.structs.replace(
    BEGUN, opened=msgspec.structs.replace(OPENED, client_type="COMPANY", partner="cl_1")
)
"""Of a partner; it needs no document, but an entity and an owner."""
KNOWN: Mapping[str, Value] = {
    "entity/name": "Lilas SAS", "entity/country": "FR", "parties/owner-1/role": "beneficial_owner",
    "parties/owner-1/firstName": "Ada", "parties/owner-1/lastName": "Moreau",
    "parties/owner-1/dateOfBirth": "1970-01-02", "parties/owner-1/residenceCountry": "FR",
    "parties/owner-1/control": "SHARES", "parties/owner-1/sharePercent": 60,
}  # fmt: skip
TELLS = ChangeProfile({"address/city": "Paris"}, "advisor", "adv-1")
AMENDS = AmendFile(KNOWN, MARIE, "COMPANY", "cl_1", "ef" * 32)
RESUMES = ResumeFile("https://x/portal/ONB?token=u", "digest2", "listing", "adv-1", "ref2")
WHOLE_COMPANY = msgspec.structs.replace(
    COMPANY, said=with_said({}, KNOWN, Said(None, "client", "cli_1", NOW - 1))
)


def company(phase: Phase) -> OnboardingState:
    """One that waits in that phase."""
    return msgspec.structs.replace(COMPANY, phase=phase)


INSPECTED = DocumentInspected("doc_1", "ab" * 32, "0f" * 8, (), {"surname": "TREMBLAY"})
INSPECTING = msgspec.structs.replace(
    PENDING, documents=(document(DocumentStatus.INSPECTING, proven_sha256="ab" * 32),)
)
FOUND = ObjectFound("doc_1", 300, "application/pdf", "ab" * 32)
TO_FILE: tuple[Message, ...] = (
    INITIATE, ClientReached(), REQUEST, CompleteUpload("doc_1"), FOUND,
    ObjectAbsent("doc_1", "UPLOAD_MISSING"), INSPECTED, FileExpired(), DescribeFile(), TELLS,
    AMENDS, KeepReceipt(1, "a.b.c"), DescribeProfile(), RESUMES, ReminderDue(), KeptLongEnough(),
    NoticeTaken("r"), NoticeRefused("r", "MAIL_REFUSED"), *CONCLUSIONS,
    KeepByRule(), AskErasure(), EraseFile(), EndRelation("ops-1"),
    RenewLink("https://x/portal/ONB?token=v", "digest3", "listing", "ref3", "en"),
)  # fmt: skip
UPLOADED = msgspec.structs.replace(PENDING, phase=Phase.DOCUMENTS_UPLOADED)
BESIDE = document(DocumentStatus.INSPECTING, id="doc_5", proven_sha256="cd" * 32)
"""One more that is being looked at."""
LATE = msgspec.structs.replace(BEGUN, expires_at=NOW)
FILES: tuple[tuple[State, Message], ...] = (
    *((state, message) for state in STATES for message in TO_FILE),
    (PENDING, msgspec.structs.replace(FOUND, size_bytes=299)),
    (LATE, FileExpired()),
    *(
        (
            msgspec.structs.replace(
                one, documents=(document(DocumentStatus.REDO, expires_at=NOW),)
            ),
            EraseFile(),
        )
        for one in (PENDING, UPLOADED)
    ),
    (INSPECTING, INSPECTED),
    (msgspec.structs.replace(INSPECTING, documents=(*INSPECTING.documents, BESIDE)), INSPECTED),
    *(
        (msgspec.structs.replace(UPLOADED, documents=(*UPLOADED.documents, BESIDE)), message)
        for message in (ObjectAbsent("doc_1", "UPLOAD_MISSING"), INSPECTED, FOUND)
    ),
    (UPLOADED, msgspec.structs.replace(FOUND, size_bytes=299)),
    (msgspec.structs.replace(UPLOADED, documents=INSPECTING.documents), INSPECTED),
    (msgspec.structs.replace(PENDING, expires_at=NOW), FileExpired()),
    (BEGUN, ChangeProfile({"address/city": "Paris"}, "client", "cli_1")),
    (COMPANY, ChangeProfile(KNOWN, "client", "cli_1")),
    (company(Phase.DOCUMENTS_PENDING), ChangeProfile(KNOWN, "client", "cli_1")),
    (company(Phase.DOCUMENTS_PENDING), AMENDS),
    (WHOLE_COMPANY, ClientReached()),
    *(
        (msgspec.structs.replace(state, documents=(BESIDE,)), message)
        for state, message in (
            (COMPANY, ChangeProfile(KNOWN, "client", "cli_1")),
            (company(Phase.DOCUMENTS_PENDING), ChangeProfile(KNOWN, "client", "cli_1")),
            (company(Phase.DOCUMENTS_PENDING), AMENDS),
            (WHOLE_COMPANY, ClientReached()),
            (msgspec.structs.replace(WHOLE_COMPANY, phase=Phase.INCOMPLETE), RESUMES),
        )
    ),
    (msgspec.structs.replace(WHOLE_COMPANY, phase=Phase.INCOMPLETE), RESUMES),
    (msgspec.structs.replace(company(Phase.INCOMPLETE), forgotten=True), RESUMES),
    *(
        (
            msgspec.structs.replace(state, documents=(document(DocumentStatus.AWAITING),)),
            EraseFile(),
        )
        for state in (BEGUN, PENDING, UPLOADED)
    ),
)
NUMBERS: tuple[tuple[State, Message], ...] = (
    (numbering.NumberingState(numbering.Phase.COUNTING), DrawNumber("r")),
)
