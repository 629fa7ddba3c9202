"""How people are told: their devices, their wishes, and the addresses that they have shown to be theirs.

The rule: whose they are, the token says; where there are no accounts, `?userId=`. A push token goes in and never
comes out; an address comes out masked. Everything else is decided by the person's own actor
(actors/notification).
Source: interface.md 1 and 7 (rows b2); spec.md S44, S52, S60.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from comptoir.actors.notification.messages import (
    CATEGORIES,
    CHANNELS,
    KIND,
    Category,
    Channel,
    CodeOffered,
    ConfirmContact,
    Contact,
    ContactConfirmed,
    DescribeNotices,
    Device,
    NoticesDescribed,
    Preferences,
    RegisterDevice,
    RemoveContact,
    RemoveDevice,
    SetContact,
    SetPreferences,
)
from comptoir.actors.notification.quiet import is_zone
from comptoir.actors.notification.texts import DEFAULT_CHANNELS
from comptoir.engine import Address, Message, Reply
from comptoir.http.answers import Response, json_response
from comptoir.http.bodies import fault, read_body
from comptoir.http.operation import OWNER, Call
from comptoir.http.port import Port
from comptoir.http.portal.shapes import MAIL, PHONE
from comptoir.http.problems import problem
from comptoir.http.queries import plausible_id
from comptoir.http.shapes_notices import DEVICE_ID, NewCode, NewContact, NewDevice, NewPreferences
from comptoir.http.times import rfc3339

__all__ = [
    "confirm",
    "devices",
    "drop",
    "prefer",
    "preferences",
    "register",
    "remove",
    "set_contact",
]

_DEVICE: Final = msgspec.json.Decoder(NewDevice)
_PREFERENCES: Final = msgspec.json.Decoder(NewPreferences)
_CONTACT: Final = msgspec.json.Decoder(NewContact)
_CODE: Final = msgspec.json.Decoder(NewCode)
_DEVICE_ID: Final = re.compile(DEVICE_ID).match
_FORMS: Final[Mapping[str, "re.Pattern[str]"]] = {
    "mail": re.compile(MAIL), "sms": re.compile(PHONE),
}  # fmt: skip
_BLANKS: Final = re.compile(r"[ .()/-]")
_CODES: Final = 10**6
_SHOWN_DIGITS: Final = 4


def _whose(call: Call) -> str | Response:
    """Whose devices and wishes they are, or the problem."""
    asked = call.query.get(OWNER, ())
    user_id = asked[0] if len(asked) == 1 else call.access.user_id
    if len(asked) > 1 or user_id is None:
        errors = [fault(f"/query/{OWNER}", "whose, once", "FIELD_MISSING")]
        return problem("REQUEST_INVALID", call.ticket, errors=errors)
    if not call.access.covers(user_id) or not plausible_id(user_id):
        return problem("NOT_FOUND", call.ticket)
    return user_id


async def _asked(port: Port, user_id: str, message: Message) -> Reply | None:
    return (await port.ask(Address(KIND, user_id), message)).reply


async def _described(port: Port, user_id: str, message: Message) -> NoticesDescribed:
    reply = await _asked(port, user_id, message)
    assert isinstance(reply, NoticesDescribed)
    return reply


async def register(port: Port, call: Call) -> Response:
    """PUT /api/v1/devices/{deviceId}: the app is there, or has a new token."""
    wanted = read_body(call, _DEVICE)
    if isinstance(wanted, Response):
        return wanted
    user_id, name = _whose(call), call.path["deviceId"]
    if isinstance(user_id, Response):
        return user_id
    if not _DEVICE_ID(name):
        errors = [fault("/path/deviceId", "1 to 128 of [A-Za-z0-9._:-]")]
        return problem("REQUEST_INVALID", call.ticket, errors=errors)
    told = RegisterDevice(name, wanted.token, wanted.platform)
    found = await _described(port, user_id, told)
    device = next(one for one in found.devices if one.id == name)
    return json_response(200, _device(device), call.ticket)


async def devices(port: Port, call: Call) -> Response:
    """GET /api/v1/devices."""
    user_id = _whose(call)
    if isinstance(user_id, Response):
        return user_id
    found = await _described(port, user_id, DescribeNotices())
    items = [_device(one) for one in reversed(found.devices)]
    return json_response(200, {"items": items, "nextCursor": None}, call.ticket)


async def remove(port: Port, call: Call) -> Response:
    """DELETE /api/v1/devices/{deviceId}."""
    user_id, name = _whose(call), call.path["deviceId"]
    if isinstance(user_id, Response):
        return user_id
    if not _DEVICE_ID(name):
        return problem("NOT_FOUND", call.ticket)
    await _described(port, user_id, RemoveDevice(name))
    return json_response(200, {"deviceId": name, "status": "removed"}, call.ticket)


async def preferences(port: Port, call: Call) -> Response:
    """GET /api/v1/me/preferences."""
    user_id = _whose(call)
    if isinstance(user_id, Response):
        return user_id
    found = await _described(port, user_id, DescribeNotices())
    return json_response(200, _preferences(port, found), call.ticket)


async def prefer(port: Port, call: Call) -> Response:
    """PUT /api/v1/me/preferences: all of them, at once."""
    wanted = read_body(call, _PREFERENCES)
    if isinstance(wanted, Response):
        return wanted
    user_id = _whose(call)
    if isinstance(user_id, Response):
        return user_id
    zone = wanted.time_zone or port.rules.notices_time_zone
    if not is_zone(zone):
        errors = [fault("/timeZone", "a zone of the IANA data base, such as Europe/Paris")]
        return problem("REQUEST_INVALID", call.ticket, errors=errors)
    quiet = wanted.quiet_hours
    begin, end = (_minutes(quiet.begin), _minutes(quiet.end)) if quiet else (0, 0)
    if quiet is not None and begin == end:
        errors = [fault("/quietHours/to", "another time than `from`; null for no quiet hours")]
        return problem("REQUEST_INVALID", call.ticket, errors=errors)
    given = msgspec.structs.asdict(wanted.channels)
    channels: dict[Category, tuple[Channel, ...]] = {
        category: tuple(one for one in CHANNELS if one in given[category])
        for category in CATEGORIES
        if given[category] is not msgspec.UNSET
    }
    language = wanted.language or port.rules.notices_language
    wishes = Preferences(language, zone, begin, end, channels)
    found = await _described(port, user_id, SetPreferences(wishes))
    return json_response(200, _preferences(port, found), call.ticket)


async def set_contact(port: Port, call: Call) -> Response:
    """PUT /api/v1/me/contacts/{channel}: a code goes to the address."""
    wanted = read_body(call, _CONTACT)
    if isinstance(wanted, Response):
        return wanted
    user_id, channel = _whose(call), _channel(call)
    if isinstance(user_id, Response):
        return user_id
    if channel is None:
        return problem("NOT_FOUND", call.ticket)
    address = wanted.address.strip()
    address = address if channel == "mail" else _BLANKS.sub("", address)
    if not _FORMS[channel].match(address):
        text = "a mail address" if channel == "mail" else "a telephone number in E.164"
        return problem("REQUEST_INVALID", call.ticket, errors=[fault("/address", text)])
    code = f"{int.from_bytes(call.draw('contact')[:8], 'big') % _CODES:06d}"
    offered = await _asked(port, user_id, SetContact(channel, address, code))
    assert isinstance(offered, CodeOffered)
    shown = {"channel": channel, "status": "code_sent", "expiresAt": rfc3339(offered.until)}
    return json_response(202, shown, call.ticket)


async def confirm(port: Port, call: Call) -> Response:
    """POST /api/v1/me/contacts/{channel}/confirm: the code that went there."""
    wanted = read_body(call, _CODE)
    if isinstance(wanted, Response):
        return wanted
    user_id, channel = _whose(call), _channel(call)
    if isinstance(user_id, Response):
        return user_id
    if channel is None:
        return problem("NOT_FOUND", call.ticket)
    confirmed = await _asked(port, user_id, ConfirmContact(channel, wanted.code))
    assert isinstance(confirmed, ContactConfirmed)
    if not confirmed.good:
        return problem("CONTACT_CODE_WRONG", call.ticket)
    found = await _described(port, user_id, DescribeNotices())
    contact = next(one for one in found.contacts if one.channel == channel)
    return json_response(200, _contact(contact), call.ticket)


async def drop(port: Port, call: Call) -> Response:
    """DELETE /api/v1/me/contacts/{channel}."""
    user_id, channel = _whose(call), _channel(call)
    if isinstance(user_id, Response):
        return user_id
    if channel is None:
        return problem("NOT_FOUND", call.ticket)
    await _described(port, user_id, RemoveContact(channel))
    return json_response(200, {"channel": channel, "status": "removed"}, call.ticket)


def _channel(call: Call) -> Channel | None:
    """The one of an address; None: it has none."""
    return next((one for one in CHANNELS if one == call.path["channel"] and one != "push"), None)


def _minutes(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _device(one: Device) -> dict[str, object]:
    return {
        "deviceId": one.id,
        "platform": one.platform,
        "registeredAt": rfc3339(one.since),
        "refreshedAt": rfc3339(one.refreshed_at),
    }


def _preferences(port: Port, found: NoticesDescribed) -> dict[str, Any]:
    """What holds: what they have set, and what is for everybody."""
    rules = port.rules
    wants = found.preferences or Preferences(rules.notices_language, rules.notices_time_zone)
    quiet = None
    if wants.quiet_from != wants.quiet_to:
        quiet = {"from": _clock(wants.quiet_from), "to": _clock(wants.quiet_to)}
    return {
        "language": wants.language,
        "timeZone": wants.time_zone,
        "quietHours": quiet,
        "channels": {
            one: list(wants.channels.get(one, DEFAULT_CHANNELS[one])) for one in CATEGORIES
        },
        "contacts": [_contact(one) for one in found.contacts],
    }


def _contact(one: Contact) -> dict[str, str]:
    status = "confirmed" if one.confirmed else "waiting"
    return {"channel": one.channel, "masked": _masked(one), "status": status}


def _masked(one: Contact) -> str:
    """Enough for its person to know it again."""
    if one.channel == "mail":
        name, _, domain = one.address.rpartition("@")
        return f"{name[:1]}***@{domain}"
    return f"{one.address[:3]}****{one.address[-_SHOWN_DIGITS:]}"
