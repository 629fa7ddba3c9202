"""The kind `candidates`, declared to the engine."""

from comptoir.actors.candidates.machine import MACHINE, REPLIES, CandidatesState
from comptoir.engine.spec import ActorSpec, Bounds

__all__ = ["candidates_spec"]


def candidates_spec(bounds: Bounds) -> ActorSpec[CandidatesState]:
    """One actor per user."""
    return ActorSpec(
        MACHINE, CandidatesState, replies=REPLIES, bounds=bounds, dead_queue="dlq:transactions"
    )
