"""What may be said to the feed of public events, and what it answers (S17, S33).

Another machine may import this module and nothing else of this package (design.md 1).
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from comptoir.engine.values import Address, Message, Reply

__all__ = [
    "COLLECTION",
    "ENDPOINTS_MAX",
    "ENDPOINTS_PARTNER_MAX",
    "FEED",
    "KIND",
    "OWNERS",
    "AddEndpoint",
    "DescribeFeed",
    "DropEndpoint",
    "EndpointTerms",
    "EndpointsListed",
    "FeedStands",
    "Found",
    "ListEndpoints",
    "NotePublic",
    "PublicEvent",
    "place_of",
]

KIND = "feed"
FEED: Final = Address(KIND, "all")
"""One actor: positions are given one after the other."""
COLLECTION: Final = "public_event"
"""Documents by position: where an event is in the journal, and nothing of what it says."""
OWNERS: Final = "public_owner"
"""Documents by file: the partner that has submitted it."""
ENDPOINTS_MAX: Final = 100
"""Each is told of every page of events."""
ENDPOINTS_PARTNER_MAX: Final = 10
"""Of one partner's, so that none takes the places of all others; the house's own are bounded by the whole alone."""


def place_of(position: int) -> str:
    """The key of a position's document, in the order of positions."""
    return f"{position:019d}"


class Found(msgspec.Struct, frozen=True):
    """A public event of the journal, as far as the feed keeps it."""

    number: int
    """The journal's."""
    type: str
    entity: str
    at: int
    """Business time, ms since 1970."""
    partner: str
    """Id of the service client that has submitted the file; empty: none has."""


class PublicEvent(msgspec.Struct, frozen=True):
    """An event as the world is told it."""

    position: int
    id: str
    """The same however often it is told: `evt_` and 20 hexadecimal digits."""
    type: str
    entity: str
    """Number of the file, id of the withdrawal."""
    at: int
    """Business time, ms since 1970."""
    data: Mapping[str, object]
    partner: str
    """Id of the service client that has submitted the file; empty: none has. Not to be told."""


class NotePublic(Message, frozen=True):
    """Give these their positions, in this order. Said with another `after` than the feed's own it changes nothing."""

    after: int
    """The journal's number up to which all was noted."""
    through: int
    """Likewise afterwards."""
    found: tuple[Found, ...]


class DescribeFeed(Message, frozen=True):
    """Say how far it is."""


class FeedStands(Reply, frozen=True):
    """How far it is."""

    position: int
    """Of the last public event; 0: there is none."""
    through: int
    """The journal's number up to which all was noted."""


class EndpointTerms(msgspec.Struct, frozen=True):
    """What whoever registers an endpoint says of it."""

    url: str
    types: tuple[str, ...]
    """Of events; empty: all that its owner may be told."""
    description: str
    contact: str
    """Address for mails when it is disabled; empty: none."""


class AddEndpoint(Message, frozen=True):
    """Tell this endpoint of every event from now on. Said again with the same id it is the same."""

    endpoint_id: str
    partner: str
    """Id of the service client whose it is; empty: the house's own."""
    terms: EndpointTerms
    secret: str


class DropEndpoint(Message, frozen=True):
    """Tell it of nothing more, and forget it. Said again it changes nothing."""

    endpoint_id: str


class ListEndpoints(Message, frozen=True):
    """Say which there are."""


class EndpointsListed(Reply, frozen=True):
    """Their ids, the oldest first, and whose they are."""

    endpoints: "dict[str, str]"
