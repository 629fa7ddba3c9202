"""Long random lives of wallets against a model that is kept by hand (model.py).

TESTS_SEED=n replays from a seed; TESTS_LEDGER_OPERATIONS=n plays so many (`make soak` plays a million).
Source: docs/points.md; issue 7, "Must show".
"""

import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from itertools import count

import msgspec
import pytest

from comptoir.actors.programme import DAY_MS, Programme, Tier
from comptoir.actors.wallet.messages import (
    AVAILABLE,
    BLOCKED,
    PAID,
    AdjustPoints,
    ClawBack,
    Credit,
    HoldPoints,
    MovePoints,
    ProposeAdjustment,
)
from comptoir.actors.wallet.state import TierReached
from comptoir.actors.withdrawal.messages import Order
from comptoir.engine import Event, Message, Refusal
from tests.actors.wallet.kept import USER, Kept
from tests.actors.wallet.model import Model

DAWN = 1_800_000_000_000
A_LIFE = 200
"""Operations of one wallet."""
TICK_MS = 10_000
TIERS = (
    Tier("base", "Base", 0), Tier("silver", "Silver", 400, 12_500), Tier("gold", "Gold", 3_000, 20_000),
)  # fmt: skip
ORDERS = ("on_time", "late", "restart")
WAYS = (AVAILABLE, AVAILABLE, PAID, BLOCKED, "cancelled")


def draw_programme(chance: random.Random) -> Programme:
    """Rules of a programme that may be anybody's."""
    return Programme(
        value_cents=chance.choice((1, 1, 3)),
        withdrawal_minimum=10,
        hold_ms=chance.choice((0, 0, 14)) * DAY_MS,
        tiers=TIERS,
        lot_ms=chance.choice((0, 60, 60, 365)) * DAY_MS,
        grace_ms=chance.choice((0, 10, 45)) * DAY_MS,
        warning_ms=chance.choice(((), (30 * DAY_MS, 7 * DAY_MS), (1 * DAY_MS,))),
        tier_years=chance.choice((0, 1, 2)),
    )


