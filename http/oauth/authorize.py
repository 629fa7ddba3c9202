"""`GET /oauth/authorize`: a client asks for a code, and the browser takes it there.

The rule: until client and address are known to belong together, to the letter, nothing is sent anywhere:
the person sees a page. From then on every error goes to the client, which can tell what to do. A code is
given to a browser in which somebody has signed in, as well and as recently as the client wants, and for what
a person's program may have: a scope that services have (X7) is none of them. Where a new sign-in was no better
than is wanted, the client hears so, and nobody is asked in circles.
Source: spec.md S34; RFC 6749 sections 3.1, 4.1.1 and 4.1.2; RFC 7636 section 4.3 (S256 only); RFC 9207
(`iss`); RFC 9700 sections 2.1 and 4.1.3; OpenID Connect Core 1.0 section 3.1.2; RFC 9470 section 4 with OpenID Connect Core Unmet
Authentication Requirements 1.0 (`acr_values`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final
from urllib.parse import parse_qs, urlencode

from comptoir.actors.authorization_code.messages import KIND as CODE
from comptoir.actors.authorization_code.messages import IssueCode
from comptoir.actors.browser_session.messages import Person
from comptoir.actors.refresh_family.messages import Authorization
from comptoir.engine import Address, EngineError
from comptoir.http.answers import Response, response
from comptoir.http.identity.authenticator import wall_seconds
from comptoir.http.identity.opening import Identity
from comptoir.http.oauth.consents import (
    REFUSED,
    Asked,
    consent_address,
    consent_page,
    find,
    give,
)
from comptoir.http.oauth.opaque import code_key, draw_code
from comptoir.http.oauth.sessions import digest_of, session_value, who_is_signed_in
from comptoir.http.oauth.signin import own_form, sign_in_path
from comptoir.http.operation import Call
from comptoir.http.page import page
from comptoir.http.port import Port
from comptoir.http.problems import problem

__all__ = ["PARAMETERS", "SCOPES", "authorize", "consent"]

CODE_MS: Final = 60_000
"""A minute, of the ten that RFC 6749 section 4.1.2 allows at most: a client comes at once."""
SCOPES: Final = ("openid", "offline_access")
"""What a person's client may ask for; what the person may do is in their roles."""
PARAMETERS: Final = (
    ("client_id", "A client of `auth.clients`."),
    ("redirect_uri", "An address of it, to the letter."),
    ("response_type", "`code`."),
    ("code_challenge", "RFC 7636."),
    ("code_challenge_method", "`S256`."),
    ("scope", "Of `openid` and `offline_access`, those that are wanted."),
    ("state", "Given back with the answer."),
    ("nonce", "Given back in the ID token."),
    ("max_age", "Seconds for which a sign-in is recent enough."),
    ("acr_values", "What `acr` is to say, the best first."),
    ("prompt", "`none`, `login` or `consent`."),
)
"""For the description."""
TEXT_CHARACTERS_MAX: Final = 512
"""Of `state` and `nonce`: they are random, or a short note of the client's."""
AGE_SECONDS_MIN: Final = 60
"""The way back from a sign-in takes a moment: with less, a `max_age` of 0 would never be met."""
SINCE: Final = "signed_in_since"
"""Ours, in place of `prompt=login` on the way back from the sign-in that was asked for, in seconds since 1970:
only a person can change it there, who would tell nobody but their own client less than the truth."""
PROMPTS: Final = ("", "none", "login", "consent")
PATH: Final = "/oauth/authorize"
PARAMETERS_MAX: Final = 64
REQUEST_CHARACTERS_MAX: Final = 4096
"""That a sign-in carries along."""
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}").fullmatch
"""RFC 7636 section 4.2: 256 bits in base64url."""
_PRINTABLE: Final = re.compile(rf"[\x20-\x7e]{{0,{TEXT_CHARACTERS_MAX}}}").fullmatch
"""RFC 6749 appendix A.5 (VSCHAR)."""
_AGE: Final = re.compile(r"[0-9]{1,10}").fullmatch
_UNKNOWN: Final = """\
<h1>This sign-in cannot go on</h1>
<p class="lead">The program that sent you here is not registered, or asks to be answered at an address
that is not registered for it. Nothing was sent to it.</p>
<p>Go back to where you came from. If it happens again, tell the people who run that program:
<code>client_id</code> and <code>redirect_uri</code> must stand in <code>auth.clients</code>, to the letter.</p>"""


class _Denied(Exception):
    """The client hears why."""

    def __init__(self, error: str, description: str) -> None:
        """Args: a word of RFC 6749 section 4.1.2.1 or OpenID Connect 3.1.2.6; for its developer."""
        super().__init__(error)
        self.error = error
        self.description = description


