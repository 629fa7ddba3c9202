"""A client's file: begun, waiting for documents, complete or too late.

Source: spec.md S1, S4, S8, S9, S12 to S17, X6; docs/uploads.md.
"""

from typing import Any

import msgspec
import pytest

from comptoir.actors.gateways.document_messages import (
    DeleteObject,
    DocumentInspected,
    InspectDocument,
    ObjectAbsent,
    ObjectFound,
    ProveObject,
)
from comptoir.actors.invitation.messages import InviteClient
from comptoir.actors.onboarding.machine import (
    MACHINE,
    DocumentAccepted,
    DocumentRefused,
    DocumentsUploaded,
    OnboardingInitiated,
)
from comptoir.actors.onboarding.messages import (
    DOCUMENTS_MAX,
    ClientReached,
    CompleteUpload,
    DescribeFile,
    Document,
    DocumentStatus,
    FileDescribed,
    FileExpired,
    FileOver,
    KeptLongEnough,
    ReminderDue,
    UploadGranted,
)
from comptoir.actors.onboarding.state import OnboardingState, Phase
from comptoir.actors.onboarding.terms import TERMS, OnboardingTerms
from comptoir.actors.sighting.messages import ForgetSighting
from comptoir.engine import Address, Decision, Message, Outgoing, Refusal
from comptoir.engine.machine import Context
from comptoir.engine.settings import ClientType
from tests.actors.filed import (
    BEGUN,
    FILE_TERMS,
    INITIATE,
    INSPECTED,
    INSPECTING,
    NOW,
    REQUEST,
    document,
)

FILE = Address("onboarding", "ONB-2026-00001")
TWO = msgspec.structs.replace(
    FILE_TERMS, types={"INDIVIDUAL": ClientType(("IDENTITY", "TAX_DECLARATION"))}
)
PENDING = msgspec.structs.replace(BEGUN, phase=Phase.DOCUMENTS_PENDING)


def decide(
    state: OnboardingState, message: Message, terms: OnboardingTerms = FILE_TERMS, now: int = NOW
) -> Decision[Any]:
    """What the file decides."""
    found = MACHINE.decide(state, message, Context(FILE, now, 7, {TERMS: terms}))
    assert isinstance(found, Decision), found
    return found


def refusal(state: OnboardingState, message: Message, terms: OnboardingTerms = FILE_TERMS) -> str:
    """By which name it refuses."""
    found = MACHINE.decide(state, message, Context(FILE, NOW, 7, {TERMS: terms}))
    assert isinstance(found, Refusal)
    return found.code


def having(*documents: Document) -> OnboardingState:
    """A file that waits, with these."""
    return msgspec.structs.replace(PENDING, documents=documents)


def test_a_file_begins_with_a_link_to_its_client_and_an_end() -> None:
    """S8, S9, S17: the invitation and the timer leave with the decision; seven days by default; a history
    line; the same request again is the same file.
    """
    begun = decide(OnboardingState(Phase.NONE), INITIATE)
    assert begun.state.phase is Phase.INITIATED
    assert begun.state.expires_at == NOW + 7 * 86_400_000
    invitation, timer, reminder = begun.messages
    assert isinstance(invitation.message, InviteClient)
    assert invitation.target == Address("invitation", FILE.key)
    assert (invitation.message.user_id, invitation.message.email) == ("cli_1", "m@t.example")
    assert invitation.message.tells
    assert (timer.message, timer.due_at) == (FileExpired(), begun.state.expires_at)
    assert (reminder.message, reminder.due_at) == (ReminderDue(), NOW + 4 * 86_400_000)
    assert [type(event) for event in begun.events] == [OnboardingInitiated]
    assert begun.state.history[0].actor == "adv-1"
    assert begun.once[0].key == "onboarding:ref"


def test_without_a_carrier_no_file_begins() -> None:
    """S7: a client who cannot be reached is not begun with."""
    none = OnboardingState(Phase.NONE)
    deaf = msgspec.structs.replace(FILE_TERMS, mail=False)
    assert refusal(none, INITIATE, deaf) == "MAIL_NOT_CONFIGURED"
    mute = msgspec.structs.replace(FILE_TERMS, sms=False)
    assert refusal(none, INITIATE, mute) == "SMS_NOT_CONFIGURED"


def test_it_waits_for_documents_when_the_link_is_on_its_way_or_the_client_came() -> None:
    """S13, interface.md 8: INITIATED becomes DOCUMENTS_PENDING when the mail gateway took the invitation; a
    client who comes all the same is not sent away.
    """
    for message in (ClientReached(), REQUEST):
        assert decide(BEGUN, message).state.phase is Phase.DOCUMENTS_PENDING


