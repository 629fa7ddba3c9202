"""Reports of what we think was paid beside what is said of it, over the API.

The rule: what a report has is shown as it was kept; a day that could not be compared has the report from before, if
there is one, and the reason. Numbers, states and references; nobody's name or account.
Source: spec.md S46, S50, S60; docs/withdrawals.md.
"""

import re
from collections.abc import Mapping
from operator import itemgetter
from typing import Any, Final

from comptoir.actors.reconciliation.messages import report_key
from comptoir.http.answers import Response, json_response
from comptoir.http.bodies import fault
from comptoir.http.operation import Call
from comptoir.http.port import Port
from comptoir.http.problems import problem
from comptoir.http.queries import BadQuery, placed
from comptoir.http.times import is_day, rfc3339

__all__ = ["listed"]

_PLACE: Final = re.compile(r"[0-9]{7}:[a-z]{1,16}").fullmatch


async def listed(port: Port, call: Call) -> Response:
    """GET /api/v1/payouts/reconciliations, the newest day first."""
    rules, days = port.rules, call.query.get("day", ())
    try:
        wanted = placed(call.query, rules.page_items_default, rules.page_items_max, _PLACE)
    except BadQuery as bad:
        return problem("REQUEST_INVALID", call.ticket, errors=bad.errors)
    if len(days) > 1 or not all(map(is_day, days)):
        errors = [fault("/query/day", "one day, as YYYY-MM-DD")]
        return problem("REQUEST_INVALID", call.ticket, errors=errors)
    begin = report_key(days[0]) if days else ""
    found = await port.reconciliations(max(begin, wanted.after), wanted.to_read)
    mine = [(key, one) for key, one in found if key.startswith(begin)]
    reports, following = wanted.cut(mine, itemgetter(0))
    items = [_shown(one) for _, one in reports]
    return json_response(200, {"items": items, "nextCursor": following}, call.ticket)


def _shown(one: Mapping[str, Any]) -> dict[str, object]:
    """A report; of a day that was never compared there is none but the reason."""
    return {
        "source": one["source"],
        "day": one["day"],
        "comparedAt": rfc3339(one["at"]) if "at" in one else None,
        "code": one["code"] or None,
        "ours": _totals(one.get("ours", ())),
        "theirs": _totals(one.get("theirs", ())),
        "differences": one.get("differences", 0),
        "rows": [
            {
                "reference": row["reference"],
                "kind": row["kind"],
                "ours": row["ours"] or None,
                "theirs": row["theirs"] or None,
                "ourCents": row["our_cents"],
                "theirCents": row["their_cents"],
            }
            for row in one.get("rows", ())
        ],
    }


def _totals(totals: Any) -> list[dict[str, object]]:
    return [
        {"currency": one["currency"], "payments": one["payments"], "cents": one["cents"]}
        for one in totals
    ]
