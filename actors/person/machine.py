"""The machine of a person who may sign in: invited by a link, enrolled with an authenticator or a passkey.

Rules:
- a link is used once, by the password that shows that the authenticator has its seed, or by a new
  passkey; opening it uses nothing, since mail programs open links;
- a password is good for one sign-in: its step and all before it are used up (RFC 6238 section 5.2);
- a passkey is good for an answer to a challenge that was used up before it comes here; one whose counter
  does not grow has a copy somewhere, and is refused and recorded;
- a person has several passkeys, and never gives up the last way in;
- after some failures nobody is asked for a password there for a while, longer each time; nobody else waits
  for it who has signed in before or has a passkey (throttle.py);
- who is not known, not enrolled or not asked is refused in one and the same word;
- an invitation and a dismissal end all that was given before (leaving.py);
- so many things are remembered and no more: beyond, the oldest ends;
- who is erased is never anybody again: a state that is read says nothing, and soon none can be read.

Source: spec.md S34, X8; RFC 6238; NIST SP 800-63B section 3.2.2 (throttling); W3C Web Authentication
Level 3.
"""

import hmac
from hashlib import sha256
from typing import Final

import msgspec

from comptoir.actors.erasure.messages import ErasePerson
from comptoir.actors.person import leaving
from comptoir.actors.person.leaving import GIVEN_MAX
from comptoir.actors.person.messages import (
    COLLECTION,
    KIND,
    AddPasskey,
    ConfirmSeed,
    DescribePerson,
    EnrolPasskey,
    InvitePerson,
    LinkHolds,
    LinkRefused,
    ListPasskeys,
    NoteGiven,
    OfferSeed,
    PasskeyRegistered,
    PasskeyRemoved,
    PasskeyShown,
    PasskeysListed,
    PersonDescribed,
    PersonErased,
    PersonInvited,
    PersonRemoved,
    RemovePasskey,
    RemovePerson,
    SeedOffered,
    ShowLink,
    SignedIn,
    SignIn,
    SignInByPasskey,
    SignInRefused,
    Whence,
)
from comptoir.actors.person.passkeys import PASSKEYS_MAX, asserted, methods_of, registered
from comptoir.actors.person.state import (
    Dismissed,
    Enrolled,
    Forgotten,
    Invited,
    Outcome,
    PasskeyAdded,
    PasskeyDropped,
    PersonState,
    Phase,
    SignatureCounterRegressed,
    SignInFailed,
    SignInSucceeded,
    ThingGiven,
)
from comptoir.actors.person.throttle import Throttle
from comptoir.actors.person.totp import step_of
from comptoir.engine import Decision, Event, Message, Once, Put, Refusal, Reply
from comptoir.engine.machine import Context, Machine, Row, row

__all__ = [
    "GIVEN_MAX",
    "MACHINE",
    "REPLIES",
    "Dismissed",
    "Enrolled",
    "Forgotten",
    "Invited",
    "PasskeyAdded",
    "PasskeyDropped",
    "PersonState",
    "Phase",
    "SignInFailed",
    "SignInSucceeded",
    "SignatureCounterRegressed",
    "ThingGiven",
]

ONCE_MS: Final = 86_400_000
"""For how long a request may be run again (interface.md 1)."""
METHODS: Final = ("otp",)
"""RFC 8176."""
NOT_ACCEPTED: Final = Refusal(
    "PASSKEY_NOT_ACCEPTED", "what the browser made does not fit what it was asked for"
)
KNOWN: Final = Refusal("PASSKEY_KNOWN", "this passkey is theirs already")
UNKNOWN: Final = Refusal("PASSKEY_UNKNOWN", "there is no such passkey")
TOO_MANY: Final = Refusal("PASSKEYS_TOO_MANY", f"a person has at most {PASSKEYS_MAX} passkeys")
LAST: Final = Refusal("PASSKEY_LAST", "nobody gives up the last way in")


