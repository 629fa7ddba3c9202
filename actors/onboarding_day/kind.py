"""The kind `onboarding_day`, declared to the engine."""

from collections.abc import Callable

from comptoir.actors.onboarding_day.machine import MACHINE, REPLIES, DayState
from comptoir.engine.journal import Decided
from comptoir.engine.spec import ActorSpec, Bounds

__all__ = ["onboarding_day_spec"]


def onboarding_day_spec(bounds: Bounds, measure: Callable[[Decided], None]) -> ActorSpec[DayState]:
    """One actor per day."""
    return ActorSpec(
        MACHINE,
        DayState,
        replies=REPLIES,
        bounds=bounds,
        dead_queue="dlq:onboarding",
        measure=measure,
    )
