"""Anybody may ask whether a signed PDF is what was signed: as a program, or with a page that needs no script.

The rule: nothing of it is kept, logged or counted by name; it is looked at by a confined program that is ended when it takes
too long (actors/signature/verifying.py), one at a time; a bounded number waits, and others are told to come back. A form is
one file and nothing else: it is taken apart by its ends, so that no form takes longer or more memory than its size.
Source: interface.md 8 (POST /verify, GET /verify) and 9; spec.md S28, S62; RFC 2046, 7578; docs/signature.md.
"""

import re
from html import escape
from types import MappingProxyType
from typing import Final

import trio
from werkzeug.http import parse_options_header

from comptoir.actors.signature.sheet import Verdict
from comptoir.actors.signature.studio import StudioFailed
from comptoir.http.answers import Response, json_response
from comptoir.http.operation import Call
from comptoir.http.page import Language, language_of, page_in
from comptoir.http.port import Port
from comptoir.http.problems import problem
from comptoir.http.times import rfc3339

__all__ = ["FORM_DATA", "VERIFY_PATH", "show", "verify"]

VERIFY_PATH: Final = "/verify"
PDF: Final = "application/pdf"
FORM_DATA: Final = "multipart/form-data"
FIELD: Final = "file"
TYPE_CHARACTERS_MAX: Final = 256
"""Of the header `Content-Type`; a browser's has 70."""
HEAD_BYTES_MAX: Final = 8 * 1024
"""Until the headers of the part have ended; a browser's have 200 and the file's name."""
TAIL_BYTES_MAX: Final = 1024
"""In which the last line of the form begins; what follows it says nothing (RFC 2046)."""
STEP_BYTES: Final = 256 * 1024
"""Searched at once: under a millisecond, whatever it says."""
_BOUNDARY: Final = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_TEXTS: Final = MappingProxyType({
    "fr": MappingProxyType({
        "title": "Vérifier un document signé",
        "lead": "Déposez un PDF signé : cette page dit par qui il l'a été, et s'il a changé depuis. Rien n'en est conservé.",
        "label": "Document PDF", "button": "Vérifier", "again": "Vérifier un autre document",
        "valid": "Ce document est valide", "invalid": "Ce document n'est pas valide",
        "signer": "Signé par", "issuer": "Certifié par", "at": "Signé le", "level": "Niveau", "problems": "Ce qui ne va pas",
        "unproven": "non prouvé", "busy": "Trop de documents attendent. Réessayez dans un instant.",
        "none": "Choisissez un fichier PDF.",
        "NOT_A_PDF": "Ce n'est pas un PDF que l'on puisse lire.", "NOT_SIGNED": "Ce document n'est pas signé.",
        "CONTENT_CHANGED": "Le contenu a été modifié après la signature.",
        "CONTENT_ADDED": "Quelque chose a été ajouté après la signature.",
        "SIGNER_NOT_TRUSTED": "Le certificat du signataire n'est pas reconnu ici, ou n'était pas valable.",
        "VALIDITY_NOT_PROVEN": "Rien dans le document ne prouve que le certificat était valable au moment de la signature.",
        "TIME_STAMP_BROKEN": "Un horodatage est endommagé.", "TOO_MANY_SIGNATURES": "Le document a trop de signatures.",
    }),
    "en": MappingProxyType({
        "title": "Verify a signed document",
        "lead": "Give a signed PDF: this page says who signed it, and whether it was changed since. Nothing of it is kept.",
        "label": "PDF document", "button": "Verify", "again": "Verify another document",
        "valid": "This document is valid", "invalid": "This document is not valid",
        "signer": "Signed by", "issuer": "Certified by", "at": "Signed on", "level": "Level", "problems": "What is wrong",
        "unproven": "not proven", "busy": "Too many documents are waiting. Try again in a moment.",
        "none": "Choose a PDF file.",
        "NOT_A_PDF": "It is no PDF that can be read.", "NOT_SIGNED": "This document is not signed.",
        "CONTENT_CHANGED": "Its content was changed after it was signed.",
        "CONTENT_ADDED": "Something was added after it was signed.",
        "SIGNER_NOT_TRUSTED": "The signer's certificate is not recognised here, or was not valid.",
        "VALIDITY_NOT_PROVEN": "Nothing in the document proves that the certificate was valid when it was signed.",
        "TIME_STAMP_BROKEN": "A time stamp is damaged.", "TOO_MANY_SIGNATURES": "The document has too many signatures.",
    }),
})  # fmt: skip


async def show(_port: Port, call: Call) -> Response:
    """GET /verify: a page with a form."""
    words = _TEXTS[language_of(call)]
    return _page(
        call,
        f'<h1>{words["title"]}</h1>\n<p class="lead">{words["lead"]}</p>\n{_form(language_of(call))}',
    )