def _invite(state: PersonState, message: InvitePerson, context: Context) -> Outcome:
    until = context.now + message.lifetime_ms
    known = state.phase is not Phase.UNKNOWN
    generation = state.generation + known
    invited = PersonState(
        Phase.INVITED,
        message.subject,
        message.roles,
        message.link,
        until,
        generation=generation,
        since=context.now,
    )
    return Decision(
        invited,
        PersonInvited(until, generation),
        events=(Invited(message.subject, message.roles),),
        messages=leaving.ended(state, generation, context) if known else (),
        documents=() if known else (Put(COLLECTION, context.address.key, {}),),
        once=(_made_once(message.link),),
    )


def _made_once(link: str) -> Once:
    """A link that was made once is not made again: what it led to would be over, and it good once more.

    By a digest of its digest, which is forgotten when the link is used.
    """
    return Once("idempotency", f"{KIND}:{sha256(link.encode()).hexdigest()}", ONCE_MS)


def _offer(state: PersonState, message: OfferSeed, context: Context) -> Outcome:
    if not _is_good(state, message.link, context.now):
        return Decision(state, LinkRefused())
    offered = msgspec.structs.replace(state, seed=message.seed)
    return Decision(offered, SeedOffered(state.subject))


def _confirm(state: PersonState, message: ConfirmSeed, context: Context) -> Outcome:
    if not state.seed or not _is_good(state, message.link, context.now):
        return Decision(state, LinkRefused())
    outcome = _judged(state, message, context)
    if not isinstance(outcome.reply, SignedIn):
        return outcome
    enrolled = msgspec.structs.replace(
        outcome.state, phase=Phase.ENROLLED, link="", link_expires_at=0, since=context.now
    )
    happened = (Enrolled(state.subject), *outcome.events)
    return msgspec.structs.replace(outcome, state=enrolled, events=happened)


def _sign_in(state: PersonState, message: SignIn, context: Context) -> Outcome:
    return _judged(state, message, context)


def _judged(state: PersonState, message: SignIn | ConfirmSeed, context: Context) -> Outcome:
    """Take a password, or count a failure."""
    whence, now = message.whence, context.now
    if state.throttle.waits(whence, now):
        return Decision(state, SignInRefused())
    step = _step(state, message.password, now)
    if step is not None:
        return _known(msgspec.structs.replace(state, step=step), METHODS, whence, now)
    return _guessed(state, state.throttle.guess(whence, now))


def _failed(state: PersonState, whence: Whence, now: int, *before: Event) -> Outcome:
    """A passkey's answer was wrong: recorded, as long as others there would be asked, and no more than that."""
    if state.throttle.waits(whence, now):
        return Decision(state, SignInRefused(), events=before)
    return _guessed(state, state.throttle.fail(whence, now), *before)


def _guessed(state: PersonState, throttle: Throttle, *before: Event) -> Outcome:
    happened = (*before, SignInFailed(state.subject, throttle.places[-1].failures))
    failed = msgspec.structs.replace(state, throttle=throttle)
    return Decision(failed, SignInRefused(), events=happened)


def _step(state: PersonState, password: str, now: int) -> int | None:
    """The step whose password it is; None if it is none's."""
    if not state.seed:  # passkeys alone: the passwords of an empty seed are known to everybody
        return None
    return step_of(bytes.fromhex(state.seed), password, now, state.step)


def _known(state: PersonState, methods: tuple[str, ...], whence: Whence, now: int) -> Outcome:
    """It is them."""
    was_known = state.throttle.knows(whence.browser, now)
    known = msgspec.structs.replace(state, throttle=state.throttle.succeed(whence, now))
    return Decision(
        known,
        SignedIn(state.subject, state.roles, methods, state.generation, was_known),
        events=(SignInSucceeded(state.subject, methods),),
    )


def _show_link(state: PersonState, message: ShowLink, context: Context) -> Outcome:
    good = _is_good(state, message.link, context.now)
    return Decision(state, LinkHolds(state.subject) if good else LinkRefused())


def _enrol_passkey(
    state: PersonState, message: EnrolPasskey, context: Context
) -> Outcome | Refusal:
    if not _is_good(state, message.link, context.now):
        return Decision(state, LinkRefused())
    passkey = registered(message.answer, message.name, context.now)
    if passkey is None:
        return NOT_ACCEPTED
    enrolled = msgspec.structs.replace(
        state,
        phase=Phase.ENROLLED,
        link="",
        link_expires_at=0,
        seed="",  # one may have been offered; nobody has shown that it arrived
        passkeys=(passkey,),
        since=context.now,
    )
    added = PasskeyAdded(state.subject, passkey.credential_id, passkey.synced)
    outcome = _known(enrolled, methods_of(passkey), message.whence, context.now)
    happened = (added, Enrolled(state.subject), *outcome.events)
    return msgspec.structs.replace(outcome, events=happened)


