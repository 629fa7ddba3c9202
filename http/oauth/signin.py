"""The pages on which people sign in: link, authenticator, password; server-made, and good without a script.

The rule: nothing is changed by a GET, since mail programs and browsers open links ahead; a form is taken
from our own pages only (its `Origin`, which no page can forge, RFC 6454 section 7.3); and whatever is wrong
with a sign-in, the page says the same. What a page repeats of a request was checked, and is escaped.
Source: spec.md S34, X8; WCAG 2.2 (3.3.2 labels, 3.3.8 accessible authentication: paste and managers work);
OWASP CSRF prevention (origin); RFC 9700 section 4.11 (no open redirector).
"""

import base64
import re
import secrets
from hashlib import sha256
from html import escape
from typing import Final
from urllib.parse import quote

from comptoir.actors.browser_session.messages import EndSession, OpenSession, Person
from comptoir.actors.person.messages import (
    KIND,
    ConfirmSeed,
    OfferSeed,
    SeedOffered,
    SignedIn,
    SignIn,
)
from comptoir.engine import Address, Erased, Message, Reply
from comptoir.http.answers import Response
from comptoir.http.identity.authenticator import wall_seconds
from comptoir.http.identity.claims import is_text
from comptoir.http.identity.opening import Identity
from comptoir.http.oauth.answers import OAuthError
from comptoir.http.oauth.devices import device_of
from comptoir.http.oauth.passkey_pages import PASSKEYS, SCRIPT, enrol_form, sign_in_form
from comptoir.http.oauth.relying import rp_id_of
from comptoir.http.oauth.requests import read_form
from comptoir.http.oauth.sessions import (
    draw_session,
    origin_of,
    session_address,
    session_value,
    set_cookie,
)
from comptoir.http.oauth.visits import Visit, visit_of
from comptoir.http.operation import Call
from comptoir.http.page import Script, language_of, page, page_in, scripted_page
from comptoir.http.port import Port
from comptoir.http.problems import problem

__all__ = [
    "CONSENTS",
    "PATH",
    "SESSIONS",
    "confirm",
    "draw_link",
    "enrol",
    "enrolment_form",
    "enrolment_over",
    "enrolment_page",
    "form_page",
    "heard",
    "is_link",
    "is_person",
    "link_digest",
    "own_form",
    "person_address",
    "sign_in",
    "sign_in_page",
    "sign_in_path",
    "sign_out",
    "welcome",
]  # fmt: skip

PATH: Final = "/signin"
CONSENTS: Final = "/signin/consents"
"""The page of whom a person lets act for them (consents.py)."""
SESSIONS: Final = "/signin/sessions"
"""The page of where a person is signed in (session_pages.py)."""
SESSION_SECONDS: Final = 12 * 3600
"""A working day; a client keeps its person signed in for longer by refresh tokens."""
IDLE_SECONDS: Final = 3600
"""NIST SP 800-63B section 2.2.3 (AAL2): an hour of inactivity."""
SEED_BYTES: Final = 20
"""RFC 4226 section 4."""
_NEXT: Final = re.compile(
    rf"/oauth/authorize\?[\x21-\x5b\x5d-\x7e]{{1,4096}}|{re.escape(PASSKEYS)}|{re.escape(CONSENTS)}"
    rf"|{re.escape(SESSIONS)}"
).fullmatch
"""The places to which a sign-in leads: ours, never another host's."""
_KEY: Final = re.compile(r"[A-Za-z0-9:._-]{1,128}").fullmatch
_LINK: Final = re.compile(r"[A-Za-z0-9_-]{43}").fullmatch
_AGAIN: Final = (
    '<p role="alert">This was not accepted. A password is good once and for half a minute; after several '
    "wrong ones nobody is asked for a while. Wait for the next one and try again.</p>"
)
_OVER: Final = """\
<h1>This link is over</h1>
<p class="lead">It was used, or its time has passed. Ask whoever sent it for a new one.</p>"""
_CODE_FIELD: Final = (
    '<label for="password">Six digits of your authenticator</label>\n'
    '<input id="password" name="password" inputmode="numeric" autocomplete="one-time-code" '
    'maxlength="6" required>\n'
)


_SIGNED_OUT: Final = {
    "fr": ("Déconnexion", "Vous êtes déconnecté"),
    "en": ("Signed out", "You are signed out"),
}
"""Clients come to this page, too (http/portal)."""


def sign_in_path(wanted: str) -> str:
    """Where a browser signs in before it goes on to this path of ours."""
    return f"{PATH}?next={quote(wanted, safe='')}"


def person_address(port: Port, subject: str) -> Address:
    """The actor of a person, by a keyed digest of who they are (X15)."""
    return Address(KIND, port.person_key(subject))


def draw_link(call: Call) -> str:
    """The secret of a new link; a request that is run again has the same."""
    return call.draw_secret("enrolment link")


