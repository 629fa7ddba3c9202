"""What is kept of how a person is told, and what is recorded of it.

Source: spec.md S44, S52, S60; adr/0044.
"""

from enum import Enum

import msgspec

from comptoir.actors.gateways.messages import SendPush
from comptoir.actors.notification.messages import Contact, Device, Preferences
from comptoir.engine import Decision, Event, State

__all__ = [
    "ContactRemoved",
    "ContactTaken",
    "DeviceRegistered",
    "DeviceRemoved",
    "Missed",
    "NoticeFellBack",
    "NoticeLost",
    "NoticesForgotten",
    "NotificationState",
    "Outcome",
    "Phase",
    "PreferencesSet",
]


class Phase(Enum):
    """Whether notices wait."""

    OPEN = "open"
    QUIET = "quiet"


class Missed(msgspec.Struct, frozen=True):
    """A notice that some of their devices were not shown."""

    mark: str
    """Digest of its reference."""
    times: int
    """0: it was sent on by another way, and that is over."""


class NotificationState(State, frozen=True):
    """Sealed as a whole at rest: tokens, addresses and what was told stand in it."""

    phase: Phase
    devices: tuple[Device, ...] = ()
    """The one that was refreshed least lately first."""
    preferences: Preferences | None = None
    contacts: tuple[Contact, ...] = ()
    """Of a channel one that is theirs, and after it one that waits for its code."""
    codes: tuple[int, ...] = ()
    """When codes were sent in the last day: business time, ms."""
    seen: tuple[str, ...] = ()
    """Digests of the references of the newest notices, the oldest first."""
    held: tuple[SendPush, ...] = ()
    """They wait for the end of the quiet hours, the oldest first."""
    held_more: int = 0
    """So many more wait, of which only the number is kept."""
    missed: tuple[Missed, ...] = ()
    """The oldest first."""
    mailed: tuple[SendPush, ...] = ()
    """Urgent notices that went by mail and may have to go by text message, the oldest first."""


class DeviceRegistered(Event, frozen=True):
    """They have the app there, or a new token of it."""

    device_id: str
    platform: str


class DeviceRemoved(Event, frozen=True):
    """Nothing is shown there any more."""

    device_id: str
    why: str
    """`asked`, `unregistered` (FCM says so), `claimed` (by another person) or `replaced` (by a newer one)."""


class PreferencesSet(Event, frozen=True):
    """They said how they want to be told."""


class ContactTaken(Event, frozen=True):
    """An address is theirs: they have shown the code that went there."""

    channel: str


class ContactRemoved(Event, frozen=True):
    """Nothing goes to that address any more."""

    channel: str


class NoticeFellBack(Event, frozen=True):
    """A notice goes by another way than their devices."""

    template: str
    channel: str


class NoticeLost(Event, frozen=True):
    """A notice reached them by no way that there was."""

    template: str


class NoticesForgotten(Event, frozen=True):
    """All of this is gone."""


Outcome = Decision[NotificationState]
