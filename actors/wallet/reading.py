"""What a wallet reads of its own committed rows before it decides on a refund or a release.

Rule: only rows that nobody but this wallet writes, so that what is found is still true when the
decision is taken (engine/spec.py, Lookup).
"""

from collections.abc import Callable
from typing import Any

from comptoir.actors.wallet.machine import MACHINE
from comptoir.actors.wallet.messages import TRANSACTIONS, ClawBack, ReleasePoints, document_key
from comptoir.actors.wallet.state import RefundFacts, WalletState
from comptoir.engine.journal import Decided, Journal, Lot
from comptoir.engine.spec import ActorSpec, Bounds
from comptoir.engine.values import Address

__all__ = ["wallet_spec"]

TAGGED_MAX = 20
"""How many purchases of one amount at one partner are looked at for the one that was refunded."""
OTHERS_MAX = 1000
"""Open lots that one refund may fall back on, when its own lot is used up."""


async def _purchase_of(journal: Journal, address: Address, message: ClawBack) -> RefundFacts:
    """The purchase that a refund names, or else the newest like it that is not refunded."""
    owner = address.key
    if message.original_id:
        keys = [document_key(message.provider, message.original_id)]
    else:
        tagged = await journal.lots(owner, tag=message.tag, limit=TAGGED_MAX)
        keys = [document_key(message.provider, lot.source) for lot in tagged]
    found = await journal.documents(TRANSACTIONS, keys)
    for key in keys:
        purchase = found.get(key)
        if purchase is None or purchase["user_id"] != owner:
            continue
        if message.original_id or not purchase.get("refunded_cents"):
            return await _with_lots(journal, owner, key, purchase)
    return RefundFacts()


async def _with_lots(
    journal: Journal, owner: str, key: str, purchase: dict[str, Any]
) -> RefundFacts:
    lot = await _lot(journal, owner, purchase.get("lot_id"))
    others: tuple[Lot, ...] = ()
    if purchase.get("points") and (lot is None or lot.remaining < int(purchase["points"])):
        open_lots = await journal.lots(owner, open_only=True, limit=OTHERS_MAX)
        others = tuple(one for one in open_lots if lot is None or one.id != lot.id)
    return RefundFacts(key, purchase, lot, others)


async def _lot(journal: Journal, owner: str, lot_id: str | None) -> Lot | None:
    found = [] if lot_id is None else await journal.lots(owner, lot=lot_id)
    return found[0] if found else None


async def _held_lot(journal: Journal, address: Address, message: ReleasePoints) -> RefundFacts:
    """The lot whose hold has ended."""
    owner = address.key
    lot = await _lot(journal, owner, message.lot_id)
    found = await journal.documents(TRANSACTIONS, [message.key])
    return RefundFacts(message.key, found.get(message.key, {}), lot)


def wallet_spec(bounds: Bounds, measure: Callable[[Decided], None]) -> ActorSpec[WalletState]:
    """The kind `wallet`."""
    return ActorSpec(
        MACHINE,
        WalletState,
        lookups={ClawBack: _purchase_of, ReleasePoints: _held_lot},
        bounds=bounds,
        dead_queue="dlq:points",
        measure=measure,
    )
