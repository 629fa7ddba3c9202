"""The outside parties of a run: one over HTTP, one that pays and one that answers, and their faults.

Rule: a party's effects are its own. A request that has left has its effect whether or not the daemon
that sent it still lives, and an answer may never come (`drop_after_effect`). Each party counts what
was sent to it and what came of it, which is what the checkers compare with what is durable.
Source: design.md 6, 8; S63, S65, X18.
"""

from collections import Counter
from typing import TYPE_CHECKING, Final

import httpx
import orjson
import trio

from comptoir.actors.gateways.google_tokens import GoogleTokens, ServiceAccount
from comptoir.actors.gateways.push import mark_of
from comptoir.engine.gateway_spec import (
    CallContext,
    CallFault,
    GatewayBounds,
    GatewaySpec,
    Operation,
)
from comptoir.engine.spec import BreakerBounds
from comptoir.engine.toys import Call, Do
from comptoir.engine.values import Message

if TYPE_CHECKING:
    from tests.simulation.daemon import Daemon
    from tests.simulation.world import World

__all__ = [
    "ACCOUNT",
    "BREAKER",
    "CALL",
    "GivenTokens",
    "Outside",
    "PushTransport",
    "Step",
    "toy_gateways",
]

BREAKER: Final = BreakerBounds(errors=3, window_ms=10_000, recovery_ms=4_000)
CALL: Final = GatewayBounds(
    deadline_s=2.0, calls_max=3, mailbox_max=4, retry_delays_ms=(500, 1000, 2000), breaker=BREAKER
)
"""Small, so that a breaker opens, a mailbox fills and a deadline passes in every run."""
ACCOUNT: Final = ServiceAccount("p", "a@p.iam.gserviceaccount.com", "http://push/token")
NO: Final = "no-"
"""References that start so are refused by the party, whatever the day."""

Step = tuple[str, float]
"""What the party does with a call: `ok`, `slow`, `fails`, `hangs`, `half`; and for how long."""


class Outside:
    """One party: what reached it, and what came of it."""

    def __init__(self, world: "World", name: str) -> None:
        self._world = world
        self.name = name
        self.sent: Counter[str] = Counter()
        """By business key: how often a call was sent."""
        self.effects: Counter[str] = Counter()
        """By business key: how often it was carried out."""
        self.touched: set[str] = set()
        """Keys whose calls a fault hit."""

    async def serve(self, daemon: "Daemon", key: str, *, looks: bool = False) -> None:
        """One request, from its first byte to its answer.

        Raises:
            ConnectionError: no answer, or one that says that the party is sick.
        """
        if daemon.dead:
            await trio.sleep_forever()  # a dead process sends nothing; this task is being ended
        if not looks:
            self.sent[key] += 1
            self._world.checker.call_leaves(self.name, key, self.sent[key])
        step = self._world.called(daemon, self.name, key)
        if step[0] != "ok":
            self.touched.add(key)
        answered = trio.Event()
        self._world.start(self._work, None if looks else key, step, answered)
        await answered.wait()
        if step[0] in {"fails", "half"}:
            raise ConnectionError(step[0])

    async def _work(self, key: str | None, step: Step, answered: trio.Event) -> None:
        """What the party does, whoever is still there to hear of it."""
        await trio.sleep(step[1])
        if key is not None and step[0] != "fails" and not key.partition(":")[2].startswith(NO):
            self.effects[key] += 1
        if step[0] != "hangs":
            answered.set()


class GivenTokens(GoogleTokens):
    """A token that is there: how one is asked for is no part of a run."""

    async def access(self) -> str:
        """It."""
        return "token"


class PushTransport(httpx.AsyncBaseTransport):
    """The push party's side of HTTP, without a socket."""

    def __init__(self, outside: Outside, daemon: "Daemon") -> None:
        self._outside = outside
        self._daemon = daemon

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        try:
            await self._outside.serve(self._daemon, self._key(request))
        except ConnectionError as error:
            if str(error) == "half":
                raise httpx.ReadError("the answer was cut off") from error
            return httpx.Response(503)
        return httpx.Response(200)

    def _key(self, request: httpx.Request) -> str:
        """What it is about: FCM sees of a reference a digest only."""
        mark = orjson.loads(request.content)["message"]["data"]["reference"]
        bought = self._daemon.world.bank.purchases.values()
        references = (f"credit:{purchase.id}" for purchase in bought)
        return next(f"push:{one}" for one in references if mark_of(one) == mark)


def toy_gateways(world: "World", daemon: "Daemon") -> tuple[GatewaySpec, ...]:
    """`query`, which may be asked again, and `payout`, which never may (confirm-first)."""
    return (
        _gateway(world.query, daemon, confirm=False),
        _gateway(world.payout, daemon, confirm=True),
    )


def _gateway(outside: Outside, daemon: "Daemon", *, confirm: bool) -> GatewaySpec:
    async def reach(key: str, *, looks: bool = False) -> None:
        try:
            await outside.serve(daemon, key, looks=looks)
        except ConnectionError as error:
            raise CallFault("PARTY_SICK", retryable=True) from error

    async def call(message: Call, context: CallContext) -> Message | None:
        await reach(context.business_key)
        if message.reference.startswith(NO):
            raise CallFault("PARTY_REFUSED", retryable=False, sick=False)
        return Do(f"answered {message.reference}")

    async def look_up(message: Call, context: CallContext) -> Message | None:
        await reach(context.business_key, looks=True)
        known = outside.effects[context.business_key] > 0
        return Do(f"answered {message.reference}") if known else None

    operation = Operation(
        call,
        lambda message: f"{outside.name}:{message.reference}",
        idempotent=not confirm,
        look_up=look_up if confirm else None,
        failed=lambda message, code: Do(f"failed {message.reference} {code}"),
    )
    return GatewaySpec(outside.name, {Call: operation}, CALL, dead_queue=f"dlq:{outside.name}")
