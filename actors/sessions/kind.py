"""The kind `sessions`, declared to the engine."""

from comptoir.actors.sessions.machine import MACHINE, REPLIES, SessionsState
from comptoir.engine.spec import ActorSpec, Bounds

__all__ = ["sessions_spec"]


def sessions_spec(bounds: Bounds) -> ActorSpec[SessionsState]:
    """One actor per person who signs in here, staff or client."""
    return ActorSpec(
        MACHINE, SessionsState, replies=REPLIES, bounds=bounds, dead_queue="dlq:access"
    )
