"""The kind `person`, declared to the engine."""

from comptoir.actors.person.machine import MACHINE, REPLIES, PersonState
from comptoir.engine.spec import ActorSpec, Bounds

__all__ = ["person_spec"]


def person_spec(bounds: Bounds) -> ActorSpec[PersonState]:
    """One actor per person who may sign in."""
    return ActorSpec(MACHINE, PersonState, replies=REPLIES, bounds=bounds, dead_queue="dlq:access")
