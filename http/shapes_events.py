"""The bodies of the feed of public events and of endpoints of webhooks (comptoir.http.shapes has the rule).

Source: interface.md 8 (`GET /api/v1/events`); spec.md S17, S33; docs/events.md.
"""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from comptoir.http.shapes import Count, Time

__all__ = [
    "ENDPOINT_PATTERN",
    "WAIT_SECONDS_MAX",
    "AttemptList",
    "Endpoint",
    "EndpointChange",
    "EndpointGone",
    "EndpointList",
    "EndpointSecret",
    "EventPage",
    "NewEndpoint",
    "PingSent",
    "Replay",
]

ENDPOINT_PATTERN: Final = r"^we_[0-9a-f]{20}$"
WAIT_SECONDS_MAX: Final = 20
EventType = Literal[
    "ONBOARDING_INITIATED", "DOCUMENTS_UPLOADED", "KYC_COMPLETED", "CONTRACT_SIGNED", "ACCOUNT_CREATED",
    "PROFILE_CHANGED", "WITHDRAWAL_MOVED",
]  # fmt: skip
Position = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Url = Annotated[str, Meta(min_length=8, max_length=2048, description="An address under TLS.")]
Types = Annotated[
    tuple[EventType, ...], Meta(max_length=16, description="Of events; none: all that its owner may be told.")
]  # fmt: skip
Description = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Mail = Annotated[
    str,
    Meta(
        max_length=254,
        pattern=r"^([A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,189})?$",
        description="Who is told when it is disabled; empty: nobody.",
    ),
]


class _Shape(msgspec.Struct, frozen=True, rename="camel"):
    """camelCase outside (interface.md 1)."""


class PublicEvent(_Shape, frozen=True):
    """Something that has happened."""

    position: Annotated[int, Meta(ge=1, description="1, 2, 3, ... without a gap.")]
    id: Annotated[str, Meta(description="The same however often it is told: `webhook-id`.")]
    type: EventType
    entity: Annotated[str, Meta(description="Number of the file, or id of the withdrawal.")]
    at: Time
    data: Annotated[dict[str, Any], Meta(description="By type (docs/events.md).")]


class EventPage(_Shape, frozen=True):
    """A page of the feed, the oldest first."""

    items: list[PublicEvent]
    next_cursor: Annotated[
        str | None, Meta(description="The position to ask for next as `after`; null: there is no more yet.")
    ]  # fmt: skip


class NewEndpoint(_Shape, frozen=True, forbid_unknown_fields=True):
    """Somebody who wants to be told."""

    url: Url
    types: Types = ()
    description: Description = ""
    contact_email: Mail = ""


class EndpointChange(_Shape, frozen=True, forbid_unknown_fields=True):
    """What is to be other; what is left out stays."""

    url: Url | None = None
    types: Types | None = None
    description: Description | None = None
    contact_email: Mail | None = None
    enabled: bool | None = None


class Endpoint(_Shape, frozen=True):
    """Where webhooks are sent to, and how far they are."""

    id: Annotated[str, Meta(pattern=ENDPOINT_PATTERN)]
    partner: Annotated[str | None, Meta(description="The service whose it is; null: the house.")]
    url: str
    types: list[str]
    description: str
    contact_email: str
    status: Literal["enabled", "disabled"]
    cause: Annotated[str | None, Meta(description="Why it is disabled: paused, gone, failing.")]
    cursor: Annotated[Count, Meta(description="Position up to which all was delivered.")]
    known: Annotated[Count, Meta(description="Position up to which there is something to tell.")]
    failing_since: Time | None
    retry_at: Time | None
    created_at: Time
    old_secret_until: Annotated[Time | None, Meta(description="Until then two secrets sign.")]


class EndpointSecret(Endpoint, frozen=True):
    """With its secret, which is shown once."""

    secret: Annotated[str, Meta(description="`whsec_...`")] = ""


class EndpointList(_Shape, frozen=True):
    """Those that the caller may see, the oldest first."""

    items: list[Endpoint]
    next_cursor: None


class EndpointGone(_Shape, frozen=True):
    """It is told nothing more."""

    id: str
    status: Literal["deleted"]


class Replay(_Shape, frozen=True, forbid_unknown_fields=True):
    """What is to be told again: all after a position, or the one at a position."""

    after: Position | None = None
    position: Annotated[int, Meta(ge=1, le=2**63 - 1)] | None = None


class PingSent(_Shape, frozen=True):
    """A test is on its way."""

    id: str
    message_id: str


class Attempt(_Shape, frozen=True):
    """One call, without what was said in it."""

    at: Time
    position: Annotated[int | None, Meta(description="Of the event; null: a test.")]
    message_id: str
    outcome: Literal["delivered", "failed", "gone"]
    status: Annotated[int | None, Meta(description="Of the answer; null: there was none.")]
    code: Annotated[str | None, Meta(description="Why it failed.")]
    took_ms: Count


class AttemptList(_Shape, frozen=True):
    """The last ones, the newest first."""

    items: list[Attempt]
    next_cursor: None
