"""The kind `consent`, declared to the engine."""

from comptoir.actors.consent.machine import MACHINE, REPLIES, ConsentState
from comptoir.engine.spec import ActorSpec, Bounds

__all__ = ["consent_spec"]


def consent_spec(bounds: Bounds) -> ActorSpec[ConsentState]:
    """One actor per person."""
    return ActorSpec(MACHINE, ConsentState, replies=REPLIES, bounds=bounds, dead_queue="dlq:access")
