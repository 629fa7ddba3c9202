"""A change of the mainframe's becomes an event under a name that is its own, and that its reader takes (S33, E11)."""

from typing import Any

import pytest

from comptoir.actors.gateways.bus_wire import event_of, write_event
from comptoir.actors.gateways.core_messages import PublishEvent, ReplyTaken
from comptoir.actors.gateways.mainframe import mainframe_gateway
from comptoir.engine.gateway_spec import CallContext, CallFault, Forwarded, GatewayBounds
from tests.actors.gateways.test_profile_change import AT, record

NOWHERE: Any = None
CONTEXT = CallContext(AT, 1, "k")


async def _read(**parts: str) -> PublishEvent:
    spec = mainframe_gateway(NOWHERE, "cp500", GatewayBounds())
    read = spec.operations[ReplyTaken].call
    said = await read(ReplyTaken("", record(**parts), change=True), CONTEXT)
    assert isinstance(said, Forwarded)
    assert isinstance(said.message, PublishEvent)
    return said.message


async def test_one_change_id_for_several_sequences_is_several_events() -> None:
    """What happens once is a change, by its sequence and its id; the same record again is the same event (S33)."""
    first, again = await _read(sequence="000000001"), await _read(sequence="000000001")
    second = await _read(sequence="000000002")
    other = await _read(sequence="000000002", change="CH00000002")
    assert first == again
    assert len({first.event_id, second.event_id, other.event_id}) == 3


@pytest.mark.parametrize("change", ["CH 1", "\u00c9T\u00c9-1", "CH00000001"])
async def test_whatever_a_change_is_called_its_event_can_be_read(change: str) -> None:
    """A name with a blank or an accent is refused by no reader of ours (S29, S33)."""
    event = await _read(change=change)
    assert event.data["changeId"] == change
    assert event_of(write_event(event)) == event


async def test_a_change_with_control_characters_is_a_dead_letter() -> None:
    """Here, with its reason, and for good (S33, E11)."""
    with pytest.raises(CallFault) as fault:
        await _read(value="MONTR\x00AL")
    assert (fault.value.code, fault.value.retryable) == ("CHANGE_CHARACTER_INVALID", False)
