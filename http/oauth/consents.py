"""Whom a person lets act for them: the question at a sign-in, the answer, and the page to take it back.

The rule: a client that is not marked as the house's own (`auth.first_party`) gets no code before its person
has seen who it is and what it wants, and has said yes by a form of our own page; nothing is given by a GET. A
no changes nothing, and so it is a link. What is shown of a client is its id and where it is answered, both
of which are registered.
Source: RFC 6749 sections 10.2 and 10.13; RFC 9700 section 4; OpenID Connect Core 1.0 section 3.1.2.4; OWASP
ASVS 5, 10.7.1 to 10.7.3; spec.md S34, S60.
"""

from datetime import UTC, datetime
from html import escape
from typing import Final, NamedTuple
from urllib.parse import urlencode, urlsplit

from comptoir.actors.browser_session.messages import Person
from comptoir.actors.consent.messages import (
    KIND,
    ConsentFound,
    ConsentShown,
    ConsentsListed,
    ConsentWithdrawn,
    FindConsent,
    GiveConsent,
    ListConsents,
    WithdrawConsent,
)
from comptoir.actors.revocation.messages import Ground
from comptoir.engine import Address
from comptoir.http.answers import Response, response
from comptoir.http.oauth.ending import end_access
from comptoir.http.oauth.sessions import who_is_signed_in
from comptoir.http.oauth.signin import CONSENTS, heard, own_form, person_address, sign_in_path
from comptoir.http.operation import Call
from comptoir.http.page import Language, language_of, page_in
from comptoir.http.port import Port
from comptoir.http.problems import problem

__all__ = [
    "CONSENT",
    "REFUSED",
    "Asked",
    "consent_address",
    "consent_page",
    "consents_page",
    "find",
    "give",
    "withdraw",
]

CONSENT: Final = "/oauth/consent"
"""Where the form leads (authorize.py)."""
JUST_NOW_MS: Final = 60_000
"""Of a program that is answered on the person's own device, which any other there may pretend to be: it is asked
each time (RFC 8252 section 8.6), and the answer holds for the way back."""
REFUSED: Final = "refused"
"""A parameter of ours: the person said no."""
_WORDS: Final = {
    "fr": {
        "title": "Autoriser un programme",
        "asks": "demande à agir en votre nom",
        "answered": "Il reçoit la réponse à",
        "all": "faire tout ce que vous pouvez faire ici, en votre nom",
        "openid": "savoir qui vous êtes et comment vous vous êtes connecté",
        "offline_access": "continuer en votre absence, pendant quelques jours",
        "yes": "Autoriser",
        "no": "Refuser",
        "later": "Vous pouvez revenir sur ce choix à tout moment",
        "list": "Programmes autorisés",
        "none": "Vous n'avez autorisé aucun programme.",
        "since": "depuis le",
        "end": "Ne plus autoriser",
    },
    "en": {
        "title": "Allow a program",
        "asks": "asks to act for you",
        "answered": "It is answered at",
        "all": "do all that you may do here, in your name",
        "openid": "know who you are and how you signed in",
        "offline_access": "go on while you are away, for some days",
        "yes": "Allow",
        "no": "Do not allow",
        "later": "You can take this back at any time",
        "list": "Programs that you allow",
        "none": "You allow no program.",
        "since": "since",
        "end": "Allow no more",
    },
}  # fmt: skip


class Asked(NamedTuple):
    """What a client wants, as it is shown."""

    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]


def consent_address(port: Port, person: Person) -> Address:
    """The actor of a person's consents."""
    return Address(KIND, person_address(port, person.subject).key)


async def find(port: Port, person: Person, asked: Asked) -> int:
    """The number of the consent that covers this; 0: there is none."""
    within_ms = 0 if asked.redirect_uri.startswith("https://") else JUST_NOW_MS
    wanted = FindConsent(asked.client_id, asked.scopes, person.generation, within_ms)
    reply = await heard(port, consent_address(port, person), wanted)
    return reply.number if isinstance(reply, ConsentFound) else 0


async def give(port: Port, person: Person, asked: Asked) -> None:
    """The person said yes; durable when this returns."""
    await port.ask(
        consent_address(port, person),
        GiveConsent(asked.client_id, asked.scopes, person.generation),
    )


