"""The client's session for programs: a page of the portal with a script, or an app (S3).

The rule: a link that cannot be used is 410 whatever is wrong with it. No answer has a secret in its body; it
is in the cookie, which scripts cannot read. A page elsewhere is refused (CSRF).
Source: interface.md 8 (row `POST /portal/session`); spec.md S34, X8; docs/adr/0026.
"""

from typing import Final

import msgspec

from comptoir.actors.invitation.messages import CodesUsedUp, CodeWrong
from comptoir.http.answers import Response, json_response, no_content
from comptoir.http.bodies import read_json
from comptoir.http.oauth.sessions import is_from_elsewhere, session_of, set_cookie
from comptoir.http.operation import Call
from comptoir.http.page import language_of
from comptoir.http.port import Port
from comptoir.http.portal import entering
from comptoir.http.portal.entering import Entered, Waiting
from comptoir.http.portal.inviting import shown_time
from comptoir.http.portal.shapes import PortalCode, PortalFile, PortalLink
from comptoir.http.principal import Role
from comptoir.http.problems import problem

__all__ = ["begin", "confirm", "end", "renew", "show", "want"]

_LINK: Final = msgspec.json.Decoder(PortalLink)
_FILE: Final = msgspec.json.Decoder(PortalFile)
_CODE: Final = msgspec.json.Decoder(PortalCode)


async def begin(port: Port, call: Call) -> Response:
    """POST /portal/session: the link is used, and a code sent."""
    refused = _refused(port, call)
    given = refused or read_json(call, _LINK, "onboardingId and token, and nothing else")
    if port.identity is None or isinstance(given, Response):
        return given if isinstance(given, Response) else problem("NOT_FOUND", call.ticket)
    used = await entering.use_link(port, port.identity, call, given.onboarding_id, given.token)
    return _shown(used, call.ticket)


async def want(port: Port, call: Call) -> Response:
    """POST /portal/session/link: a link is over, and another is wanted; always the same answer."""
    refused = _refused(port, call)
    given = refused or read_json(call, _LINK, "onboardingId and token, and nothing else")
    if isinstance(given, Response):
        return given
    await entering.want_link(port, call, given.onboarding_id, given.token, language_of(call))
    return no_content(call.ticket)


async def renew(port: Port, call: Call) -> Response:
    """POST /portal/session/code/new: another code."""
    refused = _refused(port, call)
    given = refused or read_json(call, _FILE, "onboardingId, and nothing else")
    if port.identity is None or isinstance(given, Response):
        return given if isinstance(given, Response) else problem("NOT_FOUND", call.ticket)
    sent = await entering.renew_code(port, port.identity, call, given.onboarding_id)
    return _shown(sent, call.ticket)


async def confirm(port: Port, call: Call) -> Response:
    """POST /portal/session/code: the code came."""
    refused = _refused(port, call)
    given = refused or read_json(call, _CODE, "onboardingId and code, and nothing else")
    if port.identity is None or isinstance(given, Response):
        return given if isinstance(given, Response) else problem("NOT_FOUND", call.ticket)
    done = await entering.enter_code(port, port.identity, call, given.onboarding_id, given.code)
    return _shown(done, call.ticket)


async def show(port: Port, call: Call) -> Response:
    """GET /portal/session: who is in."""
    found = None
    if port.identity is not None:
        found = await session_of(port, port.identity, call)
    if found is None or Role.CLIENT not in found.person.roles:
        return problem("NOT_FOUND", call.ticket)
    shown = {
        "userId": found.person.subject,
        "methods": list(found.person.methods),
        "expiresAt": shown_time(found.expires_at),
    }
    return json_response(200, shown, call.ticket)


async def end(port: Port, call: Call) -> Response:
    """DELETE /portal/session: nobody is, whoever was."""
    refused = _refused(port, call)
    if port.identity is None or refused is not None:
        return refused or problem("NOT_FOUND", call.ticket)
    await entering.sign_out(port, port.identity, call)
    answer = no_content(call.ticket)
    answer.headers.append(set_cookie(port.identity, "", 0))
    return answer


def _refused(port: Port, call: Call) -> Response | None:
    """What is answered where there are no accounts, and to pages elsewhere."""
    if port.identity is None:
        return problem("NOT_FOUND", call.ticket)
    return problem("FORBIDDEN", call.ticket) if is_from_elsewhere(port.identity, call) else None


def _shown(outcome: object, ticket: str) -> Response:
    """An outcome of a step."""
    if isinstance(outcome, CodeWrong):
        return problem("PORTAL_CODE_WRONG", ticket)
    if isinstance(outcome, CodesUsedUp):
        return problem("PORTAL_CODES_USED_UP", ticket)
    if not isinstance(outcome, Waiting | Entered):
        return problem("PORTAL_LINK_OVER", ticket)
    answer = no_content(ticket)
    if outcome.cookie is not None:
        answer.headers.append(outcome.cookie)
    return answer
