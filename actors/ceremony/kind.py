"""The kind `ceremony`, declared to the engine."""

from comptoir.actors.ceremony.machine import MACHINE, REPLIES, CeremonyState
from comptoir.engine.spec import ActorSpec, Bounds

__all__ = ["ceremony_spec"]


def ceremony_spec(bounds: Bounds) -> ActorSpec[CeremonyState]:
    """One actor per ceremony."""
    return ActorSpec(
        MACHINE, CeremonyState, replies=REPLIES, bounds=bounds, dead_queue="dlq:access"
    )
