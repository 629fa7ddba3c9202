"""How a notice goes out: at once or after the quiet hours, and by which way. Pure functions of the state.

Rules:
- devices first, then mail, then, for what is urgent, a text message: the next way is tried only where the one
  before it is missing, or has failed on all of its devices, and once for each notice;
- what is sent is what the person wants of its category; what is urgent goes out whatever the hour is;
- of somebody who can be reached by no way nothing is kept, so that their purchases cost no row.

Source: spec.md S44, S52, S65; adr/0044.
"""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

import msgspec

from comptoir.actors.gateways.messages import (
    FCM,
    MAIL,
    SMS,
    PushToDevice,
    SendMail,
    SendPush,
    SendSms,
)
from comptoir.actors.notification.messages import (
    CHANNELS,
    Channel,
    Language,
    Preferences,
    QuietOver,
    addresses_of,
)
from comptoir.actors.notification.quiet import quiet_until
from comptoir.actors.notification.state import (
    Missed,
    NoticeFellBack,
    NoticeLost,
    NotificationState,
    Outcome,
    Phase,
)
from comptoir.actors.notification.terms import Terms, terms_of
from comptoir.actors.notification.texts import (
    DEFAULT_CHANNELS,
    DIGEST,
    TEMPLATES,
    is_urgent,
    worded,
)
from comptoir.engine import Decision, Event, Outgoing
from comptoir.engine.machine import Context

__all__ = [
    "QUIET",
    "digested",
    "language_of",
    "mailed",
    "missed",
    "preferences_of",
    "told",
    "unmailed",
]

QUIET: Final = "quiet"
"""The timer's name."""
SEEN_MAX: Final = 64
"""References that are known again: a notice that is said twice is said again within a few others."""
MISSED_MAX: Final = 32
MAILED_MAX: Final = 8
"""Urgent notices under way by mail; an older one has long been taken, or is lost."""
MARK_BYTES: Final = 9


def preferences_of(state: NotificationState, terms: Terms) -> Preferences:
    """What they want, or what holds for everybody."""
    return state.preferences or Preferences(terms.language, terms.time_zone)


def language_of(state: NotificationState, terms: Terms) -> Language:
    """In what they read."""
    return preferences_of(state, terms).language


def mark_of(reference: str) -> str:
    """A reference as it is remembered."""
    return blake2b(reference.encode(), digest_size=MARK_BYTES).hexdigest()


def ways(state: NotificationState, notice: SendPush, terms: Terms) -> tuple[Channel, ...]:
    """The ways by which a notice may reach them now, in the order in which they are tried."""
    category = TEMPLATES[notice.template].category
    wanted = preferences_of(state, terms).channels.get(category, DEFAULT_CHANNELS[category])
    addresses = addresses_of(state.contacts)
    there = {
        "push": terms.push and bool(state.devices),
        "mail": terms.mail and "mail" in addresses,
        "sms": terms.sms and "sms" in addresses and is_urgent(notice.template),
    }
    return tuple(one for one in CHANNELS if one in wanted and there[one])


def told(state: NotificationState, notice: SendPush, context: Context) -> Outcome:
    """Tell them, or have it wait for the end of their quiet hours; once for each reference."""
    terms, mark = terms_of(context), mark_of(notice.reference)
    if mark in state.seen or not ways(state, notice, terms):
        return Decision(state)
    known = msgspec.structs.replace(state, seen=(*state.seen, mark)[-SEEN_MAX:])
    wants = preferences_of(state, terms)
    until = quiet_until(context.now, wants.time_zone, wants.quiet_from, wants.quiet_to)
    if until is None or is_urgent(notice.template):
        return sent(known, (notice,), context)
    if len(known.held) < terms.held_max:
        waits = msgspec.structs.replace(known, phase=Phase.QUIET, held=(*known.held, notice))
    else:
        waits = msgspec.structs.replace(known, held_more=known.held_more + 1)
    if state.phase is Phase.QUIET:  # the timer stands
        return Decision(waits)
    return Decision(waits, messages=(Outgoing(context.address, QuietOver(), until, QUIET),))


