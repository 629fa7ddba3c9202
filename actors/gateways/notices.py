"""What the gateways of mail and of text messages have in common: one request, and what its answer means.

Rule: nobody who carries them documents an idempotency key for this, so a send whose answer was lost is
made again: the same text twice harms nobody, and none at all keeps a person out. Nothing of a request, its
answer's text least of all, goes into a fault: a party may quote what it was sent.
Source: design.md 6; spec.md S44, S63, S65, X18.
"""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import httpx

from comptoir.actors.gateways.messages import NoticeRefused, NoticeTaken
from comptoir.engine.gateway_spec import CallContext, CallFault, Operation
from comptoir.engine.values import Message

__all__ = ["DEAD_QUEUE", "notice", "notice_operation", "taken"]

DEAD_QUEUE = "dlq:notifications"
"""S64."""
_AGAIN = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)
_OURS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)

Send = Callable[[Any], Awaitable[httpx.Response]]
"""Makes the one request of a message."""


async def taken(party: str, request: Awaitable[httpx.Response]) -> None:
    """Come back when the party has taken what was sent.

    Args:
        party: how its faults begin, such as `MAIL`.
        request: may raise httpx.TransportError.

    Raises:
        CallFault: it has not.
    """
    try:
        response = await request
    except httpx.TransportError as error:
        raise CallFault(f"{party}_UNREACHABLE", retryable=True) from error
    status = response.status_code
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _AGAIN:
        raise CallFault(f"{party}_UNAVAILABLE", retryable=True)
    if status in _OURS:  # our own credentials: nothing that is sent will arrive
        raise CallFault(f"{party}_CREDENTIALS_REFUSED", retryable=False)
    if not response.is_success:
        raise CallFault(f"{party}_REFUSED", retryable=False, sick=False)


def notice(party: str, send: Send) -> Operation:
    """The operation of a gateway that sends something to a person.

    Args:
        party: how its faults begin, such as `MAIL`.
        send: makes the request; may raise httpx.TransportError.
    """

    async def call(message: Any, _context: CallContext) -> Message:
        await taken(party, send(message))
        return NoticeTaken(message.reference)

    return notice_operation(party, call)


def notice_operation(
    party: str, call: Callable[[Any, CallContext], Awaitable[Message]]
) -> Operation:
    """The operation around such a call: by what it is known, and what is heard where it failed."""

    def failed(message: Any, code: str) -> Message:
        return NoticeRefused(message.reference, code)

    return Operation(call, lambda message: f"{party.lower()}:{message.reference}", failed=failed)
