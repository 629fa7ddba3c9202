"""The books as they are read, on both servers, against sums that are kept by hand.

Source: engine/books.py; spec.md S47, E7; design.md 7.
"""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import pytest

from comptoir.engine.books import Change, Fate, Origin, Part
from comptoir.engine.decision import LotOpened, Transfer
from comptoir.engine.values import Address
from comptoir.storage.journal_testing import NOW, Desk, credit, note

ALICE = Address("wallet", "alice")
DAY = 86_400_000
NOWHERE = Origin(0, (), ())
"""Of a withdrawal without points."""
BOOKS = ("available", "pending", "blocked", "shortfall")
SEEDS = (1, 2, 3)


def transfer(source: str, target: str, points: int, kind: str, **more: Any) -> Transfer:
    """One of alice's, with what there is after it left to others."""
    debit, credited = (x if x.endswith(":") else f"{x}:alice" for x in (source, target))
    after = more.pop("after", (0, 0, 0, 0))
    return Transfer(debit, credited, points, kind, "alice", after, **more)


class Hand:
    """A wallet whose books are kept by adding up, entry by entry."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.books: Counter[str] = Counter()
        self.lots: dict[str, int] = {}
        self.told: list[tuple[int, str, Change, Change]] = []
        """Time, kind, change, balance after."""

    def balance(self) -> Change:
        """What there is."""
        available, pending, blocked, owed = (self.books[book] for book in BOOKS)
        return available, pending, blocked, -owed

    def move(
        self, at: int, source: str, target: str, points: int, kind: str, **more: Any
    ) -> Transfer:
        """One movement, noted."""
        before = self.balance()
        self.books[source] -= points
        self.books[target] += points
        after = self.balance()
        a, p, b, s = (new - old for new, old in zip(after, before, strict=True))
        self.told.append((at, kind, (a, p, b, s), after))
        return transfer(source, target, points, kind, after=after, **more)

    def step(self, at: int, number: int) -> Mapping[str, Sequence[Any]]:
        """Something happens: the fields of a decision."""
        lot = next((name for name, left in self.lots.items() if left), None)
        if lot is None or self.chance.random() < 0.4:
            name, points = f"l{number}", self.chance.randint(1, 500)
            self.lots[name] = points
            opened = LotOpened(name, "alice", f"tx-{name}", "tag", points, points, 100, 10_000, at)
            names = {"lot": name, "transaction": f"tx-{name}"}
            return {
                "lots": (opened,),
                "transfers": (self.move(at, "issued:", "available", points, "credit", **names),),
            }
        points = self.chance.randint(1, self.lots[lot])
        self.lots[lot] -= points
        kind, target = self.chance.choice(
            (("hold", "blocked"), ("clawback", "issued:"), ("expiry", "expired:"))
        )
        return {"transfers": (self.move(at, "available", target, points, kind, lot=lot),)}


@pytest.mark.parametrize("seed", SEEDS)
async def test_months_are_what_adding_up_gives(each_postgres: Any, seed: int) -> None:
    """Opening, closing, totals and pages of every window of time, on its borders too; and what one
    window ends with is what the next one begins with (S47).
    """
    chance = random.Random(seed)
    hand, at = Hand(chance), NOW
    async with each_postgres.open() as journal:
        desk = Desk(journal)
        await desk.write(Address("wallet", "bob"), note("b", **credit("bob", "x", 7, total=7)))
        for number in range(60):
            at += chance.choice((0, 1, DAY, 9 * DAY))
            await desk.write(ALICE, note(str(number), **hand.step(at, number)), at=at)
        marks = sorted({NOW - DAY, at + DAY, *chance.sample([x[0] for x in hand.told], 12)})
        before: Change | None = None
        for since, until in pairwise(marks):
            month = await journal.month("alice", since, until)
            mine = [x for x in hand.told if since <= x[0] < until]
            earlier = [x for x in hand.told if x[0] < since]
            assert month.opening == (earlier[-1][3] if earlier else (0, 0, 0, 0))
            assert month.closing == (mine[-1][3] if mine else month.opening)
            assert before is None or month.opening == before
            before = month.closing
            found: list[Any] = []
            while page := await journal.movements(
                "alice", found[-1].id if found else month.first, month.last, 7
            ):
                found += page
            assert [(x.at, x.kind, x.change, x.after) for x in found] == mine
            assert {t.kind: (t.movements, t.change) for t in month.totals} == {
                kind: (
                    len(ours),
                    tuple(sum(x[2][book] for x in ours) for book in range(4)),
                )
                for kind in {x[1] for x in mine}
                for ours in ([x for x in mine if x[1] == kind],)
            }


async def test_a_wallet_without_entries_has_empty_months(each_postgres: Any) -> None:
    """Nothing is nothing, and no error."""
    async with each_postgres.open() as journal:
        month = await journal.month("alice", 0, NOW)
        assert (month.first, month.last, month.totals) == (0, 0, ())
        assert month.opening == month.closing == (0, 0, 0, 0)
        assert await journal.movements("alice", 0, 0, 10) == []


async def test_a_clock_that_was_set_back_moves_no_border(each_postgres: Any) -> None:
    """What comes later in the books is later, whatever its time says: months that are over stay as they were,
    and the two windows still meet (S47).
    """
    border = NOW + DAY
    async with each_postgres.open() as journal:
        desk = Desk(journal)
        for number, at in enumerate((NOW, border + 5, border + 6)):
            await desk.write(
                ALICE,
                note(str(number), **credit("alice", f"l{number}", 1, total=number + 1)),
                at=at,
            )
        over = await journal.month("alice", NOW, border)
        await desk.write(ALICE, note("late", **credit("alice", "l9", 1, total=4)), at=NOW + 1)
        assert await journal.month("alice", NOW, border) == over
        assert (await journal.month("alice", border, border + DAY)).opening == over.closing


async def test_a_withdrawal_is_of_the_lots_that_it_still_has(each_postgres: Any) -> None:
    """First in, first out, with what came before each part; what went back is not told, and what is owed
    comes last (E7).
    """
    async with each_postgres.open() as journal:
        desk = Desk(journal)
        for number, points in enumerate((30, 50, 20)):
            at, lot = NOW + number, f"l{number}"
            await desk.write(
                ALICE, note(lot, **credit("alice", lot, points, total=100, at=at)), at=at
            )
        await desk.write(ALICE, note("hold", transfers=(
            transfer("available", "blocked", 30, "hold", lot="l0", withdrawal="wd_1"),
            transfer("available", "blocked", 40, "hold", lot="l1", withdrawal="wd_1"),
            transfer("shortfall", "blocked", 5, "hold", withdrawal="wd_1"),
            transfer("blocked", "paid:", 75, "payout", withdrawal="wd_1"),
        )))  # fmt: skip
        origin = await journal.origin("alice", "wd_1", 0, 10, 9)
        parts = origin.parts
        assert [(x.lot, x.points, x.before, x.source) for x in parts] == [
            ("l0", 30, 0, "tx-l0"), ("l1", 40, 30, "tx-l1"), (None, 5, 70, ""),
        ]  # fmt: skip
        assert parts[1] == Part("l1", 40, 30, "tx-l1", 50, 10, 5000, 100, 10_000, NOW + 1, None)
        assert {fate.lot for fate in origin.fates} == {"l0", "l1"}
        page = await journal.origin("alice", "wd_1", 30, 1, 9)
        assert (page.points, page.parts) == (origin.points, parts[1:2]) == (75, parts[1:2])
        assert {fate.lot for fate in page.fates} == {"l1"}
        assert await journal.origin("alice", "wd_1", 75, 9, 9) == Origin(75, (), ())
        for owner, withdrawal in (("bob", "wd_1"), ("alice", "wd_2")):
            assert await journal.origin(owner, withdrawal, 0, 9, 9) == NOWHERE
        await desk.write(ALICE, note("back", transfers=(
            transfer("paid:", "blocked", 75, "hold", withdrawal="wd_1"),
            transfer("blocked", "shortfall", 5, "hold_released", withdrawal="wd_1"),
            transfer("blocked", "available", 30, "hold_released", lot="l0", withdrawal="wd_1"),
            transfer("blocked", "available", 40, "hold_released", lot="l1", withdrawal="wd_1"),
        )))  # fmt: skip
        assert await journal.origin("alice", "wd_1", 0, 10, 9) == NOWHERE


async def test_what_became_of_a_lot_adds_up(each_postgres: Any) -> None:
    """Withdrawn, given back, netted, expired, taken back, adjusted: each once, and with what is left it is the
    whole lot (E7).
    """
    async with each_postgres.open() as journal:
        desk = Desk(journal)
        await desk.write(ALICE, note("a", **credit("alice", "l1", 100, total=100)))
        await desk.write(ALICE, note("debt", transfers=(
            transfer("shortfall", "issued:", 4, "clawback", transaction="tx-0"),)))  # fmt: skip
        await desk.write(ALICE, note("b", transfers=(
            transfer("available", "blocked", 10, "hold", lot="l1", withdrawal="wd_1"),
            transfer("blocked", "available", 10, "hold_released", lot="l1", withdrawal="wd_1"),
            transfer("available", "blocked", 12, "hold", lot="l1", withdrawal="wd_2"),
            transfer("available", "blocked", 13, "hold", lot="l1", withdrawal="wd_3"),
            transfer("available", "blocked", 14, "hold", lot="l1", withdrawal="wd_4"),
            transfer("available", "shortfall", 4, "clawback", lot="l1"),
            transfer("available", "issued:", 5, "clawback", lot="l1"),
            transfer("available", "expired:", 6, "expiry", lot="l1"),
            transfer("available", "issued:", 7, "adjustment", lot="l1"),
        )))  # fmt: skip
        assert (await journal.origin("alice", "wd_2", 0, 9, 2)).fates == (
            Fate("l1", "adjustment", None, 7),
            Fate("l1", "clawback", None, 5),
            Fate("l1", "expiry", None, 6),
            Fate("l1", "hold", "wd_2", 12),
            Fate("l1", "hold", "wd_3", 13),
            Fate("l1", "hold", None, 14),
            Fate("l1", "netted", None, 4),
        )
        (lot,) = await journal.lots("alice", lot="l1")
        fates = (await journal.origin("alice", "wd_2", 0, 9, 100)).fates
        assert lot.remaining + sum(fate.points for fate in fates) == lot.points == 100


async def test_a_lot_that_an_adjustment_opened_says_so(each_postgres: Any) -> None:
    """It comes from no purchase (E14)."""
    opened = LotOpened("l1", "alice", "adj_1", "", 40, 0, 0, 0, NOW)
    granted = transfer("issued:", "available", 40, "adjustment", lot="l1")
    held = transfer("available", "blocked", 15, "hold", lot="l1", withdrawal="wd_1")
    async with each_postgres.open() as journal:
        await Desk(journal).write(ALICE, note("a", lots=(opened,), transfers=(granted, held)))
        assert (await journal.origin("alice", "wd_1", 0, 9, 9)).fates == (
            Fate("l1", "granted", None, -40), Fate("l1", "hold", "wd_1", 15),
        )  # fmt: skip
