"""KYC decisions: actors/kyc/rules.py, facts.py, deciding.py."""

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.kyc import Decided, Facts, Finding, Recommendation, Risk, Rules, decide
from comptoir.actors.kyc.deciding import band_of, risk_of
from comptoir.actors.kyc.rules import read_rules
from comptoir.engine.settings import Settings

GOOD = Facts(
    identity_verified=True, documents_valid=True, address_verified=True,
    pep=Finding.CLEAR, sanctions=Finding.CLEAR, adverse_media=Finding.CLEAR, residence="FR",
)  # fmt: skip
"""S10's example: everything passed, no credit check."""
ORDER = [Recommendation.REJECT, Recommendation.MANUAL_REVIEW, Recommendation.AUTO_APPROVE]

findings = st.none() | st.sampled_from(Finding)
countries = st.sampled_from(["FR", "CA", "CH", "IR"])
facts = st.builds(
    Facts,
    identity_verified=st.none() | st.booleans(), documents_valid=st.none() | st.booleans(),
    documents_expired=st.booleans(), data_inconsistent=st.booleans(),
    address_verified=st.none() | st.booleans(), credit_high=st.none() | st.booleans(),
    pep=findings, sanctions=findings, adverse_media=findings, residence=st.none() | countries,
    tax_residences=st.lists(countries, max_size=2).map(tuple),
    nationalities=st.lists(countries, max_size=2).map(tuple),
)  # fmt: skip
thresholds = st.tuples(st.integers(0, 100), st.integers(0, 100)).map(sorted)
gains, losses = st.integers(0, 100), st.integers(-100, 0)
rule_sets = thresholds.flatmap(
    lambda bounds: st.builds(
        Rules,
        version=st.just("tried"), base=gains, documents_valid=gains, address_verified=gains,
        no_pep_no_sanctions=gains, credit_high=gains, documents_expired=losses,
        data_inconsistent=losses, pep_detected=losses, high_risk_country=losses,
        review_from=st.just(bounds[0]), approve_from=st.just(bounds[1]), auto_approval=st.booleans(),
        manual_countries=st.lists(countries, max_size=2).map(tuple),
        high_risk_countries=st.lists(countries, max_size=2).map(tuple),
    )
)  # fmt: skip


def changed(**changes: object) -> Decided:
    """The decision on the good file with some facts changed, under the rules as specified."""
    return decide(Rules(), msgspec.structs.replace(GOOD, **changes))


@pytest.mark.parametrize(
    ("changes", "score", "recommendation"),
    [
        ({}, 85, Recommendation.AUTO_APPROVE),
        ({"credit_high": True}, 100, Recommendation.AUTO_APPROVE),
        ({"address_verified": None}, 70, Recommendation.MANUAL_REVIEW),
        ({"pep": Finding.CONFIRMED}, 10, Recommendation.MANUAL_REVIEW),
        ({"pep": Finding.SUSPECTED}, 60, Recommendation.MANUAL_REVIEW),
        ({"data_inconsistent": True}, 45, Recommendation.REJECT),
        ({"documents_expired": True, "documents_valid": False}, 35, Recommendation.REJECT),
    ],
)
def test_the_sources_numbers(
    changes: dict[str, object], score: int, recommendation: Recommendation
) -> None:
    """S10, S24, S25, X1: the example scores 85; without the address 70; a PEP 10, and is not rejected by it."""
    found = changed(**changes)
    assert (found.score, found.recommendation) == (score, recommendation)


@pytest.mark.parametrize(
    ("score", "recommendation", "risk"),
    [
        (0, Recommendation.REJECT, Risk.HIGH),
        (49, Recommendation.REJECT, Risk.HIGH),
        (50, Recommendation.MANUAL_REVIEW, Risk.MEDIUM),
        (79, Recommendation.MANUAL_REVIEW, Risk.MEDIUM),
        (80, Recommendation.AUTO_APPROVE, Risk.LOW),
        (100, Recommendation.AUTO_APPROVE, Risk.LOW),
    ],
)
def test_the_boundaries(score: int, recommendation: Recommendation, risk: Risk) -> None:
    """S22, S23, X2: 49 is rejected, 50 and 79 are reviewed, 80 is approved; the same bands are the risk."""
    rules = Rules(base=score, documents_valid=0, no_pep_no_sanctions=0, address_verified=0)
    found = decide(rules, GOOD)
    assert (found.score, found.recommendation, found.risk_level) == (score, recommendation, risk)
    assert (band_of(rules, score), risk_of(rules, score)) == (recommendation, risk)


def test_a_hit_is_not_scored() -> None:
    """X3: a suspected sanctions hit holds the file, a confirmed one rejects it; neither has a score."""
    suspected = changed(sanctions=Finding.SUSPECTED, credit_high=True)
    assert (suspected.score, suspected.shares) == (None, ())
    assert (suspected.recommendation, suspected.hold) == (Recommendation.MANUAL_REVIEW, True)
    confirmed = changed(sanctions=Finding.CONFIRMED, credit_high=True)
    assert (confirmed.score, confirmed.risk_level) == (None, Risk.HIGH)
    assert (confirmed.recommendation, confirmed.hold) == (Recommendation.REJECT, False)


@given(rule_sets, facts)
def test_points_alone_never_decide_on_a_pep(rules: Rules, known: Facts) -> None:
    """X3: whatever the rules, a PEP or adverse media is a person's to judge, unless a sanction rejects."""
    found = decide(rules, msgspec.structs.replace(known, pep=Finding.CONFIRMED))
    if found.score is not None:
        assert found.recommendation is Recommendation.MANUAL_REVIEW
        assert found.hold


