"""Decisions told, held against a bureau's, and taken again: actors/kyc/explaining.py, reported.py, replay.py."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.kyc import Facts, Finding, Recommendation, Rules, decide
from comptoir.actors.kyc.explaining import Audience, explain, what_if
from comptoir.actors.kyc.replay import DryRun, Stored, read_stored
from comptoir.actors.kyc.reported import Outcome, Reported, settle
from tests.actors.kyc.test_deciding import GOOD, ORDER, facts, rule_sets

OUTSIDE = (Audience.CLIENT, Audience.ADVISOR)
REJECT, REVIEW, APPROVE = ORDER


def with_(**changes: object) -> Facts:
    """The good file's facts, some changed."""
    return msgspec.structs.replace(GOOD, **changes)


def test_what_would_change_it() -> None:
    """E3: "score 70; a verified address gives 85 = automatic", and two changes where one does not do."""
    one = explain(Rules(), decide(Rules(), with_(address_verified=False)), Audience.CLIENT)
    assert one.score == 70
    assert one.what_if is not None
    assert (one.what_if.changes, one.what_if.score) == (("address_verified",), 85)
    assert one.text_en == "Score 70: review. With a verified address: 85, automatic approval."
    assert one.text_fr == "Score 70 : examen. Avec une adresse vérifiée : 85, accord automatique."
    bad = with_(address_verified=False, documents_expired=True, documents_valid=False, data_inconsistent=True)  # fmt: skip
    two = what_if(Rules(), decide(Rules(), bad))
    assert two is not None
    assert (two.changes, two.score) == (("documents_renewed", "data_corrected"), 70)
    assert what_if(Rules(), decide(Rules(), GOOD)) is None, "there is no step above approval"


@given(rule_sets, facts)
def test_nothing_smaller_would_change_it(rules: Rules, known: Facts) -> None:
    """E3: what is offered does move the file up, and no single change does where more are asked for."""
    decided = decide(rules, known)
    found = what_if(rules, decided)
    singles = [
        decide(rules, msgspec.structs.replace(known, **change)).recommendation
        for change in (
            {"address_verified": True}, {"credit_high": True}, {"data_inconsistent": False},
            {"documents_expired": False, "documents_valid": True},
        )
    ]  # fmt: skip
    up = [one for one in singles if ORDER.index(one) > ORDER.index(decided.recommendation)]
    if found is None:
        assert not up or decided.score is None
    else:
        assert ORDER.index(found.recommendation) > ORDER.index(decided.recommendation)
        assert len(found.changes) == 1 or not up


aml = st.sampled_from(
    [{name: value} for name in ("pep", "sanctions", "adverse_media") for value in (Finding.SUSPECTED, Finding.CONFIRMED)]
)  # fmt: skip


@given(rule_sets, facts, facts, aml, aml)
def test_nobody_is_tipped_off(
    rules: Rules, one: Facts, other: Facts, hit: dict[str, Finding], another: dict[str, Finding]
) -> None:
    """E3: of two files that a search has found something about, both are told the same, whatever it is."""
    for audience in OUTSIDE:
        told = [
            explain(rules, decide(rules, msgspec.structs.replace(known, **found)), audience)
            for known, found in ((one, hit), (other, another))
        ]
        assert told[0] == told[1]
        assert (told[0].score, told[0].shares, told[0].what_if) == (None, (), None)
        assert told[0].reasons == ()


def test_the_neutral_sentence_says_nothing() -> None:
    """E3: files that wait for a check, or that a person always approves, are told as files with a hit are."""
    hit = explain(Rules(), decide(Rules(), with_(pep=Finding.SUSPECTED)), Audience.CLIENT)
    waiting = explain(Rules(), decide(Rules(), with_(sanctions=None)), Audience.CLIENT)
    swiss = Rules(manual_countries=("FR",))
    assert hit == waiting == explain(swiss, decide(swiss, GOOD), Audience.ADVISOR)
    clear = explain(Rules(), decide(Rules(), GOOD), Audience.CLIENT)
    assert [share.factor for share in clear.shares] == ["base", "documents_valid", "address_verified"]  # fmt: skip
    assert sum(share.points for share in clear.shares) == clear.score == 85


def test_compliance_sees_all() -> None:
    """S26, X3: factors, score and reasons of a PEP, and that a hit was not scored."""
    pep = explain(Rules(), decide(Rules(), with_(pep=Finding.CONFIRMED)), Audience.COMPLIANCE)
    assert (pep.score, pep.reasons) == (10, ("PEP",))
    assert ("pep_detected", -50) in [(share.factor, share.points) for share in pep.shares]
    hit = explain(Rules(), decide(Rules(), with_(sanctions=Finding.SUSPECTED)), Audience.COMPLIANCE)
    assert (hit.score, hit.reasons, hit.what_if) == (None, ("SANCTIONS_SUSPECTED",), None)
    with pytest.raises(ValueError, match="other rules"):
        explain(Rules(base=1), decide(Rules(), GOOD), Audience.COMPLIANCE)


