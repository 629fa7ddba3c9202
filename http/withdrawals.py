"""Points become money: asked for, looked at, and taken back while they can be (S46, S50).

The rule: an order is whole before the wallet hears of it (account, rate, fee, net, reference, what was said of whose
account it is: withdrawal_terms.py), and the wallet alone decides whether there are points for it. Whose a withdrawal is stands in its actor; another's is as one
that never was. An account number goes in, and never comes out but masked (S56).
Source: interface.md 7 (rows b2); spec.md S46, S50, S56, S66, E18, X21, X25, X26.
"""

import re
from collections.abc import Mapping
from operator import itemgetter
from typing import Any, Final

import msgspec

from comptoir.actors.approval.messages import Action
from comptoir.actors.numbering.messages import KIND as NUMBERING
from comptoir.actors.numbering.messages import DrawNumber, NumberDrawn
from comptoir.actors.payout_batch.messages import KIND as BATCH
from comptoir.actors.payout_batch.messages import BatchDescribed, LeaveBatch
from comptoir.actors.wallet.messages import KIND as WALLET
from comptoir.actors.wallet.messages import HoldPoints, PointsHeld
from comptoir.actors.withdrawal.iban import Iban
from comptoir.actors.withdrawal.messages import (
    KIND,
    UNAVAILABLE,
    BeginWithdrawal,
    CancelWithdrawal,
    DescribeWithdrawal,
    Order,
    SettleWithdrawal,
    WithdrawalDescribed,
    day_of,
)
from comptoir.engine import Address, Erased, Refused
from comptoir.http.answers import Response, json_response
from comptoir.http.approvals import Asked, propose, proposed_before, who_calls
from comptoir.http.bodies import fault, read_body
from comptoir.http.following import until
from comptoir.http.idempotency import HEADER
from comptoir.http.operation import OWNER, Call
from comptoir.http.port import Port
from comptoir.http.problems import problem
from comptoir.http.queries import BadQuery, name_at, placed, plausible_id
from comptoir.http.shapes_payouts import NewQuote, NewWithdrawal, Settlement
from comptoir.http.times import rfc3339
from comptoir.http.withdrawal_terms import (
    Terms,
    Wanted,
    confirmed,
    read_wanted,
    seal,
    terms_now,
    terms_of,
)

__all__ = ["ask", "cancel", "described", "listed", "overdue", "quote", "settle", "shown"]

_NEW: Final = msgspec.json.Decoder(NewWithdrawal)
_QUOTE: Final = msgspec.json.Decoder(NewQuote)
KEY: Final = HEADER.lower().encode()
_SETTLEMENT: Final = msgspec.json.Decoder(Settlement)
_ID: Final = re.compile(r"wd_[0-9a-f]{20}").fullmatch
_PLACE: Final = re.compile(r"[0-9]{15}:wd_[0-9a-f]{20}").fullmatch
_ID_BYTES: Final = 10
LEAVE_SECONDS: Final = 5.0
"""From a batch's word to its withdrawal's own: some milliseconds, but for a full mailbox."""


async def quote(port: Port, call: Call) -> Response:
    """POST /api/v1/withdrawals/quote: what it would come to; nothing is blocked."""
    body = read_body(call, _QUOTE)
    if isinstance(body, Response):
        return body
    wanted = read_wanted(port, call, body)
    if isinstance(wanted, Response):
        return wanted
    wallet = await port.wallet(wanted.user_id)
    if not _has_points(wallet) or wanted.points < port.rules.payouts.minimum_points:
        return problem("BANK_WITHDRAWAL_MINIMUM", call.ticket)
    if wallet is None or wanted.points > wallet["balance"]["available"]:
        return problem("POINTS_INSUFFICIENT", call.ticket)
    terms = await terms_now(port, call, wanted)
    if isinstance(terms, Response):
        return terms
    told = {
        "quoteId": seal(port, terms),
        "grossCents": terms.gross_cents,
        "feeCents": terms.fee_cents,
        "netCents": terms.net_cents,
        "currency": terms.currency,
        "payeeCheck": terms.answer,
        "payeeName": terms.bank_name or None,
        "expiresAt": rfc3339(terms.expires_at),
    }
    return json_response(200, told, call.ticket)


