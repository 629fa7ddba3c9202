"""Points that end: one rule at a time, by the machine and its look-ups (docs/points.md; kept.py)."""

from typing import Any

import pytest

from comptoir.actors.programme import DAY_MS, Programme, Tier
from comptoir.actors.wallet.expiring import ENDED_MAX
from comptoir.actors.wallet.lots import EXPIRY, end_of_lot
from comptoir.actors.wallet.messages import (
    AVAILABLE,
    AdjustPoints,
    ClawBack,
    Credit,
    DescribeAdjustment,
    HoldPoints,
    MovePoints,
    ProposeAdjustment,
    ReleasePoints,
    Restate,
)
from comptoir.actors.wallet.standing import points_counted
from comptoir.actors.wallet.state import (
    AdjustmentRefused,
    ExpiryAnnounced,
    PointsAdjusted,
    PointsExpired,
    TierLost,
    TierReached,
)
from comptoir.actors.withdrawal.messages import Order
from comptoir.engine import Event, Refusal
from tests.actors.wallet.kept import USER, Kept

DAWN = 20_000 * DAY_MS + DAY_MS // 2
"""A noon."""
NEW_YEARS_EVE = 20_818 * DAY_MS
"""2026-12-31."""
LOT = 60
TWO_TIERS = (Tier("base", "Base", 0), Tier("gold", "Gold", 1000, 20_000))


def keep(now: int = DAWN, order: str = "on_time", **rules: Any) -> tuple[Kept, list[Event]]:
    """A wallet whose points end after 60 days, and what happens to it."""
    told: dict[str, Any] = {"lot_ms": LOT * DAY_MS, "withdrawal_minimum": 1, **rules}
    kept, heard = Kept(Programme(**told), now, order), list[Event]()
    kept.heard = heard.append
    return kept, heard


def buy(kept: Kept, name: str, points: int) -> None:
    """A purchase that earns so many, at ten per cent."""
    kept.tables.kept["transaction", f"seed:{name}"] = {
        "user_id": USER, "transaction_id": name, "amount_cents": points * 10,
        "date": "2026-11-21", "status": "received",
    }  # fmt: skip
    kept.tell(Credit("seed", name, "p", points * 10, points * 10, 1000, "tag"))


def withdraw(kept: Kept, name: str, points: int) -> Refusal | None:
    """Points are blocked."""
    order = Order(USER, points, 1, points, 0, points, "EUR", "FR", "A", "R", 0)
    return kept.tell(HoldPoints(name, order))


def days(kept: Kept, number: float) -> None:
    """So many days go by."""
    kept.pass_time(kept.now + int(number * DAY_MS))


def test_a_lot_is_good_until_the_end_of_its_day() -> None:
    """S74, E7: from noon, 60 days, and the rest of that day; for ever where nothing is said."""
    rules = Programme(lot_ms=LOT * DAY_MS)
    assert end_of_lot(rules, DAWN) == 20_061 * DAY_MS
    assert end_of_lot(rules, 20_000 * DAY_MS) == 20_060 * DAY_MS, "a midnight is a day's end itself"
    assert end_of_lot(Programme(), DAWN) is None
    kept, _ = keep()
    buy(kept, "p1", 100)
    days(kept, LOT + 0.49)
    assert kept.state.available == 100
    days(kept, 0.01)
    assert (kept.state.available, kept.accounts["expired:"]) == (0, 100)


def test_what_is_held_has_its_days_from_its_release_on() -> None:
    """X24, E7: pending points do not expire."""
    kept, _ = keep(hold_ms=90 * DAY_MS)
    buy(kept, "p1", 100)
    days(kept, 89)
    assert kept.state.pending == 100
    days(kept, 1 + LOT)
    assert kept.state.available == 100
    days(kept, 1)
    assert (kept.state.available, kept.state.pending) == (0, 0)


