"""How a file begins, is reminded of, ends without its documents, and goes on all the same.

Rules:
- whoever begins it, an advisor or a partner, says the first word of its profile;
- the client is reminded by mail before the file's time is over, as long as it waits for them;
- what has not come by then leaves it INCOMPLETE, with the cause; what was accepted stays, everything else that was
  sent is deleted, and nothing is taken any more;
- its advisor may resume it: a new link, a new time, and only what is missing is asked for. Nobody having done so for
  as long as is configured, documents and profile go, and it stays as it is.

Source: spec.md S4, S5, S8, S9, S13, S14, S16, S18; docs/onboarding.md.
"""

from typing import Final

import msgspec

from comptoir.actors.gateways.messages import MAIL, NoticeRefused, NoticeTaken, SendMail
from comptoir.actors.invitation.messages import KIND as INVITATION
from comptoir.actors.invitation.messages import InviteClient
from comptoir.actors.onboarding.compensating import undone
from comptoir.actors.onboarding.completing import (
    EXPIRY,
    KEPT,
    REMINDER,
    described,
    lacking,
    missing,
)
from comptoir.actors.onboarding.going_on import ON, whole
from comptoir.actors.onboarding.keeping import kept_until
from comptoir.actors.onboarding.messages import (
    ADVISOR,
    CLIENT,
    KIND,
    PARTNER,
    SUBMISSIONS,
    ClientReached,
    DescribeFile,
    FileExpired,
    FileGoesOn,
    FileOver,
    InitiateFile,
    ReminderDue,
    ResumeFile,
    Said,
    Submitted,
    Value,
)
from comptoir.actors.onboarding.profile import with_said
from comptoir.actors.onboarding.state import OnboardingState, Phase, moved
from comptoir.actors.onboarding.terms import OnboardingTerms, terms_of
from comptoir.actors.onboarding.texts import reminder_mail
from comptoir.engine import Address, Decision, Event, Once, Outgoing, Put, Refusal
from comptoir.engine.machine import Context, row

__all__ = [
    "BEGINNING",
    "ClientReminded",
    "OnboardingExpired",
    "OnboardingInitiated",
    "OnboardingResumed",
    "ReminderArrived",
    "ReminderLost",
]


class OnboardingInitiated(Event, frozen=True):
    """ONBOARDING_INITIATED of S17."""

    client_type: str
    advisor: str
    expires_at: int
    partner: str = ""
    initiated_by: str = ""
    """`CONSEILLER`, `PARTNER`; empty in what an earlier release wrote: `partner` tells it."""


class ClientReminded(Event, frozen=True):
    """A mail is on its way that says what is missing."""

    expires_at: int


class ReminderArrived(Event, frozen=True):
    """Whoever carries mail has taken it."""


class ReminderLost(Event, frozen=True):
    """It will not arrive."""

    code: str


class OnboardingExpired(Event, frozen=True):
    """They did not come in time."""

    cause: str = ""
    """`client_never_came`, `documents_missing`, `profile_incomplete`, `documents_unsettled`, `contract_not_signed`."""


class OnboardingResumed(Event, frozen=True):
    """It goes on."""

    by: str
    times: int
    """So often by now."""
    expires_at: int


Outcome = Decision[OnboardingState]


