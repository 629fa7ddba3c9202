"""The kind `erasure`, declared to the engine."""

from comptoir.actors.erasure.machine import MACHINE, REPLIES, ErasureState
from comptoir.engine.spec import ActorSpec

__all__ = ["erasure_spec"]


def erasure_spec() -> ActorSpec[ErasureState]:
    """One actor per person who is erased."""
    return ActorSpec(MACHINE, ErasureState, replies=REPLIES, dead_queue="dlq:access")
