"""An installation of the app is one person's at a time: the last who signed in there (S44, S60)."""

from comptoir.actors.device.machine import MACHINE, DeviceState, Phase
from comptoir.actors.device.messages import ClaimDevice, ReleaseDevice, device_at
from comptoir.actors.notification.messages import LoseDevice
from comptoir.engine import Address, Decision, Message, Outgoing
from comptoir.engine.machine import Context

AT = device_at("token-of-phone")


def decide(state: DeviceState, message: Message) -> Decision[DeviceState]:
    """What the installation's actor decides."""
    found = MACHINE.decide(state, message, Context(AT, 1, 1))
    assert isinstance(found, Decision)
    return found


def test_it_moves_to_whoever_signs_in_there() -> None:
    """S44: the one before hears of it, by the name that they had for it."""
    first = decide(DeviceState(Phase.FREE), ClaimDevice("anne", "d1"))
    assert first.messages == ()
    second = decide(first.state, ClaimDevice("bert", "phone"))
    lost = LoseDevice("d1", AT.key)
    assert second.messages == (Outgoing(Address("notification", "anne"), lost),)
    assert second.state == DeviceState(Phase.HELD, "bert", "phone")


def test_said_again_it_changes_nothing() -> None:
    """S44: an app registers at each start."""
    held = DeviceState(Phase.HELD, "anne", "d1")
    assert decide(held, ClaimDevice("anne", "d1")) == Decision(held)


def test_only_who_has_it_gives_it_back() -> None:
    """S44: the last word of the one before comes late."""
    held = DeviceState(Phase.HELD, "bert", "phone")
    assert decide(held, ReleaseDevice("anne")).state is held
    assert decide(held, ReleaseDevice("bert")).state == DeviceState(Phase.FREE)
    assert decide(DeviceState(Phase.FREE), ReleaseDevice("bert")).state.phase is Phase.FREE


def test_its_key_says_nothing_of_the_token() -> None:
    """S59: the token opens a way to a device; its digest does not."""
    assert AT.kind == "device"
    assert "token" not in AT.key
    assert AT == device_at("token-of-phone") != device_at("token-of-tablet")