async def ask(port: Port, call: Call) -> Response:
    """POST /api/v1/withdrawals."""
    body = read_body(call, _NEW)
    if isinstance(body, Response):
        return body
    wanted = read_wanted(port, call, body)
    if isinstance(wanted, Response):
        return wanted
    withdrawal_id = f"wd_{call.draw('withdrawal')[:_ID_BYTES].hex()}"
    if call.values(KEY):  # this very request may have been answered by nobody the first time
        before = await described(port, withdrawal_id)
        if before is not None:
            return json_response(201, _shown(withdrawal_id, before), call.ticket)
    if not _has_points(await port.wallet(wanted.user_id)):
        return problem("BANK_WITHDRAWAL_MINIMUM", call.ticket)
    terms = await _terms(port, call, wanted, body)
    if isinstance(terms, Response):
        return terms
    order = await _order(port, terms, body, withdrawal_id)
    held = (await port.ask(Address(WALLET, order.user_id), HoldPoints(withdrawal_id, order))).reply
    assert isinstance(held, PointsHeld)
    # Where this very request was answered by nobody the first time, it has begun, and tells its own order.
    begin = BeginWithdrawal(order, held.asked_at)
    begun = (await port.ask(Address(KIND, withdrawal_id), begin)).reply
    assert isinstance(begun, WithdrawalDescribed)
    return json_response(201, _shown(withdrawal_id, begun), call.ticket)


def _has_points(wallet: Mapping[str, Any] | None) -> bool:
    """Whether there is anything that could be withdrawn, now or once it is free."""
    return wallet is not None and any(
        wallet["balance"][book] for book in ("available", "pending", "blocked")
    )


async def _terms(port: Port, call: Call, wanted: Wanted, body: NewWithdrawal) -> Terms | Response:
    """On what terms it is paid, if its person has confirmed whose account it is wherever they must."""
    if body.quote_id is None:
        terms = await terms_now(port, call, wanted)
    else:
        terms = terms_of(port, call, wanted, body.quote_id)
    if isinstance(terms, Response):
        return terms
    told = confirmed(call, terms, port.rules.payouts, accepted=body.accept_payee_check)
    return terms if told is None else told


async def _order(port: Port, terms: Terms, body: NewWithdrawal, withdrawal_id: str) -> Order:
    """What is to be paid, with a reference of its own."""
    rules = port.rules.payouts
    series = f"{rules.reference_prefix}-{day_of(port.now_ms())}"
    drawn = (await port.ask(Address(NUMBERING, series), DrawNumber(withdrawal_id))).reply
    assert isinstance(drawn, NumberDrawn)
    return Order(
        terms.user_id, terms.points, terms.rate_cents, terms.gross_cents, terms.fee_cents, terms.net_cents,
        terms.currency, terms.iban, terms.name, f"{series}-{drawn.number:03d}", rules.settlement_ms,
        terms.shown(accepted=body.accept_payee_check, quoted=body.quote_id is not None),
    )  # fmt: skip


async def overdue(port: Port, call: Call) -> Response:
    """GET /api/v1/payouts/overdue, the longest first."""
    rules = port.rules
    try:
        wanted = placed(call.query, rules.page_items_default, rules.page_items_max, _PLACE)
    except BadQuery as bad:
        return problem("REQUEST_INVALID", call.ticket, errors=bad.errors)
    read = await port.overdue(wanted.after, wanted.to_read)
    places, following = wanted.cut(read, itemgetter(0))
    names = [name_at(place) for place, waits in places if waits]
    found = [(name, await described(port, name)) for name in names]
    items = [_shown(name, one) for name, one in found if one is not None]
    return json_response(200, {"items": items, "nextCursor": following}, call.ticket)


async def listed(port: Port, call: Call) -> Response:
    """GET /api/v1/withdrawals, the newest first."""
    rules, asked = port.rules, call.query.get(OWNER, ())
    try:
        wanted = placed(call.query, rules.page_items_default, rules.page_items_max, _PLACE)
    except BadQuery as bad:
        return problem("REQUEST_INVALID", call.ticket, errors=bad.errors)
    user_id = asked[0] if len(asked) == 1 else call.access.user_id
    if len(asked) > 1 or user_id is None:
        errors = [fault(f"/query/{OWNER}", "whose withdrawals, once", "FIELD_MISSING")]
        return problem("REQUEST_INVALID", call.ticket, errors=errors)
    if not call.access.covers(user_id) or not plausible_id(user_id):
        return problem("NOT_FOUND", call.ticket)
    read = await port.withdrawals(user_id, wanted.after, wanted.to_read)
    if not read and not wanted.after and call.access.user_id is None:
        return problem("NOT_FOUND", call.ticket)  # nobody's own: as a wallet that nobody has
    places, following = wanted.cut(read, str)
    names = map(name_at, places)
    found = [(name, await described(port, name)) for name in names]
    items = [_shown(name, one) for name, one in found if one is not None]
    return json_response(200, {"items": items, "nextCursor": following}, call.ticket)


