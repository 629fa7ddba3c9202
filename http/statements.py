"""A month of points for whoever owns them: as JSON, CSV or PDF.

The rule: every format is made from one value (`comptoir.http.statement`), so they cannot differ; what is asked
for is read before anything is looked up; and a page of movements is all that is ever in memory.
Source: interface.md 7 (rows b2); spec.md S47; RFC 9110 sections 8.8.3 (ETag), 12.5.1 (Accept), 13.1.2
(If-None-Match); RFC 8288 (Link).
"""

import hashlib
from dataclasses import dataclass
from typing import Final, cast

import orjson
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from comptoir.http.answers import Headers, Response, response
from comptoir.http.bodies import fault
from comptoir.http.drawing import PDF, DrawingBusy, Studio
from comptoir.http.operation import OWNER, Call
from comptoir.http.page import ACCEPT_CHARACTERS_MAX, Language, language_of
from comptoir.http.port import Port
from comptoir.http.problems import FieldError, problem
from comptoir.http.queries import BadQuery, page, plausible_id
from comptoir.http.statement import Period, Statement, is_provisional, period, shown
from comptoir.http.statement_csv import CSV, to_csv
from comptoir.http.statement_sheet import to_sheet

__all__ = ["FORMATS", "LANGUAGES", "statement"]

FORMATS: Final = ("json", "csv", "pdf")
LANGUAGES: Final = ("fr", "en")
_TYPES: Final = {"application/json": "json", "text/csv": "csv", PDF: "pdf"}
_EDITION: Final = b"1"
"""Of what a format looks like: part of the ETag."""
_STUDIO: Final = Studio()


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What was asked for."""

    user_id: str
    period: Period
    format: str
    language: Language
    after: int
    limit: int


async def statement(port: Port, call: Call) -> Response:
    """GET /api/v1/wallets/{userId}/statements/{month}."""
    wanted = _read(port, call)
    if isinstance(wanted, list):
        return problem("REQUEST_INVALID", call.ticket, errors=wanted)
    if not plausible_id(wanted.user_id):
        return problem("NOT_FOUND", call.ticket)
    found = await _found(port, wanted)
    if found is None:
        return problem("NOT_FOUND", call.ticket)
    text = orjson.dumps(shown(found))
    tag = _tag(wanted, text)
    if _is_known(call, tag):
        return Response(304, _headers([(b"x-request-id", call.ticket.encode())], tag), b"")
    if wanted.format == "json":
        answer = response(200, b"application/json", text, call.ticket)
    elif wanted.format == "csv":
        answer = response(200, CSV.encode(), to_csv(found), call.ticket)
    else:
        rules = port.rules.statements
        sheet = to_sheet(found, wanted.language)
        try:
            drawn = await _STUDIO.draw(sheet, rules.pdf_timeout_s, rules.pdfs_waiting_max)
        except DrawingBusy:
            return problem("OVERLOADED", call.ticket)
        answer = response(200, PDF.encode(), drawn, call.ticket)
    return Response(200, _described(answer.headers, wanted, found, tag), answer.body)


def _read(port: Port, call: Call) -> _Wanted | list[FieldError]:
    """What is asked for, or everything that is wrong with it."""
    rules, errors = port.rules, list[FieldError]()
    when = period(call.path["month"], rules.statements.zone)
    if when is None:
        errors.append(fault("/path/month", "a month as 2026-11, from 2000-01 on", "MONTH_INVALID"))
    elif when.since > port.now_ms():
        errors.append(fault("/path/month", "a month that has begun", "MONTH_FUTURE"))
    form = _word(call, "format", FORMATS, errors) or _accepted(call)
    language = _word(call, "lang", LANGUAGES, errors) or language_of(call)
    paged = form == "json"
    least, most = (rules.page_items_default, rules.page_items_max) if paged else _whole(port)
    try:
        part = page(call.query, least, most)
    except BadQuery as bad:
        errors += bad.errors
        return errors
    if errors or when is None:
        return errors
    return _Wanted(
        call.path[OWNER], when, form, cast(Language, language), part.before or 0, part.limit
    )


def _whole(port: Port) -> tuple[int, int]:
    """Movements of one document: as many as it may hold."""
    most = port.rules.statements.lines_max
    return most, most


def _word(call: Call, name: str, words: tuple[str, ...], errors: list[FieldError]) -> str:
    """A word of the query; empty without one."""
    given = call.query.get(name, ())
    if not given:
        return ""
    if len(given) > 1 or given[0] not in words:
        text = f"one of {', '.join(words)}"
        errors.append(fault(f"/query/{name}", text, f"{name.upper()}_INVALID"))
        return words[0]
    return given[0]


def _accepted(call: Call) -> str:
    """The format that suits the caller best; JSON where none does."""
    given = ",".join(call.values(b"accept"))[:ACCEPT_CHARACTERS_MAX]
    best = parse_accept_header(given, MIMEAccept).best_match(list(_TYPES))
    return _TYPES[best] if best else "json"


async def _found(port: Port, wanted: _Wanted) -> Statement | None:
    """The statement; None for a user never seen."""
    when = wanted.period
    month = await port.month(wanted.user_id, when.since, when.until)
    if not month.last and await port.wallet(wanted.user_id) is None:
        return None
    after = max(month.first, wanted.after)
    # One more than wanted tells whether there is a next page.
    lines = await port.lines(wanted.user_id, after, month.last, wanted.limit + 1)
    provisional = is_provisional(when, port.now_ms())
    here, more = lines[: wanted.limit], len(lines) > wanted.limit
    begins = after == month.first
    return Statement(wanted.user_id, when, provisional, month, here, begins, more)


def _tag(wanted: _Wanted, text: bytes) -> bytes:
    """The ETag: of what is shown and how, so that nothing is drawn to find that it is known."""
    how = f"{wanted.format} {wanted.language if wanted.format == 'pdf' else ''}".encode()
    return b'"%s"' % hashlib.sha256(b"\0".join((_EDITION, how, text))).hexdigest().encode()


def _is_known(call: Call, tag: bytes) -> bool:
    """Whether the caller has this very answer already."""
    given = [one.strip() for one in ",".join(call.values(b"if-none-match")).split(",")]
    return "*" in given or tag.decode() in [one.removeprefix("W/") for one in given]


def _headers(headers: Headers, tag: bytes) -> Headers:
    """Kept by nobody but the caller's own program, which asks again whether it still holds."""
    kept = [one for one in headers if one[0] != b"cache-control"]
    return [
        *kept,
        (b"cache-control", b"private, no-cache"),
        (b"etag", tag),
        (b"vary", b"Accept, Accept-Language"),
    ]


def _described(headers: Headers, wanted: _Wanted, found: Statement, tag: bytes) -> Headers:
    made = _headers(headers, tag)
    if wanted.format == "json":
        return made
    name = f"points-{wanted.period.month}.{wanted.format}"
    made.append((b"content-disposition", f'attachment; filename="{name}"'.encode()))
    if found.next_cursor is not None:
        query = f"format={wanted.format}&lang={wanted.language}&limit={wanted.limit}"
        link = f'<{wanted.period.month}?{query}&cursor={found.next_cursor}>; rel="next"'
        made.append((b"link", link.encode()))
    return made
