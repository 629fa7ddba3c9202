"""The page of where one is signed in: each browser and program, and a button for each and for all others.

The rule: it shows to whoever is in; it ends what they say only a short while after they signed in, so that a
browser left open shuts nobody out. Staff sign in again by their own way, a client by a code that is sent
anew. Forms are taken from our own pages only. What comes from elsewhere is escaped.
Source: spec.md S2, S34, S60, X8; OWASP ASVS 5, 7.5.2; WCAG 2.2 (3.1.1, 3.3.1, 3.3.2).
"""

import re
from datetime import UTC, datetime
from html import escape
from types import MappingProxyType
from typing import Final

from comptoir.actors.browser_session.messages import Person
from comptoir.http.answers import Response, response
from comptoir.http.oauth.opened import OpenSession, end, end_all, opened_by
from comptoir.http.oauth.sessions import digest_of, is_fresh, session_value, who_is_signed_in
from comptoir.http.oauth.signin import SESSIONS, own_form, sign_in_path
from comptoir.http.operation import Call
from comptoir.http.page import Language, language_of, page_in
from comptoir.http.port import Port
from comptoir.http.problems import problem
from comptoir.http.session_shapes import SESSION_ID

__all__ = ["end_by_form", "sessions_page"]

OTHERS: Final = "others"
"""In place of an id: all but this browser."""
_ID: Final = re.compile(SESSION_ID).match
_WORDS: Final = MappingProxyType[Language, MappingProxyType[str, str]](
    {
        "fr": MappingProxyType({
            "title": "Où vous êtes connecté",
            "lead": "Fermez ce que vous ne reconnaissez pas.",
            "browser": "Navigateur",
            "unknown": "inconnu",
            "here": "Ce navigateur",
            "begun": "Depuis",
            "used": "Dernière utilisation",
            "until": "Jusqu'au",
            "end": "Fermer",
            "others": "Fermer toutes les autres",
            "none": "Rien d'autre n'est ouvert.",
            "again": "Pour fermer une session, montrez d'abord de nouveau qui vous êtes :",
            "sign_in": "se connecter de nouveau",
            "code": "Recevoir un code",
            "SIGN_IN_STALE": "Votre connexion est trop ancienne pour cela. Rien n'a été fermé.",
            "SESSION_UNKNOWN": "Cette session n'existe plus.",
            "out": "Se déconnecter",
        }),
        "en": MappingProxyType({
            "title": "Where you are signed in",
            "lead": "End whatever you do not recognise.",
            "browser": "Browser",
            "unknown": "unknown",
            "here": "This browser",
            "begun": "Since",
            "used": "Last used",
            "until": "Until",
            "end": "End",
            "others": "End all others",
            "none": "Nothing else is open.",
            "again": "To end one, show once more who you are first:",
            "sign_in": "sign in again",
            "code": "Send me a code",
            "SIGN_IN_STALE": "You signed in too long ago for this. Nothing was ended.",
            "SESSION_UNKNOWN": "There is no such session any more.",
            "out": "Sign out",
        }),
    }
)  # fmt: skip


async def sessions_page(port: Port, call: Call) -> Response:
    """GET /signin/sessions."""
    if port.identity is None:
        return problem("NOT_FOUND", call.ticket)
    person = await who_is_signed_in(port, port.identity, call)
    return _to_sign_in(call) if person is None else await _own_page(port, call, person, "")


async def end_by_form(port: Port, call: Call) -> Response:
    """POST /signin/sessions/end: one ends, or all but this browser."""
    identity, form = port.identity, own_form(port, call)
    if identity is None or isinstance(form, Response):
        return form if isinstance(form, Response) else problem("NOT_FOUND", call.ticket)
    person = await who_is_signed_in(port, identity, call)
    if person is None:
        return _to_sign_in(call)
    code, wanted = "", form.get("session", "")
    if not is_fresh(person):
        code = "SIGN_IN_STALE"
    elif wanted == OTHERS:
        await end_all(port, person.subject, keep=_key_of(port, call))
    elif not _ID(wanted) or not await end(port, person.subject, wanted):
        code = "SESSION_UNKNOWN"
    if not code and await who_is_signed_in(port, identity, call) is None:  # it was this one
        return _to_sign_in(call)
    return await _own_page(port, call, person, code)


def _key_of(port: Port, call: Call) -> str:
    """Of this browser's session."""
    assert port.identity is not None, "asked before"
    value = session_value(port.identity, call)
    return digest_of(value) if value else ""


async def _own_page(port: Port, call: Call, person: Person, code: str) -> Response:
    lang, fresh = language_of(call), is_fresh(person)
    words = _WORDS[lang]
    found = await opened_by(port, person.subject, _key_of(port, call))
    alert = f'<p role="alert" data-code="{code}">{words[code]}</p>\n' if code else ""
    content = f'<h1>{words["title"]}</h1>\n{alert}<p class="lead">{words["lead"]}</p>\n'
    content += "\n".join(_one(lang, one, fresh=fresh) for one in found)
    others = any(not one.current for one in found)
    if not others:
        content += f"<p>{words['none']}</p>\n"
    elif fresh:
        content += _button(OTHERS, words["others"])
    else:
        content += _again(lang, person)
    content += f'<form method="post" action="/signin/out"><button>{words["out"]}</button></form>'
    answer = page_in(lang, words["title"], content, call.ticket)
    return answer._replace(status=400) if code else answer


def _one(lang: Language, one: OpenSession, *, fresh: bool) -> str:
    words = _WORDS[lang]
    name = escape(one.client_id or words["browser"])
    device = escape(one.device or words["unknown"])
    here = f" <strong>{words['here']}</strong>" if one.current else ""
    times = "".join(
        f"<dt>{words[word]}</dt><dd>{_time(at)}</dd>"
        for word, at in (("begun", one.begun_at), ("used", one.used_at), ("until", one.expires_at))
    )
    end_it = _button(one.id, words["end"], f"{name}, {device}") if fresh else ""
    return f"<h2>{name}, {device}</h2>{here}\n<dl>{times}</dl>\n{end_it}"


def _button(value: str, text: str, of: str = "") -> str:
    label = f' aria-label="{text}: {of}"' if of else ""
    return (
        f'<form method="post" action="{SESSIONS}/end">\n'
        f'<input type="hidden" name="session" value="{value}">\n'
        f"<button{label}>{text}</button>\n</form>\n"
    )


def _again(lang: Language, person: Person) -> str:
    """How somebody shows anew who they are."""
    words = _WORDS[lang]
    if person.file:
        action = f"/portal/{escape(person.file)}/code/new"
        return (
            f"<p>{words['again']}</p>\n"
            f'<form method="post" action="{action}"><button>{words["code"]}</button></form>\n'
        )
    link = escape(sign_in_path(SESSIONS))
    return f'<p>{words["again"]} <a href="{link}">{words["sign_in"]}</a>.</p>\n'


def _time(at_ms: int) -> str:
    """To the minute, as UTC: a page without a script knows no other."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _to_sign_in(call: Call) -> Response:
    answer = response(303, b"text/plain; charset=utf-8", b"", call.ticket)
    answer.headers.append((b"location", sign_in_path(SESSIONS).encode("ascii")))
    return answer
