"""The machine of a client's file: begun by an advisor, waiting for documents, complete or too late.

Rules:
- a file begins with a link to its client; it waits for documents from the moment in which whoever carries mail
  has taken the link, or the client has come all the same;
- a document is announced (type, size, digest) before it is sent, and sent to the store, not to us; when the
  client says that it is there, the store is asked, and only bytes that are exactly those announced count. What
  is something else is deleted, and is to be sent again;
- what is there is inspected, and comes out accepted, refused, or to be sent again: then that one is asked for
  again, and what lies there goes. A file that was refused once is known, and not looked at a second time;
- what an accepted document says of its client is suggested to the profile.

How it begins and ends is in `beginning`, what is said of its client in `profiling`, what it needs in `completing`, how
it goes on in `assessing`, what the mainframe says later in `syncing`.

Source: spec.md S1, S4, S8, S9, S12 to S18, X5, X6, X8; docs/uploads.md.
"""

import msgspec

from comptoir.actors.account.messages import (
    AccountCreated,
    AccountDelayed,
    AccountHeld,
    AccountRefused,
    CoreProfileChanged,
    CorrectionAnswered,
)
from comptoir.actors.gateways.document_messages import (
    INSPECTION,
    OBJECTS,
    DeleteObject,
    DocumentInspected,
    InspectDocument,
    ObjectAbsent,
    ObjectFound,
    ProveObject,
)
from comptoir.actors.gateways.messages import NoticeRefused, NoticeTaken
from comptoir.actors.inspection.flags import FLAGS, Weight, outcome_of
from comptoir.actors.onboarding.approving import APPROVING_ROWS
from comptoir.actors.onboarding.assessing import ASSESSED, ASSESSING_ROWS, KycCompleted, beside
from comptoir.actors.onboarding.beginning import (
    BEGINNING,
    OnboardingExpired,
    OnboardingInitiated,
    OnboardingResumed,
)
from comptoir.actors.onboarding.completing import DocumentsUploaded, described
from comptoir.actors.onboarding.going_on import ON, whole
from comptoir.actors.onboarding.keeping import KEEPING_ROWS
from comptoir.actors.onboarding.keeping_messages import (
    AskErasure,
    EndRelation,
    EraseFile,
    ErasureAnswered,
    KeepByRule,
)
from comptoir.actors.onboarding.link_messages import RenewLink
from comptoir.actors.onboarding.messages import (
    CLIENT,
    DOCUMENTS_MAX,
    KIND,
    AmendFile,
    ChangeProfile,
    ClientReached,
    CompleteUpload,
    DescribeFile,
    DescribeProfile,
    Document,
    DocumentsClosed,
    DocumentStatus,
    FileDescribed,
    FileExpired,
    FileGoesOn,
    FileOver,
    InitiateFile,
    KeepReceipt,
    KeptLongEnough,
    KycConcluded,
    ProfileClosed,
    ProfileDescribed,
    ProfileRefused,
    ReminderDue,
    RequestUpload,
    ResumeFile,
    SubmissionClosed,
    UploadGranted,
)
from comptoir.actors.onboarding.onward_messages import (
    ApprovalDue,
    ApproveFile,
    OnwardRefused,
    ReissueSignature,
    SignatureDue,
)
from comptoir.actors.onboarding.opening import OPENING_ROWS
from comptoir.actors.onboarding.people import declared
from comptoir.actors.onboarding.profiling import PROFILING, with_suggestions
from comptoir.actors.onboarding.relinking import RELINKING_ROWS
from comptoir.actors.onboarding.sighted import forgotten, forgotten_marks
from comptoir.actors.onboarding.signing import SIGNING_ROWS
from comptoir.actors.onboarding.state import OnboardingState, Phase, find, moved, with_document
from comptoir.actors.onboarding.syncing import SYNCING_ROWS
from comptoir.actors.onboarding.terms import terms_of
from comptoir.actors.signature.messages import (
    ContractSigned,
    EarlierSigned,
    SigningEnded,
    SigningStarted,
)
from comptoir.engine import Decision, Event, Outgoing, Refusal, Reply
from comptoir.engine.machine import Context, Machine, row

__all__ = [
    "MACHINE",
    "REPLIES",
    "DocumentAccepted",
    "DocumentAnnounced",
    "DocumentRefused",
    "DocumentUploaded",
    "DocumentsUploaded",
    "KycCompleted",
    "OnboardingExpired",
    "OnboardingInitiated",
    "OnboardingResumed",
]

OTHER = "UPLOAD_OTHER"
"""What lies there is not what was announced."""
KNOWN = "KNOWN_REFUSED"
"""The very bytes that were refused before."""
_ASKED = (DocumentStatus.VERIFYING, DocumentStatus.INSPECTING)
"""A document about which somebody is asked."""


class DocumentAnnounced(Event, frozen=True):
    """The client has been given an address to send a document to."""

    document_id: str
    doc_type: str


class DocumentUploaded(Event, frozen=True):
    """Its bytes are there, and are those that were announced."""

    document_id: str
    doc_type: str
    size_bytes: int
    sha256: str


