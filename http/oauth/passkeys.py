"""Signing in by passkey, and having passkeys: what our script and its forms send.

The rule: a ceremony is begun by our own page (its `Origin`) and changes nothing but itself; the person's
actor judges what the browser brings back. Whatever is wrong with a sign-in, the page says the same. Who is
signed in changes their passkeys only a short while after, so that a browser left open, or a stolen cookie,
makes nobody a way in that stays.
Source: spec.md S34; W3C Web Authentication Level 3; OWASP ASVS 5, 7.5.1 (new sign-in before a change).
"""

from typing import Final

from comptoir.actors.browser_session.messages import Person
from comptoir.actors.person.messages import (
    KIND,
    AddPasskey,
    EnrolPasskey,
    LinkHolds,
    LinkRefused,
    ListPasskeys,
    PasskeysListed,
    RemovePasskey,
    ShowLink,
    SignedIn,
    SignInByPasskey,
)
from comptoir.actors.person.passkeys import user_of
from comptoir.engine import Address, Message, Refused
from comptoir.http.answers import Response, response
from comptoir.http.identity.claims import is_text
from comptoir.http.oauth.passkey_pages import (
    NAME_CHARACTERS_MAX,
    PASSKEYS,
    REASONS,
    SCRIPT,
    SCRIPT_TEXT,
    alert,
    passkey_list,
)
from comptoir.http.oauth.relying import (
    Ceremony,
    Registrant,
    begun,
    creation_options,
    request_options,
    rp_id_of,
)
from comptoir.http.oauth.sessions import is_fresh, who_is_signed_in
from comptoir.http.oauth.signin import (
    enrolment_form,
    enrolment_over,
    form_page,
    heard,
    is_link,
    is_person,
    link_digest,
    own_form,
    person_address,
    sign_in_path,
    welcome,
)
from comptoir.http.oauth.visits import visit_of
from comptoir.http.operation import Call
from comptoir.http.page import Script, page, scripted_page
from comptoir.http.port import Port
from comptoir.http.problems import problem

__all__ = [
    "begin_enrolment", "begin_registration", "begin_sign_in", "enrol", "passkeys_page", "register", "remove",
    "script", "sign_in",
]  # fmt: skip

_NOBODY: Final = """\
<h1>Your passkeys</h1>
<p class="lead">You do not sign in here: there is nothing to show.</p>"""


async def script(port: Port, call: Call) -> Response:
    """GET /signin/passkeys.js."""
    if port.identity is None:
        return problem("NOT_FOUND", call.ticket)
    return response(200, b"text/javascript; charset=utf-8", SCRIPT_TEXT, call.ticket)


async def begin_sign_in(port: Port, call: Call) -> Response:
    """POST /signin/passkey/options: a challenge for whoever comes."""
    identity, form = port.identity, own_form(port, call)
    if identity is None or isinstance(form, Response):
        return form if isinstance(form, Response) else problem("NOT_FOUND", call.ticket)
    rp_id = rp_id_of(identity)
    if rp_id is None:
        return problem("NOT_FOUND", call.ticket)
    challenge, cookie = await Ceremony(port, identity, "sign_in").begin()
    return begun(request_options(rp_id, challenge), cookie, call.ticket)


async def sign_in(port: Port, call: Call) -> Response:
    """POST /signin/passkey: what the browser answered."""
    identity, form = port.identity, own_form(port, call)
    if identity is None or isinstance(form, Response):
        return form if isinstance(form, Response) else problem("NOT_FOUND", call.ticket)
    credential, wanted = form.get("credential", ""), form.get("next", "")
    answer = await Ceremony(port, identity, "sign_in").finish(call, credential)
    who = user_of(credential)
    if answer is not None and who is not None and is_person(who):
        visit = visit_of(identity, call)
        reply = await heard(port, Address(KIND, who), SignInByPasskey(answer, visit.whence))
        if isinstance(reply, SignedIn):
            return await welcome(port, visit, reply, wanted)
    note = alert("SIGN_IN_REFUSED")
    return form_page(identity, wanted, note, call.ticket)._replace(status=400)


async def begin_enrolment(port: Port, call: Call) -> Response:
    """POST /signin/enrol/passkey/options: a challenge for whoever has a link."""
    identity, form = port.identity, own_form(port, call)
    if identity is None or isinstance(form, Response):
        return form if isinstance(form, Response) else problem("NOT_FOUND", call.ticket)
    who, link, rp_id = form.get("who", ""), form.get("link", ""), rp_id_of(identity)
    if rp_id is None or not is_link(who, link):
        return problem("NOT_FOUND", call.ticket)
    reply = await heard(port, Address(KIND, who), ShowLink(link_digest(link)))
    if not isinstance(reply, LinkHolds):
        return problem("NOT_FOUND", call.ticket)
    challenge, cookie = await Ceremony(port, identity, "enrol", who).begin()
    options = creation_options(rp_id, challenge, Registrant(who, reply.subject))
    return begun(options, cookie, call.ticket)


