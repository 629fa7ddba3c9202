"""The kind `signature`, declared to the engine."""

from collections.abc import Callable

from comptoir.actors.signature.machine import MACHINE, REPLIES
from comptoir.actors.signature.state import SignatureState
from comptoir.engine.journal import Decided
from comptoir.engine.spec import ActorSpec, Bounds

__all__ = ["signature_spec"]


def signature_spec(bounds: Bounds, measure: Callable[[Decided], None]) -> ActorSpec[SignatureState]:
    """One actor per file."""
    return ActorSpec(
        MACHINE,
        SignatureState,
        replies=REPLIES,
        bounds=bounds,
        dead_queue="dlq:onboarding",
        measure=measure,
    )
