"""What may be said to a client's file, and what is answered (S8, S9, S12, S16).

Another machine may import this module and nothing else of this package (design.md 1).
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Literal

import msgspec

from comptoir.engine.objects import ObjectKey
from comptoir.engine.values import Message, Reply

__all__ = [
    "DOCUMENTS_MAX",
    "KIND",
    "ClientInfo",
    "ClientReached",
    "ClientType",
    "CompleteUpload",
    "DescribeFile",
    "Document",
    "DocumentStatus",
    "DocumentsClosed",
    "FileDescribed",
    "FileExpired",
    "FileOver",
    "InitiateFile",
    "KycConcluded",
    "KycShown",
    "Move",
    "Opened",
    "RequestUpload",
    "UploadGranted",
]

KIND = "onboarding"
DOCUMENTS_MAX: Final = 40
"""Of one file: some of each type, each sent some times."""
ClientType = Literal["INDIVIDUAL", "COMPANY", "FOUNDATION", "TRUST"]
"""S1."""
SUFFIXES: Final = {"application/pdf": "pdf", "image/jpeg": "jpg"}


class ClientInfo(msgspec.Struct, frozen=True):
    """Who is to become a client (S8); of a company, who acts for it."""

    first_name: str
    last_name: str
    email: str
    phone: str
    """E.164; empty: none was given."""
    date_of_birth: str
    residence_country: str
    tax_residence: str


class DocumentStatus(StrEnum):
    """How far a document is."""

    AWAITING = "awaiting_upload"
    VERIFYING = "verifying"
    """Whoever sent it says that it is there; the store is asked."""
    INSPECTING = "inspecting"
    """Its bytes are there, and are those that were announced. What they are, and show, is being looked at."""
    ACCEPTED = "accepted"
    """It is what it should be; `reasons` may have what is told of it all the same."""
    REFUSED = "refused"
    """Nobody who means well sends that: another document is wanted, and this one is known if it comes again."""
    REDO = "redo"
    """It did not arrive, or cannot be used: it is to be sent again."""


class Document(msgspec.Struct, frozen=True):
    """One document of a file."""

    id: str
    doc_type: str
    filename: str
    """As the client calls it: personal, and so nowhere but here."""
    media_type: str
    size_bytes: int
    sha256: str
    """As announced, in hexadecimal; empty: it was not."""
    expires_at: int
    """Of its upload address: business time, ms."""
    status: DocumentStatus = DocumentStatus.AWAITING
    reasons: tuple[str, ...] = ()
    """What was found, as stable codes: why it is to be sent again or refused, or what is told of it."""
    proven_sha256: str = ""
    """Of the bytes that are there, or were."""
    look: str = ""
    """How its first page looks; empty: not known, or nothing to see."""
    fields: Mapping[str, str] = {}
    """What was read of it."""
    marks: tuple[str, ...] = ()
    """Keys of the sightings in which it is noted (actors/sighting/)."""
    elsewhere: tuple[str, ...] = ()
    """Numbers of other files with the same: for COMPLIANCE alone."""

    def key(self, onboarding_id: str) -> ObjectKey:
        """Where it is: `{onboardingId}/{docType}/{filename}` (S12), the name being ours."""
        name = f"{self.id}.{SUFFIXES.get(self.media_type, 'bin')}"
        return ObjectKey(onboarding_id, self.doc_type, name)


class Move(msgspec.Struct, frozen=True):
    """One change of status (S16)."""

    before: str
    after: str
    event: str
    actor: str
    """`sub` of who did it; `client`, or `timer`."""
    at: int
    """Business time, ms."""


class Opened(msgspec.Struct, frozen=True):
    """How a file began, apart from its client."""

    client_type: ClientType
    initiated_by: str
    """`CONSEILLER`."""
    advisor: str
    """`sub` of the advisor: whose file it is."""
    advisor_email: str
    user_id: str
    """`sub` of the client to be."""
    source: str
    campaign_id: str


class InitiateFile(Message, frozen=True):
    """An advisor begins; the client gets a link by mail. The same `reference` again begins no second one."""

    opened: Opened
    client: ClientInfo
    link: str
    """The whole address with its secret; it stands in the mail, and in the answer (S9)."""
    digest: str
    """SHA-256 of the link's secret, in hexadecimal."""
    listing: str
    """Key of the actor that lists what the client has open; empty: none does."""
    reference: str


class ClientReached(Message, frozen=True):
    """Whoever carries mail has taken the client's link."""


class RequestUpload(Message, frozen=True):
    """The client is about to send a document. The same id again is the same request."""

    document_id: str
    doc_type: str
    filename: str
    media_type: str
    size_bytes: int
    sha256: str


class CompleteUpload(Message, frozen=True):
    """The client has sent it."""

    document_id: str


class FileExpired(Message, frozen=True):
    """One's own later self: the documents did not come in time."""


class KycConcluded(Message, frozen=True):
    """The client was assessed (S11, X4)."""

    round: int
    outcome: Literal["approved", "held", "rejected"]
    """KYC_APPROVED, COMPLIANCE_HOLD, KYC_REJECTED."""
    score: int | None
    """The bureau's; None: there is none, or none that may be told (X3)."""
    risk_level: str | None
    recommendation: str | None
    by: str
    """`SYSTEM`, or the `sub` of who reviewed it: they cannot approve it a second time (X5)."""
    withheld: bool = False
    """Of such a case advisor and client hear one neutral sentence: there is no score here, nor what it led to (E3)."""


class KycShown(msgspec.Struct, frozen=True):
    """What a file keeps of its assessment: no more than an advisor may know (E3)."""

    score: int | None
    """kycScore of S11: the bureau's."""
    risk_level: str | None
    recommendation: str | None
    by: str
    """`SYSTEM`, or the `sub` of who reviewed it (X5)."""
    withheld: bool = False
    """Whether nothing of it is told."""
    completed_at: int = 0
    """kycCompletedAt of S11: business time, ms."""


class DescribeFile(Message, frozen=True):
    """Say how far it is."""


class UploadGranted(Reply, frozen=True):
    """It may be sent."""

    document: Document


class FileOver(Reply, frozen=True):
    """Nothing is taken any more: its time for documents is over."""


class DocumentsClosed(Reply, frozen=True):
    """No document is taken any more: the client is assessed by those that were there."""


class FileDescribed(Reply, frozen=True):
    """A file."""

    status: str
    """ADR-001's word (S13, S14)."""
    opened: Opened
    documents: tuple[Document, ...]
    missing: tuple[str, ...]
    """Types of documents that it still needs."""
    history: tuple[Move, ...]
    created_at: int
    expires_at: int
    updated_at: int
    kyc: KycShown | None = None
    """None: the client has not been assessed."""
