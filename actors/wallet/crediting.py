"""How a wallet earns: what a purchase is worth, which book its points go to, which lots they are taken from.

Rules: as in machine.py, whose table calls these; restating.py too.
Source: spec.md S47, X21, X24, X32, E7; interface.md 1 and 7.
"""

from collections.abc import Mapping

import msgspec

from comptoir.actors.gateways.messages import SendPush, notified
from comptoir.actors.programme import Programme, programme_of
from comptoir.actors.wallet.lots import (
    draw_lot,
    end_of_lot,
    is_good,
    is_released,
    settle_shortfall,
    watch,
)
from comptoir.actors.wallet.messages import (
    TRANSACTIONS,
    Credit,
    ReleasePoints,
    Restate,
    document_key,
    tag_of,
)
from comptoir.actors.wallet.points import points_for
from comptoir.actors.wallet.standing import change_of, earned, tier_now
from comptoir.actors.wallet.state import (
    ISSUED,
    Books,
    PointsCredited,
    RefundFacts,
    WalletState,
)
from comptoir.engine import Decision, LotOpened, Outgoing, Put
from comptoir.engine.journal import Lot
from comptoir.engine.machine import Context

__all__ = [
    "Outcome", "Recovered", "credit", "grant", "recover", "remember", "tags_elsewhere", "under_cap",
]  # fmt: skip

MONTHS_KEPT = 2
"""Months of capped spending remembered per wallet: this one and the one before."""
ACCOUNTS_MAX = 32
LINKS_MAX = 8
"""Accounts remembered per wallet, and links per account: far more than a person has; the newest are kept."""

Outcome = Decision[WalletState]


def credit(state: WalletState, message: Credit, context: Context) -> Outcome:
    """A purchase earns points, unless another link of its account may have told it: then that is looked up."""
    state = remember(state, message)
    elsewhere = tags_elsewhere(state, message)
    if elsewhere:
        looked_up = Restate(message, message.transaction_id, {}, elsewhere=elsewhere)
        return Decision(state, messages=(Outgoing(context.address, looked_up),))
    return grant(state, message, context)


def remember(state: WalletState, message: Credit) -> WalletState:
    """The wallet that knows by which links an account is told."""
    links = state.links.get(message.account, ())
    if not message.account or message.link in links:
        return state
    kept = [one for one in state.links if one != message.account][-ACCOUNTS_MAX + 1 :]
    known = {one: state.links[one] for one in kept}
    known[message.account] = (*links, message.link)[-LINKS_MAX:]
    return msgspec.structs.replace(state, links=known)


def tags_elsewhere(state: WalletState, message: Credit) -> tuple[str, ...]:
    """The tags that a purchase would have if another link of its account had told it."""
    links = state.links.get(message.account, ()) if message.account else ()
    return tuple(
        tag_of(link, message.partner_id, message.amount_cents)
        for link in links
        if link != message.link
    )


def grant(state: WalletState, message: Credit, context: Context) -> Outcome:
    """A purchase earns points."""
    programme = programme_of(context)
    tier = tier_now(state, programme, context.now)
    eligible, capped = under_cap(state, message)
    points = points_for(eligible, message.rate_bp, tier.multiplier_bp, programme.value_cents)
    owner = context.address.key
    books = Books.of(state, owner)
    lots: tuple[LotOpened, ...] = ()
    lot_id = None
    book = "pending" if programme.hold_ms else "available"
    timed: tuple[Outgoing, ...] = ()
    expiry_at, end = state.expiry_at, None
    if points:
        lot_id = draw_lot(context)
        if programme.lot_ms:
            end = end_of_lot(programme, context.now + programme.hold_ms)
            expiry_at, timed = watch(state, end, context)
        source = message.transaction_id
        books.move(ISSUED, book, points, "credit", lot=lot_id, transaction=source)
        lots = (LotOpened(
            lot_id, owner, source, message.tag, points, message.amount_cents, message.rate_bp,
            tier.multiplier_bp, context.now, end,
        ),)  # fmt: skip
        if book == "available":
            settle_shortfall(books, points, lot_id, message.transaction_id)
    fields: dict[str, object] = {
        "status": "pending" if points and programme.hold_ms else "credited",
        "points": points,
        "credited_at": context.now,
        "lot_id": lot_id,
        "rate_bp": message.rate_bp,
        "multiplier_bp": tier.multiplier_bp,
        "eligible_cents": eligible,
        **({"link": message.link} if message.account else {}),
    }
    key = document_key(message.provider, message.transaction_id)
    total, years = earned(state, points, context.now, programme)
    after = books.state(
        state,
        context.now,
        earned_total=total,
        earned_years=years,
        capped=capped,
        expiry_at=expiry_at,
    )
    change = change_of(tier, after, context, message.transaction_id)
    return Decision(
        after,
        events=(
            PointsCredited(
                message.transaction_id,
                message.partner_id,
                points,
                message.rate_bp,
                tier.multiplier_bp,
                lot_id,
                pending=bool(programme.hold_ms),
            ),
            *change.events,
        ),
        messages=(
            *_after_credit(message, points, lot_id, programme, context),
            *timed,
            *change.messages,
        ),
        release=bool(state.refunds_waiting),
        transfers=tuple(books.transfers),
        lots=lots,
        documents=(Put(TRANSACTIONS, key, fields, owner),),
    )


