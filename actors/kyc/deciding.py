"""The decision: a pure function of a rule set and facts, with the share of every factor.

The rules, in their order:
1. Whom a list may have is not scored (X3). A suspected hit holds the file until a person has said who it is; after a
   confirmation the file is rejected. There is no score.
2. Else the score is the base and the shares of the factors (S24, S25), held within 0 and 100. The shares that are
   told, with what the bounds took, always sum up to the score.
3. The band of the score (S23) recommends.
4. What points alone may not decide is a person's: a PEP, suspected or confirmed, and adverse media are neither
   approved nor rejected by points (X3); a client of a country where a person must approve, or where a check is
   missing (an outage, S27), is not approved by points (S40). Nor is one rejected by points whom a missing check could
   still save: what nobody has looked at is nobody's fault.
Source: spec.md S22 to S27, S40, X1 to X3.
"""

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Final

import msgspec

from comptoir.actors.kyc.facts import Facts, Finding
from comptoir.actors.kyc.rules import SCORE_MAX, Rules

__all__ = [
    "AML_REASONS",
    "Decided",
    "Recommendation",
    "Risk",
    "Share",
    "band_of",
    "decide",
    "risk_of",
]


class Recommendation(Enum):
    """What is to be done with a file (S22)."""

    AUTO_APPROVE = "AUTO_APPROVE"
    MANUAL_REVIEW = "MANUAL_REVIEW"
    REJECT = "REJECT"


