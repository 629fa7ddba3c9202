"""The bodies of the partner base and of the pages of problems as types (comptoir.http.shapes has the rule).

Source: interface.md 1, 4, 5 and 7.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from comptoir.http.shapes import Count, Date, Time, UserAction

__all__ = ["Partner", "PartnerChangePage", "PartnerFields", "PartnerPage", "ProblemPage"]

Rate = Annotated[int, Meta(ge=0, le=10_000, description="Cashback in basis points.")]
Cents = Annotated[int, Meta(ge=0, le=9_999_999_999)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]


class _Shape(msgspec.Struct, frozen=True, rename="camel"):
    """camelCase outside (interface.md 1)."""


class Store(_Shape, frozen=True, forbid_unknown_fields=True):
    """A shop that statements call otherwise, such as by its owner's name."""

    name: Name
    city: Annotated[Name | None, Meta(description="Where given, the purchase must be there.")] = (
        None
    )


Names = Annotated[list[str], Meta(description="Names on statements.")]
Country = Annotated[str, Meta(pattern=r"^[A-Z]{2}$", description="ISO 3166; none: any.")]


class PartnerFields(_Shape, frozen=True, forbid_unknown_fields=True):
    """A partner, but for its id, which is the path's."""

    name: Name
    rate_bp: Rate
    id: str | None = None
    mcc: Annotated[list[str], Meta(description="ISO 18245; none: any.")] = msgspec.field(
        default_factory=list[str]
    )
    patterns: Annotated[list[str], Meta(description="Further names on statements.")] = (
        msgspec.field(default_factory=list[str])
    )
    valid_from: Date | None = None
    valid_to: Date | None = None
    cap_cents_purchase: Cents | None = None
    cap_cents_month: Cents | None = None
    city: Name | None = None
    trade_names: Names = msgspec.field(default_factory=list[str])
    stores: list[Store] = msgspec.field(default_factory=list[Store])
    excludes: Annotated[list[str], Meta(description="Names of others that begin like its own.")] = (
        msgspec.field(default_factory=list[str])
    )
    country: Country | None = None
    common_name: Annotated[
        bool,
        Meta(description="Its name is a word or a person's as well: what follows must be a place."),
    ] = False


class Partner(_Shape, frozen=True):
    """A partner."""

    id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    name: str
    rate_bp: Rate
    mcc: list[str]
    patterns: list[str]
    valid_from: Date | None
    valid_to: Date | None
    cap_cents_purchase: Cents | None
    cap_cents_month: Cents | None
    city: str | None
    trade_names: list[str] | msgspec.UnsetType = msgspec.UNSET
    stores: list[Store] | msgspec.UnsetType = msgspec.UNSET
    excludes: list[str] | msgspec.UnsetType = msgspec.UNSET
    country: Country | msgspec.UnsetType = msgspec.UNSET
    common_name: bool | msgspec.UnsetType = msgspec.UNSET


class Period(_Shape, frozen=True):
    """What held before, for purchases of those days."""

    valid_from: Date | None
    valid_to: Date | None
    rate_bp: Rate
    cap_cents_purchase: Cents | None
    cap_cents_month: Cents | None


class PartnerChange(_Shape, frozen=True):
    """What a partner was from one word about it to the next."""

    version: Annotated[Count, Meta(description="Of the partner base, by this word.")]
    at: Annotated[Time | None, Meta(description="Null: before such times were kept.")]
    maker: Annotated[str | None, Meta(description="Who said so; null: a file, on the machine.")]
    partner: Partner
    periods: Annotated[list[Period], Meta(description="Before `partner.validFrom`, oldest first.")]


class PartnerChangePage(_Shape, frozen=True):
    """A page of a partner's history, the newest first."""

    items: list[PartnerChange]
    next_cursor: Annotated[str | None, Meta(description="For `cursor`; null on the last page.")]


class PartnerPage(_Shape, frozen=True):
    """A page of the partner base, in the order of ids."""

    items: list[Partner]
    next_cursor: Annotated[str | None, Meta(description="For `cursor`; null on the last page.")]


class ProblemPage(_Shape, frozen=True):
    """What a code means, and what to do."""

    code: str
    title: str
    status: int
    detail: str
    user_action: UserAction
    retryable: bool
