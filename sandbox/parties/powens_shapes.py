"""What Powens is asked, field by field, and how it says no; what tests put there; and the webview's page.

Source: docs.powens.com/api-reference/overview (authentication, errors, webview); interface.md 10.
"""

from html import escape
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from msgspec import Meta

from comptoir.sandbox.wire.server import Reply

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


class Hook(msgspec.Struct, forbid_unknown_fields=True, frozen=True, rename="camel"):
    """`POST /control/powens/webhooks`: what is set in Powens's console; an empty `url` ends it."""

    url: str
    secret: str = ""
    compressed: bool = False


def read(body: bytes, shape: type[S]) -> S:
    """Reads a request; raises `PowensFault`."""
    try:
        return msgspec.json.decode(body or b"{}", type=shape)
    except msgspec.ValidationError as error:
        missing = "missing required field" in str(error)
        raise PowensFault("missingParameter" if missing else "invalidValue") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise PowensFault("invalidValue") from None


def pressed(body: bytes) -> dict[str, str]:
    """What a person chose on the page."""
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def consent_page(flow: str, query: dict[str, str]) -> Reply:
    """The webview: nothing happens until its button is pressed."""
    fields = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in query.items()
    )
    title = {"connect": "Relier un compte", "reconnect": "Renouveler l'accès"}.get(
        flow, "Gérer les accès"
    )
    page = f"""<!doctype html><html lang="fr"><meta charset="utf-8"><title>{escape(title)}</title>
<h1>{escape(title)}</h1><p>Banque du Bac à Sable</p>
<form method="post" action="{flow}">{fields}
<label>Carte <input name="card" pattern="[0-9]{{4}}" placeholder="4242"></label>
<button name="outcome" value="granted">J'accepte</button>
<button name="outcome" value="access_denied">Je refuse</button></form></html>"""
    return Reply(200, page.encode(), content_type="text/html; charset=utf-8")
