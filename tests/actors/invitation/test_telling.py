"""A file hears when whoever carries mail has taken its client's link (interface.md 8)."""

import msgspec
import pytest

from comptoir.actors.gateways.messages import NoticeTaken, SendMail, SendSms
from comptoir.actors.invitation.machine import MACHINE, InvitationState, Phase
from comptoir.actors.invitation.terms import TERMS, Terms
from comptoir.actors.onboarding.messages import ClientReached
from comptoir.engine.decision import Decision, Outgoing
from comptoir.engine.machine import Context
from comptoir.engine.values import Address, Message
from tests.actors.invited import ENTER, INVITATIONS, INVITE, NOW, USE

FILE = "ONB-2026-00001"
CONTEXT = Context(Address("invitation", FILE), NOW, 7, {TERMS: Terms(mail=True, sms=True)})


TOLD = (Outgoing(Address("onboarding", FILE), ClientReached()),)


def sent(decision: Decision[InvitationState]) -> str:
    """The reference of the notice that goes out."""
    (reference,) = (
        one.message.reference
        for one in decision.messages
        if isinstance(one.message, SendMail | SendSms)
    )
    return reference


def decide(state: InvitationState, message: Message) -> Decision[InvitationState]:
    """What comes of it."""
    found = MACHINE.decide(state, message, CONTEXT)
    assert isinstance(found, Decision)
    return found


def taken(state: InvitationState, reference: str) -> tuple[Outgoing, ...]:
    """What goes out when a party has taken something."""
    return decide(state, NoticeTaken(reference)).messages


@pytest.mark.parametrize("tells", [True, False])
def test_the_file_is_told_that_its_link_is_on_its_way(tells: bool) -> None:
    """S13: INITIATED ends then; an invitation that no file asked for tells nobody."""
    asked = decide(INVITATIONS[0], msgspec.structs.replace(INVITE, tells=tells))
    assert taken(asked.state, sent(asked)) == (TOLD if tells else ())


def test_the_file_is_told_of_a_link_that_was_used_before_its_mail() -> None:
    """S13: who has the link from an advisor's screen may be in before a party says that it has taken the mail, and the file
    would stand at INITIATED until its client did something.
    """
    asked = decide(INVITATIONS[0], msgspec.structs.replace(INVITE, tells=True))
    used = decide(asked.state, USE)
    assert taken(used.state, sent(asked)) == TOLD
    inside = decide(used.state, ENTER)
    assert inside.state.phase is Phase.SIGNED_IN
    assert taken(inside.state, sent(asked)) == TOLD


def test_of_a_code_the_file_hears_nothing() -> None:
    """S34: it is no link, whatever the phase."""
    asked = decide(INVITATIONS[0], msgspec.structs.replace(INVITE, tells=True))
    used = decide(asked.state, USE)
    for state in (asked.state, used.state, decide(used.state, ENTER).state):
        assert taken(state, sent(used)) == ()
