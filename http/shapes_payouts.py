"""The bodies of withdrawals as types (comptoir.http.shapes has the rule).

Source: interface.md 7 (rows b2); spec.md S46, S50, S56, X21, X26.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from comptoir.http.shapes import Cents, Currency, Identity, Time

__all__ = [
    "QUOTE_CHARACTERS_MAX",
    "NewQuote",
    "NewWithdrawal",
    "Quote",
    "Settlement",
    "SettlementProposed",
    "Withdrawal",
    "WithdrawalPage",
    "WithdrawalStep",
]

Status = Annotated[
    Literal["pending", "processing", "completed", "failed", "cancelled", "returned", "held"],
    Meta(
        description="`held`: somebody of the house finds out what became of it; its points stay blocked."
    ),
]
PayeeCheck = Annotated[
    Literal["match", "close_match", "no_match", "unavailable"],
    Meta(description="What the payee's bank has said of whose account it is."),
]
POINTS_MAX = 10**12
QUOTE_CHARACTERS_MAX = 2048


class _Shape(msgspec.Struct, frozen=True, rename="camel"):
    """camelCase outside (interface.md 1)."""


class NewQuote(_Shape, frozen=True, forbid_unknown_fields=True):
    """A person wants to know what their points would come to, and whose account it is."""

    points: Annotated[int, Meta(ge=1, le=POINTS_MAX)]
    iban: Annotated[str, Meta(min_length=1, max_length=64, description="With blanks or without.")]
    beneficiary_name: Annotated[
        str, Meta(min_length=1, max_length=70, description="Whose account it is (ISO 20022 `Nm`).")
    ]
    user_id: Annotated[
        Identity | None, Meta(description="Where there are no accounts; else it is the caller.")
    ] = None


class NewWithdrawal(NewQuote, frozen=True, forbid_unknown_fields=True):
    """A person wants their points as money."""

    quote_id: Annotated[
        Annotated[str, Meta(min_length=1, max_length=QUOTE_CHARACTERS_MAX)] | None,
        Meta(description="Of a quote: its terms hold."),
    ] = None
    accept_payee_check: Annotated[
        bool,
        Meta(description="The person was shown what was said of whose account it is, and goes on."),
    ] = False


class Quote(_Shape, frozen=True):
    """What points would come to, for a while."""

    quote_id: Annotated[
        str, Meta(pattern=r"^wq_[A-Za-z0-9_-]+$", description="The quote itself, sealed.")
    ]
    gross_cents: Cents
    fee_cents: Cents
    net_cents: Annotated[Cents, Meta(description="What would be paid.")]
    currency: Currency
    payee_check: PayeeCheck
    payee_name: Annotated[
        str | None, Meta(description="The name that the bank has; on a close match alone.")
    ]
    expires_at: Time


class Settlement(_Shape, frozen=True, forbid_unknown_fields=True):
    """What somebody has found out about a payment that is held."""

    outcome: Annotated[
        Literal["completed", "failed"],
        Meta(
            description="The money has arrived; or it has not, and will not: the points come back."
        ),
    ]
    reason: Annotated[
        str, Meta(min_length=1, max_length=256, description="How it was found out, on one line.")
    ]


class SettlementProposed(_Shape, frozen=True):
    """It waits for a second person."""

    approval_id: str
    digest: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
    expires_at: Time


class WithdrawalStep(_Shape, frozen=True):
    """One status that it had."""

    status: Status
    at: Time
    code: Annotated[
        str | None, Meta(description="Why: a reason of ISO 20022 (`AC04`), or one of ours.")
    ]


class Withdrawal(_Shape, frozen=True):
    """Points on their way to an account."""

    withdrawal_id: Annotated[str, Meta(pattern=r"^wd_[0-9a-f]{20}$")]
    status: Status
    points: Annotated[int, Meta(ge=1)]
    rate_cents_per_point: Annotated[int, Meta(ge=1)]
    gross_cents: Cents
    fee_cents: Cents
    net_cents: Annotated[Cents, Meta(description="What is paid.")]
    currency: Currency
    iban_masked: Annotated[str, Meta(pattern=r"^[A-Z]{2}[0-9]{2}\*{4}[A-Z0-9]{4}$")]
    reference: Annotated[str, Meta(max_length=35, description="What the statement shows.")]
    payee_check: PayeeCheck
    payee_check_accepted: Annotated[
        bool, Meta(description="Whether its person went on, whatever was said.")
    ]
    overdue_since: Annotated[
        Time | None, Meta(description="It was to have an end by then; null: it had, or may still.")
    ]
    created_at: Time
    history: Annotated[list[WithdrawalStep], Meta(description="The oldest first.")]


class WithdrawalPage(_Shape, frozen=True):
    """A page of a person's withdrawals, the newest first."""

    items: list[Withdrawal]
    next_cursor: Annotated[str | None, Meta(description="For `cursor`; null on the last page.")]
