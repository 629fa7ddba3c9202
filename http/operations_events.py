"""The rows of the feed of public events and of endpoints of webhooks (operations.py has the rule).

Source: interface.md 8 (rows c2); spec.md S17, S33, X7; docs/authorization.md; docs/events.md.
"""

from types import MappingProxyType
from typing import Final

from comptoir.http import endpoints, events
from comptoir.http import shapes_events as shapes
from comptoir.http.operation import Assurance, Body, Door, Operation, Parameter, Reach
from comptoir.http.operations_banking import LIMIT
from comptoir.http.principal import Role

__all__ = ["EVENTS"]

_READS: Final = MappingProxyType({Role.COMPLIANCE: Reach.ANY})
"""What an assessment came to is in it: who reads every file."""
_HUB: Final = MappingProxyType({"events:read": Reach.ANY})
_KEEPS: Final = MappingProxyType({Role.ADMIN: Reach.ANY})
"""Where data goes to is configuration; an ADMIN is told nothing of what goes there."""
_OWN: Final = MappingProxyType({endpoints.SCOPE: Reach.ANY})
"""Its own alone (endpoints.py)."""
_ALL: Final = "/api/v1/webhook-endpoints"
_ONE: Final = f"{_ALL}/{{endpointId}}"
_ENDPOINT: Final = Parameter(
    "endpointId", "path", "Its id.",
    {"type": "string", "pattern": shapes.ENDPOINT_PATTERN, "minLength": 23, "maxLength": 23},
)  # fmt: skip
_FOUND: Final = ("NOT_FOUND", "STORAGE_UNAVAILABLE")
_WRITES: Final = ("REQUEST_MALFORMED", "REQUEST_INVALID", "MEDIA_TYPE_UNSUPPORTED")
_STANDS: Final = {200: Body("As it is then.", shapes.Endpoint)}

EVENTS: Final = (
    Operation(
        "listEvents", "GET", "/api/v1/events", "What has happened, in order", "events", Door.TOKEN,
        {200: Body("A page, the oldest first.", shapes.EventPage)}, events.listed,
        problems=("REQUEST_INVALID", "STORAGE_UNAVAILABLE"), grants=_READS, scopes=_HUB,
        parameters=(
            Parameter(
                "after", "query", "Positions above this one; without it from the first on.",
                {"type": "integer", "minimum": 0, "maximum": 2**63 - 1},
            ),
            LIMIT,
            Parameter(
                "wait", "query", "For so many seconds, if there is none yet.",
                {"type": "integer", "minimum": 0, "maximum": shapes.WAIT_SECONDS_MAX},
            ),
        ),
    ),
    Operation(
        "registerEndpoint", "POST", _ALL, "Somebody is told of events by webhook", "events", Door.TOKEN,
        {201: Body("It, and its secret, shown once.", shapes.EndpointSecret)}, endpoints.register,
        problems=(*_WRITES, "STORAGE_UNAVAILABLE", "ENDPOINTS_TOO_MANY", "CONFLICT"), grants=_KEEPS, scopes=_OWN,
        assurance=Assurance.RECENT, body=Body("Who.", shapes.NewEndpoint),
    ),
    Operation(
        "listEndpoints", "GET", _ALL, "Who is told", "events", Door.TOKEN,
        {200: Body("The caller's own; of an ADMIN all.", shapes.EndpointList)}, endpoints.listed,
        problems=("STORAGE_UNAVAILABLE", "CONFLICT"), grants=_KEEPS, scopes=_OWN,
    ),
    Operation(
        "getEndpoint", "GET", _ONE, "How far one is", "events", Door.TOKEN, _STANDS, endpoints.show,
        problems=(*_FOUND, "CONFLICT"), grants=_KEEPS, scopes=_OWN, parameters=(_ENDPOINT,),
    ),
    Operation(
        "changeEndpoint", "PATCH", _ONE, "Its address, types, or whether it is told", "events", Door.TOKEN, _STANDS,
        endpoints.change, problems=(*_FOUND, *_WRITES, "CONFLICT"), grants=_KEEPS, scopes=_OWN,
        assurance=Assurance.RECENT, parameters=(_ENDPOINT,), body=Body("What is other.", shapes.EndpointChange),
    ),
    Operation(
        "deleteEndpoint", "DELETE", _ONE, "It is told nothing more", "events", Door.TOKEN,
        {200: Body("It is forgotten.", shapes.EndpointGone)}, endpoints.drop, problems=_FOUND, grants=_KEEPS,
        scopes=_OWN, assurance=Assurance.TWO_FACTORS, parameters=(_ENDPOINT,),
    ),
    Operation(
        "rotateEndpointSecret", "POST", f"{_ONE}/rotate", "Another secret; both sign for a while", "events",
        Door.TOKEN, {200: Body("It, and its new secret, shown once.", shapes.EndpointSecret)}, endpoints.rotate,
        problems=(*_FOUND, "CONFLICT"), grants=_KEEPS, scopes=_OWN, assurance=Assurance.RECENT,
        parameters=(_ENDPOINT,),
    ),
    Operation(
        "replayEvents", "POST", f"{_ONE}/replay", "It is told again, or passes over what it cannot take", "events",
        Door.TOKEN, _STANDS, endpoints.replay, problems=(*_FOUND, *_WRITES, "CONFLICT", "REPLAYS_TOO_MANY"),
        grants=_KEEPS, scopes=_OWN, assurance=Assurance.TWO_FACTORS, parameters=(_ENDPOINT,),
        body=Body("From where, or which.", shapes.Replay),
    ),
    Operation(
        "pingEndpoint", "POST", f"{_ONE}/ping", "A test is sent to it, once", "events", Door.TOKEN,
        {202: Body("It is on its way.", shapes.PingSent)}, endpoints.ping,
        problems=(*_FOUND, "CONFLICT", "REPLAYS_TOO_MANY"), grants=_KEEPS, scopes=_OWN,
        assurance=Assurance.TWO_FACTORS, parameters=(_ENDPOINT,),
    ),
    Operation(
        "listAttempts", "GET", f"{_ONE}/attempts", "What was tried, and what it answered", "events", Door.TOKEN,
        {200: Body("The last ones, the newest first.", shapes.AttemptList)}, endpoints.attempts,
        problems=(*_FOUND, "CONFLICT"), grants=_KEEPS, scopes=_OWN, parameters=(_ENDPOINT,),
    ),
)  # fmt: skip
