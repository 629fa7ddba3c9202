"""Requests per minute and address, in a bounded table."""

from hypothesis import given
from hypothesis import strategies as st

from comptoir.http import rates
from comptoir.http.rates import Rates


@given(st.integers(1, 200), st.lists(st.floats(0, 30), max_size=300))
def test_no_minute_has_more_than_twice_the_rate(per_minute: int, pauses: list[float]) -> None:
    """S62: a full bucket and what flows in during one minute is the most that any minute takes."""
    bucket = Rates(per_minute)
    now = 0.0
    taken: list[float] = []
    for pause in pauses:
        now += pause
        if bucket.take("a", now):
            taken.append(now)
    for start in taken:
        assert sum(start <= at < start + 60 for at in taken) <= 2 * per_minute + 1


def test_an_address_spends_its_own() -> None:
    """S62: what one address spends is not missing from another, and it comes back with time."""
    bucket = Rates(2)
    assert [bucket.take("a", 0.0) for _ in range(3)] == [True, True, False]
    assert bucket.take("b", 0.0)
    assert bucket.take("a", 30.0)
    assert not bucket.take("a", 30.0)


def test_none_is_no_bound_and_keeps_nothing() -> None:
    """interface.md 6: the default is no bound."""
    bucket = Rates(0)
    assert all(bucket.take(str(number), 0.0) for number in range(1000))
    assert repr(bucket) == "Rates(0/min, 0 addresses)"


def test_table_is_bounded() -> None:
    """design.md 5: nothing is unbounded; the address not heard of for longest is forgotten."""
    bucket = Rates(1)
    for number in range(rates.ADDRESSES_MAX + 10):
        assert bucket.take(str(number), 0.0)
    assert repr(bucket) == f"Rates(1/min, {rates.ADDRESSES_MAX} addresses)"
    assert not bucket.take(str(rates.ADDRESSES_MAX + 9), 0.0)
    assert bucket.take("0", 0.0)