def test_points_for_ever_set_no_timer() -> None:
    """S74: without an end there is nothing to look at."""
    kept, _ = keep(lot_ms=0)
    buy(kept, "p1", 100)
    assert (kept.timers, kept.state.expiry_at) == ({}, 0)


def test_a_wallet_has_one_timer_for_all_its_lots() -> None:
    """E7: another credit costs a comparison; the timer is for the next thing to do of any."""
    kept, _ = keep()
    buy(kept, "p1", 100)
    at = kept.timers[EXPIRY]
    days(kept, 3)
    buy(kept, "p2", 100)
    assert [*kept.timers.values()] == [at]
    assert kept.state.expiry_at == at[0]


def test_many_lots_end_in_several_decisions() -> None:
    """E7: none takes more than its bound, all of them end, and each once."""
    kept, heard = keep(warning_ms=())
    many = 2 * ENDED_MAX + 7
    for number in range(many):
        buy(kept, f"p{number}", 1)
    days(kept, LOT + 1)
    ended = [event for event in heard if isinstance(event, PointsExpired)]
    assert [event.lots for event in ended] == [ENDED_MAX, ENDED_MAX, 7]
    assert kept.accounts["expired:"] == many
    kept.check()


def test_a_warning_is_of_what_is_left_and_comes_once() -> None:
    """S74: 30 and 7 days before; what was spent in between is not in it, and of nothing nothing is said."""
    kept, heard = keep()
    buy(kept, "p1", 100)
    days(kept, 10)
    buy(kept, "p2", 25)
    days(kept, 31)
    withdraw(kept, "wd_1", 60)
    days(kept, 24)
    told = [event.points for event in heard if isinstance(event, ExpiryAnnounced)]
    assert told == [100, 25, 40, 25]
    other, heard = keep()
    buy(other, "p1", 100)
    withdraw(other, "wd_1", 100)
    days(other, 60)
    assert not [event for event in heard if isinstance(event, ExpiryAnnounced)]


def test_a_release_that_is_later_than_the_end_expires_what_it_releases() -> None:
    """X24, E7: its timer was a dead letter; nobody else's points are taken for it meanwhile."""
    kept, _ = keep(hold_ms=10 * DAY_MS)
    buy(kept, "p1", 100)
    (lost,) = [name for name in kept.timers if name.startswith("release:")]
    letter = kept.timers.pop(lost)[2]
    assert isinstance(letter, ReleasePoints)
    days(kept, 20)
    buy(kept, "p2", 50)
    days(kept, LOT + 1)
    assert (kept.state.available, kept.state.pending, kept.accounts.get("expired:", 0)) == (
        50,
        100,
        0,
    )
    kept.tell(letter)
    assert (kept.state.available, kept.state.pending, kept.accounts["expired:"]) == (50, 0, 100)
    kept.check()


def test_timers_in_the_order_in_which_they_were_set_release_first() -> None:
    """X24, E7: after a restart the end of one lot is told before the release of another that is due as well."""
    kept, _ = keep(order="restart", hold_ms=10 * DAY_MS, warning_ms=())
    buy(kept, "p1", 100)
    days(kept, 30)
    buy(kept, "p2", 50)
    kept.pass_time(kept.now + 200 * DAY_MS)
    assert (kept.state.available, kept.state.pending, kept.accounts["expired:"]) == (0, 0, 150)
    kept.check()


def test_what_expires_pays_what_is_owed_first() -> None:
    """E7: a debt that came while the points could not be reached is netted by them, not left."""
    kept, _ = keep(warning_ms=())
    buy(kept, "p1", 100)
    withdraw(kept, "wd_1", 100)
    days(kept, 70)
    kept.tell(ClawBack("seed", "r1", "p1", "", 300))
    assert (kept.state.blocked, kept.state.shortfall) == (100, 30)
    kept.tell(MovePoints("wd_1", AVAILABLE, cancelled=True))
    assert (kept.state.available, kept.state.shortfall) == (70, 0)
    kept.check()


