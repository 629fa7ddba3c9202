"""A client goes on to the provider's own page to sign their contract: as an address for a program, and by a button of our page.

The rule: the contract's client alone, who is in by the portal, by a code that they typed lately; the address lets whoever has it sign, so it is in this one answer and
nowhere else: not kept under an Idempotency-Key, in no redirect that a log of addresses would hold, in no row. What comes back with
the client afterwards (`event`) proves nothing, and changes what a page says, nothing else: how the contract stands its provider tells.
Source: spec.md S28, S34, S36; DocuSign's OpenAPI document (EnvelopeViews: createRecipient); docs/docusign.md.
"""

from typing import Final

import msgspec

from comptoir.actors.gateways.signing_desk import (
    ELSEWHERE,
    LIFE_MS,
    TOO_OFTEN,
    SigningPlace,
    SigningView,
)
from comptoir.actors.signature.messages import KIND, AdmitSigner, SignerAdmitted, SigningDescribed
from comptoir.engine import Address
from comptoir.engine.gateway_spec import CallFault
from comptoir.http.answers import Response, json_response
from comptoir.http.identity.authenticator import wall_seconds
from comptoir.http.onboarding import find_file
from comptoir.http.operation import Call
from comptoir.http.port import Port
from comptoir.http.principal import Principal
from comptoir.http.problems import problem
from comptoir.http.times import rfc3339

__all__ = ["NotSent", "address", "sent_to"]

SECOND_MS: Final = 1000
OPEN: Final = ("sent", "viewed")


class NotSent(Exception):
    """There is no address, by a stable code; with how long to wait, where that is known."""

    def __init__(self, code: str, retry_after_s: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.retry_after_s = retry_after_s


async def address(port: Port, call: Call) -> Response:
    """POST /api/v1/onboarding/{onboardingId}/signature/address."""
    if await find_file(port, call) is None:
        return problem("NOT_FOUND", call.ticket)
    if call.principal is None:  # nobody's code was typed
        return problem("SIGNATURE_CODE_NEEDED", call.ticket)
    try:
        view = await sent_to(port, call, call.principal)
    except NotSent as not_sent:
        return problem(not_sent.code, call.ticket, retry_after_s=not_sent.retry_after_s)
    ends = rfc3339(port.now_ms() + LIFE_MS)
    return json_response(200, {"url": view.url, "expiresAt": ends}, call.ticket)


async def sent_to(port: Port, call: Call, who: Principal) -> SigningView:
    """Where the client of this file signs.

    Raises:
        NotSent: nowhere, now or at all.
        EngineError: as of every question to an actor.
    """
    file = call.path["onboardingId"]
    methods, at = tuple(sorted(who.methods)), who.signed_in_at * SECOND_MS
    ago_s = wall_seconds() - who.signed_in_at
    recent = ago_s <= port.rules.step_up.recent_s
    admit = AdmitSigner(who.subject, methods, at, ago_s * SECOND_MS, recent)
    reply = await _admitted(port, file, admit)
    back = f"{port.public_url}/portal/{file}/contract"
    try:
        view = await port.signing_address(SigningPlace(reply.envelope_id, reply.signer, back, at))
    except CallFault as fault:
        wait_s = -(-fault.wait_ms // SECOND_MS) or None
        raise NotSent(fault.code, wait_s if fault.code == TOO_OFTEN else None) from fault
    await _admitted(port, file, msgspec.structs.replace(admit, goes=True))
    return view


async def _admitted(port: Port, file: str, admit: AdmitSigner) -> SignerAdmitted:
    """What an address is asked for with.

    Raises:
        NotSent: there is none for them.
    """
    reply = (await port.ask(Address(KIND, file), admit)).reply if port.sends_signers else None
    if isinstance(reply, SigningDescribed):
        raise NotSent(_why_not(reply))
    if not isinstance(reply, SignerAdmitted):
        raise NotSent(ELSEWHERE)
    return reply


def _why_not(found: SigningDescribed) -> str:
    """It is signed here, or there is nothing to sign yet, or any more."""
    if found.status in OPEN:
        return ELSEWHERE
    return "SIGNATURE_NOT_READY" if found.status == "preparing" else "SIGNATURE_OVER"
