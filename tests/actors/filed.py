"""Samples of a client's file, in each of its phases, and of what may be said to it; and of a series of numbers."""

import msgspec

from comptoir.actors.gateways.document_messages import DocumentInspected, ObjectAbsent, ObjectFound
from comptoir.actors.numbering import machine as numbering
from comptoir.actors.numbering.messages import DrawNumber
from comptoir.actors.onboarding.messages import (
    ClientInfo,
    ClientReached,
    CompleteUpload,
    DescribeFile,
    Document,
    DocumentStatus,
    FileExpired,
    InitiateFile,
    KycConcluded,
    KycShown,
    Opened,
    RequestUpload,
)
from comptoir.actors.onboarding.state import OnboardingState, Phase
from comptoir.actors.onboarding.terms import OnboardingTerms
from comptoir.engine.values import Message, State

__all__ = [
    "ASSESSED",
    "BEGUN",
    "BESIDE",
    "CONCLUDED",
    "FILES",
    "FILE_TERMS",
    "INITIATE",
    "INSPECTED",
    "INSPECTING",
    "NUMBERS",
    "REQUEST",
    "document",
]

NOW = 1_800_000_000_000
FILE_TERMS = OnboardingTerms({"INDIVIDUAL": ("IDENTITY",)}, mail=True, sms=True)
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
INSPECTED = DocumentInspected("doc_1", "ab" * 32, "0f" * 8, (), {"surname": "TREMBLAY"})
INSPECTING = msgspec.structs.replace(
    PENDING, documents=(document(DocumentStatus.INSPECTING, proven_sha256="ab" * 32),)
)
FOUND = ObjectFound("doc_1", 300, "application/pdf", "ab" * 32)
TO_FILE: tuple[Message, ...] = (
    INITIATE, ClientReached(), REQUEST, CompleteUpload("doc_1"), FOUND,
    ObjectAbsent("doc_1", "UPLOAD_MISSING"), INSPECTED, FileExpired(),
    DescribeFile(), *CONCLUSIONS,
)  # fmt: skip
UPLOADED = msgspec.structs.replace(PENDING, phase=Phase.DOCUMENTS_UPLOADED)
BESIDE = document(DocumentStatus.INSPECTING, id="doc_5", proven_sha256="cd" * 32)
"""One more that is being looked at."""
LATE = msgspec.structs.replace(BEGUN, expires_at=NOW)
FILES: tuple[tuple[State, Message], ...] = (
    *((state, message) for state in STATES for message in TO_FILE),
    (PENDING, msgspec.structs.replace(FOUND, size_bytes=299)),
    (LATE, FileExpired()),
    (INSPECTING, INSPECTED),
    (msgspec.structs.replace(INSPECTING, documents=(*INSPECTING.documents, BESIDE)), INSPECTED),
    *(
        (msgspec.structs.replace(UPLOADED, documents=(*UPLOADED.documents, BESIDE)), message)
        for message in (ObjectAbsent("doc_1", "UPLOAD_MISSING"), INSPECTED, FOUND)
    ),
    (UPLOADED, msgspec.structs.replace(FOUND, size_bytes=299)),
    (msgspec.structs.replace(UPLOADED, documents=INSPECTING.documents), INSPECTED),
    (msgspec.structs.replace(PENDING, expires_at=NOW), FileExpired()),
)
NUMBERS: tuple[tuple[State, Message], ...] = (
    (numbering.NumberingState(numbering.Phase.COUNTING), DrawNumber("r")),
)
