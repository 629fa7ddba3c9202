"""The bodies of devices and of how people are told, as types (comptoir.http.shapes has the rule).

Source: interface.md 7 (rows b2); spec.md S44, S52.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from comptoir.http.shapes import Time

__all__ = [
    "CodeSent",
    "ContactGone",
    "ContactShown",
    "DeviceList",
    "DeviceRemoved",
    "DeviceShown",
    "NewCode",
    "NewContact",
    "NewDevice",
    "NewPreferences",
    "PreferencesShown",
    "QuietHours",
    "Ways",
]

DEVICE_ID = r"^[A-Za-z0-9._:-]{1,128}\Z"
TOKEN = r"^[A-Za-z0-9._:-]{8,1024}\Z"  # noqa: S105 (a form, not one)
"""As FCM makes them, whose length is not documented."""
CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]\Z"
ZONE = r"^[A-Za-z0-9_+/-]{1,64}\Z"
Platform = Literal["android", "ios", "web"]
Way = Literal["push", "mail", "sms"]
Wanted = Annotated[
    list[Way], Meta(max_length=3, description="Tried in the order push, mail, sms; none: never.")
]


class _Shape(msgspec.Struct, frozen=True, rename="camel"):
    """camelCase outside (interface.md 1)."""


class _Taken(_Shape, frozen=True, forbid_unknown_fields=True):
    """A body that is taken: what is not named is refused."""


class NewDevice(_Taken, frozen=True):
    """The app on a device, as FCM knows it now."""

    token: Annotated[
        str, Meta(pattern=TOKEN, description="FCM's registration token; never shown again.")
    ]
    platform: Platform


class DeviceShown(_Shape, frozen=True):
    """A device on which its person is told."""

    device_id: str
    platform: Platform
    registered_at: Time
    refreshed_at: Annotated[Time, Meta(description="When its newest token came.")]


class DeviceList(_Shape, frozen=True):
    """All of a person's devices, the one refreshed last first."""

    items: list[DeviceShown]
    next_cursor: Annotated[str | None, Meta(description="Always null: they are few.")]


class DeviceRemoved(_Shape, frozen=True):
    """Nothing is shown there any more."""

    device_id: str
    status: Literal["removed"]


class QuietHours(_Taken, frozen=True):
    """When nothing but security is told; over midnight where `to` is before `from`."""

    begin: Annotated[str, Meta(pattern=CLOCK)] = msgspec.field(name="from")
    end: Annotated[str, Meta(pattern=CLOCK)] = msgspec.field(name="to")


class Ways(_Taken, frozen=True):
    """By what a person is told, by category; text messages come for security only."""

    points: Wanted | UnsetType = UNSET
    withdrawals: Wanted | UnsetType = UNSET
    connections: Wanted | UnsetType = UNSET
    security: Annotated[list[Way], Meta(min_length=1, max_length=3)] | UnsetType = UNSET


class NewPreferences(_Taken, frozen=True):
    """How a person wants to be told; what is left out is as for everybody."""

    language: Literal["fr", "en"] | None = None
    time_zone: Annotated[str, Meta(pattern=ZONE, description="Of the IANA data base.")] | None = (
        None
    )
    quiet_hours: QuietHours | None = None
    channels: Ways = Ways()


class ContactShown(_Shape, frozen=True):
    """An address of theirs, mostly hidden."""

    channel: Literal["mail", "sms"]
    masked: str
    status: Annotated[
        Literal["confirmed", "waiting"],
        Meta(description="`waiting`: for the code that went there."),
    ]


class PreferencesShown(_Shape, frozen=True):
    """How a person is told."""

    language: Literal["fr", "en"]
    time_zone: str
    quiet_hours: QuietHours | None
    channels: Ways
    contacts: list[ContactShown]


class NewContact(_Taken, frozen=True):
    """An address that a person says is theirs."""

    address: Annotated[
        str, Meta(min_length=1, max_length=254, description="A mail address, or a number in E.164.")
    ]


class NewCode(_Taken, frozen=True):
    """The code that went to an address."""

    code: Annotated[str, Meta(pattern=r"^[0-9]{6}\Z")]


class CodeSent(_Shape, frozen=True):
    """A code is on its way to the address."""

    channel: Literal["mail", "sms"]
    status: Literal["code_sent"]
    expires_at: Time


class ContactGone(_Shape, frozen=True):
    """Nothing goes there any more."""

    channel: Literal["mail", "sms"]
    status: Literal["removed"]
