"""What the world is told: the journal is followed, the feed is read, webhooks are sent.

Rule: the journal is looked at where it has grown, and not more often than the configuration says; a page is told to the
feed's actor, which gives positions. Whoever reads it holds nothing up.
Source: spec.md S17, S33; design.md 2; docs/events.md; docs/adr/0058.
"""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, Final

import httpx
import msgspec
import structlog
import trio
from prometheus_client import CollectorRegistry

from comptoir.actors.endpoint.kind import endpoint_spec
from comptoir.actors.endpoint.measures import EndpointMeasures
from comptoir.actors.feed.kind import feed_spec
from comptoir.actors.feed.messages import FEED, DescribeFeed, FeedStands, PublicEvent
from comptoir.actors.feed.reading import PublicFeed, find_public
from comptoir.actors.gateways.outward import Outward, outward_gateway
from comptoir.actors.gateways.outward_target import look_up
from comptoir.engine.boot.books import BookViews
from comptoir.engine.engine import Engine
from comptoir.engine.errors import EngineError
from comptoir.engine.gateway_spec import GatewaySpec
from comptoir.engine.journal import Decided, Journal
from comptoir.engine.moves import Moves
from comptoir.engine.settings import Settings
from comptoir.engine.spec import ActorSpec, Bounds
from comptoir.engine.trust import trust_of
from comptoir.engine.values import Message
from comptoir.http.events_port import FEED_MOVES
from comptoir.http.times import rfc3339

__all__ = ["EventViews", "event_specs", "follow_journal", "open_outward"]

log = structlog.get_logger("comptoir.boot")

RETRY_S: Final = 1.0
PAGE: Final = 200
SPAN: Final = 20_000
"""Numbers of the journal that one look goes through at most: some ten milliseconds of the database's."""
LAG: Final = 10_000
"""Numbers without anything public, after which the feed is told that they were read, for the next start."""


class EventViews(BookViews):
    """The feed of a daemon."""

    async def public_events(self, after: int, limit: int) -> Sequence[PublicEvent]:
        """Those with positions above `after`, in order."""
        return await PublicFeed(self._open_books()).page(after, limit)


def event_specs(
    bounds: Bounds, moves: Moves, registry: CollectorRegistry
) -> tuple[ActorSpec[Any], ...]:
    """The kinds; whoever waits for the next event hears of it."""

    def measure(decided: Decided) -> None:
        if decided.decision.documents:
            moves.moved(FEED_MOVES)

    return (feed_spec(bounds, measure), endpoint_spec(bounds, EndpointMeasures(registry).count))


async def open_outward(settings: Settings, journal: Journal, stack: AsyncExitStack) -> GatewaySpec:
    """What sends webhooks; its connections end with the stack."""
    outward = settings.outward
    limits = httpx.Limits(max_connections=outward.calls_in_flight_max, max_keepalive_connections=0)
    make = partial(
        httpx.AsyncClient, limits=limits, trust_env=False, follow_redirects=False, timeout=None
    )  # fmt: skip
    client = make(verify=trust_of("https://", environment=True))
    clear = make(verify=trust_of("http://"))
    return outward_gateway(
        Outward(
            PublicFeed(journal),
            await stack.enter_async_context(client),
            await stack.enter_async_context(clear),
            look_up,
            rfc3339,
            outward.timeout_s,
            outward.this_machine,
        ),
        outward.calls_in_flight_max,
        outward.owner_calls_in_flight_max,
    )


async def follow_journal(engine: Engine, journal: Journal, poll_s: float) -> None:
    """Tell the feed of what is public, for ever."""
    while True:
        try:
            await _follow(engine, journal, poll_s)
        except EngineError as error:  # the database is away, say: what was told is durable
            log.info("the feed waits", why=type(error).__name__)
            await trio.sleep(RETRY_S)


async def _follow(engine: Engine, journal: Journal, poll_s: float) -> None:
    stands = await _ask(engine, DescribeFeed())
    seen = stands.through
    while True:
        last = journal.statistics().last_event
        if last <= seen:
            # Polled: what commits must not have to know who reads, and a look costs a comparison.
            await trio.sleep(poll_s)
            continue
        found = await find_public(journal, seen, min(last, seen + SPAN), PAGE)
        seen = found.through
        if found.found or seen - stands.through >= LAG:
            told = msgspec.structs.replace(found, after=stands.through)
            stands = await _ask(engine, told)
            if stands.through != seen:
                log.warning("the feed is elsewhere", through=stands.through)
                seen = stands.through
        if seen == last:
            await trio.sleep(poll_s)


async def _ask(engine: Engine, message: Message) -> FeedStands:
    reply = (await engine.ask(FEED, message)).reply
    assert isinstance(reply, FeedStands)
    return reply
