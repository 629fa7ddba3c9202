"""Clients that prove themselves by a secret: what it is, what is kept of it, and who shows the right one.

The rule: a secret is 256 random bits of ours, shown once, and only its SHA-256 goes further than this
module (why no slow hash: actors/clients/machine.py). A client that is not there, one that was revoked and
one with another secret hear the same, after the same work.
Source: RFC 6749 sections 2.3.1 and 10.10; RFC 6819 section 5.1.4.2.2; spec.md X7.
"""

import hashlib
from typing import Final

from comptoir.actors.clients.messages import CLIENTS, AuthenticateClient, ClientAuthenticated
from comptoir.engine import Refused
from comptoir.http.oauth.answers import OAuthError, TooMany
from comptoir.http.oauth.requests import TokenRequest
from comptoir.http.operation import Call
from comptoir.http.port import Port
from comptoir.http.principal import Principal

__all__ = ["digest_of", "draw_client", "not_proven", "proven_client"]

ID_BYTES: Final = 10
"""Not secret; so many of them never meet."""


def draw_client(call: Call) -> tuple[str, str]:
    """A new client's id and secret; the prefixes are for those who search texts for leaked secrets."""
    name = call.draw("client id")[:ID_BYTES].hex()
    return f"cl_{name}", f"cs_{call.draw_secret('client secret')}"


def digest_of(secret: str) -> str:
    """What is kept of a secret: its SHA-256, hex."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def not_proven(request: TokenRequest) -> OAuthError:
    """The refusal of a client that is not who it says."""
    tried = request.credentials is not None and request.credentials.basic
    return OAuthError("invalid_client", "no client has this id and this secret", challenge=tried)


async def proven_client(port: Port, request: TokenRequest) -> tuple[str, str]:
    """The id of the client that asks, and the digest of its secret; its minute (S62) has begun.

    Raises:
        OAuthError: `invalid_client`.
        TooMany: it has asked too often. Only who has the secret can use up its minute.
        EngineError: it cannot be known now.
    """
    given = request.credentials
    if given is None or given.secret is None:
        raise not_proven(request)
    digest = digest_of(given.secret)
    try:
        answer = await port.ask(CLIENTS, AuthenticateClient(given.client_id, digest))
    except Refused:
        raise not_proven(request) from None
    assert isinstance(answer.reply, ClientAuthenticated)
    identity, limits = port.identity, request.call.limits
    if limits is not None and identity is not None:
        count = limits.principal(Principal(answer.reply.client_id, str(identity.issuer)))
        if count.refused:
            raise TooMany(max(1, count.more_in_s))
    return answer.reply.client_id, digest
