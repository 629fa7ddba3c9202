"""The bodies of the portal as types, for the description; requests are decoded with them.

Source: interface.md 1 and 8; spec.md S8, S9, X8; ITU-T E.164; RFC 5321 section 4.5.3.1 (lengths).
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

__all__ = [
    "MAIL",
    "ONBOARDING_ID",
    "PHONE",
    "ClientInvited",
    "NewInvitation",
    "PortalCode",
    "PortalCodeForm",
    "PortalFile",
    "PortalLink",
    "PortalLinkForm",
    "PortalSession",
]

ONBOARDING_ID: Final = r"^[A-Z]{1,8}-[0-9]{4}-[0-9]{5,9}\Z"
"""S9: `ONB-2025-00123`."""
_ANY = Annotated[str, Meta(max_length=128)]
MAIL: Final = (
    r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){0,7}\Z"
)
"""As HTML has it for `input type=email`, and no longer than a mail server takes it in parts."""
PHONE: Final = r"^\+[1-9][0-9]{6,14}\Z"
_USER = r"^[A-Za-z0-9._@:-]{1,255}\Z"
"""A `sub` that stands in paths."""


class NewInvitation(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A client who is to get in."""

    user_id: Annotated[str, Meta(pattern=_USER, description="`sub` of the client.")]
    email: Annotated[str, Meta(pattern=MAIL, max_length=254)]
    phone: Annotated[str, Meta(pattern=PHONE, description="E.164.")] | None = None
    """None: the code comes by a second mail."""
    language: Literal["fr", "en"] = "fr"


class ClientInvited(msgspec.Struct, frozen=True, rename="camel"):
    """The link is on its way; it is shown to nobody here."""

    onboarding_id: str
    code_by: Literal["sms", "mail"]
    expires_at: str


class PortalLink(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The link that a client was sent, taken apart."""

    onboarding_id: _ANY
    token: _ANY


class PortalFile(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Whose code is to be sent once more."""

    onboarding_id: _ANY


class PortalCode(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The code that came."""

    onboarding_id: _ANY
    code: _ANY


class PortalSession(msgspec.Struct, frozen=True, rename="camel"):
    """Who has signed in with this browser."""

    user_id: str
    methods: Annotated[list[str], Meta(description="RFC 8176.")]
    expires_at: Annotated[str, Meta(description="At the latest.")]


class PortalLinkForm(msgspec.Struct, frozen=True):
    """What the page of a link sends."""

    token: str


class PortalCodeForm(msgspec.Struct, frozen=True):
    """What the page of a code sends."""

    code: str