@pytest.mark.parametrize("missing", ["identity_verified", "documents_valid", "pep", "sanctions"])
def test_what_was_not_looked_at_approves_nobody(missing: str) -> None:
    """S27: a bureau that is away neither approves nor rejects a file by its silence."""
    generous = Rules(base=100)
    found = decide(generous, msgspec.structs.replace(GOOD, **{missing: None}))
    assert found.score == 100
    assert found.recommendation is Recommendation.MANUAL_REVIEW


def test_approval_can_be_switched_off() -> None:
    """S40: altogether, or for those who live or pay taxes in a country; a nationality is no jurisdiction."""
    off = Rules(auto_approval=False)
    swiss = Rules(manual_countries=("CH",))
    assert decide(off, GOOD).recommendation is Recommendation.MANUAL_REVIEW
    for place in ({"residence": "CH"}, {"tax_residences": ("FR", "CH")}):
        there = msgspec.structs.replace(GOOD, **place)
        assert decide(swiss, there).recommendation is Recommendation.MANUAL_REVIEW
        assert decide(swiss, there).score == 85
    assert decide(swiss, GOOD).recommendation is Recommendation.AUTO_APPROVE
    national = msgspec.structs.replace(GOOD, nationalities=("CH",))
    assert decide(swiss, national).recommendation is Recommendation.AUTO_APPROVE


@pytest.mark.parametrize(
    "place", [{"residence": "IR"}, {"tax_residences": ("IR",)}, {"nationalities": ("FR", "IR")}]
)
def test_a_country_of_high_risk(place: dict[str, object]) -> None:
    """S25: it costs 25, once, whichever tie there is to it."""
    found = decide(Rules(high_risk_countries=("IR",)), msgspec.structs.replace(GOOD, **place))
    assert (found.score, found.recommendation) == (60, Recommendation.MANUAL_REVIEW)
    assert "HIGH_RISK_COUNTRY" in found.reasons


@given(rule_sets, facts)
def test_the_shares_sum_up(rules: Rules, known: Facts) -> None:
    """S26, X1: every score is within 0 and 100 and is the sum of what is told of it; the same input, the same."""
    found = decide(rules, known)
    assert decide(rules, known) == found
    assert (found.rules_digest, found.facts_digest) == (rules.digest, known.digest)
    if found.score is None:
        assert known.sanctions in (Finding.SUSPECTED, Finding.CONFIRMED)
    else:
        assert 0 <= found.score <= 100
        assert sum(share.points for share in found.shares) == found.score
        assert len({share.factor for share in found.shares}) == len(found.shares)


BETTER = {
    "documents_valid": (False, True), "address_verified": (False, True), "credit_high": (False, True),
    "documents_expired": (True, False), "data_inconsistent": (True, False),
    "pep": (Finding.CONFIRMED, Finding.CLEAR), "residence": ("IR", "FR"),
}  # fmt: skip


@given(rule_sets, facts, st.sampled_from(sorted(BETTER)))
def test_what_is_better_never_costs(rules: Rules, known: Facts, factor: str) -> None:
    """S24, S25: each factor alone, turned from bad to good, neither lowers the score nor the recommendation."""
    rules = msgspec.structs.replace(rules, high_risk_countries=("IR",), manual_countries=())
    worse, better = (
        decide(rules, msgspec.structs.replace(known, **{factor: value})) for value in BETTER[factor]
    )
    if worse.score is None or better.score is None:
        assert worse.score is better.score
        return
    assert worse.score <= better.score
    if factor != "pep":  # a PEP is lifted to a review: X3's floor, not an advantage of being one
        assert ORDER.index(worse.recommendation) <= ORDER.index(better.recommendation)


@given(rule_sets, facts)
def test_rules_and_facts_survive_json(rules: Rules, known: Facts) -> None:
    """E2: what was stored reads as it was, with the same digests, and decides alike."""
    again = read_rules(msgspec.json.encode(rules))
    facts_again = msgspec.json.decode(msgspec.json.encode(known), type=Facts)
    assert (again, facts_again) == (rules, known)
    assert decide(again, facts_again) == decide(rules, known)


@pytest.mark.parametrize(
    "text",
    [
        b"{", b"[]", b'{"base": 101}', b'{"base": 1.5}', b'{"documentsExpired": 1}', b'{"credit_high": 5}',
        b'{"creditHigh": -1}', b'{"reviewFrom": 81}', b'{"mediumRiskFrom": 90}', b'{"version": "a b"}',
        b'{"manualCountries": ["Suisse"]}', b'{"sanctions": -100}', b'{"version": "\xff"}',
    ],
)  # fmt: skip
def test_what_is_no_rule_set(text: bytes) -> None:
    """S23, X3: thresholds out of order, signs that turn good into bad, or a price on sanctions are refused."""
    with pytest.raises(ValueError, match=r"\S"):
        read_rules(text)


def test_the_settings_are_a_rule_set() -> None:
    """X1, S40: the settings say the specification's rules, and name them by what they say."""
    standard = Rules.of(Settings())
    assert msgspec.structs.replace(standard, version="standard") == Rules()
    strict = Settings.load(None, {"COMPTOIR_SCORING__MANUAL_COUNTRIES": '["CH"]', "COMPTOIR_ONBOARDING__AUTO_APPROVAL": "false"})  # fmt: skip
    assert Rules.of(strict).manual_countries == ("CH",)
    assert not Rules.of(strict).auto_approval
    assert Rules.of(strict).version != standard.version


def test_versions_do_not_decide() -> None:
    """E2: the digest tells two rule sets of one version apart."""
    one, other = Rules(version="v8"), Rules(version="v8", base=24)
    assert one.digest != other.digest
    assert len({Rules(base=n).digest for n in range(101)}) == 101
    pairs = itertools.combinations([Facts(pep=one) for one in (None, *Finding)], 2)
    assert all(left.digest != right.digest for left, right in pairs)
