"""The feed of public events over the API: for a customer data hub that goes through it at its own pace.

The rule: what is shown is committed, and so is all before it; a page is what follows a position, so that a reader that
keeps the last position it has seen misses nothing and is told nothing twice.
Source: interface.md 8 (`GET /api/v1/events`); spec.md S17, S33; docs/events.md.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from comptoir.actors.feed.messages import PublicEvent
from comptoir.http.answers import Response, json_response
from comptoir.http.events_port import FEED_MOVES
from comptoir.http.following import until
from comptoir.http.operation import Call
from comptoir.http.port import Port
from comptoir.http.problems import FieldError, problem
from comptoir.http.queries import BadQuery
from comptoir.http.queries import number as read_number
from comptoir.http.shapes_events import WAIT_SECONDS_MAX
from comptoir.http.times import rfc3339

__all__ = ["listed"]

SCOPE: Final = "events:read"
_NUMBER: Final = re.compile(r"[0-9]{1,19}").fullmatch
_POSITION_MAX: Final = 2**63 - 1


async def listed(port: Port, call: Call) -> Response:
    """GET /api/v1/events."""
    try:
        after = _whole(call.query, "after", _POSITION_MAX)
        wait_s = _whole(call.query, "wait", WAIT_SECONDS_MAX)
        limit = read_number(
            call.query, "limit", port.rules.page_items_default, port.rules.page_items_max
        )
    except BadQuery as bad:
        return problem("REQUEST_INVALID", call.ticket, errors=bad.errors)
    page = await port.public_events(after, limit)
    if not page and wait_s:

        async def look() -> Sequence[PublicEvent]:
            return await port.public_events(after, limit)

        page = await until(port.moves, FEED_MOVES, look, bool, wait_s) or ()
    shown = {
        "items": [_shown(one) for one in page],
        "nextCursor": str(page[-1].position) if page and len(page) == limit else None,
    }
    return json_response(200, shown, call.ticket)


def _shown(event: PublicEvent) -> dict[str, object]:
    return {
        "position": event.position,
        "id": event.id,
        "type": event.type,
        "entity": event.entity,
        "at": rfc3339(event.at),
        "data": dict(event.data),
    }


def _whole(query: Mapping[str, Sequence[str]], name: str, most: int) -> int:
    """A whole number from 0; without it 0.

    Raises:
        BadQuery: it is none, too great, or given twice.
    """
    given = query.get(name, ())
    if not given:
        return 0
    if len(given) > 1 or not given[0].isascii() or not _NUMBER(given[0]) or int(given[0]) > most:
        detail = f"a whole number from 0 to {most}"
        raise BadQuery([FieldError(pointer=f"/query/{name}", code="NUMBER_INVALID", detail=detail)])
    return int(given[0])
