"""Files as they are listed: an advisor's own, all of them for compliance, a partner's own (S18, S38).

The rule: who calls decides which list is read, and what of a row is told is what they are told of the file itself: a partner
hears the coarse word and no more (E3). A list is read as it is kept; no file is asked.
Source: interface.md 1 and 8; spec.md S2, S18, S38, X6, X7, E3; docs/onboarding.md; docs/authorization.md.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from comptoir.actors.onboarding.views import ALL, FileRow, advisors, partners
from comptoir.http.answers import Response, json_response
from comptoir.http.approvals import who_calls
from comptoir.http.bodies import fault
from comptoir.http.file_stages import (
    NEXT_STEPS,
    REISSUE,
    SUMMARIES,
    WAITING,
    next_step,
    summary_of,
    waits_for,
)
from comptoir.http.operation import Call
from comptoir.http.port import Port
from comptoir.http.principal import Role
from comptoir.http.problems import FieldError, problem
from comptoir.http.queries import BadQuery, Placed, name_at, placed
from comptoir.http.times import rfc3339

__all__ = ["FILTERS", "SUMMARY_WORDS", "listed", "submitted"]

FILTERS: Final[Mapping[str, tuple[str, ...]]] = {
    "status": (*SUMMARIES,),
    "waitingFor": WAITING,
    "nextStep": (*dict.fromkeys((*NEXT_STEPS.values(), REISSUE)),),
    "overdue": ("true", "false"),
}
SUMMARY_WORDS: Final = (*dict.fromkeys(SUMMARIES.values()),)
LOOK: Final = 500
LOOKS_MAX: Final = 10
"""So many rows are read at once, and so often for one page: whoever filters for what is rare gets a short page and a
cursor, and nobody waits for long.
"""
_PLACE: Final = re.compile(r"[0-9]{15}:[A-Z]{1,8}-[0-9]{4}-[0-9]{5,9}").fullmatch
Shown = dict[str, object]
Keep = Callable[[Shown], bool]


async def listed(port: Port, call: Call) -> Response:
    """GET /api/v1/onboarding: an advisor's files, or for compliance all."""
    who = call.principal
    mine = ALL if who is None or Role.COMPLIANCE in who.roles else advisors(who.subject)
    return await _page(port, call, mine, (FILTERS, _whole))


async def submitted(port: Port, call: Call) -> Response:
    """GET /api/v1/partner/submissions: the files that the caller has submitted."""
    mine = partners(who_calls(call)[0])
    return await _page(port, call, mine, ({"summaryStatus": SUMMARY_WORDS}, _coarse))


async def _page(
    port: Port,
    call: Call,
    mine: str,
    view: tuple[Mapping[str, Sequence[str]], Callable[[str, FileRow, int], Shown]],
) -> Response:
    filters, show = view
    rules = port.rules
    try:
        wanted = placed(call.query, rules.page_items_default, rules.page_items_max, _PLACE)
        keep = _filter(call.query, filters)
    except BadQuery as bad:
        return problem("REQUEST_INVALID", call.ticket, errors=bad.errors)
    items, following = await _matching(port, mine, wanted, (show, keep))
    return json_response(200, {"items": items, "nextCursor": following}, call.ticket)


def _filter(query: Mapping[str, Sequence[str]], filters: Mapping[str, Sequence[str]]) -> Keep:
    """Which are asked for.

    Raises:
        BadQuery: a value is wrong or given twice.
    """
    errors: list[FieldError] = []
    chosen: Shown = {}
    for name, values in filters.items():
        given = query.get(name, ())
        if len(given) > 1 or not set(given) <= set(values):
            errors.append(fault(f"/query/{name}", f"one of {', '.join(values)}"))
        elif given:
            chosen[name] = given[0] == "true" if name == "overdue" else given[0]
    if errors:
        raise BadQuery(errors)
    return lambda shown: all(shown[name] == value for name, value in chosen.items())


async def _matching(
    port: Port, mine: str, wanted: Placed, how: tuple[Callable[[str, FileRow, int], Shown], Keep]
) -> tuple[list[Shown], str | None]:
    """A page of those that are kept, and the place of the last one that was looked at where there are more."""
    show, keep = how
    items: list[Shown] = []
    after, now = wanted.after, port.now_ms()
    for _ in range(LOOKS_MAX):
        rows = await port.files(mine, after, LOOK)
        for place, row in rows:
            shown = show(name_at(place), row, now)
            if not keep(shown):
                after = place
                continue
            if len(items) == wanted.limit:
                return items, after
            items.append(shown)
            after = place
        if len(rows) < LOOK:
            return items, None
    return items, after


def _whole(number: str, row: FileRow, now: int) -> Shown:
    return {
        **_coarse(number, row, now),
        "clientType": row.client_type,
        "status": row.status,
        "nextStep": next_step(row),
        "waitingFor": waits_for(row),
        "since": rfc3339(row.since),
        "dueAt": rfc3339(row.due_at) if row.due_at else None,
        "overdue": 0 < row.due_at <= now,
        "incompleteCause": row.cause or None,
    }


def _coarse(number: str, row: FileRow, _now: int) -> Shown:
    return {
        "onboardingId": number,
        "summaryStatus": summary_of(row),
        "createdAt": rfc3339(row.created_at),
    }
