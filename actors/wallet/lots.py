"""How long points are good for, and what becomes of a lot when its end has come.

Rules:
- a lot is good for `points.lot_days` from the day on which its hold ends, to the end of that day (UTC): so
  what is pending never expires, and all points of one day end together;
- from its end on a lot is worth nothing, whether or not the timer has fired yet;
- what expires pays what the wallet owes first (E7), and goes to the programme's book `expired:` else;
- what expired of a purchase is remembered under the purchase, so that a refund does not take it again.

Each wallet has one timer, for the next thing that has to be done of any of its lots: a lot costs a comparison.

Source: spec.md S47, S74, E7; docs/points.md; docs/adr/0040.
"""

from collections.abc import Iterable
from typing import Final

from comptoir.actors.programme import DAY_MS, Programme, programme_of
from comptoir.actors.wallet.messages import EXPIRED_POINTS, ExpirePoints
from comptoir.actors.wallet.state import EXPIRED, Books, WalletState
from comptoir.engine import Outgoing, Put
from comptoir.engine.journal import Lot
from comptoir.engine.machine import Context

__all__ = ["EXPIRY", "draw_lot", "end_of_lot", "expire_lot", "is_good", "is_released", "next_watch", "settle_shortfall", "watch", "watch_all"]  # fmt: skip

EXPIRY: Final = "expiry"
"""The timer's name."""


def draw_lot(context: Context, ordinal: int = 0) -> str:
    """The id of a new lot.

    Among lots of one millisecond the order of ids decides: which is spent first (S47), and which is the newest that an
    unnamed refund takes back (X24). So ids of one wallet sort by the version at which they were opened.

    Returns:
        `lt_`, the version in 8 hexadecimal digits (enough for four billion changes of one wallet), and a digest.
    """
    return context.draw_id(f"lt_{context.version:08x}", ordinal)


def end_of_lot(programme: Programme, usable_from: int) -> int | None:
    """The instant from which points are worth nothing that can be spent from another on; None: never.

    Args:
        programme: how long points are good for.
        usable_from: business time in ms, when their hold ends.
    """
    if not programme.lot_ms:
        return None
    return -(-(usable_from + programme.lot_ms) // DAY_MS) * DAY_MS


def is_released(lot: Lot, earned_until: int) -> bool:
    """Whether its points can be spent, by their date: only purchases are held (X24), and have an amount."""
    return lot.earned_at <= earned_until or not lot.basis_cents


def is_good(lot: Lot, now: int) -> bool:
    """Whether its end has not come."""
    return lot.expires_at is None or lot.expires_at > now


def next_watch(end: int, now: int, programme: Programme) -> int:
    """When something is to be done next about points that end then: a warning, or their end."""
    return min((end - lead for lead in programme.warning_ms if end - lead > now), default=end)


def watch(
    state: WalletState, end: int | None, context: Context
) -> tuple[int, tuple[Outgoing, ...]]:
    """When the wallet looks at its lots next, now that it has one with this end; and the timer, if that is
    earlier than before.
    """
    if end is None:
        return state.expiry_at, ()
    programme = programme_of(context)
    lead = programme.warning_ms[0] if programme.warning_ms else 0
    if state.expiry_at and end - lead >= state.expiry_at:
        return state.expiry_at, ()
    return watch_all(state, (end,), context)


def watch_all(
    state: WalletState, ends: Iterable[int], context: Context
) -> tuple[int, tuple[Outgoing, ...]]:
    """Likewise for many."""
    now, programme = context.now, programme_of(context)
    due = min((next_watch(end, now, programme) for end in ends), default=0)
    if not due or (state.expiry_at and due >= state.expiry_at):
        return state.expiry_at, ()
    return due, (Outgoing(context.address, ExpirePoints(), due, EXPIRY),)


def settle_shortfall(
    books: Books, points: int, lot_id: str, transaction_id: str | None = None
) -> int:
    """Net what the wallet owes from points of a lot that are available; how many are left of them (E7)."""
    netted = min(points, books.shortfall)
    if netted:
        books.move(
            "available", "shortfall", netted, "clawback", lot=lot_id, transaction=transaction_id
        )
    return points - netted


def expire_lot(books: Books, lot: Lot, points: int, now: int) -> tuple[int, tuple[Put, ...]]:
    """Available points of a lot whose end has come; how many expired, and what is remembered of it."""
    left = settle_shortfall(books, points, lot.id, lot.source)
    if not left:
        return 0, ()
    books.move("available", EXPIRED, left, "expiry", lot=lot.id, transaction=lot.source)
    key = f"{books.owner}:{lot.source}"
    return left, (Put(EXPIRED_POINTS, key, {f"{lot.id}:{now}": left}, books.owner),)
