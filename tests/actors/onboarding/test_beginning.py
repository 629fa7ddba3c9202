"""A file is reminded of, ends without its documents, goes on; and what of it is undone.

Source: spec.md S5, S7, S14, S16, S18, S36; docs/onboarding.md.
"""

import msgspec
import pytest

from comptoir.actors.gateways.document_messages import DeleteObject
from comptoir.actors.gateways.messages import NoticeRefused, SendMail
from comptoir.actors.invitation.messages import InviteClient
from comptoir.actors.onboarding.beginning import ReminderLost
from comptoir.actors.onboarding.compensating import COMPENSATIONS, Compensation
from comptoir.actors.onboarding.messages import (
    DocumentStatus,
    FileDescribed,
    FileExpired,
    FileGoesOn,
    FileOver,
    KeptLongEnough,
    ReminderDue,
    RequestUpload,
    Said,
)
from comptoir.actors.onboarding.profile import values, with_said
from comptoir.actors.onboarding.state import OnboardingState, Phase
from tests.actors.filed import BEGUN, FILE_TERMS, INITIATE, NOW, RESUMES, company, document
from tests.actors.onboarding.test_machine import TWO, decide, having, refusal

DAY = 86_400_000
PASSPORT = document(DocumentStatus.ACCEPTED)
OVER = decide(
    having(PASSPORT, document(DocumentStatus.REDO, id="doc_2")), FileExpired(), TWO, now=NOW + 1000
).state


def test_a_client_is_reminded_before_the_time_is_over_and_not_after() -> None:
    """S14: by default three days and one day before; each mail names what is missing and until when, and neither the
    file nor the client; the last one sets no other.
    """
    begun = decide(OnboardingState(Phase.NONE), INITIATE).state
    first = decide(begun, ReminderDue(), now=begun.expires_at - 3 * DAY)
    mail, again = first.messages
    assert isinstance(mail.message, SendMail)
    assert mail.message.to == "m@t.example"
    assert "une pièce d'identité" in mail.message.text
    assert "Tremblay" not in mail.message.text
    assert (again.message, again.due_at) == (ReminderDue(), begun.expires_at - DAY)
    last = decide(begun, ReminderDue(), now=begun.expires_at - DAY)
    (other,) = last.messages
    assert isinstance(other.message, SendMail)
    assert other.message.reference != mail.message.reference
    for phase in (Phase.DOCUMENTS_UPLOADED, Phase.INCOMPLETE):
        late = msgspec.structs.replace(begun, phase=phase)
        assert decide(late, ReminderDue()).messages == ()


def test_who_has_sent_everything_is_not_reminded() -> None:
    """S7: a document that is being looked at is not missing, and nobody is sent a mail about it."""
    waiting = having(document(DocumentStatus.INSPECTING))
    assert decide(waiting, ReminderDue()).messages == ()


def test_without_days_nobody_is_reminded() -> None:
    """S74: onboarding.reminder_days may be empty, and days that are over already are left out."""
    silent = msgspec.structs.replace(FILE_TERMS, reminders_ms=())
    assert len(decide(OnboardingState(Phase.NONE), INITIATE, silent).messages) == 2
    long = msgspec.structs.replace(FILE_TERMS, reminders_ms=(30 * DAY, DAY))
    *_, reminder = decide(OnboardingState(Phase.NONE), INITIATE, long).messages
    assert reminder.due_at == NOW + 6 * DAY


def test_a_reminder_that_cannot_arrive_is_in_the_history() -> None:
    """S36: what became of a mail is on record."""
    assert decide(BEGUN, NoticeRefused("r", "MAIL_REFUSED")).events == (
        ReminderLost("MAIL_REFUSED"),
    )


@pytest.mark.parametrize("rule", COMPENSATIONS, ids=lambda rule: rule.status.name)
def test_what_is_undone_and_what_is_kept(rule: Compensation) -> None:
    """S18: each row of the table: bytes go or stay, the record goes or stays; every status has one row."""
    assert len({one.status for one in COMPENSATIONS}) == len(DocumentStatus)
    over = decide(having(document(rule.status)), FileExpired(), TWO, now=NOW + 1000)
    assert bool(over.state.documents) == rule.record_stays
    deletes = any(isinstance(out.message, DeleteObject) for out in over.messages)
    assert deletes == rule.bytes_go
    assert over.cancel == ("expiry", "reminder")
    assert over.state.history[-1].event == "ONBOARDING_EXPIRED", "what happened is never undone"


