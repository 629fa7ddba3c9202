"""The wallet's machine: credits as FIFO lots, refunds taken back from their very lot.

Rules:
- points are integers, rounded down once (X32); every change is a transfer between two books, and
  lots change only with transfers (design.md 7);
- what a refund cannot take back is a shortfall, recorded and netted from the next credit, never a
  silent negative balance (E7);
- a refund that comes before its purchase waits for it, and is ignored when it waited in vain.

The state holds balances only; lots are read when they are needed, so a credit costs the same
whether the wallet has ten of them or ten thousand.

Source: spec.md S47, X21, X24, X32; interface.md 1 and 7.
"""

from collections.abc import Mapping

import msgspec

from comptoir.actors.gateways.messages import PUSH, SendPush
from comptoir.actors.programme import Programme, programme_of
from comptoir.actors.wallet.messages import (
    KIND,
    TRANSACTIONS,
    ClawBack,
    Credit,
    ReleasePoints,
    document_key,
)
from comptoir.actors.wallet.points import points_for, tier_reached
from comptoir.actors.wallet.state import (
    ISSUED,
    Books,
    Phase,
    PointsClawedBack,
    PointsCredited,
    PointsReleased,
    RefundFacts,
    RefundIgnored,
    WalletState,
)
from comptoir.engine import (
    Decision,
    LotOpened,
    Message,
    Outgoing,
    Put,
)
from comptoir.engine.journal import Lot
from comptoir.engine.machine import Context, Machine, row

__all__ = ["MACHINE"]

MONTHS_KEPT = 2
"""Months of capped spending remembered per wallet: this one and the one before."""


Outcome = Decision[WalletState]


def _credit(state: WalletState, message: Credit, context: Context) -> Outcome:
    programme = programme_of(context)
    tier = tier_reached(state.earned_total, programme.tiers)
    eligible, capped = _under_cap(state, message)
    points = points_for(eligible, message.rate_bp, tier.multiplier_bp, programme.value_cents)
    owner = context.address.key
    books = Books.of(state, owner)
    lots: tuple[LotOpened, ...] = ()
    lot_id = None
    book = "pending" if programme.hold_ms else "available"
    if points:
        lot_id = context.draw_id("lt")
        books.move(ISSUED, book, points, "credit", lot=lot_id, transaction=message.transaction_id)
        lots = (
            LotOpened(
                lot_id,
                owner,
                message.transaction_id,
                message.tag,
                points,
                message.amount_cents,
                message.rate_bp,
                tier.multiplier_bp,
                context.now,
            ),
        )
        if book == "available":
            _settle_shortfall(books, points, lot_id, message.transaction_id)
    fields: dict[str, object] = {
        "status": "pending" if points and programme.hold_ms else "credited",
        "points": points,
        "credited_at": context.now,
        "lot_id": lot_id,
        "rate_bp": message.rate_bp,
        "multiplier_bp": tier.multiplier_bp,
        "eligible_cents": eligible,
    }
    key = document_key(message.provider, message.transaction_id)
    return Decision(
        books.state(state, context.now, earned_total=state.earned_total + points, capped=capped),
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
        ),
        messages=_after_credit(message, points, lot_id, programme, context),
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
        outgoing.append(Outgoing(PUSH, push))
    return tuple(outgoing)


def _under_cap(state: WalletState, message: Credit) -> tuple[int, Mapping[str, int]]:
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


def _settle_shortfall(books: Books, points: int, lot_id: str, transaction_id: str) -> None:
    """Net what the wallet owes from points that have just become available (E7)."""
    netted = min(points, books.shortfall)
    if netted:
        books.move(
            "available", "shortfall", netted, "clawback", lot=lot_id, transaction=transaction_id
        )


def _claw_back(state: WalletState, message: ClawBack, context: Context) -> Outcome:
    programme = programme_of(context)
    facts: RefundFacts = context.facts
    if "eligible_cents" not in facts.purchase:
        # Not credited here: not seen yet, or no purchase that earns (ignored, or itself a refund).
        return _wait_or_ignore(state, message, context, programme)
    purchase = facts.purchase
    refunded_before = int(purchase.get("refunded_cents", 0))
    clawed_before = int(purchase.get("clawed_points", 0))
    granted = int(purchase["points"])
    amount = int(purchase["amount_cents"])
    refunded = min(amount, refunded_before + message.amount_cents)
    entitled = points_for(
        min(int(purchase["eligible_cents"]), amount - refunded),
        int(purchase["rate_bp"]),
        int(purchase["multiplier_bp"]),
        programme.value_cents,
    )
    due = max(0, granted - clawed_before - entitled)
    books = Books.of(state, context.address.key)
    pending = purchase["status"] == "pending"
    others = () if pending else _released(facts.others, context.now - programme.hold_ms)
    short = _take(books, due, facts, others)
    original = str(purchase["transaction_id"])
    if short:
        books.move("shortfall", ISSUED, short, "clawback", transaction=original)
    status = "refunded" if refunded == amount else str(purchase["status"])
    fields = {"refunded_cents": refunded, "clawed_points": clawed_before + due, "status": status}
    refund_fields = {"status": "refunded", "points": -due, "credited_at": context.now}
    return Decision(
        books.state(
            state,
            context.now,
            earned_total=max(0, state.earned_total - due),
            refunds_waiting=_still_waiting(state, message),
        ),
        events=(PointsClawedBack(message.refund_id, original, due, short),),
        transfers=tuple(books.transfers),
        documents=(
            Put(TRANSACTIONS, facts.key, fields, context.address.key),
            Put(
                TRANSACTIONS,
                document_key(message.provider, message.refund_id),
                refund_fields,
                context.address.key,
            ),
        ),
    )


