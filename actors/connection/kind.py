"""The kind `connection`, declared to the engine."""

from collections.abc import Callable

from comptoir.actors.connection.machine import MACHINE, REPLIES, ConnectionState
from comptoir.engine.journal import Decided
from comptoir.engine.spec import ActorSpec, Bounds

__all__ = ["connection_spec"]


def connection_spec(
    bounds: Bounds, measure: Callable[[Decided], None]
) -> ActorSpec[ConnectionState]:
    """One actor per bank connection."""
    return ActorSpec(
        MACHINE,
        ConnectionState,
        replies=REPLIES,
        bounds=bounds,
        dead_queue="dlq:transactions",
        measure=measure,
    )