def test_abandonment_has_its_cause() -> None:
    """E17: nobody came; documents are missing; the profile is not complete; something was still being looked at."""
    spoken = with_said({}, {"address/city": "Paris"}, Said(None, "client", "cli_1", NOW))
    silent = msgspec.structs.replace(having(), said={})
    causes = {
        "client_never_came": (silent, TWO),
        "documents_missing": (msgspec.structs.replace(silent, said=spoken), TWO),
        "profile_incomplete": (
            msgspec.structs.replace(company(Phase.DOCUMENTS_PENDING), said=spoken), FILE_TERMS,
        ),
        "documents_unsettled": (having(document(DocumentStatus.INSPECTING)), FILE_TERMS),
    }  # fmt: skip
    for cause, (state, terms) in causes.items():
        assert decide(state, FileExpired(), terms, now=NOW + 1000).state.cause == cause


def test_it_goes_on_with_a_new_link_and_asks_only_for_what_is_missing() -> None:
    """S16, S18: resumed by its advisor: what was accepted is not asked for again, a new time and round begin, the
    client has a new link; asked a second time, it is the first answer.
    """
    assert OVER.cause == "documents_missing"
    later = NOW + 10 * DAY
    resumed = decide(OVER, RESUMES, TWO, now=later)
    state, reply = resumed.state, resumed.reply
    assert isinstance(reply, FileDescribed)
    assert (state.phase, state.resumed, state.cause) == (Phase.DOCUMENTS_PENDING, 1, "")
    assert (reply.documents, reply.missing) == ((PASSPORT,), ("TAX_DECLARATION",))
    assert state.expires_at == later + 7 * DAY
    invitation, expiry, reminder = resumed.messages
    assert isinstance(invitation.message, InviteClient)
    assert (invitation.message.link, invitation.message.tells) == (RESUMES.link, False)
    assert (expiry.due_at, reminder.due_at) == (later + 7 * DAY, later + 4 * DAY)
    assert resumed.cancel == ("kept",)
    assert resumed.once[0].key == "onboarding:ref2"
    assert state.history[-1].actor == "adv-1"
    announced = decide(
        state, RequestUpload("doc_8", "TAX_DECLARATION", "t.pdf", "application/pdf", 9, "")
    )
    assert announced.state.phase is Phase.DOCUMENTS_PENDING


def test_only_what_is_incomplete_is_resumed_and_only_who_can_be_reached() -> None:
    """S16: every other phase says that there is nothing to resume; without a carrier of mail nothing begins anew."""
    for phase in (Phase.INITIATED, Phase.DOCUMENTS_PENDING, Phase.DOCUMENTS_UPLOADED):
        going = msgspec.structs.replace(BEGUN, phase=phase)
        asked = decide(going, RESUMES)
        assert (asked.state, asked.reply, asked.messages) == (going, FileGoesOn(), ())
    deaf = msgspec.structs.replace(FILE_TERMS, mail=False)
    assert refusal(OVER, RESUMES, deaf) == "MAIL_NOT_CONFIGURED"
    mute = msgspec.structs.replace(FILE_TERMS, sms=False)
    assert refusal(OVER, RESUMES, mute) == "SMS_NOT_CONFIGURED"


def test_what_nobody_resumes_is_forgotten() -> None:
    """S18, S36, S60: after onboarding.incomplete_kept_days documents and profile go; what happened stays; it cannot be
    resumed any more. A timer that comes late, of a file that goes on, does nothing.
    """
    forgotten = decide(OVER, KeptLongEnough(), now=OVER.updated_at + 90 * DAY)
    assert (forgotten.state.documents, values(forgotten.state.said)) == ((), {})
    assert forgotten.messages[0].message == DeleteObject("ONB-2026-00001/IDENTITY/doc_1.pdf")
    assert forgotten.state.history == OVER.history
    assert decide(forgotten.state, RESUMES).reply == FileOver()
    assert decide(BEGUN, KeptLongEnough()).state == BEGUN
