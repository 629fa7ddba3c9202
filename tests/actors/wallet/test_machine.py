"""The wallet's machine against a book kept by hand: credits, holds, refunds, caps (X24, X32, S47, E7).

Two oracles. `Ledger` applies what the machine decides as the database would, and answers its
look-ups. `Book` knows nothing of machines, transfers or lots' rows: it keeps purchases in a list and
counts with fractions.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from math import floor
from typing import Any

import msgspec
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from comptoir.actors.programme import PROGRAMME, Programme, Tier
from comptoir.actors.wallet.machine import MACHINE
from comptoir.actors.wallet.messages import ClawBack, Credit, ReleasePoints
from comptoir.actors.wallet.state import ISSUED, Phase, PointsClawedBack, RefundFacts, WalletState
from comptoir.engine.decision import Decision, LotOpened
from comptoir.engine.journal import Lot
from comptoir.engine.machine import Context
from comptoir.engine.values import Address, Message

USER = "u1"
DAWN = 1_800_000_000_000
TIERS = (Tier("base", "Base", 0), Tier("gold", "Gold", 400, 15_000))


class Ledger:
    """What is durable of one wallet, with the database's constraints."""

    def __init__(self, programme: Programme) -> None:
        self.programme = programme
        self.state = WalletState(Phase.NEW)
        self.version = 0
        self.now = DAWN
        self.lots: dict[str, tuple[LotOpened, int]] = {}
        self.documents: dict[str, dict[str, Any]] = {}
        self.balances: dict[str, int] = {}
        self.timers: list[tuple[int, Message]] = []
        self.parked: list[tuple[int, ClawBack]] = []
        self.clawed: list[tuple[str, str, int]] = []
        """Refund's order of taking: (purchase, lot, points)."""
        self.short = 0

    def tell(self, message: Message) -> None:
        """Decide on a message and make the decision durable."""
        if isinstance(message, Credit):  # as the connection did when it sent it
            self.documents[f"seed:{message.transaction_id}"] = {
                "user_id": USER,
                "status": "received",
                "transaction_id": message.transaction_id,
                "amount_cents": message.amount_cents,
            }
        facts = self._facts(message)
        references = {PROGRAMME: self.programme}
        context = Context(Address("wallet", USER), self.now, self.version, references, facts)
        decision = MACHINE.decide(self.state, message, context)
        assert isinstance(decision, Decision)
        self._apply(decision)

    def pass_time(self, ms: int) -> None:
        """Fire what falls due, in order."""
        self.now += ms
        due = sorted((at, n) for n, (at, _) in enumerate(self.timers) if at <= self.now)
        fired = [self.timers[n][1] for _, n in due]
        self.timers = [timer for timer in self.timers if timer[0] > self.now]
        waiting = [message for at, message in self.parked if at <= self.now]
        self.parked = [row for row in self.parked if row[0] > self.now]
        for message in (*fired, *waiting):
            self.tell(message)

    def _apply(self, decision: Decision[WalletState]) -> None:
        self.version += decision.state is not self.state
        self.state = decision.state
        for opened in decision.lots:
            assert opened.id not in self.lots
            self.lots[opened.id] = (opened, 0)
        for transfer in decision.transfers:
            assert transfer.points > 0
            self._move(transfer.debit, -transfer.points)
            self._move(transfer.credit, transfer.points)
            own = (f"available:{USER}", f"pending:{USER}")
            if transfer.lot is not None:
                opened, remaining = self.lots[transfer.lot]
                remaining += transfer.points * ((transfer.credit in own) - (transfer.debit in own))
                assert 0 <= remaining <= opened.points
                self.lots[transfer.lot] = (opened, remaining)
            if transfer.kind == "clawback" and transfer.credit == ISSUED:
                taken = (transfer.transaction or "", transfer.lot or "", transfer.points)
                self.clawed.append(taken)
        if decision.transfers:
            state = decision.state
            after = (state.available, state.pending, state.blocked, state.shortfall)
            assert decision.transfers[-1].after == after
        for put in decision.documents:
            self.documents.setdefault(put.key, {"user_id": USER}).update(put.fields)
        self.short += sum(e.shortfall for e in decision.events if isinstance(e, PointsClawedBack))
        for out in decision.messages:
            assert out.due_at is not None
            if out.parked:
                assert isinstance(out.message, ClawBack)
                self.parked.append((out.due_at, out.message))
            else:
                self.timers.append((out.due_at, out.message))
        if decision.release:
            released, self.parked = self.parked, []
            for _, message in released:
                self.tell(message)

    def spend(self, points: int) -> None:
        """As if a payout had taken available points, oldest lots first: what refunds cannot find."""
        points = min(points, self.state.available)
        available = self.state.available - points
        self.state = msgspec.structs.replace(self.state, available=available)
        self._move(f"available:{USER}", -points)
        self._move(ISSUED, points)
        for name, (opened, remaining) in self.lots.items():
            if self.documents[f"seed:{opened.source}"]["status"] != "pending":
                part = min(points, remaining)
                self.lots[name] = (opened, remaining - part)
                points -= part

    def _move(self, account: str, points: int) -> None:
        book = account.partition(":")[0]
        self.balances[account] = balance = self.balances.get(account, 0) + points
        assert book in ("issued", "shortfall") or balance >= 0, f"{book} below zero"
        assert book != "shortfall" or balance <= 0

    def _lot(self, lot_id: str) -> Lot:
        opened, remaining = self.lots[lot_id]
        return Lot(
            opened.id, opened.owner, opened.source, opened.tag, opened.points, remaining,
            opened.basis_cents, opened.rate_bp, opened.multiplier_bp, opened.earned_at, None,
        )  # fmt: skip

    def _facts(self, message: Message) -> RefundFacts | None:
        if isinstance(message, ReleasePoints):
            held = self.documents.get(message.key, {})
            return RefundFacts(message.key, held, self._lot(message.lot_id))
        if not isinstance(message, ClawBack):
            return None
        key = f"seed:{message.original_id}"
        purchase = self.documents.get(key)
        if purchase is None:
            return RefundFacts()
        lot_id = purchase.get("lot_id")
        open_lots = sorted(
            (self._lot(name) for name, (_, remaining) in self.lots.items() if remaining),
            key=lambda lot: (lot.earned_at, lot.id),
        )
        others = tuple(lot for lot in open_lots if lot.id != lot_id)
        return RefundFacts(key, dict(purchase), self._lot(lot_id) if lot_id else None, others)


