"""Endpoints of webhooks over the API: who is told, with what it is signed, what became of it.

The rule: a secret is drawn here, from the request's own chance, and shown once; an address that a webhook must not go to
is refused here, and once more at each call (actors/gateways/outward_target.py). A service sees its own endpoints, and is
told of the files that it has submitted itself; the house's are an ADMIN's.
Source: spec.md S17, S33, X7; the Standard Webhooks specification 1.0.0; docs/events.md.
"""

from typing import Final

import msgspec

from comptoir.actors.endpoint import messages as said
from comptoir.actors.feed.messages import (
    FEED,
    AddEndpoint,
    DropEndpoint,
    EndpointsListed,
    EndpointTerms,
    ListEndpoints,
)
from comptoir.actors.gateways.outward_signing import secret_of
from comptoir.actors.gateways.outward_target import address_fault
from comptoir.engine import Message, Refused
from comptoir.http.answers import Response, json_response
from comptoir.http.bodies import fault, read_body
from comptoir.http.operation import Call
from comptoir.http.port import Port
from comptoir.http.principal import Role
from comptoir.http.problems import problem
from comptoir.http.shapes_events import EndpointChange, NewEndpoint, Replay
from comptoir.http.times import rfc3339

__all__ = [
    "SCOPE",
    "attempts",
    "change",
    "drop",
    "listed",
    "ping",
    "register",
    "replay",
    "rotate",
    "show",
]

SCOPE: Final = "webhooks:manage"
ID_BYTES: Final = 10
_NEW: Final = msgspec.json.Decoder(NewEndpoint)
_CHANGE: Final = msgspec.json.Decoder(EndpointChange)
_REPLAY: Final = msgspec.json.Decoder(Replay)


async def register(port: Port, call: Call) -> Response:
    """POST /api/v1/webhook-endpoints."""
    wanted = read_body(call, _NEW)
    if isinstance(wanted, Response):
        return wanted
    wrong = _wrong_address(port, call, wanted.url)
    if wrong is not None:
        return wrong
    name = f"we_{call.draw('webhook endpoint')[:ID_BYTES].hex()}"
    secret = secret_of(call.draw("webhook secret"))
    terms = EndpointTerms(wanted.url, wanted.types, wanted.description, wanted.contact_email)
    await port.ask(FEED, AddEndpoint(name, _partner(call), terms, secret))
    shown = await _ask(port, name, said.DescribeEndpoint())
    return json_response(201, {**shown, "secret": secret}, call.ticket)


async def listed(port: Port, call: Call) -> Response:
    """GET /api/v1/webhook-endpoints."""
    mine = await _mine(port, call)
    items = [await _ask(port, name, said.DescribeEndpoint()) for name in mine]
    return json_response(200, {"items": items, "nextCursor": None}, call.ticket)


async def show(port: Port, call: Call) -> Response:
    """GET /api/v1/webhook-endpoints/{endpointId}."""
    return await _answered(port, call, said.DescribeEndpoint())


async def change(port: Port, call: Call) -> Response:
    """PATCH /api/v1/webhook-endpoints/{endpointId}."""
    wanted = read_body(call, _CHANGE)
    if isinstance(wanted, Response):
        return wanted
    wrong = None if wanted.url is None else _wrong_address(port, call, wanted.url)
    if wrong is not None:
        return wrong
    return await _answered(
        port, call,
        said.ChangeEndpoint(
            wanted.url, wanted.types, wanted.description, wanted.contact_email, wanted.enabled
        ),
    )  # fmt: skip


async def drop(port: Port, call: Call) -> Response:
    """DELETE /api/v1/webhook-endpoints/{endpointId}."""
    name = call.path["endpointId"]
    if name not in await _mine(port, call):
        return problem("NOT_FOUND", call.ticket)
    await port.ask(FEED, DropEndpoint(name))
    return json_response(200, {"id": name, "status": "deleted"}, call.ticket)


async def rotate(port: Port, call: Call) -> Response:
    """POST /api/v1/webhook-endpoints/{endpointId}/rotate."""
    secret = secret_of(call.draw("webhook secret"))
    return await _answered(port, call, said.RotateSecret(secret), secret)


