"""The grants that the token endpoint takes: one row for each `grant_type`.

The rule: to add a grant is to write a function in a module of its own and to name it here; the endpoint,
and the document that announces what there is, read this table. A grant judges its client by itself,
because what a client must show differs (a secret, or that it is the one that the code was given to).
Source: RFC 6749 sections 1.3, 4 and 8.3; RFC 8414 section 2 (`grant_types_supported`).
"""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Final

from comptoir.http.oauth.answers import TokenAnswer
from comptoir.http.oauth.client_credentials import client_credentials
from comptoir.http.oauth.persons import authorization_code, refresh_token
from comptoir.http.oauth.requests import TokenRequest
from comptoir.http.port import Port

__all__ = ["GRANTS", "Granter"]

Granter = Callable[[Port, TokenRequest], Awaitable[TokenAnswer]]
"""Gives tokens for one kind of grant.

Raises:
    OAuthError: the client hears why not.
    TooMany: the client has asked too often.
    EngineError: whether it was granted is not known; the client sends it again.
"""

GRANTS: Final[Mapping[str, Granter]] = MappingProxyType(
    {
        "authorization_code": authorization_code,
        "refresh_token": refresh_token,
        "client_credentials": client_credentials,
    }
)
"""By `grant_type`."""
