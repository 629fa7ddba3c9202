"""Points that the house gives or takes by hand, on the word of two people (E14).

Rules:
- what is given is a lot of its own, available at once, as old as the day on which it is given, and good for as
  long as other points; it pays what the wallet owes first (E7);
- what is taken comes from the oldest points that can be spent. More than there is is refused as a whole, and
  nothing is taken: a wallet is never overdrawn by hand;
- what is proposed is noted here, and the proposal is sent, by one decision: the list has what was asked for;
- neither counts for a tier. Who asked for it and who approved it are in the event, and its id in each transfer;
- said again, it changes nothing.

Source: spec.md S47, E7, E14; docs/points.md.
"""

from collections.abc import Mapping
from typing import Any, Final

from comptoir.actors.approval.messages import KIND as APPROVAL
from comptoir.actors.approval.messages import adjustment_proposal
from comptoir.actors.programme import programme_of
from comptoir.actors.wallet.crediting import Outcome
from comptoir.actors.wallet.holding import take_oldest
from comptoir.actors.wallet.lots import draw_lot, end_of_lot, settle_shortfall, watch
from comptoir.actors.wallet.messages import (
    ADJUSTMENTS,
    ADJUSTMENTS_LISTED,
    AdjustmentDescribed,
    AdjustPoints,
    DescribeAdjustment,
    ProposeAdjustment,
    place_of,
)
from comptoir.actors.wallet.state import (
    ISSUED,
    AdjustmentFacts,
    AdjustmentRefused,
    Books,
    PointsAdjusted,
    WalletState,
)
from comptoir.engine import Address, Decision, LotOpened, Outgoing, Put, Refusal
from comptoir.engine.machine import Context

__all__ = ["adjust", "describe", "propose"]

KIND: Final = "adjustment"
PROPOSED: Final = "proposed"
APPLIED: Final = "applied"
REFUSED: Final = "refused"


def propose(state: WalletState, message: ProposeAdjustment, context: Context) -> Outcome | Refusal:
    """Somebody asks for it."""
    facts: AdjustmentFacts = context.facts
    if facts.noted:
        return Decision(state, _described(facts.noted))
    if -message.points > state.available:
        return Refusal("POINTS_INSUFFICIENT", f"{state.available} points are available")
    name, user = message.adjustment_id, context.address.key
    asked = adjustment_proposal(user, message)
    fields = {
        "user_id": user, "points": message.points, "status": PROPOSED, "maker": message.maker,
        "approval": message.approval_id, "asked_at": context.now,
    }  # fmt: skip
    return Decision(
        state,
        _described(fields),
        messages=(Outgoing(Address(APPROVAL, message.approval_id), asked),),
        documents=(
            Put(ADJUSTMENTS, name, fields, user),
            Put(ADJUSTMENTS_LISTED, place_of(context.now, name), {}, user),
        ),
    )


def describe(
    state: WalletState, _message: DescribeAdjustment, context: Context
) -> Outcome | Refusal:
    """How one stands."""
    facts: AdjustmentFacts = context.facts
    if not facts.noted:
        return Refusal("NOT_FOUND", "there is no adjustment of this id")
    return Decision(state, _described(facts.noted))


def _described(noted: Mapping[str, Any]) -> AdjustmentDescribed:
    return AdjustmentDescribed(
        noted["status"], noted["points"], noted["maker"], noted.get("checker", ""),
        noted["asked_at"], noted.get("decided_at", 0),
    )  # fmt: skip


def adjust(state: WalletState, message: AdjustPoints, context: Context) -> Outcome:
    """Two people have said so."""
    facts: AdjustmentFacts = context.facts
    if facts.noted.get("status") != PROPOSED:
        return Decision(state)
    books = Books.of(state, context.address.key)
    lots: tuple[LotOpened, ...] = ()
    messages: tuple[Outgoing, ...] = ()
    expiry_at = state.expiry_at
    if message.points > 0:
        lot = _give(books, message, context)
        lots = (lot,)
        expiry_at, messages = watch(state, lot.expires_at, context)
    elif _take(books, message, facts, context):
        return _refused(state, message, context)
    adjusted = PointsAdjusted(
        message.adjustment_id, message.points, message.reason, message.maker, message.checker
    )
    return Decision(
        books.state(state, context.now, expiry_at=expiry_at),
        events=(adjusted,),
        messages=messages,
        transfers=tuple(books.transfers),
        lots=lots,
        documents=(_noted(message, APPLIED, context),),
    )


def _give(books: Books, message: AdjustPoints, context: Context) -> LotOpened:
    name, source = draw_lot(context), message.adjustment_id
    books.move(ISSUED, "available", message.points, KIND, lot=name, transaction=source)
    settle_shortfall(books, message.points, name, source)
    end = end_of_lot(programme_of(context), context.now)
    return LotOpened(name, books.owner, source, "", message.points, 0, 0, 0, context.now, end)


def _take(books: Books, message: AdjustPoints, facts: AdjustmentFacts, context: Context) -> int:
    """Take the oldest; how many there are not, of which none is taken then."""
    wanted = -message.points
    parts = take_oldest(books, wanted, facts.lots, context)
    missing = wanted - sum(part for _, part in parts)
    if not missing:
        source = message.adjustment_id
        for lot, part in parts:
            books.move("available", ISSUED, part, KIND, lot=lot, transaction=source)
    return missing


def _refused(state: WalletState, message: AdjustPoints, context: Context) -> Outcome:
    refused = AdjustmentRefused(
        message.adjustment_id, message.points, message.maker, message.checker
    )
    return Decision(state, events=(refused,), documents=(_noted(message, REFUSED, context),))


def _noted(message: AdjustPoints, status: str, context: Context) -> Put:
    """What is said of it when somebody asks; why stands sealed in the event alone."""
    fields = {"status": status, "checker": message.checker, "decided_at": context.now}
    return Put(ADJUSTMENTS, message.adjustment_id, fields, context.address.key)
