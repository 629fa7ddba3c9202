"""What one person asks for and another approves (four eyes).

The rule: who asks is who the token says, and so is who approves; that they are two is the machine's to
decide, not ours. A command that signs its own token is nobody: whoever reads the data folder has its name, and could be the
second person of themselves. While auth.dev_tokens is on they may have a token in any name, and this binds them not. The id
is drawn here and says nothing. What waits is listed for whoever may decide it, and
what it is then stands in its actor.
Source: spec.md E14, S60; interface.md 7 (`POST /api/v1/approvals/{id}/approve`); adr/0028.
"""

import re
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from comptoir.actors.approval.messages import (
    KIND,
    Action,
    ApprovalDescribed,
    Approve,
    DescribeApproval,
    Order,
    Propose,
    Proposed,
    Reject,
    place_of,
)
from comptoir.engine import Address, Erased, Message, Refused
from comptoir.http.answers import Response, json_response
from comptoir.http.identity.issuing import BY_HAND
from comptoir.http.operation import Call
from comptoir.http.port import Port
from comptoir.http.principal import Role
from comptoir.http.problems import problem
from comptoir.http.queries import BadQuery, name_at, placed
from comptoir.http.times import rfc3339

__all__ = [
    "LIFETIME_MS",
    "Asked",
    "approve",
    "decide",
    "describe",
    "draw_approval",
    "is_nobody",
    "listed",
    "propose",
    "proposed_before",
    "reject",
    "show",
    "who_calls",
]