@dataclass(frozen=True, slots=True)
class _Wish:
    """A request whose client and address are known."""

    client_id: str
    redirect_uri: str
    query: Mapping[str, Sequence[str]]

    def one(self, name: str) -> str:
        """The value of a parameter, empty where it is not there.

        Raises:
            _Denied: it stands twice (RFC 6749 section 3.1).
        """
        values = self.query.get(name, ())
        if len(values) > 1:
            raise _Denied("invalid_request", f"{name} stands twice")
        return values[0] if values else ""

    def text(self, name: str) -> str:
        """A value that is kept or given back.

        Raises:
            _Denied: it is too long, or not printable ASCII.
        """
        value = self.one(name)
        if not _PRINTABLE(value):
            raise _Denied("invalid_request", f"{name} is too long, or not printable ASCII")
        return value

    @property
    def state(self) -> str:
        """What goes back with every answer; none that could not be given back as it came."""
        values = self.query.get("state", ())
        return values[0] if len(values) == 1 and _PRINTABLE(values[0]) else ""


async def authorize(port: Port, call: Call) -> Response:
    """GET /oauth/authorize."""
    identity = port.identity
    if identity is None:
        return problem("NOT_FOUND", call.ticket)
    wish = _known(identity, call.query)
    if wish is None:
        return page("Sign in", _UNKNOWN, call.ticket)._replace(status=400)
    try:
        issue = _judged(wish)
        person = await who_is_signed_in(port, identity, call)
        if person is None or _is_to_sign_in(wish, person, identity.mfa_acr):
            return _to_sign_in(wish, call.ticket)
        consent = await _consent(port, wish, issue, person)
        if consent is None:
            return consent_page(_asked(wish, issue), _pairs(wish, "consent"), call)
        value = session_value(identity, call)
        assert value is not None, "somebody has signed in"
        given = await _code(port, issue, person, (consent, digest_of(value)))
    except _Denied as denied:
        given = {"error": denied.error, "error_description": denied.description}
    except EngineError as error:  # RFC 6749 section 4.1.2.1: a 503 would not get to the client
        if error.retry_after_s is None:
            raise
        given = {"error": "temporarily_unavailable"}
    return _back(identity, wish, given, call.ticket)


def _to_sign_in(wish: _Wish, ticket: str) -> Response:
    """Send the browser to our own page, from which it comes back with the same request.

    Raises:
        _Denied: the client wants no page to be shown, or its request is too long to be carried along.
    """
    pairs = _pairs(wish, "login")
    if wish.one("prompt") == "login":
        pairs = [one for one in pairs if one[0] != SINCE]
        pairs.append((SINCE, str(wall_seconds())))
    wanted = f"{PATH}?{urlencode(pairs)}"
    if wish.one("prompt") == "none" or len(wanted) > REQUEST_CHARACTERS_MAX:
        raise _Denied("login_required", "nobody is signed in, or not recently enough")
    return _sent(sign_in_path(wanted), ticket)


def _pairs(wish: _Wish, prompt: str) -> list[tuple[str, str]]:
    """The request as it is to go on when this has been asked, and not again."""
    pairs = [(name, value) for name, values in wish.query.items() for value in values]
    return [one for one in pairs if one not in (("prompt", prompt), (REFUSED, "1"))]


def _asked(wish: _Wish, issue: IssueCode) -> Asked:
    return Asked(wish.client_id, wish.redirect_uri, issue.authorization.scopes)


async def _consent(port: Port, wish: _Wish, issue: IssueCode, person: Person) -> int | None:
    """The number of the person's consent, 0 where none is needed; None: they are to be asked.

    Raises:
        _Denied: they said no, or the client wants no page to be shown.
    """
    assert port.identity is not None, "asked before"
    if port.identity.is_first_party(wish.client_id):
        return 0
    if wish.one(REFUSED):
        raise _Denied("access_denied", "the person did not allow it")
    number = 0
    if wish.one("prompt") != "consent":
        number = await find(port, person, _asked(wish, issue))
    if not number and wish.one("prompt") == "none":
        raise _Denied("consent_required", "the person has not allowed it, or not all of it")
    return number or None


async def consent(port: Port, call: Call) -> Response:
    """POST /oauth/consent: the person lets a client act for them, and goes on with its request."""
    identity, form = port.identity, own_form(port, call)
    if identity is None or isinstance(form, Response):
        return form if isinstance(form, Response) else problem("NOT_FOUND", call.ticket)
    wish = _carried(identity, form.get("next", ""))
    if wish is None:
        return page("Sign in", _UNKNOWN, call.ticket)._replace(status=400)
    onward = f"{PATH}?{urlencode(_pairs(wish, 'consent'))}"
    person = await who_is_signed_in(port, identity, call)
    try:
        if person is not None:  # else going on leads to the sign-in
            await give(port, person, _asked(wish, _judged(wish)))
    except _Denied:
        pass  # going on with it, the client hears why
    # As in signin.welcome: a page and no redirect, because of `form-action`.
    content = f'<h1>Going on</h1>\n<p><a href="{escape(onward)}">Continue</a></p>'
    return page("Going on", content, call.ticket, forms=True, onward=onward)


