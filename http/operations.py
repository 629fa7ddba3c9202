"""Every operation, one row each: routes, description and policy are made from this table.

The rule: to add an operation is to add a row here (of the portal, in http/portal/rows.py) and its handler;
a route without a row cannot be, and a row without an expectation in docs/authorization.md fails a test. Why each
role gets what it gets is said there.
Source: interface.md 4 to 7 (rows a and d), 9 and 10; spec.md S34, S60, X7.
"""

from functools import lru_cache
from types import MappingProxyType
from typing import Final

from comptoir.http import access_shapes as access
from comptoir.http import api, approvals, clients, custody, doors, shapes, staff
from comptoir.http import shapes_partners as catalogue
from comptoir.http.answers import Response, response
from comptoir.http.identity.documents import CONFIGURATION_PATH, JWKS_PATH
from comptoir.http.landing import landing
from comptoir.http.meanings import meaning
from comptoir.http.oauth import discovery, signin
from comptoir.http.oauth import shapes as oauth
from comptoir.http.oauth.authorize import PARAMETERS as AUTHORIZE_PARAMETERS
from comptoir.http.oauth.authorize import authorize
from comptoir.http.oauth.consent_rows import CONSENT_ROWS
from comptoir.http.oauth.passkey_rows import PASSKEY_ROWS
from comptoir.http.oauth.requests import FORM
from comptoir.http.oauth.revocation import revoke
from comptoir.http.oauth.token import token
from comptoir.http.openapi import described
from comptoir.http.operation import (
    Assurance,
    Body,
    Call,
    Door,
    Link,
    Operation,
    Owner,
    Parameter,
    Proof,
    Reach,
)
from comptoir.http.operations_banking import BANKING, CURSOR, ID, LIMIT, READS_MONEY
from comptoir.http.operations_kyc import KYC
from comptoir.http.operations_matching import MATCHING
from comptoir.http.operations_notices import NOTICES
from comptoir.http.operations_payouts import PAYOUTS
from comptoir.http.operations_points import POINTS
from comptoir.http.operations_profiles import ONBOARDING
from comptoir.http.operations_signing import SIGNING
from comptoir.http.operations_upkeep import UPKEEP
from comptoir.http.operations_webhooks import WEBHOOKS
from comptoir.http.page import HTML
from comptoir.http.port import Port
from comptoir.http.portal.rows import PORTAL
from comptoir.http.principal import Role
from comptoir.http.reference import reference
from comptoir.http.session_rows import SESSION_ROWS

__all__ = ["BY_ID", "OPERATIONS"]

_PAGES: Final = MappingProxyType({200: Body("A page.", None, HTML), 400: Body("Not accepted.", None, HTML)})  # fmt: skip
_OF_FORMS: Final = ("NOT_FOUND", "STORAGE_UNAVAILABLE")
_KEEPS_ACCESS: Final = MappingProxyType({Role.ADMIN: Reach.ANY})
"""Credentials of services: who keeps access, and reads no person's data by it."""
_APPROVES: Final = MappingProxyType({Role.ADMIN: Reach.ANY, Role.OPERATIONS: Reach.ANY})
"""Of what they may decide, or have asked for; to them there is nothing else (actors/approval)."""
_WRITES: Final = ("NOT_FOUND", "REQUEST_MALFORMED", "REQUEST_INVALID", "STORAGE_UNAVAILABLE")
_DECIDES: Final = ("NOT_FOUND", "CONFLICT", "STORAGE_UNAVAILABLE")
_TWO: Final = Body("Nothing yet: a second person approves it.", access.Proposal)

