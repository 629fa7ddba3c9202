"""The machine of a person as notices reach them: devices, addresses, wishes, and what was told.

Rules:
- a device is registered by its app, under a token that it renews; what FCM does not know any more is removed,
  and what another person registers is theirs (actors/device);
- an address is written to when its person has shown a code that went there; codes are few in a day, so that
  nobody is written to by a stranger's hand;
- security cannot be left without a way: its person hears of a new device by the ones that they had;
- how a notice goes out stands in telling.py. What fails here blocks nothing: whoever had something to tell has
  gone on long ago.

Source: spec.md S44, S52, S60, S63 to S65; adr/0044.
"""

import hmac
from hashlib import blake2b
from typing import Final

import msgspec

from comptoir.actors.device.messages import ClaimDevice, ReleaseDevice, device_at
from comptoir.actors.gateways.messages import (
    MAIL,
    SMS,
    NoticeRefused,
    NoticeTaken,
    SendMail,
    SendPush,
    SendSms,
)
from comptoir.actors.notification.messages import (
    KIND,
    CodeOffered,
    ConfirmContact,
    Contact,
    ContactConfirmed,
    DescribeNotices,
    Device,
    DeviceGone,
    ForgetNotices,
    LoseDevice,
    NoticesDescribed,
    PushMissed,
    QuietOver,
    RegisterDevice,
    RemoveContact,
    RemoveDevice,
    SetContact,
    SetPreferences,
)
from comptoir.actors.notification.state import (
    ContactRemoved,
    ContactTaken,
    DeviceRegistered,
    DeviceRemoved,
    NoticesForgotten,
    NotificationState,
    Outcome,
    Phase,
    PreferencesSet,
)
from comptoir.actors.notification.telling import (
    QUIET,
    digested,
    language_of,
    mailed,
    missed,
    told,
    unmailed,
)
from comptoir.actors.notification.terms import DAY_MS, terms_of
from comptoir.actors.notification.texts import DEVICE_ADDED, TEMPLATES, code_text
from comptoir.engine import DeadLetter, Decision, Event, Outgoing, Refusal, Reply
from comptoir.engine.machine import Context, Machine, row

__all__ = ["MACHINE", "REPLIES"]

PROOF_BYTES: Final = 16
CODES_USED_UP: Final = Refusal("CONTACT_CODES_USED_UP", "so many codes were sent in the last day")
NO_MAIL: Final = Refusal("MAIL_NOT_CONFIGURED", "nobody carries mail")
NO_SMS: Final = Refusal("SMS_NOT_CONFIGURED", "nobody carries text messages")


def _take(state: NotificationState, message: SendPush, context: Context) -> Outcome:
    """Somebody has something to tell."""
    if message.template not in TEMPLATES:
        letter = DeadLetter("dlq:notifications", "NOTICE_UNKNOWN", message.template)
        return Decision(state, dead_letter=letter)
    return told(state, message, context)


def _wake(state: NotificationState, _message: QuietOver, context: Context) -> Outcome:
    return digested(state, context)


def _missed(state: NotificationState, message: PushMissed, context: Context) -> Outcome:
    return missed(state, message.notice, message.devices, context)


def _gone(state: NotificationState, message: DeviceGone, context: Context) -> Outcome:
    """FCM knows it no more; unless it has a new token since, which is another installation to FCM."""
    left = tuple(one for one in state.devices if one.token != message.token)
    outcome = missed(
        msgspec.structs.replace(state, devices=left), message.notice, message.devices, context
    )
    if len(left) == len(state.devices):
        return outcome
    removed = DeviceRemoved(message.device_id, "unregistered")
    free = Outgoing(device_at(message.token), ReleaseDevice(context.address.key))
    return msgspec.structs.replace(
        outcome, events=(removed, *outcome.events), messages=(free, *outcome.messages)
    )


def _unmailed(state: NotificationState, message: NoticeRefused, context: Context) -> Outcome:
    return unmailed(state, message.reference, context)


def _mailed(state: NotificationState, message: NoticeTaken, _context: Context) -> Outcome:
    after = mailed(state, message.reference)
    return Decision(state if after == state else after)


# Devices.


