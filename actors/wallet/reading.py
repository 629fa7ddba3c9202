"""What a wallet reads of its own committed rows before it decides on a refund, a release or a question.

Rule: only rows that nobody but this wallet writes, so that what is found is still true when the
decision is taken (engine/spec.py, Lookup).
"""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import date
from typing import Any

import msgspec

from comptoir.actors.programme import PROVIDERS
from comptoir.actors.wallet.expiring import ENDED_MAX
from comptoir.actors.wallet.machine import MACHINE, REPLIES
from comptoir.actors.wallet.messages import (
    ADJUSTMENTS,
    AVAILABLE,
    EXPIRED_POINTS,
    HOLDS,
    STANDS_FOR,
    TAGS,
    TRANSACTIONS,
    AdjustPoints,
    ClawBack,
    DescribeAdjustment,
    ExpirePoints,
    HoldPoints,
    MovePoints,
    ProposeAdjustment,
    ReleasePoints,
    Restate,
    TakeBack,
    TellStanding,
    document_key,
)
from comptoir.actors.wallet.purchase import told_of
from comptoir.actors.wallet.state import (
    AdjustmentFacts,
    ExpiryFacts,
    HoldFacts,
    RefundFacts,
    WalletState,
)
from comptoir.engine.journal import Decided, Journal, Lot
from comptoir.engine.spec import ActorSpec, Bounds
from comptoir.engine.values import Address

__all__ = ["wallet_spec"]

TAGGED_MAX = 20
"""How many purchases of one amount at one partner are looked at for the one that was refunded."""
TWINS_MAX = 500
"""Purchases of one amount at one partner among which one that was told before is looked for: of years, one a
day. The newest are looked at.
"""
TWIN_DAYS = 5
"""A pending purchase and its booked twin are of days so far apart at most: a card's purchase is booked within
two or three working days.
"""
LOTS_FIRST = 256
"""Lots that a debit reads at first: mostly it is of fewer, however many there are."""
LOTS_MAX = 10_000
"""Lots that one debit may be of, and it is one transaction: of twenty-seven years of a purchase a day."""
ENDINGS_MAX = 1000
"""Days on which points end that are looked at: beyond the next thousand nothing is due yet."""
OTHERS_MAX = 1000
"""Open lots that one refund may fall back on, when its own lot is used up."""


async def _purchase_of(journal: Journal, address: Address, message: ClawBack) -> RefundFacts:
    """The purchase that a refund names, or else the newest like it that is not refunded."""
    owner = address.key
    if message.original_id:
        return await _named(journal, owner, document_key(message.provider, message.original_id))
    tagged = await journal.lots(owner, tag=message.tag, limit=TAGGED_MAX)
    keys = [document_key(message.provider, lot.source) for lot in tagged]
    corrected = await journal.documents(TAGS, [f"{owner}:{message.tag}"])
    keys = [*dict.fromkeys((*keys, *(key for pointer in corrected.values() for key in pointer)))]
    found = await journal.documents(TRANSACTIONS, keys)
    alike = [
        key
        for key in keys
        if key in found and found[key]["user_id"] == owner and not found[key].get("refunded_cents")
    ]
    if not alike:
        return RefundFacts()
    # By when it earned at first, since a correction opens a younger lot; of one instant the younger lot's, which is
    # the first here.
    key = max(alike, key=lambda one: int(found[one].get("credited_at") or 0))
    return await _with_lots(journal, owner, key, found[key])


async def _named(journal: Journal, owner: str, key: str) -> RefundFacts:
    """The purchase of that id, or the one that it stands for."""
    for _ in range(2):
        purchase = (await journal.documents(TRANSACTIONS, [key])).get(key)
        if purchase is None or purchase["user_id"] != owner:
            return RefundFacts()
        if STANDS_FOR not in purchase:
            return await _with_lots(journal, owner, key, purchase)
        key = str(purchase[STANDS_FOR])
    return RefundFacts()


