"""The machine of a client's invitation: a link by mail, used once; a code on another way; a session.

Rules:
- a link is used once, by going on from the page that it leads to; what is kept of it is a digest;
- a new link ends the one before, in whatever phase it is;
- using it signs nobody in: it binds a browser, and a code goes out by text message, or by a second mail
  where there is no phone; the code is taken from that browser only, once, and for its time;
- codes and wrong tries are few for a link, over all of its codes; after the last try it is dead and only a
  new one helps. Whoever has not the browser cannot use up tries;
- right, the session is opened by this very decision. As long as it may live, whoever sits there can have a
  code sent and type it, which is a new sign-in and a new session; then nothing of the client stays here;
- not known, used, over, superseded, of another browser: refused in one and the same word;
- whoever has a link that is over may ask for another, a few times a day: the file sends it to the address of record,
  and to no other, and whether it does is told to nobody. None is sent while the client needs none: its newest link is
  good, its newest code may be typed, or its newest session is open; so whoever has an old link cuts nobody off. Wrong codes
  count on over the links that were asked for so, until the client was in or an advisor has invited it;
- a session that may live is known here until its time is over, whatever link came after it: an erasure ends it.

Source: spec.md S4, S9, S34, S44, X8; RFC 8176 (`amr`); OWASP ASVS 5, V6.5 and V6.6; NIST SP 800-63B-4, 3.2.2; docs/adr/0026.
"""

import hmac

import msgspec

from comptoir.actors.browser_session.messages import KIND as SESSION
from comptoir.actors.browser_session.messages import EndSession, OpenSession, Person
from comptoir.actors.erasure.messages import KIND as ERASURE
from comptoir.actors.erasure.messages import BeginErasure, Sealed, erasure_of
from comptoir.actors.gateways.messages import (
    MAIL,
    SMS,
    NoticeRefused,
    NoticeTaken,
    SendMail,
    SendSms,
)
from comptoir.actors.invitation.messages import (
    KIND,
    Channel,
    ClientInvited,
    CodeAccepted,
    CodeSent,
    CodesUsedUp,
    CodeWrong,
    EnterCode,
    ForgetInvitation,
    InvitationExpired,
    InviteClient,
    LinkHeard,
    LinkOver,
    RenewCode,
    UseLink,
    WantLink,
)
from comptoir.actors.invitation.state import (
    LINKS_KEPT,
    ClientSignedIn,
    CodeRefused,
    InvitationEnded,
    InvitationSent,
    InvitationState,
    LinkRenewed,
    LinkUsed,
    NoticeArrived,
    NoticeLost,
    OpenedSession,
    Phase,
    left_of,
    opened_by,
)
from comptoir.actors.invitation.terms import DAY_MS, terms_of
from comptoir.actors.invitation.texts import code_mail, code_sms, link_mail
from comptoir.actors.onboarding.link_messages import RenewLink
from comptoir.actors.onboarding.messages import KIND as ONBOARDING
from comptoir.actors.onboarding.messages import ClientReached
from comptoir.actors.sessions.messages import KIND as SESSIONS
from comptoir.engine import Address, Decision, Once, Outgoing, Refusal, Reply
from comptoir.engine.machine import Context, Machine, row

__all__ = [
    "MACHINE",
    "MISSED_MAX",
    "REPLIES",
    "ClientSignedIn",
    "CodeRefused",
    "InvitationEnded",
    "InvitationSent",
    "InvitationState",
    "LinkRenewed",
    "LinkUsed",
    "NoticeArrived",
    "NoticeLost",
    "Phase",
]

EXPIRY = "expiry"
"""The timer's name."""
LINK, CODE = "link", "code"
"""What the reference of a notice begins with."""
ROLES = ("CLIENT",)
MISSED_MAX = 20
"""Wrong codes over links that a client asked for itself, after which its advisor has to invite it: NIST SP 800-63B-4,
section 3.2.2, allows a hundred in a row; ours are six digits.
"""
UNDER_WAY_MS = 60_000
"""For so long a link that was asked for is waited for: the file gives it, or does not."""
METHODS: dict[Channel, tuple[str, ...]] = {"sms": ("mca", "otp", "sms"), "mail": ("otp",)}
"""RFC 8176: two channels where the code came by telephone, and else one."""


