"""The bodies of card linking as types (comptoir.http.shapes has the rule).

Source: interface.md 7 (rows b1); spec.md S48, S57, S59, S60.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from comptoir.http.shapes import Count, Date, Identity, Time, UserAction

__all__ = [
    "AuthUrl",
    "Completion",
    "Condition",
    "Connection",
    "ConnectionPage",
    "ConsentCalendar",
    "ConsentRenewal",
    "ConsentWeek",
    "ConsentsOfProvider",
    "LinkSession",
    "NewLink",
    "Renewal",
    "Revoking",
    "Syncing",
]

Days = Annotated[int, Meta(ge=1, le=180, description="X20: at most what the daemon is set to.")]
Version = Annotated[str, Meta(pattern=r"^[!-~]{1,64}$", description="Of the text that was shown.")]
Uri = Annotated[str, Meta(min_length=1, max_length=2048)]


class _Shape(msgspec.Struct, frozen=True, rename="camel"):
    """camelCase outside (interface.md 1)."""


class _Given(_Shape, frozen=True, forbid_unknown_fields=True):
    """What comes in has no field that we do not know."""


class NewConsent(_Given, frozen=True):
    """What a person has agreed to on the app's screen (S57, S60)."""

    accepted: Literal[True]
    text_version: Version
    duration_days: Days


class NewLink(_Given, frozen=True):
    """A person wants to link a card."""

    device_id: Identity
    redirect_uri: Annotated[Uri, Meta(description="One of those that the daemon knows.")]
    consent: NewConsent
    provider: Annotated[str, Meta(min_length=1, max_length=32)] = "seed"
    user_id: Annotated[
        Identity | None, Meta(description="Where there are no accounts; else it is the caller.")
    ] = None


class LinkSession(_Shape, frozen=True):
    """Where the person goes, and until when they must be back."""

    session_id: Identity
    auth_url: Annotated[str, Meta(extra_json_schema={"format": "uri"})]
    expires_at: Time


class Completion(_Given, frozen=True):
    """The person is back. `state` and `code` come from an SDK, which returns without a browser."""

    session_id: Annotated[str, Meta(pattern=r"^ls_[0-9a-f]{32}$")]
    connection_id: Identity | None = None
    state: Annotated[str, Meta(min_length=1, max_length=256)] | None = None
    code: Annotated[str, Meta(min_length=1, max_length=2048)] | None = None
    return_secret: (
        Annotated[
            str,
            Meta(
                pattern=r"^[A-Za-z0-9_-]{43}$",
                description="As the way back had it, where `connections.return_secret` is on.",
            ),
        ]
        | None
    ) = None


class Condition(_Shape, frozen=True):
    """Why nothing is read now, and what its person must do."""

    name: Annotated[
        Literal[
            "consent_ended", "authentication_required", "information_required", "confirmation_required",
            "action_at_bank_required", "password_expired", "credentials_wrong", "inactive", "validating",
            "rate_limited", "bank_unavailable", "provider_fault", "not_supported", "unknown",
        ],
        Meta(description="What is in the way; more may come."),
    ]  # fmt: skip
    remedy: Annotated[
        Literal["person", "time", "none"],
        Meta(description="Who ends it: its person (renew), the provider by itself, nobody here."),
    ]
    code: Annotated[str, Meta(description="The code that a request would meet (S66).")]
    user_action: UserAction
    next_try_at: Annotated[Time | None, Meta(description="When the provider tries again.")]


class Connection(_Shape, frozen=True):
    """A linked card."""

    id: Annotated[str, Meta(pattern=r"^cn_[0-9a-f]{20}$")]
    provider: str
    bank_name: str
    card_last4: Annotated[str, Meta(pattern=r"^[0-9]{4}$")]
    status: Literal["active", "expired", "revoking", "revoked"]
    consent_expires_at: Time
    linked_at: Time
    condition: Annotated[Condition | None, Meta(description="Null where all is well.")]


class ConnectionPage(_Shape, frozen=True):
    """A page of a person's connections, newest first, without those that were revoked."""

    items: list[Connection]
    next_cursor: Annotated[str | None, Meta(description="For `cursor`; null on the last page.")]


class Revoking(_Shape, frozen=True):
    """Nothing is read any more; the provider is told until it confirms."""

    status: Literal["revoking", "revoked"]


class ConsentRenewal(_Given, frozen=True):
    """What the person has agreed to anew; what is missing is as it was the first time."""

    consent: NewConsent | None = None
    redirect_uri: Uri | None = None
    device_id: Identity | None = None


class AuthUrl(_Shape, frozen=True):
    """Where the person goes to renew their consent (X20). The old one stays until the new one is there."""

    auth_url: Annotated[str, Meta(extra_json_schema={"format": "uri"})]


Monday = Annotated[Date, Meta(description="Of an ISO 8601 week, in UTC.")]


class _Counts(_Shape, frozen=True):
    """What consents are, or have become."""

    live: Annotated[Count, Meta(description="In force, and to end in this week.")]
    renewed: Annotated[Count, Meta(description="A new consent took their place.")]
    lapsed: Annotated[
        Count, Meta(description="Ended by time or by the provider's word; not renewed so far.")
    ]
    revoked: Annotated[Count, Meta(description="Ended by their person.")]


class ConsentsOfProvider(_Counts, frozen=True):
    """Those of one provider."""

    provider: str


class ConsentWeek(_Counts, frozen=True):
    """The consents that end, or have ended, in one week."""

    week: Monday
    providers: Annotated[
        list[ConsentsOfProvider], Meta(description="Those that have any, by name.")
    ]


class Unread(_Shape, frozen=True):
    """Connections of one provider that were imported and never linked."""

    provider: str
    connections: Count


class ConsentCalendar(_Shape, frozen=True):
    """As many weeks that are over as are to come, and this one between them."""

    this_week: Monday
    items: Annotated[list[ConsentWeek], Meta(description="Every week, the oldest first.")]
    unread: Annotated[
        list[Unread],
        Meta(description="What has no consent and is read by nobody: only webhooks tell of it."),
    ]


class Syncing(_Shape, frozen=True):
    """What was bought is being read."""

    status: Literal["syncing"]


Renewal = ConsentRenewal
