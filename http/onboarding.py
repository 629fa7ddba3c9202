"""Files of clients and their documents: begun by an advisor, sent by the client, straight to the store.

The rule: what a caller may not know of is not there: an advisor sees the files that they began, a client its own.
A document's bytes do not pass here: it is announced, an address for exactly that is signed, and when it was sent
its file has the store asked. The client's link is in the answer that begins a file, as S9 has it, and in the
mail; alone it lets nobody in, since a code follows it on another way (X8).
Source: interface.md 8 (rows c1); spec.md S4, S8, S9, S12, X6, X8; docs/uploads.md.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import msgspec

from comptoir.actors.inspection.flags import INTERNAL
from comptoir.actors.kyc.explaining import Audience
from comptoir.actors.numbering.messages import KIND as NUMBERING
from comptoir.actors.numbering.messages import DrawNumber, NumberDrawn
from comptoir.actors.onboarding.messages import (
    KIND,
    ClientInfo,
    CompleteUpload,
    DescribeFile,
    Document,
    DocumentsClosed,
    DocumentStatus,
    FileDescribed,
    FileOver,
    InitiateFile,
    Opened,
    RequestUpload,
    UploadGranted,
)
from comptoir.engine import Address
from comptoir.engine.objects import UploadTerms
from comptoir.http.answers import Response, json_response
from comptoir.http.approvals import who_calls
from comptoir.http.bodies import fault, read_body
from comptoir.http.document_reasons import reason_of
from comptoir.http.file_stages import next_step, onward_shown, summary_of, waits_for
from comptoir.http.kyc import audience_of, case_of
from comptoir.http.operation import Access, Call
from comptoir.http.port import Port
from comptoir.http.portal.entering import token_digest
from comptoir.http.portal.shapes import PHONE
from comptoir.http.principal import Role
from comptoir.http.problems import FieldError, problem
from comptoir.http.shapes_onboarding import Initiation, InitiationClient, NewDocument
from comptoir.http.times import is_day, rfc3339

__all__ = [
    "PortalLink",
    "add_document",
    "begun",
    "client_of",
    "complete_document",
    "described_file",
    "find_file",
    "history",
    "initiate",
    "listing_of",
    "may_see",
    "new_link",
    "next_number",
    "pointer",
    "show",
    "show_document",
    "whole",
]

_INITIATION: Final = msgspec.json.Decoder(Initiation)
_NEW_DOCUMENT: Final = msgspec.json.Decoder(NewDocument)
_PHONE: Final = re.compile(PHONE).match
PARTNER: Final = "PARTNER"
"""`initiatedBy` of what a partner brings (S5)."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


async def initiate(port: Port, call: Call) -> Response:
    """POST /api/v1/onboarding/initiate."""
    wanted = read_body(call, _INITIATION)
    if isinstance(wanted, Response):
        return wanted
    client = client_of(port, wanted.client_type, wanted.client_info)
    if not isinstance(client, ClientInfo):
        return problem("REQUEST_INVALID", call.ticket, errors=[client])
    opened = _opened(port, call, wanted)
    if not isinstance(opened, Opened):
        return problem("REQUEST_INVALID", call.ticket, errors=[opened])
    reference = call.draw("onboarding").hex()
    file = Address(KIND, await next_number(port, reference))
    link = new_link(port, call, file.key)
    listing = listing_of(port, opened.user_id)
    message = InitiateFile(opened, client, link.url, link.digest, listing, reference)
    reply = (await port.ask(file, message)).reply
    assert isinstance(reply, FileDescribed)
    return json_response(201, begun(file.key, reply, link.url), call.ticket)


def _opened(port: Port, call: Call, wanted: Initiation) -> Opened | FieldError:
    """Whose file it is, and by what way it came; or what is wrong with that.

    An advisor may say of what a partner has brought that it came from one; a partner's program begins it for itself
    alone, and it is then the file of the advisor whom the configuration names, as is one that is submitted.
    """
    by, metadata = who_calls(call)[0], wanted.metadata
    is_program = call.principal is not None and Role.CONSEILLER not in call.principal.roles
    if is_program and wanted.initiated_by != PARTNER:
        return fault("/initiatedBy", "PARTNER: a partner's program begins no file for an advisor")
    advisor, partner = (port.rules.partner_advisor, by) if is_program else (by, "")
    return Opened(
        wanted.client_type, wanted.initiated_by, advisor, wanted.conseiller_email,
        f"cli_{call.draw('client')[:10].hex()}", (metadata and metadata.source) or "",
        (metadata and metadata.campaign_id) or "", partner,
    )  # fmt: skip


class PortalLink(NamedTuple):
    """A client's link."""

    url: str
    """With its secret."""
    digest: str


