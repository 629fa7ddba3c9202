"""Where one is signed in, for programs: listed, ended; and somebody else signed out, by who keeps access.

The rule: whose sessions they are, the token or the cookie says, and no path names anybody. To end one wants a
sign-in of a moment ago, by any factor; to sign somebody else out, two. The one that asks may end itself.
Source: interface.md 1; spec.md S34, S60; OWASP ASVS 5, 7.4.5 and 7.5.2; docs/authorization.md.
"""

import re
from typing import Final

import msgspec

from comptoir.http.answers import Response, json_response
from comptoir.http.bodies import read_json
from comptoir.http.identity.claims import is_text
from comptoir.http.oauth.opened import OpenSession, end, end_all, opened_by
from comptoir.http.operation import Call
from comptoir.http.port import Port
from comptoir.http.principal import Principal
from comptoir.http.problems import FieldError, problem
from comptoir.http.session_shapes import SESSION_ID, SignOut
from comptoir.http.times import rfc3339

__all__ = ["end_all_own", "end_own", "listed", "sign_out"]

KEEP: Final = "keep"
CURRENT: Final = "current"
_ID: Final = re.compile(SESSION_ID).match
_SIGN_OUT: Final = msgspec.json.Decoder(SignOut)
_WHO: Final = FieldError(
    pointer="", code="VALUE_INVALID", detail="sub of 1 to 255 printable characters, nothing else"
)
_KEEPS: Final = FieldError(
    pointer="/keep", code="VALUE_INVALID", detail="current, once, or nothing"
)
_NOBODY: Final = Principal("", "")
"""Without accounts nobody signs in."""


async def listed(port: Port, call: Call) -> Response:
    """GET /api/v1/sessions."""
    who = call.principal or _NOBODY
    found = await opened_by(port, who.subject, who.session)
    items = [_shown(one) for one in found]
    return json_response(200, {"items": items, "nextCursor": None}, call.ticket)


async def end_own(port: Port, call: Call) -> Response:
    """DELETE /api/v1/sessions/{sessionId}."""
    who, session_id = call.principal or _NOBODY, call.path["sessionId"]
    if not _ID(session_id) or not await end(port, who.subject, session_id):
        return problem("NOT_FOUND", call.ticket)
    return json_response(200, {"sessionId": session_id, "status": "ended"}, call.ticket)


async def end_all_own(port: Port, call: Call) -> Response:
    """DELETE /api/v1/sessions."""
    who, keeps = call.principal or _NOBODY, call.query.get(KEEP, ())
    if list(keeps) not in ([], [CURRENT]):
        return problem("REQUEST_INVALID", call.ticket, errors=[_KEEPS])
    await end_all(port, who.subject, keep=who.session if keeps else "")
    return json_response(200, {"status": "ended"}, call.ticket)


async def sign_out(port: Port, call: Call) -> Response:
    """POST /api/v1/sign-outs."""
    wanted = read_json(call, _SIGN_OUT, _WHO)
    if isinstance(wanted, Response):
        return wanted
    if not is_text(wanted.sub):
        return problem("REQUEST_INVALID", call.ticket, errors=[_WHO])
    who = call.principal or _NOBODY
    await end_all(port, wanted.sub, by=who.subject or "this machine")
    return json_response(200, {"sub": wanted.sub, "status": "signed_out"}, call.ticket)


def _shown(one: OpenSession) -> dict[str, object]:
    """A session as the API shows it."""
    return {
        "sessionId": one.id,
        "kind": "program" if one.client_id else "browser",
        "clientId": one.client_id or None,
        "device": one.device or None,
        "methods": list(one.methods),
        "begunAt": rfc3339(one.begun_at),
        "lastUsedAt": rfc3339(one.used_at),
        "expiresAt": rfc3339(one.expires_at),
        "current": one.current,
    }
