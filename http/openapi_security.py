"""How the description says who may call: OpenAPI's security schemes, and for each operation its alternatives.

The rule: a scheme is there if an operation takes it, and each operation says what it takes: an empty list
is one that takes nothing, an empty alternative one that may be called without. Addresses are relative, as
the document's `servers` are, so that they hold wherever the daemon is reached.
Source: OpenAPI 3.1.0 sections 4.8.27 to 4.8.30 (and 4.6, relative references); RFC 6749; RFC 6750;
interface.md 6, 8 and 9.
"""

from collections.abc import Sequence
from typing import Any, Final

from comptoir.http.identity.documents import CONFIGURATION_PATH, ENDPOINTS
from comptoir.http.oauth.authorize import SCOPES
from comptoir.http.oauth.sessions import COOKIE_NAMES
from comptoir.http.operation import Door, Operation, Proof

__all__ = ["alternatives", "schemes"]

Json = dict[str, Any]

ACCESS_TOKEN: Final = "accessToken"  # noqa: S105 (a name)
OAUTH: Final = "oauth2"
OPENID: Final = "openIdConnect"
CLIENT: Final = "clientSecret"
SIGNATURE, TIMESTAMP = "webhookSignature", "webhookTimestamp"
POWENS, POWENS_DATE = "powensSignature", "powensDate"
PLAID: Final = "plaidVerification"
TINK: Final = "tinkSignature"
DOCUSIGN: Final = "docusignSignature"
UPLOAD: Final = "uploadSignature"
Way = dict[str, list[str]]
"""An alternative: schemes that are all needed, each with its scopes."""
NOTHING: Final[Way] = {}
"""The one that asks for nothing."""
_SESSIONS: Final = dict(zip(COOKIE_NAMES, ("session", "sessionOnLoopback"), strict=True))
_BY_COOKIE: Final[list[Way]] = [{scheme: []} for scheme in _SESSIONS.values()]
_PROOFS: Final[dict[Proof, list[Way]]] = {
    Proof.CLIENT: [{CLIENT: []}, NOTHING],
    Proof.SESSION: [*_BY_COOKIE, NOTHING],
    Proof.SEED: [{SIGNATURE: [], TIMESTAMP: []}],
    Proof.POWENS: [{POWENS: [], POWENS_DATE: []}],
    Proof.PLAID: [{PLAID: []}],
    Proof.TINK: [{TINK: []}],
    Proof.DOCUSIGN: [{DOCUSIGN: []}],
    Proof.UPLOAD: [{UPLOAD: []}],
}
_OF_PEOPLE: Final = {
    "openid": "An ID token beside the access token.",
    "offline_access": "A refresh token, for when the person is away.",
}
assert _OF_PEOPLE.keys() == set(SCOPES)
_FIXED: Final[Json] = {
    ACCESS_TOKEN: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "RFC 6750. `sub` of a CLIENT is its `userId`. Where the daemon runs without "
        "accounts (`auth.mode = loopback`), none is needed on this machine. In a CLIENT's browser the "
        "cookie of the portal stands for it (`POST /portal/session`).",
    },
    OPENID: {
        "type": "openIdConnect",
        "openIdConnectUrl": CONFIGURATION_PATH,
        "description": "Who issues these tokens. Those of an external issuer are taken too, where one "
        "is configured.",
    },
    CLIENT: {
        "type": "http",
        "scheme": "basic",
        "description": "RFC 6749 section 2.3.1: id and secret of a client, form-encoded each. They may "
        "stand in the form instead, as `client_id` and `client_secret`; a public client gives its "
        "`client_id` there, and no secret.",
    },
    **{
        scheme: {
            "type": "apiKey",
            "in": "cookie",
            "name": name,
            "description": "The browser of somebody who has signed in on our pages"
            f"{'' if name.startswith('__Host-') else ' (on loopback without TLS)'}.",
        }
        for name, scheme in _SESSIONS.items()
    },
    SIGNATURE: {
        "type": "apiKey",
        "in": "header",
        "name": "X-Webhook-Signature",
        "description": "Hex of HMAC-SHA256(secret, timestamp + '.' + raw body).",
    },
    TIMESTAMP: {
        "type": "apiKey",
        "in": "header",
        "name": "X-Webhook-Timestamp",
        "description": "Milliseconds since 1970, digits only.",
    },
    POWENS: {
        "type": "apiKey",
        "in": "header",
        "name": "BI-Signature",
        "description": "Base64 of HMAC-SHA256(secret, 'POST.' + path + '.' + date + '.' + raw body).",
    },
    PLAID: {
        "type": "apiKey",
        "in": "header",
        "name": "Plaid-Verification",
        "description": "A JWT (ES256) by a key of Plaid's, with `iat` and `request_body_sha256`.",
    },
    TINK: {
        "type": "apiKey",
        "in": "header",
        "name": "X-Tink-Signature",
        "description": "`t=` seconds since 1970, `,v1=` hex of HMAC-SHA256(secret, seconds + '.' + raw body).",
    },
    DOCUSIGN: {
        "type": "apiKey",
        "in": "header",
        "name": "X-DocuSign-Signature-1",
        "description": "base64 of HMAC-SHA256(key, raw body), the key as text; `-2` and so on for further keys, any of "
        "which may match.",
    },
    UPLOAD: {
        "type": "apiKey",
        "in": "query",
        "name": "signature",
        "description": "As the address that was given out has it; nobody else can make one.",
    },
    POWENS_DATE: {
        "type": "apiKey",
        "in": "header",
        "name": "BI-Signature-Date",
        "description": "RFC 3339, as it is signed.",
    },
}


def alternatives(row: Operation) -> list[Way]:
    """The security requirements of an operation: any one of them is enough.

    A person's token needs no scope, since their roles decide; a service's has one of the row's.
    """
    if row.door is not Door.TOKEN:
        return _PROOFS[row.proof] if row.proof is not None else []
    of_people: list[list[str]] = [[]] if row.grants else []
    ways = [*of_people, *([scope] for scope in row.scopes)]
    return [{ACCESS_TOKEN: []}, *({name: way} for name in (OAUTH, OPENID) for way in ways)]


def schemes(operations: Sequence[Operation]) -> Json:
    """Every scheme that one of these operations takes, by name."""
    used = {name for row in operations for one in alternatives(row) for name in one}
    known = {**_FIXED, OAUTH: _oauth(operations)}
    return {name: scheme for name, scheme in known.items() if name in used}


def _oauth(operations: Sequence[Operation]) -> Json:
    """The flows by which tokens are had."""
    token_url = ENDPOINTS["token_endpoint"]
    of_services = {scope: "Of a service (X7)." for row in operations for scope in row.scopes}
    return {
        "type": "oauth2",
        "description": "People by a code with PKCE (S256), services by their secret.",
        "flows": {
            "authorizationCode": {
                "authorizationUrl": ENDPOINTS["authorization_endpoint"],
                "tokenUrl": token_url,
                "refreshUrl": token_url,
                "scopes": _OF_PEOPLE,
            },
            "clientCredentials": {"tokenUrl": token_url, "scopes": of_services},
        },
    }
