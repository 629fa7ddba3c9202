"""Settings of the cashback programme: webhooks, points, partners, connections, payouts.

Rule: a value that the source states is the default; where it is silent (S74: loyalty rules) the
default is sane and marked `ours`.
Source: Part B of the specification (S41 to S74), X15 to X27.
"""

# ruff: noqa: RUF009 - rows are dataclasses.field calls by another name

from dataclasses import dataclass
from typing import Literal

from comptoir.engine.settings.fields import (
    Section,
    TableKind,
    flag,
    integer,
    option,
    section,
)
from comptoir.engine.settings.kinds import ChoiceKind, IntegerKind, TextKind
from comptoir.engine.settings.kinds_made import (
    ListKind,
    Network,
    NetworkKind,
    SecretKind,
    UrlKind,
)
from comptoir.engine.settings.listeners import LOOPBACK
from comptoir.engine.settings.runtime import REDIRECT
from comptoir.engine.settings.secret import Secret

__all__ = [
    "Connections",
    "Merchants",
    "PlaidEnvironment",
    "Points",
    "Tier",
    "Webhooks",
    "WebhooksParty",
    "WebhooksPlaid",
    "WebhooksPowens",
    "Withdrawals",
]

CREDENTIAL = SecretKind("a text", lambda _text: True)
WEBHOOK_SECRETS = ListKind(SecretKind("a text that is not empty"), 0, 8)
NAME = TextKind("a text of 1 to 64 characters", r".{1,64}")
IDENTIFIER = TextKind("1 to 64 of [A-Za-z0-9_-]", r"[A-Za-z0-9_-]{1,64}")
CURRENCY = TextKind("an ISO 4217 code such as EUR", r"[A-Z]{3}")
DAYS = (0, 36_500)
BODY_BYTES = (1_024, 67_108_864)


