"""The bodies of reconciliation as types (comptoir.http.shapes has the rule).

Source: spec.md S46, S50, X26; docs/withdrawals.md.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from comptoir.http.shapes import Cents, Count, Currency, Date, Time

__all__ = ["ReconciliationPage"]


class _Shape(msgspec.Struct, frozen=True, rename="camel"):
    """camelCase outside (interface.md 1)."""


class PaymentTotal(_Shape, frozen=True):
    """Payments of one currency."""

    currency: Currency
    payments: Count
    cents: Cents


class PaymentDifference(_Shape, frozen=True):
    """One order, or one payment, that does not fit."""

    reference: Annotated[str, Meta(max_length=140)]
    kind: Annotated[
        Literal["missing_there", "missing_here", "doubled", "amount", "state"],
        Meta(description="The first that applies."),
    ]
    ours: Annotated[str | None, Meta(description="Our status of it; null: there is no order.")]
    theirs: Annotated[str | None, Meta(description="Theirs; null: there is no payment.")]
    our_cents: int | None
    their_cents: Annotated[int | None, Meta(description="Of all that they name so.")]


class Reconciliation(_Shape, frozen=True):
    """What we think was paid on one day, beside what is said of it."""

    source: Annotated[
        Literal["provider", "statement"],
        Meta(description="Whoever pays, or the bank's statements."),
    ]
    day: Annotated[Date, Meta(description="On which the orders left, in UTC.")]
    compared_at: Annotated[Time | None, Meta(description="Null: it never was.")]
    code: Annotated[
        str | None,
        Meta(description="Why it could not be compared the last time; what is shown is older."),
    ]
    ours: list[PaymentTotal]
    theirs: list[PaymentTotal]
    differences: Count
    rows: Annotated[list[PaymentDifference], Meta(description="The first hundred of them.")]


class ReconciliationPage(_Shape, frozen=True):
    """A page, the newest day first."""

    items: list[Reconciliation]
    next_cursor: Annotated[str | None, Meta(description="For `cursor`; null on the last page.")]