_USER = Parameter("userId", "path", "Whose wallet.", ID)
_TRANSACTION = Parameter("transactionId", "path", "The provider's id.", ID)
_CLIENT = Parameter("clientId", "path", "The client's id.", ID)
_CODE = Parameter("code", "path", "As `code` of a problem names it.", ID)
_APPROVAL = Parameter("approvalId", "path", "What was asked for.", ID)
_ERASURE = Parameter("erasureId", "path", "As the answer to the request named it.", ID)
_FILES: Final = {"type": "string", "enum": ["partners", "connections"]}
_KIND = Parameter("kind", "path", "What the file holds.", _FILES)
_HISTORY = Link("listEntries", "What changed these points.", {"userId": "$response.body#/userId"})
_OLDER = Link(
    "listEntries", "The page after it.",
    {"userId": "$request.path.userId", "cursor": "$response.body#/nextCursor"},
)  # fmt: skip
_PURCHASE = Link(
    "getTransaction", "The purchase behind the newest change.",
    {"transactionId": "$response.body#/items/0/transactionId"},
)  # fmt: skip
_POINTS = Link("getWallet", "The points that it went to.", {"userId": "$response.body#/userId"})
_DUE = "The clock and the quiet exist where the clock is manual, or without accounts."


def _told() -> frozenset[str]:
    """Every code that a row names."""
    return frozenset(code for operation in OPERATIONS for code in operation.problems)


async def _openapi(port: Port, call: Call) -> Response:
    """GET /api/v1/openapi.json."""
    text = _description(port.rules.page_items_default, port.rules.page_items_max)
    return response(200, b"application/json", text, call.ticket)


async def _docs(port: Port, call: Call) -> Response:
    """GET /docs."""
    text = _description(port.rules.page_items_default, port.rules.page_items_max)
    return reference(text, call.ticket)


@lru_cache(maxsize=8)  # one for each pair of settings that a process has seen
def _description(page_items_default: int, page_items_max: int) -> bytes:
    """The document under these settings."""
    return described(OPERATIONS, page_items_default, page_items_max)


