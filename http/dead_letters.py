"""Dead letters over the API: which there are, what they add up to, and what one of them says.

The rule: a list opens no message. What a letter says is an operation of its own, for whoever may read
people's data, and shows what actors/disposition/content.py lets be shown. Who reads it is durable in the audit
log before they are answered: where that cannot be written, nothing is shown.
Source: interface.md 7 (rows b1); spec.md S57, S64, S60, X23.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from comptoir.actors.disposition.content import content_of
from comptoir.actors.disposition.messages import KIND, NoteReading
from comptoir.actors.gateways.record_view import RecordView, view_of_message
from comptoir.actors.letter_report.messages import (
    REPORTED,
    Cause,
    ListReports,
    Report,
    ReportsListed,
)
from comptoir.engine import Address
from comptoir.engine.gateway_spec import HOLD
from comptoir.engine.letters import ID_MAX, DeadLetterRow, LetterCount, LetterFilter
from comptoir.http.answers import Response, json_response
from comptoir.http.approvals import who_calls
from comptoir.http.bodies import fault
from comptoir.http.operation import Call
from comptoir.http.port import Port
from comptoir.http.problems import FieldError, problem
from comptoir.http.queries import BadQuery, cursor, page
from comptoir.http.shapes_upkeep import NAME_PATTERN
from comptoir.http.times import read_rfc3339, rfc3339

__all__ = ["content", "letter_of", "listed", "queues", "reports", "shown"]

DAY_MS: Final = 86_400_000
_ID: Final = re.compile(r"dl_([0-9a-f]{16})").fullmatch
_NAME: Final = re.compile(NAME_PATTERN.strip("^$")).fullmatch
_NAMES: Final = ("queue", "code", "kind")
_TIMES: Final = ("diedFrom", "diedBefore")


def letter_of(text: str) -> int | None:
    """The number inside a letter's id; None where it is no id of ours."""
    found = _ID(text)
    number = int(found[1], 16) if found else 0
    return number if 0 < number <= ID_MAX else None


def _letter_id(number: int) -> str:
    return f"dl_{number:016x}"


async def listed(port: Port, call: Call) -> Response:
    """GET /api/v1/dead-letters, newest first."""
    rules = port.rules
    try:
        wanted = page(call.query, rules.page_items_default, rules.page_items_max)
        chosen = _filter(call.query)
    except BadQuery as bad:
        return problem("REQUEST_INVALID", call.ticket, errors=bad.errors)
    found = await port.letters.letters(chosen, wanted.before, wanted.limit + 1)
    items = found[: wanted.limit]
    following = cursor(items[-1].id) if len(found) > wanted.limit else None
    body = {"items": [_shown(port, row) for row in items], "nextCursor": following}
    return json_response(200, body, call.ticket)


def _filter(query: Mapping[str, Sequence[str]]) -> LetterFilter:
    """Which letters are asked for.

    Raises:
        BadQuery: a value is wrong or given twice.
    """
    errors: list[FieldError] = []
    names: dict[str, str] = {}
    times: dict[str, int | None] = dict.fromkeys(_TIMES)
    for name in _NAMES:
        given = query.get(name, ())
        if len(given) > 1 or not all(map(_NAME, given)):
            errors.append(fault(f"/query/{name}", "one name of queue, reason or kind"))
        names[name] = given[0] if given else ""
    for name in _TIMES:
        given = query.get(name, ())
        times[name] = read_rfc3339(given[0]) if given else None
        if len(given) > 1 or (given and times[name] is None):
            errors.append(fault(f"/query/{name}", "one time such as 2026-11-30T09:00:00Z"))
    if errors:
        raise BadQuery(errors)
    return LetterFilter(
        names["queue"], names["code"], names["kind"], times["diedFrom"], times["diedBefore"]
    )


async def shown(port: Port, call: Call) -> Response:
    """GET /api/v1/dead-letters/{letterId}."""
    number = letter_of(call.path["letterId"])
    row = None if number is None else await port.letters.letter(number)
    if row is None:
        return problem("NOT_FOUND", call.ticket)
    return json_response(200, _shown(port, row), call.ticket)


