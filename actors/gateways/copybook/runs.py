"""What both ways of a codec share: the record in hand, how often a field stands there, alternatives.

Rule: offsets are those of the layout, with every table at its most; what a table is shorter moves all that follows
(`shift`), and only that.
Source: IBM Enterprise COBOL for z/OS Language Reference, "OCCURS DEPENDING ON clause"; docs/copybook.md.
"""

from comptoir.actors.gateways.copybook.items import Item, Record
from comptoir.actors.gateways.copybook.refusals import RecordRefused

__all__ = ["Counting", "Run", "clusters", "counted", "counting_of", "within"]


class Run:
    """What is known of the record in hand."""

    __slots__ = ("counts", "limit", "shift")

    def __init__(self, limit: int) -> None:
        self.counts: dict[int, int] = {}
        """What the fields of DEPENDING ON say, by their number."""
        self.shift = 0
        """Bytes that tables were shorter than their most, so far."""
        self.limit = limit
        """Where the bytes end."""


class Counting:
    """How often a field stands there."""

    __slots__ = ("_item", "_known", "_occurs", "_shifts")

    def __init__(self, item: Item, known: Item | None, *, shifts: bool) -> None:
        assert item.occurs is not None
        self._item, self._known, self._occurs, self._shifts = item, known, item.occurs, shifts

    def __call__(self, run: Run, *, apply: bool = True) -> int:
        """The count; with `apply`, what follows moves up by what is not there."""
        if self._known is None:
            return self._occurs.most
        count = run.counts[self._known.number]
        if not self._occurs.least <= count <= self._occurs.most:
            detail = f"{self._occurs.depending_on} says {count}, of {self._occurs.least} to {self._occurs.most}"
            raise RecordRefused("COUNT_OUT_OF_RANGE", detail, self._item.path, self._item.offset)
        if apply and self._shifts:
            run.shift += (self._occurs.most - count) * self._item.length
        return count


def counting_of(record: Record, item: Item, *, shifts: bool) -> Counting:
    """How often a field of a record stands there."""
    return Counting(item, record.objects.get(item.number), shifts=shifts)


def counted(record: Record) -> frozenset[int]:
    """The numbers of the fields that say how often others stand there."""
    return frozenset(item.number for item in record.objects.values())


def within(refused: RecordRefused, item: Item, index: int) -> RecordRefused:
    """The same refusal, of one occurrence."""
    name, rest = item.path, refused.field.removeprefix(item.path)
    offset = refused.offset + index * item.length if refused.offset >= 0 else -1
    return RecordRefused(refused.code, refused.detail, f"{name}({index + 1}){rest}", offset)


def clusters(group: Item) -> list[list[Item]]:
    """The fields of a group, each with its alternatives."""
    clusters: list[list[Item]] = []
    for item in group.children:
        if item.redefines:
            clusters[-1].append(item)
        else:
            clusters.append([item])
    return clusters