OPERATIONS: Final = (
    Operation(
        "getWallet", "GET", "/api/v1/wallets/{userId}", "The points of a user", "cashback",
        Door.TOKEN, {200: Body("The wallet.", shapes.Wallet)}, api.wallet,
        problems=("NOT_FOUND", "STORAGE_UNAVAILABLE"),
        grants=READS_MONEY, owner=Owner.PATH, parameters=(_USER,), links=(_HISTORY,),
    ),
    Operation(
        "listEntries", "GET", "/api/v1/wallets/{userId}/entries", "What changed a user's points",
        "cashback", Door.TOKEN, {200: Body("A page, newest first.", shapes.EntryPage)}, api.entries,
        problems=("NOT_FOUND", "REQUEST_INVALID", "STORAGE_UNAVAILABLE"),
        grants=READS_MONEY, owner=Owner.PATH, parameters=(_USER, LIMIT, CURSOR),
        links=(_OLDER, _PURCHASE),
    ),
    Operation(
        "getTransaction", "GET", "/api/v1/transactions/{transactionId}",
        "What became of a purchase, and why", "cashback",
        Door.TOKEN, {200: Body("The transaction.", shapes.Transaction)}, api.transaction,
        problems=("NOT_FOUND", "STORAGE_UNAVAILABLE"),
        grants=READS_MONEY, owner=Owner.ANSWER,
        parameters=(_TRANSACTION,), links=(_POINTS,),
    ),
    *BANKING,
    *MATCHING,
    *PAYOUTS,
    *POINTS,
    *NOTICES,
    *UPKEEP,
    *ONBOARDING,
    *KYC,
    *SIGNING,
    *WEBHOOKS,
    Operation(
        "getProblem", "GET", "/problems/{code}", "What a code means, and what to do", "description",
        Door.OPEN, {200: Body("The code.", catalogue.ProblemPage)}, meaning(_told),
        problems=("NOT_FOUND",), parameters=(_CODE,),
    ),
    Operation(
        "getConfiguration", "GET", CONFIGURATION_PATH, "Who issues tokens, and where", "tokens",
        Door.OPEN, {200: Body("OpenID Connect Discovery 1.0.", oauth.Configuration)},
        discovery.configuration, problems=("NOT_FOUND",),
    ),
    Operation(
        "getKeys", "GET", JWKS_PATH, "The keys that verify tokens", "tokens",
        Door.OPEN, {200: Body("A JWK Set.", oauth.KeySet, discovery.KEY_SET)},
        discovery.keys, problems=("NOT_FOUND",),
    ),
    Operation(
        "authorize", "GET", "/oauth/authorize", "A code for a client, by way of the browser", "tokens",
        Door.OPEN,
        {
            303: Body("To the client, with a code or an error.", None, "text/plain; charset=utf-8"),
            400: Body("Client and address are not known to belong together.", None, HTML),
        },
        authorize,
        problems=("NOT_FOUND",),
        parameters=tuple(
            Parameter(name, "query", text, {"type": "string"}) for name, text in AUTHORIZE_PARAMETERS
        ),
        proof=Proof.SESSION,
    ),
    Operation(
        "getToken", "POST", "/oauth/token", "A token for a grant", "tokens", Door.OPEN,
        {
            200: Body("The token.", oauth.Tokens),
            400: Body("Why there is none.", oauth.OAuthFault),
            401: Body("The client is not who it says.", oauth.OAuthFault),
        },
        token,
        problems=("NOT_FOUND", "STORAGE_UNAVAILABLE"),
        body=Body("RFC 6749.", oauth.TokenForm, FORM), proof=Proof.CLIENT,
    ),
    Operation(
        "revokeToken", "POST", "/oauth/revoke", "A token is needed no more", "tokens", Door.OPEN,
        {
            200: Body("It is worth nothing.", oauth.Revoked),
            400: Body("Why it is not revoked.", oauth.OAuthFault),
            401: Body("The client is not who it says.", oauth.OAuthFault),
        },
        revoke,
        problems=("NOT_FOUND", "STORAGE_UNAVAILABLE"),
        body=Body("RFC 7009.", oauth.RevocationForm, FORM), proof=Proof.CLIENT,
    ),
    Operation(
        "inviteStaff", "POST", "/api/v1/staff", "A person of the house gets a link to enrol with", "tokens",
        Door.TOKEN, {201: Body("Their link, shown once.", oauth.StaffInvited), 202: _TWO}, staff.invite,
        problems=(*_WRITES, "VAULT_ERASED"), grants=_KEEPS_ACCESS, assurance=Assurance.RECENT,
        body=Body("Who, and what they are.", oauth.NewStaff),
    ),
    Operation(
        "listStaff", "GET", "/api/v1/staff", "The people of the house", "tokens", Door.TOKEN,
        {200: Body("A page.", access.StaffList)}, staff.listed,
        problems=("REQUEST_INVALID", "STORAGE_UNAVAILABLE"), grants=_KEEPS_ACCESS,
        parameters=(LIMIT, CURSOR),
    ),
    Operation(
        "removeStaff", "POST", "/api/v1/staff/removals", "Somebody is of the house no longer", "tokens",
        Door.TOKEN, {200: Body("All that they had has ended.", access.Removed)}, staff.remove,
        problems=(*_WRITES, "VAULT_ERASED"), grants=_KEEPS_ACCESS, assurance=Assurance.TWO_FACTORS,
        body=Body("Who.", access.Removal),
    ),
    Operation(
        "listApprovals", "GET", "/api/v1/approvals", "What waits for a second person", "approvals",
        Door.TOKEN, {200: Body("A page.", access.ApprovalList)}, approvals.listed,
        problems=("REQUEST_INVALID", "STORAGE_UNAVAILABLE"), grants=_APPROVES,
        parameters=(LIMIT, CURSOR),
    ),
    Operation(
        "getApproval", "GET", "/api/v1/approvals/{approvalId}", "What is asked for, and what became of it",
        "approvals", Door.TOKEN, {200: Body("It.", access.Approval)}, approvals.show,
        problems=("NOT_FOUND", "VAULT_ERASED", "STORAGE_UNAVAILABLE"), grants=_APPROVES,
        parameters=(_APPROVAL,),
    ),
    Operation(
        "approve", "POST", "/api/v1/approvals/{approvalId}/approve", "A second person lets it be done",
        "approvals", Door.TOKEN, {200: Body("It is done.", access.Approval)}, approvals.approve,
        problems=(*_DECIDES, "FOUR_EYES", "VAULT_ERASED"), grants=_APPROVES, assurance=Assurance.RECENT,
        parameters=(_APPROVAL,),
    ),
    Operation(
        "reject", "POST", "/api/v1/approvals/{approvalId}/reject", "It is not to be done",
        "approvals", Door.TOKEN, {200: Body("It will not be.", access.Approval)}, approvals.reject,
        problems=(*_DECIDES, "VAULT_ERASED"), grants=_APPROVES, assurance=Assurance.TWO_FACTORS,
        parameters=(_APPROVAL,),
    ),
    Operation(
        "erasePerson", "POST", "/api/v1/erasures", "A person is to be erased", "approvals", Door.TOKEN,
        {202: _TWO}, custody.ask_erasure,
        problems=(*_WRITES, "VAULT_STORE_NONE", "ERASURE_REFUSED", "VAULT_ERASED"),
        grants=_KEEPS_ACCESS, assurance=Assurance.RECENT, body=Body("Who.", access.NewErasure),
    ),
    Operation(
        "getErasure", "GET", "/api/v1/erasures/{erasureId}", "How far an erasure is", "approvals",
        Door.TOKEN, {200: Body("It.", access.Erasure)}, custody.show_erasure,
        problems=("NOT_FOUND", "STORAGE_UNAVAILABLE"), grants=_KEEPS_ACCESS, parameters=(_ERASURE,),
    ),
    Operation(
        "rotateKey", "POST", "/api/v1/keys/rotations", "A key is to be replaced", "approvals", Door.TOKEN,
        {202: _TWO}, custody.ask_rotation, problems=(*_WRITES, "VAULT_STORE_NONE"),
        grants=_KEEPS_ACCESS, assurance=Assurance.RECENT, body=Body("Which.", access.NewRotation),
    ),
    Operation(
        "getSignIn", "GET", signin.PATH, "The page on which people sign in", "tokens", Door.OPEN,
        {200: Body("A page.", None, HTML)}, signin.sign_in_page, problems=("NOT_FOUND",),
        parameters=(Parameter("next", "query", "Where to go on to.", {"type": "string"}),),
    ),
    Operation(
        "signIn", "POST", signin.PATH, "What that page sends", "tokens", Door.OPEN, _PAGES,
        signin.sign_in, problems=_OF_FORMS, body=Body("A form.", oauth.SignInForm, FORM),
    ),
    Operation(
        "signOut", "POST", f"{signin.PATH}/out", "The browser is nobody's", "tokens", Door.OPEN,
        {200: Body("A page.", None, HTML)}, signin.sign_out,
        problems=("REQUEST_MALFORMED", *_OF_FORMS), body=Body("A form.", None, FORM, required=False),
        proof=Proof.SESSION,
    ),
    Operation(
        "getEnrolment", "GET", f"{signin.PATH}/enrol", "Where a link leads", "tokens", Door.OPEN,
        _PAGES, signin.enrolment_page, problems=("NOT_FOUND",),
        parameters=(
            Parameter("who", "query", "Whose link.", {"type": "string"}),
            Parameter("link", "query", "Its secret.", {"type": "string"}),
        ),
    ),
    Operation(
        "enrol", "POST", f"{signin.PATH}/enrol", "A seed for the authenticator", "tokens", Door.OPEN,
        _PAGES, signin.enrol, problems=_OF_FORMS, body=Body("A form.", oauth.EnrolForm, FORM),
    ),
    Operation(
        "confirmEnrolment", "POST", f"{signin.PATH}/enrol/confirm", "The authenticator has it", "tokens",
        Door.OPEN, _PAGES, signin.confirm, problems=_OF_FORMS,
        body=Body("A form.", oauth.ConfirmForm, FORM),
    ),
    *PASSKEY_ROWS,
    *CONSENT_ROWS,
    *SESSION_ROWS,
    Operation(
        "registerClient", "POST", "/api/v1/clients", "A service gets credentials", "tokens",
        Door.TOKEN, {201: Body("Its secret, shown once.", shapes.ClientSecret)}, clients.register,
        problems=(
            "REQUEST_MALFORMED", "REQUEST_INVALID", "CLIENTS_TOO_MANY", "STORAGE_UNAVAILABLE"
        ),
        grants=_KEEPS_ACCESS, assurance=Assurance.RECENT, body=Body("Its name, and what it may.", shapes.NewClient),
    ),
    Operation(
        "listClients", "GET", "/api/v1/clients", "Every service that has credentials", "tokens",
        Door.TOKEN, {200: Body("All, the oldest first.", shapes.ClientList)}, clients.listed,
        problems=("STORAGE_UNAVAILABLE",), grants=_KEEPS_ACCESS,
    ),
    Operation(
        "revokeClient", "DELETE", "/api/v1/clients/{clientId}", "A service is let in no more",
        "tokens", Door.TOKEN, {200: Body("From now on.", shapes.ClientRevoked)}, clients.revoke,
        problems=("NOT_FOUND", "STORAGE_UNAVAILABLE"), grants=_KEEPS_ACCESS, assurance=Assurance.TWO_FACTORS, parameters=(_CLIENT,),
    ),
    *PORTAL,
    Operation(
        "getOpenapi", "GET", "/api/v1/openapi.json", "This description", "description",
        Door.OPEN, {200: Body("OpenAPI 3.1.", shapes.Description)}, _openapi,
    ),
    Operation(
        "getDocs", "GET", "/docs", "This description as a page", "description",
        Door.OPEN, {200: Body("A page.", None, HTML)}, _docs,
    ),
    Operation(
        "getLanding", "GET", "/", "What this is", "description",
        Door.OPEN, {200: Body("A page.", None, HTML)}, landing,
    ),
    Operation(
        "getLive", "GET", "/health/live", "Whether it is alive", "operation",
        Door.OPEN, {200: Body("It is.", shapes.Live)}, api.live, counted=False,
    ),
    Operation(
        "getReady", "GET", "/health/ready", "Whether it takes work", "operation", Door.OPEN,
        {200: Body("It does.", shapes.Ready), 503: Body("It does not.", shapes.NotReady)},
        api.ready, counted=False,
    ),
    Operation(
        "getMetrics", "GET", "/metrics", "Its figures, for Prometheus", "operation", Door.LOCAL,
        {200: Body("Text format 0.0.4.", None, api.METRICS_TYPE)}, api.metrics,
    ),
    Operation(
        "advanceClock", "POST", "/dev/v1/clock", f"Move business time. {_DUE}", "development",
        Door.LOCAL, {200: Body("All due by then is handled.", shapes.Advanced)}, doors.clock,
        problems=("REQUEST_MALFORMED", "REQUEST_INVALID", "CONFLICT", "STORAGE_UNAVAILABLE"),
        body=Body("How far.", shapes.Advance),
    ),
    Operation(
        "quiesce", "POST", "/dev/v1/quiesce", f"Wait until no message is due. {_DUE}", "development",
        Door.LOCAL, {200: Body("None is.", shapes.Quiescent)}, doors.quiesce,
        problems=("REQUEST_MALFORMED", "REQUEST_INVALID", "QUIESCE_TIMEOUT", "STORAGE_UNAVAILABLE"),
        body=Body("How long.", shapes.Quiesce, required=False),
    ),
    Operation(
        "importFile", "POST", "/dev/v1/import/{kind}", "What `comptoir import` sends", "development",
        Door.LOCAL, {200: Body("What it did.", shapes.Imported)}, doors.load,
        problems=("REQUEST_INVALID", "PARTNERS_TOO_MANY", "STORAGE_UNAVAILABLE"),
        parameters=(_KIND,),
        body=Body("UTF-8, header row, comma (RFC 4180).", None, "text/csv"),
    ),
)  # fmt: skip

BY_ID: Final = MappingProxyType({operation.id: operation for operation in OPERATIONS})
assert len(BY_ID) == len(OPERATIONS), "an operation's id is its own"
