"""The mainframe's queues over HTTP: the same bytes, with their names in headers.

Rule: a message that was read stays the queue's until its delivery is deleted; one that is not comes again after a while, as
from a queue whose reader has gone. Source: spec.md S31, X10; docs/sandbox.md.
"""

from dataclasses import dataclass, field
from typing import Final

import trio

from comptoir.sandbox.errors import Refused
from comptoir.sandbox.faults import Direction, Operation
from comptoir.sandbox.parties.mainframe import NAME, PUT, REPLY, Mainframe
from comptoir.sandbox.parties.mq import Item
from comptoir.sandbox.parties.party import Effect, Inbound, Party
from comptoir.sandbox.wire.router import Call, Route
from comptoir.sandbox.wire.server import Outcome, Reply, json_reply

LOOK: Final = Operation("queues.get", Direction.INBOUND)
ACCEPT: Final = Operation("deliveries.accept", Direction.INBOUND)
GIVEN_BACK_S: Final = 1.0
WAIT_S_MAX: Final = 20.0
OCTETS: Final = "application/octet-stream"


@dataclass(slots=True)
class Bridge:
    """The handlers over the queues."""

    mainframe: Mainframe
    _open: dict[str, trio.CancelScope] = field(default_factory=dict[str, trio.CancelScope])
    _nursery: trio.Nursery | None = None

    def party(self) -> Party:
        """What the daemon asks, and what it is told."""
        return Party(
            NAME,
            inbound=(
                Inbound(PUT, "POST", "/mainframe/queues/{id}", self._put),
                Inbound(LOOK, "GET", "/mainframe/queues", self._look),
                Inbound(ACCEPT, "DELETE", "/mainframe/deliveries/{id}", self._accept),
            ),
            outbound=(REPLY,),
        )

    def routes(self) -> list[Route]:
        """Where a reader waits: no call with an effect, so beside the faults of those."""
        query = ("waitSeconds", "correlation")
        return [Route("GET", "/mainframe/queues/{id}", self._next, query=query)]

    async def run(self) -> None:
        """Keep account of who reads, until cancelled."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            await trio.sleep_forever()

    def _put(self, call: Call) -> Effect:
        headers = call.request.headers
        correlation, reply_to = headers.get("x-correlation-id", ""), headers.get("x-reply-to", "")
        item = Item(correlation, correlation, reply_to, call.request.body)
        if not correlation or not self.mainframe.queues.put(call.argument, item):
            document = {"code": "MESSAGE_REFUSED", "detail": "no correlation, or no room"}
            return Effect(json_reply(422, document), happened=False)
        return Effect(json_reply(201, {"status": "QUEUED"}), happened=True)

    def _look(self, _call: Call) -> Effect:
        return Effect(json_reply(200, self.mainframe.queues.depths()), happened=False)

    def _accept(self, call: Call) -> Effect:
        known = self.mainframe.queues.accept(call.argument)
        if (scope := self._open.pop(call.argument, None)) is not None:
            scope.cancel()
        return Effect(json_reply(200 if known else 404, {"accepted": known}), happened=known)

    async def _next(self, call: Call) -> Outcome:
        try:
            seconds = min(float(call.query.get("waitSeconds", "0")), WAIT_S_MAX)
        except ValueError:
            raise Refused(422, "REQUEST_INVALID", "waitSeconds is a number") from None
        found: tuple[str, Item] | None = None
        with trio.move_on_after(seconds):
            found = await self.mainframe.queues.wait(
                call.argument, call.query.get("correlation", "")
            )
        if found is None:
            return Reply(204)
        tag, item = found
        assert self._nursery is not None, "it runs while anybody is served"
        self._open[tag] = trio.CancelScope()
        self._nursery.start_soon(self._give_back, tag, self._open[tag])
        headers = (("x-delivery", tag), ("x-correlation-id", item.correlation))
        return Reply(200, item.body, headers, OCTETS)

    async def _give_back(self, tag: str, scope: trio.CancelScope) -> None:
        with scope:
            await trio.sleep(GIVEN_BACK_S)
        if self._open.pop(tag, None) is not None:
            self.mainframe.queues.give_back(tag)