def link_digest(link: str) -> str:
    """What a person's actor knows a link by."""
    return sha256(link.encode("ascii")).hexdigest()


async def sign_in_page(port: Port, call: Call) -> Response:
    """GET /signin: a form."""
    identity = port.identity
    if identity is None:
        return problem("NOT_FOUND", call.ticket)
    return form_page(identity, _one(call, "next"), "", call.ticket)


async def sign_in(port: Port, call: Call) -> Response:
    """POST /signin: who, and a password."""
    identity, form = port.identity, own_form(port, call)
    if identity is None or isinstance(form, Response):
        return form if isinstance(form, Response) else problem("NOT_FOUND", call.ticket)
    subject, wanted = form.get("sub", ""), form.get("next", "")
    if is_text(subject):
        visit = visit_of(identity, call)
        message = SignIn(form.get("password", ""), visit.whence)
        reply = await heard(port, person_address(port, subject), message)
        if isinstance(reply, SignedIn):
            return await welcome(port, visit, reply, wanted)
    return form_page(identity, wanted, _AGAIN, call.ticket)._replace(status=400)


async def sign_out(port: Port, call: Call) -> Response:
    """POST /signin/out: the browser is nobody's."""
    identity, form = port.identity, own_form(port, call)
    if identity is None or isinstance(form, Response):
        return form if isinstance(form, Response) else problem("NOT_FOUND", call.ticket)
    value = session_value(identity, call)
    if value is not None:
        await port.ask(session_address(value), EndSession())
    lang = language_of(call)
    title, text = _SIGNED_OUT[lang]
    answer = page_in(lang, title, f"<h1>{text}</h1>", call.ticket)
    answer.headers.append(set_cookie(identity, "", 0))
    return answer


async def enrolment_page(port: Port, call: Call) -> Response:
    """GET /signin/enrol: what the link leads to; using it takes a press of a button."""
    identity = port.identity
    if identity is None:
        return problem("NOT_FOUND", call.ticket)
    who, link = _one(call, "who"), _one(call, "link")
    if not is_link(who, link):
        return enrolment_over(call.ticket)
    return enrolment_form(identity, (who, link), "", call.ticket)


def enrolment_form(identity: Identity, link: tuple[str, str], note: str, ticket: str) -> Response:
    """What may be set up by a link.

    Args:
        identity: ours.
        link: whose, and its secret.
        note: what is said first, as HTML.
        ticket: the request id.
    """
    hidden = _hidden(*link)
    content = (
        "<h1>Set up your sign-in</h1>\n"
        '<p class="lead">You need a passkey, which your device or password manager makes, or an '
        f"authenticator: an app that makes one-time passwords.</p>\n{note}\n"
    )
    by_app = (
        f'<form method="post" action="{PATH}/enrol">\n{hidden}'
        "<h2>With an authenticator</h2>\n<button>Show what to enter there</button>\n</form>"
    )
    if rp_id_of(identity) is None:
        return page("Enrol", content + by_app, ticket, forms=True)
    return scripted_page("Enrol", content + enrol_form(hidden) + by_app, ticket, Script(SCRIPT))


def enrolment_over(ticket: str) -> Response:
    """A link that leads nowhere."""
    return page("Enrol", _OVER, ticket)._replace(status=400)


def is_person(who: str) -> bool:
    """Whether this can be the key of a person's actor."""
    return _KEY(who) is not None


def is_link(who: str, link: str) -> bool:
    """Whether this can be a link of ours: whose, and its secret."""
    return is_person(who) and _LINK(link) is not None


async def enrol(port: Port, call: Call) -> Response:
    """POST /signin/enrol: a seed for the authenticator."""
    form = own_form(port, call)
    if isinstance(form, Response):
        return form
    who, link = form.get("who", ""), form.get("link", "")
    if is_link(who, link):
        seed = secrets.token_bytes(SEED_BYTES)
        offer = OfferSeed(link_digest(link), seed.hex())
        reply = await heard(port, Address(KIND, who), offer)
        if isinstance(reply, SeedOffered):
            return _seed_page(reply.subject, seed, _hidden(who, link), call.ticket)
    return enrolment_over(call.ticket)


async def confirm(port: Port, call: Call) -> Response:
    """POST /signin/enrol/confirm: the authenticator has the seed; the link is used."""
    identity, form = port.identity, own_form(port, call)
    if identity is None or isinstance(form, Response):
        return form if isinstance(form, Response) else problem("NOT_FOUND", call.ticket)
    who, link = form.get("who", ""), form.get("link", "")
    if is_link(who, link):
        visit = visit_of(identity, call)
        message = ConfirmSeed(link_digest(link), form.get("password", ""), visit.whence)
        reply = await heard(port, Address(KIND, who), message)
        if isinstance(reply, SignedIn):
            return await welcome(port, visit, reply, "")
    content = (
        f"<h1>Set up your sign-in</h1>\n{_AGAIN}\n<p>If it is refused again, open your link anew.</p>\n"
        f'<form method="post" action="{PATH}/enrol/confirm">\n{_hidden(who, link)}{_CODE_FIELD}'
        "<button>Finish</button>\n</form>"
    )
    return page("Enrol", content, call.ticket, forms=True)._replace(status=400)


