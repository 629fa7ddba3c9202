"""What reviews may be told: rows of the table of problems (problems.py has the rule).

Source: spec.md E14, X5; docs/review.md.
"""

from collections.abc import Mapping
from typing import Final

from comptoir.http.problem_rows import FIX_EN, FIX_FR, Problem

__all__ = ["OF_REVIEWS"]

OF_REVIEWS: Final[Mapping[str, Problem]] = {
    "REVIEW_CLAIMED": Problem(
        409, "Claimed", "Somebody else looks at it.",
        "Attendre que la personne le rende", "Wait until they give it back",
    ),
    "REVIEW_SNOOZE_BOUND": Problem(
        422, "Not for so long", "It ends before now, later than is allowed, or was put off too often.",
        FIX_FR, FIX_EN,
    ),
    "REVIEW_NOTES_TOO_MANY": Problem(
        409, "Too many notes", "There are as many notes of this file as it may have.",
        "Décider sans autre note", "Decide without another note",
    ),
}  # fmt: skip
