"""What may be said to an endpoint of webhooks, and what it answers (S33).

Another machine may import this module and nothing else of this package (design.md 1).
"""

from typing import Final, Literal

import msgspec

from comptoir.actors.feed.messages import EndpointTerms
from comptoir.engine.values import Address, Message, Reply

__all__ = [
    "ATTEMPTS_MAX",
    "KIND",
    "PINGS_MAX",
    "REPLAYS_MAX",
    "Attempted",
    "AttemptsListed",
    "ChangeEndpoint",
    "CloseEndpoint",
    "DeliveryEnded",
    "DescribeEndpoint",
    "EndpointDescribed",
    "FeedGrew",
    "ListAttempts",
    "OpenEndpoint",
    "PingEndpoint",
    "ReplayEvents",
    "RetryDue",
    "RotateSecret",
    "endpoint_at",
]

KIND = "endpoint"
ATTEMPTS_MAX: Final = 50
"""That are kept of one endpoint, the last ones."""
REPLAYS_MAX: Final = 20
"""Single events that wait to be told again."""
PINGS_MAX: Final = 5

Outcome = Literal["delivered", "nothing", "failed", "gone"]


def endpoint_at(endpoint_id: str) -> Address:
    """Its actor."""
    return Address(KIND, endpoint_id)


class OpenEndpoint(Message, frozen=True):
    """Tell this address of what comes after a position."""

    partner: str
    terms: EndpointTerms
    secret: str
    after: int


class CloseEndpoint(Message, frozen=True):
    """Tell it nothing more; what it was called and signed with is forgotten."""


class FeedGrew(Message, frozen=True):
    """There are public events up to this position."""

    position: int


class ChangeEndpoint(Message, frozen=True):
    """Other terms; what is None stays."""

    url: str | None = None
    types: tuple[str, ...] | None = None
    description: str | None = None
    contact: str | None = None
    enabled: bool | None = None
    """Told again from where it was; or told nothing until somebody says so."""


class RotateSecret(Message, frozen=True):
    """Sign with this one; the one before signs too for a while."""

    secret: str


class ReplayEvents(Message, frozen=True):
    """Tell again: all after a position, or the one at a position."""

    after: int | None = None
    position: int | None = None


class PingEndpoint(Message, frozen=True):
    """Send it a test, once."""

    ping_id: str


class DescribeEndpoint(Message, frozen=True):
    """Say how it stands."""


class ListAttempts(Message, frozen=True):
    """Say what was tried."""


class RetryDue(Message, frozen=True):
    """One's own later self: it is time to try again."""


class DeliveryEnded(Message, frozen=True):
    """What became of a call."""

    serial: int
    """Of the call."""
    outcome: Outcome
    """gone: it says that nobody listens there any more (410)."""
    position: int
    """Of the event; where there was nothing to tell, up to where was looked; 0: it was a test."""
    message_id: str = ""
    status: int = 0
    """Of the answer; 0: there was none."""
    code: str = ""
    """Why it failed, as a stable code."""
    took_ms: int = 0
    wait_ms: int = 0
    """For how long it asks not to be called."""


class Attempted(msgspec.Struct, frozen=True):
    """One call, without what was said in it."""

    at: int
    """Business time, ms since 1970: of its end."""
    position: int
    message_id: str
    outcome: Outcome
    status: int
    code: str
    took_ms: int


class EndpointDescribed(Reply, frozen=True):
    """How it stands."""

    partner: str
    terms: EndpointTerms
    status: Literal["enabled", "disabled"]
    cause: str
    """Why it is disabled: `paused`, `gone`, `failing`."""
    cursor: int
    """Position up to which all was delivered."""
    known: int
    """Position up to which there is something to tell."""
    failing_since: int
    """Business time, ms; 0: the last call went well."""
    retry_at: int
    created_at: int
    old_secret_until: int
    """Until when the secret before signs too; 0: it does not."""


class AttemptsListed(Reply, frozen=True):
    """The newest first."""

    attempts: tuple[Attempted, ...]
