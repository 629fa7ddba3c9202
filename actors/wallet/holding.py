"""How a wallet blocks points for a withdrawal, and where they go when the money is, or is not, paid.

Rules:
- the oldest points first, of lots whose hold has ended; each lot's part is remembered, so that what comes
  back goes back into the very lots, with their dates (S47, E7);
- what comes back from a payment that failed is good for `points.grace_days` at least. Where its lot ends
  before that, it becomes a lot of its own, of the same purchase and the same place among the oldest, with a
  later end. What its person cancelled has the time that was left when it was blocked, if its end is past: so
  nobody makes points last by withdrawing and cancelling;
- a withdrawal's points are in one place at a time: blocked, paid or available. The way from one to another
  leads over blocked, so there are four moves and no more;
- points that came back and were spent since cannot be blocked anew: they are owed (shortfall), and the debt
  goes when the hold does. What was earned meanwhile and has paid it comes back as a lot of that day. So the
  wallet is whole whatever whoever pays may say, and in whatever order.

Source: spec.md S47, S50, S66, S74, X21, X26, E7; actors/withdrawal/outcome.py; docs/adr/0040.
"""

from collections.abc import Iterable

import msgspec

from comptoir.actors.programme import DAY_MS, programme_of
from comptoir.actors.wallet.crediting import Outcome
from comptoir.actors.wallet.lots import (
    draw_lot,
    end_of_lot,
    expire_lot,
    is_released,
    settle_shortfall,
    watch_all,
)
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
from comptoir.engine import Address, Decision, LotOpened, Outgoing, Put, Refusal
from comptoir.engine.journal import Lot as LotRow
from comptoir.engine.machine import Context

__all__ = ["hold", "move", "take_oldest"]

OWED = "owed"
"""Of a hold: points that were spent before they were blocked anew."""
Parts = list[tuple[str, int]]
"""Lots, and how many points of each."""


class _Returned(msgspec.Struct):
    """What points bring with them when they come back."""

    lots: list[LotOpened]
    documents: list[Put]
    graced: int = 0
    ends: set[int] = msgspec.field(default_factory=set[int])
    """Of what has come back."""


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
            f"{order.points - missing} points can be withdrawn at once: others expire now, or are of "
            "too many purchases"
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
    back = _Returned([], [])
    if target == PAID:
        books.move("blocked", PAID_OUT, points, "payout", withdrawal=name)
    elif target == AVAILABLE:
        back = _forgive(books, owed, name, context)
        _give_back(books, parts, back, message, context)
        parts, owed = [], 0
    if target == BLOCKED:
        under_way = state.withdrawal or name
    else:
        under_way = "" if state.withdrawal == name else state.withdrawal
    fields = {"place": target, "parts": parts, OWED: owed}
    expiry_at, messages = watch_all(state, back.ends, context)
    return Decision(
        books.state(state, context.now, withdrawal=under_way, expiry_at=expiry_at),
        events=(HoldMoved(name, target, points, owed, back.graced),),
        messages=messages,
        transfers=tuple(books.transfers),
        lots=tuple(back.lots),
        documents=(Put(HOLDS, name, fields, context.address.key), *back.documents),
    )


def _block(
    books: Books, points: int, facts: HoldFacts, name: str, context: Context
) -> tuple[Parts, int]:
    """Block the oldest points that are available; from which lots, and how many there were not."""
    parts = take_oldest(books, points, facts.lots, context)
    for lot, part in parts:
        books.move("available", "blocked", part, "hold", lot=lot, withdrawal=name)
    return parts, points - sum(part for _, part in parts)


def take_oldest(books: Books, points: int, found: Iterable[LotRow], context: Context) -> Parts:
    """Of which lots so many points would be, the oldest that can be spent first; or fewer, where there are."""
    earned_until = context.now - programme_of(context).hold_ms
    lots = [
        Lot(lot.id, lot.earned_at, lot.remaining, lot.expires_at)
        for lot in found
        if is_released(lot, earned_until)
    ]
    there = sum(
        lot.points for lot in lots if lot.expires_at is None or lot.expires_at > context.now
    )
    spent = allocate(lots, min(points, books.available, there), context.now)
    assert not isinstance(spent, Insufficient), "no more than there is was asked for"
    return [(part.lot, part.points) for part in spent.allocations]


def _forgive(books: Books, owed: int, name: str, context: Context) -> _Returned:
    """The debt that the hold made goes with it; what has paid a part of it comes back."""
    back = _Returned([], [])
    still = min(owed, books.shortfall)
    if still:
        books.move("blocked", "shortfall", still, "hold_released", withdrawal=name)
    paid = owed - still
    if paid:
        lot_id, now = draw_lot(context, -1), context.now
        end = end_of_lot(programme_of(context), now)
        back.ends.update(() if end is None else (end,))
        lot = LotOpened(lot_id, books.owner, name, "", paid, 0, 0, 0, now, end)
        back.lots.append(lot)
        books.move("blocked", "available", paid, "hold_released", lot=lot_id, withdrawal=name)
    return back


def _give_back(
    books: Books, parts: Parts, back: _Returned, message: MovePoints, context: Context
) -> None:
    """Into the very lots that they were taken from, or into ones with a later end; what the wallet owes is
    netted (E7).
    """
    facts: HoldFacts = context.facts
    known = {lot.id: lot for lot in facts.lots}
    asked_at, name = int(facts.hold["asked_at"]), message.withdrawal_id
    for number, (taken_from, part) in enumerate(parts):
        lot, lot_id = known[taken_from], taken_from
        end = _end_of(lot, asked_at, message, context)
        if end is not None and end > context.now:
            back.ends.add(end)
        if end != lot.expires_at and end is not None and end > context.now:
            lot_id = draw_lot(context, number)
            back.lots.append(_with_end(lot, lot_id, part, end))
            back.graced += part
        books.move("blocked", "available", part, "hold_released", lot=lot_id, withdrawal=name)
        left = settle_shortfall(books, part, lot_id, lot.source)
        if left and end is not None and end <= context.now:
            back.documents.extend(expire_lot(books, lot, left, context.now)[1])


def _end_of(lot: LotRow, asked_at: int, message: MovePoints, context: Context) -> int | None:
    """Until when points of a lot are good that come back now."""
    end, now = lot.expires_at, context.now
    if end is None:
        return None
    if message.cancelled:
        # Rounded down, or an evening's withdrawal that is cancelled the next morning would win a day.
        return end if end > now else (now + max(0, end - asked_at)) // DAY_MS * DAY_MS
    return max(end, -(-(now + programme_of(context).grace_ms) // DAY_MS) * DAY_MS)


def _with_end(lot: LotRow, name: str, points: int, end: int) -> LotOpened:
    """A lot of the same purchase, without its tag, by which the first one is found; as old, but for a
    millisecond for each day that it is good for longer: so of one purchase what ends first is spent first.
    """
    longer = (end - (lot.expires_at or end)) // DAY_MS
    return LotOpened(
        name, lot.owner, lot.source, "", points, lot.basis_cents, lot.rate_bp, lot.multiplier_bp,
        lot.earned_at + longer, end,
    )  # fmt: skip