@dataclass(frozen=True, slots=True)
class WebhooksParty(Section):
    """Secrets of one sender."""

    secrets: tuple[Secret, ...] = option(
        (), WEBHOOK_SECRETS,
        "HMAC secrets, newest first; any may match, so that they can be rotated.", "S54", "secrets",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class WebhooksPowens(Section):
    """Powens itself: large bodies, maybe gzip; used by the Powens webhook."""

    secrets: tuple[Secret, ...] = option(
        (), WEBHOOK_SECRETS, "HMAC secrets, newest first; any may match.", "S42, S54", "secrets"
    )
    body_bytes_max: int = integer(8_388_608, "bytes", BODY_BYTES, "Largest body.", "S42, ours")


@dataclass(frozen=True, slots=True)
class PlaidEnvironment(Section):
    """Another environment of Plaid whose webhooks are taken too, or another pair of credentials."""

    base_url: str = option("", UrlKind(), "Address of its API.", "S42")
    client_id: str = option(
        "comptoir", TextKind("1 to 128 printable characters", r"[!-~]{1,128}"),
        "Who we are there.", "S42",
    )  # fmt: skip
    client_secret: Secret = option(Secret(""), CREDENTIAL, "What proves it.", "S42", "secret")


@dataclass(frozen=True, slots=True)
class WebhooksPlaid(Section):
    """Plaid signs by keys that it publishes: where they are asked for, beside providers.plaid."""

    environments: tuple[PlaidEnvironment, ...] = option(
        (), ListKind(TableKind(PlaidEnvironment), 0, 8),
        "Further environments or credentials, each asked in turn for a key that is not known; so that "
        "secrets can be rotated and an environment left.", "S42, S54", "environments",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Webhooks(Section):
    """Reception of signed webhooks, in the order allow-list, HMAC, timestamp, queue (S53)."""

    window_ms: int = integer(
        300_000, "ms", (1, 86_400_000),
        "Skew allowed between X-Webhook-Timestamp and now, either way.", "S55, S62, X16",
    )  # fmt: skip
    allowed_ips: tuple[Network, ...] = option(
        LOOPBACK, ListKind(NetworkKind()), "Source addresses allowed.", "S53, S62", "addresses"
    )
    body_bytes_max: int = integer(
        65_536, "bytes", BODY_BYTES, "Largest body, but for Powens's.", "ours"
    )
    rate_per_minute_max: int = integer(
        0, "webhooks/min", (0, 100_000_000), "Bound on signed webhooks; 0 = none.",
        "S62, ours",
    )  # fmt: skip
    unknown_connection_hours: int = integer(
        24, "hours", (1, 8_760),
        "Time that a webhook of an unknown connection is kept sealed, then dlq:transactions.",
        "S64, ours",
    )  # fmt: skip
    seed: WebhooksParty = section(WebhooksParty)
    kyc: WebhooksParty = section(WebhooksParty)
    powens: WebhooksPowens = section(WebhooksPowens)
    plaid: WebhooksPlaid = section(WebhooksPlaid)
    tink: WebhooksParty = section(WebhooksParty)
    docusign: WebhooksParty = section(WebhooksParty)


@dataclass(frozen=True, slots=True)
class Tier(Section):
    """One tier of the loyalty programme."""

    id: str = option("base", IDENTIFIER, "Stable name.", "S47, S74")
    name: str = option("Base", NAME, "Name shown to people.", "S47, S74")
    threshold_points: int = integer(
        0,
        "points",
        (0, 10**15),
        "Points earned from which it holds; points.tier_years says in which time.",
        "S47, S74",
    )
    multiplier_bp: int = integer(
        10_000, "bp", (0, 1_000_000), "Factor on the points of a purchase; 10000 = 1.", "S47, S74"
    )


TIERS = (
    Tier("base", "Base", 0, 10_000),
    Tier("silver", "Silver", 10_000, 10_000),
    Tier("gold", "Gold", 50_000, 10_000),
)
"""The source names tiers and no value (S74): all multiply by 1 until someone decides."""


@dataclass(frozen=True, slots=True)
class Points(Section):
    """Points: worth, hold, tiers. Points of a purchase are rounded by one floor (X32)."""

    value_cents: int = integer(1, "cents/point", (1, 10_000), "Worth of one point.", "X21")
    currency: str = option(
        "EUR", CURRENCY, "Currency of purchases that earn; others are ignored.", "S56", "ISO 4217"
    )
    hold_days: int = integer(
        0, "days", DAYS, "Time that a credit is pending; 14 is advised.", "X24"
    )
    minimum: int = integer(
        100,
        "points",
        (1, 10**12),
        "Least balance for a withdrawal; used by withdrawals.",
        "S66, X21",
    )
    refund_wait_hours: int = integer(
        24, "hours", (0, 8_760), "Time that a refund waits for its purchase to arrive.",
        "X24, ours",
    )  # fmt: skip
    lot_days: int = integer(
        0, "days", DAYS,
        "Validity of points from the end of their hold, to the end of the day (UTC); 0 = for ever.",
        "S74, E7",
    )  # fmt: skip
    grace_days: int = integer(
        30, "days", DAYS,
        "Points that come back from a withdrawal that failed are good for so long at least.",
        "S74, E7, ours",
    )  # fmt: skip
    expiry_warning_days: tuple[int, ...] = option(
        (30, 7), ListKind(IntegerKind(1, 3_650), 0, 10),
        "Warnings before points expire.", "S74, E7", "days",
    )  # fmt: skip
    tier_years: int = integer(
        0, "years", (0, 10),
        "Calendar years (UTC), this one included, whose points make a tier; 0 = all that were ever earned.",
        "S47, S74",
    )  # fmt: skip
    tiers: tuple[Tier, ...] = option(
        TIERS, ListKind(TableKind(Tier), 1, 100),
        "Tiers by rising threshold; the first one has 0.", "S47, S74", "points, bp",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Merchants(Section):
    """The partner base and the matching of card labels."""

    partners_max: int = integer(
        100_000, "partners", (1, 1_000_000),
        "Partners kept in memory; an import beyond it is refused.", "S47, ours",
    )  # fmt: skip
    candidate_days: int = integer(
        30, "days", (0, 3_650),
        "Time that an unmatched but partner-like purchase is kept sealed; used by claims.",
        "X22, X23",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Connections(Section):
    """Bank connections and consents; used by card linking."""

    redirect_uris: tuple[str, ...] = option(
        (), ListKind(REDIRECT, 0, 20),
        "Where a person may be sent after their bank, to the letter; on loopback without accounts, or "
        "with a manual clock, loopback addresses too.", "S48, S57", "addresses",
    )  # fmt: skip

    return_secret: bool = flag(
        False, "A session is completed only by who came back from the bank: with `returnSecret` of the way "
        "back, or with the provider's code. Apps must send it.", "S48, ours",
    )  # fmt: skip
    session_minutes: int = integer(
        10, "minutes", (1, 1_440), "Life of a linking session.", "S45, S48"
    )
    consent_days: int = integer(
        90, "days", (1, 180), "Duration of a consent; 180 is the law's bound.", "S51, S57, X20"
    )
    consent_warning_days: tuple[int, ...] = option(
        (14, 7, 1), ListKind(IntegerKind(0, 180), 0, 10),
        "Warnings before a consent ends.", "X20, E10", "days",
    )  # fmt: skip
    token_margin_minutes: int = integer(
        5, "minutes", (1, 1_440), "So long before its end an access token is replaced.", "S45, ours"
    )
    heal_hours: int = integer(
        6, "hours", (0, 720),
        "Time between two readings of a connection that no webhook asks for, which find what webhooks "
        "missed; 0 = none. A fifth of it is left to chance.", "E6",
    )  # fmt: skip
    heal_spread_minutes: int = integer(
        60,
        "minutes",
        (1, 1_440),
        "Time over which such readings are spread after an outage.",
        "E6, ours",
    )
    look_back_days: int = integer(
        0, "days", (0, 730), "Purchases before a link that are read and earn.", "S60, ours"
    )
    bank_delay_hours: int = integer(
        24, "hours", (1, 720), "Longest time from a purchase to its webhook.", "S49"
    )


@dataclass(frozen=True, slots=True)
class Withdrawals(Section):
    """Withdrawals and payouts; used by withdrawals."""

    fee_bp: int = integer(
        0, "bp", (0, 10_000), "Fee on the gross amount; 500 gives the source's second reading.",
        "X21",
    )  # fmt: skip
    settlement_days: int = integer(
        14, "days", DAYS, "Settlement hold: the source's 2 to 3 weeks begin here.", "S50, X25"
    )
    overdue_days: int = integer(
        21, "days", DAYS, "End of the 2 to 3 weeks: a payout not settled is overdue.", "S50, X25"
    )
    reference_prefix: str = option(
        "REWAPP-WD", TextKind("1 to 16 of [A-Z-]", r"[A-Z-]{1,16}"),
        "Start of a payment's reference; with date and number within SEPA's 35 characters.", "S56",
    )  # fmt: skip
    payout: Literal["seed", "pain001"] = option(
        "seed", ChoiceKind(("seed", "pain001")),
        "Way of paying: /payments/initiate, or batches that a treasurer approves.", "X27",
    )  # fmt: skip
    quote_minutes: int = integer(
        15, "minutes", (1, 1_440), "Time that a quote holds, with its rate, fee and payee check.",
        "E18, ours",
    )  # fmt: skip
    confirm_unavailable: bool = flag(
        False, "A person confirms, too, where whose account it is could not be checked "
        "(providers.vop).", "E18, ours",
    )  # fmt: skip
    reconcile_hours: int = integer(
        24, "hours", (0, 720),
        "Time between two comparisons of what was paid with what whoever pays says; 0 = none.",
        "S46, ours",
    )  # fmt: skip
    reconcile_days: int = integer(
        7, "days", (1, 31), "Days before today that each of them looks at.", "S46, ours"
    )
