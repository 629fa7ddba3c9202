"""The kind `claim`, declared to the engine."""

from collections.abc import Callable

from comptoir.actors.claim.machine import MACHINE, REPLIES, ClaimState
from comptoir.engine.journal import Decided
from comptoir.engine.spec import ActorSpec, Bounds

__all__ = ["claim_spec"]


def claim_spec(
    bounds: Bounds, measure: Callable[[Decided], None] | None = None
) -> ActorSpec[ClaimState]:
    """One actor per claim."""
    return ActorSpec(
        MACHINE,
        ClaimState,
        replies=REPLIES,
        bounds=bounds,
        dead_queue="dlq:transactions",
        measure=measure,
    )
