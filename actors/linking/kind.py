"""The kind `linking`, declared to the engine."""

from collections.abc import Callable

from comptoir.actors.linking.machine import MACHINE, REPLIES
from comptoir.actors.linking.state import LinkState
from comptoir.engine.journal import Decided
from comptoir.engine.spec import ActorSpec, Bounds

__all__ = ["linking_spec"]


def linking_spec(bounds: Bounds, measure: Callable[[Decided], None]) -> ActorSpec[LinkState]:
    """One actor per session; `measure` hears of every decision, and so do those who wait for one."""
    return ActorSpec(
        MACHINE,
        LinkState,
        replies=REPLIES,
        measure=measure,
        bounds=bounds,
        dead_queue="dlq:connections",
    )
