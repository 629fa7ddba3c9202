"""The bodies of statements and provenance as types (comptoir.http.shapes has the rule).

Source: interface.md 7 (rows b2); spec.md S47, E7; docs/statements.md.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from comptoir.http.shapes import Balance, Cents, Count, Currency, Identity, Time

__all__ = ["Provenance", "Statement"]

Kind = Annotated[
    str,
    Meta(
        description="credit, release, clawback, expiry, hold, hold_released, payout, adjustment; "
        "others may come."
    ),
]
Day = Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class _Shape(msgspec.Struct, frozen=True, rename="camel"):
    """camelCase outside (interface.md 1)."""


class BalanceChange(_Shape, frozen=True):
    """By how much each book changes; together with the balance before it is the balance after."""

    available: int
    pending: int
    blocked: int
    shortfall: Annotated[int, Meta(description="Above 0: more is owed.")]


class StatementTotal(_Shape, frozen=True):
    """What the movements of one kind come to."""

    kind: Kind
    movements: Annotated[int, Meta(ge=1)]
    change: BalanceChange


class StatementMovement(_Shape, frozen=True):
    """One movement."""

    entry_id: str
    occurred_at: Time
    date: Annotated[Day, Meta(description="In the statement's time zone.")]
    kind: Kind
    change: BalanceChange
    balance_after: Balance
    partner: Annotated[str | None, Meta(description="At whose place, as it is called now.")]
    lot_id: str | None
    transaction_id: str | None
    withdrawal_id: str | None


class Statement(_Shape, frozen=True):
    """A month of a wallet."""

    user_id: Identity
    month: Annotated[str, Meta(pattern=r"^\d{4}-\d{2}$")]
    time_zone: Annotated[str, Meta(description="IANA name: where the month begins and ends.")]
    begins_at: Time
    ends_at: Annotated[Time, Meta(description="The first moment that is not in it.")]
    provisional: Annotated[
        bool, Meta(description="It is not over yet, or just so: there may be more.")
    ]
    opening: Annotated[Balance, Meta(description="Equal to the month before's `closing`.")]
    closing: Balance
    movements: Annotated[int, Meta(ge=0, description="Of the whole month.")]
    totals: list[StatementTotal]
    items: Annotated[list[StatementMovement], Meta(description="A page of them, the oldest first.")]
    next_cursor: Annotated[str | None, Meta(description="For `cursor`; null on the last page.")]


class ProvenancePurchase(_Shape, frozen=True):
    """What earned the points."""

    transaction_id: str
    date: Day
    partner_id: str | None
    partner: str
    amount_cents: Cents
    currency: Currency


class LotUse(_Shape, frozen=True):
    """What became of some points of a lot."""

    kind: Annotated[
        Literal["withdrawn", "clawback", "netted", "expiry", "adjustment", "other"],
        Meta(description="`netted`: they paid what the wallet owed."),
    ]
    points: int
    withdrawal_id: Annotated[
        str | None,
        Meta(description="Where they were withdrawn; null: by more than are told one by one."),
    ]


class ProvenanceLot(_Shape, frozen=True):
    """Points that were earned together. What became of them and what is left are the whole lot."""

    lot_id: str
    origin: Literal["purchase", "adjustment"]
    reference: Annotated[str, Meta(description="Of the purchase or of the adjustment.")]
    earned_at: Time
    expires_at: Time | None
    points: Annotated[int, Meta(ge=1)]
    rate_bp: Count
    multiplier_bp: Count
    remaining: Count
    uses: list[LotUse]
    purchase: Annotated[
        ProvenancePurchase | None, Meta(description="null: none, or it is not kept any more.")
    ]


class ProvenancePart(_Shape, frozen=True):
    """Points of a withdrawal that are of one lot, and the cents that they are."""

    points: Annotated[int, Meta(ge=1)]
    gross_cents: Cents
    fee_cents: Annotated[Cents, Meta(description="Its part of the fee (docs/statements.md).")]
    net_cents: Cents
    first_cent: Annotated[
        int,
        Meta(
            ge=1,
            description="Of what is paid, counted from 1; its last is `firstCent + netCents - 1`.",
        ),
    ]
    lot: Annotated[
        ProvenanceLot | None,
        Meta(
            description="null: what the wallet did not have any more when it was blocked anew, and owes."
        ),
    ]


class Provenance(_Shape, frozen=True):
    """Where the money of a withdrawal comes from."""

    withdrawal_id: str
    status: str
    points: Annotated[int, Meta(ge=1)]
    traced_points: Annotated[
        int, Meta(ge=0, description="Those that it has now: all, or none when they went back.")
    ]
    gross_cents: Cents
    fee_cents: Cents
    net_cents: Cents
    currency: Currency
    items: Annotated[list[ProvenancePart], Meta(description="First in, first out.")]
    next_cursor: Annotated[str | None, Meta(description="For `cursor`; null on the last page.")]
