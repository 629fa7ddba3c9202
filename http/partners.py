"""The partner base over the API (interface.md 7): seen, listed, and set one by one.

The rule: a partner is judged by the very rules of the file that imports it (actors/imports.py), so that the
two ways in cannot differ; it counts for purchases from the moment of the answer, of the days on which it holds.
A partner's list is in the order of ids, because partners have no time of their own; its history is by version.
Source: interface.md 4 and 7; spec.md S47, E9; adr/0035.
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
from comptoir.http.approvals import who_calls
from comptoir.http.bodies import fault, read_body
from comptoir.http.operation import Call
from comptoir.http.port import Port
from comptoir.http.problems import FieldError, problem
from comptoir.http.queries import BadQuery, cursor, page
from comptoir.http.shapes_partners import PartnerFields
from comptoir.http.times import rfc3339

__all__ = ["change", "history", "listed", "shown"]

_FIELDS: Final = msgspec.json.Decoder(PartnerFields)
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}").fullmatch
_MARK: Final = b"p1:"
_LISTS: Final = ("mcc", "patterns", "trade_names", "excludes")
_OF_PERIODS: Final = ("validFrom", "validTo", "rateBp", "capCentsPurchase", "capCentsMonth")


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
    order = ImportPartners((judged,), who_calls(call)[0])
    reply = (await port.ask(MERCHANTS, order)).reply
    assert isinstance(reply, PartnersImported)
    status = 201 if reply.imported else 200
    return json_response(status, _shown(msgspec.to_builtins(judged)), call.ticket)


async def history(port: Port, call: Call) -> Response:
    """GET /api/v1/partners/{partnerId}/history: what it is, and what it was, the newest first."""
    partner_id, rules = call.path["partnerId"], port.rules
    try:
        wanted = page(call.query, rules.page_items_default, rules.page_items_max)
    except BadQuery as bad:
        return problem("REQUEST_INVALID", call.ticket, errors=bad.errors)
    known = await port.partner(partner_id) if _ID(partner_id) else None
    if known is None:
        return problem("NOT_FOUND", call.ticket)
    found = [] if wanted.before else [known]
    found += await port.partner_changes(partner_id, wanted.before, wanted.limit + 1 - len(found))
    items = found[: wanted.limit]
    following = cursor(items[-1].get("version", 0)) if len(found) > wanted.limit else None
    body = {"items": [_changed(one) for one in items], "nextCursor": following}
    return json_response(200, body, call.ticket)


def _changed(document: Mapping[str, Any]) -> dict[str, Any]:
    at = document.get("at")
    earlier = document.get("earlier", ())
    return {
        "version": document.get("version", 0),
        "at": None if at is None else rfc3339(at),
        "maker": document.get("maker") or None,
        "partner": _shown(document),
        "periods": [{name: _shown(one)[name] for name in _OF_PERIODS} for one in earlier],
    }


def _judged(partner_id: str, wanted: PartnerFields) -> Partner | list[FieldError]:
    """The partner, as a file of this one row would have made it; or what is wrong with it."""
    semicolons = [
        fault(
            f"/{_camel(name)}",
            "a semicolon separates entries in files",
            "VALUE_CHARACTER_FORBIDDEN",
        )
        for name in _LISTS
        if any(";" in entry for entry in getattr(wanted, name))
    ]
    told = [text for store in wanted.stores for text in (store.name, store.city or "")]
    if any(mark in text for text in told for mark in ";@"):
        detail = "semicolons and @ separate stores and towns in files"
        semicolons.append(fault("/stores", detail, "VALUE_CHARACTER_FORBIDDEN"))
    if semicolons or wanted.id not in (None, partner_id):
        return semicolons or [fault("/id", "the one of the path, or none")]
    values: dict[str, Any] = {**msgspec.structs.asdict(wanted), "id": partner_id}
    entries = {name: ";".join(getattr(wanted, name)) for name in _LISTS}
    stores = (f"{one.name}@{one.city}" if one.city else one.name for one in wanted.stores)
    entries |= {"stores": ";".join(stores), "common_name": "true" if wanted.common_name else ""}
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


def _shown(document: Mapping[str, Any]) -> dict[str, Any]:
    """Every column in camelCase: an empty day, city or cap is null; of what only some partners say about
    themselves, what this one says.
    """
    partner = msgspec.convert(document, Partner)
    said = {
        "tradeNames": list(partner.trade_names),
        "stores": [{"name": one.name, "city": one.city or None} for one in partner.stores],
        "excludes": list(partner.excludes),
        "country": partner.country,
        "commonName": partner.common_name,
    }
    return {
        "id": partner.id,
        "name": partner.name,
        "rateBp": partner.rate_bp,
        "mcc": list(partner.mcc),
        "patterns": list(partner.patterns),
        "validFrom": partner.valid_from or None,
        "validTo": partner.valid_to or None,
        "capCentsPurchase": partner.cap_cents_purchase,
        "capCentsMonth": partner.cap_cents_month,
        "city": partner.city or None,
        **{name: value for name, value in said.items() if value},
    }
