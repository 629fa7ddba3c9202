"""A record for the eye: every field with its offset, its bytes and what they mean; and two records beside each other.

Rules:
- every byte is shown, also those of FILLER and those that are left over; a field that cannot be read says why, and the
  others are shown all the same;
- what a level 88 calls a value stands beside it; alternatives are shown each by its own reading;
- where a count cannot be read, its table is shown at its most, and at no more than there are bytes for.
Source: spec.md E11 (field, offset, hex, meaning).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from comptoir.actors.gateways.copybook.codec import Codec
from comptoir.actors.gateways.copybook.items import Item
from comptoir.actors.gateways.copybook.reading import Scalar, reader_of
from comptoir.actors.gateways.copybook.refusals import RecordRefused

__all__ = ["Difference", "Shown", "compare", "show"]

LEFT_OVER: Final = "(left over)"


@dataclass(frozen=True, slots=True)
class Shown:
    """One field of a record."""

    field: str
    """With groups and occurrences: `LINE(2).SKU`."""
    offset: int
    picture: str
    hex: str
    meaning: str
    """Its value; of a text in quotes, with its blanks taken away as the codec's options say."""
    wrong: str = ""
    """A code of RECORD_CODES where it cannot be read."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One field in two records; one side is None where only the other has it."""

    left: Shown | None
    right: Shown | None

    @property
    def is_same(self) -> bool:
        """The same bytes."""
        return self.left is not None and self.right is not None and self.left.hex == self.right.hex


def show(codec: Codec, data: bytes) -> list[Shown]:
    """Every field of one record, whatever its bytes are."""
    return _Showing(codec, data).rows()


def compare(codec: Codec, left: bytes, right: bytes) -> list[Difference]:
    """Every field of two records, in the order of the source."""
    others = {row.field: row for row in show(codec, right)}
    rows = [Difference(row, others.pop(row.field, None)) for row in show(codec, left)]
    return rows + [Difference(None, row) for row in others.values()]


class _Showing:
    """Goes through a layout beside the bytes."""

    def __init__(self, codec: Codec, data: bytes) -> None:
        self._codec = codec
        self._data = data
        self._text = codec.page.text(data)
        self._counts: dict[int, int] = {}
        self._shift = 0
        self._fillers = 0
        self._counters = {item.number for item in codec.record.objects.values()}

    def rows(self) -> list[Shown]:
        rows = [
            row for child in self._codec.record.root.children for row in self._item(child, 0, "")
        ]
        end = self._codec.most - self._shift
        if end < len(self._data):
            rest = self._data[end:]
            rows.append(Shown(LEFT_OVER, end, "", rest.hex(), "", "RECORD_LENGTH_WRONG"))
        return rows

    def _item(self, item: Item, at: int, above: str) -> Iterator[Shown]:
        """All occurrences of one entry; `at` is what occurrences around it add to its offset."""
        name = f"{above}.{item.name}" if above else item.name
        if item.name == "FILLER":
            self._fillers += 1
            name = f"{name}#{self._fillers}"
        if item.occurs is None:
            yield from self._once(item, at, name)
            return
        count = self._count(item)
        for index in range(count):
            if at + item.offset - self._shift >= len(self._data) and index:
                break
            yield from self._once(item, at, f"{name}({index + 1})")
            at += item.length
        if self._codec.least != self._codec.most:
            self._shift += (item.occurs.most - count) * item.length

    def _count(self, item: Item) -> int:
        assert item.occurs is not None
        known = self._codec.record.objects.get(item.number)
        said = self._counts.get(known.number, item.occurs.most) if known else item.occurs.most
        return said if item.occurs.least <= said <= item.occurs.most else item.occurs.most

    def _once(self, item: Item, at: int, name: str) -> Iterator[Shown]:
        if item.is_group:
            for child in item.children:
                yield from self._item(child, at, name)
            return
        start = at + item.offset - self._shift
        data = self._data[start : start + item.length]
        picture = " ".join(filter(None, (item.picture.text if item.picture else "", _usage(item))))
        value: Scalar = None
        wrong = "RECORD_LENGTH_WRONG" if len(data) < item.length else ""
        try:
            if not wrong:
                read = reader_of(item, self._codec.page, self._codec.options)
                value = read(self._data, self._text, start - item.offset)
        except RecordRefused as refused:
            wrong = refused.code
        if item.number in self._counters and isinstance(value, int):
            self._counts[item.number] = value
        meaning = self._shown_text(start, item) if wrong else _meaning(item, value)
        yield Shown(name, start, picture, data.hex(), meaning, wrong)

    def _shown_text(self, start: int, item: Item) -> str:
        """What cannot be read, in characters where they are some."""
        text = self._text[start : start + item.length]
        return f"'{text}'" if text.isprintable() and text else ""


def _usage(item: Item) -> str:
    return "" if item.usage == "DISPLAY" else item.usage


def _meaning(item: Item, value: Scalar) -> str:
    said = f"'{value}'" if isinstance(value, str) else "blank" if value is None else str(value)
    literals = {f"'{value}'", f'"{value}"', str(value)} if value is not None else set[str]()
    if value == 0:
        literals |= {"ZERO", "ZEROS", "ZEROES"}
    if value == "":
        literals |= {"SPACE", "SPACES"}
    names = [name for name, text in item.conditions if literals & set(text.split(" "))]
    return f"{said} = {', '.join(names)}" if names else said
