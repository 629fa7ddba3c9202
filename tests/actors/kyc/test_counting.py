"""What cases add to the sums of their day: actors/kyc/counting.py."""

from comptoir.actors.kyc.counting import tell
from comptoir.actors.kyc.messages import CaseReviewed
from comptoir.actors.kyc.state import KycState, Phase
from comptoir.actors.onboarding_day.messages import CountCalls, CountCase
from comptoir.engine.machine import Context
from tests.actors.assessed import ANSWERS, ASK, FILE, NOW, play, report, step

CONTEXT = Context(FILE, NOW, 1)


def test_every_question_that_costs_is_counted_once() -> None:
    """E17: what a file costs is counted by who was asked; a search of our own lists costs nothing."""
    begun = step(KycState(Phase.NONE), ASK)
    assert list(tell(None, begun, CONTEXT)) == [
        CountCalls(party, 1) for party in ("identity", "address", "credit", "media")
    ]


def test_what_the_rules_decided_is_counted_and_what_a_person_did_is_not() -> None:
    """S26, S27: shares and scores are of decisions by rules; reversals are counted where people decide."""
    decided = step(play(ANSWERS), report(60))
    assert list(tell(None, decided, CONTEXT)) == [
        CountCase(
            decided.state.decided.rules_version if decided.state.decided else "", 85, "AUTO_APPROVE",
            {"base": 25, "documents_valid": 20, "address_verified": 15, "no_pep_no_sanctions": 25},
            "held",
        )
    ]  # fmt: skip
    reviewed = step(decided.state, CaseReviewed(True, "cp-1", "fine"))
    assert list(tell(None, reviewed, CONTEXT)) == []
