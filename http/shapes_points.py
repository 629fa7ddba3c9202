"""The bodies of adjustments as types (comptoir.http.shapes has the rule).

Source: interface.md 7 (rows b2); spec.md S47, E14.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from comptoir.http.shapes import Identity, Time

__all__ = ["POINTS_MAX", "Adjustment", "AdjustmentPage", "NewAdjustment"]

POINTS_MAX = 10**9


class _Shape(msgspec.Struct, frozen=True, rename="camel"):
    """camelCase outside (interface.md 1)."""


class NewAdjustment(_Shape, frozen=True, forbid_unknown_fields=True):
    """Points that somebody is to be given, or that are to be taken."""

    user_id: Identity
    points: Annotated[
        int, Meta(ge=-POINTS_MAX, le=POINTS_MAX, description="Given; negative: taken. Not 0.")
    ]
    reason: Annotated[str, Meta(min_length=1, max_length=256, description="Why, on one line.")]


class Adjustment(_Shape, frozen=True):
    """Points given or taken by hand, and how far it is."""

    adjustment_id: Annotated[str, Meta(pattern=r"^adj_[0-9a-f]{20}$")]
    approval_id: Annotated[str, Meta(description="Of the proposal; it may be rejected there.")]
    user_id: Identity
    points: int
    status: Annotated[
        Literal["pending", "approved", "applied", "refused", "rejected", "expired"],
        Meta(
            description="`approved`: the wallet has not done it yet. `refused`: fewer points were there when it "
            "was approved than were to be taken, and none were."
        ),
    ]
    reason: Annotated[
        str | None,
        Meta(
            description="null: it was decided by an earlier release, which kept it in the audit log alone."
        ),
    ]
    maker: Annotated[str, Meta(description="Who has asked for it.")]
    checker: Annotated[str | None, Meta(description="Who has decided it.")]
    created_at: Time
    decided_at: Annotated[Time | None, Meta(description="When the wallet has.")]


class AdjustmentPage(_Shape, frozen=True):
    """A page of adjustments, the newest first."""

    items: list[Adjustment]
    next_cursor: Annotated[str | None, Meta(description="For `cursor`; null on the last page.")]
