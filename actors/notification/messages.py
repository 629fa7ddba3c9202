"""What may be said to whoever tells a person things, and what it answers (S44, S52).

A notice itself is `SendPush`, and stands with what is asked of outside parties.

Another machine may import this module and nothing else of this package (design.md 1).
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

from comptoir.actors.gateways.messages import NOTIFICATION, SendPush
from comptoir.engine.values import Message, Reply

__all__ = [
    "CATEGORIES",
    "CHANNELS",
    "KIND",
    "Category",
    "Channel",
    "CodeOffered",
    "ConfirmContact",
    "Contact",
    "ContactConfirmed",
    "DescribeNotices",
    "Device",
    "DeviceGone",
    "ForgetNotices",
    "Language",
    "LoseDevice",
    "NoticesDescribed",
    "Preferences",
    "PushMissed",
    "QuietOver",
    "RegisterDevice",
    "RemoveContact",
    "RemoveDevice",
    "SetContact",
    "SetPreferences",
    "addresses_of",
]

KIND = NOTIFICATION
Language = Literal["fr", "en"]
Channel = Literal["push", "mail", "sms"]
Category = Literal["points", "withdrawals", "connections", "security"]
CHANNELS: tuple[Channel, ...] = ("push", "mail", "sms")
"""In the order in which they are tried."""
CATEGORIES: tuple[Category, ...] = ("points", "withdrawals", "connections", "security")


class Device(msgspec.Struct, frozen=True):
    """An installation of the app."""

    id: str
    """As the app names it."""
    token: str
    """By which FCM knows it."""
    platform: str
    """`android`, `ios` or `web`."""
    since: int
    """Business time, ms since 1970, of its registration."""
    refreshed_at: int
    """Likewise of its newest token."""


class Contact(msgspec.Struct, frozen=True):
    """An address that a person says is theirs; nothing but a code is sent to it until they show the code."""

    channel: Channel
    address: str
    confirmed: bool = False
    proof: str = ""
    """Digest of the address and the newest code; empty once it is confirmed."""
    code_until: int = 0
    """Business time, ms since 1970."""
    failures: int = 0
    """Wrong tries of the newest code."""


class Preferences(msgspec.Struct, frozen=True):
    """How a person wants to be told."""

    language: Language
    time_zone: str
    """Of the IANA data base: that of the quiet hours."""
    quiet_from: int = 0
    """Minutes after midnight."""
    quiet_to: int = 0
    """Likewise; the same: there are no quiet hours."""
    channels: Mapping[Category, tuple[Channel, ...]] = {}
    """By what a category may come; one that is not in it: by what is set for everybody (texts.py)."""


class RegisterDevice(Message, frozen=True):
    """The person has the app there, under this token; said again with each new token."""

    device_id: str
    token: str
    platform: str


class RemoveDevice(Message, frozen=True):
    """The person does not want to be told there."""

    device_id: str


class LoseDevice(Message, frozen=True):
    """From the installation: another has signed in there, or the same person under another name of it."""

    device_id: str
    key: str
    """Of the installation's actor: the device may have another token meanwhile."""


class SetPreferences(Message, frozen=True):
    """How they want to be told, from now on."""

    preferences: Preferences


class SetContact(Message, frozen=True):
    """They say that this address is theirs: a code goes there."""

    channel: Channel
    address: str
    code: str


class ConfirmContact(Message, frozen=True):
    """They show the code."""

    channel: Channel
    code: str


class RemoveContact(Message, frozen=True):
    """Nothing is to go there any more."""

    channel: Channel


class DescribeNotices(Message, frozen=True):
    """Say what is known of how the person is told."""


class ForgetNotices(Message, frozen=True):
    """The person is erased: nothing is known of them from here on (S60)."""


class QuietOver(Message, frozen=True):
    """One's own timer: the quiet hours are over."""


class PushMissed(Message, frozen=True):
    """From FCM's gateway: this device was not shown it."""

    notice: SendPush
    devices: int
    """How many were to be shown it."""
    code: str


class DeviceGone(Message, frozen=True):
    """From FCM's gateway: it knows no installation of this token any more."""

    notice: SendPush
    devices: int
    device_id: str
    token: str


class NoticesDescribed(Reply, frozen=True):
    """How the person is told, after whatever was asked for."""

    devices: tuple[Device, ...]
    preferences: Preferences | None
    """None: they have set none."""
    contacts: tuple[Contact, ...]


class CodeOffered(Reply, frozen=True):
    """A code is on its way to the address."""

    until: int
    """Business time, ms since 1970."""


class ContactConfirmed(Reply, frozen=True):
    """Whether it was the code, so that the address is theirs."""

    good: bool
    tries_left: int = 0


def addresses_of(contacts: tuple[Contact, ...]) -> Mapping[Channel, str]:
    """Where they may be reached beside their devices: confirmed addresses by channel."""
    return {one.channel: one.address for one in contacts if one.confirmed}
