"""A file hears when whoever carries mail has taken its client's link (interface.md 8)."""

import msgspec
import pytest

from comptoir.actors.gateways.messages import NoticeTaken
from comptoir.actors.invitation.machine import MACHINE, InvitationState
from comptoir.actors.invitation.terms import TERMS, Terms
from comptoir.actors.onboarding.messages import ClientReached
from comptoir.engine.decision import Decision, Outgoing
from comptoir.engine.machine import Context
from comptoir.engine.values import Address
from tests.actors.invited import AWAITING, INVITATIONS, INVITE, NOW

FILE = "ONB-2026-00001"
CONTEXT = Context(Address("invitation", FILE), NOW, 7, {TERMS: Terms(mail=True, sms=True)})


def taken(state: InvitationState) -> tuple[Outgoing, ...]:
    """What goes out when a party has taken something."""
    found = MACHINE.decide(state, NoticeTaken("n"), CONTEXT)
    assert isinstance(found, Decision)
    return found.messages


@pytest.mark.parametrize("tells", [True, False])
def test_the_file_is_told_that_its_link_is_on_its_way(tells: bool) -> None:
    """S13: INITIATED ends then; an invitation that no file asked for tells nobody."""
    asked = MACHINE.decide(INVITATIONS[0], msgspec.structs.replace(INVITE, tells=tells), CONTEXT)
    assert isinstance(asked, Decision)
    told = (Outgoing(Address("onboarding", FILE), ClientReached()),)
    assert taken(asked.state) == (told if tells else ())


def test_of_a_code_the_file_hears_nothing() -> None:
    """S34: what is on its way after the link was used is a code."""
    assert taken(msgspec.structs.replace(AWAITING, tells=True)) == ()