async def heard(port: Port, address: Address, message: Message) -> Reply | None:
    """What a person's actor answers; nothing where they were erased, which is nobody's to know."""
    try:
        return (await port.ask(address, message)).reply
    except Erased:
        return None


def own_form(port: Port, call: Call) -> "dict[str, str] | Response":
    """The form of one of our own pages, or what is answered instead."""
    if port.identity is None:
        return problem("NOT_FOUND", call.ticket)
    if call.values(b"origin") != [origin_of(port.identity)]:
        return problem("FORBIDDEN", call.ticket)
    try:
        return read_form(call)
    except OAuthError:
        return problem("REQUEST_MALFORMED", call.ticket)


def _one(call: Call, name: str) -> str:
    """A parameter of the query, empty unless it stands once."""
    values = call.query.get(name, ())
    return values[0] if len(values) == 1 else ""


def _hidden(who: str, link: str) -> str:
    return (
        f'<input type="hidden" name="who" value="{escape(who)}">'
        f'<input type="hidden" name="link" value="{escape(link)}">\n'
    )


def form_page(identity: Identity, wanted: str, note: str, ticket: str) -> Response:
    """The form of a sign-in.

    Args:
        identity: ours.
        wanted: where to go on to, as it was asked.
        note: what is said first, as HTML.
        ticket: the request id.
    """
    kept = ""
    if _NEXT(wanted):
        kept = f'<input type="hidden" name="next" value="{escape(wanted)}">\n'
    by_app = (
        f'<form method="post" action="{PATH}">\n{kept}'
        '<label for="sub">Your id</label>\n'
        '<input id="sub" name="sub" autocomplete="username" maxlength="255" required>\n'
        f"{_CODE_FIELD}<button>Sign in</button>\n</form>"
    )
    head = f"<h1>Sign in</h1>\n{note}\n"
    if rp_id_of(identity) is None:
        return page("Sign in", head + by_app, ticket, forms=True)
    return scripted_page("Sign in", head + sign_in_form(kept) + by_app, ticket, Script(SCRIPT))


def _seed_page(subject: str, seed: bytes, hidden: str, ticket: str) -> Response:
    """The one time that the seed is shown; the address is what apps read (Key URI format)."""
    text = base64.b32encode(seed).decode("ascii")
    label = quote(f"comptoir:{subject}", safe="")
    uri = f"otpauth://totp/{label}?secret={text}&issuer=comptoir"
    content = (
        "<h1>Enter this in your authenticator</h1>\n<dl>\n"
        f"<dt>Account</dt><dd>{escape(subject)}</dd>\n<dt>Key</dt><dd><code>{text}</code></dd>\n"
        f'<dt>On this device</dt><dd><a href="{escape(uri)}">Open the authenticator</a></dd>\n</dl>\n'
        f'<form method="post" action="{PATH}/enrol/confirm">\n{hidden}{_CODE_FIELD}'
        "<button>Finish</button>\n</form>"
    )
    return page("Enrol", content, ticket, forms=True)


async def welcome(port: Port, visit: Visit, known: SignedIn, wanted: str) -> Response:
    """A session in place of whatever the browser had, and the way on. A page and no redirect: a browser
    whose policy bounds where forms lead would not follow one to the client's address (CSP 3,
    `form-action`).
    """
    identity, call = visit.identity, visit.call
    before, value = session_value(identity, call), draw_session()
    if before is not None:  # nobody else may go on with it, whosever it was
        await port.ask(session_address(before), EndSession())
    key = person_address(port, known.subject).key
    person = Person(
        known.subject, known.roles, known.methods, wall_seconds(), key, known.generation,
        key, device_of(call),
    )  # fmt: skip
    await port.ask(
        session_address(value), OpenSession(person, SESSION_SECONDS * 1000, IDLE_SECONDS * 1000)
    )
    content, onward = "<h1>You are signed in</h1>", ""
    if _NEXT(wanted):
        onward = wanted
        content += f'\n<p><a href="{escape(wanted)}">Continue</a></p>'
    if rp_id_of(identity) is not None:
        content += f'\n<p><a href="{PASSKEYS}">Your passkeys</a></p>'
    content += f'\n<p><a href="{CONSENTS}">Programs that you allow</a></p>'
    content += f'\n<p><a href="{SESSIONS}">Where you are signed in</a></p>'
    content += f'\n<form method="post" action="{PATH}/out"><button>Sign out</button></form>'
    answer = page("Signed in", content, call.ticket, forms=True, onward=onward)
    answer.headers.append(set_cookie(identity, value, SESSION_SECONDS))
    answer.headers.append(visit.cookie(known))
    return answer
