"""A wallet as docs/points.md describes it, kept by hand: the oracle of long sequences.

It knows nothing of machines, transfers, timers or documents. It keeps heaps of points in a list, walks over all
of them for everything, counts with fractions, and looks at the calendar day by day.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import ceil, floor

from comptoir.actors.programme import Programme

DAY = 86_400_000


def midnight_after(at: int) -> int:
    """The first midnight (UTC) at or after an instant."""
    return ceil(Fraction(at, DAY)) * DAY


@dataclass
class Heap:
    """Points that are of one kind in every respect."""

    of: str
    born: int
    end: int | None
    free_at: int
    """When their hold ends."""
    left: int


@dataclass
class Bought:
    """A purchase."""

    cents: int
    rate: int
    multiplier: int
    at: int
    back: int = 0
    taken: int = 0
    """Points that it does not earn any more."""
    expired: int = 0
    forgiven: int = 0
    """Of what expired: what a refund did not have to take."""


@dataclass
class Paying:
    """A withdrawal."""

    points: int
    at: int
    where: str = "blocked"
    parts: list[tuple[Heap, int]] = field(default_factory=list[tuple[Heap, int]])
    owed: int = 0


@dataclass
class Model:
    """The wallet."""

    rules: Programme
    now: int
    heaps: list[Heap] = field(default_factory=list[Heap])
    bought: dict[str, Bought] = field(default_factory=dict[str, Bought])
    paying: dict[str, Paying] = field(default_factory=dict[str, Paying])
    owed: int = 0
    paid: int = 0
    expired: int = 0
    earned: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """(the year that it counts for, points)."""
    tiers_told: list[str] = field(default_factory=list[str])

    def points(self, cents: int, one: Bought) -> int:
        """What so many cents earn: one floor at the very end (X32)."""
        share = Fraction(one.rate * one.multiplier, 100_000_000)
        return floor(Fraction(cents) * share / self.rules.value_cents)

    def year(self, at: int) -> int:
        """The calendar year of an instant."""
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)).year

    def tier(self) -> str:
        """The highest that is reached now."""
        years, this = self.rules.tier_years, self.year(self.now)
        total = max(0, sum(p for y, p in self.earned if not years or y > this - years))
        return [t for t in self.rules.tiers if t.minimum_points <= total][-1].id

    def _count(self, at: int, points: int) -> None:
        before = self.tier()
        self.earned.append((self.year(at), points))
        if not self.rules.tier_years and sum(p for _, p in self.earned) < 0:
            raise AssertionError("more was taken back than was ever earned")
        order = [t.id for t in self.rules.tiers]
        if order.index(self.tier()) > order.index(before):
            self.tiers_told.append(self.tier())

    def end(self, free_at: int) -> int | None:
        """The end of points whose hold ends then."""
        return midnight_after(free_at + self.rules.lot_ms) if self.rules.lot_ms else None

    def oldest_first(self) -> Iterator[Heap]:
        """As they are spent."""
        return iter(sorted((h for h in self.heaps if h.left), key=lambda h: (h.born, h.end or 0)))

    @property
    def available(self) -> int:
        """What can be spent."""
        return sum(h.left for h in self.heaps if h.free_at <= self.now)

    @property
    def pending(self) -> int:
        """What is held."""
        return sum(h.left for h in self.heaps if h.free_at > self.now)

    @property
    def blocked(self) -> int:
        """What withdrawals have."""
        return sum(one.points for one in self.paying.values() if one.where == "blocked")

    def _pay_debt(self, heap: Heap) -> None:
        part = min(heap.left, self.owed)
        heap.left -= part
        self.owed -= part

    def _expire(self, heap: Heap) -> None:
        self._pay_debt(heap)
        if heap.of in self.bought:
            self.bought[heap.of].expired += heap.left
        self.expired += heap.left
        heap.left = 0

    def pass_time(self, until: int) -> None:
        """Everything that happens by itself, in its order."""
        instants = {h.free_at for h in self.heaps} | {h.end for h in self.heaps if h.end}
        for at in sorted(x for x in instants if self.now < x <= until):
            self.now = at
            for heap in self.heaps:
                if heap.free_at == at:
                    self._pay_debt(heap)
            for heap in self.oldest_first():
                if heap.end is not None and heap.end <= at:
                    self._expire(heap)
        self.now = until
        self.heaps = [h for h in self.heaps if h.left or any(
            part[0] is h for one in self.paying.values() for part in one.parts)]  # fmt: skip

    def buy(self, name: str, cents: int, rate: int) -> None:
        """A purchase, by the tier that was reached before it."""
        multiplier = next(t.multiplier_bp for t in self.rules.tiers if t.id == self.tier())
        one = self.bought[name] = Bought(cents, rate, multiplier, self.now)
        points = self.points(cents, one)
        free_at = self.now + self.rules.hold_ms
        if points:
            heap = Heap(name, self.now, self.end(free_at), free_at, points)
            self.heaps.append(heap)
            if free_at <= self.now:
                self._pay_debt(heap)
        self._count(self.now, points)

    def refund(self, name: str, cents: int) -> None:
        """Money came back."""
        one = self.bought[name]
        one.back = min(one.cents, one.back + cents)
        due = self.points(one.cents, one) - one.taken - self.points(one.cents - one.back, one)
        one.taken += due
        self._count(one.at, -due)
        gone = min(due, one.expired - one.forgiven)
        one.forgiven += gone
        due -= gone
        held = one.at + self.rules.hold_ms > self.now
        mine = [h for h in self.oldest_first() if h.of == name]
        others = [h for h in self.oldest_first() if h.of != name and h.free_at <= self.now]
        for heap in mine if held else [*mine, *others]:
            part = min(heap.left, due)
            heap.left -= part
            due -= part
        self.owed += due

    def _block(self, one: Paying) -> None:
        missing = one.points
        for heap in self.oldest_first():
            part = min(heap.left, missing) if heap.free_at <= self.now else 0
            if part:
                heap.left -= part
                missing -= part
                one.parts.append((heap, part))
        one.owed = missing
        self.owed += missing

    def withdraw(self, name: str, points: int) -> bool:
        """Whether it may be, and if so it begins."""
        under_way = any(one.where == "blocked" for one in self.paying.values())
        if under_way or points > self.available or points < self.rules.withdrawal_minimum:
            return False
        one = self.paying[name] = Paying(points, self.now)
        self._block(one)
        return True

    def goes(self, name: str, where: str, *, cancelled: bool = False) -> None:
        """Whoever pays has said where the points of a withdrawal are."""
        one = self.paying[name]
        if one.where == where:
            return
        if one.where == "available":
            self._block(one)
        if one.where == "paid":
            self.paid -= one.points
        if where == "paid":
            self.paid += one.points
        if where == "available":
            self._come_back(one, cancelled=cancelled)
        one.where = where

    def _come_back(self, one: Paying, *, cancelled: bool) -> None:
        still = min(one.owed, self.owed)
        self.owed -= still
        if one.owed > still:
            self.heaps.append(Heap("", self.now, self.end(self.now), 0, one.owed - still))
        parts, one.parts, one.owed = one.parts, [], 0
        for heap, part in parts:
            end = heap.end
            if end is not None and not cancelled:
                end = max(end, midnight_after(self.now + self.rules.grace_ms))
            elif end is not None and end <= self.now:
                end = (self.now + max(0, end - one.at)) // DAY * DAY
            later = 0 if end is None or heap.end is None else (end - heap.end) // DAY
            back = Heap(heap.of, heap.born + max(0, later), end, 0, part)
            self.heaps.append(back)
            self._pay_debt(back)
            if end is not None and end <= self.now:
                self._expire(back)

    def adjust(self, points: int) -> bool:
        """Whether two people may do so, and then it is done."""
        if points > 0:
            heap = Heap("", self.now, self.end(self.now), 0, points)
            self.heaps.append(heap)
            self._pay_debt(heap)
            return True
        if -points > self.available:
            return False
        missing = -points
        for heap in self.oldest_first():
            part = min(heap.left, missing) if heap.free_at <= self.now else 0
            heap.left -= part
            missing -= part
        return True

    def ends(self) -> dict[int, int]:
        """How many points end when."""
        found: dict[int, int] = {}
        for heap in self.heaps:
            if heap.left and heap.end is not None:
                found[heap.end] = found.get(heap.end, 0) + heap.left
        return dict(sorted(found.items()))