async def shown(port: Port, call: Call) -> Response:
    """GET /api/v1/withdrawals/{withdrawalId}."""
    name = call.path["withdrawalId"]
    found = await described(port, name)
    if found is None or not call.access.covers(found.order.user_id):
        return problem("NOT_FOUND", call.ticket)
    return json_response(200, _shown(name, found), call.ticket)


async def cancel(port: Port, call: Call) -> Response:
    """POST /api/v1/withdrawals/{withdrawalId}/cancel: until it is paid."""
    name = call.path["withdrawalId"]
    found = await described(port, name)
    if found is None or not call.access.covers(found.order.user_id):
        return problem("NOT_FOUND", call.ticket)
    if found.batch:
        return await _take_out(port, call, found)
    ended = (await port.ask(Address(KIND, name), CancelWithdrawal())).reply
    assert isinstance(ended, WithdrawalDescribed)
    return json_response(200, _shown(name, ended), call.ticket)


async def _take_out(port: Port, call: Call, found: WithdrawalDescribed) -> Response:
    """Out of the batch in which it waits, which alone knows whether it is still open."""
    name, reference = call.path["withdrawalId"], found.order.reference
    left = (await port.ask(Address(BATCH, found.batch), LeaveBatch(name, reference))).reply
    assert isinstance(left, BatchDescribed)
    if left.status != "open":
        return problem("CONFLICT", call.ticket)

    async def asked() -> WithdrawalDescribed | None:
        return await described(port, name)

    def is_out(now: WithdrawalDescribed | None) -> bool:
        return now is None or not now.batch

    ended = await until(port.moves, reference, asked, is_out, LEAVE_SECONDS)
    if ended is None or ended.status != "cancelled":
        return problem("CONFLICT", call.ticket)
    return json_response(200, _shown(name, ended), call.ticket)


async def settle(port: Port, call: Call) -> Response:
    """POST /api/v1/withdrawals/{withdrawalId}/settle: what became of a payment that is held, by two people."""
    wanted = read_body(call, _SETTLEMENT)
    if isinstance(wanted, Response):
        return wanted
    reason = wanted.reason.strip()
    if not reason or not reason.isprintable():
        errors = [fault("/reason", "one line that says how it was found out")]
        return problem("REQUEST_INVALID", call.ticket, errors=errors)
    name = call.path["withdrawalId"]
    before = await proposed_before(port, call, {})
    if before is not None:
        return before
    found = await described(port, name)
    if found is None:
        return problem("NOT_FOUND", call.ticket)
    if found.status != "held":
        return problem("CONFLICT", call.ticket)
    order = SettleWithdrawal(wanted.outcome, who_calls(call)[0], reason)
    told = (f"outcome {wanted.outcome}", found.order.reference, reason)
    asked = Asked(Action.PAYMENT, Address(KIND, name), order, name, told)
    return await propose(port, call, asked, {})


async def described(port: Port, name: str) -> WithdrawalDescribed | None:
    """A withdrawal now; None where there is none, or its keys are gone."""
    if not _ID(name):
        return None
    try:
        reply = (await port.ask(Address(KIND, name), DescribeWithdrawal())).reply
    except (Erased, Refused):
        return None
    assert isinstance(reply, WithdrawalDescribed)
    return reply


def _shown(name: str, found: WithdrawalDescribed) -> dict[str, object]:
    order, payee = found.order, found.order.payee
    return {
        "withdrawalId": name,
        "status": found.status,
        "points": order.points,
        "rateCentsPerPoint": order.rate_cents,
        "grossCents": order.gross_cents,
        "feeCents": order.fee_cents,
        "netCents": order.net_cents,
        "currency": order.currency,
        "ibanMasked": Iban(order.iban).masked,
        "reference": order.reference,
        "payeeCheck": UNAVAILABLE if payee is None else payee.answer,
        "payeeCheckAccepted": payee is not None and payee.accepted,
        "overdueSince": rfc3339(found.overdue_at) if found.overdue_at else None,
        "createdAt": rfc3339(found.asked_at),
        "history": [
            {"status": one.status, "at": rfc3339(one.at), "code": one.code or None}
            for one in found.history
        ],
    }
