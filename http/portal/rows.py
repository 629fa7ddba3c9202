"""The operations of the portal, one row each; they stand in `comptoir.http.operations` with all others.

Source: interface.md 8; spec.md S2, S3, S34, X8; docs/authorization.md.
"""

from types import MappingProxyType
from typing import Final

from comptoir.http.oauth.requests import FORM
from comptoir.http.operation import Assurance, Body, Door, Operation, Parameter, Proof, Reach
from comptoir.http.page import HTML
from comptoir.http.portal import file, inviting, pages, session, shapes
from comptoir.http.principal import Role

__all__ = ["FILE", "PORTAL"]

_INVITES: Final = MappingProxyType({Role.CONSEILLER: Reach.ANY, Role.ADMIN: Reach.ANY})
"""Who opens a file: an advisor, of their own files once there are files (docs/authorization.md, 4)."""
FILE: Final = Parameter(
    "onboardingId", "path", "Number of the file.",
    {"type": "string", "pattern": shapes.ONBOARDING_ID.replace(r"\Z", "$")},
)  # fmt: skip
_JSON: Final = (
    "NOT_FOUND", "REQUEST_MALFORMED", "REQUEST_INVALID", "PORTAL_LINK_OVER", "STORAGE_UNAVAILABLE",
)  # fmt: skip
_SESSION: Final = "/portal/session"
_PAGE: Final = "/portal/{onboardingId}"
_NOBODY: Final = Body("Nobody who has such a file is in: a page that says so.", None, HTML)


def _nothing(text: str, *headers: str) -> Body:
    """What a 204 is."""
    return Body(text, media_type="", headers=headers)


def _shown(*statuses: int) -> dict[int, Body]:
    """A page, whatever became of it."""
    return {
        200: Body("A page.", None, HTML, headers=("Set-Cookie",)),
        410: Body("The link is over.", None, HTML),
        **{status: Body("Not accepted.", None, HTML) for status in statuses},
    }