@dataclass
class Bought:
    """A purchase in the book kept by hand."""

    name: str
    cents: int
    eligible: int
    rate: int
    multiplier: int
    granted: int
    at: int
    left: int
    held: bool
    refunded: int = 0
    clawed: int = 0


@dataclass
class Book:
    """A wallet kept by hand."""

    programme: Programme
    now: int = DAWN
    owed: int = 0
    earned: int = 0
    paid: int = 0
    bought: list[Bought] = field(default_factory=list[Bought])
    waiting: list[tuple[int, str, int]] = field(default_factory=list[tuple[int, str, int]])
    spent: dict[str, int] = field(default_factory=dict[str, int])

    def points(self, cents: int, rate: int, multiplier: int) -> int:
        """interface.md 1, with fractions and one floor at the very end."""
        share = Fraction(rate, 10_000) * Fraction(multiplier, 10_000)
        return floor(Fraction(cents) * share / self.programme.value_cents)

    def buy(self, name: str, cents: int, rate: int, cap: int) -> None:
        """A purchase, under a monthly cap if there is one (0: none)."""
        multiplier = max(
            (t for t in TIERS if t.minimum_points <= self.earned), key=lambda t: t.minimum_points
        ).multiplier_bp
        eligible = cents
        if cap:
            used = self.spent.get("m", 0)
            eligible = max(0, min(cents, cap - used))
            self.spent["m"] = used + eligible
        granted = self.points(eligible, rate, multiplier)
        held = self.programme.hold_ms > 0
        one = Bought(name, cents, eligible, rate, multiplier, granted, self.now, granted, held)
        self.bought.append(one)
        self.earned += granted
        if not held:
            self._net(one)
        waiting, self.waiting = self.waiting, []
        for give_up, original, amount in waiting:
            self.refund(original, amount, give_up)

    def _net(self, one: Bought) -> None:
        part = min(one.left, self.owed)
        one.left -= part
        self.owed -= part

    def refund(self, original: str, amount: int, give_up: int = 0) -> None:
        """Take back what the purchase no longer earns: from itself, then the oldest others."""
        one = next((b for b in self.bought if b.name == original), None)
        if one is None:
            give_up = give_up or self.now + self.programme.refund_wait_ms
            if self.now < give_up:
                self.waiting.append((give_up, original, amount))
            return
        one.refunded = min(one.cents, one.refunded + amount)
        entitled = self.points(
            min(one.eligible, one.cents - one.refunded), one.rate, one.multiplier
        )
        due = max(0, one.granted - one.clawed - entitled)
        one.clawed += due
        self.earned = max(0, self.earned - due)
        others = [b for b in self.bought if b is not one and not b.held and not one.held]
        for source in (one, *others):
            part = min(due, source.left)
            source.left -= part
            due -= part
        self.owed += due

    def spend(self, points: int) -> None:
        """A payout: the oldest first, nothing that is held."""
        for one in self.bought:
            if not one.held:
                part = min(points, one.left)
                one.left -= part
                points -= part
                self.paid += part

    def pass_time(self, ms: int) -> None:
        """Holds end, waiting refunds are given up."""
        self.now += ms
        for one in self.bought:
            if one.held and one.at + self.programme.hold_ms <= self.now:
                one.held = False
                self._net(one)
        self.waiting = [row for row in self.waiting if row[0] > self.now]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("buy"), st.integers(0, 20_000), st.sampled_from((37, 500, 10_000, 0))),
        st.tuples(st.just("refund"), st.integers(0, 9), st.sampled_from((5000, 99_999, 333, 1))),
        st.tuples(st.just("wait"), st.integers(1, 3_000), st.just(0)),
        st.tuples(st.just("spend"), st.sampled_from((100, 3_000, 99_999)), st.just(0)),
    ),
    min_size=3,
    max_size=40,
)
PROGRAMMES = st.builds(
    Programme,
    value_cents=st.sampled_from((1, 10)),
    hold_ms=st.sampled_from((0, 0, 1000)),
    tiers=st.just(TIERS),
    refund_wait_ms=st.just(2500),
)