def _initiate(
    state: OnboardingState, message: InitiateFile, context: Context
) -> "Outcome | Refusal":
    terms, opened, client = terms_of(context), message.opened, message.client
    if not terms.mail:
        return Refusal("MAIL_NOT_CONFIGURED", "providers.sendgrid.base_url is empty")
    if client.phone and not terms.sms:
        return Refusal("SMS_NOT_CONFIGURED", "providers.twilio.base_url is empty")
    if opened.client_type not in terms.types:
        return Refusal("CLIENT_TYPE_UNKNOWN", "onboarding.types does not name it")
    until = context.now + terms.life_ms
    by = opened.partner or opened.advisor
    said = Said(None, f"{PARTNER}:{by}" if opened.partner else ADVISOR, by, context.now)
    first: dict[str, Value] = {
        "firstName": client.first_name, "lastName": client.last_name, "dateOfBirth": client.date_of_birth,
        "residenceCountry": client.residence_country, "taxResidences": (client.tax_residence,),
    }  # fmt: skip
    submitted = (Submitted(message.submission, 1, context.now),) if message.submission else ()
    begun = msgspec.structs.replace(
        moved(state, Phase.INITIATED, ("ONBOARDING_INITIATED", by), context.now),
        opened=opened, client=client, created_at=context.now, expires_at=until,
        said=with_said({}, {**first, **message.profile}, said), version=1, submissions=submitted,
    )  # fmt: skip
    invitation = InviteClient(
        context.address.key, opened.user_id, client.email, client.phone, "fr", message.link,
        message.digest, message.reference, KIND, message.listing, tells=True,
    )  # fmt: skip
    place = Put(SUBMISSIONS, message.place, {"onboarding_id": context.address.key})
    return Decision(
        begun,
        described(begun, terms),
        events=(
            OnboardingInitiated(
                opened.client_type, opened.advisor, until, opened.partner, opened.initiated_by
            ),
        ),
        messages=(
            Outgoing(Address(INVITATION, context.address.key), invitation),
            *_timers(context, terms, until),
        ),
        once=(Once("idempotency", f"{KIND}:{message.reference}", terms.once_ms),),
        documents=(place,) if message.place else (),
    )


def _timers(context: Context, terms: OnboardingTerms, until: int) -> tuple[Outgoing, ...]:
    """The end of its time, and the next reminder before it."""
    end = Outgoing(context.address, FileExpired(), until, EXPIRY)
    return (end, *_next_reminder(context, terms, until))


def _next_reminder(context: Context, terms: OnboardingTerms, until: int) -> tuple[Outgoing, ...]:
    due = next((until - x for x in terms.reminders_ms if until - x > context.now), None)
    return () if due is None else (Outgoing(context.address, ReminderDue(), due, REMINDER),)


def _reach(state: OnboardingState, _message: ClientReached, context: Context) -> Outcome:
    move = ("CLIENT_INVITED", "mail")
    return whole(moved(state, Phase.DOCUMENTS_PENDING, move, context.now), (), context)


def _remind(state: OnboardingState, _message: ReminderDue, context: Context) -> Outcome:
    terms, client = terms_of(context), state.client
    assert client is not None, "asked of files that have begun"
    next_one = _next_reminder(context, terms, state.expires_at)
    wanted = (*missing(state, terms), *lacking(state, terms))
    if not wanted:  # everything is there, and being looked at: nothing is theirs to do
        return Decision(state, messages=next_one)
    subject, text = reminder_mail("fr", missing(state, terms), state.expires_at)
    mail = SendMail(f"{context.address.key}:reminder:{context.now}", client.email, subject, text)
    return Decision(
        state,
        events=(ClientReminded(state.expires_at),),
        messages=(Outgoing(MAIL, mail), *next_one),
    )


def _arrived(state: OnboardingState, _message: NoticeTaken, _context: Context) -> Outcome:
    return Decision(state, events=(ReminderArrived(),))


def _lost(state: OnboardingState, message: NoticeRefused, _context: Context) -> Outcome:
    return Decision(state, events=(ReminderLost(message.code),))


def _expire(state: OnboardingState, _message: FileExpired, context: Context) -> Outcome:
    if context.now < state.expires_at:  # a timer that was on its way when it was set anew
        return Decision(state)
    cause = _cause(state, terms_of(context))
    over = moved(state, Phase.INCOMPLETE, ("ONBOARDING_EXPIRED", "timer"), context.now)
    left, deleted, cancel = undone(over, context, "FILE_EXPIRED")
    return Decision(
        msgspec.structs.replace(left, cause=cause),
        events=(OnboardingExpired(cause),),
        messages=(*deleted, *kept_until(left, context)),
        cancel=cancel,
    )


def _cause(state: OnboardingState, terms: OnboardingTerms) -> str:
    """Why its time ended before it was complete (E17)."""
    spoke = any(one.source == CLIENT for said in state.said.values() for one in said)
    if not (state.documents or spoke):
        return "client_never_came"
    if missing(state, terms):
        return "documents_missing"
    return "profile_incomplete" if lacking(state, terms) else "documents_unsettled"


