"""The business's counters, from decisions that are durable."""

import pytest
from prometheus_client import CollectorRegistry

from comptoir.actors.connection.messages import TransactionTaken
from comptoir.actors.measures import CashbackMeasures
from comptoir.actors.merchants.catalogue import Builder
from comptoir.actors.merchants.partner import Partner, Purchase
from comptoir.engine import Decision, State
from comptoir.engine.breaker import BreakerState, Phase
from comptoir.engine.journal import Decided
from comptoir.engine.tally import Spread

PARTNERS = (
    Partner(id="fnac", name="Fnac", rate_bp=100),
    Partner(id="lidl", name="Lidl Voyages", rate_bp=100, mcc=("4722",)),
)


@pytest.mark.parametrize(
    ("label", "mcc", "matched", "candidate"),
    [
        ("CB FNAC PARIS", "", True, True),
        ("CB LIDL 1234", "", False, True),
        ("AGENCE DU COIN", "4722", False, True),
        ("BOULANGERIE", "5462", False, False),
        ("", "", False, False),
    ],
)
def test_partner_like_purchases_are_the_denominator(
    label: str, mcc: str, matched: bool, candidate: bool
) -> None:
    """X22: a candidate is matched, or begins like a partner, or has a partner's category."""
    builder = Builder(1)
    builder.add(PARTNERS)
    match = builder.build().match(Purchase(label=label, mcc=mcc))
    assert (match.partner is not None, match.candidate) == (matched, candidate)


def test_matching_rate_has_both_its_sides() -> None:
    """X22: all purchases, the partner-like ones and the matched ones are counted apart; parked ones
    when they are looked at.
    """
    registry = CollectorRegistry()
    seconds = Spread(registry, "x_seconds", "x", (1.0,))
    measures = CashbackMeasures(registry, seconds, lambda: 0)
    state: State = BreakerState(Phase.CLOSED)
    for taken in (
        TransactionTaken("matched"),
        TransactionTaken("unmatched", candidate=True),
        TransactionTaken("unmatched"),
        TransactionTaken("ignored"),
        TransactionTaken("parked"),
    ):
        measures.connection(Decided(Decision(state, taken), 0, None, None))
    found = {
        name: registry.get_sample_value("comptoir_matching_total", {"of": name})
        for name in ("purchases", "candidates", "matched")
    }
    assert found == {"purchases": 4, "candidates": 3, "matched": 2}
