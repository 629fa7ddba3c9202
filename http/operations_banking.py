"""The rows of card linking and of the partner base, and what rows everywhere share (operations.py).

Source: interface.md 7 (rows b1); spec.md S34, S57, S60.
"""

from types import MappingProxyType
from typing import Final

from comptoir.http import connections, linking, partners
from comptoir.http import shapes_banking as banking
from comptoir.http import shapes_partners as catalogue
from comptoir.http.openapi import PAGE
from comptoir.http.operation import Assurance, Body, Door, Operation, Owner, Parameter, Reach
from comptoir.http.principal import Role
from comptoir.http.queries import ID_CHARACTERS_MAX

__all__ = ["BANKING", "CURSOR", "ID", "LIMIT", "READS_MONEY", "WITHDRAWAL"]

READS_MONEY: Final = MappingProxyType(
    {Role.CLIENT: Reach.OWN, Role.COMPLIANCE: Reach.ANY, Role.OPERATIONS: Reach.ANY}
)
"""Points and purchases: their owner; who must be able to examine; who answers for a payment."""

_LINKS_CARDS: Final = MappingProxyType({Role.CLIENT: Reach.OWN})
"""A consent is its person's own act, to give and to take back (S57)."""
_OF_BANKS: Final = (
    "NOT_FOUND", "REQUEST_INVALID", "BANK_CARD_LINKING_FAILED", "BANK_PROVIDER_UNAVAILABLE"
)  # fmt: skip

_SEES_PARTNERS: Final = MappingProxyType(
    {Role.CLIENT: Reach.ANY, Role.COMPLIANCE: Reach.ANY, Role.OPERATIONS: Reach.ANY}
)
"""Who gives cashback is no secret to whoever may earn it."""
_EXAMINES_PARTNERS: Final = MappingProxyType(
    {Role.COMPLIANCE: Reach.ANY, Role.OPERATIONS: Reach.ANY}
)
"""Who changed a rate is the house's business."""
_KEEPS_PARTNERS: Final = MappingProxyType({Role.OPERATIONS: Reach.ANY})
ID: Final = {"type": "string", "minLength": 1, "maxLength": ID_CHARACTERS_MAX}
CURSOR = Parameter("cursor", "query", "`nextCursor` of the page before.", {"type": "string"})
LIMIT = Parameter("limit", "query", "Items of a page.", PAGE)
_SEES_CONSENTS: Final = MappingProxyType({Role.COMPLIANCE: Reach.ANY, Role.OPERATIONS: Reach.ANY})
"""How many there are names nobody, and is the programme's business."""
_WEEKS = Parameter(
    "weeks", "query", "So many that are over, and so many to come.",
    {"type": "integer", "minimum": 1, "maximum": connections.WEEKS_MAX, "default": connections.WEEKS},
)  # fmt: skip
_CONNECTION = Parameter(
    "connectionId", "path", "The connection's id, `cn_...`.",
    {"type": "string", "minLength": 23, "maxLength": 23},
)  # fmt: skip
WITHDRAWAL = Parameter(
    "withdrawalId", "path", "The withdrawal's id, `wd_...`.",
    {"type": "string", "minLength": 23, "maxLength": 23},
)  # fmt: skip
_OF_USER = Parameter("userId", "query", "Whose; a client's own without it.", ID)
_PARTNER = Parameter("partnerId", "path", "The partner's id.", ID)

