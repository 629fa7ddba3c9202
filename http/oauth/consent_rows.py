"""The rows of what people let clients do (`comptoir.http.operations`).

The rule: pages and forms of ours take no token; whose they are, the session says.
Source: spec.md S34; RFC 6749 section 10.2; OWASP ASVS 5, 10.7.1 to 10.7.3.
"""

from types import MappingProxyType
from typing import Final

from comptoir.http.oauth import authorize, consents, shapes
from comptoir.http.oauth.requests import FORM
from comptoir.http.oauth.signin import CONSENTS
from comptoir.http.operation import Body, Door, Operation, Proof
from comptoir.http.page import HTML

__all__ = ["CONSENT_ROWS"]

_PAGES: Final = MappingProxyType(
    {
        200: Body("A page.", None, HTML),
        303: Body("To the sign-in.", None, "text/plain; charset=utf-8"),
    }
)
_OF_FORMS: Final = ("NOT_FOUND", "REQUEST_MALFORMED", "STORAGE_UNAVAILABLE")

CONSENT_ROWS: Final = (
    Operation(
        "consent", "POST", consents.CONSENT, "A person lets a client act for them", "tokens", Door.OPEN,
        {200: Body("A page, which goes on.", None, HTML), 400: Body("Not accepted.", None, HTML)},
        authorize.consent, problems=_OF_FORMS, body=Body("A form.", shapes.ConsentForm, FORM),
        proof=Proof.SESSION,
    ),
    Operation(
        "getConsents", "GET", CONSENTS, "The page of whom one lets", "tokens", Door.OPEN, _PAGES,
        consents.consents_page, problems=("NOT_FOUND", "STORAGE_UNAVAILABLE"), proof=Proof.SESSION,
    ),
    Operation(
        "withdrawConsent", "POST", f"{CONSENTS}/withdraw", "A client is let no more", "tokens",
        Door.OPEN, _PAGES, consents.withdraw, problems=_OF_FORMS,
        body=Body("A form.", shapes.WithdrawalForm, FORM), proof=Proof.SESSION,
    ),
)  # fmt: skip
