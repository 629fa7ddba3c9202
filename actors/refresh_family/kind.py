"""The kind `refresh_family`, declared to the engine."""

from comptoir.actors.refresh_family.machine import MACHINE, REPLIES, FamilyState
from comptoir.engine.spec import ActorSpec, Bounds

__all__ = ["refresh_family_spec"]


def refresh_family_spec(bounds: Bounds) -> ActorSpec[FamilyState]:
    """One actor per sign-in."""
    return ActorSpec(MACHINE, FamilyState, replies=REPLIES, bounds=bounds, dead_queue="dlq:access")