class Life:
    """One wallet, lived twice."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        rules = draw_programme(self.chance)
        self.kept = Kept(rules, DAWN, self.chance.choice(ORDERS))
        self.model = Model(rules, DAWN)
        self.numbers = count(1)
        self.tiers: list[str] = []
        self.done: Counter[str] = Counter()
        self.kept.heard = self._hear
        self.buy()

    def _hear(self, event: Event) -> None:
        if isinstance(event, TierReached):
            self.tiers.append(event.tier)

    def _tell(self, message: Message) -> Refusal | None:
        return self.kept.tell(message)

    def wait(self) -> None:
        """Time goes by."""
        choices = (60_000, DAY_MS // 3, DAY_MS, 3 * DAY_MS, 25 * DAY_MS, 70 * DAY_MS)
        weights = (30, 20, 20, 15, 10, 1)
        self._go(self.model.now + self.chance.choices(choices, weights)[0])

    def _go(self, until: int) -> None:
        if self.kept.order == "on_time":
            for at in self._instants(until):
                self._pass(at)
        self._pass(until)

    def _instants(self, until: int) -> list[int]:
        """When a warning is due by the rule, in between."""
        leads = self.model.rules.warning_ms
        found = {end - lead for end in self.model.ends() for lead in leads}
        return sorted(at for at in found if self.model.now < at <= until)

    def _pass(self, until: int) -> None:
        before = len(self.kept.announced)
        self.kept.pass_time(until)
        self.model.pass_time(until)
        if self.kept.order != "on_time":
            return
        ends, leads = self.model.ends(), self.model.rules.warning_ms
        told = {one.ends_at: one.points for at, one in self.kept.announced[before:] if at == until}
        due = {end: points for end, points in ends.items() if any(end - x == until for x in leads)}
        assert told == {end: ends[end] for end in told}, "what is said is what is left"
        assert due.items() <= told.items(), "each warning comes on its day"
        self.done["warning"] += len(told)

    def buy(self) -> None:
        """A purchase."""
        name, cents = f"p{next(self.numbers)}", self.chance.choice((0, 99, 1_000, 5_555, 20_000))
        rate = self.chance.choice((0, 100, 333, 500))
        document = {"user_id": USER, "transaction_id": name, "amount_cents": cents}
        self.kept.tables.kept["transaction", f"seed:{name}"] = document
        assert self._tell(Credit("seed", name, "p", cents, cents, rate, "tag")) is None
        self.model.buy(name, cents, rate)

    def refund(self) -> None:
        """Some of the money of a purchase comes back, or all, or more than all."""
        name = self.chance.choice([*self.model.bought])
        one = self.model.bought[name]
        cents = self.chance.choice((one.cents, one.cents // 2, 1, one.cents + 100))
        refund = f"r{next(self.numbers)}"
        assert self._tell(ClawBack("seed", refund, name, "", cents)) is None
        self.model.refund(name, cents)

    def withdraw(self) -> None:
        """Points are to become money."""
        most = max(1, self.model.available)
        points = self.chance.choice((most, most + 1, self.chance.randint(1, most), 12))
        name = f"wd{next(self.numbers)}"
        order = Order(USER, points, 1, points, 0, points, "EUR", "FR", "A", "R", 0)
        refused = self._tell(HoldPoints(name, order))
        assert (refused is None) == self.model.withdraw(name, points), refused

    def settle(self) -> None:
        """Whoever pays says what became of one, or another thing of it than before."""
        if not self.model.paying:
            return
        under_way = [name for name, one in self.model.paying.items() if one.where == BLOCKED]
        name = self.chance.choice(under_way or [*self.model.paying][-3:])
        way = self.chance.choice(WAYS)
        cancelled = way == "cancelled"
        if cancelled and not under_way:
            return
        where = AVAILABLE if cancelled else way
        assert self._tell(MovePoints(name, where, cancelled)) is None
        self.model.goes(name, where, cancelled=cancelled)

    def adjust(self) -> None:
        """Two people give or take points."""
        points = self.chance.choice(
            (7, 50, -7, -50, -self.model.available, -self.model.available - 1)
        )
        if not points:
            return
        name = f"adj{next(self.numbers)}"
        asked = ProposeAdjustment(name, f"apr{name}", points, "so", "one", (), 1000)
        refused = self._tell(asked)
        assert (refused is not None) == (-points > self.model.available)
        if refused is None:
            for _ in range(2):  # said again it changes nothing
                assert self._tell(AdjustPoints(name, points, "so", "one", "two")) is None
            assert self.model.adjust(points)

    def step(self) -> None:
        """One operation, and both must agree."""
        acts: tuple[Callable[[], None], ...] = (
            self.buy, self.refund, self.withdraw, self.settle, self.adjust, self.wait,
        )  # fmt: skip
        act = self.chance.choices(acts, (25, 12, 12, 14, 6, 31))[0]
        self._go(
            self.model.now + TICK_MS
        )  # lots of one instant are spent in the order of their ids
        act()
        self.done[act.__name__] += 1
        self.agree()

    def goes_on(self, steps: int) -> None:
        """So many operations."""
        for _ in range(steps):
            self.step()

    def agree(self) -> None:
        """The wallet is what the model says."""
        self.kept.check()
        state, model = self.kept.state, self.model
        found = (state.available, state.pending, state.blocked, state.shortfall)
        assert found == (model.available, model.pending, model.blocked, model.owed)
        assert self.kept.accounts.get("paid:", 0) == model.paid
        assert self.kept.accounts.get("expired:", 0) == model.expired
        assert self.kept.tables.endings() == model.ends(), "the forecast"
        assert self.tiers == model.tiers_told
        if model.ends():
            assert state.expiry_at > model.now, "somebody will look at it"


def play(seed: int, operations: int) -> Counter[str]:
    """Lives from one seed on, until so many operations are played; what was done."""
    done: Counter[str] = Counter()
    left = operations
    while left > 0:
        life = Life(seed)
        try:
            life.goes_on(min(A_LIFE, left))
        except AssertionError as failed:
            raise AssertionError(f"TESTS_SEED={seed}, step {sum(life.done.values())}") from failed
        done.update(life.done)
        done.update(life.kept.moved)
        left -= A_LIFE
        seed += 1
    return done


def test_twenty_thousand_operations_agree_with_the_model() -> None:
    """S47, S74, X21, X24, X32, E7, E14: credits, refunds, holds, releases, payments, expiries, adjustments,
    claw-backs and tiers, of wallets whose timers come on time, late, or as after a restart.
    """
    done = play(int(os.environ.get("TESTS_SEED", "1")), 20_000)
    kinds = (
        "credit", "release", "clawback", "expiry", "hold", "hold_released", "payout", "adjustment",
    )  # fmt: skip
    assert all(done[kind] for kind in (*kinds, "warning")), done


@pytest.mark.soak
@pytest.mark.skipif("TESTS_LEDGER_OPERATIONS" not in os.environ, reason="make soak plays a million")
def test_a_million_operations_agree_with_the_model() -> None:
    """The same for longer; prints what was done."""
    began = time.perf_counter()
    operations = int(os.environ["TESTS_LEDGER_OPERATIONS"])
    seed = int(os.environ.get("TESTS_SEED", "1000000"))
    done = play(seed, operations)
    told = ", ".join(f"{name} {times:,}" for name, times in sorted(done.items()))
    seconds = time.perf_counter() - began
    sys.stdout.write(f"\n{operations:,} operations in {seconds:.0f} s from seed {seed}: {told}\n")


def test_the_model_sees_what_is_wrong() -> None:
    """An oracle that could not disagree would be none: points that do not expire are seen."""
    life = Life(2)
    life.model.rules = msgspec.structs.replace(life.model.rules, lot_ms=7 * DAY_MS)
    with pytest.raises(AssertionError, match="forecast"):
        life.goes_on(A_LIFE)
