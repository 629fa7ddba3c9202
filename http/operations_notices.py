"""The rows of devices and of how people are told (operations.py has the rule).

Source: interface.md 7 (rows b2); spec.md S34, S44, S52, S60.
"""

from types import MappingProxyType
from typing import Final

from comptoir.http import notices
from comptoir.http import shapes_notices as shapes
from comptoir.http.operation import Body, Door, Operation, Owner, Parameter, Reach
from comptoir.http.operations_banking import ID
from comptoir.http.principal import Role

__all__ = ["NOTICES"]

_OWN: Final = MappingProxyType({Role.CLIENT: Reach.OWN})
"""How somebody is told is their own affair."""
_OF_USER: Final = Parameter("userId", "query", "Whose; a client's own without it.", ID)
_DEVICE: Final = Parameter(
    "deviceId", "path", "As the app names the device; for ever the same.",
    {"type": "string", "pattern": shapes.DEVICE_ID.replace(r"\Z", "$")},
)  # fmt: skip
_CHANNEL: Final = Parameter(
    "channel", "path", "What kind of address.", {"type": "string", "enum": ["mail", "sms"]}
)
_COMMON: Final = ("NOT_FOUND", "REQUEST_INVALID")
_CARRIERS: Final = ("MAIL_NOT_CONFIGURED", "SMS_NOT_CONFIGURED")

NOTICES: Final = (
    Operation(
        "registerDevice", "PUT", "/api/v1/devices/{deviceId}", "The app is there, or has a new token",
        "notices", Door.TOKEN, {200: Body("The device.", shapes.DeviceShown)}, notices.register,
        problems=_COMMON, grants=_OWN, owner=Owner.ANSWER, parameters=(_DEVICE, _OF_USER),
        body=Body("How FCM knows it.", shapes.NewDevice),
    ),
    Operation(
        "listDevices", "GET", "/api/v1/devices", "Where a person is told", "notices", Door.TOKEN,
        {200: Body("All of them, the one refreshed last first.", shapes.DeviceList)}, notices.devices,
        problems=_COMMON, grants=_OWN, owner=Owner.ANSWER, parameters=(_OF_USER,),
    ),
    Operation(
        "removeDevice", "DELETE", "/api/v1/devices/{deviceId}", "A person is not told there any more",
        "notices", Door.TOKEN, {200: Body("It is removed.", shapes.DeviceRemoved)}, notices.remove,
        problems=_COMMON, grants=_OWN, owner=Owner.ANSWER, parameters=(_DEVICE, _OF_USER),
    ),
    Operation(
        "getPreferences", "GET", "/api/v1/me/preferences", "How a person is told", "notices", Door.TOKEN,
        {200: Body("What holds for them.", shapes.PreferencesShown)}, notices.preferences,
        problems=_COMMON, grants=_OWN, owner=Owner.ANSWER, parameters=(_OF_USER,),
    ),
    Operation(
        "putPreferences", "PUT", "/api/v1/me/preferences", "How a person wants to be told", "notices",
        Door.TOKEN, {200: Body("What holds for them now.", shapes.PreferencesShown)}, notices.prefer,
        problems=_COMMON, grants=_OWN, owner=Owner.ANSWER, parameters=(_OF_USER,),
        body=Body("All of it; what is left out is as for everybody.", shapes.NewPreferences),
    ),
    Operation(
        "putContact", "PUT", "/api/v1/me/contacts/{channel}", "A person says that an address is theirs",
        "notices", Door.TOKEN, {202: Body("A code went there.", shapes.CodeSent)}, notices.set_contact,
        problems=(*_COMMON, "CONTACT_CODES_USED_UP", *_CARRIERS), grants=_OWN, owner=Owner.ANSWER,
        parameters=(_CHANNEL, _OF_USER), body=Body("The address.", shapes.NewContact),
    ),
    Operation(
        "confirmContact", "POST", "/api/v1/me/contacts/{channel}/confirm", "The code that went there",
        "notices", Door.TOKEN, {200: Body("It is theirs.", shapes.ContactShown)}, notices.confirm,
        problems=(*_COMMON, "CONTACT_CODE_WRONG"), grants=_OWN, owner=Owner.ANSWER,
        parameters=(_CHANNEL, _OF_USER), body=Body("The code.", shapes.NewCode),
    ),
    Operation(
        "removeContact", "DELETE", "/api/v1/me/contacts/{channel}", "Nothing is to go there any more",
        "notices", Door.TOKEN, {200: Body("It is removed.", shapes.ContactGone)}, notices.drop,
        problems=_COMMON, grants=_OWN, owner=Owner.ANSWER, parameters=(_CHANNEL, _OF_USER),
    ),
)  # fmt: skip
