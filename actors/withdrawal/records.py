"""What a withdrawal writes down for others to find: that its order has left, and that it takes too long.

Rule: numbers, words and our own reference; no name, no account, nobody's id but the withdrawal's own.
Source: spec.md S46, S50, S56, S60, X25; docs/withdrawals.md.
"""

from typing import Final

from comptoir.actors.programme import DAY_MS
from comptoir.actors.withdrawal.messages import OVERDUE, PAYOUT_DAYS, PAYOUTS, Order, day_of
from comptoir.engine import Put

__all__ = ["day_record", "overdue_at", "overdue_record", "payout_records"]

LEAST_MS: Final = DAY_MS
"""Between its order and its being late, however long before it was asked for: SEPA takes a day."""


def overdue_at(overdue_ms: int, asked_at: int, now: int) -> int:
    """When an order that leaves now is late, in business time; 0: never.

    Args:
        overdue_ms: after it was asked for, as configured.
        asked_at: when that was.
        now: business time.
    """
    return max(asked_at + overdue_ms, now + LEAST_MS) if overdue_ms else 0


def overdue_record(at: int, name: str, *, waits: bool) -> Put:
    """That it takes too long, or does no longer; by the time since when."""
    return Put(OVERDUE, f"{at:015d}:{name}", {"waits": waits})


def payout_records(order: Order, name: str, left: tuple[int, str], status: str) -> tuple[Put, ...]:
    """How an order stands that has left; nothing of one that has not.

    Args:
        order: what was ordered.
        name: of the withdrawal.
        left: when it left (0: it has not), and what whoever pays calls it.
        status: of the withdrawal.
    """
    left_at, payment_id = left
    if not left_at:
        return ()
    day = day_of(left_at)
    fields = {
        "withdrawal_id": name, "amount_cents": order.net_cents, "currency": order.currency,
        "status": status, "payment_id": payment_id, "day": day,
    }  # fmt: skip
    return (Put(PAYOUTS, order.reference, fields),)


def day_record(order: Order, left_at: int) -> Put:
    """That an order has left on this day."""
    return Put(PAYOUT_DAYS, f"{day_of(left_at)}:{order.reference}", {})