def digested(state: NotificationState, context: Context) -> Outcome:
    """The quiet hours are over: what has waited is told, by one notice where it is much."""
    terms, waiting = terms_of(context), len(state.held) + state.held_more
    awake = msgspec.structs.replace(state, phase=Phase.OPEN, held=(), held_more=0)
    digest = SendPush(context.draw_id(DIGEST), state.held[0].user_id, DIGEST, waiting)
    # Whoever wants to hear nothing of points has no way for the digest: then each by its own.
    together = waiting >= terms.digest_from and bool(ways(awake, digest, terms))
    return sent(awake, (digest,) if together else state.held, context)


def sent(state: NotificationState, notices: Iterable[SendPush], context: Context) -> Outcome:
    """On their way now, each by the first way that there is."""
    after, messages, events = state, list[Outgoing](), list[Event]()
    for notice in notices:
        one = _by_first(after, notice, ways(after, notice, terms_of(context)), context)
        after = one.state
        messages += one.messages
        events += one.events
    return Decision(after, events=tuple(events), messages=tuple(messages))


def missed(state: NotificationState, notice: SendPush, devices: int, context: Context) -> Outcome:
    """One of their devices was not shown it: where that was the last of them, the next way is tried."""
    mark = mark_of(notice.reference)
    found = next((one for one in state.missed if one.mark == mark), Missed(mark, 0))
    others = tuple(one for one in state.missed if one.mark != mark)
    # A dead letter that was sent again, and failed again.
    if found.times == 0 and found in state.missed:
        return Decision(state)
    times = found.times + 1
    over = times >= devices
    kept = (*others, Missed(mark, 0 if over else times))[-MISSED_MAX:]
    known = msgspec.structs.replace(state, missed=kept)
    if not over:
        return Decision(known)
    there = ways(state, notice, terms_of(context))
    left: tuple[Channel, ...] = tuple(one for one in there if one != "push")
    return _by_first(known, notice, left, context)


def unmailed(state: NotificationState, reference: str, context: Context) -> Outcome:
    """A mail will not arrive: what is urgent goes by text message."""
    notice = next((one for one in state.mailed if one.reference == reference), None)
    if notice is None:
        return Decision(state)
    known = mailed(state, reference)
    reached = "sms" in ways(state, notice, terms_of(context))
    return _by_first(known, notice, ("sms",) if reached else (), context)


def mailed(state: NotificationState, reference: str) -> NotificationState:
    """No mail of this reference is waited for any more."""
    rest = tuple(one for one in state.mailed if one.reference != reference)
    return msgspec.structs.replace(state, mailed=rest)


def _by_first(
    state: NotificationState, notice: SendPush, left: tuple[Channel, ...], context: Context
) -> Outcome:
    """By the first of the ways that are left."""
    if not left:
        return Decision(state, events=(NoticeLost(notice.template),))
    terms = terms_of(context)
    title, text = worded(notice, language_of(state, terms))
    if left[0] == "push":
        return Decision(state, messages=_shown(state, notice, title, text))
    address = addresses_of(state.contacts)[left[0]]
    fell = (NoticeFellBack(notice.template, left[0]),)
    if left[0] == "sms":
        out = Outgoing(SMS, SendSms(notice.reference, address, text))
        return Decision(state, events=fell, messages=(out,))
    mail = Outgoing(MAIL, SendMail(notice.reference, address, title, f"{text}\n"))
    if is_urgent(notice.template):
        state = msgspec.structs.replace(state, mailed=(*state.mailed, notice)[-MAILED_MAX:])
    return Decision(state, events=fell, messages=(mail,))


def _shown(
    state: NotificationState, notice: SendPush, title: str, text: str
) -> tuple[Outgoing, ...]:
    """On every device."""
    category, devices = TEMPLATES[notice.template].category, len(state.devices)
    urgent = is_urgent(notice.template)
    return tuple(
        Outgoing(
            FCM,
            PushToDevice(notice, one.id, one.token, devices, title, text, category, urgent),
        )
        for one in state.devices
    )
