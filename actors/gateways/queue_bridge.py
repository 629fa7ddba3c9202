"""The mainframe's queues over HTTP: a bridge that carries the same bytes, with their names in headers.

Rule: nothing in it but what MQ has: one message a call, its correlation beside it, taken off the queue only when we say
that we have it. It is there for where no AMQP can be had; what the records are is not its matter.
Source: spec.md S31, S32 (adapter replaceable), X10; docs/core-banking.md.
"""

from typing import Final
from urllib.parse import quote

import httpx
import structlog
import trio

from comptoir.actors.gateways.queues import (
    BODY_BYTES_MAX,
    Names,
    QueueAway,
    QueueRefused,
    QueueUnsure,
    Received,
    Sent,
    Take,
)

__all__ = ["QueueBridge"]

log = structlog.get_logger("comptoir.mainframe")

WAIT_S: Final = 5
"""So long the bridge waits for a message before it says that there is none."""
PAUSES_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Before a bridge that is away is tried again."""
NOTHING: Final = 204
OCTETS: Final = "application/octet-stream"


class QueueBridge:
    """The bridge at one address."""

    def __init__(self, client: httpx.AsyncClient, names: Names, timeout_s: float) -> None:
        """Args: with its base URL; the queues; the deadline of one call."""
        self._client, self._names, self._timeout_s = client, names, timeout_s

    async def send(self, message: Sent) -> None:
        """One message into the queue of requests.

        Raises:
            QueueAway, QueueUnsure, QueueRefused.
        """
        headers = {
            "content-type": OCTETS, "x-correlation-id": message.correlation,
            "x-reply-to": self._names.replies,
        }  # fmt: skip
        try:
            response = await self._client.post(
                _path(self._names.requests), content=message.body, headers=headers
            )
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise QueueAway from error
        except httpx.TransportError as error:
            raise QueueUnsure from error
        if response.is_server_error:
            raise QueueUnsure
        if not response.is_success:
            raise QueueRefused

    async def check(self) -> None:
        """Whether it answers.

        Raises:
            QueueAway: it does not.
        """
        try:
            response = await self._client.get("/mainframe/queues")
        except httpx.TransportError as error:
            raise QueueAway from error
        if not response.is_success:
            raise QueueAway

    async def run(self, take: Take) -> None:
        """Listen to each queue, until cancelled."""
        async with trio.open_nursery() as nursery:
            for queue in (self._names.replies, self._names.changes):
                if queue:
                    nursery.start_soon(self._listen, queue, take)

    async def _listen(self, queue: str, take: Take) -> None:
        failures = 0
        while True:
            try:
                await self._next(queue, take)
                failures = 0
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                if failures == 0:
                    log.warning("queue bridge away", queue=queue, why=type(error).__name__)
                await trio.sleep(PAUSES_S[min(failures, len(PAUSES_S) - 1)])
                failures += 1

    async def _next(self, queue: str, take: Take) -> None:
        """One message, if one comes; it is gone from the queue when we have it."""
        query = {"waitSeconds": str(WAIT_S)}
        if queue == self._names.replies:
            query["correlation"] = self._names.correlation
        response = await self._client.get(
            _path(queue), params=query, timeout=WAIT_S + self._timeout_s
        )
        response.raise_for_status()
        if response.status_code == NOTHING:
            return
        correlation = response.headers.get("x-correlation-id", "")
        await take(Received(queue, correlation, response.content[: BODY_BYTES_MAX + 1]))
        tag = quote(response.headers.get("x-delivery", ""), safe="")
        (await self._client.delete(f"/mainframe/deliveries/{tag}")).raise_for_status()


def _path(queue: str) -> str:
    return f"/mainframe/queues/{quote(queue, safe='')}"
