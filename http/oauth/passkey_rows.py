"""The rows of signing in with a passkey (`comptoir.http.operations`).

The rule: pages and forms of ours take no token; who may do what with a passkey is the person's own actor
to say. Source: spec.md S34; interface.md 9; W3C Web Authentication Level 3.
"""

from types import MappingProxyType
from typing import Final

from comptoir.http.oauth import passkeys, signin
from comptoir.http.oauth import shapes as oauth
from comptoir.http.oauth.passkey_pages import PASSKEYS, SCRIPT
from comptoir.http.oauth.requests import FORM
from comptoir.http.operation import Body, Door, Operation, Proof
from comptoir.http.page import HTML

__all__ = ["PASSKEY_ROWS"]

_PAGES: Final = MappingProxyType(
    {200: Body("A page.", None, HTML), 400: Body("Not accepted.", None, HTML)}
)
_OWN_PAGES: Final = MappingProxyType(
    {**_PAGES, 303: Body("To the sign-in.", None, "text/plain; charset=utf-8")}
)
_OF_FORMS: Final = ("NOT_FOUND", "STORAGE_UNAVAILABLE")

PASSKEY_ROWS: Final = (
    Operation(
        "getPasskeyScript", "GET", SCRIPT, "What the pages do where the browser has passkeys", "tokens",
        Door.OPEN, {200: Body("ECMAScript.", None, "text/javascript; charset=utf-8")}, passkeys.script,
        problems=("NOT_FOUND",),
    ),
    Operation(
        "beginPasskeySignIn", "POST", f"{signin.PATH}/passkey/options", "A challenge to sign in with",
        "tokens", Door.OPEN, {200: Body("For the browser.", oauth.RequestOptions)},
        passkeys.begin_sign_in, problems=("REQUEST_MALFORMED", *_OF_FORMS),
        body=Body("A form.", None, FORM, required=False),
    ),
    Operation(
        "signInWithPasskey", "POST", f"{signin.PATH}/passkey", "What the browser answered", "tokens",
        Door.OPEN, _PAGES, passkeys.sign_in, problems=_OF_FORMS,
        body=Body("A form.", oauth.PasskeySignInForm, FORM),
    ),
    Operation(
        "beginPasskeyEnrolment", "POST", f"{signin.PATH}/enrol/passkey/options",
        "A challenge to enrol with", "tokens", Door.OPEN,
        {200: Body("For the browser.", oauth.CreationOptions)}, passkeys.begin_enrolment,
        problems=("REQUEST_MALFORMED", *_OF_FORMS), body=Body("A form.", oauth.EnrolForm, FORM),
    ),
    Operation(
        "enrolPasskey", "POST", f"{signin.PATH}/enrol/passkey", "The passkey was made", "tokens",
        Door.OPEN, _PAGES, passkeys.enrol, problems=_OF_FORMS,
        body=Body("A form.", oauth.PasskeyEnrolForm, FORM),
    ),
    Operation(
        "getPasskeys", "GET", PASSKEYS, "The page of one's own passkeys", "tokens", Door.OPEN,
        _OWN_PAGES, passkeys.passkeys_page, problems=_OF_FORMS,
        proof=Proof.SESSION,
    ),
    Operation(
        "beginPasskeyRegistration", "POST", f"{PASSKEYS}/options", "A challenge to make another with",
        "tokens", Door.OPEN, {200: Body("For the browser.", oauth.CreationOptions)},
        passkeys.begin_registration, problems=("REQUEST_MALFORMED", "SIGN_IN_STALE", *_OF_FORMS),
        proof=Proof.SESSION,
        body=Body("A form.", None, FORM, required=False),
    ),
    Operation(
        "registerPasskey", "POST", PASSKEYS, "Another passkey was made", "tokens", Door.OPEN, _OWN_PAGES,
        passkeys.register, problems=_OF_FORMS, body=Body("A form.", oauth.PasskeyForm, FORM),
        proof=Proof.SESSION,
    ),
    Operation(
        "removePasskey", "POST", f"{PASSKEYS}/remove", "A passkey goes", "tokens", Door.OPEN, _OWN_PAGES,
        passkeys.remove, problems=_OF_FORMS, body=Body("A form.", oauth.PasskeyRemovalForm, FORM),
        proof=Proof.SESSION,
    ),
)  # fmt: skip
