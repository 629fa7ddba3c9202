"""The pages by which a client gets in: link, code, "you are in"; server-made, without a script.

The rule: opening a link uses nothing, since mail programs open links ahead; the press of a button does, and
takes the secret out of the address. Forms are taken from our own pages only. What a page repeats of a
request was checked, and is escaped.
Source: spec.md S3, S4, X8; WCAG 2.2 (3.3.2 labels, 3.3.8 accessible authentication); docs/adr/0022, 0026.
"""

import re
from html import escape
from typing import Final

from comptoir.actors.invitation.messages import CodesUsedUp, CodeWrong, LinkOver
from comptoir.http.answers import Response
from comptoir.http.oauth.signin import SESSIONS, own_form
from comptoir.http.operation import Call
from comptoir.http.page import language_of, page_in
from comptoir.http.port import Port
from comptoir.http.portal import entering
from comptoir.http.portal.entering import Waiting, invitation_address
from comptoir.http.portal.words import WORDS, Words
from comptoir.http.problems import problem

__all__ = ["another_code", "code_typed", "link_opened", "link_used", "link_wanted"]

PATH: Final = "/portal"
OUT: Final = "/signin/out"
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}").fullmatch
_LOST: Final = 410


async def link_opened(port: Port, call: Call) -> Response:
    """GET /portal/{onboardingId}: where the link leads; nothing is looked up, and nothing used."""
    if port.identity is None:
        return problem("NOT_FOUND", call.ticket)
    words, tokens = _words(call), call.query.get("token", ())
    file = call.path["onboardingId"]
    if len(tokens) != 1 or not _TOKEN(tokens[0]) or invitation_address(file) is None:
        return _over(call)
    content = (
        f'<h1>{words.welcome}</h1>\n<p class="lead">{words.go_on_text}</p>\n'
        f'<form method="post" action="{PATH}/{file}">\n'
        f'<input type="hidden" name="token" value="{tokens[0]}">\n'
        f"<button>{words.go_on}</button>\n</form>"
    )
    return _page(content, call)


async def link_used(port: Port, call: Call) -> Response:
    """POST /portal/{onboardingId}: the link is used, and a code sent."""
    identity, form = port.identity, own_form(port, call)
    if identity is None or isinstance(form, Response):
        return form if isinstance(form, Response) else problem("NOT_FOUND", call.ticket)
    file = call.path["onboardingId"]
    token = form.get("token", "")
    used = await entering.use_link(port, identity, call, file, token)
    if isinstance(used, LinkOver):
        return _over(call, token if port.rules.portal_links else "")
    answer = _code_page(call, _sent(used, _words(call)))
    assert used.cookie is not None
    answer.headers.append(used.cookie)
    return answer


async def link_wanted(port: Port, call: Call) -> Response:
    """POST /portal/{onboardingId}/link: the link is over, and another is wanted; always the same page."""
    form = own_form(port, call)
    if isinstance(form, Response):
        return form
    language = language_of(call)
    await entering.want_link(port, call, call.path["onboardingId"], form.get("token", ""), language)
    words = _words(call)
    return _page(f'<h1>{words.wanted_title}</h1>\n<p class="lead">{words.wanted_text}</p>', call)


async def another_code(port: Port, call: Call) -> Response:
    """POST /portal/{onboardingId}/code/new: the code did not come."""
    identity, form = port.identity, own_form(port, call)
    if identity is None or isinstance(form, Response):
        return form if isinstance(form, Response) else problem("NOT_FOUND", call.ticket)
    sent = await entering.renew_code(port, identity, call, call.path["onboardingId"])
    if isinstance(sent, LinkOver):
        return _over(call)
    if isinstance(sent, CodesUsedUp):
        note = f'<p role="alert">{_words(call).used_up}</p>'
        return _code_page(call, note, more=False)._replace(status=409)
    return _code_page(call, _sent(sent, _words(call)))


async def code_typed(port: Port, call: Call) -> Response:
    """POST /portal/{onboardingId}/code: the code came."""
    identity, form = port.identity, own_form(port, call)
    if identity is None or isinstance(form, Response):
        return form if isinstance(form, Response) else problem("NOT_FOUND", call.ticket)
    file = call.path["onboardingId"]
    done = await entering.enter_code(port, identity, call, file, form.get("code", ""))
    if isinstance(done, LinkOver):
        return _over(call)
    words = _words(call)
    if isinstance(done, CodeWrong):
        note = f'<p role="alert">{words.wrong.format(left=done.left)}</p>'
        return _code_page(call, note)._replace(status=403)
    content = (
        f'<h1>{words.in_title}</h1>\n<p class="lead">{words.in_text}</p>\n'
        f'<p><a href="{PATH}/{escape(file)}/file">{words.missing}</a></p>\n'
        f'<p><a href="{SESSIONS}">{words.sessions}</a></p>\n'
        f'<form method="post" action="{OUT}"><button>{words.out}</button></form>'
    )
    answer = _page(content, call)
    answer.headers.append(done.cookie)
    return answer


def _words(call: Call) -> Words:
    return WORDS[language_of(call)]


def _sent(waiting: Waiting, words: Words) -> str:
    text = words.code_by_sms if waiting.channel == "sms" else words.code_by_mail
    return f'<p role="status">{text}</p>\n<p>{words.code_warning}</p>'


def _code_page(call: Call, note: str, *, more: bool = True) -> Response:
    """A form for the code, and one for another."""
    words, action = _words(call), f"{PATH}/{escape(call.path['onboardingId'])}/code"
    content = (
        f'<h1>{words.code_title}</h1>\n{note}\n<form method="post" action="{action}">\n'
        f'<label for="code">{words.code_label}</label>\n'
        '<input id="code" name="code" inputmode="numeric" autocomplete="one-time-code" '
        f'maxlength="12" required>\n<button>{words.sign_in}</button>\n</form>'
    )
    if more:
        content += (
            f'\n<form method="post" action="{action}/new"><button>{words.another}</button></form>'
        )
    return _page(content, call)


def _over(call: Call, token: str = "") -> Response:
    """The link is over; whoever has it may ask for another by it."""
    words, file = _words(call), call.path["onboardingId"]
    content = f'<h1>{words.over_title}</h1>\n<p class="lead">{words.over_text}</p>'
    if _TOKEN(token) and invitation_address(file) is not None:
        content += (
            f'\n<p>{words.want_text}</p>\n<form method="post" action="{PATH}/{file}/link">\n'
            f'<input type="hidden" name="token" value="{token}">\n<button>{words.want}</button>\n</form>'
        )
    return _page(content, call)._replace(status=_LOST)


def _page(content: str, call: Call) -> Response:
    lang = language_of(call)
    return page_in(lang, WORDS[lang].title, content, call.ticket)
