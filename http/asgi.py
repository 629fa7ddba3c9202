"""What everything in front of the framework shares: the words of ASGI, and how an answer leaves.

The rule: a body is read to its end or thrown away, whoever answers: hypercorn hands body parts over in a
queue of ten and blocks on the eleventh, also for a request that was answered already.
Source: the ASGI specification 3.0; interface.md 1.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from enum import Enum
from typing import Any, Final

import structlog
import trio

from comptoir.http.answers import Response, request_id
from comptoir.http.places import Place
from comptoir.http.problems import problem

__all__ = [
    "DISCARDED_BYTES_MAX",
    "DISCARD_SECONDS_MAX",
    "PLACE",
    "Application",
    "Receive",
    "Rest",
    "Scope",
    "Send",
    "crashed",
    "declared",
    "discard",
    "respond",
    "ticket_of",
    "works",
]

PLACE: Final = "comptoir.place"
"""Under which the server puts a connection's place into the state of its scopes."""
DISCARDED_BYTES_MAX: Final = 4 * 1024 * 1024
"""Of a body over its limit, this much is read before the answer, so that the sender, who reads only
after it has written, sees the answer instead of a broken connection."""
DISCARD_SECONDS_MAX: Final = 3.0
DISCARD_PAUSE_SECONDS_MAX: Final = 0.25
"""A sender that writes nothing for so long waits for the answer (it may have sent `Expect`)."""
LENGTH_DIGITS_MAX: Final = 18
LARGEST: Final = 10**LENGTH_DIGITS_MAX
"""Stands for any declared length that no limit allows anyway."""

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_log = structlog.stdlib.get_logger("comptoir.http.edge")


def ticket_of(scope: Scope) -> str:
    """The request id: the caller's if it gave exactly one, well formed."""
    given = [value for name, value in scope["headers"] if name == b"x-request-id"]
    return request_id(given[0] if len(given) == 1 else None)


def works(scope: Scope) -> None:
    """It is our turn: the request's connection keeps its place until it is answered."""
    place: Place | None = scope["state"].get(PLACE) if "state" in scope else None
    if place is not None:
        place.works()


def crashed(scope: Scope) -> Response:
    """Record a bug of ours, with its traceback, and answer without it."""
    ticket = ticket_of(scope)
    _log.exception("request_crashed", request_id=ticket, method=scope["method"])
    return problem("INTERNAL", ticket)


class Rest(Enum):
    """What is left of a body."""

    SOME = "some"
    NOTHING = "nothing"
    NOBODY = "nobody"
    """The caller has left."""


async def discard(receive: Receive) -> Rest:
    """Read and forget until the end, a pause, the caller's leaving, or `DISCARDED_BYTES_MAX`."""
    left = DISCARDED_BYTES_MAX
    while left > 0:
        message: MutableMapping[str, Any] | None = None
        with trio.move_on_after(DISCARD_PAUSE_SECONDS_MAX):
            message = await receive()
        if message is None:
            break
        if message["type"] != "http.request":
            return Rest.NOBODY
        left -= len(message.get("body", b""))
        if not message.get("more_body", False):
            return Rest.NOTHING
    return Rest.SOME


def declared(scope: Scope) -> int:
    """The declared length of the body; 0 without one. The server has checked its form."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if len(value) <= LENGTH_DIGITS_MAX and value.isdigit() else LARGEST
    return 0


async def respond(receive: Receive, send: Send, answer: Response, *, complete: bool) -> None:
    """Send an answer; where the body is not complete, throw the rest away meanwhile and close."""
    if complete:
        await _send(send, answer)
        return
    answer.headers.append((b"connection", b"close"))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_until_closed, receive)
        await _send(send, answer)


async def _until_closed(receive: Receive) -> None:
    """Throw parts away until the server has closed the stream, which it does after the answer."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send(send: Send, answer: Response) -> None:
    """Send one whole answer."""
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})
