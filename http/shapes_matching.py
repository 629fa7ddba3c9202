"""The bodies of claims and of what a backtest reads as types (comptoir.http.shapes has the rule).

Source: interface.md 7 (rows b1); spec.md E9, X22, X23.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from comptoir.http.shapes import Cents, Currency, Date, Identity, Time, UserAction

__all__ = [
    "BasePage",
    "CaseList",
    "Claim",
    "ClaimPage",
    "ClaimRefusal",
    "Grant",
    "NewClaim",
    "PurchasePage",
]

VerdictName = Literal[
    "credited",
    "pending",
    "refunded",
    "ignored",
    "not_matched",
    "fetched",
    "searched",
    "not_found",
    "not_kept",
]
ReasonName = Literal[
    "SEARCHING", "NOT_AT_BANK", "BEFORE_LINK", "CONSENT_LAPSED", "CONSENT_REVOKED", "NO_ACCESS", "OTHER_CURRENCY",
    "ASKED_TOO_OFTEN", "PROVIDER_REFUSED", "PROVIDER_SILENT",
]  # fmt: skip
Trace = Annotated[list[str], Meta(description="Why, step by step.")]
Label = Annotated[str, Meta(min_length=1, max_length=256)]
Next = Annotated[str | None, Meta(description="For `cursor`; null on the last page.")]


class _Shape(msgspec.Struct, frozen=True, rename="camel"):
    """camelCase outside (interface.md 1)."""


class _Given(_Shape, frozen=True, forbid_unknown_fields=True):
    """What comes in has no field that we do not know."""


class NewClaim(_Given, frozen=True):
    """A purchase by its id, or else as its person reads it on their statement."""

    transaction_id: Identity | None = None
    connection_id: Annotated[
        str | None, Meta(description="`cn_...`; with date, amount and label.")
    ] = None
    date: Date | None = None
    amount_cents: Annotated[int, Meta(ge=0, le=9_999_999_999)] | None = None
    label: Label | None = None
    user_id: Annotated[
        Identity | None, Meta(description="Where there are no accounts; else it is the caller.")
    ] = None


class Claimed(_Shape, frozen=True):
    """The purchase, while there is something to decide about it."""

    transaction_id: Identity
    provider: str
    amount_cents: Cents
    currency: Currency
    date: Date
    merchant_name: str
    mcc: str | None
    city: str | None


class Because(_Shape, frozen=True):
    """Why it stands so, and what its person can do."""

    code: ReasonName
    user_action: UserAction


class Claim(_Shape, frozen=True):
    """A question why a purchase gave no cashback, and what became of it."""

    claim_id: Annotated[str, Meta(pattern=r"^clm_[0-9a-f]{20}$")]
    status: Literal["answered", "waiting", "open", "granted", "refused"]
    verdict: VerdictName
    trace: Trace
    user_id: Identity
    purchase: Claimed | None
    partner_id: str | None
    reason: Annotated[str | None, Meta(description="Why it was refused.")]
    because: Annotated[
        Because | None, Meta(description="Of a stated purchase of which nothing was kept.")
    ]
    opened_at: Time
    decided_at: Time | None
    decided_by: Annotated[
        str | msgspec.UnsetType | None, Meta(description="Not told to the person.")
    ] = msgspec.UNSET


class ClaimPage(_Shape, frozen=True):
    """Claims that wait for a decision, the newest first."""

    items: list[Claim]
    next_cursor: Next


class Grant(_Given, frozen=True):
    """Whose purchase it was."""

    partner_id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class ClaimRefusal(_Given, frozen=True):
    """Why it was nobody's; the person is told."""

    reason: Annotated[str, Meta(min_length=1, max_length=200)]


class Seen(_Shape, frozen=True):
    """A purchase as a backtest reads it: nobody's name, no amount."""

    label: str
    mcc: str | None
    city: str | None
    country: str | None
    date: Date
    partner_id: Annotated[str | None, Meta(description="Whose it was found to be; null: nobody's.")]
    claimed: Annotated[bool, Meta(description="Found by a claim, and not by its label.")]


class PurchasePage(_Shape, frozen=True):
    """Purchases that were matched, then candidates that are kept; a page may be empty and not the last."""

    items: list[Seen]
    next_cursor: Next


class StoreOfBase(msgspec.Struct, frozen=True):
    """As files have it."""

    name: str
    city: str


class PeriodOfBase(msgspec.Struct, frozen=True):
    """A partner on the days of one period, with the columns of files; an absent text is empty."""

    id: str
    name: str
    rate_bp: int
    mcc: list[str]
    patterns: list[str]
    valid_from: str
    valid_to: str
    cap_cents_purchase: int | None
    cap_cents_month: int | None
    city: str
    trade_names: list[str]
    stores: list[StoreOfBase]
    excludes: list[str]
    country: str
    common_name: bool


class PartnerOfBase(PeriodOfBase, frozen=True):
    """A partner in its newest period, with what it was before."""

    earlier: list[PeriodOfBase]


class BasePage(_Shape, frozen=True):
    """A page of the partner base, by id."""

    items: list[PartnerOfBase]
    next_cursor: Next


class Case(_Shape, frozen=True):
    """A granted claim as a line of a labelled set."""

    claim_id: str
    label: str
    mcc: str | None
    country: str
    partner: str
    note: str


class CaseList(_Shape, frozen=True):
    """A page of cases, by the ids of their claims."""

    items: list[Case]
    next_cursor: Next
