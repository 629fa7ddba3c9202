"""What endpoints of webhooks may be told: rows of the table of problems (problems.py has the rule).

Source: spec.md S33; docs/events.md.
"""

from collections.abc import Mapping
from typing import Final

from comptoir.http.problem_rows import LATER_EN, LATER_FR, Problem

__all__ = ["OF_EVENTS"]

OF_EVENTS: Final[Mapping[str, Problem]] = {
    "ENDPOINTS_TOO_MANY": Problem(
        409, "Too many endpoints", "There are as many endpoints of webhooks as there may be.",
        "Supprimer ceux qui n'écoutent plus", "Delete those at which nobody listens",
    ),
    "REPLAYS_TOO_MANY": Problem(
        409, "Too much asked for", "What was asked for before is still to be told.", LATER_FR, LATER_EN,
    ),
}  # fmt: skip
