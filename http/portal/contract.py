"""The page where a client reads their contract, and signs it with a one-time code or declines it; without a script. Where it is
signed on a page of its provider's, the button that leads there.

The rule: only whoever is in by the portal and is its signer sees anything; the code is the portal's own (entering.py), so
its tries and times are the portal's; what is agreed to is shown word for word beside the button, and every box is empty
at first. Opening the PDF is what counts as reading it (http/signing.py). To the provider's page one goes by a page of ours that
goes on by itself, not by a redirect: browsers follow none from a form to another origin under our policy (`form-action`); whoever
typed no code lately, or none since the contract was sent, is sent one, and goes on by it.
Source: spec.md S6, S28, S34; Regulation (EU) 910/2014, article 26; 15 U.S.C. 7001(c); docs/signature.md.
"""

from dataclasses import replace
from html import escape
from typing import Final

from comptoir.actors.gateways.signing_desk import TOO_OFTEN
from comptoir.actors.invitation.messages import CodesUsedUp, CodeWrong, LinkOver
from comptoir.actors.signature.consents import CONSENTS, TEXTS
from comptoir.actors.signature.messages import (
    EMBEDDED,
    KIND,
    DeclineContract,
    DescribeSigning,
    SignContract,
    SigningDescribed,
    SigningUnread,
)
from comptoir.engine import Address, Message, Refused
from comptoir.http.answers import Response
from comptoir.http.identity.opening import Identity
from comptoir.http.oauth.sessions import client_of
from comptoir.http.oauth.signin import own_form
from comptoir.http.operation import Call
from comptoir.http.page import language_of, page_in
from comptoir.http.port import Port
from comptoir.http.portal import entering
from comptoir.http.portal.contract_words import OF_CONTRACT
from comptoir.http.principal import Principal
from comptoir.http.problems import problem
from comptoir.http.sending_signers import NotSent, sent_to
from comptoir.http.signing import OVER, SIGNED, evidence_of

__all__ = ["decline", "send_on", "show", "sign", "want_code"]

OPEN: Final = ("sent", "viewed")
CODE_NEEDED: Final = "SIGNATURE_CODE_NEEDED"
GONE, FORBIDDEN, CONFLICT, OFTEN, AWAY = 410, 403, 409, 429, 503
HINTS: Final = ("signing_complete", "decline")
"""Of `event`, as DocuSign sends it along: it will be told that something was done."""


async def show(port: Port, call: Call) -> Response:
    """GET /portal/{onboardingId}/contract."""
    found = await _found(port, call)
    return found if isinstance(found, Response) else _page(call, _standing(port, call, found))


async def send_on(port: Port, call: Call) -> Response:
    """POST /portal/{onboardingId}/contract/address: on to the page of its provider."""
    form = own_form(port, call)
    if isinstance(form, Response) or port.identity is None:
        return form if isinstance(form, Response) else problem("NOT_FOUND", call.ticket)
    who = await _client(port, call)
    if who is None:
        return problem("NOT_FOUND", call.ticket)
    if not form.get("code"):
        return await _goes_on(port, call, who)
    entered = await _entered(port, port.identity, call, form["code"])
    if isinstance(entered, CodeWrong):
        note = _words(call)["wrong"].format(left=entered.left)
        return _page(call, _going(call, note))._replace(status=FORBIDDEN)
    if entered is None:
        return _note(call, _words(call)["over"], GONE)
    answer = await _goes_on(port, call, entered[0])
    answer.headers.append(entered[1])
    return answer


async def _goes_on(port: Port, call: Call, who: Principal) -> Response:
    """There; or first a code is sent."""
    words = _words(call)
    try:
        view = await sent_to(port, call, who)
    except Refused as refused:
        if refused.code == CODE_NEEDED:
            return await _first_a_code(port, call)
        return _note(call, words.get(refused.code, words["over"]), CONFLICT)
    except NotSent as not_sent:
        text = words.get(not_sent.code, words["away"])
        if not_sent.code == TOO_OFTEN:
            answer = _note(call, text, OFTEN)
            answer.headers.append((b"retry-after", b"%d" % (not_sent.retry_after_s or 1)))
            return answer
        return _note(call, text, CONFLICT if not_sent.code in words else AWAY)
    link = f'<p><a href="{escape(view.url)}">{words["on"]}</a></p>'
    content = f"<h1>{words['title']}</h1>\n<p>{words['going']}</p>\n{link}"
    return page_in(language_of(call), words["title"], content, call.ticket, view.url)


