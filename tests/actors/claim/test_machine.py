"""A claim's machine: who may grant what, and what stays of it (E9)."""

import msgspec
import pytest

from comptoir.actors.claim.machine import MACHINE, ClaimState, Phase
from comptoir.actors.claim.messages import (
    CASES,
    COLLECTION,
    ClaimDescribed,
    Claimed,
    GrantClaim,
    OpenClaim,
    RefuseClaim,
    Verdict,
    place_of,
)
from comptoir.actors.connection.messages import GrantPurchase
from comptoir.actors.merchants import Builder, Partner
from comptoir.actors.merchants.messages import CATALOGUE
from comptoir.actors.merchants.partner import followed
from comptoir.engine.decision import Decision, Refusal
from comptoir.engine.machine import Context
from comptoir.engine.values import Address
from tests.actors.claiming import CLAIMED, NOW, REPORT

ME = Address("claim", "clm_1")
OPEN = ClaimState(Phase.OPEN, "u1", Verdict.NOT_MATCHED, ("label reads: x",), CLAIMED, NOW - 5)


def decide(state: ClaimState, message: object) -> Decision[ClaimState] | Refusal:
    """Let it decide, among a partner whose rate changed, and one whose agreement had ended."""
    builder = Builder(1)
    now = Partner(id="p1", name="Elsewhere", rate_bp=900, valid_from="2026-11-22")
    builder.add(
        [
            followed(Partner(id="p1", name="Elsewhere", rate_bp=300), now),
            Partner(id="over", name="Over", valid_to="2026-11-20"),
        ]
    )
    context = Context(ME, NOW, 2, {CATALOGUE: builder.build()})
    return MACHINE.decide(state, message, context)  # type: ignore[arg-type]  # one of its own


def test_a_grant_takes_the_partner_as_it_was_on_the_day() -> None:
    """E9: the purchase's day decides the rate; the order goes out with the decision; the case names nobody."""
    decision = decide(OPEN, GrantClaim("m.durand", "p1"))
    assert isinstance(decision, Decision)
    (sent,) = decision.messages
    assert sent.target == Address("connection", "link-1")
    assert isinstance(sent.message, GrantPurchase)
    assert (sent.message.partner.rate_bp, sent.message.partner.earlier) == (300, ())
    assert (sent.message.report, sent.message.claim) == (REPORT, "clm_1")
    listed, case = decision.documents
    assert (listed.collection, listed.key, listed.fields) == (
        COLLECTION, place_of(NOW - 5, "clm_1"), {"waits": False},
    )  # fmt: skip
    assert (case.collection, case.owner) == (CASES, "")
    assert case.fields == {
        "label": "CHEZ VOUS LYON", "mcc": "5812", "country": "", "partner": "p1",
        "note": "a claim that was granted",
    }  # fmt: skip
    reply = decision.reply
    assert isinstance(reply, ClaimDescribed)
    assert (reply.status, reply.partner_id, reply.maker) == ("granted", "p1", "m.durand")


def test_a_case_has_no_card_number() -> None:
    """S58: what looks like a whole card number is in no case."""
    report = msgspec.structs.replace(REPORT, merchant_name="SHOP 4970 1234 5678 9012 LYON")
    state = msgspec.structs.replace(OPEN, claimed=Claimed(report, "link-1"))
    decision = decide(state, GrantClaim("m.durand", "p1"))
    assert isinstance(decision, Decision)
    assert decision.documents[1].fields["label"] == "SHOP (number) LYON"


@pytest.mark.parametrize(
    ("maker", "partner_id", "code"),
    [
        ("u1", "p1", "FOUR_EYES"),
        ("m.durand", "nobody", "PARTNER_UNKNOWN"),
        ("m.durand", "over", "PARTNER_NOT_VALID"),
    ],
)
def test_what_is_not_granted(maker: str, partner_id: str, code: str) -> None:
    """E9, E14: not by who claims it, not to who is no partner or was none on the day."""
    refused = decide(OPEN, GrantClaim(maker, partner_id))
    assert isinstance(refused, Refusal)
    assert refused.code == code


def test_of_what_is_refused_the_purchase_is_forgotten() -> None:
    """X23: the answer stays for the person, the purchase does not."""
    decision = decide(OPEN, RefuseClaim("m.durand", "no partner of ours"))
    assert isinstance(decision, Decision)
    assert decision.messages == ()
    assert decision.state.claimed is None
    assert (decision.state.reason, decision.state.trace) == ("no partner of ours", OPEN.trace)


def test_what_has_an_answer_waits_for_nobody() -> None:
    """E9: a purchase that was credited is told with its trace, and listed nowhere."""
    decision = decide(ClaimState(Phase.NONE), OpenClaim("u1", Verdict.CREDITED, ("longest name",)))
    assert isinstance(decision, Decision)
    assert decision.state.phase is Phase.ANSWERED
    assert decision.documents == ()


def test_asked_again_it_tells_how_far_it_is() -> None:
    """E9: one claim per purchase; a repeat changes nothing, whatever it says."""
    for phase in (Phase.OPEN, Phase.GRANTED, Phase.REFUSED):
        state = msgspec.structs.replace(OPEN, phase=phase)
        decision = decide(state, OpenClaim("u1", Verdict.NOT_MATCHED, ("other",), CLAIMED))
        assert isinstance(decision, Decision)
        assert decision.state is state
        assert isinstance(decision.reply, ClaimDescribed)
        assert decision.reply.status == phase.value
