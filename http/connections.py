"""A person's connections: seen, renewed, read now, and ended (interface.md 7, rows b1).

The rule: whose a connection is stands in a document, and is asked before anything else; another's is as
one that never was. What changes a connection is its actor's to decide, which a blind index names (X15).
Source: spec.md S45, S51, S57, S60, X20, X29, E10.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from comptoir.actors.connection.messages import KIND, ConsentOver, RenewConsent, Revoke, Sync
from comptoir.actors.connection.views import show_connection
from comptoir.actors.consent_week.messages import UNREAD, Became, week_of
from comptoir.actors.linking.messages import UNAVAILABLE, Consent
from comptoir.engine import Address, Message
from comptoir.http.answers import Response, json_response
from comptoir.http.bodies import fault, read_body
from comptoir.http.linking import SCOPE, draw_link, follow, is_redirect
from comptoir.http.operation import OWNER, Call
from comptoir.http.port import Port
from comptoir.http.problems import problem
from comptoir.http.queries import BadQuery, cursor, number, page, plausible_id
from comptoir.http.shapes_banking import ConsentRenewal

__all__ = ["WEEKS", "WEEKS_MAX", "calendar", "listed", "renew", "revoke", "shown", "sync"]

WEEKS: Final = 13
"""A quarter: as long as a consent of the seed's 90 days is."""
WEEKS_MAX: Final = 26
"""As long as any consent may be (X20)."""
WEEK_MS: Final = 7 * 86_400_000
_RENEWAL: Final = msgspec.json.Decoder(ConsentRenewal)
_AS_BEFORE: Final = Consent("", "", 0)


async def listed(port: Port, call: Call) -> Response:
    """GET /api/v1/connections, newest first."""
    rules, asked = port.rules, call.query.get(OWNER, ())
    try:
        wanted = page(call.query, rules.page_items_default, rules.page_items_max)
    except BadQuery as bad:
        return problem("REQUEST_INVALID", call.ticket, errors=bad.errors)
    user_id = asked[0] if len(asked) == 1 else call.access.user_id
    if len(asked) > 1 or user_id is None:
        errors = [fault(f"/query/{OWNER}", "whose connections, once", "FIELD_MISSING")]
        return problem("REQUEST_INVALID", call.ticket, errors=errors)
    if not call.access.covers(user_id) or not plausible_id(user_id):
        return problem("NOT_FOUND", call.ticket)
    known = await port.connections(user_id)
    if not known and call.access.user_id is None:
        return problem("NOT_FOUND", call.ticket)  # nobody's own: as a wallet that nobody has
    # Ranks count from the oldest and stay, whatever comes later or is revoked.
    ranked = list(
        enumerate(sorted(known.values(), key=lambda one: (one["linked_at"], one["id"])), 1)
    )
    items = [
        (rank, one)
        for rank, one in reversed(ranked)
        if one["status"] != "revoked" and (wanted.before is None or rank < wanted.before)
    ]
    following = cursor(items[wanted.limit - 1][0]) if len(items) > wanted.limit else None
    shown = [show_connection(one) for _, one in items[: wanted.limit]]
    return json_response(200, {"items": shown, "nextCursor": following}, call.ticket)


async def shown(port: Port, call: Call) -> Response:
    """GET /api/v1/connections/{id}."""
    owner = await _owner(port, call)
    if owner is None:
        return problem("NOT_FOUND", call.ticket)
    known = await port.connections(owner["user_id"])
    return json_response(200, show_connection(known[call.path["connectionId"]]), call.ticket)


