"""Why did this purchase give no cashback? The answer, the claim, and what people of the house make of it.

The rule: a person asks about their own purchases only. What is known is answered at once, with the trace of its
match; what is kept and was nobody's becomes a claim, one per purchase, which somebody of the house grants or
refuses. A grant is credited by the connection that told of the purchase, once.
Source: interface.md 7 (`POST /api/v1/claims`); spec.md E9, X23; adr/0035.
"""

import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import msgspec

from comptoir.actors.candidates.messages import KIND as CANDIDATES
from comptoir.actors.candidates.messages import CandidateFound, FindCandidate
from comptoir.actors.claim.messages import (
    KIND,
    ClaimDescribed,
    Claimed,
    DescribeClaim,
    GrantClaim,
    OpenClaim,
    RefuseClaim,
    Verdict,
)
from comptoir.actors.connection.messages import TransactionReported
from comptoir.actors.merchants.messages import Purchase
from comptoir.engine import Address, Erased, Refused
from comptoir.http.answers import Response, json_response
from comptoir.http.approvals import who_calls
from comptoir.http.bodies import fault, read_body
from comptoir.http.operation import OWNER, Access, Call
from comptoir.http.port import Port
from comptoir.http.problems import FieldError, problem
from comptoir.http.queries import CURSOR_FAULT, BadQuery, page, plausible_id
from comptoir.http.shapes_matching import ClaimRefusal, Grant, NewClaim
from comptoir.http.times import is_day, rfc3339

__all__ = ["ask", "grant", "listed", "refuse", "shown"]

_NEW: Final = msgspec.json.Decoder(NewClaim)
_GRANT: Final = msgspec.json.Decoder(Grant)
_REFUSAL: Final = msgspec.json.Decoder(ClaimRefusal)
_ID: Final = re.compile(r"clm_[0-9a-f]{20}").fullmatch
_PLACE: Final = re.compile(r"[0-9]{15}:clm_[0-9a-f]{20}").fullmatch
_STATED: Final = ("connection_id", "date", "amount_cents", "label")
_ID_BYTES: Final = 10
_OF_STATUS: Final = {"received": Verdict.PENDING}
"""Status of a transaction -> what its person is told, where that is another word."""


class _Answer(NamedTuple):
    """What there is to say about a purchase."""

    user_id: str
    verdict: Verdict
    trace: tuple[str, ...]
    claimed: Claimed | None = None


async def ask(port: Port, call: Call) -> Response:
    """POST /api/v1/claims."""
    wanted = read_body(call, _NEW)
    if isinstance(wanted, Response):
        return wanted
    faults = _faults(wanted)
    if faults:
        return problem("REQUEST_INVALID", call.ticket, errors=faults)
    if wanted.user_id is not None and not call.access.covers(wanted.user_id):
        return problem("NOT_FOUND", call.ticket)
    by_id = wanted.transaction_id is not None
    found = await (_by_id(port, call, wanted) if by_id else _as_stated(port, call, wanted))
    if found is None:
        return problem("NOT_FOUND", call.ticket)
    message = OpenClaim(found.user_id, found.verdict, found.trace, found.claimed)
    claim_id = _claim_id(port, call, found)
    reply = (await port.ask(Address(KIND, claim_id), message)).reply
    assert isinstance(reply, ClaimDescribed)
    return json_response(201, _shown(claim_id, reply, call.access), call.ticket)


def _faults(wanted: NewClaim) -> list[FieldError]:
    """What is wrong with the question."""
    stated = [name for name in _STATED if getattr(wanted, name) is not None]
    if wanted.transaction_id is not None:
        either = "a transactionId, or connectionId, date, amountCents and label"
        return [fault("", either)] if stated else []
    missing = [name for name in _STATED if name not in stated]
    if missing:
        first, *rest = missing[0].split("_")
        named = first + "".join(word.title() for word in rest)
        return [
            fault(f"/{named}", "this field is required without a transactionId", "FIELD_MISSING")
        ]
    return [] if is_day(wanted.date or "") else [fault("/date", "a day that exists, YYYY-MM-DD")]


async def _by_id(port: Port, call: Call, wanted: NewClaim) -> _Answer | None:
    """By the provider's id: what became of it, or the candidate that is kept."""
    name = wanted.transaction_id or ""
    known = await port.transaction(name) if plausible_id(name) else None
    if known is not None and call.access.covers(known[OWNER]):
        return _of_known(known)
    # Another's is looked for among the caller's own, and is there no more than one that never was.
    user_id = call.access.user_id or wanted.user_id or await port.candidate_owner(name)
    if user_id is None or not plausible_id(user_id):
        return None
    found = await _candidate(port, user_id, FindCandidate(transaction_id=name), ())
    return found if found.claimed is not None else None


def _of_known(known: Mapping[str, Any]) -> _Answer:
    status = known["status"]
    verdict = _OF_STATUS.get(status) or Verdict(status)
    return _Answer(known[OWNER], verdict, tuple(known["trace"]))


async def _as_stated(port: Port, call: Call, wanted: NewClaim) -> _Answer | None:
    """As its person reads it: the candidate of that day and amount, or how such a label is matched now."""
    name = wanted.connection_id or ""
    owner = await port.connection(name) if plausible_id(name) else None
    if owner is None or not call.access.covers(owner["user_id"]):
        return None
    day, label = wanted.date or "", wanted.label or ""
    meant = FindCandidate(
        link=owner["key"], date=day, amount_cents=wanted.amount_cents or 0, label=label
    )
    trace = port.explain(Purchase(label=label, on=day))
    return await _candidate(port, owner["user_id"], meant, trace)


