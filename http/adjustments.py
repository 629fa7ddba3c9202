"""Points given or taken by hand: asked for by one person of the house, approved by another (E14).

The rule: what is asked for is noted and proposed by one decision of the wallet; what is approved is decided by
the wallet as well, which refuses to take more than there is. Whoever approves is told what came of it.
Source: interface.md 7 (rows b2); spec.md S47, E14; docs/points.md.
"""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import msgspec

from comptoir.actors.approval.messages import KIND as APPROVAL
from comptoir.actors.approval.messages import (
    Action,
    ApprovalDescribed,
    Approve,
    adjustment_proposal,
)
from comptoir.actors.wallet.messages import (
    KIND,
    AdjustmentDescribed,
    DescribeAdjustment,
    ProposeAdjustment,
)
from comptoir.engine import Address, Message
from comptoir.http.answers import Response, json_response
from comptoir.http.approvals import (
    LIFETIME_MS,
    decide,
    describe,
    draw_approval,
    is_nobody,
    who_calls,
)
from comptoir.http.bodies import fault, read_body
from comptoir.http.following import until
from comptoir.http.operation import Call
from comptoir.http.port import Port
from comptoir.http.principal import Role
from comptoir.http.problems import problem
from comptoir.http.queries import BadQuery, name_at, placed, plausible_id
from comptoir.http.shapes_points import NewAdjustment
from comptoir.http.times import rfc3339

__all__ = ["approve", "ask", "listed", "shown"]

CHECKERS: Final = (Role.OPERATIONS.value, Role.ADMIN.value)
"""Another of those who run the programme, or who keeps its access."""
PROPOSED: Final = "proposed"
"""What the wallet says until the proposal is approved: how far that is, it says itself."""
WAIT_S: Final = 5.0
"""For the wallet to decide; then it is `approved`, and decided later."""
_NEW: Final = msgspec.json.Decoder(NewAdjustment)
_ID: Final = re.compile(r"adj_[0-9a-f]{20}").fullmatch
_PLACE: Final = re.compile(r"[0-9]{15}:adj_[0-9a-f]{20}").fullmatch
Noted = Mapping[str, Any]


async def ask(port: Port, call: Call) -> Response:
    """POST /api/v1/adjustments."""
    wanted = read_body(call, _NEW)
    if isinstance(wanted, Response):
        return wanted
    if is_nobody(port, call):
        return problem("FORBIDDEN", call.ticket)
    reason = wanted.reason.strip()
    errors = [
        *([fault("/points", "so many to be given, or negative to be taken")] * (not wanted.points)),
        *([fault("/reason", "one line that says why")] * (not reason or not reason.isprintable())),
    ]
    if errors:
        return problem("REQUEST_INVALID", call.ticket, errors=errors)
    user = wanted.user_id
    if not plausible_id(user) or await port.wallet(user) is None:
        return problem("NOT_FOUND", call.ticket)
    approval = draw_approval(call)
    name, maker = f"adj_{approval.removeprefix('apr_')}", who_calls(call)[0]
    proposed = ProposeAdjustment(
        name, approval, wanted.points, reason, maker, CHECKERS, LIFETIME_MS
    )
    found = await _told(port, user, proposed)
    if found.status == PROPOSED:  # said a second time, so that it is there when this is answered
        await port.ask(Address(APPROVAL, approval), adjustment_proposal(user, proposed))
    noted = {**_noted(found), "user_id": user, "approval": approval}
    return json_response(202, await _shown(port, call, name, noted, reason), call.ticket)


async def approve(port: Port, call: Call) -> Response:
    """POST /api/v1/adjustments/{adjustmentId}/approve: a second person; what came of it."""
    name = call.path["adjustmentId"]
    noted = await port.adjustment(name) if _ID(name) else None
    if noted is None:
        return problem("NOT_FOUND", call.ticket)
    decided = await decide(port, call, str(noted["approval"]), Approve(*who_calls(call)))
    if isinstance(decided, Response):
        return decided
    look = partial(_told, port, str(noted["user_id"]), DescribeAdjustment(name))
    found = await until(port.moves, name, look, _is_decided, WAIT_S)
    now = {**noted, **_noted(found)} if found is not None else noted
    return json_response(200, await _shown(port, call, name, now), call.ticket)


async def shown(port: Port, call: Call) -> Response:
    """GET /api/v1/adjustments/{adjustmentId}."""
    name = call.path["adjustmentId"]
    noted = await port.adjustment(name) if _ID(name) else None
    if noted is None:
        return problem("NOT_FOUND", call.ticket)
    return json_response(200, await _shown(port, call, name, noted), call.ticket)


async def listed(port: Port, call: Call) -> Response:
    """GET /api/v1/adjustments, the newest first."""
    rules = port.rules
    try:
        wanted = placed(call.query, rules.page_items_default, rules.page_items_max, _PLACE)
    except BadQuery as bad:
        return problem("REQUEST_INVALID", call.ticket, errors=bad.errors)
    read = await port.adjustments(wanted.after, wanted.to_read)
    places, following = wanted.cut(read, str)
    names = map(name_at, places)
    found = [(name, await port.adjustment(name)) for name in names]
    items = [await _shown(port, call, name, one) for name, one in found if one is not None]
    return json_response(200, {"items": items, "nextCursor": following}, call.ticket)


async def _told(port: Port, user: str, message: Message) -> AdjustmentDescribed:
    reply = (await port.ask(Address(KIND, user), message)).reply
    assert isinstance(reply, AdjustmentDescribed)
    return reply


def _is_decided(found: AdjustmentDescribed) -> bool:
    return found.status != PROPOSED


def _noted(found: AdjustmentDescribed) -> dict[str, Any]:
    """What the wallet says, as it is kept."""
    return msgspec.structs.asdict(found)


async def _shown(
    port: Port, call: Call, name: str, noted: Noted, reason: str | None = None
) -> dict[str, object]:
    """As the API shows it; until the wallet has decided, as far as its proposal is, which knows why."""
    status, checker = str(noted["status"]), noted.get("checker") or None
    found = await describe(port, call, str(noted["approval"]))
    proposed, reason, decided_by = _proposal(found, reason)
    if status == PROPOSED:
        status, checker = proposed, decided_by
    decided_at = noted.get("decided_at") or None
    return {
        "adjustmentId": name,
        "approvalId": noted["approval"],
        "userId": noted["user_id"],
        "points": noted["points"],
        "status": status,
        "reason": reason,
        "maker": noted["maker"],
        "checker": checker,
        "createdAt": rfc3339(int(noted["asked_at"])),
        "decidedAt": None if decided_at is None else rfc3339(int(decided_at)),
    }


def _proposal(
    found: ApprovalDescribed | None, reason: str | None
) -> tuple[str, str | None, str | None]:
    """Status, reason and checker of a proposal, which may be on its way still."""
    if found is None or found.action != Action.ADJUST:
        return "pending", reason, None
    told = found.details[-1] if found.details else None
    return found.status, told, found.checker or None