def test_a_document_is_announced_and_given_a_place_of_its_own() -> None:
    """S12: `{onboardingId}/{docType}/{filename}`, the name ours: what the client calls it is no part of it."""
    young = msgspec.structs.replace(PENDING, expires_at=NOW + 86_400_000)
    granted = decide(young, REQUEST)
    reply = granted.reply
    assert isinstance(reply, UploadGranted)
    assert reply.document.key(FILE.key).path == "ONB-2026-00001/IDENTITY/doc_2.pdf"
    assert reply.document.expires_at == NOW + 3_600_000
    assert reply.document.status is DocumentStatus.AWAITING
    again = decide(
        granted.state, msgspec.structs.replace(REQUEST, filename="other.pdf"), now=NOW + 9
    )
    assert (again.reply, again.state) == (reply, granted.state), "said again, it is the same"


def test_an_address_ends_with_its_file_at_the_latest() -> None:
    """S9, S12: nothing may arrive after the file's time, when what was sent has been deleted."""
    reply = decide(PENDING, REQUEST).reply
    assert isinstance(reply, UploadGranted)
    assert reply.document.expires_at == PENDING.expires_at == NOW + 1000


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"media_type": "image/png"}, "DOCUMENT_FORMAT_REFUSED"),
        ({"size_bytes": 104_857_601}, "DOCUMENT_TOO_LARGE"),
    ],
)
def test_what_is_not_taken_is_refused_before_it_is_sent(changes: dict[str, Any], code: str) -> None:
    """S19: PDF and JPEG, up to the largest size."""
    assert refusal(PENDING, msgspec.structs.replace(REQUEST, **changes)) == code


def test_a_file_has_so_many_documents() -> None:
    """design.md 5: nothing is unbounded."""
    full = having(*(document(id=f"doc_{n}") for n in range(10, 10 + DOCUMENTS_MAX)))
    assert refusal(full, REQUEST) == "DOCUMENTS_TOO_MANY"


def test_what_was_sent_is_proven_by_the_store_and_by_nobody_else() -> None:
    """S12: complete asks the store; until it has answered, the document is not there."""
    waiting = having(document(DocumentStatus.AWAITING))
    asked = decide(waiting, CompleteUpload("doc_1"))
    (question,) = asked.messages
    assert question.message == ProveObject("doc_1", "ONB-2026-00001/IDENTITY/doc_1.pdf")
    assert asked.state.documents[0].status is DocumentStatus.VERIFYING
    again = decide(asked.state, CompleteUpload("doc_1"))
    assert (again.state, again.messages) == (asked.state, ()), "said again, nothing is asked again"
    assert refusal(waiting, CompleteUpload("doc_9")) == "NOT_FOUND"


def test_what_is_there_is_inspected_against_what_was_declared() -> None:
    """S12, S19, S20: only proven bytes are looked at; the inspection is told whose document it should be."""
    proven = decide(having(document()), ObjectFound("doc_1", 300, "application/pdf", "ab" * 32))
    (question,) = proven.messages
    assert question.target == Address("inspection", "")
    assert question.message == InspectDocument(
        "doc_1", "ONB-2026-00001/IDENTITY/doc_1.pdf", "IDENTITY", "passeport.pdf", "application/pdf",
        "Marie", "Tremblay", "1980-05-15",
    )  # fmt: skip
    assert proven.state.documents[0].status is DocumentStatus.INSPECTING
    again = decide(proven.state, CompleteUpload("doc_1"))
    assert (again.state, again.messages) == (proven.state, ()), "said again, nothing is asked again"