Outcome = Decision[InvitationState]


def _invite(state: InvitationState, message: InviteClient, context: Context) -> "Outcome | Refusal":
    terms = terms_of(context)
    if not terms.mail:
        return Refusal("MAIL_NOT_CONFIGURED", "providers.sendgrid.base_url is empty")
    if message.phone and not terms.sms:
        return Refusal("SMS_NOT_CONFIGURED", "providers.twilio.base_url is empty")
    until = context.now + terms.link_ms
    missed = state.missed if message.digest in state.renewed else 0
    invited = InvitationState(
        Phase.INVITED, message.user_id, message.email, message.phone, message.language,
        message.digest, until, listing=message.listing, tells=message.tells,
        given=(*state.given, message.digest)[-LINKS_KEPT:], asked=state.asked,
        opened=opened_by(state), renewed=state.renewed, missed=missed,
    )  # fmt: skip
    alive = state.phase in (Phase.INVITED, Phase.AWAITING_CODE)
    before = (InvitationEnded(state.user_id, "superseded"),) if alive else ()
    subject, text = link_mail(message.language, message.link, until)
    mail = SendMail(context.draw_id(LINK), message.email, subject, text)
    key = f"{message.onboarding_id}:{message.reference}"
    return Decision(
        invited,
        ClientInvited(until, invited.channel),
        events=(*before, InvitationSent(message.user_id, message.by, until, invited.channel)),
        messages=(Outgoing(MAIL, mail), _timer(context, until)),
        once=(Once("idempotency", f"{KIND}:{key}", terms.once_ms),),
    )


def _use(state: InvitationState, message: UseLink, context: Context) -> Outcome:
    good = hmac.compare_digest(message.digest, state.link)
    if not good or context.now >= state.expires_at:  # the timer may be late
        return Decision(state, LinkOver())
    until = context.now + terms_of(context).waiting_ms
    used = msgspec.structs.replace(
        state, phase=Phase.AWAITING_CODE, link="", session=message.session, expires_at=until
    )
    sent = _with_code(used, message.proof, message.code, context)
    happened = (LinkUsed(state.user_id),)
    messages = (*sent.messages, _timer(context, until))
    return msgspec.structs.replace(sent, events=happened, messages=messages)


def _renew(state: InvitationState, message: RenewCode, context: Context) -> Outcome:
    if not _is_theirs(state, message, context.now):
        return Decision(state, LinkOver())
    if state.codes >= terms_of(context).codes_max:
        return Decision(state, CodesUsedUp())
    return _with_code(state, message.proof, message.code, context)


def _with_code(state: InvitationState, proof: str, code: str, context: Context) -> Outcome:
    """Send a code; the one before is worth nothing any more."""
    life_ms = terms_of(context).code_ms
    until = min(context.now + life_ms, state.expires_at)
    sent = msgspec.structs.replace(state, proof=proof, code_until=until, codes=state.codes + 1)
    reference = context.draw_id(CODE)
    if state.phone:
        sms = SendSms(reference, state.phone, code_sms(state.language, code, life_ms))
        out = Outgoing(SMS, sms)
    else:
        subject, text = code_mail(state.language, code, life_ms)
        out = Outgoing(MAIL, SendMail(reference, state.email, subject, text))
    return Decision(sent, CodeSent(state.channel, until), messages=(out,))


def _enter(state: InvitationState, message: EnterCode, context: Context) -> Outcome:
    if not _is_theirs(state, message, context.now):
        return Decision(state, LinkOver())
    right = hmac.compare_digest(message.proof, state.proof)
    if not right or context.now >= state.code_until:
        return _wrong(state, context)
    terms, methods = terms_of(context), METHODS[state.channel]
    person = Person(
        state.user_id, ROLES, methods, message.signed_in_at, listing=state.listing,
        device=message.device, file=context.address.key,
    )  # fmt: skip
    session = OpenSession(person, terms.session_ms, terms.idle_ms)
    until = context.now + terms.session_ms
    before = (one for one in _others(state) if one.until > context.now)
    known = InvitationState(
        Phase.SIGNED_IN, state.user_id, state.email, state.phone, state.language,
        expires_at=until, session=message.opens, listing=state.listing, tells=state.tells, given=state.given,
        asked=state.asked, opened=(*before, OpenedSession(message.opens, until)),
    )  # fmt: skip
    return Decision(
        known,
        CodeAccepted(terms.session_ms),
        events=(ClientSignedIn(state.user_id, methods),),
        messages=(
            Outgoing(Address(SESSION, message.opens), session),
            *_ended_session(state),
            _timer(context, until),
        ),
    )


