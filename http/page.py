"""A page for people: one file, no outside asset, and no script but one of ours where it is named.

The rule: the policy allows exactly the style that is on the page, by its hash, and nothing else; where a
page names a script, what our own origin serves as one, and asking it. What comes from elsewhere is
escaped by whoever puts it in.

A page with forms tells our own origin where a request comes from, and nobody else: under `no-referrer` a
browser sends `Origin: null` with a form, also to ourselves, and we could not tell our pages from others'.
Source: W3C Content Security Policy 3; Fetch, "append a request Origin header"; Referrer Policy section 3; WCAG 2.2 (language, title, one h1, landmarks, contrast).
"""

import base64
import hashlib
from dataclasses import dataclass
from html import escape
from typing import Final, Literal

from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from comptoir.http.answers import Response, response
from comptoir.http.operation import Call

__all__ = ["HTML", "Language", "Script", "language_of", "page", "page_in", "scripted_page"]

Language = Literal["fr", "en"]
HTML = "text/html; charset=utf-8"
ACCEPT_CHARACTERS_MAX: Final = 256
"""Of `Accept-Language` that are looked at: a browser sends some dozens."""

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:3rem auto;padding:0 1rem;"
    "color:#1c2430;background:#fbfaf7}h1{font-size:1.6rem;margin:0}h2{margin-top:2.5rem}"
    "h3{font-size:1.05rem;margin:2rem 0 .3rem}p.lead{color:#556}"
    "a{color:#0b57a4}dt{font-weight:600;margin-top:1rem}dd{margin:0}code{background:#eeebe3;"
    "padding:.1rem .3rem;border-radius:.2rem;overflow-wrap:anywhere}"
    "table{border-collapse:collapse;width:100%;margin:.5rem 0}caption{text-align:left;color:#556}"
    "label{display:block;margin-top:1rem;font-weight:600}input,button{font:inherit;padding:.4rem .6rem;"
    "margin:.3rem 0}button{display:block;margin-top:1rem}"
    "th,td{text-align:left;vertical-align:top;padding:.25rem .6rem .25rem 0;"
    "border-bottom:1px solid #d9d5ca}a:focus-visible{outline:2px solid;outline-offset:2px}"
    "@media(prefers-color-scheme:dark){body{color:#e6e3da;background:#171a1f}"
    "p.lead,caption{color:#aab}a{color:#7db4ea}code{background:#262b33}"
    "th,td{border-color:#3a404a}}"
)
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest())
_POLICY = (
    b"default-src 'none'; style-src 'sha256-" + _HASH + b"'; base-uri 'none'; form-action 'none'; "
    b"frame-ancestors 'none'"
)
_POLICY_OF_FORMS = _POLICY.replace(b"form-action 'none'", b"form-action 'self'")
_POLICY_OF_SCRIPTS = _POLICY_OF_FORMS + b"; script-src 'self'; connect-src 'self'"


def language_of(call: Call) -> Language:
    """French or English, as the browser prefers; English where it says nothing that helps."""
    given = ",".join(call.values(b"accept-language"))[:ACCEPT_CHARACTERS_MAX]
    wanted = parse_accept_header(given, LanguageAccept).best_match(("fr", "en"))
    return "fr" if wanted == "fr" else "en"


def page(
    title: str, content: str, ticket: str, *, forms: bool = False, onward: str = ""
) -> Response:
    """A whole page in English.

    Args:
        title: plain text.
        content: HTML of the main part, its heading included.
        ticket: the request id.
        forms: whether it has forms, which lead to ourselves.
        onward: a path of ours to which the browser goes on at once; empty: it stays.
    """
    head = f"{_refresh(onward)}<title>{escape(title)}</title>"
    return _whole(_document("en", head, content), ticket, _POLICY_OF_FORMS if forms else _POLICY)


@dataclass(frozen=True, slots=True)
class Script:
    """A script of ours, and whom it may ask beside ourselves."""

    path: str
    reaches: str = ""
    """An origin; empty: nobody."""


def scripted_page(
    title: str, content: str, ticket: str, script: Script, lang: Language = "en"
) -> Response:
    """A whole page with forms, which lead to ourselves, and a script.

    Args:
        title: plain text.
        content: HTML of the main part, its heading included.
        ticket: the request id.
        script: of ours.
        lang: of its texts.
    """
    head = f'<script src="{escape(script.path)}" defer></script>\n<title>{escape(title)}</title>'
    reaches = f" {script.reaches}".encode("ascii") if script.reaches else b""
    return _whole(_document(lang, head, content), ticket, _POLICY_OF_SCRIPTS + reaches)


def page_in(lang: Language, title: str, content: str, ticket: str, onward: str = "") -> Response:
    """A whole page in the language of its texts, with forms; its own address, which may hold a secret, is
    told to nobody at all (`strict-origin`: of the address the origin alone, so that forms have theirs).

    Args:
        lang: of its texts.
        title: plain text.
        content: HTML of the main part, its heading included.
        ticket: the request id.
        onward: where the browser goes on to at once; empty: it stays.
    """
    text = _document(lang, f"{_refresh(onward)}<title>{escape(title)}</title>", content)
    answer = _whole(text, ticket, _POLICY_OF_FORMS)
    headers = [pair for pair in answer.headers if pair[0] != b"referrer-policy"]
    headers.append((b"referrer-policy", b"strict-origin"))
    return answer._replace(headers=headers)


def _refresh(onward: str) -> str:
    """What has a browser go on by itself."""
    return f'<meta http-equiv="refresh" content="0;url={escape(onward)}">\n' if onward else ""


def _document(lang: Language, head: str, content: str) -> str:
    return (
        f'<!doctype html>\n<html lang="{lang}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"{head}\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{content}\n</main>\n</body>\n</html>\n"
    )


def _whole(text: str, ticket: str, policy: bytes) -> Response:
    answer = response(200, HTML.encode(), text.encode(), ticket)
    own = {b"content-security-policy": policy}
    if policy is not _POLICY:
        own[b"referrer-policy"] = b"same-origin"
    headers = [pair for pair in answer.headers if pair[0] not in own]
    headers += own.items()
    return answer._replace(headers=headers)