def _released(lots: tuple[Lot, ...], earned_until: int) -> tuple[Lot, ...]:
    """Lots whose hold has ended: only their points are available."""
    return tuple(lot for lot in lots if lot.earned_at <= earned_until)


def _take(books: Books, due: int, facts: RefundFacts, others: tuple[Lot, ...]) -> int:
    """Take points from the purchase's own lot, then first in, first out; return what is missing."""
    original = str(facts.purchase["transaction_id"])
    book = "pending" if facts.purchase["status"] == "pending" else "available"
    own = (facts.lot,) if facts.lot is not None else ()
    for lot in (*own, *others):
        part = min(due, lot.remaining, getattr(books, book))
        if part:
            books.move(book, ISSUED, part, "clawback", lot=lot.id, transaction=original)
            due -= part
    return due


def _still_waiting(state: WalletState, message: ClawBack) -> int:
    return max(0, state.refunds_waiting - 1) if message.give_up_at else state.refunds_waiting


def _wait_or_ignore(
    state: WalletState, message: ClawBack, context: Context, programme: Programme
) -> Outcome:
    """Its purchase is not here: wait for it, or give up when the time is over."""
    give_up_at = message.give_up_at or context.now + programme.refund_wait_ms
    key = document_key(message.provider, message.refund_id)
    owner = context.address.key
    if context.now >= give_up_at:
        return Decision(
            msgspec.structs.replace(state, refunds_waiting=_still_waiting(state, message)),
            events=(RefundIgnored(message.refund_id),),
            documents=(Put(TRANSACTIONS, key, {"status": "ignored"}, owner),),
        )
    again = msgspec.structs.replace(message, give_up_at=give_up_at)
    waiting = state.refunds_waiting + (0 if message.give_up_at else 1)
    return Decision(
        msgspec.structs.replace(state, refunds_waiting=waiting),
        messages=(Outgoing(context.address, again, give_up_at, parked=True),),
        documents=(Put(TRANSACTIONS, key, {"status": "pending"}, owner),),
    )


def _release(state: WalletState, message: ReleasePoints, context: Context) -> Outcome:
    facts: RefundFacts = context.facts
    points = facts.lot.remaining if facts.lot is not None else 0
    books = Books.of(state, context.address.key)
    fields: dict[str, object] = {"status": "credited"}
    if points:
        books.move(
            "pending",
            "available",
            points,
            "release",
            lot=message.lot_id,
            transaction=message.source,
        )
        _settle_shortfall(books, points, message.lot_id, message.source)
    elif facts.purchase.get("status") == "refunded":
        fields = {"status": "refunded"}
    return Decision(
        books.state(state, context.now),
        events=(PointsReleased(message.lot_id, points),),
        transfers=tuple(books.transfers),
        documents=(Put(TRANSACTIONS, message.key, fields, context.address.key),),
    )


MESSAGES: tuple[type[Message], ...] = (Credit, ClawBack, ReleasePoints)

MACHINE: Machine[WalletState] = Machine(
    KIND,
    phases=Phase,
    messages=MESSAGES,
    rows=(
        row(Phase.NEW, Credit, _credit, Phase.ACTIVE),
        # A refund may come before its purchase; it waits.
        row(Phase.NEW, ClawBack, _claw_back, Phase.NEW),
        row(Phase.ACTIVE, Credit, _credit, Phase.ACTIVE),
        row(Phase.ACTIVE, ClawBack, _claw_back, Phase.ACTIVE, Phase.OVERDRAWN),
        row(Phase.ACTIVE, ReleasePoints, _release, Phase.ACTIVE),
        row(Phase.OVERDRAWN, Credit, _credit, Phase.OVERDRAWN, Phase.ACTIVE),
        row(Phase.OVERDRAWN, ClawBack, _claw_back, Phase.OVERDRAWN),
        row(Phase.OVERDRAWN, ReleasePoints, _release, Phase.OVERDRAWN, Phase.ACTIVE),
    ),
)