def _resume(state: OnboardingState, message: ResumeFile, context: Context) -> "Outcome | Refusal":
    terms, opened, client = terms_of(context), state.opened, state.client
    if _is_spent(state, context) or opened is None or client is None:
        return Decision(state, FileOver())
    if not terms.mail:
        return Refusal("MAIL_NOT_CONFIGURED", "providers.sendgrid.base_url is empty")
    if client.phone and not terms.sms:
        return Refusal("SMS_NOT_CONFIGURED", "providers.twilio.base_url is empty")
    until = context.now + terms.life_ms
    move = ("ONBOARDING_RESUMED", message.by)
    resumed = msgspec.structs.replace(
        moved(state, Phase.DOCUMENTS_PENDING, move, context.now),
        expires_at=until, resumed=state.resumed + 1, cause="",
    )  # fmt: skip
    invitation = InviteClient(
        context.address.key, opened.user_id, client.email, client.phone, "fr", message.link,
        message.digest, message.reference, KIND, message.listing,
    )  # fmt: skip
    happened = OnboardingResumed(message.by, resumed.resumed, until)
    goes_on = whole(resumed, (happened,), context)
    asked = (
        Outgoing(Address(INVITATION, context.address.key), invitation),
        *_timers(context, terms, until),
    )
    waits = goes_on.state.phase is Phase.DOCUMENTS_PENDING
    return msgspec.structs.replace(
        goes_on,
        reply=described(goes_on.state, terms),
        messages=(*goes_on.messages, *(asked if waits else asked[:1])),
        cancel=(*goes_on.cancel, KEPT),
        once=(Once("idempotency", f"{KIND}:{message.reference}", terms.once_ms),),
    )


def _is_spent(state: OnboardingState, context: Context) -> bool:
    """Whether nothing of it is left to go on with: it was forgotten, is kept only because the law wants it, or its
    number is the mainframe's by now.
    """
    ended = state.history[-1].at if state.history else state.updated_at
    late = context.now > ended + terms_of(context).kept_ms
    return state.forgotten or late or state.onward.account.status != "none"


def _goes_on(state: OnboardingState, _message: ResumeFile, _context: Context) -> Outcome:
    return Decision(state, FileGoesOn())


def _describe(state: OnboardingState, _message: DescribeFile, context: Context) -> Outcome:
    return Decision(state, described(state, terms_of(context)))


def _late(state: OnboardingState, _message: object, _context: Context) -> Outcome:
    return Decision(state)


_BEGUN: Final = tuple(phase for phase in Phase if phase is not Phase.NONE)
_EARLY: Final = (Phase.INITIATED, Phase.DOCUMENTS_PENDING)
_OTHERS: Final = tuple(phase for phase in _BEGUN if phase not in (*_EARLY, Phase.INCOMPLETE))
"""Its documents are there: what the client's time was about is behind it."""

BEGINNING: Final = (
    row(Phase.NONE, InitiateFile, _initiate, Phase.INITIATED),
    row(Phase.INITIATED, ClientReached, _reach, Phase.DOCUMENTS_PENDING, *ON),
    *(row(x, ClientReached, _late, x) for x in _BEGUN if x is not Phase.INITIATED),
    *(row(x, FileExpired, _expire, x, Phase.INCOMPLETE) for x in _EARLY),
    *(row(x, FileExpired, _late, x) for x in (*_OTHERS, Phase.INCOMPLETE)),
    *(row(x, ReminderDue, _remind, x) for x in _EARLY),
    *(row(x, ReminderDue, _late, x) for x in (*_OTHERS, Phase.INCOMPLETE)),
    *(row(x, NoticeTaken, _arrived, x) for x in _BEGUN),
    *(row(x, NoticeRefused, _lost, x) for x in _BEGUN),
    row(
        Phase.INCOMPLETE, ResumeFile, _resume,
        Phase.INCOMPLETE, Phase.DOCUMENTS_PENDING, *ON,
    ),
    *(row(x, ResumeFile, _goes_on, x) for x in (*_EARLY, *_OTHERS)),
    *(row(x, DescribeFile, _describe, x) for x in _BEGUN),
)  # fmt: skip