PORTAL: Final = (
    Operation(
        "inviteClient", "POST", "/api/v1/onboarding/{onboardingId}/invitations",
        "A client gets a link to the portal, by mail", "portal", Door.TOKEN,
        {201: Body("On its way.", shapes.ClientInvited)}, inviting.invite,
        problems=(
            "NOT_FOUND", "REQUEST_MALFORMED", "REQUEST_INVALID", "MAIL_NOT_CONFIGURED",
            "SMS_NOT_CONFIGURED", "STORAGE_UNAVAILABLE",
        ),
        grants=_INVITES, assurance=Assurance.TWO_FACTORS, parameters=(FILE,), body=Body("Who.", shapes.NewInvitation),
    ),
    Operation(
        "beginPortalSession", "POST", _SESSION, "The link is used; a code follows", "portal",
        Door.OPEN, {204: _nothing("The cookie that the code is taken with.", "Set-Cookie")},
        session.begin, problems=_JSON, body=Body("The link.", shapes.PortalLink),
    ),
    Operation(
        "renewPortalCode", "POST", f"{_SESSION}/code/new", "Another code", "portal",
        Door.OPEN, {204: _nothing("On its way.")}, session.renew,
        problems=(*_JSON, "PORTAL_CODES_USED_UP"), body=Body("Whose.", shapes.PortalFile),
    ),
    Operation(
        "wantPortalLink", "POST", f"{_SESSION}/link", "A link is over: another one, to the address of the file",
        "portal", Door.OPEN, {204: _nothing("It was heard. Whether one is sent is not told.")},
        session.want, problems=tuple(one for one in _JSON if one != "PORTAL_LINK_OVER"),
        body=Body("The link that is over.", shapes.PortalLink),
    ),
    Operation(
        "confirmPortalSession", "POST", f"{_SESSION}/code", "The code came: the client is in",
        "portal", Door.OPEN, {204: _nothing("The cookie of the session.", "Set-Cookie")},
        session.confirm, problems=(*_JSON, "PORTAL_CODE_WRONG"),
        body=Body("The code.", shapes.PortalCode),
    ),
    Operation(
        "getPortalSession", "GET", _SESSION, "Who is in with this browser", "portal", Door.OPEN,
        {200: Body("A client.", shapes.PortalSession)}, session.show,
        problems=("NOT_FOUND", "STORAGE_UNAVAILABLE"),
    ),
    Operation(
        "endPortalSession", "DELETE", _SESSION, "Nobody is in with this browser any more", "portal",
        Door.OPEN, {204: _nothing("The cookie is taken away.", "Set-Cookie")}, session.end,
        problems=("NOT_FOUND", "STORAGE_UNAVAILABLE"),
    ),
    Operation(
        "getPortalLink", "GET", _PAGE, "Where a client's link leads", "portal", Door.OPEN,
        {200: Body("A page.", None, HTML), 410: Body("The link is over.", None, HTML)},
        pages.link_opened, problems=("NOT_FOUND",),
        parameters=(FILE, Parameter("token", "query", "Its secret.", {"type": "string"})),
    ),
    Operation(
        "usePortalLink", "POST", _PAGE, "What that page sends", "portal", Door.OPEN, _shown(),
        pages.link_used, problems=("NOT_FOUND", "REQUEST_MALFORMED", "STORAGE_UNAVAILABLE"),
        parameters=(FILE,), body=Body("A form.", shapes.PortalLinkForm, FORM),
    ),
    Operation(
        "wantPortalLinkByForm", "POST", f"{_PAGE}/link", "What the page of a link that is over sends",
        "portal", Door.OPEN, {200: Body("The same page, whatever becomes of it.", None, HTML)},
        pages.link_wanted, problems=("NOT_FOUND", "REQUEST_MALFORMED", "STORAGE_UNAVAILABLE"),
        parameters=(FILE,), body=Body("A form.", shapes.PortalLinkForm, FORM),
    ),
    Operation(
        "getFilePage", "GET", f"{_PAGE}/file", "The page of what a client's file still wants", "portal",
        Door.OPEN, {200: Body("A page.", None, HTML), 404: _NOBODY}, file.show,
        problems=("NOT_FOUND", "VAULT_ERASED", "STORAGE_UNAVAILABLE"), parameters=(FILE,),
        proof=Proof.SESSION,
    ),
    Operation(
        "completeFileByForm", "POST", f"{_PAGE}/file", "What the form of that page sends", "portal",
        Door.OPEN, {
            303: Body("Taken: to the page, as it is now.", None, "text/plain; charset=utf-8"),
            400: Body("Not taken, and why; with what was typed.", None, HTML), 404: _NOBODY,
        },
        file.complete, problems=("NOT_FOUND", "REQUEST_MALFORMED", "VAULT_ERASED", "STORAGE_UNAVAILABLE"),
        parameters=(FILE,), body=Body("A form: fields of the profile by their paths.", None, FORM, required=False),
        proof=Proof.SESSION,
    ),
    Operation(
        "getFileScript", "GET", file.SCRIPT, "What that page does to send documents", "portal",
        Door.OPEN, {200: Body("ECMAScript.", None, "text/javascript; charset=utf-8")}, file.script,
        problems=("NOT_FOUND",),
    ),
    Operation(
        "typePortalCode", "POST", f"{_PAGE}/code", "What the page of the code sends", "portal",
        Door.OPEN, _shown(403), pages.code_typed,
        problems=("NOT_FOUND", "REQUEST_MALFORMED", "STORAGE_UNAVAILABLE"),
        parameters=(FILE,), body=Body("A form.", shapes.PortalCodeForm, FORM),
    ),
    Operation(
        "wantPortalCode", "POST", f"{_PAGE}/code/new", "The code did not come", "portal",
        Door.OPEN, _shown(409), pages.another_code,
        problems=("NOT_FOUND", "REQUEST_MALFORMED", "STORAGE_UNAVAILABLE"),
        parameters=(FILE,), body=Body("A form.", None, FORM, required=False),
    ),
)  # fmt: skip