async def _restated(journal: Journal, address: Address, message: Restate) -> RefundFacts:
    """The purchase as it was told before: under this id already, else under that which it replaces."""
    for identity in (message.credit.transaction_id, message.replaces):
        key = document_key(message.credit.provider, identity)
        found = await _named(journal, address.key, key)
        if told_of(found.purchase):
            by_own = identity == message.credit.transaction_id
            return found if by_own else msgspec.structs.replace(found, twin="replaced")
    return RefundFacts() if message.removed else await _twin(journal, address.key, message)


async def _twin(journal: Journal, owner: str, message: Restate) -> RefundFacts:
    """The purchase that was told under an id of which nobody has said that it is the same: that which it is
    booked for, or that which another link of the account has told. The nearest by its day is taken, and each
    is taken once.
    """
    told = message.credit
    mine = document_key(told.provider, told.transaction_id)
    shown = message.document or (await journal.documents(TRANSACTIONS, [mine])).get(mine, {})
    if "date" not in shown:
        return RefundFacts()
    on = _day(shown)
    best: tuple[int, int, str, str, dict[str, Any]] | None = None
    for number, tag in enumerate((told.tag, *(message.elsewhere or ()))):
        how = "elsewhere" if number else "booked"
        async for key, purchase in _tagged(journal, owner, tag):
            apart = abs(_day(purchase) - on)
            if (
                key != mine
                and purchase["user_id"] == owner
                and _is_twin(purchase, message, how, apart)
            ):
                found = (apart, int(purchase.get("credited_at") or 0), key, how, purchase)
                best = found if best is None else min(best, found, key=lambda one: one[:3])
    if best is None:
        return RefundFacts()
    facts = await _with_lots(journal, owner, best[2], best[4])
    return msgspec.structs.replace(facts, twin=best[3])


async def _tagged(
    journal: Journal, owner: str, tag: str
) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """Documents of the purchases with a tag, by their lots or by a correction."""
    lots = await journal.lots(owner, tag=tag, limit=TWINS_MAX)
    pointers = await journal.documents(TAGS, [f"{owner}:{tag}"])
    keys = {document_key(provider, lot.source) for lot in lots for provider in PROVIDERS}
    keys.update(key for pointer in pointers.values() for key in pointer)
    found = await journal.documents(TRANSACTIONS, sorted(keys))
    for key in sorted(found):
        yield key, found[key]


def _is_twin(purchase: Mapping[str, Any], message: Restate, how: str, apart: int) -> bool:
    told = message.credit
    same = (
        "eligible_cents" in purchase
        and not purchase.get("taken_back")
        and purchase.get("partner_id") == told.partner_id
        and int(purchase["amount_cents"]) == told.amount_cents
    )
    if how == "elsewhere":
        return same and apart == 0 and told.link not in purchase.get("twins", ())
    return (
        same and apart <= TWIN_DAYS and not message.pending and bool(purchase.get("told_pending"))
    )


def _day(purchase: Mapping[str, Any]) -> int:
    """Its day as a number of days."""
    return date.fromisoformat(str(purchase["date"])).toordinal()


async def _taken_back(journal: Journal, address: Address, message: TakeBack) -> RefundFacts:
    """The purchase that never happened."""
    key = document_key(message.provider, message.transaction_id)
    return await _named(journal, address.key, key)


async def _standing(journal: Journal, address: Address, message: TellStanding) -> RefundFacts:
    """The purchase that a claim has had found."""
    report = message.found.report
    key = document_key(report.provider, report.transaction_id)
    return await _named(journal, address.key, key)


async def _with_lots(
    journal: Journal, owner: str, key: str, purchase: dict[str, Any]
) -> RefundFacts:
    lot = await _lot(journal, owner, purchase.get("lot_id"))
    expired = await _expired(journal, f"{owner}:{purchase.get('transaction_id')}")
    others: tuple[Lot, ...] = ()
    if purchase.get("points") and (lot is None or lot.remaining < int(purchase["points"])):
        open_lots = await journal.lots(owner, open_only=True, limit=OTHERS_MAX)
        others = tuple(one for one in open_lots if lot is None or one.id != lot.id)
    return RefundFacts(key, purchase, lot, others, expired)


async def _expired(journal: Journal, key: str) -> int:
    """How many points of a purchase expired."""
    found = await journal.documents(EXPIRED_POINTS, [key])
    return sum(int(points) for points in found.get(key, {}).values())


