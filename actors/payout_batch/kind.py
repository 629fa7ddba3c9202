"""The kind `payout_batch`, declared to the engine.

Rule: what a batch reads before it decides are its own rows, which nobody else writes.
"""

from collections.abc import Callable
from typing import Any

from comptoir.actors.payout_batch.machine import MACHINE, REPLIES
from comptoir.actors.payout_batch.messages import ROWS, LeaveBatch, WalkOn, row_key
from comptoir.actors.payout_batch.state import BatchState
from comptoir.actors.payout_batch.walk import PAGE_ROWS
from comptoir.engine.journal import Decided, Journal
from comptoir.engine.spec import ActorSpec, Bounds
from comptoir.engine.values import Address

__all__ = ["payout_batch_spec"]


async def _row(journal: Journal, address: Address, message: LeaveBatch) -> dict[str, Any] | None:
    """The row that is to leave."""
    key = row_key(address.key, message.reference)
    return (await journal.documents(ROWS, [key])).get(key)


async def _page(
    journal: Journal, address: Address, message: WalkOn
) -> list[tuple[str, dict[str, Any]]]:
    """The next rows."""
    found = await journal.scan(ROWS, message.after, PAGE_ROWS)
    mine = row_key(address.key)
    return [one for one in found if one[0].startswith(mine)]


def payout_batch_spec(bounds: Bounds, measure: Callable[[Decided], None]) -> ActorSpec[BatchState]:
    """One actor per batch."""
    return ActorSpec(
        MACHINE,
        BatchState,
        replies=REPLIES,
        lookups={LeaveBatch: _row, WalkOn: _page},
        bounds=bounds,
        dead_queue="dlq:withdrawals",
        measure=measure,
    )
