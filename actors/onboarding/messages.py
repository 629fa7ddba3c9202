"""What may be said to a client's file, and what is answered (S8, S9, S12, S16).

Another machine may import this module and nothing else of this package (design.md 1).
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Literal, TypeAlias

import msgspec

from comptoir.actors.onboarding.onward_messages import CorrectionKept, Onward
from comptoir.engine.objects import ObjectKey
from comptoir.engine.values import Message, Reply

__all__ = [
    "ADVISOR",
    "CLIENT",
    "DOCUMENT",
    "DOCUMENTS_MAX",
    "KIND",
    "MAINFRAME",
    "PARTNER",
    "SUBMISSIONS",
    "SUBMISSIONS_MAX",
    "AmendFile",
    "ChangeProfile",
    "ClientInfo",
    "ClientReached",
    "CompleteUpload",
    "DescribeFile",
    "DescribeProfile",
    "Document",
    "DocumentStatus",
    "DocumentsClosed",
    "FileDescribed",
    "FileExpired",
    "FileGoesOn",
    "FileOver",
    "InitiateFile",
    "KeepReceipt",
    "KeptLongEnough",
    "KycConcluded",
    "KycShown",
    "Move",
    "Opened",
    "ProfileClosed",
    "ProfileDescribed",
    "ProfileRefused",
    "ReminderDue",
    "RequestUpload",
    "ResumeFile",
    "Said",
    "SubmissionClosed",
    "Submitted",
    "UploadGranted",
    "Value",
]

KIND = "onboarding"
DOCUMENTS_MAX: Final = 40
"""Of one file: some of each type, each sent some times."""
SUBMISSIONS: Final = "partner_submissions"
"""Documents by which a partner's reference leads to its file: `{"onboarding_id"}`."""
SUBMISSIONS_MAX: Final = 50
"""Of one file: its first, and how often it may be amended."""
ADVISOR: Final = "advisor"
CLIENT: Final = "client"
PARTNER: Final = "partner"
DOCUMENT: Final = "document"
MAINFRAME: Final = "mainframe"
"""Who says something of a profile: one of these; of a partner and a document with which: `partner:cl_1`."""
Value: TypeAlias = "str | int | tuple[str, ...] | None"
"""Of a field of a profile; None: there is none."""
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

    client_type: str
    """A block of the configuration (S1)."""
    initiated_by: str
    """`CONSEILLER`, `PARTNER`."""
    advisor: str
    """`sub` of the advisor: whose file it is; empty: nobody's yet."""
    advisor_email: str
    """As whoever began it said; of a partner's file it is the partner's word alone, and nothing is sent there."""
    user_id: str
    """`sub` of the client to be."""
    source: str
    campaign_id: str
    partner: str = ""
    """Id of the service client that submitted it; empty: none did (S5)."""


class Said(msgspec.Struct, frozen=True):
    """What one source says of one field of a profile (E16)."""

    value: Value
    source: str
    by: str
    """`sub` of the person or the service client; of a document: empty."""
    at: int
    """Business time, ms."""


class Submitted(msgspec.Struct, frozen=True):
    """One submission of a partner (E16)."""

    digest: str
    """SHA-256 of its canonical form (RFC 8785), in hexadecimal."""
    sequence: int
    """1, and one more each time that it is amended."""
    at: int
    """Business time, ms."""
    jws: str = ""
    """The receipt; empty: not signed yet."""


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
    profile: Mapping[str, Value] = {}
    """What a partner says beside it, by path."""
    submission: str = ""
    """Digest of what the partner sent; empty: no partner did."""
    place: str = ""
    """Key by which the partner's own reference leads here."""


class AmendFile(Message, frozen=True):
    """The partner has sent its submission again: all of it, and perhaps changed."""

    profile: Mapping[str, Value]
    client: ClientInfo
    client_type: str
    partner: str
    digest: str


class KeepReceipt(Message, frozen=True):
    """This is the receipt of that submission; the first one stays."""

    sequence: int
    jws: str


class ChangeProfile(Message, frozen=True):
    """Somebody says something of the client: a merge patch (RFC 7396), by path; None takes away what is there, and
    what is below it.
    """

    changes: Mapping[str, Value]
    source: Literal["client", "advisor"]
    by: str
    expected: int | None = None
    """The version that they have seen; None: whatever it is."""


class DescribeProfile(Message, frozen=True):
    """Say what is known of the client, and who said it."""


class ResumeFile(Message, frozen=True):
    """A file that was INCOMPLETE goes on, with a new link and time; the same `reference` again is the same."""

    link: str
    digest: str
    listing: str
    by: str
    reference: str


class ReminderDue(Message, frozen=True):
    """One's own later self: the client is to be reminded."""


class KeptLongEnough(Message, frozen=True):
    """One's own later self: what is kept of it may go."""


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
    first: str = ""
    """Who had approved it before them, where that takes two (E14): they cannot approve it a third time either."""


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


class ProfileClosed(Reply, frozen=True):
    """The documents are there: what is said of the client stands."""


class ProfileRefused(Reply, frozen=True):
    """It cannot be said so."""

    code: str
    path: str


class SubmissionClosed(Reply, frozen=True):
    """The client has completed the file, or its time is over: it is not amended any more."""


class FileGoesOn(Reply, frozen=True):
    """It is not INCOMPLETE: there is nothing to resume."""


class DocumentsClosed(Reply, frozen=True):
    """No document is taken any more: the client is assessed by those that were there."""


class ProfileDescribed(Reply, frozen=True):
    """What is known of a client."""

    opened: Opened
    fields: Mapping[str, tuple[Said, ...]]
    """By path; what stands is first."""
    contested: tuple[str, ...]
    """Where somebody contradicts what a partner attested."""
    lacking: tuple[str, ...]
    """What the type of the client still wants."""
    version: int
    accelerated: bool = False
    """Whether a partner's word stands in for the document of its taxes (X31)."""
    correction: CorrectionKept = CorrectionKept()


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
    lacking: tuple[str, ...] = ()
    """What its profile still wants."""
    cause: str = ""
    """Why it is INCOMPLETE."""
    submissions: tuple[Submitted, ...] = ()
    onward: Onward = Onward()
    """Signature, approval, account."""
