"""The kind `browser_session`, declared to the engine."""

from comptoir.actors.browser_session.machine import MACHINE, REPLIES, SessionState
from comptoir.engine.spec import ActorSpec, Bounds

__all__ = ["browser_session_spec"]


def browser_session_spec(bounds: Bounds) -> ActorSpec[SessionState]:
    """One actor per cookie."""
    return ActorSpec(MACHINE, SessionState, replies=REPLIES, bounds=bounds, dead_queue="dlq:access")
