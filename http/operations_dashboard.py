"""The rows of lists of files (operations.py has the rule).

Source: interface.md 1 and 8; spec.md S2, S18, S34, S38, X7; docs/authorization.md; docs/onboarding.md.
"""

from types import MappingProxyType
from typing import Final

from comptoir.http import dashboard, submissions
from comptoir.http import shapes_dashboard as shapes
from comptoir.http.operation import Body, Door, Operation, Parameter, Reach
from comptoir.http.operations_banking import CURSOR, LIMIT
from comptoir.http.principal import Role

__all__ = ["DASHBOARD"]

_LISTS: Final = MappingProxyType({Role.CONSEILLER: Reach.ANY, Role.COMPLIANCE: Reach.ANY})
"""Of an advisor their own list alone (dashboard.py); a client's file is in the portal."""
_SUBMITS: Final = MappingProxyType({submissions.SCOPE: Reach.ANY})
"""Its own alone (dashboard.py)."""
_PROBLEMS: Final = ("REQUEST_INVALID", "STORAGE_UNAVAILABLE")


def _one_of(name: str, text: str, words: tuple[str, ...]) -> Parameter:
    return Parameter(name, "query", text, {"type": "string", "enum": [*words]})


_TEXTS: Final = {
    "status": "Only these.",
    "waitingFor": "Only those that wait for them.",
    "nextStep": "Only those of which this is to come.",
    "overdue": "Only those that should be further by now; or only others.",
}

DASHBOARD: Final = (
    Operation(
        "listOnboardings", "GET", "/api/v1/onboarding", "Files, how far each is and what it waits for",
        "onboarding", Door.TOKEN,
        {200: Body("A page, the newest first: an advisor's own, of compliance all.", shapes.FilePage)},
        dashboard.listed, problems=_PROBLEMS, grants=_LISTS,
        parameters=(
            *(_one_of(name, _TEXTS[name], words) for name, words in dashboard.FILTERS.items()), LIMIT, CURSOR,
        ),
    ),
    Operation(
        "listSubmissions", "GET", "/api/v1/partner/submissions", "The files that a partner has submitted",
        "onboarding", Door.TOKEN, {200: Body("A page, the newest first.", shapes.SubmissionPage)},
        dashboard.submitted, problems=_PROBLEMS, scopes=_SUBMITS,
        parameters=(
            _one_of("summaryStatus", "Only these.", dashboard.SUMMARY_WORDS), LIMIT, CURSOR,
        ),
    ),
)  # fmt: skip
