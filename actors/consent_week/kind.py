"""The kind `consent_week`, declared to the engine."""

from comptoir.actors.consent_week.machine import MACHINE, REPLIES, WeekState
from comptoir.engine.spec import ActorSpec, Bounds

__all__ = ["consent_week_spec"]


def consent_week_spec(bounds: Bounds) -> ActorSpec[WeekState]:
    """One actor per week."""
    return ActorSpec(
        MACHINE, WeekState, replies=REPLIES, bounds=bounds, dead_queue="dlq:connections"
    )