def test_the_documents_are_uploaded_when_each_type_that_is_needed_is_accepted() -> None:
    """S1, S13, S17: what is needed depends on the type of the client; one that is only there does not count yet."""
    tax = document(
        DocumentStatus.INSPECTING, id="doc_2", doc_type="TAX_DECLARATION", proven_sha256="cd" * 32
    )
    half = decide(having(*INSPECTING.documents, tax), INSPECTED, TWO)
    one = half.state.documents[0]
    assert (half.state.phase, half.cancel) == (Phase.DOCUMENTS_PENDING, ())
    assert (one.status, one.fields) == (DocumentStatus.ACCEPTED, {"surname": "TREMBLAY"})
    other = DocumentInspected("doc_2", "cd" * 32, "", ("PDF_INCREMENTAL",), {})
    whole = decide(half.state, other, TWO)
    assert [one.after for one in whole.state.history[-2:]] == ["DOCUMENTS_UPLOADED", "KYC_PENDING"]
    assert whole.state.documents[1].reasons == ("PDF_INCREMENTAL",), "a note is told, and no more"
    accepted, uploaded = whole.events
    assert accepted == DocumentAccepted("doc_2", "TAX_DECLARATION", ("PDF_INCREMENTAL",))
    assert isinstance(uploaded, DocumentsUploaded)
    assert whole.cancel == ("expiry", "reminder"), "nothing is waited for any more"
    described = decide(whole.state, CompleteUpload("doc_1"), TWO).reply
    assert isinstance(described, FileDescribed)
    assert described.missing == ()


@pytest.mark.parametrize(
    ("flags", "status"),
    [
        (("TRUNCATED",), DocumentStatus.REDO),
        (("IMAGE_METADATA", "ZONE_UNREADABLE"), DocumentStatus.REDO),
        (("PDF_JAVASCRIPT", "DAMAGED"), DocumentStatus.REFUSED),
    ],
)
def test_what_is_not_taken_is_asked_for_again_and_nothing_else_is(
    flags: tuple[str, ...], status: DocumentStatus
) -> None:
    """S19: every reason is told, what was sent is deleted, and of all documents only that one is missing."""
    other = document(DocumentStatus.ACCEPTED, id="doc_2", doc_type="TAX_DECLARATION")
    found = msgspec.structs.replace(INSPECTED, flags=flags)
    after = decide(having(*INSPECTING.documents, other), found, TWO)
    one, two = after.state.documents
    assert (one.status, one.reasons, two) == (status, flags, other)
    assert [out.message for out in after.messages] == [
        DeleteObject("ONB-2026-00001/IDENTITY/doc_1.pdf")
    ]
    (event,) = after.events
    assert event == DocumentRefused("doc_1", next(x for x in flags if x != "IMAGE_METADATA"))
    described = decide(after.state, DescribeFile(), TWO).reply
    assert isinstance(described, FileDescribed)
    assert described.missing == ("IDENTITY",)


def test_the_same_refused_file_is_known() -> None:
    """S19: the very bytes that were refused are refused again without being looked at; others are looked at; what was
    to be sent again may be, as it was.
    """
    refused = document(DocumentStatus.REFUSED, id="doc_9", proven_sha256="ab" * 32)
    known = decide(
        having(refused, document()), ObjectFound("doc_1", 300, "application/pdf", "ab" * 32)
    )
    assert known.state.documents[1].status is DocumentStatus.REFUSED
    assert known.state.documents[1].reasons == ("KNOWN_REFUSED",)
    assert [type(out.message) for out in known.messages] == [DeleteObject]
    redone = msgspec.structs.replace(refused, status=DocumentStatus.REDO)
    for before in (redone, msgspec.structs.replace(refused, proven_sha256="ef" * 32)):
        looked = decide(
            having(before, document()), ObjectFound("doc_1", 300, "application/pdf", "ab" * 32)
        )
        assert [type(out.message) for out in looked.messages] == [InspectDocument]


def test_an_inspection_counts_for_the_bytes_that_were_proven_and_once() -> None:
    """S12: a report on other bytes deletes them; one that comes a second time, or too late, changes nothing."""
    strange = decide(INSPECTING, msgspec.structs.replace(INSPECTED, sha256="cd" * 32))
    assert strange.state.documents[0].reasons == ("UPLOAD_OTHER",)
    accepted = decide(INSPECTING, INSPECTED).state
    assert (
        decide(accepted, msgspec.structs.replace(INSPECTED, flags=("DAMAGED",))).state == accepted
    )
    for phase in (Phase.KYC_PENDING, Phase.INCOMPLETE):
        late = msgspec.structs.replace(INSPECTING, phase=phase, documents=())
        assert decide(late, INSPECTED).state == late


def test_what_could_not_be_looked_at_is_asked_for_again() -> None:
    """S16: a store that is away for good while a document is inspected: said with its reason, never left waiting."""
    after = decide(INSPECTING, ObjectAbsent("doc_1", "OBJECTS_UNAVAILABLE"))
    (one,) = after.state.documents
    assert (one.status, one.reasons) == (DocumentStatus.REDO, ("OBJECTS_UNAVAILABLE",))


