"""Points as numbers: actors/wallet/points.py."""

import random
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.wallet.points import (
    Allocation,
    Insufficient,
    Lot,
    LotDebit,
    Tier,
    allocate,
    instant_ms,
    instant_ns,
    points_for,
    tier_for,
)

cents = st.integers(0, 9_999_999_999)
instants = st.integers(0, 20)
lots = st.lists(
    st.builds(
        Lot,
        id=st.text("abc", min_size=1, max_size=3),
        earned_at=instants,
        points=st.integers(0, 50),
        expires_at=st.none() | instants,
    ),
    max_size=8,
    unique_by=lambda lot: lot.id,
)


@given(cents, st.integers(0, 10_000), st.integers(0, 50_000), st.integers(1, 100))
def test_points_are_rounded_down_once(amount: int, rate: int, multiplier: int, value: int) -> None:
    """X32, interface.md 1: the exact fraction, floored at the very end."""
    exact = Fraction(amount) * Fraction(rate, 10_000) * Fraction(multiplier, 10_000) / value
    assert points_for(amount, rate, multiplier, value) == exact.__floor__()


def test_points_of_known_purchases() -> None:
    """X21, X32: 100.00 EUR at 9.5 % is 950 points; two floors would lose a point of the second."""
    assert points_for(10_000, 950, 10_000, 1) == 950
    assert points_for(199, 150, 15_000, 1) == 4
    assert points_for(1, 9_999, 10_000, 1) == 0


@pytest.mark.parametrize("bad", [(-1, 1, 1, 1), (1, -1, 1, 1), (1, 1, -1, 1), (1, 1, 1, 0)])
def test_points_refuse_nonsense(bad: tuple[int, int, int, int]) -> None:
    """interface.md 1: nothing negative, and a point is worth something."""
    with pytest.raises(ValueError, match="at least"):
        points_for(*bad)


@given(lots, st.integers(0, 300), instants)
def test_a_debit_is_first_in_first_out(given_lots: list[Lot], debit: int, now: int) -> None:
    """S47, X24: the parts sum to the debit, oldest first, each lot emptied before the next."""
    alive = [lot for lot in given_lots if lot.expires_at is None or lot.expires_at > now]
    available = sum(lot.points for lot in alive)
    result = allocate(given_lots, debit, now)
    if isinstance(result, Insufficient):
        assert (result.available, result.shortfall) == (available, debit - available)
        assert debit > available
        return
    assert sum(part.points for part in result.allocations) == debit
    assert result.remaining == available - debit
    # The oracle: every single point in its order, and the first `debit` of them.
    ordered = sorted(alive, key=lambda lot: (lot.earned_at, lot.id))
    points = [lot.id for lot in ordered for _ in range(lot.points)][:debit]
    assert [part.lot for part in result.allocations for _ in range(part.points)] == points
    assert all(part.points > 0 for part in result.allocations)


@given(lots, st.integers(0, 300), instants, st.randoms(use_true_random=False))
def test_the_order_of_lots_changes_nothing(
    given_lots: list[Lot], debit: int, now: int, chance: random.Random
) -> None:
    """S47: which lot pays is a function of the lots, not of their order in memory."""
    shuffled = given_lots[:]
    chance.shuffle(shuffled)
    assert allocate(shuffled, debit, now) == allocate(given_lots, debit, now)


def test_a_lot_expires_at_its_instant() -> None:
    """X24: `expires_at` is the first instant at which the lot is worth nothing."""
    lot = Lot("a", 0, 5, expires_at=10)
    assert allocate([lot], 5, 9) == Allocation((LotDebit("a", 5),), 0)
    assert allocate([lot], 5, 10) == Insufficient(0, 5)


def test_negative_debits_and_lots_are_refused() -> None:
    """Points never grow by spending."""
    with pytest.raises(ValueError, match="at least 0"):
        allocate([], -1, 0)
    with pytest.raises(ValueError, match="at least 0"):
        allocate([Lot("a", 0, -1)], 0, 0)


TIERS = (Tier("gold", "Or", 5000, 15_000), Tier("base", "Base", 0), Tier("silver", "Argent", 1000))


@pytest.mark.parametrize(
    ("total", "tier", "above", "missing"),
    [
        (0, "base", "silver", 1000),
        (999, "base", "silver", 1),
        (1000, "silver", "gold", 4000),
        (5000, "gold", None, 0),
        (10**12, "gold", None, 0),
    ],
)
def test_tiers(total: int, tier: str, above: str | None, missing: int) -> None:
    """S47: the tier reached, the next one, and the points missing to it."""
    standing = tier_for(total, TIERS)
    assert standing.tier.id == tier
    assert (standing.next.id if standing.next else None) == above
    assert standing.missing_points == missing


@pytest.mark.parametrize(
    ("total", "tiers"),
    [(-1, TIERS), (0, ()), (5, TIERS[:1]), (5, (Tier("a", "A", 0), Tier("b", "B", 0)))],
)
def test_tiers_refuse_nonsense(total: int, tiers: tuple[Tier, ...]) -> None:
    """S47: every number of points from zero has exactly one tier."""
    with pytest.raises(ValueError, match="minima"):
        tier_for(total, tiers)


@given(
    st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1)),  # noqa: DTZ001
    st.integers(-23 * 60, 23 * 60),
)
def test_times_are_exact_to_the_microsecond(moment: datetime, minutes: int) -> None:
    """RFC 3339: against Python's own arithmetic, in any zone."""
    zoned = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    expected = (zoned - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert instant_ns(zoned.isoformat()) == expected * 1000
    assert instant_ms(zoned.isoformat()) == expected // 1000


def test_times_of_rfc_3339() -> None:
    """RFC 3339, 5.8: its own examples."""
    assert instant_ms("1985-04-12T23:20:50.52Z") == 482_196_050_520
    assert instant_ms("1996-12-19T16:39:57-08:00") == instant_ms("1996-12-20T00:39:57Z")
    assert instant_ms("1990-12-31T23:59:60Z") == instant_ms("1991-01-01T00:00:00Z")
    assert instant_ms("1937-01-01T12:00:27.87+00:20") == instant_ms("1937-01-01t11:40:27.870z")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2025-01-01",
        "2025-01-01T00:00:00",
        "2025-01-01 00:00:00Z",
        "2025-02-30T00:00:00Z",
        "2025-01-01T24:00:00Z",
        "2025-01-01T00:60:00Z",
        "2025-01-01T00:00:61Z",
        "2025-01-01T00:00:00+24:00",
        "2025-01-01T00:00:00+00:60",
        "2025-01-01T00:00:00Z\n",
        "٢٠٢٥-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
    ],
)
def test_what_is_not_a_time(text: str) -> None:
    """RFC 3339: form, zone, and a moment that exists."""
    with pytest.raises(ValueError, match="RFC 3339"):
        instant_ns(text)