def consent_page(asked: Asked, wanted: list[tuple[str, str]], call: Call) -> Response:
    """The question.

    Args:
        asked: what the client wants.
        wanted: the request of it, as it is to go on.
        call: the browser's.
    """
    lang = language_of(call)
    words = _WORDS[lang]
    path = f"/oauth/authorize?{urlencode(wanted)}"
    refused = f"/oauth/authorize?{urlencode([*wanted, (REFUSED, '1')])}"
    content = (
        f"<h1>{words['title']}</h1>\n"
        f'<p class="lead"><code>{escape(asked.client_id)}</code> {words["asks"]}.</p>\n'
        f"{_wishes(lang, asked.scopes)}\n"
        f"<p>{words['answered']} <code>{escape(_place(asked.redirect_uri))}</code>.</p>\n"
        f'<form method="post" action="{CONSENT}">\n'
        f'<input type="hidden" name="next" value="{escape(path)}">\n'
        f"<button>{words['yes']}</button>\n</form>\n"
        f'<p><a href="{escape(refused)}">{words["no"]}</a></p>\n'
        f'<p>{words["later"]}: <a href="{CONSENTS}">{words["list"]}</a>.</p>'
    )
    return page_in(lang, words["title"], content, call.ticket)


def _place(redirect_uri: str) -> str:
    """Scheme and host of an address; of a program's own scheme, that."""
    parts = urlsplit(redirect_uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"


def _wishes(lang: Language, scopes: tuple[str, ...]) -> str:
    words = _WORDS[lang]
    lines = [words["all"], *(words[scope] for scope in scopes)]
    return "<ul>\n" + "".join(f"<li>{line}</li>\n" for line in lines) + "</ul>"


async def consents_page(port: Port, call: Call) -> Response:
    """GET /signin/consents: whom a person lets."""
    if port.identity is None:
        return problem("NOT_FOUND", call.ticket)
    person = await who_is_signed_in(port, port.identity, call)
    if person is None:
        return _to_sign_in(call.ticket)
    return await _own_page(port, person, call)


async def withdraw(port: Port, call: Call) -> Response:
    """POST /signin/consents/withdraw: one is let no more, and all that it has ends."""
    identity, form = port.identity, own_form(port, call)
    if identity is None or isinstance(form, Response):
        return form if isinstance(form, Response) else problem("NOT_FOUND", call.ticket)
    person = await who_is_signed_in(port, identity, call)
    if person is None:
        return _to_sign_in(call.ticket)
    wanted = WithdrawConsent(form.get("client_id", ""))
    reply = await heard(port, consent_address(port, person), wanted)
    if isinstance(reply, ConsentWithdrawn):
        for family in reply.families:
            await end_access(port, Ground.FAMILY, family)
    return await _own_page(port, person, call)


async def _own_page(port: Port, person: Person, call: Call) -> Response:
    reply = await heard(port, consent_address(port, person), ListConsents())
    consents = reply.consents if isinstance(reply, ConsentsListed) else ()
    lang = language_of(call)
    words = _WORDS[lang]
    shown = "\n".join(_one(lang, one) for one in consents) or f"<p>{words['none']}</p>"
    return page_in(lang, words["list"], f"<h1>{words['list']}</h1>\n{shown}", call.ticket)


def _one(lang: Language, one: ConsentShown) -> str:
    words = _WORDS[lang]
    day = datetime.fromtimestamp(one.since / 1000, UTC).date().isoformat()
    name = escape(one.client_id)
    return (
        f"<h2><code>{name}</code></h2>\n<p>{words['since']} {day}</p>\n{_wishes(lang, one.scopes)}\n"
        f'<form method="post" action="{CONSENTS}/withdraw">\n'
        f'<input type="hidden" name="client_id" value="{name}">\n'
        f'<button aria-label="{words["end"]}: {name}">{words["end"]}</button>\n</form>'
    )


def _to_sign_in(ticket: str) -> Response:
    answer = response(303, b"text/plain; charset=utf-8", b"", ticket)
    answer.headers.append((b"location", sign_in_path(CONSENTS).encode("ascii")))
    return answer
