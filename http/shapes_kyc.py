"""The bodies of assessments as types (comptoir.http.shapes has the rule).

Source: interface.md 8 (rows c1); spec.md S10, S21 to S26, E2, E3.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from comptoir.http.shapes import Time

__all__ = ["CaseTold", "DecisionPage"]

Recommended = Literal["AUTO_APPROVE", "MANUAL_REVIEW", "REJECT"]
RiskWord = Literal["LOW", "MEDIUM", "HIGH"]
Status = Literal["none", "checking", "approved", "held", "rejected"]


class _Shape(msgspec.Struct, frozen=True, rename="camel"):
    """camelCase outside (interface.md 1)."""


class Factor(_Shape, frozen=True):
    """What one thing added to the score, or took from it."""

    factor: str
    points: int


class WouldBe(_Shape, frozen=True):
    """The smallest change that moves a file one step up."""

    changes: list[str]
    score: int
    recommendation: Recommended


class BothTexts(_Shape, frozen=True):
    """The same in both languages."""

    fr: str
    en: str


class HitChange(_Shape, frozen=True):
    """A fact that came or went since a person judged a hit."""

    side: Literal["entry", "client"]
    what: Literal["names", "birthDates", "countries", "gender", "topics"]
    came: list[str]
    went: list[str]


class CaseHit(_Shape, frozen=True):
    """Whom a list may have."""

    party: str
    list_: Annotated[str, Meta()] = msgspec.field(name="list")
    entry_id: str
    name: str
    score: Annotated[int, Meta(description="0 to 1000.")]
    topics: list[str]
    features: dict[str, float]
    fingerprint: Annotated[str, Meta(description="Of what list and client say.")]
    word: Annotated[
        str, Meta(description="What a person has said: cleared, known, confirmed; empty: nothing.")
    ]
    word_before: Annotated[
        str,
        Meta(
            description="What was said of it before list or client said something else, or empty."
        ),
    ]
    since: Annotated[
        list[HitChange], Meta(description="What is otherwise than when that was said (E4).")
    ]
    aliases: list[str] = []
    birth_dates: list[str] = []
    countries: list[str] = []


class CaseHeadline(_Shape, frozen=True):
    """What the press says."""

    party: str
    title: str
    publisher: str
    published_at: str
    url: str


class CaseWhole(_Shape, frozen=True):
    """All of an assessment, as compliance sees it."""

    status: Status
    round: int
    kyc_score: Annotated[int | None, Meta(description="The bureau's.")]
    computed_score: Annotated[int | None, Meta(description="Ours; null where nothing is scored.")]
    risk_level: RiskWord | None
    recommendation: Recommended | None
    reasons: list[str]
    disagreements: Annotated[
        list[str], Meta(description="What made it wait for a person beside the score.")
    ]
    waits_for: list[str]
    impossible: Annotated[dict[str, str], Meta(description="Check: why there is no answer of it.")]
    checks: Annotated[dict[str, str], Meta(description="The bureau's words.")]
    hits: list[CaseHit]
    headlines: list[CaseHeadline]
    facts: Annotated[dict[str, Any] | None, Meta(description="What the decision was taken from.")]
    facts_digest: str | None
    rules: Annotated[dict[str, Any] | None, Meta(description="What it was taken by.")]
    rules_version: str | None
    rules_digest: str | None
    decided_at: Time | None
    decided_by: Annotated[str | None, Meta(description="SYSTEM, or who reviewed it.")]
    reviewed_reason: str | None


class CaseTold(_Shape, frozen=True):
    """An assessment, as far as the caller may know it."""

    onboarding_id: str
    code: Annotated[
        Literal["NOT_ASSESSED", "UNDER_REVIEW", "DECIDED"],
        Meta(description="UNDER_REVIEW: nothing more is told."),
    ]
    score: int | None
    recommendation: Recommended | None
    factors: list[Factor]
    reasons: list[str]
    what_if: WouldBe | None
    text: BothTexts
    case: Annotated[CaseWhole | msgspec.UnsetType, Meta(description="For compliance only.")] = (
        msgspec.UNSET
    )


class StoredDecision(_Shape, frozen=True):
    """A decision by our rules; of whose file it is there is the number."""

    id: str
    score: int | None
    recommendation: Recommended
    rules_version: str
    facts: dict[str, Any]
    facts_digest: str


class DecisionPage(_Shape, frozen=True):
    """A page of them, by the numbers of their files."""

    items: list[StoredDecision]
    next_cursor: str | None
