"""The bodies of the API as types: from them come the schemas of the description.

The rule: a shape is what interface.md says, and it must be true: tests hold real answers to it, with
nothing added (tests/contract/test_description.py). Bodies that we receive are decoded with them.
Source: interface.md 1, 4, 5, 6, 7; JSON Schema 2020-12; spec.md S56, X21.
"""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

__all__ = [
    "ADVANCE_SECONDS_MAX",
    "NAME_CHARACTERS_MAX",
    "QUIESCE_SECONDS_MAX",
    "SCOPES_MAX",
    "Advance",
    "Advanced",
    "Client",
    "ClientList",
    "ClientRevoked",
    "ClientSecret",
    "Description",
    "EntryPage",
    "Imported",
    "Live",
    "NewClient",
    "NotReady",
    "Problem",
    "Quiesce",
    "Quiescent",
    "Ready",
    "Transaction",
    "Wallet",
]  # fmt: skip

ADVANCE_SECONDS_MAX: Final = 100 * 366 * 86_400
"""A century: retention runs to decades, and business time stays within four digits of year."""
QUIESCE_SECONDS_MAX: Final = 600
NAME_CHARACTERS_MAX: Final = 64
"""Of a service's name."""
SCOPES_MAX: Final = 16
"""Of one service, and so of one of its tokens."""

Time = Annotated[
    str,
    Meta(
        description="RFC 3339, UTC, milliseconds.",
        pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$",
        extra_json_schema={"format": "date-time"},
    ),
]
Date = Annotated[str, Meta(extra_json_schema={"format": "date"})]
Cents = Annotated[int, Meta(ge=0, description="Cents of `currency`.")]
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}$", description="ISO 4217.")]
Count = Annotated[int, Meta(ge=0)]
Identity = Annotated[str, Meta(min_length=1, max_length=128)]


class _Shape(msgspec.Struct, frozen=True, rename="camel"):
    """camelCase outside (interface.md 1)."""


class Balance(_Shape, frozen=True):
    """Points by what may be done with them."""

    available: Annotated[Count, Meta(description="May be withdrawn.")]
    pending: Annotated[Count, Meta(description="Credited, and held until the hold ends (X24).")]
    blocked: Annotated[Count, Meta(description="Held by a withdrawal under way.")]
    shortfall: Annotated[Count, Meta(description="Clawed back and not covered yet.")]


class NextTier(_Shape, frozen=True):
    """The tier above."""

    id: str
    missing_points: Count


class Tier(_Shape, frozen=True):
    """The tier that a wallet has reached."""

    id: str
    name: str
    multiplier_bp: Annotated[Count, Meta(description="Of the rate, in basis points.")]
    next: NextTier | None


class Expiring(_Shape, frozen=True):
    """Points that end on a day."""

    on: Date
    points: Count


class Wallet(_Shape, frozen=True):
    """The points of one user."""

    user_id: Identity
    balance: Balance
    value_cents: Cents
    currency: Currency
    tier: Tier
    expiring: list[Expiring]
    version: Annotated[Count, Meta(description="Grows with every change.")]
    updated_at: Time


EntryKind = Literal[
    "credit", "release", "clawback", "expiry", "hold", "hold_released", "payout", "adjustment"
]


class Entry(_Shape, frozen=True):
    """One change of a wallet."""

    entry_id: str
    kind: EntryKind
    points: Annotated[int, Meta(description="What the change added; negative: took.")]
    balance_after: Balance
    lot_id: str | None
    transaction_id: str | None
    withdrawal_id: str | None
    occurred_at: Time


class EntryPage(_Shape, frozen=True):
    """A page of a wallet's history, newest first."""

    items: list[Entry]
    next_cursor: Annotated[str | None, Meta(description="For `cursor`; null on the last page.")]


class Transaction(_Shape, frozen=True):
    """A card purchase or refund, and what became of it."""

    transaction_id: Identity
    provider: str
    user_id: Identity
    status: Literal["received", "credited", "pending", "refunded", "ignored"]
    amount_cents: Cents
    currency: Currency
    direction: Literal["DEBIT", "CREDIT"]
    date: Date
    merchant_name: str
    partner_id: str | None
    points: int
    trace: Annotated[list[str], Meta(description="Why it was matched as it was.")]
    received_at: Time | None
    credited_at: Time | None


class Live(_Shape, frozen=True):
    """The loop turns."""

    status: Literal["live"]


class Ready(_Shape, frozen=True):
    """Work is taken."""

    status: Literal["ready"]
    checks: dict[str, str]


class NotReady(_Shape, frozen=True):
    """Work is not taken; `checks` says why."""

    status: Literal["starting", "standby", "degraded", "stopping"]
    checks: dict[str, str]
    pending_messages: Count


class Description(_Shape, frozen=True):
    """An OpenAPI document."""

    openapi: Literal["3.1.0"]
    info: dict[str, Any]
    paths: dict[str, Any]


class Advance(_Shape, frozen=True, forbid_unknown_fields=True):
    """How far to move business time."""

    advance_seconds: Annotated[float, Meta(ge=0, le=ADVANCE_SECONDS_MAX)]


class Advanced(_Shape, frozen=True):
    """Business time after it, and how many timers fired."""

    now: Time
    fired: Count


class Quiesce(_Shape, frozen=True, forbid_unknown_fields=True):
    """How long to wait."""

    timeout_seconds: Annotated[float, Meta(ge=0, le=QUIESCE_SECONDS_MAX)] = 30.0


class Quiescent(_Shape, frozen=True):
    """No message is due."""

    status: Literal["quiescent"]


class Imported(_Shape, frozen=True):
    """What an import did, in rows."""

    imported: Count
    updated: Count
    unchanged: Count


class NewClient(_Shape, frozen=True, forbid_unknown_fields=True):
    """A service that is to have credentials."""

    name: Annotated[str, Meta(min_length=1, max_length=NAME_CHARACTERS_MAX)]
    scopes: Annotated[
        list[Annotated[str, Meta(pattern=r"^[\x21\x23-\x5B\x5D-\x7E]{1,255}$")]],
        Meta(min_length=1, max_length=SCOPES_MAX, extra_json_schema={"uniqueItems": True}),
    ]


class ClientSecret(_Shape, frozen=True):
    """What a service proves itself with. The secret is not kept here, and never shown again."""

    client_id: str
    client_secret: str
    name: str
    scopes: list[str]
    registered_at: Time


class Client(_Shape, frozen=True):
    """A service that has credentials."""

    client_id: str
    name: str
    scopes: list[str]
    registered_at: Time


class ClientList(_Shape, frozen=True):
    """All of them: they are few, so there are no pages."""

    items: list[Client]
    next_cursor: None


class ClientRevoked(_Shape, frozen=True):
    """It gets no more tokens, and those that it has are refused."""

    client_id: str
    status: Literal["revoked"]


class Fault(_Shape, frozen=True):
    """One wrong place."""

    pointer: Annotated[str, Meta(description="JSON Pointer (RFC 6901); in a file /LINE/COLUMN.")]
    code: str
    detail: str


class UserAction(_Shape, frozen=True):
    """What the person in front of it may do."""

    fr: str
    en: str


class Problem(_Shape, frozen=True):
    """What went wrong (RFC 9457). `code` is stable; `title` and `detail` are not."""

    type: Annotated[str, Meta(extra_json_schema={"format": "uri-reference"})]
    title: str
    status: int
    code: str
    detail: str
    user_action: UserAction
    retryable: bool
    request_id: Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{8,64}$")]
    errors: list[Fault] | msgspec.UnsetType = msgspec.UNSET
