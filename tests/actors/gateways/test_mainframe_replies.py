"""A reply counts for whom its correlation names, and only where its record names the same (X10, E11)."""

from typing import Any

import pytest

from comptoir.actors.gateways.account_record import AccountReply, reply_of
from comptoir.actors.gateways.core_messages import PublishEvent, ReplyTaken
from comptoir.actors.gateways.mainframe import mainframe_gateway
from comptoir.engine.gateway_spec import CallContext, CallFault, Forwarded, GatewayBounds
from tests.actors.purchases import NOW

NOWHERE: Any = None
PAGE = "cp500"
FILE, OTHER = "ONB-2026-00001", "ONB-2026-00002"


async def _read(correlation: str, client: str) -> Forwarded:
    spec = mainframe_gateway(NOWHERE, PAGE, GatewayBounds())
    record = reply_of(AccountReply(client, "created", "ACC00000001"), PAGE)
    said = await spec.operations[ReplyTaken].call(
        ReplyTaken(correlation, record), CallContext(NOW, 1, "k")
    )
    assert isinstance(said, Forwarded)
    return said


async def test_a_reply_under_its_own_correlation_counts() -> None:
    """X10: the record and the correlation name one client."""
    assert FILE in str((await _read(f"{FILE}:1", FILE)).message)


@pytest.mark.parametrize(
    ("correlation", "code"),
    [(f"{OTHER}:1", "REPLY_CROSSED"), ("ACCT-17", "CORRELATION_FOREIGN"), (":1", "CORRELATION_FOREIGN")],
)  # fmt: skip
async def test_a_reply_under_anothers_is_a_dead_letter(correlation: str, code: str) -> None:
    """E11: for good: an account that was made for one is never another's."""
    with pytest.raises(CallFault) as fault:
        await _read(correlation, FILE)
    assert (fault.value.code, fault.value.retryable) == (code, False)


@pytest.mark.parametrize(
    ("name", "outcome", "event"),
    [
        ("u1", "created", "PROFILE_UPDATED"), ("u1", "refused", "PROFILE_REFUSED"), ("u1", "absent", "PROFILE_REFUSED"),
        ("u1.2", "created", "ADDRESS_CONFIRMED"), ("u1.2", "absent", "ADDRESS_DIFFERS"), ("u1.2", "failed", "ACCOUNT_UNKNOWN"),
        ("u1.2", "refused", "REPLY_STATUS_UNEXPECTED"),
    ],
)  # fmt: skip
async def test_a_look_for_a_correction_refuses_nothing(name: str, outcome: Any, event: str) -> None:
    """S33, X10: that the client lives elsewhere is no refusal of the correction, and no word on the account; a status that no inquiry has is a dead letter."""
    number = "ACC00000001" if outcome == "created" else ""
    record = reply_of(AccountReply(FILE, outcome, number), PAGE)
    assert await _event_of(ReplyTaken(f"{FILE}:{name}", record)) == event


async def _event_of(taken: ReplyTaken) -> str:
    """The event that a reply becomes, or why it is a dead letter."""
    spec = mainframe_gateway(NOWHERE, PAGE, GatewayBounds())
    try:
        said = await spec.operations[ReplyTaken].call(taken, CallContext(NOW, 1, "k"))
    except CallFault as fault:
        return fault.code
    assert isinstance(said, Forwarded)
    assert isinstance(said.message, PublishEvent)
    return said.message.event
