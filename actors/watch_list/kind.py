"""The kind `watch_list`, declared to the engine."""

from collections.abc import Callable

from comptoir.actors.watch_list.machine import MACHINE, REPLIES, WatchListState
from comptoir.engine.journal import Decided
from comptoir.engine.spec import ActorSpec, Bounds

__all__ = ["watch_list_spec"]


def watch_list_spec(
    bounds: Bounds, measure: Callable[[Decided], None]
) -> ActorSpec[WatchListState]:
    """One actor per list."""
    return ActorSpec(
        MACHINE,
        WatchListState,
        replies=REPLIES,
        bounds=bounds,
        dead_queue="dlq:onboarding",
        measure=measure,
    )