class DocumentRefused(Event, frozen=True):
    """They are not, or what they are cannot be taken."""

    document_id: str
    code: str


class DocumentAccepted(Event, frozen=True):
    """It was inspected, and is taken."""

    document_id: str
    doc_type: str
    flags: tuple[str, ...]
    """What is told of it all the same: it has expired, it says something else than was declared."""


Outcome = Decision[OnboardingState]


def _request(
    state: OnboardingState, message: RequestUpload, context: Context
) -> "Outcome | Refusal":
    terms, known = terms_of(context), find(state, message.document_id)
    if known is not None:
        return Decision(state, UploadGranted(known))
    if message.media_type not in terms.media_types:
        return Refusal("DOCUMENT_FORMAT_REFUSED", "documents.media_types does not name it")
    if message.size_bytes > terms.bytes_max:
        return Refusal("DOCUMENT_TOO_LARGE", "documents.bytes_max")
    if len(state.documents) >= DOCUMENTS_MAX:
        return Refusal("DOCUMENTS_TOO_MANY", f"{DOCUMENTS_MAX} of one file")
    until = context.now + terms.upload_ms
    if (
        state.phase is not Phase.DOCUMENTS_UPLOADED
    ):  # nothing may arrive after what was sent is deleted
        until = min(until, state.expires_at)
    document = Document(
        message.document_id, message.doc_type, message.filename, message.media_type,
        message.size_bytes, message.sha256, until,
    )  # fmt: skip
    waiting = state
    if state.phase is Phase.INITIATED:
        move = ("CLIENT_CAME", CLIENT)
        waiting = moved(state, Phase.DOCUMENTS_PENDING, move, context.now)
    return Decision(
        with_document(waiting, document, context.now),
        UploadGranted(document),
        events=(DocumentAnnounced(document.id, document.doc_type),),
    )


def _complete(
    state: OnboardingState, message: CompleteUpload, context: Context
) -> "Outcome | Refusal":
    document = find(state, message.document_id)
    if document is None:
        return Refusal("NOT_FOUND", "the file has no such document")
    if document.status not in (DocumentStatus.AWAITING, DocumentStatus.REDO):
        return Decision(state, described(state, terms_of(context)))  # said again
    asked = msgspec.structs.replace(document, status=DocumentStatus.VERIFYING, reasons=())
    verifying = with_document(state, asked, context.now)
    path = document.key(context.address.key).path
    return Decision(
        verifying,
        described(verifying, terms_of(context)),
        messages=(Outgoing(OBJECTS, ProveObject(document.id, path)),),
    )


def _found(state: OnboardingState, message: ObjectFound, context: Context) -> Outcome:
    document = find(state, message.reference)
    if document is None or document.status is not DocumentStatus.VERIFYING:
        return Decision(state)
    same = (message.size_bytes, message.media_type) == (document.size_bytes, document.media_type)
    if not same or message.sha256 != (document.sha256 or message.sha256):
        return _again(state, document, (OTHER,), context)
    if _was_refused(state, message.sha256):
        known = msgspec.structs.replace(document, proven_sha256=message.sha256)
        return _again(state, known, (KNOWN,), context)
    proven = msgspec.structs.replace(
        document, status=DocumentStatus.INSPECTING, proven_sha256=message.sha256
    )
    uploaded = DocumentUploaded(document.id, document.doc_type, message.size_bytes, message.sha256)
    return Decision(
        with_document(state, proven, context.now),
        events=(uploaded,),
        messages=(_inspection(state, proven, context),),
    )


def _was_refused(state: OnboardingState, sha256: str) -> bool:
    """Whether these very bytes were sent before, and refused."""
    return any(
        one.status is DocumentStatus.REFUSED and one.proven_sha256 == sha256
        for one in state.documents
    )


def _inspection(state: OnboardingState, document: Document, context: Context) -> Outgoing:
    """What the inspection is asked, and what it holds the document against."""
    client = declared(state)
    path = document.key(context.address.key).path
    question = InspectDocument(
        document.id, path, document.doc_type, document.filename, document.media_type,
        client.first_name, client.last_name, client.date_of_birth,
    )  # fmt: skip
    return Outgoing(INSPECTION, question)


def _inspected(state: OnboardingState, message: DocumentInspected, context: Context) -> Outcome:
    document = find(state, message.reference)
    if document is None or document.status is not DocumentStatus.INSPECTING:
        return Decision(state)
    if message.sha256 != document.proven_sha256:
        return _again(state, document, (OTHER,), context)
    seen = msgspec.structs.replace(
        document, look=message.look, fields=message.fields, marks=message.marks,
        elsewhere=message.elsewhere,
    )  # fmt: skip
    if outcome_of(message.flags) is not Weight.NOTE:
        return _again(state, seen, message.flags, context)
    accepted = msgspec.structs.replace(seen, status=DocumentStatus.ACCEPTED, reasons=message.flags)
    there = with_suggestions(with_document(state, accepted, context.now), accepted, context)
    taken = DocumentAccepted(document.id, document.doc_type, message.flags)
    return whole(there, (taken,), context)