@settings(max_examples=400)
@given(STEPS, PROGRAMMES, st.sampled_from((0, 0, 15_000)))
def test_wallet_is_as_a_book_kept_by_hand(
    steps: list[tuple[str, int, int]], programme: Programme, cap: int
) -> None:
    """Any order of purchases, refunds (partial, full, too much, too early) and holds: balances, lots
    and tiers are those of the book; no balance is ever below zero; all books sum to zero.
    """
    ledger, book = Ledger(programme), Book(programme)
    bought = 0
    for number, (step, first, second) in enumerate(steps):
        for world in (ledger, book):
            world.pass_time(1)
        if step == "buy":
            name = f"tx{bought}"
            bought += 1
            book.buy(name, first, second, cap)
            month = "2026-11" if cap else ""
            ledger.tell(Credit("seed", name, "p", first, first, second, "tag", month, cap))
        elif step == "refund":
            name = f"tx{first % (bought + 1)}"  # the last one is still to come
            book.refund(name, second)
            ledger.tell(ClawBack("seed", f"rf{number}", name, "tag", second))
        elif step == "spend":
            for world in (ledger, book):
                world.spend(first)
        else:
            for world in (ledger, book):
                world.pass_time(first)
        _compare(ledger, book)
    event(f"ends {ledger.state.phase.value}")