async def calendar(port: Port, call: Call) -> Response:
    """GET /api/v1/connections/calendar, the oldest week first."""
    try:
        wanted = number(call.query, "weeks", WEEKS, WEEKS_MAX)
    except BadQuery as bad:
        return problem("REQUEST_INVALID", call.ticket, errors=bad.errors)
    now = port.now_ms()
    weeks = [week_of(now + step * WEEK_MS) for step in range(-wanted, wanted + 1)]
    known = await port.consent_weeks([*weeks, UNREAD])
    items = [{"week": week, **_week(known.get(week, {}))} for week in weeks]
    unread = [
        {"provider": provider, "connections": found[Became.LIVE.value]}
        for provider, found in sorted(known.get(UNREAD, {}).items())
        if found[Became.LIVE.value]
    ]
    shown = {"thisWeek": week_of(now), "items": items, "unread": unread}
    return json_response(200, shown, call.ticket)


def _week(counts: Mapping[str, Mapping[str, int]]) -> dict[str, object]:
    """The counts of one week: of all, and of each provider that has any."""
    names = [one.value for one in Became]
    providers = [
        {"provider": provider, **{name: found[name] for name in names}}
        for provider, found in sorted(counts.items())
        if any(found.values())
    ]
    sums = {name: sum(found[name] for found in counts.values()) for name in names}
    return {**sums, "providers": providers}


async def _owner(port: Port, call: Call) -> Mapping[str, str] | None:
    """Whose it is and which actor, if the caller may know of it."""
    connection_id = call.path["connectionId"]
    found = await port.connection(connection_id) if plausible_id(connection_id) else None
    return found if found is not None and call.access.covers(found["user_id"]) else None


async def _ask(port: Port, owner: Mapping[str, str], message: Message) -> Any:
    return (await port.ask(Address(KIND, owner["key"]), message)).reply


async def revoke(port: Port, call: Call) -> Response:
    """DELETE /api/v1/connections/{id}: from this answer on nothing is read."""
    owner = await _owner(port, call)
    if owner is None:
        return problem("NOT_FOUND", call.ticket)
    await _ask(port, owner, Revoke())
    known = await port.connections(owner["user_id"])
    over = known[call.path["connectionId"]]["status"] == "revoked"
    return json_response(202, {"status": "revoked" if over else "revoking"}, call.ticket)


async def sync(port: Port, call: Call) -> Response:
    """POST /api/v1/connections/{id}/sync."""
    owner = await _owner(port, call)
    if owner is None:
        return problem("NOT_FOUND", call.ticket)
    if isinstance(await _ask(port, owner, Sync()), ConsentOver):
        return problem("BANK_CONNECTION_EXPIRED", call.ticket)
    return json_response(202, {"status": "syncing"}, call.ticket)


async def renew(port: Port, call: Call) -> Response:
    """POST /api/v1/connections/{id}/renew: where the person renews their consent (X20)."""
    wanted = read_body(call, _RENEWAL, b"{}")
    if isinstance(wanted, Response):
        return wanted
    owner = await _owner(port, call)
    if owner is None:
        return problem("NOT_FOUND", call.ticket)
    rules, given = port.rules.linking, wanted.consent
    redirect_uri = wanted.redirect_uri or next(iter(rules.redirect_uris), port.public_url)
    if wanted.redirect_uri is not None and not is_redirect(port, wanted.redirect_uri):
        errors = [fault("/redirectUri", "not on the allow-list", "REDIRECT_NOT_ALLOWED")]
        return problem("REQUEST_INVALID", call.ticket, errors=errors)
    if given is not None and given.duration_days > rules.consent_days_max:
        errors = [fault("/consent/durationDays", f"at most {rules.consent_days_max}")]
        return problem("REQUEST_INVALID", call.ticket, errors=errors)
    consent = (
        _AS_BEFORE if given is None else Consent(given.text_version, SCOPE, given.duration_days)
    )
    link = draw_link(port, call, redirect_uri, consent)
    opening = msgspec.structs.replace(link.message, device_id=wanted.device_id or "")
    await _ask(port, owner, RenewConsent(link.address.key, opening))
    stood = await follow(port, link.address, lambda now: now.phase not in ("unknown", "starting"))
    if stood.auth_url:
        return json_response(200, {"authUrl": stood.auth_url}, call.ticket)
    return problem(stood.code or UNAVAILABLE, call.ticket)
