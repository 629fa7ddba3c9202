"""The page where a client sees what its file still wants, with the reason of what was to be sent again, and sends it.

The rule: only whoever is in by the portal and whose file it is sees anything; everybody else the same page, which says how to get
in; only what is missing is asked for. Bytes go
where the store's own address says (docs/uploads.md), so that sending takes a script: ours, and no other; without it the page
says what is missing all the same, and takes what the profile lacks (fields.py). What comes of a request or of the file is escaped.
Source: spec.md S2, S3, S4, S12, S19; WCAG 2.2 (3.3.1 what is wrong, 3.3.2 labels); docs/portal.md.
"""

from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import Final

from comptoir.actors.inspection.flags import INTERNAL
from comptoir.actors.onboarding.messages import (
    KIND,
    DescribeFile,
    Document,
    DocumentStatus,
    FileDescribed,
)
from comptoir.engine import Address
from comptoir.http.answers import Response, response
from comptoir.http.oauth.sessions import client_of
from comptoir.http.oauth.signin import own_form
from comptoir.http.operation import Call
from comptoir.http.page import Language, Script, language_of, page_in, scripted_page
from comptoir.http.port import Port
from comptoir.http.portal import fields
from comptoir.http.portal.entering import invitation_address
from comptoir.http.portal.fields import Typed
from comptoir.http.portal.file_words import DOCUMENTS, OF_FILE, field_name
from comptoir.http.portal.reason_words import told_of
from comptoir.http.principal import Principal
from comptoir.http.problems import problem
from comptoir.http.times import rfc3339

__all__ = ["SCRIPT", "complete", "script", "show", "standing"]

SCRIPT: Final = "/portal/scripts/file.js"
SCRIPT_TEXT: Final = Path(__file__).with_name("file.js").read_bytes()
TAKES: Final = ("INITIATED", "DOCUMENTS_PENDING")
"""Phases in which something is asked of the client."""
CLOSED: Final = "closed"
CAUSES: Final[Mapping[str, str]] = MappingProxyType({
    "client_never_came": "late", "documents_missing": "late", "profile_incomplete": "late",
    "documents_unsettled": "late", "contract_not_signed": "unsigned",
})  # fmt: skip
"""Why a file is INCOMPLETE that its advisor may resume; of every other cause somebody has refused it."""
CONTRACT_OVER: Final[Mapping[str, str]] = MappingProxyType({
    "declined": "declined", "expired": "expired", "failed": "no_contract", "voided": "no_contract",
})  # fmt: skip
AGAIN: Final = (DocumentStatus.REDO, DocumentStatus.REFUSED)
DONE, WRONG, MISSING = 200, 400, 404
LOOKED_AT: Final = (DocumentStatus.VERIFYING, DocumentStatus.INSPECTING)


async def script(port: Port, call: Call) -> Response:
    """GET /portal/scripts/file.js."""
    if port.identity is None:
        return problem("NOT_FOUND", call.ticket)
    return response(200, b"text/javascript; charset=utf-8", SCRIPT_TEXT, call.ticket)


async def show(port: Port, call: Call) -> Response:
    """GET /portal/{onboardingId}/file."""
    found = await _found(port, call)
    return _nobody(port, call) if found is None else _page(port, call, found[1])


async def complete(port: Port, call: Call) -> Response:
    """POST /portal/{onboardingId}/file: what was typed into the fields that are lacking. Taken, the browser is sent to the page
    by GET: who loads that anew says nothing twice (RFC 9110, 15.4.4).
    """
    form = own_form(port, call)
    if isinstance(form, Response):
        return form
    found = await _found(port, call)
    if found is None:
        return _nobody(port, call)
    who, file = found
    asked = fields.askable(file.lacking)
    if not asked:  # the same form a second time, most likely: what it said is there
        return _to_page(call)
    said = await fields.say(port, call, who, form, asked)
    if said.status == DONE:
        return _to_page(call)
    return _page(port, call, file, fields.typed_of(said, form, asked))._replace(status=WRONG)


def _to_page(call: Call) -> Response:
    answer = response(303, b"text/plain; charset=utf-8", b"", call.ticket)
    answer.headers.append(
        (b"location", f"/portal/{call.path['onboardingId']}/file".encode("ascii"))
    )
    return answer


def _nobody(port: Port, call: Call) -> Response:
    """The same page to everybody whose file it is not: nobody learns by it which there are."""
    if port.identity is None:
        return problem("NOT_FOUND", call.ticket)
    language = language_of(call)
    words = OF_FILE[language]
    content = f'<h1>{words["nobody"]}</h1>\n<p class="lead">{words["nobody_text"]}</p>'
    return page_in(language, words["title"], content, call.ticket)._replace(status=MISSING)


async def _found(port: Port, call: Call) -> tuple[Principal, FileDescribed] | None:
    """Whoever is in with this browser, and their file; None: it is nobody's, or another's."""
    number = call.path["onboardingId"]
    if port.identity is None or invitation_address(number) is None:
        return None
    who = await client_of(port, port.identity, call)
    if who is None:
        return None
    found = (await port.ask(Address(KIND, number), DescribeFile())).reply
    if not isinstance(found, FileDescribed) or found.opened.user_id != who.subject:
        return None
    return who, found


