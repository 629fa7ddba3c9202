"""Watch lists over the API: which version is searched, how far the cases are, one name by hand.

The rule: a reload and a search are events with who asked for them; a search's name is in its body and its answer, and
is kept nowhere. Source: spec.md S21, S27, S59, E4; docs/screening.md.
"""

import msgspec

from comptoir.actors.gateways.kyc_messages import CheckImpossible, ListedHit
from comptoir.actors.kyc.messages import Party
from comptoir.actors.watch_list.messages import (
    KIND,
    DescribeList,
    ListDescribed,
    NoteSearch,
    ReloadList,
)
from comptoir.engine import Address, Message
from comptoir.http.answers import Response, json_response
from comptoir.http.approvals import who_calls
from comptoir.http.bodies import fault, read_body
from comptoir.http.operation import Call
from comptoir.http.port import Port
from comptoir.http.problems import problem
from comptoir.http.shapes_lists import ListSearch
from comptoir.http.times import rfc3339

__all__ = ["described", "listed", "reloaded", "searched"]

_SEARCH = msgspec.json.Decoder(ListSearch)


async def listed(port: Port, call: Call) -> Response:
    """GET /api/v1/lists."""
    items = [await _told(port, name, DescribeList()) for name in port.rules.lists]
    return json_response(200, {"items": items}, call.ticket)


async def described(port: Port, call: Call) -> Response:
    """GET /api/v1/lists/{name}."""
    name = call.path["name"]
    if name not in port.rules.lists:
        return problem("NOT_FOUND", call.ticket)
    return json_response(200, await _told(port, name, DescribeList()), call.ticket)


async def reloaded(port: Port, call: Call) -> Response:
    """POST /api/v1/lists/{name}/reload."""
    name = call.path["name"]
    if name not in port.rules.lists:
        return problem("NOT_FOUND", call.ticket)
    shown = await _told(port, name, ReloadList(who_calls(call)[0]))
    return json_response(202, shown, call.ticket)


async def searched(port: Port, call: Call) -> Response:
    """POST /api/v1/screening/search."""
    wanted = read_body(call, _SEARCH)
    if isinstance(wanted, Response):
        return wanted
    if not port.rules.lists:
        return problem("NOT_FOUND", call.ticket)
    countries = (*wanted.countries, "", "", "")
    party = Party(
        "asked", "client", wanted.schema, last_name=wanted.name, date_of_birth=wanted.birth_date or "",
        residence_country=countries[0], tax_residence=countries[1], nationality=countries[2],
    )  # fmt: skip
    found = await port.screen(party)
    if found is None:
        return problem("SCREENING_UNAVAILABLE", call.ticket)
    if isinstance(found, CheckImpossible):
        errors = [fault("/name", "a name that can be searched for")]
        return problem("REQUEST_INVALID", call.ticket, errors=errors)
    by = who_calls(call)[0]
    for name in found.lists:
        hits = sum(hit.list == name for hit in found.hits)
        await port.ask(Address(KIND, name), NoteSearch(by, hits))
    shown = {"hits": [_hit(one) for one in found.hits], "lists": dict(found.lists)}
    return json_response(200, shown, call.ticket)


def _hit(one: ListedHit) -> dict[str, object]:
    return {
        "list": one.list,
        "entryId": one.entry_id,
        "name": one.name,
        "score": one.score,
        "topics": list(one.topics),
        "features": dict(one.features),
        "aliases": list(one.aliases),
        "birthDates": list(one.birth_dates),
        "countries": list(one.countries),
    }


async def _told(port: Port, name: str, message: Message) -> dict[str, object]:
    """Ask a list, and show what it answers."""
    reply = (await port.ask(Address(KIND, name), message)).reply
    assert isinstance(reply, ListDescribed)
    walk = reply.rescreening
    return {
        "name": name,
        "status": reply.status,
        "version": reply.version or None,
        "entries": reply.entries,
        "names": reply.names,
        "loadedAt": rfc3339(reply.loaded_at) if reply.loaded_at else None,
        "lookedAt": rfc3339(reply.looked_at) if reply.looked_at else None,
        "code": reply.code or None,
        "detail": reply.detail or None,
        "rescreening": None
        if walk is None
        else {
            "version": walk.version,
            "done": walk.done,
            "of": walk.of,
            "startedAt": rfc3339(walk.since),
            "endedAt": rfc3339(walk.until) if walk.until else None,
        },
    }
