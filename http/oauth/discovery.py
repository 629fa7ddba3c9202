"""What others need to verify our tokens: who the issuer is, its keys, and where its endpoints are.

The rule: `http/identity/documents.py` says what stands in the two documents; here is only what this
daemon serves of it. They are there only where there are accounts (auth.mode = on).
Source: interface.md 9; OpenID Connect Discovery 1.0 section 4; RFC 7517 section 8.5 (media type);
RFC 8414 section 3.
"""

from typing import Final

import orjson

from comptoir.http.answers import Response, json_response, response
from comptoir.http.oauth.grants import GRANTS
from comptoir.http.operation import Call
from comptoir.http.port import Port
from comptoir.http.problems import problem

__all__ = ["ENDPOINTS_SERVED", "KEY_SET", "configuration", "keys"]

ENDPOINTS_SERVED: Final = ("authorization_endpoint", "token_endpoint", "revocation_endpoint")
"""Members of `documents.ENDPOINTS` that are rows of http/operations.py; a test compares."""
KEY_SET: Final = "application/jwk-set+json"


async def keys(port: Port, call: Call) -> Response:
    """GET /oauth/jwks.json."""
    if port.identity is None:
        return problem("NOT_FOUND", call.ticket)
    body = orjson.dumps(port.identity.jwks())
    return response(200, KEY_SET.encode("ascii"), body, call.ticket)


async def configuration(port: Port, call: Call) -> Response:
    """GET /.well-known/openid-configuration."""
    if port.identity is None:
        return problem("NOT_FOUND", call.ticket)
    found = port.identity.configuration(ENDPOINTS_SERVED, tuple(GRANTS))
    return json_response(200, found, call.ticket)