def test_the_debt_of_a_hold_that_was_paid_meanwhile_comes_back() -> None:
    """E7, X26: blocked anew after they were spent, paid by what was earned since, and not needed after all."""
    kept, _ = keep()
    buy(kept, "p1", 100)
    withdraw(kept, "wd_1", 100)
    kept.tell(MovePoints("wd_1", AVAILABLE))
    withdraw(kept, "wd_2", 100)
    kept.tell(MovePoints("wd_2", "paid"))
    kept.tell(MovePoints("wd_1", "blocked"))
    assert (kept.state.blocked, kept.state.shortfall) == (100, 100)
    buy(kept, "p2", 40)
    assert (kept.state.available, kept.state.shortfall) == (0, 60)
    kept.tell(MovePoints("wd_1", AVAILABLE))
    assert (kept.state.available, kept.state.blocked, kept.state.shortfall) == (40, 0, 0)
    kept.check()


def test_points_that_come_back_keep_their_place_and_gain_time() -> None:
    """S47, S50, E7: of the same purchase, before whatever was earned since, good for the grace; what has a
    longer time has it still.
    """
    kept, _ = keep(grace_ms=30 * DAY_MS)
    buy(kept, "p1", 100)
    days(kept, 50)
    buy(kept, "p2", 100)
    withdraw(kept, "wd_1", 150)
    days(kept, 15)
    kept.tell(MovePoints("wd_1", AVAILABLE))
    lots = kept.tables.opened()
    assert [(lot.source, lot.remaining) for lot in lots] == [("p1", 100), ("p2", 100)]
    day = kept.now // DAY_MS
    assert [(lot.expires_at or 0) // DAY_MS - day for lot in lots] == [31, 46]
    days(kept, 32)
    assert kept.state.available == 100


@pytest.mark.parametrize(("cancelled", "left"), [(True, 0), (False, 100)])
def test_who_cancels_gains_no_time(cancelled: bool, left: int) -> None:
    """S50, E7: blocked half a day before their end, they have half a day when it is cancelled."""
    kept, _ = keep(grace_ms=30 * DAY_MS)
    buy(kept, "p1", 100)
    days(kept, LOT)
    withdraw(kept, "wd_1", 100)
    days(kept, 5)
    kept.tell(MovePoints("wd_1", AVAILABLE, cancelled=cancelled))
    days(kept, 1)
    assert kept.state.available == left
    kept.check()


def test_a_refund_counts_what_expired_first_and_once() -> None:
    """X24, E7: of 100 points 60 expired. Two refunds take 40 from others in all, and owe nothing."""
    kept, _ = keep()
    buy(kept, "p1", 100)
    withdraw(kept, "wd_1", 40)
    kept.tell(MovePoints("wd_1", "paid"))
    days(kept, 30)
    buy(kept, "p2", 100)
    days(kept, 40)
    kept.tell(ClawBack("seed", "r1", "p1", "", 500))
    assert kept.state.available == 100
    kept.tell(ClawBack("seed", "r2", "p1", "", 500))
    assert (kept.state.available, kept.state.shortfall) == (60, 0)
    assert kept.tables.kept["transaction", "seed:r2"]["points"] == -40
    kept.check()


def test_what_had_expired_does_not_come_to_life_by_being_told_anew() -> None:
    """E7, E8: 100 points expired; told as half of it and as the whole again, the purchase earns nothing."""
    kept, _ = keep()
    buy(kept, "p1", 100)
    days(kept, LOT + 1)
    for cents, available in ((500, 0), (1000, 0), (1200, 20)):
        told = Credit("seed", "p1", "p", cents, cents, 1000, f"tag{cents}")
        kept.tell(Restate(told, "p1", {"date": "2026-11-21"}))
        assert kept.state.available == available
        kept.check()


def test_a_tier_is_of_the_years_that_the_programme_says() -> None:
    """S47, S74: points count for the year of their purchase, and so does what is taken back of it."""
    kept, heard = keep(NEW_YEARS_EVE, tiers=TWO_TIERS, tier_years=1, push=True)
    buy(kept, "p1", 1000)
    assert points_counted(kept.state, kept.programme, kept.now) == 1000
    days(kept, 2)
    assert points_counted(kept.state, kept.programme, kept.now) == 0
    buy(kept, "p2", 600)
    assert kept.state.available == 1600, "by the tier of this year"
    kept.tell(ClawBack("seed", "r1", "p1", "", 10_000))
    assert points_counted(kept.state, kept.programme, kept.now) == 600
    buy(kept, "p3", 400)
    kept.tell(ClawBack("seed", "r2", "p3", "", 10))
    tiers = [event for event in heard if isinstance(event, TierReached | TierLost)]
    gold, base = TierReached("gold", "base"), TierLost("base", "gold")
    assert tiers == [gold, gold, base]
    both, _ = keep(NEW_YEARS_EVE, tiers=TWO_TIERS, tier_years=2)
    buy(both, "p1", 1000)
    days(both, 2)
    assert points_counted(both.state, both.programme, both.now) == 1000


def asked(kept: Kept, points: int, name: str = "adj_1") -> Refusal | None:
    """An adjustment is asked for."""
    return kept.tell(ProposeAdjustment(name, "apr_1", points, "so", "one", ("ADMIN",), 1000))


def test_an_adjustment_is_done_once_and_says_by_whom() -> None:
    """E14, E7: its transfer has its kind and its id, its event both people and the reason."""
    kept, heard = keep(hold_ms=10 * DAY_MS)
    buy(kept, "p1", 100)
    assert asked(kept, 70) is None
    for _ in range(2):
        kept.tell(AdjustPoints("adj_1", 70, "so", "one", "two"))
    assert heard[-1] == PointsAdjusted("adj_1", 70, "so", "one", "two")
    assert (kept.state.available, kept.state.pending, kept.state.earned_total) == (70, 100, 100)
    assert kept.moved["adjustment"] == 70
    assert withdraw(kept, "wd_1", 70) is None, "it is held by nothing"
    kept.check()


def test_nothing_is_taken_of_what_is_held_or_blocked() -> None:
    """E14, E7: more than is available is refused as a whole, also where it was available when it was asked for."""
    kept, heard = keep(hold_ms=10 * DAY_MS)
    buy(kept, "p1", 100)
    assert asked(kept, -1) is not None
    days(kept, 11)
    buy(kept, "p2", 100)
    assert asked(kept, -100) is None
    withdraw(kept, "wd_1", 30)
    kept.tell(AdjustPoints("adj_1", -100, "so", "one", "two"))
    assert heard[-1] == AdjustmentRefused("adj_1", -100, "one", "two")
    assert kept.tables.kept["adjustment", "adj_1"]["status"] == "refused"
    assert (kept.state.available, kept.state.blocked, kept.state.shortfall) == (70, 30, 0)


def test_what_is_given_pays_what_is_owed() -> None:
    """E14, E7: netted first, as whatever else comes in."""
    kept, _ = keep()
    buy(kept, "p1", 100)
    withdraw(kept, "wd_1", 100)
    kept.tell(MovePoints("wd_1", "paid"))
    kept.tell(ClawBack("seed", "r1", "p1", "", 1000))
    asked(kept, 130)
    kept.tell(AdjustPoints("adj_1", 130, "so", "one", "two"))
    assert (kept.state.available, kept.state.shortfall) == (30, 0)
    kept.check()


def test_another_wallets_adjustment_is_none_of_this_one() -> None:
    """S60: by its id alone nobody is told of it."""
    kept, _ = keep()
    buy(kept, "p1", 100)
    kept.tables.kept["adjustment", "adj_1"] = {
        "user_id": "another",
        "status": "proposed",
        "points": 5,
    }
    found = kept.tell(DescribeAdjustment("adj_1"))
    assert found is not None
    assert found.code == "NOT_FOUND"
    kept.tell(AdjustPoints("adj_1", 5, "so", "one", "two"))
    assert kept.state.available == 100