def _register(state: NotificationState, message: RegisterDevice, context: Context) -> Outcome:
    """A new device, or a device's new token; whoever is there already is told of a new one."""
    terms, key = terms_of(context), context.address.key
    before = next((one for one in state.devices if one.id == message.device_id), None)
    since = context.now if before is None else before.since
    device = Device(message.device_id, message.token, message.platform, since, context.now)
    claim = Outgoing(device_at(message.token), ClaimDevice(key, message.device_id))
    events: list[Event] = [DeviceRegistered(message.device_id, message.platform)]
    messages = [claim]
    if before is not None and before.token != message.token:
        messages.append(Outgoing(device_at(before.token), ReleaseDevice(key)))
    # The same installation under a new name of its own.
    others = [x for x in state.devices if x.id != message.device_id and x.token != message.token]
    over = max(0, len(others) + 1 - terms.devices_max)
    for one in others[:over]:
        events.append(DeviceRemoved(one.id, "replaced"))
        messages.append(Outgoing(device_at(one.token), ReleaseDevice(key)))
    after = msgspec.structs.replace(state, devices=(*others[over:], device))
    if before is not None:
        return _described(after, tuple(events), tuple(messages))
    # Told by the ways that there were: the newcomer would only tell it to itself.
    notice = SendPush(context.draw_id("device"), key, DEVICE_ADDED)
    warned = told(msgspec.structs.replace(after, devices=tuple(others[over:])), notice, context)
    known = msgspec.structs.replace(warned.state, devices=after.devices)
    return _described(known, (*events, *warned.events), (*messages, *warned.messages))


def _remove(state: NotificationState, message: RemoveDevice, context: Context) -> Outcome | Refusal:
    found = next((one for one in state.devices if one.id == message.device_id), None)
    if found is None:
        return Refusal("NOT_FOUND", "there is no such device")
    free = Outgoing(device_at(found.token), ReleaseDevice(context.address.key))
    left = tuple(one for one in state.devices if one is not found)
    after = msgspec.structs.replace(state, devices=left)
    return _described(after, (DeviceRemoved(found.id, "asked"),), (free,))


def _lose(state: NotificationState, message: LoseDevice, _context: Context) -> Outcome:
    """Another sits there now; unless the device has a new token, and so another installation's actor."""
    left = tuple(
        one
        for one in state.devices
        if one.id != message.device_id or device_at(one.token).key != message.key
    )
    if len(left) == len(state.devices):
        return Decision(state)
    after = msgspec.structs.replace(state, devices=left)
    return Decision(after, events=(DeviceRemoved(message.device_id, "claimed"),))


# Wishes and addresses.


def _prefer(state: NotificationState, message: SetPreferences, _context: Context) -> Outcome:
    """From now on; what waits goes on waiting for the end that it was told."""
    if state.preferences == message.preferences:
        return _described(state)
    after = msgspec.structs.replace(state, preferences=message.preferences)
    return _described(after, (PreferencesSet(),))


def _contact(state: NotificationState, message: SetContact, context: Context) -> Outcome | Refusal:
    """A code goes there; until it is shown, the address that was theirs before stays theirs."""
    terms = terms_of(context)
    if message.channel == "mail" and not terms.mail:
        return NO_MAIL
    if message.channel == "sms" and not terms.sms:
        return NO_SMS
    recent = tuple(at for at in state.codes if at > context.now - DAY_MS)
    if len(recent) >= terms.codes_per_day_max:
        return CODES_USED_UP
    until = context.now + terms.code_ms
    proof = _proof(message.address, message.code)
    contact = Contact(message.channel, message.address, proof=proof, code_until=until)
    after = msgspec.structs.replace(
        state, contacts=_with(state, contact), codes=(*recent, context.now)
    )
    title, text = code_text(message.code, terms.code_ms, language_of(state, terms))
    reference = context.draw_id("code")
    if message.channel == "mail":
        out = Outgoing(MAIL, SendMail(reference, message.address, title, f"{text}\n"))
    else:
        out = Outgoing(SMS, SendSms(reference, message.address, text))
    return Decision(after, CodeOffered(until), messages=(out,))


