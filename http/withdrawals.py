"""Points become money: asked for, looked at, and taken back while they can be (S46, S50).

The rule: an order is whole before the wallet hears of it (account, rate, fee, net, reference), and the wallet
alone decides whether there are points for it. Whose a withdrawal is stands in its actor; another's is as one
that never was. An account number goes in, and never comes out but masked (S56).
Source: interface.md 7 (rows b2); spec.md S46, S50, S56, S66, X21, X25, X26.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from comptoir.actors.approval.messages import Action
from comptoir.actors.numbering.messages import KIND as NUMBERING
from comptoir.actors.numbering.messages import DrawNumber, NumberDrawn
from comptoir.actors.wallet.messages import KIND as WALLET
from comptoir.actors.wallet.messages import HoldPoints, PointsHeld
from comptoir.actors.withdrawal.iban import Iban, IbanInvalid, read_iban
from comptoir.actors.withdrawal.messages import (
    KIND,
    BeginWithdrawal,
    CancelWithdrawal,
    DescribeWithdrawal,
    Order,
    SettleWithdrawal,
    WithdrawalDescribed,
)
from comptoir.engine import Address, Erased, Refused
from comptoir.http.answers import Response, json_response
from comptoir.http.approvals import Asked, propose, proposed_before, who_calls
from comptoir.http.bodies import fault, read_body
from comptoir.http.operation import OWNER, Call
from comptoir.http.port import Port
from comptoir.http.problems import problem
from comptoir.http.queries import CURSOR_FAULT, BadQuery, page, plausible_id
from comptoir.http.shapes_payouts import NewWithdrawal, Settlement
from comptoir.http.times import rfc3339

__all__ = ["ask", "cancel", "listed", "settle", "shown"]

_NEW: Final = msgspec.json.Decoder(NewWithdrawal)
_SETTLEMENT: Final = msgspec.json.Decoder(Settlement)
_ID: Final = re.compile(r"wd_[0-9a-f]{20}").fullmatch
_PLACE: Final = re.compile(r"[0-9]{15}:wd_[0-9a-f]{20}").fullmatch
_ID_BYTES: Final = 10
BASIS_POINTS: Final = 10_000


async def ask(port: Port, call: Call) -> Response:
    """POST /api/v1/withdrawals."""
    wanted = read_body(call, _NEW)
    if isinstance(wanted, Response):
        return wanted
    user_id, name = call.access.user_id or wanted.user_id, wanted.beneficiary_name.strip()
    errors = [
        *([fault("/userId", "whose points they are", "FIELD_MISSING")] * (user_id is None)),
        *(
            [fault("/beneficiaryName", "a name, on one line")]
            * (not name or not name.isprintable())
        ),
    ]
    if errors or user_id is None:
        return problem("REQUEST_INVALID", call.ticket, errors=errors)
    if not call.access.covers(wanted.user_id or user_id) or not plausible_id(user_id):
        return problem("NOT_FOUND", call.ticket)
    try:
        iban = read_iban(wanted.iban)
    except IbanInvalid as wrong:
        return problem("BANK_IBAN_INVALID", call.ticket, errors=[fault("/iban", str(wrong))])
    if not iban.sepa:
        text = f"no SEPA transfer reaches an account of {iban.country}"
        return problem("BANK_IBAN_INVALID", call.ticket, errors=[fault("/iban", text)])
    if not _has_points(await port.wallet(user_id)):
        return problem("BANK_WITHDRAWAL_MINIMUM", call.ticket)
    withdrawal_id = f"wd_{call.draw('withdrawal')[:_ID_BYTES].hex()}"
    order = await _order(port, (user_id, withdrawal_id), wanted.points, (iban, name))
    if order.net_cents <= 0:
        return problem("BANK_WITHDRAWAL_MINIMUM", call.ticket)
    held = (await port.ask(Address(WALLET, user_id), HoldPoints(withdrawal_id, order))).reply
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


async def _order(port: Port, whose: tuple[str, str], points: int, to: tuple[Iban, str]) -> Order:
    """What is to be paid, rounded once: the fee down, in favour of whoever is paid (X21, X32)."""
    rules, (user_id, withdrawal_id), (iban, name) = port.rules.payouts, whose, to
    day = datetime.fromtimestamp(port.now_ms() / 1000, UTC).date().isoformat()
    series = f"{rules.reference_prefix}-{day}"
    drawn = (await port.ask(Address(NUMBERING, series), DrawNumber(withdrawal_id))).reply
    assert isinstance(drawn, NumberDrawn)
    gross = points * rules.value_cents
    fee = gross * rules.fee_bp // BASIS_POINTS
    return Order(
        user_id, points, rules.value_cents, gross, fee, gross - fee, rules.currency, iban.number, name,
        f"{series}-{drawn.number:03d}", rules.settlement_ms,
    )  # fmt: skip


async def listed(port: Port, call: Call) -> Response:
    """GET /api/v1/withdrawals, the newest first."""
    rules, asked, cursors = port.rules, call.query.get(OWNER, ()), call.query.get("cursor", ())
    try:
        limits = {"limit": call.query.get("limit", ())}
        wanted = page(limits, rules.page_items_default, rules.page_items_max)
    except BadQuery as bad:
        return problem("REQUEST_INVALID", call.ticket, errors=bad.errors)
    if len(cursors) > 1 or not all(map(_PLACE, cursors)):
        return problem("REQUEST_INVALID", call.ticket, errors=[CURSOR_FAULT])
    user_id = asked[0] if len(asked) == 1 else call.access.user_id
    if len(asked) > 1 or user_id is None:
        errors = [fault(f"/query/{OWNER}", "whose withdrawals, once", "FIELD_MISSING")]
        return problem("REQUEST_INVALID", call.ticket, errors=errors)
    if not call.access.covers(user_id) or not plausible_id(user_id):
        return problem("NOT_FOUND", call.ticket)
    places = await port.withdrawals(user_id, cursors[0] if cursors else "", wanted.limit + 1)
    if not places and not cursors and call.access.user_id is None:
        return problem("NOT_FOUND", call.ticket)  # nobody's own: as a wallet that nobody has
    following = places[wanted.limit - 1] if len(places) > wanted.limit else None
    names = [place.partition(":")[2] for place in places[: wanted.limit]]
    found = [(name, await _described(port, name)) for name in names]
    items = [_shown(name, one) for name, one in found if one is not None]
    return json_response(200, {"items": items, "nextCursor": following}, call.ticket)


async def shown(port: Port, call: Call) -> Response:
    """GET /api/v1/withdrawals/{withdrawalId}."""
    name = call.path["withdrawalId"]
    found = await _described(port, name) if _ID(name) else None
    if found is None or not call.access.covers(found.order.user_id):
        return problem("NOT_FOUND", call.ticket)
    return json_response(200, _shown(name, found), call.ticket)


async def cancel(port: Port, call: Call) -> Response:
    """POST /api/v1/withdrawals/{withdrawalId}/cancel: until it is paid."""
    name = call.path["withdrawalId"]
    found = await _described(port, name) if _ID(name) else None
    if found is None or not call.access.covers(found.order.user_id):
        return problem("NOT_FOUND", call.ticket)
    ended = (await port.ask(Address(KIND, name), CancelWithdrawal())).reply
    assert isinstance(ended, WithdrawalDescribed)
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
    found = await _described(port, name) if _ID(name) else None
    if found is None:
        return problem("NOT_FOUND", call.ticket)
    if found.status != "held":
        return problem("CONFLICT", call.ticket)
    order = SettleWithdrawal(wanted.outcome, who_calls(call)[0], reason)
    told = (f"outcome {wanted.outcome}", found.order.reference, reason)
    asked = Asked(Action.PAYMENT, Address(KIND, name), order, name, told)
    return await propose(port, call, asked, {})


async def _described(port: Port, name: str) -> WithdrawalDescribed | None:
    """A withdrawal now; None where there is none, or its keys are gone."""
    try:
        reply = (await port.ask(Address(KIND, name), DescribeWithdrawal())).reply
    except (Erased, Refused):
        return None
    assert isinstance(reply, WithdrawalDescribed)
    return reply


def _shown(name: str, found: WithdrawalDescribed) -> dict[str, object]:
    order = found.order
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
        "createdAt": rfc3339(found.asked_at),
        "history": [
            {"status": one.status, "at": rfc3339(one.at), "code": one.code or None}
            for one in found.history
        ],
    }