async def _first_a_code(port: Port, call: Call) -> Response:
    """It is sent, and the form by which one goes on is shown."""
    assert port.identity is not None
    words = _words(call)
    sent = await entering.renew_code(port, port.identity, call, _file(call))
    if isinstance(sent, LinkOver):
        return _note(call, words["over"], GONE)
    used_up = isinstance(sent, CodesUsedUp)
    page = _page(call, _going(call, words["used_up" if used_up else "sent"]))
    return page._replace(status=CONFLICT if used_up else 200)


async def want_code(port: Port, call: Call) -> Response:
    """POST /portal/{onboardingId}/contract/code: a code to sign with."""
    form = own_form(port, call)
    if isinstance(form, Response) or port.identity is None:
        return form if isinstance(form, Response) else problem("NOT_FOUND", call.ticket)
    found = await _to_sign(port, call)
    if isinstance(found, Response):
        return found
    sent = await entering.renew_code(port, port.identity, call, _file(call))
    words = _words(call)
    if isinstance(sent, LinkOver):
        return _note(call, words["over"], GONE)
    note = words["used_up"] if isinstance(sent, CodesUsedUp) else words["sent"]
    status = CONFLICT if isinstance(sent, CodesUsedUp) else 200
    return _page(call, _signing(call, found, note))._replace(status=status)


async def sign(port: Port, call: Call) -> Response:
    """POST /portal/{onboardingId}/contract/sign."""
    form, identity = own_form(port, call), port.identity
    if isinstance(form, Response) or identity is None:
        return form if isinstance(form, Response) else problem("NOT_FOUND", call.ticket)
    found = await _to_sign(port, call)
    if isinstance(found, Response):
        return found
    consents = tuple(one for one in CONSENTS if form.get(_box(one)))
    if consents != CONSENTS:  # before the code is used up
        note = _words(call)["CONSENT_MISSING"]
        return _page(call, _signing(call, found, note))._replace(status=CONFLICT)
    entered = await _entered(port, identity, call, form.get("code", ""))
    if isinstance(entered, CodeWrong):
        note = _words(call)["wrong"].format(left=entered.left)
        return _page(call, _signing(call, found, note))._replace(status=FORBIDDEN)
    if entered is None:
        return _note(call, _words(call)["over"], GONE)
    who, cookie = entered
    digest, language = form.get("digest", ""), language_of(call)
    answer = await _ask(port, call, SignContract(evidence_of(who, digest, consents, language)))
    answer.headers.append(cookie)
    return answer


async def _entered(
    port: Port, identity: Identity, call: Call, code: str
) -> tuple[Principal, entering.Cookie] | CodeWrong | None:
    """Who is in by this code, and the cookie of their new session; None: there is no code for this browser any more."""
    done = await entering.enter_code(port, identity, call, _file(call), code)
    if isinstance(done, CodeWrong):
        return done
    if isinstance(done, LinkOver):
        return None
    pair = done.cookie[1].partition(b";")[0]
    who = await client_of(port, identity, replace(call, headers=[(b"cookie", pair)]))
    return None if who is None else (who, done.cookie)


async def decline(port: Port, call: Call) -> Response:
    """POST /portal/{onboardingId}/contract/decline."""
    form, identity = own_form(port, call), port.identity
    if isinstance(form, Response) or identity is None:
        return form if isinstance(form, Response) else problem("NOT_FOUND", call.ticket)
    who = await client_of(port, identity, call)
    if who is None:
        return problem("NOT_FOUND", call.ticket)
    return await _ask(port, call, DeclineContract(who.subject, form.get("reason", "")[:1000]))


async def _ask(port: Port, call: Call, message: Message) -> Response:
    """What became of it, as a page."""
    try:
        found = (await port.ask(Address(KIND, _file(call)), message)).reply
    except Refused as refused:
        text = _words(call).get(refused.code, _words(call)["over"])
        return _note(call, text, CONFLICT)
    if isinstance(found, SigningUnread):
        return _note(call, _words(call)["SIGNATURE_UNREAD"], CONFLICT)
    assert isinstance(found, SigningDescribed)
    if isinstance(message, SignContract) and found.status == "expired":
        return _note(call, _words(call)[OVER], CONFLICT)
    page = _page(call, _standing(port, call, found))
    # Declined, voided or failed: nothing was signed, and the page says how it stands.
    late = isinstance(message, SignContract) and found.status != SIGNED
    return page._replace(status=CONFLICT) if late else page


async def _to_sign(port: Port, call: Call) -> SigningDescribed | Response:
    """The same, if it was opened: no code is sent, or used up, for what nobody has read."""
    found = await _found(port, call)
    here = not isinstance(found, Response) and found.provider == EMBEDDED
    if isinstance(found, Response) or (here and found.status != "sent"):
        return found
    told = f'<p role="alert">{_words(call)["SIGNATURE_UNREAD"]}</p>' if here else ""
    return _page(call, told + _standing(port, call, found))._replace(status=CONFLICT)


