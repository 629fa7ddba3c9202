"""The kind `invitation`, declared to the engine."""

from comptoir.actors.invitation.machine import MACHINE, REPLIES, InvitationState
from comptoir.engine.spec import ActorSpec, Bounds

__all__ = ["invitation_spec"]


def invitation_spec(bounds: Bounds) -> ActorSpec[InvitationState]:
    """One actor per onboarding file."""
    return ActorSpec(
        MACHINE, InvitationState, replies=REPLIES, bounds=bounds, dead_queue="dlq:access"
    )
