"""Why did this purchase give no cashback? The answer, the claim, and what people of the house make of it.

The rule: a person asks about their own purchases only. What is known is answered at once, with the trace of its
match; what is kept and was nobody's becomes a claim, one per purchase, which somebody of the house grants or
refuses. Of what nobody has kept its provider is asked: the answer is waited for up to `WAIT_S`, and the claim goes on
meanwhile, and after. A grant is credited by the connection that told of the purchase, once.
Source: interface.md 7 (`POST /api/v1/claims`); spec.md E9, X23; adr/0035, 0038.
"""

import re
from functools import partial
from operator import itemgetter
from typing import Final, NamedTuple

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
    StateClaim,
    Verdict,
    purchase_claim,
    stated_claim,
    verdict_of,
)
from comptoir.actors.claim.reasons import REASONS
from comptoir.actors.connection.messages import TransactionReported
from comptoir.actors.gateways.messages import Stated
from comptoir.actors.merchants.messages import Purchase
from comptoir.engine import Address, Erased, Refused
from comptoir.http.answers import Response, json_response
from comptoir.http.approvals import who_calls
from comptoir.http.bodies import fault, read_body
from comptoir.http.following import until
from comptoir.http.operation import OWNER, Access, Call
from comptoir.http.port import Port
from comptoir.http.problems import FieldError, problem
from comptoir.http.queries import BadQuery, name_at, placed, plausible_id
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
WAITING, FOUND = "waiting", "found"
WAIT_S: Final = 3.0
"""A provider that is well has answered by then; whoever asks is shown by a spinner that somebody looks."""


class _Question(NamedTuple):
    """What is said to which claim."""

    claim_id: str
    message: OpenClaim | StateClaim


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
    if isinstance(found, Response):
        return found
    address = Address(KIND, found.claim_id)
    reply = (await port.ask(address, found.message)).reply
    assert isinstance(reply, ClaimDescribed)
    if reply.status == WAITING:
        look = partial(_look, port, found.claim_id)
        told = await until(port.moves, found.claim_id, look, _is_answered, WAIT_S)
        reply = told or reply
    claim_id, reply = await _followed(port, found.claim_id, reply)
    return json_response(201, _shown(claim_id, reply, call.access), call.ticket)


def _is_answered(reply: ClaimDescribed) -> bool:
    return reply.status != WAITING


async def _look(port: Port, claim_id: str) -> ClaimDescribed:
    reply = (await port.ask(Address(KIND, claim_id), DescribeClaim())).reply
    assert isinstance(reply, ClaimDescribed)
    return reply


async def _followed(port: Port, claim_id: str, reply: ClaimDescribed) -> tuple[str, ClaimDescribed]:
    """The claim of the purchase, where the provider had what was stated; until that is there, what led to it."""
    if not reply.claim:
        return claim_id, reply
    found = await _described(port, reply.claim)
    return (claim_id, reply) if found is None else (reply.claim, found)


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


async def _by_id(port: Port, call: Call, wanted: NewClaim) -> _Question | Response:
    """By the provider's id: what became of it, or the candidate that is kept."""
    name = wanted.transaction_id or ""
    known = await port.transaction(name) if plausible_id(name) else None
    if known is not None and call.access.covers(known[OWNER]):
        message = OpenClaim(known[OWNER], verdict_of(known["status"]), tuple(known["trace"]))
        return _Question(f"clm_{call.draw('claim')[:_ID_BYTES].hex()}", message)
    # Another's is looked for among the caller's own, and is there no more than one that never was.
    user_id = call.access.user_id or wanted.user_id
    if user_id is None:
        errors = [
            fault("/userId", "whose purchase it is, where nobody has an account", "FIELD_MISSING")
        ]
        return problem("REQUEST_INVALID", call.ticket, errors=errors)
    if not plausible_id(user_id):
        return problem("NOT_FOUND", call.ticket)
    kept = await _candidate(port, user_id, FindCandidate(transaction_id=name))
    return kept or problem("NOT_FOUND", call.ticket)