class Risk(Enum):
    """How much care a client wants; a high score is a low risk (X2)."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"


class Share(msgspec.Struct, frozen=True):
    """What one factor added to the score, or took from it."""

    factor: str
    points: int


class Decided(msgspec.Struct, frozen=True, rename="camel"):
    """A decision with all that it was taken from, so that it can be explained and taken again."""

    score: int | None
    """0 to 100; None where nothing is scored (X3)."""
    shares: tuple[Share, ...]
    """Sum up to the score; `bounds` is what holding it within 0 and 100 added or took."""
    recommendation: Recommendation
    risk_level: Risk
    hold: bool
    """Whether the file waits for compliance whatever its score (COMPLIANCE_HOLD)."""
    reasons: tuple[str, ...]
    """Codes: what made it so, beside the score."""
    rules_version: str
    rules_digest: str
    facts: Facts
    facts_digest: str


AML_REASONS: Final = frozenset(
    {"SANCTIONS_SUSPECTED", "SANCTIONS_CONFIRMED", "PEP", "ADVERSE_MEDIA", "HIGH_RISK_COUNTRY"}
)
"""Of these nobody outside compliance hears (E3)."""

_CHECKS: Final[Mapping[str, str]] = {
    "identity_verified": "IDENTITY_NOT_CHECKED",
    "documents_valid": "DOCUMENTS_NOT_CHECKED",
    "pep": "PEP_NOT_CHECKED",
    "sanctions": "SANCTIONS_NOT_CHECKED",
}
"""Without these no score approves; address, credit and media are factors that may be missing (X1)."""


def decide(rules: Rules, facts: Facts) -> Decided:
    """Take the decision."""
    reasons = tuple(_reasons(rules, facts))
    shares: tuple[Share, ...] = ()
    score: int | None = None
    risk = Risk.HIGH
    match facts.sanctions:
        case Finding.SUSPECTED:
            recommended = Recommendation.MANUAL_REVIEW
        case Finding.CONFIRMED:
            recommended = Recommendation.REJECT
        case _:
            shares = _shares(rules, facts)
            score = sum(share.points for share in shares)
            risk = risk_of(rules, score)
            recommended = _tempered(band_of(rules, score), frozenset(reasons))
            if recommended is Recommendation.REJECT and _may_be_saved(rules, facts):
                recommended = Recommendation.MANUAL_REVIEW
    return Decided(
        score=score,
        shares=shares,
        recommendation=recommended,
        risk_level=risk,
        hold=recommended is Recommendation.MANUAL_REVIEW,
        reasons=reasons,
        rules_version=rules.version,
        rules_digest=rules.digest,
        facts=facts,
        facts_digest=facts.digest,
    )


def band_of(rules: Rules, score: int) -> Recommendation:
    """What the score alone recommends (S23)."""
    if score >= rules.approve_from:
        return Recommendation.AUTO_APPROVE
    if score >= rules.review_from:
        return Recommendation.MANUAL_REVIEW
    return Recommendation.REJECT


def risk_of(rules: Rules, score: int) -> Risk:
    """X2."""
    if score >= rules.low_risk_from:
        return Risk.LOW
    return Risk.MEDIUM if score >= rules.medium_risk_from else Risk.HIGH


def _shares(rules: Rules, facts: Facts) -> tuple[Share, ...]:
    clear = facts.pep is Finding.CLEAR and facts.sanctions is Finding.CLEAR
    risky = not facts.countries.isdisjoint(rules.high_risk_countries)
    applied = (
        ("base", rules.base, True),
        ("documents_valid", rules.documents_valid, facts.documents_valid is True),
        ("address_verified", rules.address_verified, facts.address_verified is True),
        ("no_pep_no_sanctions", rules.no_pep_no_sanctions, clear),
        ("credit_high", rules.credit_high, facts.credit_high is True),
        ("documents_expired", rules.documents_expired, facts.documents_expired),
        ("data_inconsistent", rules.data_inconsistent, facts.data_inconsistent),
        ("pep_detected", rules.pep_detected, facts.pep is Finding.CONFIRMED),
        ("high_risk_country", rules.high_risk_country, risky),
    )
    shares = tuple(Share(factor, points) for factor, points, holds in applied if holds)
    total = sum(share.points for share in shares)
    held = min(max(total, 0), SCORE_MAX)
    return shares if held == total else (*shares, Share("bounds", held - total))


def _reasons(rules: Rules, facts: Facts) -> Iterator[str]:
    """Everything beside the score that a person should know."""
    if facts.sanctions is Finding.CONFIRMED:
        yield "SANCTIONS_CONFIRMED"
    if facts.sanctions is Finding.SUSPECTED:
        yield "SANCTIONS_SUSPECTED"
    if facts.pep in (Finding.SUSPECTED, Finding.CONFIRMED):
        yield "PEP"
    if facts.adverse_media in (Finding.SUSPECTED, Finding.CONFIRMED):
        yield "ADVERSE_MEDIA"
    if not facts.countries.isdisjoint(rules.high_risk_countries):
        yield "HIGH_RISK_COUNTRY"
    if not rules.auto_approval or not _seats(facts).isdisjoint(rules.manual_countries):
        yield "AUTO_APPROVAL_OFF"
    if facts.identity_verified is False:
        yield "IDENTITY_NOT_VERIFIED"
    for name, code in _CHECKS.items():
        if getattr(facts, name) is None:
            yield code


def _may_be_saved(rules: Rules, facts: Facts) -> bool:
    """Whether it would not be rejected if what is missing were good."""
    good = {
        "documents_valid": True if facts.documents_valid is None else facts.documents_valid,
        "pep": Finding.CLEAR if facts.pep is None else facts.pep,
        "sanctions": Finding.CLEAR if facts.sanctions is None else facts.sanctions,
    }
    best = sum(one.points for one in _shares(rules, msgspec.structs.replace(facts, **good)))
    return band_of(rules, best) is not Recommendation.REJECT


def _seats(facts: Facts) -> frozenset[str]:
    """Whose law says whether points may approve: not that of a nationality."""
    living = {facts.residence} if facts.residence else set[str]()
    return frozenset(living | set(facts.tax_residences))


def _tempered(band: Recommendation, reasons: frozenset[str]) -> Recommendation:
    """What the band becomes where points alone may not decide."""
    if not reasons.isdisjoint({"PEP", "ADVERSE_MEDIA"}):
        return Recommendation.MANUAL_REVIEW
    if band is Recommendation.AUTO_APPROVE and reasons - {"HIGH_RISK_COUNTRY"}:
        return Recommendation.MANUAL_REVIEW
    return band
