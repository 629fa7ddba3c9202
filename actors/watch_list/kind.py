"""The kind `watch_list`, declared to the engine."""

from comptoir.actors.watch_list.machine import MACHINE, REPLIES, WatchListState
from comptoir.engine.spec import ActorSpec, Bounds

__all__ = ["watch_list_spec"]


def watch_list_spec(bounds: Bounds) -> ActorSpec[WatchListState]:
    """One actor per list."""
    return ActorSpec(
        MACHINE, WatchListState, replies=REPLIES, bounds=bounds, dead_queue="dlq:onboarding"
    )