async def replay(port: Port, call: Call) -> Response:
    """POST /api/v1/webhook-endpoints/{endpointId}/replay."""
    wanted = read_body(call, _REPLAY)
    if isinstance(wanted, Response):
        return wanted
    if (wanted.after is None) == (wanted.position is None):
        errors = [fault("", "either `after` or `position`")]
        return problem("REQUEST_INVALID", call.ticket, errors=errors)
    return await _answered(port, call, said.ReplayEvents(wanted.after, wanted.position))


async def ping(port: Port, call: Call) -> Response:
    """POST /api/v1/webhook-endpoints/{endpointId}/ping."""
    name = call.path["endpointId"]
    if name not in await _mine(port, call):
        return problem("NOT_FOUND", call.ticket)
    message_id = f"ping_{call.draw('ping')[:ID_BYTES].hex()}"
    await port.ask(said.endpoint_at(name), said.PingEndpoint(message_id))
    return json_response(202, {"id": name, "messageId": message_id}, call.ticket)


async def attempts(port: Port, call: Call) -> Response:
    """GET /api/v1/webhook-endpoints/{endpointId}/attempts."""
    name = call.path["endpointId"]
    if name not in await _mine(port, call):
        return problem("NOT_FOUND", call.ticket)
    reply = (await port.ask(said.endpoint_at(name), said.ListAttempts())).reply
    assert isinstance(reply, said.AttemptsListed)
    items = [_attempt(one) for one in reply.attempts]
    return json_response(200, {"items": items, "nextCursor": None}, call.ticket)


def _partner(call: Call) -> str:
    """Whose endpoints are meant: of an ADMIN, and without accounts, the house's; of whoever has the scope their own."""
    who = call.principal
    return "" if who is None or Role.ADMIN in who.roles else who.subject


async def _mine(port: Port, call: Call) -> list[str]:
    """Those that the caller may see, the oldest first."""
    reply = (await port.ask(FEED, ListEndpoints())).reply
    assert isinstance(reply, EndpointsListed)
    partner = _partner(call)
    return [name for name, whose in reply.endpoints.items() if not partner or whose == partner]


def _wrong_address(port: Port, call: Call, url: str) -> Response | None:
    why = address_fault(url, this_machine=port.rules.webhooks_here)
    if why is None:
        return None
    return problem("REQUEST_INVALID", call.ticket, errors=[fault("/url", why)])


async def _answered(port: Port, call: Call, message: Message, secret: str = "") -> Response:
    """What an endpoint answers, if the caller may see it; with the secret that was drawn for it."""
    name = call.path["endpointId"]
    if name not in await _mine(port, call):
        return problem("NOT_FOUND", call.ticket)
    shown = await _ask(port, name, message)
    return json_response(200, {**shown, "secret": secret} if secret else shown, call.ticket)


async def _ask(port: Port, name: str, message: Message) -> dict[str, object]:
    """Ask an endpoint, and show what it answers.

    Raises:
        Refused: CONFLICT (it is disabled, or no more), REPLAYS_TOO_MANY.
    """
    reply = (await port.ask(said.endpoint_at(name), message)).reply
    if not isinstance(reply, said.EndpointDescribed):
        raise Refused("CONFLICT", "it is no more")
    terms = reply.terms
    return {
        "id": name,
        "partner": reply.partner or None,
        "url": terms.url,
        "types": list(terms.types),
        "description": terms.description,
        "contactEmail": terms.contact,
        "status": reply.status,
        "cause": reply.cause or None,
        "cursor": reply.cursor,
        "known": reply.known,
        "failingSince": _time(reply.failing_since),
        "retryAt": _time(reply.retry_at),
        "createdAt": rfc3339(reply.created_at),
        "oldSecretUntil": _time(reply.old_secret_until),
    }


def _time(ms: int) -> str | None:
    return rfc3339(ms) if ms else None


def _attempt(one: said.Attempted) -> dict[str, object]:
    return {
        "at": rfc3339(one.at),
        "position": one.position or None,
        "messageId": one.message_id,
        "outcome": one.outcome,
        "status": one.status or None,
        "code": one.code or None,
        "tookMs": one.took_ms,
    }
