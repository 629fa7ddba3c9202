"""Public events and an endpoint for tests of the edge: what a test sets, and what real actors would say.

The rule: it fulfils that part of `comptoir.http.port.ApiPort`. Source: comptoir.http.events_port.
"""

from collections.abc import Sequence
from typing import Final

from comptoir.actors.endpoint.messages import (
    KIND,
    Attempted,
    AttemptsListed,
    CloseEndpoint,
    EndpointDescribed,
    ListAttempts,
)
from comptoir.actors.feed.messages import (
    FEED,
    AddEndpoint,
    DropEndpoint,
    EndpointsListed,
    EndpointTerms,
    FeedStands,
    ListEndpoints,
    PublicEvent,
)
from comptoir.engine import Address, Message, Refused, Reply

__all__ = ["ENDPOINT_ID", "FakeEvents"]

ENDPOINT_ID: Final = "we_" + "0" * 20
AT: Final = 1_763_994_600_000
HERE: Final = EndpointTerms("https://hub.example/events", ("ACCOUNT_CREATED",), "the hub", "")


class FakeEvents:
    """A feed with one event, and endpoints."""

    def __init__(self) -> None:
        super().__init__()
        self.published: list[PublicEvent] = [
            PublicEvent(1, "evt_" + "0" * 20, "ACCOUNT_CREATED", "ONB-2025-00001", AT, {}, "")
        ]
        self.endpoints: dict[str, str] = {ENDPOINT_ID: ""}
        """Whose each is, by id."""
        self.removed: set[str] = set()
        """Those that are no more."""
        self.forgets = False
        """Whether what was deleted is gone; else it is there again for whoever asks next."""

    async def public_events(self, after: int, limit: int) -> Sequence[PublicEvent]:
        """As set."""
        return [one for one in self.published if one.position > after][:limit]

    def of_events(self, address: Address, message: Message) -> Reply | None:
        """What is answered to what is said to the feed and to endpoints; None: it is said to others."""
        if address == FEED:
            if isinstance(message, AddEndpoint):
                self.endpoints[message.endpoint_id] = message.partner
            if isinstance(message, DropEndpoint) and self.forgets:
                self.endpoints.pop(message.endpoint_id, None)
                self.removed.add(message.endpoint_id)
            return (
                EndpointsListed(dict(self.endpoints))
                if isinstance(message, ListEndpoints)
                else FeedStands(1, 1)
            )
        if address.kind != KIND:
            return None
        if self.forgets and address.key in self.removed:
            raise Refused("NOT_FOUND", "there is no endpoint of this id")
        if isinstance(message, CloseEndpoint) and self.forgets:
            self.removed.add(address.key)
            self.endpoints.pop(address.key, None)
        if isinstance(message, ListAttempts):
            return AttemptsListed((Attempted(AT, 1, "evt_1", "failed", 500, "HTTP_500", 12),))
        partner = self.endpoints.get(address.key, "")
        return EndpointDescribed(partner, HERE, "enabled", "", 0, 1, AT, AT + 5000, AT, AT)
