"""What goes with a file: its case, its invitation with whoever is in by it, its contract (X13, E13; adr/0063)."""

from typing import Any

import msgspec
import pytest

from comptoir.actors.browser_session.messages import EndSession
from comptoir.actors.erasure.messages import BeginErasure, Sealed
from comptoir.actors.gateways.document_messages import DeleteObject
from comptoir.actors.gateways.signing_messages import VoidEnvelope
from comptoir.actors.invitation import machine as invitation
from comptoir.actors.invitation.messages import ForgetInvitation
from comptoir.actors.kyc.messages import ForgetCase, RescreenCase
from comptoir.actors.kyc.state import CaseForgotten, KycState, Phase
from comptoir.actors.review.messages import WithdrawReview
from comptoir.actors.signature import state as signature
from comptoir.actors.signature.machine import MACHINE as SIGNATURE
from comptoir.actors.signature.messages import ForgetContract
from comptoir.actors.signature.terms import SIGNING_TERMS, SigningTerms
from comptoir.engine import Address, Decision, Outgoing, State
from comptoir.engine.machine import Context
from tests.actors.assessed import DECIDED, FOUND_LATE, IMPOSSIBLE, WAITING, step
from tests.actors.signed import NOW, SENT, STATES

NUMBER = "ONB-2026-00001"


def gone(state: State) -> Decision[Any]:
    """A contract's answer to the end of its file."""
    context = Context(Address("signature", NUMBER), NOW, 1, {SIGNING_TERMS: SigningTerms()})
    found = SIGNATURE.decide(state, ForgetContract(), context)  # type: ignore[arg-type]
    assert isinstance(found, Decision)
    return found


@pytest.mark.parametrize("state", [WAITING, *DECIDED])
def test_a_case_is_as_if_it_had_never_been(state: KycState) -> None:
    """X13, E13: in whatever phase; it is listed as over, and what still comes to it changes nothing."""
    over = step(state, ForgetCase())
    assert (over.state, over.events) == (KycState(Phase.NONE), (CaseForgotten(),))
    assert [(one.collection, one.fields) for one in over.documents] == [("kyc", {"over": True})]
    looked_at = [x for x in over.messages if isinstance(x.message, WithdrawReview)]
    wanted = Outgoing(Address("review", NUMBER), WithdrawReview(state.reviews))
    assert looked_at == ([wanted] if state.phase is Phase.HELD else []), "nobody has to look"
    for late in (RescreenCase("demo", "2"), FOUND_LATE, IMPOSSIBLE, ForgetCase()):
        assert step(over.state, late) == Decision(over.state)


@pytest.mark.parametrize("phase", invitation.Phase)
def test_an_invitation_ends_with_its_session(phase: invitation.Phase) -> None:
    """X13, E13: nothing of the client stays in it; who is in is in no longer, and the keys go of all that they had."""
    inside = phase is invitation.Phase.SIGNED_IN
    session = "5" * 64 if inside or phase is invitation.Phase.AWAITING_CODE else ""
    state = invitation.InvitationState(
        phase, "cli_1", "m@t.example", "+1514", session=session, listing="list", expires_at=NOW + 1
    )
    context = Context(Address("invitation", NUMBER), NOW, 1)
    found = invitation.MACHINE.decide(state, ForgetInvitation(), context)
    assert isinstance(found, Decision)
    assert found.state == invitation.InvitationState(invitation.Phase.ENDED)
    assert found.cancel == ("expiry",)
    *ended, begun = found.messages
    assert [type(x.message) for x in ended] == ([EndSession] if inside else [])
    browser = [Sealed("browser_session", session)] if inside else []
    keys = (Sealed("invitation", NUMBER), *browser, Sealed("sessions", "list"))
    assert begun == Outgoing(Address("erasure", "invitation:onb-2026-00001"), BeginErasure(keys))


@pytest.mark.parametrize("state", STATES)
def test_a_contract_goes_drawn_and_signed(state: signature.SignatureState) -> None:
    """X13, E13: that of every round; said again, nothing is left to go."""
    papers = msgspec.structs.replace(
        state, document_path="f/d", signed_path="f/s", earlier=("f/e",)
    )
    over = gone(papers if state.asked else state)
    assert over.state == signature.SignatureState(signature.Phase.NONE)
    paths = [x.message.path for x in over.messages if isinstance(x.message, DeleteObject)]
    assert paths == (["f/d", "f/s", "f/e"] if state.asked else [])
    assert gone(over.state) == Decision(over.state)


def test_an_envelope_that_is_out_is_voided() -> None:
    """X13: nobody signs a contract of a file that is gone."""
    assert [x for x in gone(SENT).messages if isinstance(x.message, VoidEnvelope)]
