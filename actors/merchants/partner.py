"""The values that matching is about: a partner, a purchase, and the answer.

Rule: plain frozen values with no reference to an actor; an absent text is empty, and a day is ISO
8601 text (YYYY-MM-DD), which compares as it is written.
Source: interface.md 4 (columns), S47, S56.
"""

import msgspec

__all__ = ["Match", "Partner", "Purchase"]


class Partner(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A merchant that gives cashback."""

    id: str
    """1-64 of `[A-Za-z0-9_-]`."""
    name: str
    rate_bp: int = 0
    """Cashback in basis points, 0-10000."""
    mcc: tuple[str, ...] = ()
    """ISO 18245 codes, four digits each; empty: any."""
    patterns: tuple[str, ...] = ()
    """Further names under which statements know it; not regular expressions."""
    valid_from: str = ""
    """First day of the agreement, inclusive; empty: no beginning."""
    valid_to: str = ""
    """Last day of the agreement, inclusive; empty: no end."""
    cap_cents_purchase: int | None = None
    """The part of one purchase that earns points, in cents; None: all of it."""
    cap_cents_month: int | None = None
    """The part of one user's purchases in a month that earns points, in cents; None: all."""
    city: str = ""


class Purchase(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is known of a card purchase when its merchant is looked for."""

    label: str
    """The card-statement label."""
    mcc: str = ""
    """ISO 18245 code, four digits, or empty."""
    city: str = ""
    on: str = ""
    """The day of the purchase, or empty."""


class Match(msgspec.Struct, frozen=True, gc=False):
    """The partner of a purchase, or None, and how the answer came about."""

    partner: Partner | None
    trace: tuple[str, ...]
    """Readable steps, in order; at most `catalogue.TRACE_STEPS_MAX`."""
    candidate: bool = False
    """Whether it looked like a partner's: matched, or a partner's first word begins the label, or a
    partner names its MCC. The denominator of the matching rate (X22)."""