def _sign_in_by_passkey(state: PersonState, message: SignInByPasskey, context: Context) -> Outcome:
    found = asserted(message.answer, state.passkeys)
    used = found.passkey
    if used is None or found.fault == "invalid":
        return _failed(state, message.whence, context.now)
    if found.fault:
        seen, shown = used.sign_count, found.sign_count
        copied = SignatureCounterRegressed(state.subject, used.credential_id, seen, shown)
        return _failed(state, message.whence, context.now, copied)
    after = msgspec.structs.replace(used, sign_count=found.sign_count, used_at=context.now)
    passkeys = tuple(after if one is used else one for one in state.passkeys)
    told = msgspec.structs.replace(state, passkeys=passkeys)
    return _known(told, methods_of(used), message.whence, context.now)


def _list_passkeys(state: PersonState, _message: ListPasskeys, _context: Context) -> Outcome:
    shown = tuple(
        PasskeyShown(one.credential_id, one.name, one.synced, one.registered_at, one.used_at)
        for one in state.passkeys
    )
    return Decision(state, PasskeysListed(state.subject, shown, bool(state.seed)))


def _add_passkey(state: PersonState, message: AddPasskey, context: Context) -> Outcome | Refusal:
    if len(state.passkeys) >= PASSKEYS_MAX:
        return TOO_MANY
    passkey = registered(message.answer, message.name, context.now)
    if passkey is None:
        return NOT_ACCEPTED
    if any(one.credential_id == passkey.credential_id for one in state.passkeys):
        return KNOWN
    more = msgspec.structs.replace(state, passkeys=(*state.passkeys, passkey))
    added = PasskeyAdded(state.subject, passkey.credential_id, passkey.synced)
    return Decision(more, PasskeyRegistered(), events=(added,))


def _remove_passkey(
    state: PersonState, message: RemovePasskey, _context: Context
) -> Outcome | Refusal:
    left = tuple(one for one in state.passkeys if one.credential_id != message.credential_id)
    if len(left) == len(state.passkeys):
        return UNKNOWN
    if not left and not state.seed:
        return LAST
    dropped = (PasskeyDropped(state.subject, message.credential_id),)
    less = msgspec.structs.replace(state, passkeys=left)
    return Decision(less, PasskeyRemoved(), events=dropped)


def _is_good(state: PersonState, link: str, now: int) -> bool:
    return hmac.compare_digest(link, state.link) and now < state.link_expires_at


def _no_link(state: PersonState, _message: Message, _context: Context) -> Outcome:
    return Decision(state, LinkRefused())


def _nobody(state: PersonState, _message: Message, _context: Context) -> Outcome:
    return Decision(state, SignInRefused())


OF_LINKS: Final = (InvitePerson, ShowLink, OfferSeed, ConfirmSeed, EnrolPasskey)
OF_SIGN_IN: Final = (SignIn, SignInByPasskey)
OF_PASSKEYS: Final = (ListPasskeys, AddPasskey, RemovePasskey)
OF_LEAVING: Final = (NoteGiven, DescribePerson, RemovePerson, ErasePerson)


def _closed(phase: Phase) -> tuple[Row, ...]:
    """Nobody enrols or signs in here."""
    links = (
        row(phase, x, _no_link, phase) for x in (OfferSeed, ConfirmSeed, ShowLink, EnrolPasskey)
    )
    return (*links, *(row(phase, x, _nobody, phase) for x in OF_SIGN_IN))