def _ended_session(state: InvitationState) -> tuple[Outgoing, ...]:
    """The browser that was in by the last code is so no more, or by another session."""
    if state.phase is not Phase.SIGNED_IN:
        return ()
    return (Outgoing(Address(SESSION, state.session), EndSession("signed_in_anew")),)


def _others(state: InvitationState) -> tuple[OpenedSession, ...]:
    """Sessions that may live, but for the one of the browser that is in."""
    inside = state.session if state.phase is Phase.SIGNED_IN else ""
    return tuple(one for one in opened_by(state) if one.key != inside)


def _wrong(state: InvitationState, context: Context) -> Outcome:
    """Count a try; with the last one the link is dead, and so is the session that came of it: whoever
    guesses there has a browser that is not theirs.
    """
    failures, most = state.failures + 1, terms_of(context).tries_max
    happened = CodeRefused(state.user_id, failures)
    counted = msgspec.structs.replace(state, failures=failures, missed=state.missed + 1)
    if failures < most:
        return Decision(counted, CodeWrong(most - failures), events=(happened,))
    ended = InvitationEnded(state.user_id, "too_many_tries")
    return Decision(
        left_of(counted, Phase.ENDED, _others(state)),
        LinkOver(),
        events=(happened, ended),
        messages=_ended_session(state),
        cancel=(EXPIRY,),
    )


def _is_theirs(state: InvitationState, message: RenewCode | EnterCode, now: int) -> bool:
    """Whether it is the browser that used the link, or that is in by it, in time."""
    known = hmac.compare_digest(message.session, state.session) and now < state.expires_at
    return known and (state.phase is Phase.AWAITING_CODE or message.alive)


def _expire(state: InvitationState, _message: InvitationExpired, context: Context) -> Outcome:
    if context.now < state.expires_at:  # a timer that was on its way when it was set anew
        return Decision(state)
    if state.phase is Phase.SIGNED_IN:  # their session is over: nothing of the client stays
        alive = tuple(one for one in opened_by(state) if one.until > context.now)
        return Decision(left_of(state, Phase.SIGNED_IN, alive))
    ended = InvitationEnded(state.user_id, "expired")
    return Decision(left_of(state, Phase.ENDED, opened_by(state)), events=(ended,))


def _timer(context: Context, until: int) -> Outgoing:
    return Outgoing(context.address, InvitationExpired(), until, EXPIRY)


def _forget(state: InvitationState, _message: ForgetInvitation, context: Context) -> Outcome:
    """Sessions end, and then the keys go: of the invitation, of those sessions, of the client's list of them."""
    me = context.address
    opened = [Address(SESSION, one.key) for one in opened_by(state)]
    what = [Sealed(me.kind, me.key), *(Sealed(one.kind, one.key) for one in opened)]
    if state.listing:
        what.append(Sealed(SESSIONS, state.listing))
    begin = Outgoing(Address(ERASURE, erasure_of(me)), BeginErasure(tuple(what)))
    ended = (Outgoing(one, EndSession("erased")) for one in opened)
    return Decision(InvitationState(Phase.ENDED), messages=(*ended, begin), cancel=(EXPIRY,))


def _want(state: InvitationState, message: WantLink, context: Context) -> Outcome:
    """What is answered says nothing: not whether there is a file, nor whether this was a link to it."""
    asked = tuple(at for at in state.asked if at > context.now - DAY_MS)
    known = message.old in (*state.given, state.link)
    spent = len(asked) >= terms_of(context).links_max or state.missed >= MISSED_MAX
    if not known or spent or _has_one(state, context.now):
        return Decision(state, LinkHeard())
    newest = opened_by(state)[-1:]
    if newest and newest[0].until > context.now and newest[0].key != message.over:
        return Decision(state, LinkHeard(newest[0].key))
    renew = RenewLink(
        message.link, message.digest, state.listing, message.reference, message.language
    )
    return Decision(
        msgspec.structs.replace(
            state,
            asked=(*asked, context.now),
            renewed=(*state.renewed, message.digest)[-LINKS_KEPT:],
        ),
        LinkHeard(),
        events=(LinkRenewed(len(asked) + 1),),
        messages=(Outgoing(Address(ONBOARDING, context.address.key), renew),),
    )


