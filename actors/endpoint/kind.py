"""The kind `endpoint`, declared to the engine."""

from collections.abc import Callable

from comptoir.actors.endpoint.machine import MACHINE, REPLIES
from comptoir.actors.endpoint.state import EndpointState
from comptoir.engine.journal import Decided
from comptoir.engine.spec import ActorSpec, Bounds

__all__ = ["endpoint_spec"]


def endpoint_spec(bounds: Bounds, measure: Callable[[Decided], None]) -> ActorSpec[EndpointState]:
    """One actor per endpoint."""
    return ActorSpec(MACHINE, EndpointState, replies=REPLIES, bounds=bounds, measure=measure)
