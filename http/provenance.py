"""Where the money of a withdrawal comes from: every cent, first in, first out, by the lots of its points.

The rule: parts are read from the ledger, and cents follow from points alone. Before the part there are p points
of P, in it n: its gross is n points' worth, its fee `floor(fee (p + n) / P) - floor(fee p / P)`. So fees of parts
add up to the fee whatever it is, each is within a cent of its share, and a page needs no page before it.
Source: spec.md E7, X21, X32; interface.md 7; docs/statements.md.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from comptoir.actors.wallet.statement import Purchase
from comptoir.actors.withdrawal.messages import Order, WithdrawalDescribed
from comptoir.engine.books import Fate, Part
from comptoir.http.answers import Response, json_response
from comptoir.http.operation import Call
from comptoir.http.port import Port
from comptoir.http.problems import problem
from comptoir.http.queries import BadQuery, cursor, page
from comptoir.http.times import rfc3339
from comptoir.http.withdrawals import described

__all__ = ["USES_EACH", "cents_of", "provenance"]

USES_EACH: Final = 20
"""Withdrawals that are told one by one of a lot: one takes weeks, so this is more than a year of them."""
_KINDS: Final = {
    "hold": "withdrawn", "clawback": "clawback", "netted": "netted", "expiry": "expiry",
    "adjustment": "adjustment",
}  # fmt: skip
GRANTED: Final = "granted"


def cents_of(order: Order, before: int, points: int) -> tuple[int, int, int, int]:
    """Gross, fee and net of points of an order, and the number of their first cent among those paid.

    Args:
        order: whose.
        before: its points that come first.
        points: in question, > 0.
    """
    gross = points * order.rate_cents
    fee_before = order.fee_cents * before // order.points
    fee = order.fee_cents * (before + points) // order.points - fee_before
    return gross, fee, gross - fee, before * order.rate_cents - fee_before + 1


async def provenance(port: Port, call: Call) -> Response:
    """GET /api/v1/withdrawals/{withdrawalId}/provenance."""
    rules, name = port.rules, call.path["withdrawalId"]
    try:
        wanted = page(call.query, rules.page_items_default, rules.page_items_max)
    except BadQuery as bad:
        return problem("REQUEST_INVALID", call.ticket, errors=bad.errors)
    found = await described(port, name)
    if found is None or not call.access.covers(found.order.user_id):
        return problem("NOT_FOUND", call.ticket)
    owner = found.order.user_id
    # One more than wanted tells whether there is a next page.
    origin = await port.origin(owner, name, wanted.before or 0, wanted.limit + 1, USES_EACH)
    here = origin.parts[: wanted.limit]
    purchases = await port.purchases(owner, [part.source for part in here if part.lot is not None])
    items = [_part(part, found.order, origin.fates, purchases) for part in here]
    body = {**_head(name, found, origin.points), "items": items}
    last = here[-1] if len(origin.parts) > wanted.limit else None
    if here and last is None:
        assert here[-1].before + here[-1].points == found.order.points, "every point is of some lot"
    body["nextCursor"] = None if last is None else cursor(last.before + last.points)
    return json_response(200, body, call.ticket)


def _head(name: str, found: WithdrawalDescribed, traced: int) -> dict[str, Any]:
    order = found.order
    return {
        "withdrawalId": name,
        "status": found.status,
        "points": order.points,
        "tracedPoints": traced,
        "grossCents": order.gross_cents,
        "feeCents": order.fee_cents,
        "netCents": order.net_cents,
        "currency": order.currency,
    }


def _part(
    part: Part, order: Order, fates: Sequence[Fate], purchases: Mapping[str, Purchase]
) -> dict[str, Any]:
    gross, fee, net, first = cents_of(order, part.before, part.points)
    return {
        "points": part.points,
        "grossCents": gross,
        "feeCents": fee,
        "netCents": net,
        "firstCent": first,
        "lot": None if part.lot is None else _lot(part, fates, purchases.get(part.source)),
    }


def _lot(part: Part, fates: Sequence[Fate], purchase: Purchase | None) -> dict[str, Any]:
    mine = [fate for fate in fates if fate.lot == part.lot]
    granted = any(fate.kind == GRANTED for fate in mine)
    uses: list[dict[str, Any]] = [
        {
            "kind": _KINDS.get(fate.kind, "other"),
            "points": fate.points,
            "withdrawalId": fate.withdrawal,
        }
        for fate in mine
        if fate.kind != GRANTED
    ]
    assert part.remaining + sum(use["points"] for use in uses) == part.lot_points, "a lot is whole"
    return {
        "lotId": part.lot,
        "origin": "adjustment" if granted else "purchase",
        "reference": part.source,
        "earnedAt": rfc3339(part.earned_at),
        "expiresAt": None if part.expires_at is None else rfc3339(part.expires_at),
        "points": part.lot_points,
        "rateBp": part.rate_bp,
        "multiplierBp": part.multiplier_bp,
        "remaining": part.remaining,
        "uses": uses,
        "purchase": None if purchase is None else _purchase(purchase),
    }


def _purchase(purchase: Purchase) -> dict[str, Any]:
    return {
        "transactionId": purchase.transaction_id,
        "date": purchase.date,
        "partnerId": purchase.partner_id,
        "partner": purchase.partner_name,
        "amountCents": purchase.amount_cents,
        "currency": purchase.currency,
    }
