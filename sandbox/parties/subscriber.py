"""A subscriber: somebody's program that is told of events by webhook, and verifies what it is told.

Rules:
- the signature is computed by the official library of Standard Webhooks, with the secrets that a test has put there; one
  that matches none, a second too far from the sandbox's clock, a header that is missing: 401, and it is not taken;
- what it is to do is scripted: be down (the fault `timeout` or `status`), slow (`latency`), gone (410), or take it and lose
  the answer (`drop_after_effect`);
- every delivery that was taken is kept in the order in which it came, duplicates too.

Source: the Standard Webhooks specification 1.0.0; interface.md 10; spec.md S33, E15.
"""

import hmac
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import msgspec
import orjson
from msgspec import Meta
from standardwebhooks.webhooks import Webhook

from comptoir.sandbox.clock import rfc3339
from comptoir.sandbox.errors import decode
from comptoir.sandbox.faults import Direction, Operation
from comptoir.sandbox.parties.party import Effect, Inbound, Party, Stage
from comptoir.sandbox.wire.router import Call, Route
from comptoir.sandbox.wire.server import Outcome, json_reply

NAME: Final = "subscriber"
TAKE = Operation("events.take", Direction.INBOUND)
KEPT_MAX: Final = 10_000
TOLERANCE_S: Final = 300
"""As the library's own."""


class Secrets(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """`PUT /control/subscriber/secrets`: in place of those that were there."""

    items: Annotated[
        list[Annotated[str, Meta(pattern=r"^whsec_[A-Za-z0-9+/=]{32,100}\Z")]], Meta(max_length=10)
    ]


@dataclass(slots=True)
class Subscriber:
    """What it was told."""

    stage: Stage
    _hooks: tuple[Webhook, ...] = ()
    _taken: deque[dict[str, Any]] = field(
        default_factory=lambda: deque[dict[str, Any]](maxlen=KEPT_MAX)
    )
    _refused: int = 0

    def party(self) -> Party:
        """What it is asked."""
        return Party(NAME, inbound=(Inbound(TAKE, "POST", "/subscriber/events", self._take),))

    def routes(self) -> list[Route]:
        """What tests put there and read."""
        return [
            Route("PUT", "/control/subscriber/secrets", self._put),
            Route("GET", "/control/subscriber/deliveries", self._get),
            Route("DELETE", "/control/subscriber/deliveries", self._forget),
        ]

    def reset(self) -> None:
        """Nobody has told it anything."""
        self._hooks = ()
        self._taken.clear()
        self._refused = 0

    async def _put(self, call: Call) -> Outcome:
        given = decode(call.request.body, Secrets)
        self._hooks = tuple(Webhook(one) for one in given.items)
        return json_reply(200, {"secrets": len(self._hooks)})

    async def _get(self, _call: Call) -> Outcome:
        return json_reply(200, {"items": [*self._taken], "refused": self._refused})

    async def _forget(self, _call: Call) -> Outcome:
        self._taken.clear()
        self._refused = 0
        return json_reply(200, {"items": []})

    def _take(self, call: Call) -> Effect:
        headers, body = call.request.headers, call.request.body
        matched = self._matched(headers, body)
        if not matched:
            self._refused += 1
            told = {
                "code": "WEBHOOK_SIGNATURE_INVALID",
                "detail": "not signed with a secret of ours",
            }
            return Effect(json_reply(401, told), happened=False)
        signatures = headers["webhook-signature"].split(" ")
        self._taken.append({
            "id": headers["webhook-id"],
            "timestamp": int(headers["webhook-timestamp"]),
            "signatures": len(signatures),
            "secrets": matched,
            "body": orjson.loads(body),
            "at": rfc3339(self.stage.clock.now_ms()),
        })  # fmt: skip
        return Effect(json_reply(200, {"taken": True}), happened=True)

    def _matched(self, headers: Mapping[str, str], body: bytes) -> list[int]:
        """Places of the secrets that one of the signatures was made with."""
        try:
            message_id, signed = headers["webhook-id"], headers["webhook-signature"].split(" ")
            second = int(headers["webhook-timestamp"])
            text = body.decode()
        except (KeyError, ValueError):
            return []
        if abs(self.stage.clock.now_ms() / 1000 - second) > TOLERANCE_S:
            return []
        moment = datetime.fromtimestamp(second, tz=UTC)
        made = [hook.sign(message_id, moment, text) for hook in self._hooks]
        return [
            place
            for place, one in enumerate(made)
            if any(hmac.compare_digest(one.encode(), given.encode()) for given in signed)
        ]
