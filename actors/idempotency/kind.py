"""The kind `idempotency`, declared to the engine."""

from comptoir.actors.idempotency.machine import MACHINE, REPLIES, IdempotencyState
from comptoir.engine.spec import ActorSpec, Bounds

__all__ = ["idempotency_spec"]


def idempotency_spec(bounds: Bounds) -> ActorSpec[IdempotencyState]:
    """One actor per caller."""
    return ActorSpec(MACHINE, IdempotencyState, replies=REPLIES, bounds=bounds)
