"""The kind `card`, declared to the engine."""

from comptoir.actors.card.machine import MACHINE, CardState
from comptoir.engine.spec import ActorSpec, Bounds

__all__ = ["card_spec"]


def card_spec(bounds: Bounds) -> ActorSpec[CardState]:
    """One actor per card."""
    return ActorSpec(
        MACHINE,
        CardState,
        bounds=bounds,
        dead_queue="dlq:connections",
    )
