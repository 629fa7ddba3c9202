"""The rows of where people are signed in (operations.py has the rule).

Source: spec.md S34, S60; OWASP ASVS 5, 7.4.5 and 7.5.2; docs/authorization.md.
"""

from types import MappingProxyType
from typing import Final

from comptoir.http import own_sessions, session_shapes
from comptoir.http.oauth import session_pages, shapes
from comptoir.http.oauth.requests import FORM
from comptoir.http.oauth.signin import SESSIONS
from comptoir.http.operation import Assurance, Body, Door, Operation, Parameter, Proof, Reach
from comptoir.http.page import HTML
from comptoir.http.principal import Role

__all__ = ["SESSION_ROWS"]

_EVERYBODY: Final = MappingProxyType(dict.fromkeys(Role, Reach.ANY))
"""Of their own: the handler knows no other."""
_KEEPS_ACCESS: Final = MappingProxyType({Role.ADMIN: Reach.ANY})
_SESSION: Final = Parameter(
    "sessionId", "path", "As the list has it.",
    {"type": "string", "pattern": session_shapes.SESSION_ID.replace(r"\Z", "$")},
)  # fmt: skip
_KEEP: Final = Parameter(
    own_sessions.KEEP, "query", "All but the one that asks.",
    {"type": "string", "enum": [own_sessions.CURRENT]},
)  # fmt: skip
_PAGES: Final = MappingProxyType(
    {
        200: Body("A page.", None, HTML),
        303: Body("To the sign-in.", None, "text/plain; charset=utf-8"),
    }
)

SESSION_ROWS: Final = (
    Operation(
        "listSessions", "GET", "/api/v1/sessions", "Where one is signed in", "sessions", Door.TOKEN,
        {200: Body("All that is open.", session_shapes.SessionList)}, own_sessions.listed,
        problems=("STORAGE_UNAVAILABLE",), grants=_EVERYBODY,
    ),
    Operation(
        "endSession", "DELETE", "/api/v1/sessions/{sessionId}", "One of them ends", "sessions",
        Door.TOKEN, {200: Body("It has ended.", session_shapes.SessionEnded)}, own_sessions.end_own,
        problems=("NOT_FOUND", "STORAGE_UNAVAILABLE"), grants=_EVERYBODY, assurance=Assurance.FRESH,
        parameters=(_SESSION,),
    ),
    Operation(
        "endSessions", "DELETE", "/api/v1/sessions", "All of them end", "sessions", Door.TOKEN,
        {200: Body("They have ended.", session_shapes.SessionsEnded)}, own_sessions.end_all_own,
        problems=("REQUEST_INVALID", "STORAGE_UNAVAILABLE"), grants=_EVERYBODY,
        assurance=Assurance.FRESH, parameters=(_KEEP,),
    ),
    Operation(
        "signOutPerson", "POST", "/api/v1/sign-outs", "Somebody is signed out wherever they are",
        "sessions", Door.TOKEN, {200: Body("Nothing of theirs is open.", session_shapes.SignedOut)},
        own_sessions.sign_out, problems=("REQUEST_MALFORMED", "REQUEST_INVALID", "STORAGE_UNAVAILABLE"),
        grants=_KEEPS_ACCESS, assurance=Assurance.TWO_FACTORS, body=Body("Who.", session_shapes.SignOut),
    ),
    Operation(
        "getSessions", "GET", SESSIONS, "The page of where one is signed in", "sessions", Door.OPEN,
        _PAGES, session_pages.sessions_page, problems=("NOT_FOUND", "STORAGE_UNAVAILABLE"),
        proof=Proof.SESSION,
    ),
    Operation(
        "endSessionsByForm", "POST", f"{SESSIONS}/end", "What that page sends", "sessions", Door.OPEN,
        {**_PAGES, 400: Body("Not done, and why.", None, HTML)}, session_pages.end_by_form,
        problems=("NOT_FOUND", "REQUEST_MALFORMED", "STORAGE_UNAVAILABLE"),
        body=Body("A form.", shapes.SessionForm, FORM), proof=Proof.SESSION,
    ),
)  # fmt: skip
