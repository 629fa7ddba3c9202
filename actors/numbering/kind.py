"""The kind `numbering`, declared to the engine."""

from comptoir.actors.numbering.machine import MACHINE, REPLIES, NumberingState
from comptoir.engine.spec import ActorSpec, Bounds

__all__ = ["numbering_spec"]


def numbering_spec(bounds: Bounds) -> ActorSpec[NumberingState]:
    """One actor per series."""
    return ActorSpec(
        MACHINE, NumberingState, replies=REPLIES, bounds=bounds, dead_queue="dlq:onboarding"
    )