async def enrol(port: Port, call: Call) -> Response:
    """POST /signin/enrol/passkey: the passkey that was made; the link is used."""
    identity, form = port.identity, own_form(port, call)
    if identity is None or isinstance(form, Response):
        return form if isinstance(form, Response) else problem("NOT_FOUND", call.ticket)
    who, link, name = form.get("who", ""), form.get("link", ""), form.get("name", "")
    if not is_link(who, link):
        return enrolment_over(call.ticket)
    answer = await Ceremony(port, identity, "enrol", who).finish(call, form.get("credential", ""))
    visit = visit_of(identity, call)
    code = "PASSKEY_NOT_ACCEPTED" if _is_name(name) else "PASSKEY_NAME_INVALID"
    if answer is not None and _is_name(name):
        try:
            message = EnrolPasskey(link_digest(link), name, answer, visit.whence)
            reply = await heard(port, Address(KIND, who), message)
        except Refused as refused:
            code, reply = refused.code, None
        if isinstance(reply, SignedIn):
            return await welcome(port, visit, reply, "")
        if isinstance(reply, LinkRefused):
            return enrolment_over(call.ticket)
    return enrolment_form(identity, (who, link), alert(code), call.ticket)._replace(status=400)


async def passkeys_page(port: Port, call: Call) -> Response:
    """GET /signin/passkeys: what a person has."""
    identity = port.identity
    if identity is None:
        return problem("NOT_FOUND", call.ticket)
    person = await who_is_signed_in(port, identity, call)
    if person is None:
        return _to_sign_in(call.ticket)
    return await _own_page(port, person, "", call.ticket)


async def begin_registration(port: Port, call: Call) -> Response:
    """POST /signin/passkeys/options: a challenge for who has just signed in."""
    identity, form = port.identity, own_form(port, call)
    if identity is None or isinstance(form, Response):
        return form if isinstance(form, Response) else problem("NOT_FOUND", call.ticket)
    person, rp_id = await who_is_signed_in(port, identity, call), rp_id_of(identity)
    if rp_id is None:
        return problem("NOT_FOUND", call.ticket)
    if person is None or not is_fresh(person):
        return problem("SIGN_IN_STALE", call.ticket)
    address = person_address(port, person.subject)
    listed = await _listed(port, address)
    if listed is None:
        return problem("NOT_FOUND", call.ticket)
    challenge, cookie = await Ceremony(port, identity, "register", address.key).begin()
    known = tuple(one.credential_id for one in listed.passkeys)
    options = creation_options(rp_id, challenge, Registrant(address.key, listed.subject, known))
    return begun(options, cookie, call.ticket)


async def register(port: Port, call: Call) -> Response:
    """POST /signin/passkeys: the passkey that was made."""
    identity, form = port.identity, own_form(port, call)
    if identity is None or isinstance(form, Response):
        return form if isinstance(form, Response) else problem("NOT_FOUND", call.ticket)
    person = await who_is_signed_in(port, identity, call)
    if person is None:
        return _to_sign_in(call.ticket)
    key, name = person_address(port, person.subject).key, form.get("name", "")
    ceremony = Ceremony(port, identity, "register", key)
    answer = await ceremony.finish(call, form.get("credential", ""))
    if not _is_name(name):
        return await _own_page(port, person, "PASSKEY_NAME_INVALID", call.ticket)
    if answer is None:
        return await _own_page(port, person, "PASSKEY_NOT_ACCEPTED", call.ticket)
    return await _changed(port, person, AddPasskey(name, answer), call.ticket)


async def remove(port: Port, call: Call) -> Response:
    """POST /signin/passkeys/remove: one is good for nothing from now on."""
    identity, form = port.identity, own_form(port, call)
    if identity is None or isinstance(form, Response):
        return form if isinstance(form, Response) else problem("NOT_FOUND", call.ticket)
    person = await who_is_signed_in(port, identity, call)
    if person is None:
        return _to_sign_in(call.ticket)
    return await _changed(port, person, RemovePasskey(form.get("id", "")), call.ticket)


async def _changed(port: Port, person: Person, message: Message, ticket: str) -> Response:
    """Change what a person has, if they have just signed in."""
    code = "" if is_fresh(person) else "SIGN_IN_STALE"
    if not code:
        try:
            await heard(port, person_address(port, person.subject), message)
        except Refused as refused:
            code = refused.code
    return await _own_page(port, person, code, ticket)


async def _own_page(port: Port, person: Person, code: str, ticket: str) -> Response:
    """The page of a person's own; with a code, why nothing was changed."""
    listed = await _listed(port, person_address(port, person.subject))
    if listed is None:
        return page("Passkeys", _NOBODY, ticket)._replace(status=400)
    note = alert(code) if code in REASONS else ""
    content = passkey_list(listed, note, fresh=is_fresh(person))
    shown = scripted_page("Passkeys", content, ticket, Script(SCRIPT))
    return shown._replace(status=400) if code else shown


async def _listed(port: Port, address: Address) -> PasskeysListed | None:
    """What a person has; None who does not sign in here, or has to enrol first."""
    try:
        reply = await heard(port, address, ListPasskeys())
    except Refused:
        return None
    return reply if isinstance(reply, PasskeysListed) else None  # or erased meanwhile


def _is_name(name: str) -> bool:
    return is_text(name) and len(name) <= NAME_CHARACTERS_MAX and bool(name.strip())


def _to_sign_in(ticket: str) -> Response:
    """By GET, whatever it was (RFC 9110 section 15.4.4)."""
    answer = response(303, b"text/plain; charset=utf-8", b"", ticket)
    answer.headers.append((b"location", sign_in_path(PASSKEYS).encode("ascii")))
    return answer