def _again(
    state: OnboardingState, document: Document, codes: tuple[str, ...], context: Context
) -> Outcome:
    """Another one is wanted, or this one once more; what lies there, if anything, goes."""
    refuses = codes != (OTHER,) and outcome_of(codes) is Weight.REFUSE
    status = DocumentStatus.REFUSED if refuses else DocumentStatus.REDO
    kept = document.marks if refuses else ()
    told = msgspec.structs.replace(document, status=status, reasons=codes, marks=kept)
    counted = msgspec.structs.replace(state, asked_again=state.asked_again + 1)
    heaviest = next((x for x in codes if FLAGS.get(x) is not Weight.NOTE), codes[0])
    return Decision(
        with_document(counted, told, context.now),
        events=(DocumentRefused(document.id, heaviest),),
        messages=(
            _delete(document, context),
            *(() if refuses else forgotten((document,), context)),
        ),
    )


def _absent(state: OnboardingState, message: ObjectAbsent, context: Context) -> Outcome:
    document = find(state, message.reference)
    if document is None or document.status not in _ASKED:
        return Decision(state)
    redo = msgspec.structs.replace(document, status=DocumentStatus.REDO, reasons=(message.code,))
    return Decision(
        with_document(state, redo, context.now),
        events=(DocumentRefused(document.id, message.code),),
    )


def _delete(document: Document, context: Context) -> Outgoing:
    return Outgoing(OBJECTS, DeleteObject(document.key(context.address.key).path))


def _over(state: OnboardingState, _message: object, _context: Context) -> Outcome:
    return Decision(state, FileOver())


def _late(state: OnboardingState, message: object, context: Context) -> Outcome:
    if isinstance(message, DocumentInspected) and find(state, message.reference) is None:
        return Decision(state, messages=forgotten_marks(message.reference, message.marks, context))
    return Decision(state)


_WAITING = (Phase.DOCUMENTS_PENDING, Phase.DOCUMENTS_UPLOADED)
_OVER = (Phase.INCOMPLETE, *ASSESSED)

MACHINE: Machine[OnboardingState] = Machine(
    KIND,
    phases=Phase,
    messages=(
        InitiateFile, ClientReached, RequestUpload, CompleteUpload, ObjectFound, ObjectAbsent,
        DocumentInspected, FileExpired, ReminderDue, NoticeTaken, NoticeRefused, ResumeFile,
        KeptLongEnough, KycConcluded, DescribeFile, ChangeProfile, AmendFile, KeepReceipt,
        DescribeProfile, SigningStarted, ContractSigned, SigningEnded, EarlierSigned, SignatureDue, ReissueSignature,
        ApproveFile, ApprovalDue, AccountCreated, AccountRefused, AccountDelayed, AccountHeld, CoreProfileChanged,
        CorrectionAnswered, KeepByRule, AskErasure, EraseFile, EndRelation, RenewLink,
    ),
    rows=(
        *BEGINNING,
        *PROFILING,
        row(Phase.INITIATED, RequestUpload, _request, Phase.DOCUMENTS_PENDING),
        *(row(phase, RequestUpload, _request, phase) for phase in _WAITING),
        *(row(phase, CompleteUpload, _complete, phase) for phase in _WAITING),
        row(Phase.DOCUMENTS_PENDING, ObjectFound, _found, Phase.DOCUMENTS_PENDING),
        row(Phase.DOCUMENTS_UPLOADED, ObjectFound, beside(_found), *ON),
        row(
            Phase.DOCUMENTS_PENDING, DocumentInspected, _inspected,
            Phase.DOCUMENTS_PENDING, *ON,
        ),
        row(Phase.DOCUMENTS_UPLOADED, DocumentInspected, beside(_inspected), *ON),
        row(Phase.DOCUMENTS_PENDING, ObjectAbsent, _absent, Phase.DOCUMENTS_PENDING),
        row(Phase.DOCUMENTS_UPLOADED, ObjectAbsent, beside(_absent), *ON),
        *(
            row(phase, message, _late, phase)
            for phase in _OVER
            for message in (ObjectFound, ObjectAbsent, DocumentInspected)
        ),
        *(
            row(Phase.INCOMPLETE, message, _over, Phase.INCOMPLETE)
            for message in (RequestUpload, CompleteUpload)
        ),
        *ASSESSING_ROWS,
        *SIGNING_ROWS,
        *APPROVING_ROWS,
        *OPENING_ROWS,
        *SYNCING_ROWS,
        *KEEPING_ROWS,
        *RELINKING_ROWS,
    ),
    refusal=Refusal("NOT_FOUND", "there is no such file, or no such document"),
)  # fmt: skip

REPLIES: tuple[type[Reply], ...] = (
    DocumentsClosed, FileDescribed, FileOver, UploadGranted, ProfileClosed, ProfileRefused,
    SubmissionClosed, FileGoesOn, ProfileDescribed, OnwardRefused, ErasureAnswered,
)  # fmt: skip
