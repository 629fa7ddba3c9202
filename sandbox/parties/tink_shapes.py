"""What Tink is asked, field by field, and how it says no; what tests put there.

Source: docs.tink.com/api (general, connectivity-v1, data-v2); interface.md 10.
"""

from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import parse_qsl

import msgspec
from msgspec import Meta

Json = dict[str, Any]
S = TypeVar("S", bound=msgspec.Struct)
Text = Annotated[str, Meta(min_length=1)]


class TinkFault(Exception):
    """An answer that is none, in Tink's words."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.document: Json = {"errorMessage": "of the sandbox", "errorCode": code}


class Asked(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A body or a form."""


class Create(Asked, frozen=True):
    """`/api/v1/user/create`."""

    market: Annotated[str, Meta(pattern="^[A-Z]{2}$")]
    external_user_id: Text | None = None
    locale: str = ""
    retention_class: Literal["permanent", "temporary"] = "permanent"


class Token(Asked, frozen=True):
    """`/api/v1/oauth/token`."""

    client_id: Text
    client_secret: Text
    grant_type: Literal["client_credentials", "authorization_code"]
    code: str = ""
    scope: str = ""


class Grant(Asked, frozen=True):
    """`/api/v1/oauth/authorization-grant`."""

    scope: Text
    user_id: str = ""
    external_user_id: str = ""


class Delegate(Asked, frozen=True):
    """`/api/v1/oauth/authorization-grant/delegate`."""

    actor_client_id: Text
    id_hint: Text
    scope: Text
    user_id: str = ""
    external_user_id: str = ""


class Booked(msgspec.Struct, forbid_unknown_fields=True, frozen=True, rename="camel"):
    """`POST /control/tink/transactions`: what changed at the bank, and whether Tink tells of it."""

    credentials_id: str
    transactions: list[Json] = []
    deleted: list[str] = []
    webhook: bool = True


class Happened(msgspec.Struct, forbid_unknown_fields=True, frozen=True, rename="camel"):
    """`POST /control/tink/credentials`: what became of a consent; Tink tells of it where it would."""

    credentials_id: str
    status: str = "UPDATED"
    session_expiry_date: int | None = None
    """Milliseconds since 1970."""
    webhook: bool = True


def read_json(body: bytes, shape: type[S]) -> S:
    """Reads a request; raises `TinkFault`."""
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise TinkFault(400, "request.invalid") from None


def read_form(body: bytes, shape: type[S]) -> S:
    """Likewise of a form."""
    try:
        fields = dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True))
        return msgspec.convert(fields, shape)
    except (msgspec.ValidationError, ValueError):
        raise TinkFault(400, "oauth.invalid_request") from None