BANKING: Final = (
    Operation(
        "startLink", "POST", "/api/v1/connections/sessions", "A person agrees to link a card", "linking",
        Door.TOKEN, {201: Body("Where they go.", banking.LinkSession)}, linking.start,
        problems=_OF_BANKS, grants=_LINKS_CARDS, owner=Owner.ANSWER,
        body=Body("Who agreed to what.", banking.NewLink),
    ),
    Operation(
        "returnFromBank", "GET", "/link/callback", "A person's browser comes back from their bank",
        "linking", Door.OPEN, {303: Body("To the app.", None, "text/plain; charset=utf-8")},
        linking.callback, problems=("BANK_CARD_LINKING_FAILED", "STORAGE_UNAVAILABLE"),
        parameters=(
            Parameter("state", "query", "What the provider was given.", {"type": "string"}),
            Parameter("code", "query", "What it gives.", {"type": "string"}),
            Parameter("error", "query", "Why it gives none.", {"type": "string"}),
        ),
    ),
    Operation(
        "completeLink", "POST", "/api/v1/connections", "The app has its person back", "linking",
        Door.TOKEN, {201: Body("The connection.", banking.Connection)}, linking.complete,
        problems=(*_OF_BANKS, "BANK_CARD_ALREADY_LINKED"), grants=_LINKS_CARDS, owner=Owner.ANSWER,
        body=Body("Which session.", banking.Completion),
    ),
    Operation(
        "listConnections", "GET", "/api/v1/connections", "A person's linked cards", "linking",
        Door.TOKEN, {200: Body("A page, newest first.", banking.ConnectionPage)}, connections.listed,
        problems=("NOT_FOUND", "REQUEST_INVALID", "STORAGE_UNAVAILABLE"),
        grants=READS_MONEY, owner=Owner.ANSWER, parameters=(_OF_USER, LIMIT, CURSOR),
    ),
    Operation(
        "getConsentCalendar", "GET", "/api/v1/connections/calendar",
        "How many consents end in which week, and what became of them", "linking", Door.TOKEN,
        {200: Body("Every week.", banking.ConsentCalendar)}, connections.calendar,
        problems=("REQUEST_INVALID", "STORAGE_UNAVAILABLE"), grants=_SEES_CONSENTS,
        parameters=(_WEEKS,),
    ),
    Operation(
        "getConnection", "GET", "/api/v1/connections/{connectionId}", "A linked card", "linking",
        Door.TOKEN, {200: Body("The connection.", banking.Connection)}, connections.shown,
        problems=("NOT_FOUND", "STORAGE_UNAVAILABLE"),
        grants=READS_MONEY, owner=Owner.ANSWER, parameters=(_CONNECTION,),
    ),
    Operation(
        "revokeConnection", "DELETE", "/api/v1/connections/{connectionId}", "A person ends it",
        "linking", Door.TOKEN, {202: Body("Nothing is read any more.", banking.Revoking)},
        connections.revoke, problems=("NOT_FOUND", "CONFLICT"),
        grants=_LINKS_CARDS, owner=Owner.ANSWER, parameters=(_CONNECTION,),
    ),
    Operation(
        "renewConsent", "POST", "/api/v1/connections/{connectionId}/renew", "A person goes on with it",
        "linking", Door.TOKEN, {200: Body("Where they go.", banking.AuthUrl)}, connections.renew,
        problems=(*_OF_BANKS, "CONFLICT"), grants=_LINKS_CARDS, owner=Owner.ANSWER,
        parameters=(_CONNECTION,),
        body=Body("What they agreed to anew.", banking.ConsentRenewal, required=False),
    ),
    Operation(
        "syncConnection", "POST", "/api/v1/connections/{connectionId}/sync", "Read now what was bought",
        "linking", Door.TOKEN, {202: Body("It is being read.", banking.Syncing)}, connections.sync,
        problems=("NOT_FOUND", "CONFLICT", "BANK_CONNECTION_EXPIRED"),
        grants=_LINKS_CARDS, owner=Owner.ANSWER, parameters=(_CONNECTION,),
    ),
    Operation(
        "listPartners", "GET", "/api/v1/partners", "Who gives cashback", "partners",
        Door.TOKEN, {200: Body("A page, by id.", catalogue.PartnerPage)}, partners.listed,
        problems=("REQUEST_INVALID", "STORAGE_UNAVAILABLE"), grants=_SEES_PARTNERS,
        parameters=(LIMIT, CURSOR),
    ),
    Operation(
        "getPartner", "GET", "/api/v1/partners/{partnerId}", "A partner", "partners",
        Door.TOKEN, {200: Body("The partner.", catalogue.Partner)}, partners.shown,
        problems=("NOT_FOUND", "STORAGE_UNAVAILABLE"), grants=_SEES_PARTNERS, parameters=(_PARTNER,),
    ),
    Operation(
        "listPartnerChanges", "GET", "/api/v1/partners/{partnerId}/history",
        "What a partner was, and who said so", "partners", Door.TOKEN,
        {200: Body("A page, the newest first.", catalogue.PartnerChangePage)}, partners.history,
        problems=("NOT_FOUND", "REQUEST_INVALID", "STORAGE_UNAVAILABLE"), grants=_EXAMINES_PARTNERS,
        parameters=(_PARTNER, LIMIT, CURSOR),
    ),
    Operation(
        "putPartner", "PUT", "/api/v1/partners/{partnerId}", "What a partner is from now on", "partners",
        Door.TOKEN,
        {200: Body("It is so.", catalogue.Partner), 201: Body("A new one.", catalogue.Partner)},
        partners.change, problems=("REQUEST_INVALID", "PARTNERS_TOO_MANY", "PARTNER_PERIODS_TOO_MANY"),
        grants=_KEEPS_PARTNERS, assurance=Assurance.TWO_FACTORS, parameters=(_PARTNER,),
        body=Body("Every column.", catalogue.PartnerFields),
    ),
)  # fmt: skip