def new_link(port: Port, call: Call, number: str) -> PortalLink:
    """A link to a file, of the request's own chance."""
    token = call.draw_secret("portal link")
    return PortalLink(f"{port.public_url}/portal/{number}?token={token}", token_digest(token))


def listing_of(port: Port, user_id: str) -> str:
    """The key of the actor that lists what a client has open; empty: none does."""
    return "" if port.identity is None else port.person_key(user_id)


def begun(number: str, file: FileDescribed, url: str) -> dict[str, object]:
    """What whoever begins a file, or has it go on, is told (S9)."""
    return {
        "onboardingId": number,
        "status": file.status,
        "nextStep": next_step(file),
        "clientPortalUrl": url,
        "expiresAt": rfc3339(file.expires_at),
        "createdAt": rfc3339(file.created_at),
    }


def client_of(port: Port, client_type: str, info: InitiationClient) -> ClientInfo | FieldError:
    """Who is to become a client; or what is wrong with it."""
    if client_type not in port.rules.client_types:
        return fault("/clientType", "a type that is configured", "CLIENT_TYPE_UNKNOWN")
    if not is_day(info.date_of_birth):
        return fault("/clientInfo/dateOfBirth", "a day that exists, YYYY-MM-DD")
    phone = re.sub(r"[^+0-9]", "", info.phone or "")
    if phone and not _PHONE(phone):
        return fault("/clientInfo/phone", "a telephone number in E.164")
    return ClientInfo(
        info.first_name, info.last_name, info.email, phone, info.date_of_birth,
        info.residence_country, info.tax_residence,
    )  # fmt: skip


async def next_number(port: Port, reference: str) -> str:
    """The next number of this year (S9)."""
    year = (_EPOCH + timedelta(milliseconds=port.now_ms())).year
    series = f"{port.rules.file_prefix}-{year}"
    reply = (await port.ask(Address(NUMBERING, series), DrawNumber(reference))).reply
    assert isinstance(reply, NumberDrawn)
    return f"{series}-{reply.number:05d}"


async def show(port: Port, call: Call) -> Response:
    """GET /api/v1/onboarding/{onboardingId}."""
    found = await find_file(port, call)
    if found is None:
        return problem("NOT_FOUND", call.ticket)
    return json_response(200, await whole(port, call, found), call.ticket)


async def whole(port: Port, call: Call, found: FileDescribed) -> dict[str, object]:
    """A file, as far as whoever calls may know it."""
    shown: dict[str, object] = {
        "onboardingId": call.path["onboardingId"],
        "clientType": found.opened.client_type,
        "status": found.status,
        "summaryStatus": summary_of(found),
        "nextStep": next_step(found),
        "waitingFor": waits_for(found),
        "documents": [_document(one, call) for one in found.documents],
        "missing": list(found.missing),
        "missingFields": [pointer(path) for path in found.lacking],
        "incompleteCause": found.cause or None,
        "expiresAt": rfc3339(found.expires_at),
        "createdAt": rfc3339(found.created_at),
        "updatedAt": rfc3339(found.updated_at),
    }
    if call.access.user_id != found.opened.user_id:
        shown["kyc"] = await _kyc(port, call, found)
    return {**shown, **onward_shown(found, call)}


async def _kyc(port: Port, call: Call, file: FileDescribed) -> dict[str, object] | None:
    """What the assessment came to: the bureau's word to compliance, and to the advisor as far as it is told (E3)."""
    kept = file.kyc
    if kept is None:
        return None
    if kept.withheld and audience_of(call, file) is Audience.COMPLIANCE:
        case = await case_of(port, call.path["onboardingId"])
        return {
            "score": case.score, "riskLevel": case.risk_level, "recommendation": case.recommendation
        }  # fmt: skip
    return {
        "score": kept.score, "riskLevel": kept.risk_level, "recommendation": kept.recommendation
    }  # fmt: skip


async def history(port: Port, call: Call) -> Response:
    """GET /api/v1/onboarding/{onboardingId}/history."""
    found = await find_file(port, call)
    if found is None:
        return problem("NOT_FOUND", call.ticket)
    items = [
        {
            "from": one.before,
            "to": one.after,
            "event": one.event,
            "actor": one.actor,
            "at": rfc3339(one.at),
        }
        for one in reversed(found.history)
    ]
    return json_response(200, {"items": items, "nextCursor": None}, call.ticket)


