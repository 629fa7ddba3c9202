"""The kind `onboarding`, declared to the engine."""

from comptoir.actors.counting import counted
from comptoir.actors.onboarding.counting import tell
from comptoir.actors.onboarding.listing import listed
from comptoir.actors.onboarding.machine import MACHINE, REPLIES
from comptoir.actors.onboarding.state import OnboardingState
from comptoir.engine.spec import ActorSpec, Bounds

__all__ = ["onboarding_spec"]


def onboarding_spec(bounds: Bounds) -> ActorSpec[OnboardingState]:
    """One actor per file."""
    return ActorSpec(
        listed(counted(MACHINE, tell)),
        OnboardingState,
        replies=REPLIES,
        bounds=bounds,
        dead_queue="dlq:onboarding",
    )
