"""How a wallet blocks points for a withdrawal, and where they go when the money is, or is not, paid.

Rules:
- the oldest points first, of lots whose hold has ended; each lot's part is remembered, so that what comes
  back goes back into the very lots, with their dates (S47, E7);
- a withdrawal's points are in one place at a time: blocked, paid or available. The way from one to another
  leads over blocked, so there are four moves and no more;
- points that came back and were spent since cannot be blocked anew: they are owed (shortfall), and the debt
  goes when the hold does. So the wallet is whole whatever whoever pays may say, and in whatever order.

Source: spec.md S47, S50, S66, X21, X26, E7; actors/withdrawal/outcome.py.
"""

from comptoir.actors.programme import programme_of
from comptoir.actors.wallet.crediting import Outcome, settle_shortfall
from comptoir.actors.wallet.messages import (
    AVAILABLE,
    BLOCKED,
    HOLDS,
    PAID,
    HoldPoints,
    MovePoints,
    PointsHeld,
)
from comptoir.actors.wallet.points import Insufficient, Lot, allocate
from comptoir.actors.wallet.state import (
    PAID_OUT,
    Books,
    HoldFacts,
    HoldMoved,
    PointsBlocked,
    WalletState,
)
from comptoir.actors.withdrawal.messages import KIND as WITHDRAWAL
from comptoir.actors.withdrawal.messages import BeginWithdrawal
from comptoir.engine import Address, Decision, Outgoing, Put, Refusal
from comptoir.engine.machine import Context

__all__ = ["hold", "move"]

OWED = "owed"
"""Of a hold: points that were spent before they were blocked anew."""
Parts = list[tuple[str, int]]
"""Lots, and how many points of each."""


def hold(state: WalletState, message: HoldPoints, context: Context) -> Outcome | Refusal:
    """A person withdraws."""
    facts: HoldFacts = context.facts
    if facts.hold:
        return Decision(state, PointsHeld(int(facts.hold["asked_at"])))
    order, programme = message.order, programme_of(context)
    if state.withdrawal:
        return Refusal("BANK_WITHDRAWAL_PENDING", "another withdrawal is under way")
    if min(state.available, order.points) < programme.withdrawal_minimum:
        least = programme.withdrawal_minimum
        return Refusal("BANK_WITHDRAWAL_MINIMUM", f"{least} points at least are withdrawn")
    if order.points > state.available:
        return Refusal("POINTS_INSUFFICIENT", f"{state.available} points are available")
    books, name = Books.of(state, context.address.key), message.withdrawal_id
    parts, missing = _block(books, order.points, facts, name, context)
    if missing:
        text = (
            f"{order.points - missing} points can be withdrawn at once: they are of many purchases"
        )
        return Refusal("POINTS_INSUFFICIENT", text)
    fields = {
        "points": order.points, "place": BLOCKED, "parts": parts, OWED: 0, "asked_at": context.now,
    }  # fmt: skip
    return Decision(
        books.state(state, context.now, withdrawal=name),
        PointsHeld(context.now),
        events=(PointsBlocked(name, order.points),),
        messages=(Outgoing(Address(WITHDRAWAL, name), BeginWithdrawal(order, context.now)),),
        transfers=tuple(books.transfers),
        documents=(Put(HOLDS, name, fields, context.address.key),),
    )


def move(state: WalletState, message: MovePoints, context: Context) -> Outcome | Refusal:
    """The withdrawal says where its points are from now on."""
    facts: HoldFacts = context.facts
    if not facts.hold:
        return Refusal("NOT_FOUND", "there is no hold of this withdrawal")
    place, target = str(facts.hold["place"]), message.place
    if place == target:
        return Decision(state)
    books, name = Books.of(state, context.address.key), message.withdrawal_id
    points, owed = int(facts.hold["points"]), int(facts.hold[OWED])
    parts: Parts = [(str(lot), int(part)) for lot, part in facts.hold["parts"]]
    if place == PAID:
        books.move(PAID_OUT, "blocked", points, "hold", withdrawal=name)
    elif place == AVAILABLE:
        parts, owed = _block(books, points, facts, name, context)
        if owed:
            books.move("shortfall", "blocked", owed, "hold", withdrawal=name)
    if target == PAID:
        books.move("blocked", PAID_OUT, points, "payout", withdrawal=name)
    elif target == AVAILABLE:
        _give_back(books, parts, owed, name)
        parts, owed = [], 0
    if target == BLOCKED:
        under_way = state.withdrawal or name
    else:
        under_way = "" if state.withdrawal == name else state.withdrawal
    fields = {"place": target, "parts": parts, OWED: owed}
    return Decision(
        books.state(state, context.now, withdrawal=under_way),
        events=(HoldMoved(name, target, points, owed),),
        transfers=tuple(books.transfers),
        documents=(Put(HOLDS, name, fields, context.address.key),),
    )


def _block(
    books: Books, points: int, facts: HoldFacts, name: str, context: Context
) -> tuple[Parts, int]:
    """Block the oldest points that are available; from which lots, and how many there were not."""
    earned_until = context.now - programme_of(context).hold_ms
    lots = [
        Lot(lot.id, lot.earned_at, lot.remaining, lot.expires_at)
        for lot in facts.lots
        if lot.earned_at <= earned_until
    ]
    there = sum(
        lot.points for lot in lots if lot.expires_at is None or lot.expires_at > context.now
    )
    spent = allocate(lots, min(points, books.available, there), context.now)
    assert not isinstance(spent, Insufficient), "no more than there is was asked for"
    parts = [(part.lot, part.points) for part in spent.allocations]
    for lot, part in parts:
        books.move("available", "blocked", part, "hold", lot=lot, withdrawal=name)
    return parts, points - sum(part for _, part in parts)


def _give_back(books: Books, parts: Parts, owed: int, name: str) -> None:
    """Into the very lots that they were taken from; a debt that the hold made goes with it, and what the
    wallet owes otherwise is netted (E7).
    """
    if owed:
        books.move("blocked", "shortfall", owed, "hold_released", withdrawal=name)
    for lot, part in parts:
        books.move("blocked", "available", part, "hold_released", lot=lot, withdrawal=name)
        settle_shortfall(books, part, lot)
