"""The kind `approval`, declared to the engine."""

from comptoir.actors.approval.machine import MACHINE, REPLIES, ApprovalState
from comptoir.engine.spec import ActorSpec, Bounds

__all__ = ["approval_spec"]


def approval_spec(bounds: Bounds) -> ActorSpec[ApprovalState]:
    """One actor per proposal."""
    return ActorSpec(
        MACHINE, ApprovalState, replies=REPLIES, bounds=bounds, dead_queue="dlq:access"
    )