async def _as_stated(port: Port, call: Call, wanted: NewClaim) -> _Question | Response:
    """As its person reads it: the candidate of that day and amount, or else what its provider has."""
    name = wanted.connection_id or ""
    owner = await port.connection(name) if plausible_id(name) else None
    if owner is None or not call.access.covers(owner["user_id"]):
        return problem("NOT_FOUND", call.ticket)
    user_id, link = owner["user_id"], owner["key"]
    stated = Stated(wanted.date or "", wanted.amount_cents or 0, wanted.label or "")
    meant = FindCandidate(
        link=link, date=stated.date, amount_cents=stated.amount_cents, label=stated.label
    )
    kept = await _candidate(port, user_id, meant)
    if kept is not None:
        return kept
    trace = port.explain(Purchase(label=stated.label, on=stated.date))
    message = StateClaim(user_id, link, stated, trace)
    return _Question(stated_claim(user_id, link, stated), message)


async def _candidate(port: Port, user_id: str, meant: FindCandidate) -> _Question | None:
    """The claim of a candidate that is kept."""
    reply = (await port.ask(Address(CANDIDATES, user_id), meant)).reply
    if not isinstance(reply, CandidateFound):
        return None
    kept = reply.candidate
    claimed = Claimed(kept.report, kept.link)
    message = OpenClaim(user_id, Verdict.NOT_MATCHED, kept.trace, claimed)
    return _Question(purchase_claim(user_id, claimed), message)


async def shown(port: Port, call: Call) -> Response:
    """GET /api/v1/claims/{claimId}."""
    claim_id = call.path["claimId"]
    if not _ID(claim_id):
        return problem("NOT_FOUND", call.ticket)
    reply = await _look(port, claim_id)
    if not call.access.covers(reply.user_id):
        return problem("NOT_FOUND", call.ticket)
    claim_id, reply = await _followed(port, claim_id, reply)
    return json_response(200, _shown(claim_id, reply, call.access), call.ticket)


async def listed(port: Port, call: Call) -> Response:
    """GET /api/v1/claims: what waits for a decision."""
    rules = port.rules
    try:
        wanted = placed(call.query, rules.page_items_default, rules.page_items_max, _PLACE)
    except BadQuery as bad:
        return problem("REQUEST_INVALID", call.ticket, errors=bad.errors)
    read = await port.claims(wanted.after, wanted.to_read)
    places, following = wanted.cut(read, itemgetter(0))
    names = [name_at(place) for place, waits in places if waits]
    found = [(name, await _described(port, name)) for name in names]
    items = [_shown(name, one, call.access) for name, one in found if one and one.status == "open"]
    return json_response(200, {"items": items, "nextCursor": following}, call.ticket)


async def _described(port: Port, name: str) -> ClaimDescribed | None:
    """A claim now; None where its keys are gone, or its time is over."""
    try:
        return await _look(port, name)
    except (Erased, Refused):
        return None


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
    # The claim of the purchase is there in a moment.
    status = WAITING if found.status == FOUND else found.status
    return {
        "claimId": claim_id,
        "status": status,
        "verdict": found.verdict.value,
        "trace": list(found.trace),
        "userId": found.user_id,
        "purchase": None if found.report is None else _purchase(found.report),
        "partnerId": found.partner_id or None,
        "reason": found.reason or None,
        "because": _because(found),
        **decided_by,
        "openedAt": rfc3339(found.opened_at),
        "decidedAt": rfc3339(found.decided_at) if found.decided_at else None,
    }


def _because(found: ClaimDescribed) -> dict[str, object] | None:
    """What there is to say beyond the verdict, and what its person can do."""
    if found.because is None:
        return None
    told = REASONS[found.because]
    return {"code": found.because.value, "userAction": {"fr": told.fr, "en": told.en}}


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