async def _lot(journal: Journal, owner: str, lot_id: str | None) -> Lot | None:
    found = [] if lot_id is None else await journal.lots(owner, lot=lot_id)
    return found[0] if found else None


async def _held_lot(journal: Journal, address: Address, message: ReleasePoints) -> RefundFacts:
    """The lot whose hold has ended."""
    owner = address.key
    lot = await _lot(journal, owner, message.lot_id)
    found = await journal.documents(TRANSACTIONS, [message.key])
    return RefundFacts(message.key, found.get(message.key, {}), lot)


async def _to_block(
    journal: Journal, address: Address, message: HoldPoints | MovePoints
) -> HoldFacts:
    """What the withdrawal has, and, where something is to be blocked, the lots that it can be taken from."""
    name, owner = message.withdrawal_id, address.key
    hold = (await journal.documents(HOLDS, [name])).get(name, {})
    if isinstance(message, HoldPoints):
        lots = () if hold else await _oldest(journal, owner, message.order.points)
    elif hold.get("place") == AVAILABLE:
        lots = await _oldest(journal, owner, int(hold["points"]))
    elif message.place == AVAILABLE:
        lots = tuple(await journal.lots_named(owner, [lot for lot, _ in hold.get("parts", ())]))
    else:
        lots = ()
    return HoldFacts(hold, lots)


async def _oldest(journal: Journal, owner: str, points: int) -> tuple[Lot, ...]:
    """Open lots for a debit: a few, or all that one may be of where those do not hold twice as much. Twice,
    since some may be held, or past their end with the timer on its way.
    """
    lots = await journal.lots(owner, open_only=True, limit=LOTS_FIRST)
    if len(lots) == LOTS_FIRST and sum(lot.remaining for lot in lots) < 2 * points:
        lots = await journal.lots(owner, open_only=True, limit=LOTS_MAX)
    return tuple(lots)


async def _ends(journal: Journal, address: Address, message: ExpirePoints) -> ExpiryFacts:
    """The lots that end first, and the ends of all; and which of them are held, where any may be."""
    endings = await journal.lots_ending(address.key, ENDINGS_MAX)
    first = await journal.lots_by_end(address.key, ENDED_MAX) if endings else []
    held = await _held(journal, first) if message.behind else frozenset[str]()
    return ExpiryFacts(tuple(first), tuple(endings), held)


async def _held(journal: Journal, lots: list[Lot]) -> frozenset[str]:
    """Ids of lots whose purchase is pending."""
    keys = [document_key(provider, lot.source) for lot in lots for provider in PROVIDERS]
    found = await journal.documents(TRANSACTIONS, keys)
    held = {one["transaction_id"] for one in found.values() if one["status"] == "pending"}
    return frozenset(lot.id for lot in lots if lot.source in held)


async def _adjustment(
    journal: Journal,
    address: Address,
    message: ProposeAdjustment | DescribeAdjustment | AdjustPoints,
) -> AdjustmentFacts:
    """How an adjustment stands, and, where points are to be taken now, from what they can be."""
    name = message.adjustment_id
    noted = (await journal.documents(ADJUSTMENTS, [name])).get(name, {})
    if noted and noted["user_id"] != address.key:
        return AdjustmentFacts()
    if not isinstance(message, AdjustPoints) or message.points > 0:
        return AdjustmentFacts(noted)
    return AdjustmentFacts(noted, await _oldest(journal, address.key, -message.points))


def wallet_spec(bounds: Bounds, measure: Callable[[Decided], None]) -> ActorSpec[WalletState]:
    """The kind `wallet`."""
    return ActorSpec(
        MACHINE,
        WalletState,
        replies=REPLIES,
        lookups={
            AdjustPoints: _adjustment,
            ClawBack: _purchase_of,
            DescribeAdjustment: _adjustment,
            ExpirePoints: _ends,
            HoldPoints: _to_block,
            MovePoints: _to_block,
            ProposeAdjustment: _adjustment,
            ReleasePoints: _held_lot,
            Restate: _restated,
            TakeBack: _taken_back,
            TellStanding: _standing,
        },
        bounds=bounds,
        dead_queue="dlq:points",
        measure=measure,
    )