MACHINE: Machine[PersonState] = Machine(
    KIND,
    phases=Phase,
    messages=(*OF_LINKS, *OF_SIGN_IN, *OF_PASSKEYS, *OF_LEAVING),
    rows=(
        row(Phase.UNKNOWN, InvitePerson, _invite, Phase.INVITED),
        *_closed(Phase.UNKNOWN),
        row(Phase.UNKNOWN, NoteGiven, leaving.stale, Phase.UNKNOWN),
        row(Phase.UNKNOWN, ErasePerson, leaving.already, Phase.UNKNOWN),
        row(Phase.INVITED, InvitePerson, _invite, Phase.INVITED),
        row(Phase.INVITED, ShowLink, _show_link, Phase.INVITED),
        row(Phase.INVITED, OfferSeed, _offer, Phase.INVITED),
        row(Phase.INVITED, ConfirmSeed, _confirm, Phase.INVITED, Phase.ENROLLED),
        row(Phase.INVITED, EnrolPasskey, _enrol_passkey, Phase.INVITED, Phase.ENROLLED),
        row(Phase.INVITED, SignIn, _nobody, Phase.INVITED),
        row(Phase.INVITED, SignInByPasskey, _nobody, Phase.INVITED),
        row(Phase.INVITED, NoteGiven, leaving.stale, Phase.INVITED),
        row(Phase.INVITED, DescribePerson, leaving.describe, Phase.INVITED),
        row(Phase.INVITED, RemovePerson, leaving.remove, Phase.REMOVED),
        row(Phase.INVITED, ErasePerson, leaving.erase, Phase.ERASED),
        row(Phase.ENROLLED, InvitePerson, _invite, Phase.INVITED),
        row(Phase.ENROLLED, ShowLink, _no_link, Phase.ENROLLED),
        row(Phase.ENROLLED, OfferSeed, _no_link, Phase.ENROLLED),
        row(Phase.ENROLLED, ConfirmSeed, _no_link, Phase.ENROLLED),
        row(Phase.ENROLLED, EnrolPasskey, _no_link, Phase.ENROLLED),
        row(Phase.ENROLLED, SignIn, _sign_in, Phase.ENROLLED),
        row(Phase.ENROLLED, SignInByPasskey, _sign_in_by_passkey, Phase.ENROLLED),
        row(Phase.ENROLLED, ListPasskeys, _list_passkeys, Phase.ENROLLED),
        row(Phase.ENROLLED, AddPasskey, _add_passkey, Phase.ENROLLED),
        row(Phase.ENROLLED, RemovePasskey, _remove_passkey, Phase.ENROLLED),
        row(Phase.ENROLLED, NoteGiven, leaving.note, Phase.ENROLLED),
        row(Phase.ENROLLED, DescribePerson, leaving.describe, Phase.ENROLLED),
        row(Phase.ENROLLED, RemovePerson, leaving.remove, Phase.REMOVED),
        row(Phase.ENROLLED, ErasePerson, leaving.erase, Phase.ERASED),
        row(Phase.REMOVED, InvitePerson, _invite, Phase.INVITED),
        *_closed(Phase.REMOVED),
        row(Phase.REMOVED, NoteGiven, leaving.stale, Phase.REMOVED),
        row(Phase.REMOVED, DescribePerson, leaving.describe, Phase.REMOVED),
        row(Phase.REMOVED, RemovePerson, leaving.gone, Phase.REMOVED),  # an answer was lost
        row(Phase.REMOVED, ErasePerson, leaving.erase, Phase.ERASED),
        row(Phase.ERASED, InvitePerson, leaving.erased, Phase.ERASED),
        *_closed(Phase.ERASED),
        row(Phase.ERASED, NoteGiven, leaving.stale, Phase.ERASED),
        row(Phase.ERASED, DescribePerson, leaving.erased, Phase.ERASED),
        row(Phase.ERASED, RemovePerson, leaving.erased, Phase.ERASED),
        row(Phase.ERASED, ErasePerson, leaving.already, Phase.ERASED),
    ),
    terminal=(Phase.ERASED,),
    refusal=Refusal("NOT_FOUND", "nobody of the house who can sign in is called so"),
)

REPLIES: tuple[type[Reply], ...] = (
    PersonInvited, SeedOffered, LinkHolds, LinkRefused, SignedIn, SignInRefused, PasskeysListed,
    PasskeyRegistered, PasskeyRemoved, PersonDescribed, PersonErased, PersonRemoved,
)  # fmt: skip
