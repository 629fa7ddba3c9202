"""A purchase that is told anew, or taken back (E8): one document, and the points of what it is now."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.programme import DAY_MS, Programme
from comptoir.actors.wallet.messages import ClawBack, TakeBack
from comptoir.actors.wallet.points import points_for
from tests.actors.wallet.books import ME, RATE_BP, Wallet, anew, credit, opened

CENTS = st.integers(1, 1_000_000)


@pytest.fixture
async def wallet() -> AsyncIterator[Wallet]:
    """A wallet of the default programme."""
    async with opened() as made:
        yield made


async def test_booked_under_another_id(wallet: Wallet) -> None:
    """E8: the pending purchase has earned; the booked one is the same, seen under both ids."""
    await wallet.told(credit("p1", 10_000))
    state = await wallet.told(anew("b1", "p1", 10_000))
    assert (state.available, state.earned_total) == (333, 333)
    for identity in ("p1", "b1"):
        document = await wallet.found(identity)
        assert (document["status"], document["points"]) == ("credited", 333)
        assert document["transaction_id"] == identity
    assert len(await wallet.engine.journal.lots("u1")) == 1, "one lot"


async def test_booked_alone(wallet: Wallet) -> None:
    """E8: where no pending purchase was told, or it earned nothing, the booked one earns."""
    state = await wallet.told(anew("b1", "p1", 10_000))
    assert state.available == 333
    assert (await wallet.found("b1"))["points"] == 333
    assert (await wallet.told(anew("b1", "p1", 10_000))).available == 333


async def test_taken_back_by_its_last_id(wallet: Wallet) -> None:
    """E8, X24: that the pending one goes means nothing, however late it is told; that the booked one goes takes
    it all back, once.
    """
    booked = await wallet.told(credit("p1", 10_000), anew("b1", "p1", 10_000))
    assert await wallet.told(TakeBack("plaid", "p1")) == booked
    state = await wallet.told(
        TakeBack("plaid", "b1"), TakeBack("plaid", "p1"), TakeBack("plaid", "b1")
    )
    assert (state.available, state.shortfall, state.earned_total) == (0, 0, 0)
    assert (await wallet.found("p1"))["status"] == "refunded"
    assert (await wallet.found("b1"))["status"] == "refunded"


async def test_what_was_not_credited_is_not_waited_for(wallet: Wallet) -> None:
    """X23: of a transaction that earned nothing nothing is kept, also when it is taken back."""
    await wallet.engine.ask(ME, TakeBack("plaid", "nobody"))
    assert await wallet.engine.quiesce(5)
    assert wallet.tables.documents == {}


async def test_a_pending_one_that_vanished_and_came(wallet: Wallet) -> None:
    """E8: removed before its twin was told: the booked one earns anew."""
    state = await wallet.told(
        credit("p1", 10_000), TakeBack("plaid", "p1"), anew("b1", "p1", 12_000)
    )
    assert state.available == points_for(12_000, RATE_BP, 10_000, 1)
    state = await wallet.told(anew("p1", "p1", 10_000))
    assert state.available == points_for(12_000, RATE_BP, 10_000, 1), "what is gone stays gone"


async def test_removed_before_it_was_told(wallet: Wallet) -> None:
    """E7, ADR 0033: the word that it never happened came first, and is the later one: it earns nothing."""
    state = await wallet.told(
        anew("t1", "t1", 10_000, revision=2, removed=True), anew("t1", "t1", 10_000, revision=1)
    )
    assert (state.available, state.earned_total) == (0, 0)
    state = await wallet.told(anew("t1", "t1", 10_000, revision=3))
    assert state.available == 333, "told again, it did happen"


@given(st.lists(CENTS, min_size=1, max_size=6), st.booleans())
def test_it_earns_what_it_is_now(amounts: Sequence[int], twins: bool) -> None:
    """E8, X32: after any number of amounts the wallet holds the points of the last; taken back, none."""

    async def played() -> None:
        async with opened() as wallet:
            state = await wallet.told(credit("p0", amounts[0]))
            for number, cents in enumerate(amounts[1:], 1):
                state = await wallet.told(anew(f"p{number if twins else 0}", "p0", cents))
            assert state.available == points_for(amounts[-1], RATE_BP, 10_000, 1)
            assert state.earned_total == state.available
            last = f"p{len(amounts) - 1 if twins else 0}"
            if last != "p0":
                assert await wallet.told(TakeBack("plaid", "p0")) == state, "it has another id now"
            state = await wallet.told(TakeBack("plaid", last))
            assert (state.available, state.shortfall, state.earned_total) == (0, 0, 0)

    trio.run(played)


@pytest.mark.parametrize(("refund", "held"), [(4_000, 6_000), (10_000, 0)])
async def test_a_refund_before_it_is_booked(wallet: Wallet, refund: int, held: int) -> None:
    """X24: what came back stays back, whatever the amount becomes."""
    await wallet.told(credit("p1", 10_000), ClawBack("plaid", "r1", "p1", "", refund))
    state = await wallet.told(anew("b1", "p1", 20_000))
    assert state.available == points_for(20_000 - refund, RATE_BP, 10_000, 1)
    assert (await wallet.found("b1"))["status"] == (await wallet.found("p1"))["status"]
    state = await wallet.told(anew("b1", "p1", 10_000))
    assert state.available == points_for(held, RATE_BP, 10_000, 1)


async def test_less_than_was_spent(wallet: Wallet) -> None:
    """E7: what is not there any more is owed, never a balance below nought."""
    await wallet.told(credit("p1", 100_000), credit("x", 1))
    spent = ClawBack("plaid", "r1", "x", "", 1)
    state = await wallet.told(spent, TakeBack("plaid", "p1"), anew("b2", "p2", 1_000))
    assert state.available == 33
    assert state.shortfall == 0


async def test_while_it_is_held() -> None:
    """X24: with a hold, more and less are of what is pending, and end with it."""
    async with opened(Programme(hold_ms=DAY_MS)) as wallet:
        await wallet.told(credit("p1", 10_000))
        state = await wallet.told(anew("b1", "p1", 20_000))
        assert (state.pending, state.available) == (666, 0)
        state = await wallet.told(anew("b1", "p1", 5_000))
        assert (state.pending, state.available) == (166, 0)
        await wallet.engine.advance_clock(86_400)
        state = await wallet.told(anew("b1", "p1", 5_000))
        assert (state.pending, state.available) == (0, 166)


async def test_within_its_month() -> None:
    """S47: a corrected amount uses the partner's month once."""
    async with opened() as wallet:
        capped: dict[str, Any] = {"month": "2026-11", "cap_cents_month": 15_000}
        await wallet.told(credit("p1", 10_000, **capped))
        state = await wallet.told(anew("b1", "p1", 20_000, **capped))
        assert state.available == points_for(15_000, RATE_BP, 10_000, 1)
        assert dict(state.capped) == {"p:2026-11": 15_000}
        state = await wallet.told(anew("b1", "p1", 1_000, **capped), credit("p2", 20_000, **capped))
        assert dict(state.capped) == {"p:2026-11": 15_000}
        assert state.available == sum(
            points_for(cents, RATE_BP, 10_000, 1) for cents in (1_000, 14_000)
        )
