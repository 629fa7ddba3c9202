"""The last word on a signed file, and its contract issued anew.

The rule: who acts is who the token says; whether they may is the machine's to decide. A file of another advisor is not
there; but whoever has decided its case knows of it, and hears why it is not theirs to approve. A file that is no
advisor's, of a partner, is approved by any of them.
Source: interface.md 8 (row c2); spec.md S4, S28, X5, E14; docs/onboarding.md; adr/0057.
"""

from typing import Final

import msgspec

from comptoir.actors.onboarding.messages import KIND, FileDescribed
from comptoir.actors.onboarding.onward_messages import (
    ApproveFile,
    OnwardRefused,
    ReissueSignature,
)
from comptoir.engine import Address, Message
from comptoir.http.answers import Response, json_response
from comptoir.http.approvals import is_nobody, who_calls
from comptoir.http.bodies import fault, read_body
from comptoir.http.onboarding import described_file, find_file, may_see, pointer, whole
from comptoir.http.operation import Call
from comptoir.http.port import Port
from comptoir.http.problems import problem
from comptoir.http.shapes_review import Judgement

__all__ = ["approve", "reissue"]

_JUDGEMENT: Final = msgspec.json.Decoder(Judgement)
UNFIT: Final = "ACCOUNT_FIELDS_UNFIT"


async def approve(port: Port, call: Call) -> Response:
    """POST /api/v1/onboarding/{onboardingId}/approval, of another person than who has decided its case."""
    if is_nobody(port, call):
        return problem("FORBIDDEN", call.ticket)
    wanted = read_body(call, _JUDGEMENT)
    if isinstance(wanted, Response):
        return wanted
    reason = wanted.reason.strip()
    if not reason or not reason.isprintable():
        errors = [fault("/reason", "one line that says why")]
        return problem("REQUEST_INVALID", call.ticket, errors=errors)
    found, who = await described_file(port, call), who_calls(call)[0]
    decided = bool(who) and who in found.onward.reviewers
    if not (may_see(found, call.access) or not found.opened.advisor):
        return problem("FOUR_EYES" if decided else "NOT_FOUND", call.ticket)
    return await _told(port, call, ApproveFile(wanted.decision == "approve", who, reason))


async def reissue(port: Port, call: Call) -> Response:
    """POST /api/v1/onboarding/{onboardingId}/signature/reissue."""
    if await find_file(port, call) is None:
        return problem("NOT_FOUND", call.ticket)
    return await _told(port, call, ReissueSignature(who_calls(call)[0]))


async def _told(port: Port, call: Call, message: Message) -> Response:
    reply = (await port.ask(Address(KIND, call.path["onboardingId"]), message)).reply
    if isinstance(reply, OnwardRefused):
        errors = [fault(pointer(path), "missing, or not as the mainframe holds it", UNFIT) for path in reply.paths]  # fmt: skip
        return problem(reply.code, call.ticket, errors=errors)
    assert isinstance(reply, FileDescribed)
    return json_response(200, await whole(port, call, reply), call.ticket)