async def add_document(port: Port, call: Call) -> Response:
    """POST /api/v1/onboarding/{onboardingId}/documents."""
    wanted = read_body(call, _NEW_DOCUMENT)
    if isinstance(wanted, Response):
        return wanted
    if not wanted.filename.isprintable() or "/" in wanted.filename:
        errors = [fault("/filename", "a name without slashes or control characters")]
        return problem("REQUEST_INVALID", call.ticket, errors=errors)
    if await find_file(port, call) is None:
        return problem("NOT_FOUND", call.ticket)
    file = Address(KIND, call.path["onboardingId"])
    message = RequestUpload(
        f"doc_{call.draw('document')[:10].hex()}", wanted.doc_type, wanted.filename,
        wanted.content_type, wanted.size_bytes, wanted.sha256 or "",
    )  # fmt: skip
    reply = (await port.ask(file, message)).reply
    if isinstance(reply, FileOver | DocumentsClosed):
        return problem(_closed(reply), call.ticket)
    assert isinstance(reply, UploadGranted)
    granted = reply.document
    terms = UploadTerms(
        granted.key(file.key), granted.media_type, granted.size_bytes, granted.sha256,
        granted.expires_at,
    )  # fmt: skip
    address = port.objects.presign(terms, port.public_url, port.now_ms())
    shown = {
        "documentId": granted.id,
        "uploadUrl": address.url,
        "method": "PUT",
        "headers": dict(address.headers),
        "expiresAt": rfc3339(granted.expires_at),
    }
    return json_response(201, shown, call.ticket)


async def complete_document(port: Port, call: Call) -> Response:
    """POST /api/v1/onboarding/{onboardingId}/documents/{documentId}/complete."""
    if await find_file(port, call) is None:
        return problem("NOT_FOUND", call.ticket)
    file = Address(KIND, call.path["onboardingId"])
    reply = (await port.ask(file, CompleteUpload(call.path["documentId"]))).reply
    if isinstance(reply, FileOver | DocumentsClosed):
        return problem(_closed(reply), call.ticket)
    assert isinstance(reply, FileDescribed)
    return _shown_document(reply, call, 202)


def _closed(reply: FileOver | DocumentsClosed) -> str:
    """Why no document is taken."""
    return "ONBOARDING_OVER" if isinstance(reply, FileOver) else "DOCUMENTS_CLOSED"


async def show_document(port: Port, call: Call) -> Response:
    """GET /api/v1/onboarding/{onboardingId}/documents/{documentId}."""
    found = await find_file(port, call)
    if found is None:
        return problem("NOT_FOUND", call.ticket)
    return _shown_document(found, call, 200)


async def find_file(port: Port, call: Call) -> FileDescribed | None:
    """The file of a call; None if the caller may not know of it.

    Raises:
        Refused: there is none (NOT_FOUND).
    """
    found = await described_file(port, call)
    return found if may_see(found, call.access) else None


async def described_file(port: Port, call: Call) -> FileDescribed:
    """The file of a call, whoever calls.

    Raises:
        Refused: there is none (NOT_FOUND).
    """
    reply = (await port.ask(Address(KIND, call.path["onboardingId"]), DescribeFile())).reply
    assert isinstance(reply, FileDescribed)
    return reply


def may_see(file: FileDescribed, access: Access) -> bool:
    """Whether it is the caller's to see."""
    return access.covers(file.opened.user_id) or access.covers(file.opened.advisor)


def _shown_document(file: FileDescribed, call: Call, status: int) -> Response:
    wanted = call.path["documentId"]
    found = next((one for one in file.documents if one.id == wanted), None)
    if found is None:
        return problem("NOT_FOUND", call.ticket)
    return json_response(status, _document(found, call), call.ticket)


_LOOKED_AT: Final = {DocumentStatus.VERIFYING: DocumentStatus.INSPECTING}
"""That the store is asked before anything is read is our affair (interface.md 8 has one word)."""


def _document(one: Document, call: Call) -> dict[str, object]:
    """A document as it is shown to whoever may see its file; where else it was seen is for COMPLIANCE alone."""
    inside = call.principal is None or Role.COMPLIANCE in call.principal.roles
    shown: dict[str, object] = {
        "documentId": one.id,
        "docType": one.doc_type,
        "filename": one.filename,
        "contentType": one.media_type,
        "sizeBytes": one.size_bytes,
        "status": _LOOKED_AT.get(one.status, one.status).value,
        "reasons": [reason_of(code) for code in one.reasons if inside or code not in INTERNAL],
        "sha256": one.proven_sha256 or None,
        "fields": dict(one.fields) or None,
    }
    if inside and one.elsewhere:
        shown["elsewhere"] = list(one.elsewhere)
    return shown


def pointer(path: str) -> str:
    """A field of a profile as a JSON pointer; what is no field of one (`parties:settlor`) as it is."""
    return path if ":" in path else f"/{path}"
