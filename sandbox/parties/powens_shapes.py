"""What Powens is asked, field by field, and how it says no; what tests put there.

Source: docs.powens.com/api-reference/overview (authentication, errors, webview); interface.md 10.
"""

from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

Json = dict[str, Any]
S = TypeVar("S", bound=msgspec.Struct)


class PowensFault(Exception):
    """An answer that is none, in Powens's words."""

    def __init__(self, code: str, status: int = 400) -> None:
        super().__init__(code)
        self.status = status
        self.document: Json = {"code": code, "description": "of the sandbox", "request_id": 1}


class Asked(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A body."""


class Init(Asked, frozen=True):
    """`/auth/init`."""

    client_id: str = ""
    client_secret: str = ""


class Exchange(Asked, frozen=True):
    """`/auth/token/access`."""

    client_id: Annotated[str, Meta(min_length=1)]
    client_secret: Annotated[str, Meta(min_length=1)]
    code: str
    grant_type: str = "authorization_code"


class Renew(Asked, frozen=True):
    """`/auth/renew`."""

    grant_type: str
    client_id: Annotated[str, Meta(min_length=1)]
    client_secret: Annotated[str, Meta(min_length=1)]
    id_user: int
    revoke_previous: bool = False


class Booked(msgspec.Struct, forbid_unknown_fields=True, frozen=True, rename="camel"):
    """`POST /control/powens/transactions`: what changed at the bank, and whether Powens tells of it."""

    connection_id: int
    transactions: list[Json] = []
    webhook: bool = True


class Happened(msgspec.Struct, forbid_unknown_fields=True, frozen=True, rename="camel"):
    """`POST /control/powens/connections`: what became of a connection; Powens tells of it."""

    connection_id: int
    state: str | None = None
    next_try: str | None = None
    expire: str | None = None
    """RFC 3339, with an offset."""
    active: bool = True
    disabled: bool = False
    """Whether its accounts are deactivated."""
    deleted: bool = False
    webhook: bool = True


def read(body: bytes, shape: type[S]) -> S:
    """Reads a request; raises `PowensFault`."""
    try:
        return msgspec.json.decode(body or b"{}", type=shape)
    except msgspec.ValidationError as error:
        missing = "missing required field" in str(error)
        raise PowensFault("missingParameter" if missing else "invalidValue") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise PowensFault("invalidValue") from None
