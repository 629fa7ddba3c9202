"""A client is invited to the portal: what an advisor does, and later onboarding for them.

The rule: the link's secret is drawn here, goes out by mail and is shown to nobody else, whoever asks for it
included; its digest goes in. It comes of the request's own chance, as does what the invitation knows the
request by, so that one that is run again under its Idempotency-Key sends nothing again.
Source: interface.md 1 and 8; spec.md S2, S4, S7, X8.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from comptoir.actors.invitation.messages import ClientInvited, InviteClient
from comptoir.http.answers import Response, json_response
from comptoir.http.bodies import read_json
from comptoir.http.operation import Call
from comptoir.http.port import Port
from comptoir.http.portal.entering import invitation_address, token_digest
from comptoir.http.portal.shapes import NewInvitation
from comptoir.http.problems import problem

__all__ = ["invite", "shown_time"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NEW: Final = msgspec.json.Decoder(NewInvitation)
_EXPECTED: Final = (
    "userId, email, optionally phone in E.164 and language fr or en, and nothing else"
)


async def invite(port: Port, call: Call) -> Response:
    """POST /api/v1/onboarding/{onboardingId}/invitations."""
    onboarding_id = call.path["onboardingId"]
    address = invitation_address(onboarding_id)
    if port.identity is None or address is None:
        return problem("NOT_FOUND", call.ticket)
    wanted = read_json(call, _NEW, _EXPECTED)
    if isinstance(wanted, Response):
        return wanted
    by = "" if call.principal is None else call.principal.subject
    token = call.draw_secret("portal link")
    message = InviteClient(
        onboarding_id, wanted.user_id, wanted.email, wanted.phone or "", wanted.language,
        link=f"{port.identity.issuer}/portal/{onboarding_id}?token={token}",
        digest=token_digest(token), reference=call.draw("invitation").hex(), by=by,
        listing=port.person_key(wanted.user_id),
    )  # fmt: skip
    reply = (await port.ask(address, message)).reply
    assert isinstance(reply, ClientInvited)
    shown = {
        "onboardingId": onboarding_id,
        "codeBy": reply.channel,
        "expiresAt": shown_time(reply.expires_at),
    }
    return json_response(201, shown, call.ticket)


def shown_time(at_ms: int) -> str:
    """A time as the API writes it (interface.md 1)."""
    at = _EPOCH + timedelta(milliseconds=at_ms)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
