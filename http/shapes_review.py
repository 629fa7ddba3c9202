"""The bodies of reviews, and of what is measured of onboarding, as types (comptoir.http.shapes has the rule).

Source: interface.md 8 (rows c1); spec.md S7, S11, S26, S27, S39, E17; docs/review.md.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from comptoir.http.shapes import Cents, Count, Date, Time

__all__ = [
    "Judgement",
    "Measures",
    "NewNote",
    "Putoff",
    "RelationEnd",
    "Review",
    "ReviewNote",
    "ReviewPage",
    "RulesMeasured",
    "StageMeasured",
    "Waiting",
]

FileNumber = Annotated[str, Meta(pattern=r"^[A-Z]{1,8}-[0-9]{4}-[0-9]{5,9}$")]
Reason = Annotated[str, Meta(min_length=1, max_length=500, description="On one line.")]
Share = Annotated[float, Meta(ge=0, le=1)]


class _Shape(msgspec.Struct, frozen=True, rename="camel"):
    """camelCase outside (interface.md 1)."""


class _Given(_Shape, frozen=True, forbid_unknown_fields=True):
    """What comes in has no field that we do not know."""


class Waiting(_Shape, frozen=True):
    """A review that waits for somebody."""

    onboarding_id: FileNumber
    status: Literal["open", "claimed", "snoozed", "approved", "rejected", "withdrawn"]
    round: Annotated[int, Meta(ge=1, description="One more each time that the file is held.")]
    client_type: str
    reasons: Annotated[list[str], Meta(description="Codes: why it is held.")]
    score: Annotated[int, Meta(ge=0, le=100)] | None
    recommendation: Annotated[str | None, Meta(description="What the rules recommend.")]
    accelerated: Annotated[bool, Meta(description="A partner has attested it (X31).")]
    claimed_by: Annotated[str | None, Meta(description="Who looks at it.")]
    opened_at: Time
    due_at: Time
    overdue: bool
    snoozed_until: Time | None
    note_count: Count
    two_people: Annotated[bool, Meta(description="A sanction is suspected: two approve it (E14).")]
    approved_first_by: Annotated[
        str | None, Meta(description="Who has approved it; somebody else has to as well.")
    ]


class ReviewNote(_Shape, frozen=True):
    """What somebody wrote down."""

    by: str
    at: Time
    text: str


class Review(Waiting, frozen=True):
    """A review, whole."""

    notes: list[ReviewNote]
    decided_by: str | None
    decided_at: Time | None
    reason: Annotated[str | None, Meta(description="Of the decision.")]
    approved_first_reason: str | None


class ReviewPage(_Shape, frozen=True):
    """A page of the queue, what is due first first."""

    items: list[Waiting]
    next_cursor: Annotated[str | None, Meta(description="For `cursor`; null on the last page.")]


class NewNote(_Given, frozen=True):
    """What is to be remembered."""

    text: Annotated[str, Meta(min_length=1, max_length=2000, description="Lines of text.")]


class Putoff(_Given, frozen=True):
    """Until when it is put off, and why."""

    until: Time
    reason: Reason


class Judgement(_Given, frozen=True):
    """The outcome, and why."""

    decision: Literal["approve", "reject"]
    reason: Reason


class RelationEnd(_Shape, frozen=True):
    """A relation that has ended."""

    onboarding_id: FileNumber
    kept_until: Annotated[str, Meta(description="From then on nothing of the client is kept.")]


class StageMeasured(_Shape, frozen=True):
    """How long files were in a stage that they have left."""

    stage: str
    waits_for: Literal["client", "compliance", "provider", "advisor", "mainframe", "all"]
    files: Count
    mean_hours: Annotated[float, Meta(ge=0)]
    half_within_hours: Annotated[int | None, Meta(description="null: longer than is told apart.")]
    most_within_hours: Annotated[int | None, Meta(description="Nine of ten; null likewise.")]
    aim_hours: Annotated[int | None, Meta(description="In which it is to be left; null: no aim.")]
    late_share: Annotated[
        Share | None, Meta(description="Of files that took longer; null: no aim.")
    ]


class RulesMeasured(_Shape, frozen=True):
    """What one version of the rules decides now, and decided before."""

    version: str
    decisions: Count
    decisions_before: Count
    bands: Annotated[dict[str, int], Meta(description="By band of ten points; `none`: no score.")]
    bands_before: dict[str, int]
    factors: Annotated[dict[str, int], Meta(description="Decisions in which each held.")]
    stability_index: Annotated[
        float | None,
        Meta(description="Of the scores: 0.10 some change, 0.25 much; null: too few decisions."),
    ]
    factor_indices: dict[str, float]


class Measures(_Shape, frozen=True):
    """What is measured of onboarding, of a window of days."""

    first_day: Date
    last_day: Date
    decisions: Count
    outcomes: Annotated[dict[str, int], Meta(description="What the rules alone concluded.")]
    shares: dict[str, Share]
    aims: dict[str, Share]
    stages: list[StageMeasured]
    waited_hours: Annotated[dict[str, float], Meta(description="By whom it was waited for.")]
    files: Annotated[
        dict[str, int],
        Meta(
            description="begun, decided, abandoned, resumed, corrected, completed, refused, entered, mistaken."
        ),
    ]
    abandoned_at: dict[str, int]
    corrected_for: dict[str, int]
    calls: dict[str, int]
    cost_cents: Cents
    file_cost_cents: Annotated[
        int | None,
        Meta(description="Of a file that was decided; null: none was, or no price is set."),
    ]
    unpriced: Annotated[
        list[str], Meta(description="Parties that were asked and whose price is not set.")
    ]
    entry_error_share: Annotated[
        Share | None,
        Meta(description="Of files that were whole; null: none was (S39)."),
    ]
    entry_error_aim: Share
    false_positive_share: Annotated[
        Share | None,
        Meta(description="Of decided files: stopped by screening, then approved (S27)."),
    ]
    false_positive_aim: Share
    currency: Literal["USD"]
    reviews: Annotated[
        dict[str, int],
        Meta(description="`recommendation:decision`, and `overdue`, `screened`, `cleared`."),
    ]
    reversed_share: Share | None
    rules: Annotated[list[RulesMeasured], Meta(description="By version.")]
    alerts: Annotated[list[str], Meta(description="Codes: what somebody should look at.")]