@pytest.mark.parametrize(
    ("told", "known", "outcome", "disagreements"),
    [
        (("APPROVED", 85, APPROVE), {}, Outcome.KYC_APPROVED, ()),
        (("COMPLETED", 85, APPROVE), {}, Outcome.KYC_APPROVED, ()),
        (("COMPLETED", 70, REVIEW), {"address_verified": False}, Outcome.COMPLIANCE_HOLD, ()),
        (("REJECTED", 45, REJECT), {"data_inconsistent": True}, Outcome.KYC_REJECTED, ()),
        (("APPROVED", 45, REJECT), {"data_inconsistent": True}, Outcome.COMPLIANCE_HOLD, ("STATUS_AGAINST_RECOMMENDATION",)),
        (("NEVER_HEARD_OF", 85, APPROVE), {}, Outcome.COMPLIANCE_HOLD, ("STATUS_AGAINST_RECOMMENDATION",)),
        (("COMPLETED", 79, APPROVE), {}, Outcome.COMPLIANCE_HOLD, ("SCORE_AGAINST_RECOMMENDATION",)),
        (("COMPLETED", 85, APPROVE), {"address_verified": False}, Outcome.COMPLIANCE_HOLD, ("OURS_AGAINST_THEIRS",)),
        (("COMPLETED", 85, APPROVE), {"sanctions": Finding.SUSPECTED}, Outcome.COMPLIANCE_HOLD, ("OURS_AGAINST_THEIRS",)),
        (("COMPLETED", 10, REJECT), {"pep": Finding.CONFIRMED}, Outcome.COMPLIANCE_HOLD, ("OURS_AGAINST_THEIRS",)),
    ],
)  # fmt: skip
def test_a_disagreement_holds(
    told: tuple[str, int, Recommendation],
    known: dict[str, object],
    outcome: Outcome,
    disagreements: tuple[str, ...],
) -> None:
    """X4, S11: each recommendation leads to its own phase; what disagrees is held and named."""
    status, score, recommendation = told
    found = settle(Rules(), Reported(status, score, recommendation), decide(Rules(), with_(**known)))  # fmt: skip
    assert (found.outcome, found.disagreements) == (outcome, disagreements)


@pytest.mark.parametrize(
    ("check", "recommendation", "score", "code"),
    [
        ("sanctionsCheck", APPROVE, 85, "SANCTIONS_CHECK_FAILED"),
        ("pepCheck", APPROVE, 85, "PEP_DECIDED_BY_POINTS"),
        ("pepCheck", REJECT, 10, "PEP_DECIDED_BY_POINTS"),
    ],
)
def test_a_failed_search_holds(
    check: str, recommendation: Recommendation, score: int, code: str
) -> None:
    """X3, X4: a bureau that found somebody and approves or rejects by points all the same is not believed."""
    told = Reported("COMPLETED", score, recommendation, {check: "FAILED"})
    found = settle(Rules(), told, decide(Rules(), GOOD))
    assert found.outcome is Outcome.COMPLIANCE_HOLD
    assert code in found.disagreements


def stored(count: int) -> list[bytes]:
    """Decisions under the standard rules: every other one misses its address."""
    kept = [
        Stored.of(f"f{n}", decide(Rules(), with_(address_verified=n % 2 == 0)))
        for n in range(count)
    ]
    return [msgspec.json.encode(one) for one in kept]


def test_rules_are_tried_before_they_apply() -> None:
    """E2: a higher threshold flips those between, and lists each with both scores; the same rules flip none."""
    same, higher = DryRun(Rules()), DryRun(Rules(version="v8", approve_from=86, address_verified=16))  # fmt: skip
    for one in read_stored([*stored(4), b"\n"]):
        same.take(one)
        higher.take(one)
    assert (same.decisions, same.flips, same.moved) == (4, [], 0)
    assert (higher.decisions, higher.flips, higher.moved) == (4, [], 2), "86 is still approved"
    strict = DryRun(Rules(version="v9", approve_from=86))
    for one in read_stored(stored(4)):
        strict.take(one)
    flips = [(one.id, one.was, one.becomes, one.score_was, one.score_becomes) for one in strict.flips]  # fmt: skip
    assert flips == [("f0", APPROVE, REVIEW, 85, 85), ("f2", APPROVE, REVIEW, 85, 85)]
    assert strict.flips[0].shares[0] == "base +25"
    assert strict.outcomes == {REVIEW: 4}


def test_altered_facts_are_refused() -> None:
    """E2: a line whose facts are not those of its digest, or that is none, is named and refused."""
    first, second = stored(2)
    altered = second.replace(b'"addressVerified":false', b'"addressVerified":true')
    assert altered != second
    with pytest.raises(ValueError, match="line 2: the facts"):
        list(read_stored([first, altered]))
    with pytest.raises(ValueError, match="line 3: "):
        list(read_stored([first, b"", b'{"id": "x"}']))
