"""The contract of a file: how far it is, the document itself, and its client's signature in our portal.

The rule: whoever may not know of a file is told that it is not there; its client alone signs, with a sign-in by a one-time
code that came after the contract was opened (actors/signature/portal.py holds the rest). That a client opened it is on
record before they get its bytes.
Source: interface.md 8 (rows c2); spec.md S6, S28, S34; docs/signature.md.
"""

from hashlib import sha256
from typing import Final

import msgspec

from comptoir.actors.signature.consents import CONSENTS, TEXTS
from comptoir.actors.signature.messages import (
    EMBEDDED,
    KIND,
    DeclineContract,
    DescribeSigning,
    Evidence,
    ShowContract,
    SignContract,
    SigningDescribed,
    SigningUnread,
)
from comptoir.engine import Address
from comptoir.engine.objects import ObjectKey
from comptoir.http.answers import Response, json_response, response
from comptoir.http.bodies import read_body
from comptoir.http.identity.authenticator import wall_seconds
from comptoir.http.onboarding import find_file
from comptoir.http.operation import Call
from comptoir.http.page import Language
from comptoir.http.port import Port
from comptoir.http.principal import Principal
from comptoir.http.problems import problem
from comptoir.http.shapes_signing import ContractDeclined, ContractSigned
from comptoir.http.times import rfc3339

__all__ = ["OVER", "PDF", "SIGNED", "decline", "document", "evidence_of", "pdf_of", "show", "sign"]

PDF: Final = "application/pdf"
OVER: Final = "SIGNATURE_OVER"
SIGNED: Final = "signed"
SECOND_MS: Final = 1000
_SIGNED: Final = msgspec.json.Decoder(ContractSigned)
_DECLINED: Final = msgspec.json.Decoder(ContractDeclined)


async def show(port: Port, call: Call) -> Response:
    """GET /api/v1/onboarding/{onboardingId}/signature."""
    if await find_file(port, call) is None:
        return problem("NOT_FOUND", call.ticket)
    found = (await port.ask(_address(call), DescribeSigning())).reply
    return _shown(found, call)


async def document(port: Port, call: Call) -> Response:
    """GET /api/v1/onboarding/{onboardingId}/signature/contract: the signed one, if there is one."""
    if await find_file(port, call) is None:
        return problem("NOT_FOUND", call.ticket)
    found = (await port.ask(_address(call), DescribeSigning())).reply
    assert isinstance(found, SigningDescribed)
    if call.principal is not None and call.principal.subject == found.user_id:
        opened = ShowContract(found.user_id, wall_seconds() * SECOND_MS)
        found = (await port.ask(_address(call), opened)).reply
        assert isinstance(found, SigningDescribed)
    return await pdf_of(port, call, found)


async def pdf_of(port: Port, call: Call, found: SigningDescribed) -> Response:
    """The bytes of a contract."""
    key = ObjectKey.read(found.signed_path or found.document_path)
    if key is None:
        return problem("NOT_FOUND", call.ticket)
    whole = bytearray()
    async with port.objects.read(key) as parts:
        async for part in parts:
            whole += part
    answer = response(200, PDF.encode(), bytes(whole), call.ticket)
    answer.headers.append((b"content-disposition", f'inline; filename="{key.owner}.pdf"'.encode()))
    return answer


async def sign(port: Port, call: Call) -> Response:
    """POST /api/v1/onboarding/{onboardingId}/signature/sign."""
    wanted = read_body(call, _SIGNED)
    if isinstance(wanted, Response):
        return wanted
    if await find_file(port, call) is None:
        return problem("NOT_FOUND", call.ticket)
    who = call.principal
    if who is None or wall_seconds() - who.signed_in_at > port.rules.step_up.recent_s:
        return problem("SIGNATURE_CODE_NEEDED", call.ticket)
    evidence = evidence_of(
        who, wanted.document_sha256, tuple(dict.fromkeys(wanted.consents)), wanted.language
    )
    found = (await port.ask(_address(call), SignContract(evidence))).reply
    if isinstance(found, SigningUnread):
        return problem("SIGNATURE_UNREAD", call.ticket)
    assert isinstance(found, SigningDescribed)
    ended = found.round and found.status != SIGNED
    return problem(OVER, call.ticket) if ended else _shown(found, call)


def evidence_of(
    who: Principal, document_sha256: str, consents: tuple[str, ...], language: Language
) -> Evidence:
    """What is on record of a signature: by whom, and by what they showed who they are."""
    return Evidence(
        who.subject, document_sha256, consents, language, tuple(sorted(who.methods)),
        who.signed_in_at * SECOND_MS, sha256(who.session.encode()).hexdigest(),
    )  # fmt: skip


async def decline(port: Port, call: Call) -> Response:
    """POST /api/v1/onboarding/{onboardingId}/signature/decline."""
    wanted = read_body(call, _DECLINED, b"{}")
    if isinstance(wanted, Response):
        return wanted
    if await find_file(port, call) is None:
        return problem("NOT_FOUND", call.ticket)
    subject = "" if call.principal is None else call.principal.subject
    declined = DeclineContract(subject, wanted.reason)
    return _shown((await port.ask(_address(call), declined)).reply, call)


def _address(call: Call) -> Address:
    return Address(KIND, call.path["onboardingId"])


def _shown(found: object, call: Call) -> Response:
    assert isinstance(found, SigningDescribed)
    if not found.round:
        return problem("NOT_FOUND", call.ticket)
    texts = CONSENTS if found.provider == EMBEDDED else ()
    told = {
        "onboardingId": call.path["onboardingId"],
        "status": found.status,
        "round": found.round,
        "provider": found.provider,
        "title": found.title,
        "documentSha256": found.document_sha256 or None,
        "signedSha256": found.signed_sha256 or None,
        "sentAt": _time(found.sent_at),
        "endedAt": _time(found.ended_at),
        "expiresAt": _time(found.expires_at),
        "consents": [{"version": one, **TEXTS[one]} for one in texts],
    }
    return json_response(200, told, call.ticket)


def _time(ms: int) -> str | None:
    return rfc3339(ms) if ms else None
