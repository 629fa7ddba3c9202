"""The kind `notification`, declared to the engine."""

from comptoir.actors.notification.machine import MACHINE, REPLIES
from comptoir.actors.notification.state import NotificationState
from comptoir.engine.spec import ActorSpec, Bounds

__all__ = ["notification_spec"]


def notification_spec(bounds: Bounds) -> ActorSpec[NotificationState]:
    """One actor per person who may be told something."""
    return ActorSpec(
        MACHINE, NotificationState, replies=REPLIES, bounds=bounds, dead_queue="dlq:notifications"
    )
