"""What a purchase stands at, read from its document: what it is entitled to, what came back of it, its status.

Rules:
- a purchase is entitled to the points of what was paid and did not come back, at the rates that it was
  credited with, rounded down once (X32); taken back, to none. What it earned is brought to that, so what
  remains does not depend on the order in which things were told;
- what came back is added up per link, and is the most that any link tells: two links of one account tell of
  the same refunds.

Source: spec.md X24, X32, E7, E8; docs/adr/0033.
"""

from collections.abc import Mapping
from typing import Any

from comptoir.actors.programme import Programme
from comptoir.actors.wallet.points import points_for

__all__ = ["entitled", "is_held", "net_points", "refunded", "status_of", "told_of", "with_refund"]

Purchase = Mapping[str, Any]


def told_of(purchase: Purchase) -> bool:
    """Whether it was credited here, or is known to have been taken back."""
    return "eligible_cents" in purchase or "taken_back" in purchase


def refunded(purchase: Purchase) -> int:
    """Cents that came back of it, and at most what it costs."""
    by_link: Mapping[str, int] = purchase.get("refunded_by", {})
    most = max(by_link.values(), default=int(purchase.get("refunded_cents", 0)))
    return min(int(purchase["amount_cents"]), most)


def with_refund(purchase: Purchase, link: str, cents: int) -> dict[str, int]:
    """`refunded_by` after one more refund told by a link."""
    by_link = dict(purchase.get("refunded_by", {}))
    # A document of before links were told apart has one sum.
    before = by_link.get(link, 0 if by_link else int(purchase.get("refunded_cents", 0)))
    return {**by_link, link: before + cents}


def entitled(purchase: Purchase, value_cents: int) -> int:
    """Points that it is worth now."""
    if purchase.get("taken_back"):
        return 0
    paid = int(purchase["amount_cents"]) - refunded(purchase)
    return points_for(
        min(int(purchase["eligible_cents"]), paid),
        int(purchase["rate_bp"]),
        int(purchase["multiplier_bp"]),
        value_cents,
    )


def net_points(purchase: Purchase) -> int:
    """Points that it has earned, less those that were taken back."""
    return int(purchase["points"]) - int(purchase.get("clawed_points", 0))


def is_held(purchase: Purchase, programme: Programme, now: int) -> bool:
    """Whether its points are pending (X24); of one that has none now, whether new ones would be."""
    if net_points(purchase) == 0:
        return int(purchase.get("credited_at") or 0) + programme.hold_ms > now
    return bool(purchase["status"] == "pending")


def status_of(purchase: Purchase, *, held: bool) -> str:
    """The status that people see."""
    back = refunded(purchase)
    if purchase.get("taken_back") or (back and back == int(purchase["amount_cents"])):
        return "refunded"
    return "pending" if held else "credited"
