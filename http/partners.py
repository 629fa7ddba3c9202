"""The partner base over the API (interface.md 7): seen, listed, and set one by one.

The rule: a partner is judged by the very rules of the file that imports it (actors/imports.py), so that the
two ways in cannot differ; it counts for purchases from the moment of the answer. A partner's list is in
the order of ids, because partners have no time of their own.
Source: interface.md 4 and 7; spec.md S47.
"""

import base64
import binascii
import csv
import io
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from comptoir.actors.imports import parse_partners
from comptoir.actors.merchants.messages import MERCHANTS, ImportPartners, Partner, PartnersImported
from comptoir.http.answers import Response, json_response
from comptoir.http.bodies import fault, read_body
from comptoir.http.operation import Call
from comptoir.http.port import Port
from comptoir.http.problems import FieldError, problem
from comptoir.http.queries import BadQuery, page
from comptoir.http.shapes_partners import PartnerFields

__all__ = ["change", "listed", "shown"]

_FIELDS: Final = msgspec.json.Decoder(PartnerFields)
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}").fullmatch
_MARK: Final = b"p1:"


async def shown(port: Port, call: Call) -> Response:
    """GET /api/v1/partners/{partnerId}."""
    partner_id = call.path["partnerId"]
    found = await port.partner(partner_id) if _ID(partner_id) else None
    if found is None:
        return problem("NOT_FOUND", call.ticket)
    return json_response(200, _shown(found), call.ticket)


async def listed(port: Port, call: Call) -> Response:
    """GET /api/v1/partners."""
    rules, given = port.rules, call.query.get("cursor", ())
    after = _after(given[0]) if len(given) == 1 else ("" if not given else None)
    try:
        limits = {name: values for name, values in call.query.items() if name != "cursor"}
        wanted = page(limits, rules.page_items_default, rules.page_items_max)
    except BadQuery as bad:
        return problem("REQUEST_INVALID", call.ticket, errors=bad.errors)
    if after is None:
        errors = [fault("/query/cursor", "the nextCursor of an earlier page", "CURSOR_INVALID")]
        return problem("REQUEST_INVALID", call.ticket, errors=errors)
    found = await port.partners(after, wanted.limit + 1)
    items = found[: wanted.limit]
    following = _cursor(items[-1]["id"]) if len(found) > wanted.limit else None
    body = {"items": [_shown(one) for one in items], "nextCursor": following}
    return json_response(200, body, call.ticket)


def _cursor(last: str) -> str:
    return base64.urlsafe_b64encode(_MARK + last.encode()).rstrip(b"=").decode()


def _after(text: str) -> str | None:
    """The id inside a cursor; None if it is not one of ours."""
    try:
        plain = base64.b64decode(
            text.encode("ascii") + b"=" * (-len(text) % 4), b"-_", validate=True
        )
        last = plain.removeprefix(_MARK).decode("ascii")
    except (binascii.Error, UnicodeError):
        return None
    return last if _ID(last) and _cursor(last) == text else None


async def change(port: Port, call: Call) -> Response:
    """PUT /api/v1/partners/{partnerId}: what it is from now on, whole; 201 if it is a new one."""
    wanted = read_body(call, _FIELDS)
    if isinstance(wanted, Response):
        return wanted
    judged = _judged(call.path["partnerId"], wanted)
    if not isinstance(judged, Partner):
        return problem("REQUEST_INVALID", call.ticket, errors=judged)
    reply = (await port.ask(MERCHANTS, ImportPartners((judged,)))).reply
    assert isinstance(reply, PartnersImported)
    status = 201 if reply.imported else 200
    return json_response(status, _shown(msgspec.to_builtins(judged)), call.ticket)


def _judged(partner_id: str, wanted: PartnerFields) -> Partner | list[FieldError]:
    """The partner, as a file of this one row would have made it; or what is wrong with it."""
    semicolons = [
        fault(f"/{name}", "a semicolon separates entries in files", "VALUE_CHARACTER_FORBIDDEN")
        for name in ("mcc", "patterns")
        if any(";" in entry for entry in getattr(wanted, name))
    ]
    if semicolons or wanted.id not in (None, partner_id):
        return semicolons or [fault("/id", "the one of the path, or none")]
    values: dict[str, Any] = {**msgspec.structs.asdict(wanted), "id": partner_id}
    entries = {"mcc": ";".join(wanted.mcc), "patterns": ";".join(wanted.patterns)}
    row = {
        name: "" if value is None else str(value) for name, value in {**values, **entries}.items()
    }
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerows((row.keys(), row.values()))
    parsed = parse_partners(file.getvalue())
    if parsed.errors:
        return [fault(f"/{_camel(one.column)}", one.text, one.code) for one in parsed.errors]
    return parsed.rows[0]


def _camel(column: str) -> str:
    first, *rest = column.split("_")
    return first + "".join(word.title() for word in rest)


def _shown(partner: Mapping[str, Any]) -> dict[str, Any]:
    """Every column in camelCase; an empty day, city or cap is null."""
    return {
        "id": partner["id"],
        "name": partner["name"],
        "rateBp": partner["rate_bp"],
        "mcc": list(partner["mcc"]),
        "patterns": list(partner["patterns"]),
        "validFrom": partner["valid_from"] or None,
        "validTo": partner["valid_to"] or None,
        "capCentsPurchase": partner["cap_cents_purchase"],
        "capCentsMonth": partner["cap_cents_month"],
        "city": partner["city"] or None,
    }
