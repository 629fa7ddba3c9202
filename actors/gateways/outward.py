"""The gateway `outward`: one webhook to one endpoint, signed (S33).

Rules:
- what an endpoint answers is an answer, good or bad: it is its endpoint's to try again, and says nothing of the others, so
  that no breaker opens;
- a redirect is a failure; of an answer's body nothing is read; no cookie and no proxy of the environment is used;
- of the address, the secrets and what was said nothing is logged.

Source: the Standard Webhooks specification 1.0.0; spec.md S17, S33; docs/events.md.
"""

import re
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import httpx
import msgspec
import trio

from comptoir.actors.endpoint.messages import DeliveryEnded, Outcome
from comptoir.actors.feed.messages import PublicEvent
from comptoir.actors.gateways.outward_messages import OUTWARD, DeliverNext
from comptoir.actors.gateways.outward_signing import signed_headers
from comptoir.actors.gateways.outward_target import Resolve, aim
from comptoir.actors.public_events import PARTNER_TYPES
from comptoir.engine.errors import EngineError
from comptoir.engine.gateway_spec import (
    CallContext,
    CallFault,
    GatewayBounds,
    GatewaySpec,
    Operation,
)
from comptoir.engine.values import Message

__all__ = ["PING", "Feed", "Outward", "body_of", "outward_gateway", "wants"]

PING: Final = "PING"
AGENT: Final = "comptoir-webhooks/1"
PAGE: Final = 200
PAGES_MAX: Final = 5
"""That are looked through for one event; then the endpoint asks again from there."""
MARGIN_S: Final = 6.0
"""The gateway's own deadline comes after that of the name's resolution and the call."""
TAKEN: Final = range(200, 300)
GONE: Final = 410
_SECONDS: Final = re.compile(r"[0-9]{1,8}").fullmatch


class Feed(Protocol):
    """Where the events are (actors/feed/reading.py)."""

    async def page(self, after: int, limit: int) -> Sequence[PublicEvent]:
        """Those with positions above `after`, in order."""
        ...


def body_of(event: PublicEvent, told_at: Callable[[int], str]) -> bytes:
    """What is sent of an event.

    Args:
        event: which.
        told_at: RFC 3339 of a time in ms.
    """
    told = {
        "type": event.type,
        "timestamp": told_at(event.at),
        "position": event.position,
        "entity": event.entity,
        "data": event.data,
    }
    return msgspec.json.encode(told)


def wants(message: DeliverNext, event: PublicEvent) -> bool:
    """Say whether an endpoint is to be told of an event: a type that it asked for, and what its owner may hear."""
    if message.types and event.type not in message.types:
        return False
    return not message.partner or (event.partner == message.partner and event.type in PARTNER_TYPES)


@dataclass(frozen=True, slots=True)
class Outward:
    """What sends webhooks."""

    feed: Feed
    client: httpx.AsyncClient
    """Without redirects, cookies and environment."""
    clear: httpx.AsyncClient
    """Likewise, for this machine in the clear."""
    resolve: Resolve
    told_at: Callable[[int], str]
    timeout_s: float
    this_machine: bool
    """Whether this machine may be told, and in the clear: for development."""

    async def deliver(self, message: DeliverNext, context: CallContext) -> Message:
        """Tell the next event that is wanted, or send a test.

        Raises:
            CallFault: the feed cannot be read.
        """
        if message.ping_id:
            told: dict[str, object] = {
                "type": PING,
                "timestamp": self.told_at(context.now),
                "data": {},
            }
            return await self._send(
                message, context, (0, message.ping_id), msgspec.json.encode(told)
            )
        event, through = await self._find(message)
        if event is None:
            return DeliveryEnded(message.serial, "nothing", through)
        body = body_of(event, self.told_at)
        return await self._send(message, context, (event.position, event.id), body)

    async def _find(self, message: DeliverNext) -> tuple[PublicEvent | None, int]:
        """The event, or up to where there is none."""
        after = message.after
        for _ in range(PAGES_MAX):
            try:
                page = await self.feed.page(after, min(PAGE, message.upto - after))
            except EngineError:
                raise CallFault("FEED_UNAVAILABLE", retryable=True, sick=False) from None
            for event in page:
                if wants(message, event):
                    return event, event.position
            after = page[-1].position if page else message.upto
            if after >= message.upto:
                break
        return None, after

    async def _send(
        self, message: DeliverNext, context: CallContext, what: tuple[int, str], body: bytes
    ) -> DeliveryEnded:
        position, message_id = what
        began = trio.current_time()
        headers = signed_headers(message_id, context.now // 1000, body, message.secrets)
        status, wait_ms, code = 0, 0, ""
        try:
            with trio.fail_after(self.timeout_s):
                status, wait_ms = await self._post(message.url, headers, body)
        except CallFault as fault:
            code = fault.code
        except (trio.TooSlowError, httpx.TimeoutException):
            code = "TARGET_TIMEOUT"
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, OSError):
            code = "TARGET_UNREACHABLE"
        took_ms = round((trio.current_time() - began) * 1000)
        outcome: Outcome = "delivered" if status in TAKEN else "failed"
        if outcome == "failed":
            code = code or f"HTTP_{status}"
            outcome = "gone" if status == GONE else "failed"
        return DeliveryEnded(
            message.serial, outcome, position, message_id, status, code, took_ms, wait_ms
        )  # fmt: skip

    async def _post(self, url: str, headers: dict[str, str], body: bytes) -> tuple[int, int]:
        target = await aim(url, self.resolve, this_machine=self.this_machine)
        own = {"host": target.host, "content-type": "application/json", "user-agent": AGENT}
        client = self.clear if target.url.scheme == "http" else self.client
        request = client.build_request(
            "POST", target.url, content=body, headers={**own, **headers},
            extensions={"sni_hostname": target.name},
        )  # fmt: skip
        answer = await client.send(request, stream=True)
        try:
            return answer.status_code, _wait_ms(answer.headers.get("retry-after", ""))
        finally:
            await answer.aclose()


def _wait_ms(retry_after: str) -> int:
    """In seconds; a date (RFC 9110 10.2.3) is not read: nobody's clock but ours is trusted."""
    return int(retry_after) * 1000 if _SECONDS(retry_after) else 0


def outward_gateway(outward: Outward, calls_max: int, owner_calls_max: int) -> GatewaySpec:
    """The gateway; what fails before a call is made is tried again by it, what an endpoint does is its endpoint's.

    Args:
        outward: what sends.
        calls_max: under way at once.
        owner_calls_max: of these to one partner's endpoints, or to the house's: slow ones hold up their owner's alone.
    """
    bounds = GatewayBounds(
        deadline_s=outward.timeout_s + MARGIN_S, calls_max=calls_max, lane_calls_max=owner_calls_max
    )
    operation = Operation(
        outward.deliver,
        business_key=lambda message: f"{message.endpoint_id}:{message.serial}",
        failed=lambda message, code: DeliveryEnded(message.serial, "failed", 0, code=code),
    )
    return GatewaySpec(
        OUTWARD.kind, {DeliverNext: operation}, bounds, lane=lambda message: message.partner
    )