async def _client(port: Port, call: Call) -> Principal | None:
    """Whoever is in with this browser."""
    if port.identity is None or entering.invitation_address(_file(call)) is None:
        return None
    return await client_of(port, port.identity, call)


async def _found(port: Port, call: Call) -> SigningDescribed | Response:
    """The contract of whoever is in with this browser."""
    who = await _client(port, call)
    if who is None:
        return problem("NOT_FOUND", call.ticket)
    found = (await port.ask(Address(KIND, _file(call)), DescribeSigning())).reply
    if not isinstance(found, SigningDescribed) or found.user_id != who.subject:
        return problem("NOT_FOUND", call.ticket)
    return found


def _standing(port: Port, call: Call, found: SigningDescribed) -> str:
    """How it stands, and what can be done."""
    words, file = _words(call), _file(call)
    pdf = f"/api/v1/onboarding/{file}/signature/contract"
    head = f"<h1>{escape(found.title) or words['title']}</h1>\n"
    if found.status == "signed":
        kept = f'<p><a href="{pdf}">{words["keep"]}</a></p>' if found.signed_path else ""
        return f'{head}<p role="status">{words["signed"]}</p>\n{kept}'
    if found.status not in OPEN:
        known = {"preparing": "preparing", "declined": "declined"}
        return f'{head}<p role="status">{words[known.get(found.status, "over")]}</p>'
    page = f"/portal/{file}/contract"
    if found.provider != EMBEDDED:
        return head + _elsewhere(port, call, page)
    return (
        f'{head}<p class="lead">{words["lead"]}</p>\n<p><a href="{pdf}">{words["read"]}</a></p>\n'
        f'<form method="post" action="{page}/code"><button>{words["want"]}</button></form>\n'
        f"<h2>{words['decline_title']}</h2>\n"
        f'<form method="post" action="{page}/decline">\n<label for="reason">{words["reason"]}</label>\n'
        f'<input id="reason" name="reason" maxlength="1000">\n<button>{words["decline"]}</button>\n</form>'
    )


def _elsewhere(port: Port, call: Call, page: str) -> str:
    """By the message that its provider has sent, or on its page, to which one is sent from here."""
    words = _words(call)
    if call.query.get("event", [""])[-1:] in [[one] for one in HINTS]:
        return (
            f'<p role="status">{words["returned"]}</p>\n<p><a href="{page}">{words["look"]}</a></p>'
        )
    if not port.sends_signers:
        return f"<p>{words['elsewhere']}</p>"
    return (
        f'<p class="lead">{words["there"]}</p>\n'
        f'<form method="post" action="{page}/address"><button>{words["on"]}</button></form>'
    )


def _going(call: Call, note: str) -> str:
    """The form by which one goes on with a code."""
    words, file = _words(call), _file(call)
    return (
        f'<h1>{words["title"]}</h1>\n<p role="status">{note}</p>\n'
        f'<form method="post" action="/portal/{file}/contract/address">\n'
        f"{_typed(words)}<button>{words['on']}</button>\n</form>"
    )


def _typed(words: "dict[str, str]") -> str:
    return (
        f'<label for="code">{words["code"]}</label>\n'
        '<input id="code" name="code" inputmode="numeric" autocomplete="one-time-code" required>\n'
    )


def _signing(call: Call, found: SigningDescribed, note: str) -> str:
    """The form by which it is signed."""
    words, file, language = _words(call), _file(call), language_of(call)
    boxes = "\n".join(
        f'<p><label><input type="checkbox" name="{_box(one)}" value="1" required> '
        f"{escape(TEXTS[one][language])}</label></p>"
        for one in CONSENTS
    )
    return (
        f'<h1>{escape(found.title) or words["title"]}</h1>\n<p role="status">{note}</p>\n'
        f'<form method="post" action="/portal/{file}/contract/sign">\n'
        f'<input type="hidden" name="digest" value="{found.document_sha256}">\n{boxes}\n'
        f"{_typed(words)}<button>{words['sign']}</button>\n</form>"
    )


def _box(version: str) -> str:
    """Name of the box of a text: `read-1` is `read`."""
    return version.partition("-")[0]


def _file(call: Call) -> str:
    return call.path["onboardingId"]


def _words(call: Call) -> "dict[str, str]":
    return dict(OF_CONTRACT[language_of(call)])


def _note(call: Call, text: str, status: int) -> Response:
    words = _words(call)
    return _page(call, f'<h1>{words["title"]}</h1>\n<p role="alert">{text}</p>')._replace(
        status=status
    )


def _page(call: Call, content: str) -> Response:
    return page_in(language_of(call), _words(call)["title"], content, call.ticket)
