"""Samples for people as notices reach them, and for installations: a state for every phase, every message."""

from comptoir.actors.device.machine import DeviceState
from comptoir.actors.device.machine import Phase as D
from comptoir.actors.device.messages import ClaimDevice, ReleaseDevice
from comptoir.actors.gateways.messages import NoticeRefused, NoticeTaken, SendPush
from comptoir.actors.notification.messages import (
    ConfirmContact,
    Contact,
    DescribeNotices,
    Device,
    DeviceGone,
    ForgetNotices,
    LoseDevice,
    Preferences,
    PushMissed,
    QuietOver,
    RegisterDevice,
    RemoveContact,
    RemoveDevice,
    SetContact,
    SetPreferences,
)
from comptoir.actors.notification.state import NotificationState, Phase
from comptoir.actors.notification.terms import TERMS as NAME
from comptoir.actors.notification.terms import Terms
from comptoir.engine.values import Message, State

__all__ = [
    "ALWAYS_QUIET",
    "DEVICES",
    "MAIL",
    "NOTICE",
    "NOTICES",
    "PHONE",
    "REACHED",
    "TERMS",
    "URGENT",
]

TERMS = {NAME: Terms(push=True, mail=True, sms=True)}
PHONE = Device("d1", "token-of-d1", "android", 1, 1)
MAIL = Contact("mail", "ada@example.org", confirmed=True)
NOTICE = SendPush("credit:tx1", "u1", "points_credited", 500)
URGENT = SendPush("device:1", "u1", "device_added")
ALWAYS_QUIET = Preferences("en", "UTC", 0, 24 * 60 - 1)
REACHED = NotificationState(Phase.OPEN, (PHONE,), contacts=(MAIL,))
STATES = (
    NotificationState(Phase.OPEN),
    REACHED,
    NotificationState(Phase.OPEN, (PHONE,), ALWAYS_QUIET, (MAIL,)),
    NotificationState(Phase.QUIET, (PHONE,), ALWAYS_QUIET, (MAIL,), held=(NOTICE,)),
)
TO_PERSON: tuple[Message, ...] = (
    NOTICE, URGENT, QuietOver(), PushMissed(NOTICE, 1, "PUSH_UNAVAILABLE"),
    DeviceGone(NOTICE, 1, "d1", "token-of-d1"), NoticeTaken("r1"), NoticeRefused("r1", "MAIL_REFUSED"),
    RegisterDevice("d2", "token-of-d2", "ios"), RemoveDevice("d1"), LoseDevice("d1", "k"),
    SetPreferences(ALWAYS_QUIET), SetContact("mail", "ada@example.org", "123456"),
    ConfirmContact("mail", "123456"), RemoveContact("mail"), DescribeNotices(), ForgetNotices(),
)  # fmt: skip
OF_SOMETHING = (RemoveDevice, ConfirmContact, RemoveContact)
"""Refused where there is nothing of the kind."""
NOTICES: tuple[tuple[State, Message], ...] = tuple(
    (state, message)
    for state in STATES
    for message in TO_PERSON
    if state is not STATES[0] or not isinstance(message, OF_SOMETHING)
)
DEVICES: tuple[tuple[State, Message], ...] = tuple(
    (state, message)
    for state in (DeviceState(D.FREE), DeviceState(D.HELD, "u1", "d1"))
    for message in (
        ClaimDevice("u1", "d1"),
        ClaimDevice("u2", "d1"),
        ReleaseDevice("u1"),
        ReleaseDevice("u2"),
    )
)
OURS = {"notification": NOTICES, "device": DEVICES}
