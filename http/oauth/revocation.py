"""`POST /oauth/revoke`: a client says that it needs a token no more.

The rule: the client proves itself as at the token endpoint, or is one of people's, which has no secret and
names the token that it was given. Each kind of token that can be revoked has a row in `REVOKERS`; one
that nobody knows is as good as revoked already (200). An access token of ours is refused here from that
answer on; another program that verifies it by its signature alone takes it until it ends by itself, within
`auth.access_token_minutes`. One of another issuer is that issuer's to end: `unsupported_token_type`.
Source: RFC 7009 sections 2.1 and 2.2; RFC 9068; interface.md 9.
"""

from collections.abc import Awaitable, Callable

from comptoir.http.answers import Response, json_response
from comptoir.http.oauth.answers import OAuthError, TooMany, error_response, too_many
from comptoir.http.oauth.client_secrets import proven_client
from comptoir.http.oauth.persons import public_client, revoke_access_token, revoke_refresh_token
from comptoir.http.oauth.requests import read_request
from comptoir.http.operation import Call
from comptoir.http.port import Port
from comptoir.http.problems import problem

__all__ = ["REVOKERS", "Revoker", "revoke"]

Revoker = Callable[[Port, str, str], Awaitable[bool]]
"""Given the client's id and a token: whether it was of its kind, and so is revoked now, if it was that
client's."""

REVOKERS: tuple[Revoker, ...] = (revoke_refresh_token, revoke_access_token)
"""One for each kind of token that can be revoked, asked in this order."""


async def revoke(port: Port, call: Call) -> Response:
    """POST /oauth/revoke."""
    if port.identity is None:
        return problem("NOT_FOUND", call.ticket)
    try:
        request = read_request(call)
        token = request.want("token")
        client_id = public_client(port, request) or (await proven_client(port, request))[0]
        for revoker in REVOKERS:
            if await revoker(port, client_id, token):
                return json_response(200, {}, call.ticket)
    except OAuthError as error:
        return error_response(error, call.ticket)
    except TooMany as much:
        return too_many(much, call.ticket)
    return json_response(200, {}, call.ticket)