async def _candidate(
    port: Port, user_id: str, meant: FindCandidate, otherwise: tuple[str, ...]
) -> _Answer:
    """The answer about what is kept; `otherwise` is the trace where nothing is."""
    reply = (await port.ask(Address(CANDIDATES, user_id), meant)).reply
    if not isinstance(reply, CandidateFound):
        return _Answer(user_id, Verdict.NOT_KEPT, otherwise)
    kept = reply.candidate
    return _Answer(user_id, Verdict.NOT_MATCHED, kept.trace, Claimed(kept.report, kept.link))


def _claim_id(port: Port, call: Call, found: _Answer) -> str:
    """One per purchase that can be granted; what is answered only has a new one each time."""
    if found.claimed is None:
        return f"clm_{call.draw('claim')[:_ID_BYTES].hex()}"
    report = found.claimed.report
    about = f"{found.user_id}:{report.provider}:{report.transaction_id}"
    index = port.blind("claim", about)
    return f"clm_{blake2b(index.encode(), digest_size=_ID_BYTES).hexdigest()}"


async def shown(port: Port, call: Call) -> Response:
    """GET /api/v1/claims/{claimId}."""
    claim_id = call.path["claimId"]
    if not _ID(claim_id):
        return problem("NOT_FOUND", call.ticket)
    reply = (await port.ask(Address(KIND, claim_id), DescribeClaim())).reply
    assert isinstance(reply, ClaimDescribed)
    if not call.access.covers(reply.user_id):
        return problem("NOT_FOUND", call.ticket)
    return json_response(200, _shown(claim_id, reply, call.access), call.ticket)


async def listed(port: Port, call: Call) -> Response:
    """GET /api/v1/claims: what waits for a decision."""
    rules, cursors = port.rules, call.query.get("cursor", ())
    try:
        limits = {"limit": call.query.get("limit", ())}
        wanted = page(limits, rules.page_items_default, rules.page_items_max)
    except BadQuery as bad:
        return problem("REQUEST_INVALID", call.ticket, errors=bad.errors)
    if len(cursors) > 1 or not all(map(_PLACE, cursors)):
        return problem("REQUEST_INVALID", call.ticket, errors=[CURSOR_FAULT])
    places = await port.claims(cursors[0] if cursors else "", wanted.limit + 1)
    following = places[wanted.limit - 1][0] if len(places) > wanted.limit else None
    names = [place.partition(":")[2] for place, waits in places[: wanted.limit] if waits]
    found = [(name, await _described(port, name)) for name in names]
    items = [_shown(name, one, call.access) for name, one in found if one and one.status == "open"]
    return json_response(200, {"items": items, "nextCursor": following}, call.ticket)


async def _described(port: Port, name: str) -> ClaimDescribed | None:
    """A claim now; None where its keys are gone, or its time is over."""
    try:
        reply = (await port.ask(Address(KIND, name), DescribeClaim())).reply
    except (Erased, Refused):
        return None
    assert isinstance(reply, ClaimDescribed)
    return reply


async def grant(port: Port, call: Call) -> Response:
    """POST /api/v1/claims/{claimId}/grant."""
    wanted = read_body(call, _GRANT)
    if isinstance(wanted, Response):
        return wanted
    order = GrantClaim(who_calls(call)[0], wanted.partner_id)
    return await _decide(port, call, order)


async def refuse(port: Port, call: Call) -> Response:
    """POST /api/v1/claims/{claimId}/refuse."""
    wanted = read_body(call, _REFUSAL)
    if isinstance(wanted, Response):
        return wanted
    reason = wanted.reason.strip()
    if not reason or not reason.isprintable():
        errors = [fault("/reason", "one line that says why")]
        return problem("REQUEST_INVALID", call.ticket, errors=errors)
    return await _decide(port, call, RefuseClaim(who_calls(call)[0], reason))


async def _decide(port: Port, call: Call, order: GrantClaim | RefuseClaim) -> Response:
    """Decide, or tell what was decided before; another decision than that is a CONFLICT."""
    claim_id = call.path["claimId"]
    if not _ID(claim_id):
        return problem("NOT_FOUND", call.ticket)
    reply = (await port.ask(Address(KIND, claim_id), order)).reply
    assert isinstance(reply, ClaimDescribed)
    if isinstance(order, GrantClaim):
        wanted = (reply.status, reply.partner_id) == ("granted", order.partner_id)
    else:
        wanted = reply.status == "refused"
    if not wanted:
        return problem("CONFLICT", call.ticket)
    return json_response(200, _shown(claim_id, reply, call.access), call.ticket)


def _shown(claim_id: str, found: ClaimDescribed, access: Access) -> dict[str, object]:
    """A claim; who decided it is told to the house, not to its person (docs/fields.md)."""
    decided_by = {"decidedBy": found.maker or None} if access.user_id is None else {}
    return {
        "claimId": claim_id,
        "status": found.status,
        "verdict": found.verdict.value,
        "trace": list(found.trace),
        "userId": found.user_id,
        "purchase": None if found.report is None else _purchase(found.report),
        "partnerId": found.partner_id or None,
        "reason": found.reason or None,
        **decided_by,
        "openedAt": rfc3339(found.opened_at),
        "decidedAt": rfc3339(found.decided_at) if found.decided_at else None,
    }


def _purchase(report: TransactionReported) -> dict[str, object]:
    return {
        "transactionId": report.transaction_id,
        "provider": report.provider,
        "amountCents": report.amount_cents,
        "currency": report.currency,
        "date": report.date,
        "merchantName": report.merchant_name,
        "mcc": report.mcc or None,
        "city": report.city or None,
    }
