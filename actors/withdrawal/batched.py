"""The rows by which a withdrawal is paid by a batch: it waits there, may leave it, and is paid by what was closed.

The rule: where it is queued nothing has left, and so nothing is believed that is said of its payment; whether it
may still be kept back its batch decides.
Source: spec.md S50, X25 to X27; docs/payouts.md; adr/0043.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from comptoir.actors.cutoffs import Cutoffs, batch_id
from comptoir.actors.payout_batch.messages import KIND as BATCH
from comptoir.actors.payout_batch.messages import JoinBatch, LeaveBatch
from comptoir.actors.withdrawal.messages import (
    BatchClosed,
    BatchJoined,
    Order,
    PaymentInitiated,
    TakenFromBatch,
)
from comptoir.actors.withdrawal.outcome import Phase
from comptoir.engine import Address, Decision, Outgoing
from comptoir.engine.machine import Context, Row, row

__all__ = ["BATCHED", "batch_rows", "joining", "leaving"]

BATCHED: Final = (BatchJoined, BatchClosed, TakenFromBatch)
"""What a batch says."""
Moved = Callable[[Any, Phase, Context], Decision[Any]]
Done = Callable[[Any, Context], Decision[Any]]


def joining(order: Order, cutoffs: Cutoffs, context: Context) -> Outgoing:
    """Into the batch of the next cut-off, or whichever it sends it on to."""
    batch = Address(BATCH, batch_id(cutoffs.after(context.now)))
    join = JoinBatch(context.address.key, order.reference, order.net_cents, order.currency)
    return Outgoing(batch, join)


def leaving(batch: str, order: Order, context: Context) -> tuple[Outgoing, ...]:
    """What is held is not paid, if it can still be kept back."""
    leave = LeaveBatch(context.address.key, order.reference)
    return (Outgoing(Address(BATCH, batch), leave),) if batch else ()


def batch_rows(does: tuple[Moved, Done, Done], begun: tuple[Phase, ...]) -> tuple[Row, ...]:
    """The rows.

    Args:
        does: what the machine does: into a phase, with points and person told; its order leaves; somebody
            speaks of an order that has not left.
        begun: every phase of a withdrawal that there is.
    """
    moved, leaves, mistaken = does

    def joined(state: Any, message: BatchJoined, context: Context) -> Decision[Any]:
        """Where it is held meanwhile, it leaves again."""
        known = msgspec.structs.replace(state, batch=message.batch)
        if state.phase is Phase.QUEUED:
            return Decision(known)
        return Decision(known, messages=leaving(message.batch, state.order, context))

    def closed(state: Any, _message: BatchClosed, context: Context) -> Decision[Any]:
        return leaves(state, context)

    def left(state: Any, _message: TakenFromBatch, context: Context) -> Decision[Any]:
        return moved(msgspec.structs.replace(state, batch=""), Phase.CANCELLED, context)

    def early(state: Any, _message: PaymentInitiated, context: Context) -> Decision[Any]:
        return mistaken(state, context)

    def nothing(state: Any, _message: object, _context: Context) -> Decision[Any]:
        """It is held, or was settled by hand, before its batch knew."""
        return Decision(state)

    return (
        row(Phase.QUEUED, BatchClosed, closed, Phase.INITIATING),
        row(Phase.QUEUED, TakenFromBatch, left, Phase.CANCELLED),
        row(Phase.QUEUED, PaymentInitiated, early, Phase.HELD),
        *(row(phase, BatchJoined, joined, phase) for phase in (Phase.QUEUED, Phase.HELD)),
        *(
            row(phase, message, nothing, phase)
            for phase in begun if phase is not Phase.QUEUED
            for message in (BatchClosed, TakenFromBatch)
        ),
        *(
            row(phase, BatchJoined, nothing, phase)
            for phase in begun if phase not in (Phase.QUEUED, Phase.HELD)
        ),
    )  # fmt: skip
