"""The kind `device`, declared to the engine."""

from comptoir.actors.device.machine import MACHINE, DeviceState
from comptoir.engine.spec import ActorSpec, Bounds

__all__ = ["device_spec"]


def device_spec(bounds: Bounds) -> ActorSpec[DeviceState]:
    """One actor per installation of the app."""
    return ActorSpec(MACHINE, DeviceState, bounds=bounds, dead_queue="dlq:notifications")
