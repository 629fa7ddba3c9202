"""The kind `sighting`, declared to the engine."""

from comptoir.actors.sighting.machine import MACHINE, REPLIES, SightingState
from comptoir.engine.spec import ActorSpec, Bounds

__all__ = ["sighting_spec"]


def sighting_spec(bounds: Bounds) -> ActorSpec[SightingState]:
    """One actor per content, and one for looks."""
    return ActorSpec(
        MACHINE, SightingState, replies=REPLIES, bounds=bounds, dead_queue="dlq:onboarding"
    )
