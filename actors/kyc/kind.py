"""The kind `kyc`, declared to the engine."""

from collections.abc import Callable

from comptoir.actors.counting import counted
from comptoir.actors.kyc.counting import tell
from comptoir.actors.kyc.machine import MACHINE, REPLIES
from comptoir.actors.kyc.state import KycState
from comptoir.engine.journal import Decided
from comptoir.engine.spec import ActorSpec, Bounds

__all__ = ["kyc_spec"]


def kyc_spec(bounds: Bounds, measure: Callable[[Decided], None]) -> ActorSpec[KycState]:
    """One actor per file."""
    return ActorSpec(
        counted(MACHINE, tell), KycState, replies=REPLIES, bounds=bounds, dead_queue="dlq:onboarding",
        measure=measure,
    )  # fmt: skip
