"""A bureau's result held against our own decision (X4).

Rule: the recommendation leads to its own phase and `status` alone to none. Whatever disagrees (the band of the score
and the recommendation, the status and the recommendation, a failed sanctions check, the bureau and we) holds the file
for compliance, with an alert that names each disagreement; an approval needs all of them.
Source: spec.md S10, S11, X4; interface.md 9 (KYC_COMPLETED).
"""

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Annotated, Final

import msgspec

from comptoir.actors.kyc.deciding import Decided, Recommendation, band_of
from comptoir.actors.kyc.rules import SCORE_MAX, Rules

__all__ = ["Outcome", "Reported", "Settled", "settle"]


class Outcome(Enum):
    """The phase that a file goes to."""

    KYC_APPROVED = "KYC_APPROVED"
    COMPLIANCE_HOLD = "COMPLIANCE_HOLD"
    KYC_REJECTED = "KYC_REJECTED"


class Reported(msgspec.Struct, frozen=True, rename="camel"):
    """`kycResult` of S10, as far as it decides."""

    status: str
    score: Annotated[int, msgspec.Meta(ge=0, le=SCORE_MAX)]
    recommendation: Recommendation
    checks: Mapping[str, str] = {}


class Settled(msgspec.Struct, frozen=True):
    """Where the file goes, and what disagreed."""

    outcome: Outcome
    disagreements: tuple[str, ...]
    """Codes; any of them is an alert."""


_PHASES: Final = {
    Recommendation.AUTO_APPROVE: Outcome.KYC_APPROVED,
    Recommendation.MANUAL_REVIEW: Outcome.COMPLIANCE_HOLD,
    Recommendation.REJECT: Outcome.KYC_REJECTED,
}
_STATUSES: Final[Mapping[str, frozenset[Recommendation]]] = {
    "APPROVED": frozenset({Recommendation.AUTO_APPROVE}),
    "PASSED": frozenset({Recommendation.AUTO_APPROVE}),
    "MANUAL_REVIEW": frozenset({Recommendation.MANUAL_REVIEW}),
    "PENDING_REVIEW": frozenset({Recommendation.MANUAL_REVIEW}),
    "REJECTED": frozenset({Recommendation.REJECT}),
    "FAILED": frozenset({Recommendation.REJECT}),
    "COMPLETED": frozenset(Recommendation),
}
"""The recommendations that a status is in accord with. One that is not known is in accord with none: a word of
which nobody knows the meaning approves nobody."""
_FAILED: Final = "FAILED"


def settle(rules: Rules, told: Reported, own: Decided) -> Settled:
    """Where a file goes after a bureau's result and our own decision."""
    disagreements = tuple(_disagreements(rules, told, own))
    if disagreements:
        return Settled(Outcome.COMPLIANCE_HOLD, disagreements)
    return Settled(_PHASES[told.recommendation], ())


def _disagreements(rules: Rules, told: Reported, own: Decided) -> Iterator[str]:
    if band_of(rules, told.score) is not told.recommendation:
        yield "SCORE_AGAINST_RECOMMENDATION"
    if told.recommendation not in _STATUSES.get(told.status, ()):
        yield "STATUS_AGAINST_RECOMMENDATION"
    if told.checks.get("sanctionsCheck") == _FAILED:
        yield "SANCTIONS_CHECK_FAILED"
    if told.checks.get("pepCheck") == _FAILED and told.recommendation is not Recommendation.MANUAL_REVIEW:  # fmt: skip
        yield "PEP_DECIDED_BY_POINTS"
    if own.recommendation is not told.recommendation:
        yield "OURS_AGAINST_THEIRS"
