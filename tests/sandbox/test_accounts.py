"""Points counted from outside, against a plain recount."""

from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from comptoir.sandbox.runs.accounts import Account, Transaction, points_of


@given(st.data(), st.lists(st.integers(0, 10_000), min_size=1, max_size=20))
def test_order_and_repeats_do_not_count(data: st.DataObject, points: list[int]) -> None:
    """interface.md 6: a refund takes back its purchase in either order; a repeat changes nothing."""
    purchases = [Transaction(n, f"user_{n % 3}", worth) for n, worth in enumerate(points)]
    refunded = data.draw(st.sets(st.sampled_from(purchases)))
    refunds = [
        Transaction(len(points) + n, purchase.user_id, 0, purchase)
        for n, purchase in enumerate(sorted(refunded, key=lambda found: found.index))
    ]
    taken = data.draw(st.lists(st.sampled_from([*purchases, *refunds]), max_size=60))
    account = Account(len(purchases) + len(refunds))
    for transaction in taken:
        account.take(transaction)
    back = {found.refunds.index for found in taken if found.refunds is not None}
    wanted = sum(found.points for found in set(taken) if found.index not in back)
    document = account.document()
    by_user = cast("dict[str, int]", document["byUser"])
    assert document["points"] == wanted == sum(by_user.values())
    assert all(worth >= 0 for worth in by_user.values())


@given(st.integers(1, 10**10), st.integers(0, 10_000), st.integers(1, 1000))
def test_one_floor(cents: int, rate_bp: int, value_cents: int) -> None:
    """X32: points are the floor of the exact quotient, taken once."""
    points = points_of(cents, rate_bp, value_cents)
    assert points * 10_000 * value_cents <= cents * rate_bp < (points + 1) * 10_000 * value_cents
