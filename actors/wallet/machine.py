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

import msgspec

from comptoir.actors.claim.messages import KIND as CLAIM
from comptoir.actors.programme import Programme, programme_of
from comptoir.actors.wallet.adjusting import adjust, describe, propose
from comptoir.actors.wallet.crediting import Outcome, credit, recover
from comptoir.actors.wallet.expiring import expire
from comptoir.actors.wallet.holding import hold, move
from comptoir.actors.wallet.lots import expire_lot, is_good, settle_shortfall
from comptoir.actors.wallet.messages import (
    KIND,
    TRANSACTIONS,
    AdjustmentDescribed,
    AdjustPoints,
    ClawBack,
    Credit,
    DescribeAdjustment,
    ExpirePoints,
    HoldPoints,
    MovePoints,
    PointsHeld,
    ProposeAdjustment,
    ReleasePoints,
    Restate,
    TakeBack,
    TellStanding,
    document_key,
)
from comptoir.actors.wallet.purchase import entitled, net_points, refunded, with_refund
from comptoir.actors.wallet.restating import restate, take_back
from comptoir.actors.wallet.standing import change_of, earned, tier_now
from comptoir.actors.wallet.state import (
    Books,
    Phase,
    PointsClawedBack,
    PointsExpired,
    PointsReleased,
    RefundFacts,
    RefundIgnored,
    WalletState,
)
from comptoir.engine import Address, Decision, Message, Outgoing, Put, Reply
from comptoir.engine.machine import Context, Machine, row

__all__ = ["MACHINE", "REPLIES"]