def _after_credit(
    message: Credit, points: int, lot_id: str | None, programme: Programme, context: Context
) -> tuple[Outgoing, ...]:
    outgoing: list[Outgoing] = []
    if lot_id is not None and programme.hold_ms:
        key = document_key(message.provider, message.transaction_id)
        release = ReleasePoints(lot_id, message.transaction_id, key)
        due = context.now + programme.hold_ms
        outgoing.append(Outgoing(context.address, release, due, f"release:{lot_id}"))
    if points and programme.push:
        user = context.address.key
        push = SendPush(f"credit:{message.transaction_id}", user, "points_credited", points)
        outgoing.append(notified(push))
    return tuple(outgoing)


def under_cap(state: WalletState, message: Credit) -> tuple[int, Mapping[str, int]]:
    """The cents that earn points under the partner's monthly cap, and the spending remembered."""
    if not message.month:
        return message.eligible_cents, state.capped
    slot = f"{message.partner_id}:{message.month}"
    used = state.capped.get(slot, 0)
    eligible = max(0, min(message.eligible_cents, message.cap_cents_month - used))
    months = sorted({one.rpartition(":")[2] for one in state.capped} | {message.month})
    kept = set(months[-MONTHS_KEPT:])
    capped = {k: v for k, v in state.capped.items() if k.rpartition(":")[2] in kept}
    capped[slot] = used + eligible
    return eligible, capped


class Recovered(msgspec.Struct, frozen=True):
    """What became of points that are taken back."""

    short: int
    """The wallet did not have them: they are owed."""
    lapsed: int
    """They had expired, and were gone already."""


def recover(books: Books, due: int, facts: RefundFacts, context: Context) -> Recovered:
    """Take points of a purchase back: what expired of it counts first, then its own lots, then first in, first
    out; what is missing is owed (E7).
    """
    purchase, original = facts.purchase, str(facts.purchase["transaction_id"])
    lapsed = min(due, max(0, facts.expired - int(purchase.get("lapsed_points", 0))))
    short = _take(books, due - lapsed, facts, context)
    if short:
        books.move("shortfall", ISSUED, short, "clawback", transaction=original)
    return Recovered(short, lapsed)


def _fallback(facts: RefundFacts, context: Context) -> tuple[Lot, ...]:
    """Lots that points of a purchase may come from, beside its first: more of its own, then, unless it is
    held, the others whose hold has ended and whose end has not come, oldest first: only their points are
    available.
    """
    source = facts.purchase["transaction_id"]
    own = tuple(lot for lot in facts.others if lot.source == source)
    if facts.purchase["status"] == "pending":
        return own
    until, now = context.now - programme_of(context).hold_ms, context.now
    others = (lot for lot in facts.others if lot.source != source)
    return (*own, *(lot for lot in others if is_released(lot, until) and is_good(lot, now)))


def _take(books: Books, due: int, facts: RefundFacts, context: Context) -> int:
    """Take points from the purchase's own lot, then first in, first out; return what is missing."""
    original = str(facts.purchase["transaction_id"])
    book = "pending" if facts.purchase["status"] == "pending" else "available"
    own = (facts.lot,) if facts.lot is not None else ()
    for lot in (*own, *_fallback(facts, context)):
        part = min(due, lot.remaining, getattr(books, book))
        if part:
            books.move(book, ISSUED, part, "clawback", lot=lot.id, transaction=original)
            due -= part
    return due
