"""The machine of an installation: it is one person's at a time, and the last who signed in there has it.

Rule: what tells two installations apart is the push token, which only they and FCM know: whoever shows it
sits there. The ids that apps give themselves would not do, since another could name them to take one away.

Source: spec.md S44, S60; adr/0044.
"""

from enum import Enum

from comptoir.actors.device.messages import KIND, ClaimDevice, ReleaseDevice
from comptoir.actors.gateways.messages import NOTIFICATION
from comptoir.actors.notification.messages import LoseDevice
from comptoir.engine import Address, Decision, Outgoing, State
from comptoir.engine.machine import Context, Machine, row

__all__ = ["MACHINE", "DeviceState", "Phase"]


class Phase(Enum):
    """Whether somebody has it."""

    FREE = "free"
    HELD = "held"


class DeviceState(State, frozen=True):
    """Sealed at rest; the token is not in it, only a digest of it is the actor's key."""

    phase: Phase
    user_id: str = ""
    device_id: str = ""
    """As its person's app names it."""


Outcome = Decision[DeviceState]


def _claim(_state: DeviceState, message: ClaimDevice, _context: Context) -> Outcome:
    return Decision(DeviceState(Phase.HELD, message.user_id, message.device_id))


def _claim_anew(state: DeviceState, message: ClaimDevice, context: Context) -> Outcome:
    """Whoever had it, or the name by which they had it, loses it."""
    held = DeviceState(Phase.HELD, message.user_id, message.device_id)
    if held == state:
        return Decision(state)
    lost = LoseDevice(state.device_id, context.address.key)
    return Decision(held, messages=(Outgoing(Address(NOTIFICATION, state.user_id), lost),))


def _release(state: DeviceState, message: ReleaseDevice, _context: Context) -> Outcome:
    """Only who has it gives it back: the last word of another may come late."""
    return Decision(DeviceState(Phase.FREE) if message.user_id == state.user_id else state)


def _nothing(state: DeviceState, _message: ReleaseDevice, _context: Context) -> Outcome:
    return Decision(state)


MACHINE: Machine[DeviceState] = Machine(
    KIND,
    phases=Phase,
    messages=(ClaimDevice, ReleaseDevice),
    rows=(
        row(Phase.FREE, ClaimDevice, _claim, Phase.HELD),
        row(Phase.FREE, ReleaseDevice, _nothing, Phase.FREE),
        row(Phase.HELD, ClaimDevice, _claim_anew, Phase.HELD),
        row(Phase.HELD, ReleaseDevice, _release, Phase.FREE, Phase.HELD),
    ),
)
