"""The kind `feed`, declared to the engine."""

from collections.abc import Callable

from comptoir.actors.feed.machine import MACHINE, REPLIES, FeedState
from comptoir.engine.journal import Decided
from comptoir.engine.spec import ActorSpec, Bounds

__all__ = ["feed_spec"]


def feed_spec(bounds: Bounds, measure: Callable[[Decided], None]) -> ActorSpec[FeedState]:
    """One actor."""
    return ActorSpec(MACHINE, FeedState, replies=REPLIES, bounds=bounds, measure=measure)
