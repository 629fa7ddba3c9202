"""The rows of reviews, and of what is measured of onboarding (operations.py has the rule).

Source: interface.md 8 (rows c1); spec.md S7, S11, S23, S34, S39, X5, E14; docs/authorization.md; docs/review.md.
"""

from types import MappingProxyType
from typing import Final

from comptoir.http import measures, review
from comptoir.http import shapes_review as shapes
from comptoir.http.operation import Assurance, Body, Door, Operation, Parameter, Reach
from comptoir.http.operations_banking import CURSOR, LIMIT
from comptoir.http.portal.rows import FILE
from comptoir.http.principal import Role

__all__ = ["REVIEWS"]

_REVIEWS: Final = MappingProxyType({Role.COMPLIANCE: Reach.ANY})
"""Theirs alone: why a file is held is what nobody else may hear (E3)."""
_MEASURES: Final = MappingProxyType(
    {Role.COMPLIANCE: Reach.ANY, Role.OPERATIONS: Reach.ANY, Role.ADMIN: Reach.ANY}
)
"""Sums, which name nobody."""
_ONE: Final = "/api/v1/review/{onboardingId}"
_FILE: Final = Parameter(
    "onboardingId", "path", "Number of the file.", {**FILE.schema, "minLength": 12, "maxLength": 23}
)
_FLAG: Final = {"type": "string", "enum": ["true", "false"]}
_FILTERS: Final = (
    Parameter("mine", "query", "Only those that the caller has claimed; or only others.", _FLAG),
    Parameter("overdue", "query", "Only those that should be decided by now; or only others.", _FLAG),
    Parameter(
        "status", "query", "Only these.", {"type": "string", "enum": list(review.STATUSES)}
    ),
)  # fmt: skip
_READ: Final = ("NOT_FOUND", "VAULT_ERASED", "STORAGE_UNAVAILABLE")
_ACTS: Final = (*_READ, "CONFLICT", "FOUR_EYES", "REVIEW_CLAIMED")
_WRITES: Final = ("REQUEST_MALFORMED", "REQUEST_INVALID", "MEDIA_TYPE_UNSUPPORTED")
_NOW: Final = {200: Body("As it is then.", shapes.Review)}

REVIEWS: Final = (
    Operation(
        "listReviews", "GET", "/api/v1/review/queue", "Files that wait for a person", "review", Door.TOKEN,
        {200: Body("A page, what is due first first.", shapes.ReviewPage)}, review.queue,
        problems=("REQUEST_INVALID", "STORAGE_UNAVAILABLE"), grants=_REVIEWS,
        parameters=(*_FILTERS, LIMIT, CURSOR),
    ),
    Operation(
        "getReview", "GET", _ONE, "A review, with its notes", "review", Door.TOKEN,
        {200: Body("As it is.", shapes.Review)}, review.shown, problems=_READ, grants=_REVIEWS,
        parameters=(_FILE,),
    ),
    Operation(
        "claimReview", "POST", f"{_ONE}/claim", "Somebody looks at it; again: their claim is renewed", "review",
        Door.TOKEN, _NOW, review.claim, problems=_ACTS, grants=_REVIEWS,
        assurance=Assurance.TWO_FACTORS, parameters=(_FILE,),
    ),
    Operation(
        "releaseReview", "POST", f"{_ONE}/release", "They give it back", "review", Door.TOKEN, _NOW,
        review.release, problems=(*_READ, "CONFLICT", "REVIEW_CLAIMED"), grants=_REVIEWS,
        assurance=Assurance.TWO_FACTORS, parameters=(_FILE,),
    ),
    Operation(
        "noteReview", "POST", f"{_ONE}/notes", "Something is to be remembered", "review", Door.TOKEN, _NOW,
        review.note, problems=(*_READ, *_WRITES, "REVIEW_NOTES_TOO_MANY"), grants=_REVIEWS,
        assurance=Assurance.TWO_FACTORS, parameters=(_FILE,),
        body=Body("What.", shapes.NewNote),
    ),
    Operation(
        "snoozeReview", "POST", f"{_ONE}/snooze", "It is put off", "review", Door.TOKEN, _NOW, review.snooze,
        problems=(*_ACTS, *_WRITES, "REVIEW_SNOOZE_BOUND"), grants=_REVIEWS,
        assurance=Assurance.TWO_FACTORS, parameters=(_FILE,),
        body=Body("Until when, and why.", shapes.Putoff),
    ),
    Operation(
        "decideReview", "POST", f"{_ONE}/decision", "A person approves or rejects the client", "review",
        Door.TOKEN, _NOW, review.decide, problems=(*_ACTS, *_WRITES), grants=_REVIEWS,
        assurance=Assurance.TWO_FACTORS, parameters=(_FILE,), body=Body("The outcome, and why.", shapes.Judgement),
    ),
    Operation(
        "getOnboardingMeasures", "GET", "/api/v1/onboarding/measures",
        "Times, shares, cost and stability of onboarding", "review", Door.TOKEN,
        {200: Body("Of the last days.", shapes.Measures)}, measures.show,
        problems=("STORAGE_UNAVAILABLE",), grants=_MEASURES,
    ),
)  # fmt: skip
