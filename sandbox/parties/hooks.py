"""The one webhook of a party whose webhooks are set once, for all: one that nobody took comes again.

Source: docs.powens.com/documentation/integration-guides/webhooks (expected response, compression, HMAC);
docs.tink.com/resources/transactions/webhooks-for-transactions (one endpoint for an app; retries).
"""

import gzip
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson

from comptoir.sandbox.errors import decode
from comptoir.sandbox.faults import Direction, Operation
from comptoir.sandbox.parties.party import Stage
from comptoir.sandbox.schemes import SCHEMES
from comptoir.sandbox.webhooks import post
from comptoir.sandbox.wire.client import Target
from comptoir.sandbox.wire.router import Call
from comptoir.sandbox.wire.server import Outcome, json_reply

WEBHOOK = Operation("webhooks.send", Direction.OUTBOUND)
OK, BEYOND_OK = 200, 300
Json = dict[str, Any]


class Hook(msgspec.Struct, forbid_unknown_fields=True, frozen=True, rename="camel"):
    """`POST /control/PARTY/webhooks`: what is set in the party's console; an empty `url` ends it."""

    url: str
    secret: str = ""
    compressed: bool = False


@dataclass(slots=True)
class Hooks:
    """The one webhook that is registered, if any."""

    stage: Stage
    hosts: frozenset[str]
    """Where webhooks may be sent."""
    party: str
    scheme: str
    """By which it signs."""
    _hook: Hook | None = None

    def reset(self) -> None:
        """Forgets it."""
        self._hook = None

    async def set(self, call: Call) -> Outcome:
        """`POST /control/PARTY/webhooks`."""
        hook = decode(call.request.body, Hook)
        if hook.url:
            Target.parse(hook.url, self.hosts)
        self._hook = hook if hook.url else None
        return json_reply(200, {"url": hook.url})

    async def tell(self, untold: list[bytes], document: Json | None = None) -> list[Json]:
        """Send a webhook, if there is anywhere to send it, after those that nobody took; each answer.

        Args:
            untold: bodies that nobody has taken yet, of whatever this one is about.
            document: the next one; None: those alone.
        """
        hook = self._hook
        if hook is None:
            return []
        if document is not None:
            untold.append(orjson.dumps(document))
        answers: list[Json] = []
        while untold:
            given = await self._send(hook, untold[0])
            answers += given
            if not any(OK <= (one["status"] or 0) < BEYOND_OK for one in given):
                break
            del untold[0]
        return answers

    async def _send(self, hook: Hook, body: bytes) -> list[Json]:
        target = Target.parse(hook.url, self.hosts)
        signs = (target, SCHEMES[self.scheme], hook.secret.encode())
        more: tuple[tuple[str, tuple[str, ...]], ...] = ()
        if hook.compressed:
            body, more = gzip.compress(body), (("Content-Encoding", ("gzip",)),)
        return await post(body, signs, self.stage, (self.party, WEBHOOK), more)
