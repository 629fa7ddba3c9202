"""What a layout is made of: fields and groups with their places, and the record that they make.

Source: check-command contract (`copybook-layout`); layout.py, which places them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from comptoir.actors.gateways.copybook.entries import Occurs, Sign, Usage, Value
from comptoir.actors.gateways.copybook.pictures import Picture

__all__ = ["Item", "Record"]


@dataclass(frozen=True, slots=True)
class Item:
    """A field or a group."""

    number: int
    """Of its entry in the record, from 0; -1 for a group of our own around them."""
    name: str
    key: str
    """What it is called in a record's values; empty where it is not (FILLER)."""
    path: str
    """With the groups that it is in: `ADDRESS.CITY`; FILLER groups are left out."""
    level: int
    offset: int
    length: int
    """Bytes of one occurrence."""
    usage: Usage
    picture: Picture | None
    sign: Sign
    occurs: Occurs | None
    redefines: str
    is_justified: bool
    value: Value | None
    conditions: tuple[tuple[str, str], ...]
    children: "tuple[Item, ...]"
    is_variable: bool
    """A table of variable size is it, or in it."""

    @property
    def room(self) -> int:
        """Bytes of all its occurrences."""
        return self.length * (self.occurs.most if self.occurs else 1)

    @property
    def is_group(self) -> bool:
        return bool(self.children)

    def walk(self) -> "Iterator[Item]":
        """It, and all below it, in the order of the source."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Record:
    """A record of a copybook."""

    name: str
    """Empty for a copybook that begins below level 01."""
    root: Item
    """The group of its fields; where the record is one field, a group with that field."""
    least: int
    most: int
    """Bytes; they differ where a table depends on a field."""
    objects: dict[int, Item]
    """By the number of a table of variable size: the field that says how often it stands there."""

    @property
    def items(self) -> tuple[Item, ...]:
        """Every entry that has a place, in the order of the source."""
        walked = tuple(self.root.walk())
        return walked if self.root.level else walked[1:]

    def fields(self) -> list[dict[str, Any]]:
        """The layout as it is shown."""
        return [_shown(item) for item in self.items]


def _shown(item: Item) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": item.name,
        "level": item.level,
        "offset": item.offset,
        "length": item.length,
        "picture": item.picture.text if item.picture else None,
        "usage": None if item.is_group else item.usage,
    }
    if item.occurs is not None:
        shown["occurs"] = item.occurs.most
        if item.occurs.depending_on:
            shown |= {"occurs_least": item.occurs.least, "depending_on": item.occurs.depending_on}
    if item.redefines:
        shown["redefines"] = item.redefines
    if item.sign:
        shown["sign"] = item.sign
    return shown