def _compare(ledger: Ledger, book: Book) -> None:
    state = ledger.state
    assert sum(ledger.balances.values()) == 0
    for name, value in (("available", state.available), ("pending", state.pending)):
        assert ledger.balances.get(f"{name}:{USER}", 0) == value
    assert ledger.balances.get(f"shortfall:{USER}", 0) == -state.shortfall
    left = {opened.source: remaining for opened, remaining in ledger.lots.values()}
    assert left == {one.name: one.left for one in book.bought if one.granted}
    assert state.pending == sum(one.left for one in book.bought if one.held)
    assert state.available == sum(one.left for one in book.bought if not one.held)
    assert (state.shortfall, state.earned_total) == (book.owed, book.earned)
    assert state.refunds_waiting == len(book.waiting) == len(ledger.parked)
    granted = sum(one.granted for one in book.bought)
    clawed = sum(one.clawed for one in book.bought)
    assert state.available + state.pending - state.shortfall == granted - clawed - book.paid
    if state.phase is not Phase.NEW:
        assert (state.phase is Phase.OVERDRAWN) == (state.shortfall > 0)


def _buy(ledger: Ledger, name: str, cents: int) -> None:
    ledger.pass_time(1)
    ledger.tell(Credit("seed", name, "p", cents, cents, 10_000, "tag"))


def _lot_of(ledger: Ledger, name: str) -> str:
    return next(opened.id for opened, _ in ledger.lots.values() if opened.source == name)


def test_refund_takes_its_own_lot_first_and_then_the_oldest() -> None:
    """E7, S47: the very lot of the purchase, then first in, first out, then the shortfall."""
    ledger = Ledger(Programme())
    for name in ("old", "mid", "new"):
        _buy(ledger, name, 100)
    lot = _lot_of(ledger, "new")
    ledger.lots[lot] = (ledger.lots[lot][0], 30)
    ledger.state = msgspec.structs.replace(ledger.state, available=230)
    ledger.balances[f"available:{USER}"] = 230
    ledger.tell(ClawBack("seed", "rf", "new", "tag", 100))
    assert ledger.clawed == [
        ("new", _lot_of(ledger, "new"), 30),
        ("new", _lot_of(ledger, "old"), 70),
    ]
    assert ledger.short == 0


def test_shortfall_is_netted_by_the_next_credits() -> None:
    """E7: what is missing is recorded, never a negative balance, and later credits pay it first."""
    ledger = Ledger(Programme())
    _buy(ledger, "a", 100)
    ledger.spend(80)
    ledger.tell(ClawBack("seed", "rf", "a", "tag", 100))
    assert (ledger.state.available, ledger.state.shortfall) == (0, 80)
    assert ledger.state.phase.name == "OVERDRAWN"
    _buy(ledger, "b", 50)
    assert (ledger.state.available, ledger.state.shortfall) == (0, 30)
    _buy(ledger, "c", 50)
    assert (ledger.state.available, ledger.state.shortfall) == (20, 0)
    assert ledger.state.phase.name == "ACTIVE"


@pytest.mark.parametrize(
    ("amount", "rate", "multiplier", "value", "points"),
    [(10_000, 500, 10_000, 1, 500), (199, 50, 10_000, 1, 0), (999, 333, 15_000, 10, 4)],
)
def test_points_are_rounded_down_once(
    amount: int, rate: int, multiplier: int, value: int, points: int
) -> None:
    """X32, interface.md 1: one floor at the very end, worked out by hand."""
    programme = Programme(value_cents=value, tiers=(Tier("t", "T", 0, multiplier),))
    ledger = Ledger(programme)
    ledger.tell(Credit("seed", "tx", "p", amount, amount, rate, "tag"))
    assert ledger.state.available == points


def test_hold_ends_by_its_own_named_timer() -> None:
    """X24: pending until the hold ends, then available; withdrawals see available only."""
    ledger = Ledger(Programme(hold_ms=1000))
    _buy(ledger, "a", 100)
    assert (ledger.state.available, ledger.state.pending) == (0, 100)
    assert ledger.documents["seed:a"]["status"] == "pending"
    ledger.pass_time(999)
    assert ledger.state.pending == 100
    ledger.pass_time(1)
    assert (ledger.state.available, ledger.state.pending) == (100, 0)
    assert ledger.documents["seed:a"]["status"] == "credited"
