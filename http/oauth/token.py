"""`POST /oauth/token`: a grant goes in, a token comes out.

The rule: the endpoint reads the request, finds the grant's function and gives its answer a form; what a
grant is worth is decided in `grants`. It is there only where there are accounts (auth.mode = on). An
address has used its minute (S62) before anything is read.
Source: RFC 6749 sections 3.2 and 5; interface.md 9; spec.md S34.
"""

from comptoir.http.answers import Response
from comptoir.http.oauth.answers import (
    OAuthError,
    TooMany,
    error_response,
    token_response,
    too_many,
)
from comptoir.http.oauth.grants import GRANTS
from comptoir.http.oauth.requests import read_request
from comptoir.http.operation import Call
from comptoir.http.port import Port
from comptoir.http.problems import problem

__all__ = ["token"]


async def token(port: Port, call: Call) -> Response:
    """POST /oauth/token."""
    if port.identity is None:
        return problem("NOT_FOUND", call.ticket)
    try:
        request = read_request(call)
        granter = GRANTS.get(request.want("grant_type"))
        if granter is None:
            raise OAuthError("unsupported_grant_type", "see grant_types_supported")
        return token_response(await granter(port, request), call.ticket)
    except OAuthError as error:
        return error_response(error, call.ticket)
    except TooMany as much:
        return too_many(much, call.ticket)