ID_BYTES: Final = 10
LIFETIME_MS: Final = 3 * 86_400_000
"""Over a weekend; what nobody has approved by then is asked for again."""
CHECKERS: Final = (Role.ADMIN.value,)
"""Who approves where nothing else is said."""
_WANTED: Final[dict[type[Message], str]] = {Approve: "approved", Reject: "rejected"}
"""What it is afterwards for whoever is told so."""
PENDING: Final = "pending"
_PLACE: Final = re.compile(rf"[0-9]{{15}}:apr_[0-9a-f]{{{2 * ID_BYTES}}}").fullmatch
_ID: Final = re.compile(rf"apr_[0-9a-f]{{{2 * ID_BYTES}}}").fullmatch


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for."""

    action: Action
    target: Address
    order: Order
    subject: str
    """Whom or what it is about, as the person who checks it is to see it."""
    details: tuple[str, ...] = ()
    checkers: tuple[str, ...] = CHECKERS
    """Roles of which whoever approves it must have one."""
    by_command: bool = False
    """Whether the command asks for it by its own name: where a house has one ADMIN, there is nobody else."""


def draw_approval(call: Call) -> str:
    """The id of a new proposal; a request that is run again has the same."""
    return f"apr_{call.draw('approval')[:ID_BYTES].hex()}"


async def propose(
    port: Port, call: Call, asked: Asked, shown: dict[str, object], approval_id: str | None = None
) -> Response:
    """Ask for it, 202; nothing is done yet.

    Args:
        port: the daemon.
        call: whose.
        asked: what.
        shown: what the answer says beside id, digest and time.
        approval_id: where the order names it; None draws one.
    """
    if is_nobody(port, call) and not asked.by_command:
        return problem("FORBIDDEN", call.ticket)
    name = approval_id or draw_approval(call)
    message = Propose(
        asked.action, asked.target.kind, asked.target.key, asked.order, asked.subject, asked.details,
        who_calls(call)[0], asked.checkers, LIFETIME_MS,
    )  # fmt: skip
    reply = (await port.ask(Address(KIND, name), message)).reply
    assert isinstance(reply, Proposed)
    return _proposed(call, name, reply, shown)


async def proposed_before(port: Port, call: Call, shown: dict[str, object]) -> Response | None:
    """The answer of this very request if it was run before and its answer was lost; else None. Asked by
    whoever proposes what depends on the moment, which would be another thing now.
    """
    if is_nobody(port, call):
        return problem("FORBIDDEN", call.ticket)
    name = draw_approval(call)
    found = await describe(port, call, name)
    return None if found is None else _proposed(call, name, found, shown)


def _proposed(
    call: Call, name: str, found: Proposed | ApprovalDescribed, shown: dict[str, object]
) -> Response:
    ends = rfc3339(found.expires_at)
    body = {"approvalId": name, "digest": found.digest, "expiresAt": ends, **shown}
    return json_response(202, body, call.ticket)


async def approve(port: Port, call: Call) -> Response:
    """POST /api/v1/approvals/{approvalId}/approve."""
    return await _told(port, call, Approve(*who_calls(call)))


async def reject(port: Port, call: Call) -> Response:
    """POST /api/v1/approvals/{approvalId}/reject."""
    return await _told(port, call, Reject(*who_calls(call)))


async def show(port: Port, call: Call) -> Response:
    """GET /api/v1/approvals/{approvalId}."""
    return await _told(port, call, DescribeApproval(*who_calls(call)))


async def listed(port: Port, call: Call) -> Response:
    """GET /api/v1/approvals."""
    rules = port.rules
    try:
        wanted = placed(call.query, rules.page_items_default, rules.page_items_max, _PLACE)
    except BadQuery as bad:
        return problem("REQUEST_INVALID", call.ticket, errors=bad.errors)
    after = wanted.after or place_of(port.now_ms())
    places, following = wanted.cut(await port.waiting(after, wanted.to_read), itemgetter(0))
    names = [name_at(place) for place, waits in places if waits]
    found = [(name, await describe(port, call, name)) for name in names]
    items = [_shown(name, one) for name, one in found if one and one.status == PENDING]
    return json_response(200, {"items": items, "nextCursor": following}, call.ticket)


async def describe(port: Port, call: Call, name: str) -> ApprovalDescribed | None:
    """What it is now, since it may have been decided meanwhile; None where its keys are gone, or where it
    is none of the caller's.
    """
    try:
        found = (await port.ask(Address(KIND, name), DescribeApproval(*who_calls(call)))).reply
    except (Erased, Refused):
        return None
    assert isinstance(found, ApprovalDescribed)
    return found


def who_calls(call: Call) -> tuple[str, tuple[str, ...]]:
    """Who calls; nobody without accounts, where nothing can have been asked for."""
    who = call.principal
    return ("", ()) if who is None else (who.subject, tuple(role.value for role in who.roles))


def is_nobody(port: Port, call: Call) -> bool:
    """Whether it is a command by the token that it signs for itself: no person, so none of two. So is whoever a token by hand
    names (`comptoir token`), but where such tokens are meant to name people (auth.dev_tokens): one that was printed before
    that was put out holds for a day.
    """
    who, identity = call.principal, port.identity
    if who is None:
        return False
    stale = identity is not None and not identity.dev_tokens and who.client_id == BY_HAND
    return who.subject == BY_HAND or stale


async def _told(port: Port, call: Call, message: Message) -> Response:
    approval_id = call.path["approvalId"]
    if not _ID(approval_id):
        return problem("NOT_FOUND", call.ticket)
    found = await decide(port, call, approval_id, message)
    if isinstance(found, Response):
        return found
    return json_response(200, _shown(approval_id, found), call.ticket)


async def decide(
    port: Port, call: Call, approval_id: str, message: Message
) -> ApprovalDescribed | Response:
    """How a proposal stands after this was said to it; a problem where it was decided otherwise, or nobody decides."""
    if is_nobody(port, call) and type(message) in _WANTED:
        return problem("FORBIDDEN", call.ticket)
    found = (await port.ask(Address(KIND, approval_id), message)).reply
    assert isinstance(found, ApprovalDescribed)
    if found.status != _WANTED.get(type(message), found.status):
        return problem("CONFLICT", call.ticket)  # decided otherwise, or its time was over
    return found


def _shown(approval_id: str, found: ApprovalDescribed) -> dict[str, object]:
    """A proposal as the API shows it."""
    return {
        "approvalId": approval_id,
        "action": found.action,
        "status": found.status,
        "digest": found.digest,
        "subject": found.subject,
        "details": list(found.details),
        "maker": found.maker,
        "checker": found.checker,
        "expiresAt": rfc3339(found.expires_at),
    }
