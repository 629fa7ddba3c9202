"""The kind `reconciliation`, declared to the engine."""

from collections.abc import Callable

from comptoir.actors.reconciliation.machine import MACHINE, REPLIES, ReconciliationState
from comptoir.engine.journal import Decided
from comptoir.engine.spec import ActorSpec, Bounds

__all__ = ["reconciliation_spec"]


def reconciliation_spec(
    bounds: Bounds, measure: Callable[[Decided], None]
) -> ActorSpec[ReconciliationState]:
    """One actor per source."""
    return ActorSpec(
        MACHINE,
        ReconciliationState,
        replies=REPLIES,
        bounds=bounds,
        dead_queue="dlq:withdrawals",
        measure=measure,
    )