def _confirm(
    state: NotificationState, message: ConfirmContact, context: Context
) -> Outcome | Refusal:
    # The newest last: the one that waits for its code, where there is one.
    found = next((x for x in reversed(state.contacts) if x.channel == message.channel), None)
    if found is None:
        return Refusal("NOT_FOUND", "there is no such address")
    if found.confirmed:  # asked again: an answer was lost
        return Decision(state, ContactConfirmed(good=True))
    tries_max = terms_of(context).tries_max
    if context.now >= found.code_until or found.failures >= tries_max:
        return Decision(state, ContactConfirmed(good=False))
    if hmac.compare_digest(found.proof, _proof(found.address, message.code)):
        contact = Contact(found.channel, found.address, confirmed=True)
        after = msgspec.structs.replace(state, contacts=_with(state, contact))
        return Decision(
            after, ContactConfirmed(good=True), events=(ContactTaken(found.channel),)
        )  # fmt: skip
    wrong = msgspec.structs.replace(found, failures=found.failures + 1)
    after = msgspec.structs.replace(state, contacts=_with(state, wrong))
    return Decision(after, ContactConfirmed(good=False, tries_left=tries_max - wrong.failures))


def _uncontact(
    state: NotificationState, message: RemoveContact, _context: Context
) -> Outcome | Refusal:
    left = tuple(one for one in state.contacts if one.channel != message.channel)
    if len(left) == len(state.contacts):
        return Refusal("NOT_FOUND", "there is no such address")
    after = msgspec.structs.replace(state, contacts=left)
    return _described(after, (ContactRemoved(message.channel),))


def _with(state: NotificationState, contact: Contact) -> tuple[Contact, ...]:
    """In place of the one that waited; a confirmed one takes the place of what was confirmed, too."""
    others = (
        one
        for one in state.contacts
        if one.channel != contact.channel or (one.confirmed and not contact.confirmed)
    )
    return (*others, contact)


def _proof(address: str, code: str) -> str:
    return blake2b(f"{address}\n{code}".encode(), digest_size=PROOF_BYTES).hexdigest()


def _forget(state: NotificationState, _message: ForgetNotices, context: Context) -> Outcome:
    """As one who was never heard of; their installations are free."""
    key = context.address.key
    free = (Outgoing(device_at(one.token), ReleaseDevice(key)) for one in state.devices)
    timers = (QUIET,) if state.phase is Phase.QUIET else ()
    return Decision(
        NotificationState(Phase.OPEN),
        events=(NoticesForgotten(),),
        messages=tuple(free),
        cancel=timers,
    )


def _describe(state: NotificationState, _message: DescribeNotices, _context: Context) -> Outcome:
    return _described(state)


def _described(
    state: NotificationState,
    events: tuple[Event, ...] = (),
    messages: tuple[Outgoing, ...] = (),
) -> Outcome:
    shown = NoticesDescribed(state.devices, state.preferences, state.contacts)
    return Decision(state, shown, events=events, messages=messages)


def _nothing(state: NotificationState, _message: QuietOver, _context: Context) -> Outcome:
    """Set before what waited was forgotten."""
    return Decision(state)


MACHINE: Machine[NotificationState] = Machine(
    KIND,
    phases=Phase,
    messages=(
        SendPush, QuietOver, PushMissed, DeviceGone, NoticeTaken, NoticeRefused, RegisterDevice,
        RemoveDevice, LoseDevice, SetPreferences, SetContact, ConfirmContact, RemoveContact,
        DescribeNotices, ForgetNotices,
    ),
    rows=(
        row(Phase.OPEN, SendPush, _take, Phase.OPEN, Phase.QUIET),
        row(Phase.QUIET, SendPush, _take, Phase.QUIET),
        row(Phase.QUIET, QuietOver, _wake, Phase.OPEN),
        row(Phase.OPEN, QuietOver, _nothing, Phase.OPEN),
        row(Phase.QUIET, ForgetNotices, _forget, Phase.OPEN),
        row(Phase.OPEN, ForgetNotices, _forget, Phase.OPEN),
        *(
            one
            for phase in Phase
            for one in (
                row(phase, PushMissed, _missed, phase),
                row(phase, DeviceGone, _gone, phase),
                row(phase, NoticeTaken, _mailed, phase),
                row(phase, NoticeRefused, _unmailed, phase),
                row(phase, RegisterDevice, _register, phase),
                row(phase, RemoveDevice, _remove, phase),
                row(phase, LoseDevice, _lose, phase),
                row(phase, SetPreferences, _prefer, phase),
                row(phase, SetContact, _contact, phase),
                row(phase, ConfirmContact, _confirm, phase),
                row(phase, RemoveContact, _uncontact, phase),
                row(phase, DescribeNotices, _describe, phase),
            )
        ),
    ),
)  # fmt: skip

REPLIES: tuple[type[Reply], ...] = (NoticesDescribed, CodeOffered, ContactConfirmed)
