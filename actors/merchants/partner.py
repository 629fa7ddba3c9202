"""The values that matching is about: a partner, a purchase, and the answer.

Rule: plain frozen values with no reference to an actor; an absent text is empty, and a day is ISO
8601 text (YYYY-MM-DD), which compares as it is written. What a partner was before stands in it, period by
period, so that a purchase takes the names, guards and rate of its own day.
Source: interface.md 4 (columns), S47, S56; docs/matching.md; adr/0035.
"""

from datetime import date, timedelta
from typing import Final

import msgspec

__all__ = ["PERIODS_MAX", "Match", "Partner", "Purchase", "Store", "followed"]

PERIODS_MAX: Final = 120
"""Of one partner: ten years of a new rate each month. A word that would make more is refused."""


class Store(msgspec.Struct, frozen=True, gc=False):
    """A shop that statements do not call by the partner's name: a franchise under its owner's, say."""

    name: str
    city: str = ""
    """Where given, the purchase must be there: owners' names are common."""


class Partner(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A merchant that gives cashback, as it is in its newest period."""

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
    trade_names: tuple[str, ...] = ()
    """Names over its doors. They match as `name` and `patterns` do; people may be shown them."""
    stores: tuple[Store, ...] = ()
    excludes: tuple[str, ...] = ()
    """Names of others that begin like one of its own: a label that has one of them is not its own."""
    country: str = ""
    """ISO 3166 alpha-2; where given, a purchase that is told to be elsewhere is not its own."""
    common_name: bool = False
    """Its name is a word or a person's name as well: what follows it must look like a shop (tails.py)."""
    earlier: tuple["Partner", ...] = ()
    """What it was before `valid_from`: periods in order, each with its last day, none with any of its own."""

    def on(self, day: str) -> "Partner":
        """As it was on a day: the last period that had begun; before the first one, that. No day: as it is."""
        if not day or not self.earlier or day >= self.valid_from:
            return self
        begun = [one for one in self.earlier if one.valid_from <= day]
        return begun[-1] if begun else self.earlier[0]

    def periods(self) -> tuple["Partner", ...]:
        """Every period, oldest first, each alone."""
        return (*self.earlier, msgspec.structs.replace(self, earlier=()))


def followed(before: Partner, given: Partner) -> Partner:
    """What a partner is after a new word about it: from its first day on it is so, and before it is as it was. A
    word without a first day is so for every day.
    """
    if not given.valid_from:
        return given
    kept = [one for one in before.periods() if one.valid_from < given.valid_from]
    if kept:
        eve = (date.fromisoformat(given.valid_from) - timedelta(days=1)).isoformat()
        last = kept[-1]
        ends = min(last.valid_to or eve, eve)
        kept[-1] = msgspec.structs.replace(last, valid_to=ends)
    return msgspec.structs.replace(given, earlier=tuple(kept))


class Purchase(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is known of a card purchase when its merchant is looked for."""

    label: str
    """The card-statement label."""
    mcc: str = ""
    """ISO 18245 code, four digits, or empty."""
    city: str = ""
    on: str = ""
    """The day of the purchase, or empty."""
    country: str = ""
    """ISO 3166 alpha-2, or empty; anything else is taken for nothing said."""


class Match(msgspec.Struct, frozen=True, gc=False):
    """The partner of a purchase, or None, and how the answer came about."""

    partner: Partner | None
    """As it was on the purchase's day."""
    trace: tuple[str, ...]
    """Readable steps, in order; at most `catalogue.TRACE_STEPS_MAX`."""
    candidate: bool = False
    """Whether it looked like a partner's: matched, or a partner's first word begins the label, or a
    partner names its MCC. The denominator of the matching rate (X22)."""
    tie: bool = False
    """Whether it is nobody's because two partners have an equal claim."""
