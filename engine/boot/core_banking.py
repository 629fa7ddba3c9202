"""The mainframe and the bus before it, by these settings: which way its queues are reached, and who takes what comes.

Rules:
- the address chooses the way: AMQP 1.0 (MQ), or a bridge over HTTP. Without one there is no mainframe, and an account is
  refused by name;
- what comes is a row before its queue is told that we have it, however long the database is away;
- a way that crashes ends no other part of the daemon: it begins again, after a pause;
- its breaker opens at the first failure: a record that has not left yet waits, parked, and is not sent into the dark.
Source: spec.md S29 to S33, S65, X9; design.md 6; docs/core-banking.md.
"""

from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import Final
from urllib.parse import urlsplit

import httpx
import structlog
import trio
from msgspec import structs

from comptoir.actors.gateways.core_messages import MAINFRAME, ReplyTaken
from comptoir.actors.gateways.mainframe import mainframe_gateway
from comptoir.actors.gateways.queue_bridge import QueueBridge
from comptoir.actors.gateways.queues import Names, Received, Take, Way
from comptoir.engine.boot.bus import CoreBus
from comptoir.engine.boot.parties import party_client
from comptoir.engine.compose import gateway_bounds
from comptoir.engine.engine import Engine
from comptoir.engine.errors import EngineError, log_crash
from comptoir.engine.gateway_spec import GatewaySpec
from comptoir.engine.settings import Settings

__all__ = ["core_gateways", "listen"]

log = structlog.get_logger("comptoir.mainframe")

RETRY_S: Final = 0.5
"""What came is offered to the journal again, where that cannot take it."""
CRASHED_S: Final = 5.0
"""Before a way that has crashed begins again."""


async def core_gateways(
    bus: CoreBus, settings: Settings, engine: Callable[[], Engine | None], stack: AsyncExitStack
) -> list[GatewaySpec]:
    """The gateways of core banking.

    Args:
        bus: what carries the two topics.
        settings: all of them.
        engine: which takes what comes; None before it is there.
        stack: connections end with it.
    """
    party = settings.providers.mainframe
    topics = await bus.gateways(stack, mainframe=bool(party.base_url))
    if not party.base_url:
        return topics
    way = await _way(settings, stack)
    bus.watch(lambda: getattr(way, "trouble", ""))
    breaker = settings.breakers.default
    bounds = gateway_bounds(settings, party, breaker)
    bounds = structs.replace(bounds, breaker=structs.replace(bounds.breaker, errors=1))
    nursery = await stack.enter_async_context(trio.open_nursery())
    stack.callback(nursery.cancel_scope.cancel)
    nursery.start_soon(listen, way, partial(_take, engine, _names(settings)))
    gateway = mainframe_gateway(way, party.code_page, bounds)
    return [*topics, gateway]


def _names(settings: Settings) -> Names:
    queues = settings.core_banking
    return Names(
        queues.request_queue, queues.reply_queue, queues.change_queue,
        f"{settings.onboarding.number_prefix}-" if queues.reply_queue_shared else "",
    )  # fmt: skip


async def _way(settings: Settings, stack: AsyncExitStack) -> Way:
    party = settings.providers.mainframe
    account = (party.username, party.password.reveal())
    if urlsplit(party.base_url).scheme in ("http", "https"):
        client = await party_client(party, stack)
        if party.username:
            client.auth = httpx.BasicAuth(*account)
        return QueueBridge(client, _names(settings), party.timeout_s)
    from comptoir.actors.gateways.queue_amqp import AmqpQueues  # an extra: only where it is wanted

    return AmqpQueues(party.base_url, account, _names(settings))


async def listen(way: Way, take: Take) -> None:
    """Hear what comes, until cancelled, whatever becomes of the way."""
    while True:
        try:
            await way.run(take)
        except Exception as crash:  # noqa: BLE001  # a bulkhead
            log_crash(log, "mainframe's queues crashed", crash)
        await trio.sleep(CRASHED_S)


async def _take(engine: Callable[[], Engine | None], names: Names, came: Received) -> None:
    """Make a row of what came; returns when it is durable."""
    message = ReplyTaken(came.correlation, came.body, came.queue == names.changes)
    while True:
        opened = engine()
        try:
            if opened is not None:
                await opened.tell(MAINFRAME, message)
                return
        except EngineError as error:
            log.warning("a reply waits for the journal", why=error.code)
        await trio.sleep(RETRY_S)