def _has_one(state: InvitationState, now: int) -> bool:
    """Whether a link is under way, or good, or a code may be typed: a new link would end either."""
    if (
        state.renewed
        and state.renewed[-1] not in state.given
        and now < state.asked[-1] + UNDER_WAY_MS
    ):
        return True
    if state.phase is Phase.INVITED:
        return now < state.expires_at
    return state.phase is Phase.AWAITING_CODE and now < state.code_until


def _over(
    state: InvitationState, _message: UseLink | RenewCode | EnterCode, _context: Context
) -> Outcome:
    return Decision(state, LinkOver())


def _late(state: InvitationState, _message: InvitationExpired, _context: Context) -> Outcome:
    return Decision(state)


def _arrived(state: InvitationState, message: NoticeTaken, context: Context) -> Outcome:
    # Also where the link was used before its mail was told of: whoever has it may have it from an advisor's screen.
    reached = state.tells and message.reference.startswith(f"{LINK}_")
    told = Outgoing(Address(ONBOARDING, context.address.key), ClientReached())
    happened = NoticeArrived(message.reference)
    return Decision(state, events=(happened,), messages=(told,) if reached else ())


def _lost(state: InvitationState, message: NoticeRefused, _context: Context) -> Outcome:
    return Decision(state, events=(NoticeLost(message.reference, message.code),))


_KNOWN = (Phase.INVITED, Phase.AWAITING_CODE, Phase.SIGNED_IN, Phase.ENDED)
_TYPING = (Phase.AWAITING_CODE, Phase.SIGNED_IN)
_IDLE = tuple(phase for phase in Phase if phase not in _TYPING)

MACHINE: Machine[InvitationState] = Machine(
    KIND,
    phases=Phase,
    messages=(
        InviteClient, UseLink, RenewCode, EnterCode, InvitationExpired, NoticeTaken, NoticeRefused,
        ForgetInvitation, WantLink,
    ),
    rows=(
        *(row(phase, InviteClient, _invite, Phase.INVITED) for phase in Phase),
        row(Phase.INVITED, UseLink, _use, Phase.INVITED, Phase.AWAITING_CODE),
        *(row(phase, UseLink, _over, phase) for phase in Phase if phase is not Phase.INVITED),
        *(row(phase, RenewCode, _renew, phase) for phase in _TYPING),
        row(
            Phase.AWAITING_CODE, EnterCode, _enter,
            Phase.AWAITING_CODE, Phase.SIGNED_IN, Phase.ENDED,
        ),
        row(Phase.SIGNED_IN, EnterCode, _enter, Phase.SIGNED_IN, Phase.ENDED),
        *(row(phase, RenewCode, _over, phase) for phase in _IDLE),
        *(row(phase, EnterCode, _over, phase) for phase in _IDLE),
        row(Phase.INVITED, InvitationExpired, _expire, Phase.INVITED, Phase.ENDED),
        row(Phase.AWAITING_CODE, InvitationExpired, _expire, Phase.AWAITING_CODE, Phase.ENDED),
        row(Phase.SIGNED_IN, InvitationExpired, _expire, Phase.SIGNED_IN),
        row(Phase.ENDED, InvitationExpired, _late, Phase.ENDED),
        *(row(phase, ForgetInvitation, _forget, Phase.ENDED) for phase in Phase),
        *(row(phase, WantLink, _want, phase) for phase in Phase),
        *(row(phase, NoticeTaken, _arrived, phase) for phase in _KNOWN),
        *(row(phase, NoticeRefused, _lost, phase) for phase in _KNOWN),
    ),
)  # fmt: skip

REPLIES: tuple[type[Reply], ...] = (
    ClientInvited, CodeSent, CodesUsedUp, CodeWrong, CodeAccepted, LinkOver,
    LinkHeard,
)  # fmt: skip