def _claw_back(state: WalletState, message: ClawBack, context: Context) -> Outcome:
    programme = programme_of(context)
    facts: RefundFacts = context.facts
    if "eligible_cents" not in facts.purchase:
        # Not credited here: not seen yet, or no purchase that earns (ignored, or itself a refund).
        return _wait_or_ignore(state, message, context, programme)
    purchase = facts.purchase
    by_link = with_refund(purchase, message.link, message.amount_cents)
    now = {**purchase, "refunded_by": by_link}
    back = refunded(now)
    due = max(0, net_points(purchase) - entitled(now, programme.value_cents))
    books = Books.of(state, context.address.key)
    original = str(purchase["transaction_id"])
    found = recover(books, due, facts, context)
    fields = {
        "refunded_by": by_link,
        "refunded_cents": back,
        "clawed_points": int(purchase.get("clawed_points", 0)) + due,
        "status": "refunded" if back == int(purchase["amount_cents"]) else str(purchase["status"]),
    }
    if found.lapsed:
        fields["lapsed_points"] = int(purchase.get("lapsed_points", 0)) + found.lapsed
    refund_fields = {
        "status": "refunded",
        "points": found.lapsed - due,
        "credited_at": context.now,
    }
    credited_at = int(purchase.get("credited_at") or context.now)
    total, years = earned(state, -due, credited_at, programme)
    after = books.state(
        state,
        context.now,
        earned_total=total,
        earned_years=years,
        refunds_waiting=_still_waiting(state, message),
    )
    before = tier_now(state, programme, context.now)
    change = change_of(before, after, context, message.refund_id)
    clawed = PointsClawedBack(message.refund_id, original, due, found.short, found.lapsed)
    return Decision(
        after,
        events=(clawed, *change.events),
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
    expired, remembered = 0, tuple[Put, ...]()
    if facts.lot is not None and points:
        books.move(
            "pending",
            "available",
            points,
            "release",
            lot=message.lot_id,
            transaction=message.source,
        )
        left = settle_shortfall(books, points, message.lot_id, message.source)
        if left and not is_good(facts.lot, context.now):  # its release was that late
            expired, remembered = expire_lot(books, facts.lot, left, context.now)
    elif facts.purchase.get("status") == "refunded":
        fields = {"status": "refunded"}
    return Decision(
        books.state(state, context.now),
        events=(
            PointsReleased(message.lot_id, points),
            *([PointsExpired(expired, 1)] * bool(expired)),
        ),
        transfers=tuple(books.transfers),
        documents=(Put(TRANSACTIONS, message.key, fields, context.address.key), *remembered),
    )


def _tell_standing(state: WalletState, message: TellStanding, context: Context) -> Outcome:
    """What is told before this about the purchase has been decided by now, so what is read is how it stands."""
    facts: RefundFacts = context.facts
    found = message.found
    if facts.purchase:
        found = msgspec.structs.replace(
            found,
            standing=str(facts.purchase["status"]),
            trace=tuple(facts.purchase.get("trace", ())),
        )
    return Decision(state, messages=(Outgoing(Address(CLAIM, message.claim), found),))


MESSAGES: tuple[type[Message], ...] = (
    Credit, ClawBack, Restate, TakeBack, ReleasePoints, TellStanding, HoldPoints, MovePoints,
    ExpirePoints, ProposeAdjustment, DescribeAdjustment, AdjustPoints,
)  # fmt: skip

MACHINE: Machine[WalletState] = Machine(
    KIND,
    phases=Phase,
    messages=MESSAGES,
    rows=(
        *(row(phase, TellStanding, _tell_standing, phase) for phase in Phase),
        row(Phase.NEW, Credit, credit, Phase.ACTIVE),
        # A refund may come before its purchase; it waits.
        row(Phase.NEW, ClawBack, _claw_back, Phase.NEW),
        # What is told as removed before it was told at all earns nothing yet.
        row(Phase.NEW, Restate, restate, Phase.NEW, Phase.ACTIVE),
        row(Phase.NEW, TakeBack, take_back, Phase.NEW),
        row(Phase.ACTIVE, Credit, credit, Phase.ACTIVE),
        row(Phase.ACTIVE, ClawBack, _claw_back, Phase.ACTIVE, Phase.OVERDRAWN),
        row(Phase.ACTIVE, Restate, restate, Phase.ACTIVE, Phase.OVERDRAWN),
        row(Phase.ACTIVE, TakeBack, take_back, Phase.ACTIVE, Phase.OVERDRAWN),
        row(Phase.ACTIVE, ReleasePoints, _release, Phase.ACTIVE),
        row(Phase.OVERDRAWN, Credit, credit, Phase.OVERDRAWN, Phase.ACTIVE),
        row(Phase.OVERDRAWN, ClawBack, _claw_back, Phase.OVERDRAWN),
        row(Phase.OVERDRAWN, Restate, restate, Phase.OVERDRAWN, Phase.ACTIVE),
        row(Phase.OVERDRAWN, TakeBack, take_back, Phase.OVERDRAWN),
        row(Phase.OVERDRAWN, ReleasePoints, _release, Phase.OVERDRAWN, Phase.ACTIVE),
        row(Phase.ACTIVE, HoldPoints, hold, Phase.ACTIVE),
        row(Phase.OVERDRAWN, HoldPoints, hold, Phase.OVERDRAWN),
        row(Phase.ACTIVE, MovePoints, move, Phase.ACTIVE, Phase.OVERDRAWN),
        row(Phase.OVERDRAWN, MovePoints, move, Phase.OVERDRAWN, Phase.ACTIVE),
        row(Phase.ACTIVE, ExpirePoints, expire, Phase.ACTIVE),
        row(Phase.OVERDRAWN, ExpirePoints, expire, Phase.OVERDRAWN, Phase.ACTIVE),
        row(Phase.ACTIVE, ProposeAdjustment, propose, Phase.ACTIVE),
        row(Phase.OVERDRAWN, ProposeAdjustment, propose, Phase.OVERDRAWN),
        row(Phase.ACTIVE, DescribeAdjustment, describe, Phase.ACTIVE),
        row(Phase.OVERDRAWN, DescribeAdjustment, describe, Phase.OVERDRAWN),
        row(Phase.ACTIVE, AdjustPoints, adjust, Phase.ACTIVE),
        row(Phase.OVERDRAWN, AdjustPoints, adjust, Phase.OVERDRAWN, Phase.ACTIVE),
    ),
)

REPLIES: tuple[type[Reply], ...] = (PointsHeld, AdjustmentDescribed)