def _page(port: Port, call: Call, found: FileDescribed, typed: Typed | None = None) -> Response:
    """The file; or what was typed of it, if that was not taken."""
    language = language_of(call)
    words = OF_FILE[language]
    note = ""
    if typed is not None:
        wrong = fields.wrong_of(typed, fields.askable(found.lacking), language)
        note = f'<p role="alert">{wrong}</p>\n'
    stands = standing(found, call.path["onboardingId"], language, typed or Typed())
    content = f"<h1>{words['title']}</h1>\n{note}{stands}"
    ours = Script(SCRIPT, port.rules.objects_origin)
    return scripted_page(words["title"], content, call.ticket, ours, language)


def standing(found: FileDescribed, number: str, language: Language, typed: Typed) -> str:
    """What the file wants, by how far it is."""
    words = OF_FILE[language]
    over = _over(found)
    if over:
        return f"<p>{words[over]}</p>"
    if found.status == "SIGNATURE_PENDING":
        return f'<p><a href="/portal/{number}/contract">{words["contract"]}</a></p>'
    looked_at = [one for one in found.documents if one.status in LOOKED_AT]
    there = [one for one in found.documents if one.status is DocumentStatus.ACCEPTED]
    known = _listed("looking", looked_at, language) + _listed("there", there, language)
    if found.status not in TAKES or not (found.missing or found.lacking):
        return f'<p role="status">{words["nothing"]}</p>\n{known}'
    asked = _wanted(found, number, language) + _fields(found.lacking, number, language, typed)
    lead = (
        f'<p class="lead">{words["lead"]}</p>'
        if asked
        else f'<p role="status">{words["examined"]}</p>'
    )
    until = rfc3339(found.expires_at)[:10]
    return f"{lead}\n{asked}{known}<p>{words['until'].format(until=until)}</p>"


def _over(found: FileDescribed) -> str:
    """Which of the sentences says that nothing is asked of the client any more; empty: something may be.

    One sentence for whatever somebody has refused, whoever it was and why: of an assessment a client hears nothing (docs/kyc.md).
    """
    if found.status == "KYC_REJECTED":
        return CLOSED
    if found.status == "INCOMPLETE":
        return CAUSES.get(found.cause, CLOSED)
    signing = found.onward.signing.status if found.status == "SIGNATURE_PENDING" else ""
    return CONTRACT_OVER.get(signing, "")


def _wanted(found: FileDescribed, number: str, language: Language) -> str:
    """The documents that are missing, each with why it is asked for again and a form to send it by."""
    words = OF_FILE[language]
    under_way = {one.doc_type for one in found.documents if one.status in LOOKED_AT}
    wanted = [doc_type for doc_type in found.missing if doc_type not in under_way]
    if not wanted:
        return ""
    items = "\n".join(_document(found.documents, x, number, language) for x in wanted)
    return f"<h2>{words['documents']}</h2>\n<noscript><p>{words['no_script']}</p></noscript>\n{items}\n"


def _document(documents: Iterable[Document], doc_type: str, number: str, language: Language) -> str:
    words, ident = OF_FILE[language], f"file-{doc_type}"
    name = _name(doc_type, language)
    label = f'<label for="{ident}">{words["file"]} : {name}</label>'
    return (
        f'<section data-missing="{doc_type}">\n<h3>{name}</h3>\n{_reasons(documents, doc_type, language)}'
        f'<form hidden data-documents="/api/v1/onboarding/{number}/documents" data-type="{doc_type}">\n'
        f'{label}\n<input id="{ident}" type="file" accept="application/pdf,image/jpeg" required>\n'
        f'<p role="status" hidden>{words["sending"]}</p>\n<p role="status" hidden>{words["sent"]} '
        f'<a href="/portal/{number}/file">{words["anew"]}</a></p>\n<p role="alert" hidden>{words["failed"]}</p>\n'
        f"<button>{words['send']}</button>\n</form>\n</section>"
    )


def _reasons(documents: Iterable[Document], doc_type: str, language: Language) -> str:
    """Why the last of a type is to be sent again; nothing where none was sent, or it says nothing to its client."""
    sent = [one for one in documents if one.doc_type == doc_type and one.status in AGAIN]
    codes = [code for code in (sent[-1].reasons if sent else ()) if code not in INTERNAL]
    if not codes:
        return ""
    told = dict.fromkeys(told_of(code, language) for code in codes)
    items = "".join(f"<li>{escape(text)}</li>" for text in told)
    return f"<p>{OF_FILE[language]['again']}</p>\n<ul>{items}</ul>\n"


def _fields(lacking: Iterable[str], number: str, language: Language, typed: Typed) -> str:
    """A form for what can be typed here, and a list of the rest."""
    words, asked = OF_FILE[language], fields.askable(lacking)
    rest = [path for path in lacking if path not in asked and not path.startswith("nationalId")]
    names: Mapping[str, None] = dict.fromkeys(field_name(path, language) for path in rest)
    if not asked and not names:
        return ""
    items = "".join(f"<li>{escape(name)}</li>" for name in names)
    told = f"<p>{words['fields_text']}</p>\n<ul>{items}</ul>\n" if names else ""
    form = fields.form_of(asked, number, language, typed) if asked else ""
    return f"<h2>{words['fields']}</h2>\n{form}{told}"


def _listed(heading: str, documents: Iterable[Document], language: Language) -> str:
    items = "".join(f"<li>{_name(one.doc_type, language)}</li>" for one in documents)
    return f"<h2>{OF_FILE[language][heading]}</h2>\n<ul>{items}</ul>\n" if items else ""


def _name(doc_type: str, language: Language) -> str:
    both = DOCUMENTS.get(doc_type, (doc_type, doc_type))
    return escape(both[0 if language == "fr" else 1])
