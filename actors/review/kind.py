"""The kind `review`, declared to the engine."""

from collections.abc import Callable

from comptoir.actors.counting import counted
from comptoir.actors.review.counting import tell
from comptoir.actors.review.machine import MACHINE, REPLIES
from comptoir.actors.review.state import ReviewState
from comptoir.engine.journal import Decided
from comptoir.engine.spec import ActorSpec, Bounds

__all__ = ["review_spec"]


def review_spec(bounds: Bounds, measure: Callable[[Decided], None]) -> ActorSpec[ReviewState]:
    """One actor per file that a person has to look at."""
    return ActorSpec(
        counted(MACHINE, tell),
        ReviewState,
        replies=REPLIES,
        bounds=bounds,
        dead_queue="dlq:onboarding",
        measure=measure,
    )
