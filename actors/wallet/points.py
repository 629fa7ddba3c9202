"""Points as numbers: how many a purchase earns, which lots a debit takes, which tier it reaches.

Rule: integers only. Points are rounded down once, at the very end; a debit takes the oldest lots
first, never an expired one, and never more than there is.
Source: interface.md 1 and X32 (rounding), S47 and X24 (first in, first out), S47 and S74 (tiers),
RFC 3339 (times).
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from comptoir.actors.programme import Tier

__all__ = [
    "Allocation",
    "Insufficient",
    "Lot",
    "LotDebit",
    "Standing",
    "Tier",
    "allocate",
    "instant_ms",
    "instant_ns",
    "points_for",
    "tier_for",
    "tier_reached",
]

BASIS_POINTS: Final = 10_000
"""Basis points in the whole."""


def points_for(amount_cents: int, rate_bp: int, multiplier_bp: int, value_cents: int) -> int:
    """Points that a purchase earns, rounded down once at the very end.

    Args:
        amount_cents: the purchase, >= 0.
        rate_bp: the partner's rate, 0-10000.
        multiplier_bp: the tier's multiplier, >= 0; 10000 changes nothing.
        value_cents: what one point is worth, >= 1.

    Raises:
        ValueError: an argument out of its range.

    Source: interface.md 1.
    """
    if min(amount_cents, rate_bp, multiplier_bp) < 0 or value_cents < 1:
        raise ValueError("amount, rate and multiplier are at least 0, the point's value at least 1")
    return amount_cents * rate_bp * multiplier_bp // (BASIS_POINTS * BASIS_POINTS * value_cents)


class Lot(msgspec.Struct, frozen=True, gc=False):
    """Points earned together. Instants are integers of one unit; the daemon's is the millisecond."""

    id: str
    earned_at: int
    points: int
    """What is left of the lot, >= 0."""
    expires_at: int | None = None
    """From this instant on the lot is worth nothing; None: never."""


class LotDebit(msgspec.Struct, frozen=True, gc=False):
    """Points taken from one lot, > 0."""

    lot: str
    points: int


class Allocation(msgspec.Struct, frozen=True):
    """What a debit takes from which lot, oldest first."""

    allocations: tuple[LotDebit, ...]
    remaining: int
    """Points still available after the debit, expired lots not counted."""


class Insufficient(msgspec.Struct, frozen=True):
    """A debit that asks for more than there is, and takes nothing."""

    available: int
    """Points in lots that have not expired."""
    shortfall: int
    """Points missing, > 0."""


def allocate(lots: Iterable[Lot], debit: int, now: int) -> Allocation | Insufficient:
    """Spend points first in, first out: by `earned_at`, ties by id; expired lots are skipped.

    Args:
        lots: in any order, ids distinct.
        debit: points to take, >= 0.
        now: the instant of the debit; a lot with `expires_at <= now` has expired.

    Returns:
        The allocation, whose parts sum to the debit, or `Insufficient`, which takes nothing.

    Raises:
        ValueError: a negative debit or lot.
    """
    alive = [lot for lot in lots if lot.expires_at is None or lot.expires_at > now]
    if debit < 0 or any(lot.points < 0 for lot in alive):
        raise ValueError("a debit and a lot are at least 0")
    alive.sort(key=lambda lot: (lot.earned_at, lot.id))
    available = sum(lot.points for lot in alive)
    if debit > available:
        return Insufficient(available, debit - available)
    taken: list[LotDebit] = []
    missing = debit
    for lot in alive:
        part = min(lot.points, missing)
        if part:
            taken.append(LotDebit(lot.id, part))
            missing -= part
        if not missing:
            break
    assert missing == 0, "the available points cover the debit"
    return Allocation(tuple(taken), available - debit)


class Standing(msgspec.Struct, frozen=True):
    """Where a number of points stands among the tiers."""

    tier: Tier
    next: Tier | None
    """The tier above, or None at the top."""
    missing_points: int
    """Points missing to `next`; 0 at the top."""


def tier_for(total_points: int, tiers: Sequence[Tier]) -> Standing:
    """The highest tier that the points reach, and what the next one asks.

    Args:
        total_points: points that count towards tiers, >= 0.
        tiers: in any order, minima distinct, one of them 0.

    Raises:
        ValueError: negative points, no tier for zero points, or two tiers with one minimum.
    """
    ranked = sorted(tiers, key=lambda tier: tier.minimum_points)
    minima = [tier.minimum_points for tier in ranked]
    if total_points < 0 or not minima or minima[0] != 0 or len(set(minima)) != len(minima):
        raise ValueError("tiers have distinct minima, the lowest is 0, and points are at least 0")
    reached = sum(minimum <= total_points for minimum in minima)
    above = ranked[reached] if reached < len(ranked) else None
    missing = above.minimum_points - total_points if above else 0
    return Standing(ranked[reached - 1], above, missing)


def tier_reached(total_points: int, tiers: Sequence[Tier]) -> Tier:
    """The highest tier that the points reach, for tiers that are in order already.

    Args:
        total_points: as for `tier_for`.
        tiers: ascending, the first at 0, as the programme has them.
    """
    reached = tiers[0]
    for tier in tiers:
        if tier.minimum_points > total_points:
            break
        reached = tier
    return reached


_RFC3339: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d):(\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LEAP_SECOND: Final = "60"


def instant_ns(text: str) -> int:
    """Read an RFC 3339 date-time as nanoseconds since 1970, exact to its ninth decimal.

    A leap second (`:60`) is the first instant of the next minute.

    Raises:
        ValueError: another form, no zone, or no such day, time or zone.
    """
    form = _RFC3339.fullmatch(text)
    if form is None:
        raise ValueError("not an RFC 3339 time with a zone")
    day, minute, second, fraction, zone = form.groups(default="")
    if zone in "Zz":
        zone = "+00:00"
    if zone[1:3] > "23" or zone[4:] > "59" or second > _LEAP_SECOND:
        raise ValueError("not an RFC 3339 time: no such zone or second")
    try:
        start = datetime.fromisoformat(f"{day}T{minute}:00+00:00")
    except ValueError:
        raise ValueError("not an RFC 3339 time: no such day or time") from None
    ahead = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:]))
    seconds = (start - _EPOCH) // timedelta(seconds=1) + int(second)
    seconds -= (ahead if zone[0] == "+" else -ahead) // timedelta(seconds=1)
    return seconds * 1_000_000_000 + int(fraction.ljust(9, "0"))


def instant_ms(text: str) -> int:
    """Read an RFC 3339 date-time as whole milliseconds since 1970, rounded down.

    Raises:
        ValueError: as `instant_ns`.
    """
    return instant_ns(text) // 1_000_000
