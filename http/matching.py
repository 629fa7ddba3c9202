"""What the matcher's proof reads: purchases that were matched, candidates that are kept, cases from claims.

The rule: whose a purchase is and what it cost is not told, for a backtest needs neither; a label is told without a
number as long as a card's (S58). First come the purchases that were matched, then what is kept.
Source: spec.md E9, X22, X23; docs/matching.md.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from comptoir.actors.candidates.messages import Candidate
from comptoir.actors.merchants.messages import Partner, shown_label
from comptoir.http.answers import Response, json_response
from comptoir.http.operation import Call
from comptoir.http.port import Port
from comptoir.http.problems import problem
from comptoir.http.queries import CURSOR_FAULT, BadQuery, page

__all__ = ["cases", "partners", "purchases"]

MATCHED: Final = "m"
KEPT: Final = "k"
_MARK: Final = "s1"
USERS_PER_ITEM: Final = 10
"""A person has that many candidates, about: so many fewer users are read than items are wanted."""


async def purchases(port: Port, call: Call) -> Response:
    """GET /api/v1/matching/purchases."""
    wanted = _page(port, call)
    if isinstance(wanted, Response):
        return wanted
    after, limit = wanted
    part, _, place = (after or f"{MATCHED}:").partition(":")
    last: str | None
    following: str | None
    if part == MATCHED:
        last, found = await port.matched_purchases(place, limit)
        items = [_matched(one) for one in found]
        following = _cursor(f"{KEPT}:") if last is None else _cursor(f"{MATCHED}:{last}")
    else:
        users = max(1, limit // USERS_PER_ITEM)
        last, kept = await port.candidates(place, users)
        items = [_kept(one) for one in kept]
        following = None if last is None else _cursor(f"{KEPT}:{last}")
    return json_response(200, {"items": items, "nextCursor": following}, call.ticket)


async def partners(port: Port, call: Call) -> Response:
    """GET /api/v1/matching/partners: the base in force with all its periods, as a backtest takes it."""
    wanted = _page(port, call)
    if isinstance(wanted, Response):
        return wanted
    after, limit = wanted
    found = await port.partners(after.partition(":")[2], limit + 1)
    items = [_of_base(msgspec.convert(one, Partner)) for one in found[:limit]]
    following = _cursor(f"{MATCHED}:{items[-1]['id']}") if len(found) > limit else None
    return json_response(200, {"items": items, "nextCursor": following}, call.ticket)


async def cases(port: Port, call: Call) -> Response:
    """GET /api/v1/matching/cases."""
    wanted = _page(port, call)
    if isinstance(wanted, Response):
        return wanted
    after, limit = wanted
    found = await port.match_cases(after.partition(":")[2], limit + 1)
    items = [{"claimId": claim_id, **case} for claim_id, case in found[:limit]]
    following = _cursor(f"{KEPT}:{found[limit - 1][0]}") if len(found) > limit else None
    return json_response(200, {"items": items, "nextCursor": following}, call.ticket)


def _page(port: Port, call: Call) -> tuple[str, int] | Response:
    """Where the page begins, and how long it is; or what is wrong with the question."""
    rules, cursors = port.rules, call.query.get("cursor", ())
    try:
        limits = {"limit": call.query.get("limit", ())}
        wanted = page(limits, rules.page_items_default, rules.page_items_max)
    except BadQuery as bad:
        return problem("REQUEST_INVALID", call.ticket, errors=bad.errors)
    after = _place(cursors[0]) if len(cursors) == 1 else ("" if not cursors else None)
    if after is None:
        return problem("REQUEST_INVALID", call.ticket, errors=[CURSOR_FAULT])
    return after, wanted.limit


def _cursor(place: str) -> str:
    return base64.urlsafe_b64encode(f"{_MARK}{place}".encode()).rstrip(b"=").decode()


def _place(text: str) -> str | None:
    """What a cursor says; None if it is not one of ours."""
    try:
        plain = base64.b64decode(
            text.encode("ascii") + b"=" * (-len(text) % 4), b"-_", validate=True
        ).decode()
    except (binascii.Error, UnicodeError):
        return None
    place = plain.removeprefix(_MARK)
    ours = place[:2] in (f"{MATCHED}:", f"{KEPT}:") and place.isprintable()
    return place if ours and _cursor(place) == text else None


def _of_base(partner: Partner) -> dict[str, Any]:
    """A partner as a backtest takes it; its periods have no periods."""
    shown: dict[str, Any] = msgspec.to_builtins(partner)
    for period in shown["earlier"]:
        del period["earlier"]
    return shown


def _matched(document: Mapping[str, Any]) -> dict[str, object]:
    return {
        "label": shown_label(document["merchant_name"]),
        "mcc": document.get("mcc") or None,
        "city": document.get("city") or None,
        "country": document.get("country") or None,
        "date": document["date"],
        "partnerId": document["partner_id"] or None,
        "claimed": "claim" in document,
    }


def _kept(candidate: Candidate) -> dict[str, object]:
    report = candidate.report
    return {
        "label": shown_label(report.merchant_name),
        "mcc": report.mcc or None,
        "city": report.city or None,
        "country": report.country or None,
        "date": report.date,
        "partnerId": None,
        "claimed": False,
    }
