"""The kind `authorization_code`, declared to the engine."""

from comptoir.actors.authorization_code.machine import MACHINE, REPLIES, CodeState
from comptoir.engine.spec import ActorSpec, Bounds

__all__ = ["authorization_code_spec"]


def authorization_code_spec(bounds: Bounds) -> ActorSpec[CodeState]:
    """One actor per code."""
    return ActorSpec(MACHINE, CodeState, replies=REPLIES, bounds=bounds, dead_queue="dlq:access")