def _shown(port: Port, row: DeadLetterRow) -> dict[str, object]:
    """A letter, without what it says."""
    ends = None if row.queue == HOLD else rfc3339(row.died_at + port.rules.dead_letter_ms)
    return {
        "letterId": _letter_id(row.id),
        "queue": row.queue,
        "kind": row.target.kind,
        "sender": row.sender.kind,
        "code": row.code,
        "detail": row.detail,
        "attempts": [{"at": rfc3339(x.at), "outcome": x.outcome} for x in row.attempts],
        "createdAt": rfc3339(row.created_at),
        "diedAt": rfc3339(row.died_at),
        "expiresAt": ends,
    }


async def content(port: Port, call: Call) -> Response:
    """GET /api/v1/dead-letters/{letterId}/content."""
    number = letter_of(call.path["letterId"])
    row = None if number is None else await port.letters.letter(number)
    payload = None if row is None else await port.letters.open_letter(row.id)
    if row is None or payload is None:
        return problem("NOT_FOUND", call.ticket)
    name, (reader, _) = _letter_id(row.id), who_calls(call)
    await port.ask(Address(KIND, name), NoteReading(row.id, reader))
    told = content_of(payload)
    body = {
        "letterId": name,
        "message": told.message,
        "key": row.target.key,
        "fields": dict(told.fields),
        "withheld": list(told.withheld),
        "record": _record(view_of_message(payload, port.rules.code_page)),
    }
    return json_response(200, body, call.ticket)


def _record(view: RecordView | None) -> dict[str, object] | None:
    """A record of the mainframe, field by field (E11)."""
    if view is None:
        return None
    fields = [
        {
            "field": one.field, "offset": one.offset, "picture": one.picture, "hex": one.hex,
            "meaning": one.meaning or None, "wrong": one.wrong or None,
        }
        for one in view.fields
    ]  # fmt: skip
    return {
        "copybook": view.copybook,
        "bytes": view.bytes,
        "expectedBytes": view.expected,
        "fields": fields,
    }


async def queues(port: Port, call: Call) -> Response:
    """GET /api/v1/dead-letters/queues."""
    since = port.now_ms() - DAY_MS
    items: list[dict[str, object]] = []
    for queue in sorted(await port.letters.count_dead_letters()):
        counts = await port.letters.sum_letters(queue, since)
        if counts:  # else they are gone meanwhile
            items.append({"queue": queue, **_summed(counts)})
    return json_response(200, {"items": items}, call.ticket)


def _summed(counts: Sequence[LetterCount]) -> dict[str, object]:
    return {
        "letters": sum(count.letters for count in counts),
        "fresh": sum(count.fresh for count in counts),
        "oldestAt": rfc3339(min(count.oldest for count in counts)),
        "causes": [_cause(count) for count in counts],
    }


def _cause(count: LetterCount | Cause) -> dict[str, object]:
    return {
        "code": count.code,
        "letters": count.letters,
        "fresh": count.fresh,
        "oldestAt": rfc3339(count.oldest),
    }


async def reports(port: Port, call: Call) -> Response:
    """GET /api/v1/dead-letters/reports."""
    found: Any = (await port.ask(REPORTED, ListReports())).reply
    assert isinstance(found, ReportsListed)
    body = {
        "queue": REPORTED.key,
        "nextAt": rfc3339(found.next_at) if found.next_at else None,
        "items": [_reported(one) for one in found.reports],
    }
    return json_response(200, body, call.ticket)


def _reported(one: Report) -> dict[str, object]:
    return {
        "at": rfc3339(one.at),
        "since": rfc3339(one.since),
        "letters": one.letters,
        "fresh": one.fresh,
        "oldestAt": rfc3339(one.oldest) if one.letters else None,
        "causes": [_cause(cause) for cause in one.causes],
        "mail": one.mail,
    }