@pytest.mark.parametrize(
    "changes", [{"size_bytes": 299}, {"media_type": "image/jpeg"}, {"sha256": "cd" * 32}]
)
def test_bytes_that_are_not_those_announced_are_deleted(changes: dict[str, Any]) -> None:
    """S12: size, type, digest: what is something else is to be sent again, and does not stay."""
    found = ObjectFound("doc_1", 300, "application/pdf", "ab" * 32)
    refused = decide(having(document()), msgspec.structs.replace(found, **changes))
    (one,) = refused.state.documents
    assert (one.status, one.reasons) == (DocumentStatus.REDO, ("UPLOAD_OTHER",))
    assert [out.message for out in refused.messages] == [
        DeleteObject("ONB-2026-00001/IDENTITY/doc_1.pdf")
    ]


def test_without_a_digest_beforehand_that_of_the_bytes_is_kept() -> None:
    """S12: what is inspected later can be shown to be what was sent."""
    found = ObjectFound("doc_1", 300, "application/pdf", "cd" * 32)
    proven = decide(having(document(sha256="")), found)
    assert proven.state.documents[0].proven_sha256 == "cd" * 32


def test_what_did_not_arrive_may_be_sent_still() -> None:
    """S16: nothing there yet, or a store that is away for good: said with its reason, and asked anew."""
    absent = decide(having(document()), ObjectAbsent("doc_1", "UPLOAD_MISSING"))
    (one,) = absent.state.documents
    assert (one.status, one.reasons) == (DocumentStatus.REDO, ("UPLOAD_MISSING",))
    assert absent.messages == ()
    again = decide(absent.state, CompleteUpload("doc_1"))
    assert again.state.documents[0] == document()


def test_a_file_whose_time_is_over_is_incomplete_and_keeps_what_was_accepted() -> None:
    """S14, S18, X6: what was never accepted is deleted, and nothing is taken any more; what was accepted stays, for
    as long as the file may be resumed; an early timer is none.
    """
    accepted = document(DocumentStatus.ACCEPTED, id="doc_3")
    waiting = having(document(), document(DocumentStatus.INSPECTING, id="doc_2"), accepted)
    early = decide(waiting, FileExpired())
    assert early.state == waiting
    over = decide(waiting, FileExpired(), TWO, now=waiting.expires_at)
    assert (over.state.phase, over.state.documents) == (Phase.INCOMPLETE, (accepted,))
    *gone, kept = over.messages
    assert [out.message for out in gone] == [
        DeleteObject(f"ONB-2026-00001/IDENTITY/doc_{n}.pdf") for n in (1, 2)
    ]
    assert (kept.message, kept.due_at) == (KeptLongEnough(), waiting.expires_at + 90 * 86_400_000)
    assert over.state.cause == "documents_missing"
    for message in (REQUEST, CompleteUpload("doc_1")):
        late = decide(over.state, message)
        assert (late.state, late.reply) == (over.state, FileOver())
    assert decide(over.state, ObjectFound("doc_1", 300, "a/b", "")).state == over.state


def test_what_a_file_drops_is_seen_nowhere_any_more() -> None:
    """S19, X13: a document that is to be sent again, or whose file is over for good, is forgotten by whoever noted it;
    a refused one only with its file; one whose inspection ends after the file, at once.
    """
    marked = msgspec.structs.replace(INSPECTED, marks=("looks",), elsewhere=("ONB-2026-00002",))
    redo = decide(INSPECTING, msgspec.structs.replace(marked, flags=("DAMAGED",)))
    forget = ForgetSighting(FILE.key, "doc_1")
    assert redo.messages[-1] == Outgoing(Address("sighting", "looks"), forget)
    assert redo.state.documents[0].marks == ()
    refused = decide(INSPECTING, msgspec.structs.replace(marked, flags=("POLYGLOT",)))
    assert [type(out.message) for out in refused.messages] == [DeleteObject]
    assert refused.state.documents[0].marks == ("looks",)
    accepted = decide(having(*INSPECTING.documents), marked, terms=TWO)
    assert accepted.state.documents[0].elsewhere == ("ONB-2026-00002",)
    for state in (refused.state, accepted.state):
        over = decide(state, FileExpired(), now=state.expires_at)
        assert Outgoing(Address("sighting", "looks"), forget) not in over.messages, "it stays"
        gone = decide(over.state, KeptLongEnough(), now=state.expires_at + 90 * 86_400_000)
        assert Outgoing(Address("sighting", "looks"), forget) in gone.messages
        late = decide(gone.state, marked)
        assert late.messages == (Outgoing(Address("sighting", "looks"), forget),)