async def verify(port: Port, call: Call) -> Response:
    """POST /verify: a PDF, or the form of that page, which is answered with a page."""
    if call.media_type == FORM_DATA:
        return await _by_form(port, call)
    if call.media_type != PDF:
        return problem("MEDIA_TYPE_UNSUPPORTED", call.ticket)
    try:
        verdict = await port.verify_pdf(call.body)
    except StudioFailed:
        return problem("OVERLOADED", call.ticket)
    return json_response(200, _told(verdict), call.ticket)


def _told(verdict: Verdict) -> dict[str, object]:
    signers = [
        {
            "name": one.name, "issuer": one.issuer, "level": one.level, "intact": one.intact,
            "signedAt": None if one.signed_at is None else rfc3339(one.signed_at),
            "trusted": one.trusted, "whole": one.whole, "evidence": one.evidence or None,
        }
        for one in verdict.signers
    ]  # fmt: skip
    return {"valid": verdict.valid, "signers": signers, "problems": list(verdict.problems)}


async def _by_form(port: Port, call: Call) -> Response:
    words = _TEXTS[language_of(call)]
    pdf = await _file_of(call)
    if pdf is None:
        return problem("REQUEST_MALFORMED", call.ticket)
    if not pdf:
        note = f'<p role="alert">{words["none"]}</p>\n{_form(language_of(call))}'
        return _page(call, f"<h1>{words['title']}</h1>\n{note}")
    try:
        verdict = await port.verify_pdf(pdf)
    except StudioFailed:
        return _page(call, f'<h1>{words["title"]}</h1>\n<p role="alert">{words["busy"]}</p>')
    return _page(call, _shown(verdict, language_of(call)))


async def _file_of(call: Call) -> bytes | None:
    """The file in a form, which is its one part; None: it is no such form, or has more parts.

    No more is read of the body than its head, its tail, and for the line that parts it: by steps, so that others have their
    turn; of what is found one copy is made.
    """
    line, body = _parting(call), call.body
    begin = b"" if line is None else line[2:] + b"\r\n"
    head_ends = body.find(b"\r\n\r\n", len(begin) - 2, HEAD_BYTES_MAX)
    if line is None or head_ends < 0 or not body.startswith(begin):
        return None
    starts = head_ends + 4
    ends = body.rfind(line + b"--", max(starts, len(body) - TAIL_BYTES_MAX))
    if ends < 0 or await _is_parted(body, line, starts, ends):
        return None
    return body[starts:ends] if _is_wanted(body[len(begin) : head_ends]) else b""


def _parting(call: Call) -> bytes | None:
    """The line between the parts of a form (RFC 2046, 5.1.1); None: it has none that is right."""
    given = call.values(b"content-type")
    if len(given) != 1 or len(given[0]) > TYPE_CHARACTERS_MAX:
        return None
    boundary = parse_options_header(given[0])[1].get("boundary", "")
    return b"\r\n--" + boundary.encode("ascii") if _BOUNDARY.fullmatch(boundary) else None


async def _is_parted(body: bytes, line: bytes, starts: int, ends: int) -> bool:
    """Whether another part begins between two places."""
    for step in range(starts, ends, STEP_BYTES):
        if body.find(line, step, min(step + STEP_BYTES + len(line) - 1, ends)) >= 0:
            return True
        await trio.lowlevel.checkpoint()
    return False


def _is_wanted(head: bytes) -> bool:
    """Whether the headers of a part say that it is the file (RFC 7578, 4.2)."""
    for one in head.decode("utf-8", "replace").split("\r\n"):
        name, _, value = one.partition(":")
        if name.strip().lower() == "content-disposition":
            said = parse_options_header(value)[1]
            return said.get("name") == FIELD and "filename" in said
    return False


def _form(language: Language) -> str:
    words = _TEXTS[language]
    return (
        f'<form method="post" action="{VERIFY_PATH}" enctype="{FORM_DATA}">\n'
        f'<label for="file">{words["label"]}</label>\n'
        f'<input id="file" name="{FIELD}" type="file" accept="{PDF}" required>\n'
        f"<button>{words['button']}</button>\n</form>"
    )


def _shown(verdict: Verdict, language: Language) -> str:
    words = _TEXTS[language]
    parts = [f'<h1 role="status">{words["valid" if verdict.valid else "invalid"]}</h1>']
    if verdict.problems:
        items = "".join(f"<li>{words[code]}</li>" for code in verdict.problems)
        parts.append(f"<h2>{words['problems']}</h2>\n<ul>{items}</ul>")
    for one in verdict.signers:
        at = words["unproven"] if one.signed_at is None else rfc3339(one.signed_at)
        rows = (
            ("signer", one.name), ("issuer", one.issuer), ("at", at), ("level", f"PAdES {one.level}"),
        )  # fmt: skip
        told = "".join(f"<dt>{words[name]}</dt><dd>{escape(value)}</dd>" for name, value in rows)
        parts.append(f"<dl>{told}</dl>")
    parts.append(f'<p><a href="{VERIFY_PATH}">{words["again"]}</a></p>')
    return "\n".join(parts)


def _page(call: Call, content: str) -> Response:
    language = language_of(call)
    return page_in(language, _TEXTS[language]["title"], content, call.ticket)
