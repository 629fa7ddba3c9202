"""What a client sends to the token endpoint, read strictly: its form, and its own credentials.

The rule: a parameter stands once, an empty one is not there, one that is not known is passed over; a
client says who it is in one way. Nothing is believed here: `Credentials` are a claim.
Source: RFC 6749 sections 2.3.1 (credentials), 3.2 (parameters) and appendix B (form encoding);
RFC 7617 section 2 (Basic); RFC 9700 section 2.5.
"""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, unquote_to_bytes

from comptoir.http.oauth.answers import OAuthError
from comptoir.http.operation import Call

__all__ = ["FORM", "FORM_BYTES_MAX", "Credentials", "TokenRequest", "read_form", "read_request"]

FORM: Final = "application/x-www-form-urlencoded"
FORM_BYTES_MAX: Final = 16 * 1024
"""The longest thing in it is a token of some kilobytes."""
PARAMETERS_MAX: Final = 32
"""RFC 6749 with PKCE and resource indicators has ten."""
_BASIC = re.compile(r"[Bb][Aa][Ss][Ii][Cc] +([A-Za-z0-9+/]+={0,2})").fullmatch


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who a client says that it is."""

    client_id: str
    secret: str | None
    """None: it gave none, as public clients do."""
    basic: bool
    """Whether they stood in the Authorization header."""


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """One request, well formed."""

    form: Mapping[str, str]
    """Every parameter that has a value."""
    credentials: Credentials | None
    """None: it does not say who it is."""
    call: Call

    def want(self, name: str) -> str:
        """The value of a parameter that must be there.

        Raises:
            OAuthError: `invalid_request`.
        """
        value = self.form.get(name)
        if value is None:
            raise OAuthError("invalid_request", f"{name} is missing")
        return value


def read_request(call: Call) -> TokenRequest:
    """Read one request.

    Raises:
        OAuthError: `invalid_request`, or `invalid_client` for an Authorization header that is not of
            the form.
    """
    form = read_form(call)
    return TokenRequest(form, _credentials(call.values(b"authorization"), form), call)


def read_form(call: Call) -> dict[str, str]:
    """Every parameter of a form that has a value.

    Raises:
        OAuthError: `invalid_request`.
    """
    if call.media_type != FORM:
        raise OAuthError("invalid_request", f"the body must be {FORM}")
    if len(call.body) > FORM_BYTES_MAX:
        raise OAuthError("invalid_request", f"the body has over {FORM_BYTES_MAX} bytes")
    try:
        pairs = parse_qsl(
            call.body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=PARAMETERS_MAX,
        )
    except ValueError:  # not ASCII, not UTF-8 inside, or too many; the text would quote it
        raise OAuthError("invalid_request", "the body is no form of UTF-8 text") from None
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise OAuthError("invalid_request", "a parameter stands twice")
    return {name: value for name, value in pairs if value}


def _credentials(authorization: Sequence[str], form: Mapping[str, str]) -> Credentials | None:
    """Who the client says that it is, in the header or in the form."""
    client_id, secret = form.get("client_id"), form.get("client_secret")
    if not authorization:
        if client_id is None and secret is not None:
            raise OAuthError("invalid_request", "client_secret without client_id")
        return None if client_id is None else Credentials(client_id, secret, basic=False)
    if secret is not None:
        raise OAuthError("invalid_request", "the client gives its secret in two ways")
    given = _basic(authorization)
    if client_id not in (None, given.client_id):
        raise OAuthError("invalid_request", "the client names itself in two ways")
    return given


def _basic(authorization: Sequence[str]) -> Credentials:
    """RFC 6749 section 2.3.1: both halves are form-encoded before Basic puts them together."""
    found = _BASIC(authorization[0]) if len(authorization) == 1 else None
    try:
        if found is None:
            raise ValueError("not Basic")
        name, colon, secret = base64.b64decode(found[1], validate=True).partition(b":")
        if not colon or not name:
            raise ValueError("no two halves")
        return Credentials(_decoded(name), _decoded(secret), basic=True)
    except (ValueError, binascii.Error):
        text = "the Authorization header is not that of HTTP Basic"
        raise OAuthError("invalid_client", text, challenge=True) from None


def _decoded(half: bytes) -> str:
    return unquote_to_bytes(half.replace(b"+", b" ")).decode("utf-8")
