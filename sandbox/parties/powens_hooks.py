"""Powens's webhooks: registered once in its console, for all connections; one that nobody took comes again.

Source: docs.powens.com/documentation/integration-guides/webhooks (expected response, compression, HMAC).
"""

import gzip
from dataclasses import dataclass
from typing import Any

import orjson

from comptoir.sandbox.errors import decode
from comptoir.sandbox.faults import Direction, Operation
from comptoir.sandbox.parties.party import Stage
from comptoir.sandbox.parties.powens_shapes import Hook
from comptoir.sandbox.parties.powens_users import Connection
from comptoir.sandbox.schemes import POWENS_BI, SCHEMES
from comptoir.sandbox.webhooks import post
from comptoir.sandbox.wire.client import Target
from comptoir.sandbox.wire.router import Call
from comptoir.sandbox.wire.server import Outcome, json_reply

NAME = "powens"
WEBHOOK = Operation("webhooks.send", Direction.OUTBOUND)
OK, BEYOND_OK = 200, 300
Json = dict[str, Any]


@dataclass(slots=True)
class Hooks:
    """The one webhook that is registered, if any."""

    stage: Stage
    hosts: frozenset[str]
    """Where webhooks may be sent."""
    _hook: Hook | None = None

    def reset(self) -> None:
        """Forgets it."""
        self._hook = None

    async def set(self, call: Call) -> Outcome:
        """`POST /control/powens/webhooks`."""
        hook = decode(call.request.body, Hook)
        if hook.url:
            Target.parse(hook.url, self.hosts)
        self._hook = hook if hook.url else None
        return json_reply(200, {"url": hook.url})

    async def tell(self, found: Connection, document: Json) -> list[Json]:
        """Send a webhook, if there is anywhere to send it, after those that nobody took; each answer."""
        hook = self._hook
        if hook is None:
            return []
        found.untold.append(orjson.dumps(document))
        answers: list[Json] = []
        while found.untold:
            given = await self._send(hook, found.untold[0])
            answers += given
            if not any(OK <= (one["status"] or 0) < BEYOND_OK for one in given):
                break
            del found.untold[0]
        return answers

    async def _send(self, hook: Hook, body: bytes) -> list[Json]:
        target = Target.parse(hook.url, self.hosts)
        signs = (target, SCHEMES[POWENS_BI], hook.secret.encode())
        more: tuple[tuple[str, tuple[str, ...]], ...] = ()
        if hook.compressed:
            body, more = gzip.compress(body), (("Content-Encoding", ("gzip",)),)
        return await post(body, signs, self.stage, (NAME, WEBHOOK), more)