def _carried(identity: Identity, path: str) -> _Wish | None:
    """The request that a form of ours has carried along, as `_known`."""
    place, _, text = path.partition("?")
    if place != PATH or len(path) > REQUEST_CHARACTERS_MAX:
        return None
    try:
        query = parse_qs(
            text, keep_blank_values=True, errors="strict", max_num_fields=PARAMETERS_MAX
        )
    except ValueError:
        return None
    return _known(identity, query)


def _known(identity: Identity, query: Mapping[str, Sequence[str]]) -> _Wish | None:
    """The request, if its client is registered and so is the address, to the letter."""
    clients, addresses = (query.get(name, ()) for name in ("client_id", "redirect_uri"))
    if len(clients) != 1 or len(addresses) != 1:
        return None
    if addresses[0] not in identity.redirect_uris(clients[0]):
        return None
    return _Wish(clients[0], addresses[0], query)


def _judged(wish: _Wish) -> IssueCode:
    """What is to be kept with the code; whose it is, is not known yet.

    Raises:
        _Denied: the first thing that is wrong.
    """
    wish.text("state")
    for name in ("request", "request_uri"):
        if wish.one(name):
            raise _Denied(f"{name}_not_supported", "give the parameters themselves")
    if wish.one("response_type") != "code":
        raise _Denied("unsupported_response_type", "response_type must be code")
    if wish.one("response_mode") not in ("", "query"):
        raise _Denied("invalid_request", "response_mode must be query")
    if wish.one("prompt") not in PROMPTS:
        raise _Denied("invalid_request", "prompt may be none, login or consent")
    challenge = wish.one("code_challenge")
    if wish.one("code_challenge_method") != "S256" or not _CHALLENGE(challenge):
        raise _Denied("invalid_request", "code_challenge of method S256 is needed")
    for name in ("max_age", SINCE):
        if wish.one(name) and not _AGE(wish.one(name)):
            raise _Denied("invalid_request", f"{name} is no number of seconds")
    wish.text("acr_values")
    scopes = tuple(dict.fromkeys(wish.one("scope").split()))
    if not set(scopes) <= set(SCOPES):
        raise _Denied("invalid_scope", f"there are {' and '.join(SCOPES)}")
    allowed = Authorization("", wish.client_id, scopes=scopes)
    return IssueCode(allowed, wish.redirect_uri, challenge, wish.text("nonce"), CODE_MS)


def _is_to_sign_in(wish: _Wish, person: Person, mfa_acr: str) -> bool:
    """Whether the sign-in of this browser is too old for the client, or not good enough.

    Raises:
        _Denied: it is not good enough, and a moment old: another would be no better.
    """
    if wish.one("prompt") == "login" or _too_long_ago(wish, person):
        return True
    if mfa_acr not in wish.one("acr_values").split() or "mfa" in person.methods:
        return (
            False  # what else is wanted there is no such thing as, and a client hears it from `acr`
        )
    if wall_seconds() - person.signed_in_at <= AGE_SECONDS_MIN:
        text = "they signed in just now, with one factor; a passkey is two"
        raise _Denied("unmet_authentication_requirements", text)
    return True


def _too_long_ago(wish: _Wish, person: Person) -> bool:
    """OpenID Connect Core 1.0 section 3.1.2.1, `max_age` and `prompt=login`."""
    given, since = wish.one("max_age"), wish.one(SINCE)
    if since and person.signed_in_at < int(since):
        return True
    seconds = max(AGE_SECONDS_MIN, int(given)) if given else 0
    return bool(given) and wall_seconds() - person.signed_in_at > seconds


async def _code(
    port: Port, issue: IssueCode, person: Person, by: tuple[int, str]
) -> dict[str, str]:
    """A code for this person, durable.

    Args:
        port: the daemon.
        issue: what is to be kept with it.
        person: who allowed it.
        by: the number of what they allowed, 0: nobody asked; and the key of their browser's session.
    """
    consent, origin = by
    allowed = Authorization(
        person.subject, issue.authorization.client_id, person.roles,
        issue.authorization.scopes, person.methods, person.signed_in_at, person.person,
        person.generation, consent_address(port, person).key if consent else "", consent,
        person.listing, origin, person.device,
    )  # fmt: skip
    code = draw_code()
    key = code_key(code)
    assert key is not None, "we have just drawn it"
    whole = IssueCode(allowed, issue.redirect_uri, issue.challenge, issue.nonce, issue.lifetime_ms)
    await port.ask(Address(CODE, key), whole)
    return {"code": code}


def _back(identity: Identity, wish: _Wish, given: Mapping[str, str], ticket: str) -> Response:
    """Send the browser to the client, 303 so that it comes by GET (RFC 9700 section 4.12)."""
    values = {**given, "iss": identity.issuer or ""}
    if wish.state:
        values["state"] = wish.state
    joint = "&" if "?" in wish.redirect_uri else "?"
    location = f"{wish.redirect_uri}{joint}{urlencode(values)}"
    return _sent(location, ticket)


def _sent(location: str, ticket: str) -> Response:
    answer = response(303, b"text/plain; charset=utf-8", b"", ticket)
    answer.headers.append((b"location", location.encode("ascii")))
    return answer
