"""Where every field of a record stands: offsets, lengths, occurrences, alternatives.

Rules:
- an offset counts from the record's first byte, with every table at its most; the length is of one occurrence;
- bytes of COMP-3 are n // 2 + 1; of COMP and COMP-5 2, 4 or 8 for up to 4, 9 or 18 digits; of COMP-1 4, of COMP-2 8;
- an alternative (REDEFINES) begins where its field does; their room is the longest of them;
- fields of a FILLER group belong to the group above it, as their names do in COBOL; a FILLER table is one of the
  record's `FILLER-1`, `FILLER-2`;
- a copybook that begins below level 01 is a record without a name.
Source: IBM Enterprise COBOL for z/OS Language Reference, "USAGE clause", "REDEFINES clause", "OCCURS clause";
protocols.md 5.7.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from comptoir.actors.gateways.copybook.entries import (
    SINGLE_LEVEL,
    Entry,
    Sign,
    Usage,
    read_entries,
)
from comptoir.actors.gateways.copybook.items import Item, Record
from comptoir.actors.gateways.copybook.pictures import Picture
from comptoir.actors.gateways.copybook.refusals import CopybookRefused
from comptoir.actors.gateways.copybook.source import SourceFormat

__all__ = ["FILLER", "read_copybook"]

FILLER: Final = "FILLER"
RECORD_BYTES_MAX: Final = 1 << 24
_BINARY_DIGITS_MAX: Final = 18
_BINARY_BYTES: Final = ((4, 2), (9, 4), (_BINARY_DIGITS_MAX, 8))
_FLOATS: Final = {"COMP-1": 4, "COMP-2": 8}


def read_copybook(text: str, record: str = "", form: SourceFormat = "auto") -> Record:
    """Read a copybook, and place every field of one record of it.

    Args:
        text: its source.
        record: the name of the record, where there are several.
        form: how its lines are read.

    Raises:
        CopybookRefused: it is not understood, or does not say which record is meant.
    """
    found = _records(read_entries(text, form))
    if record:
        chosen = [one for one in found if one[0].name == record.upper()]
        if not chosen:
            raise CopybookRefused("RECORD_UNKNOWN", f"no record {record[:60]}")
        return _Placing(chosen[0]).record()
    if len(found) > 1:
        names = ", ".join(one[0].name for one in found[:10])
        raise found[1][0].refused("RECORDS_SEVERAL", f"one of {names} is to be named")
    return _Placing(found[0]).record()


def _records(entries: list[Entry]) -> list[list[Entry]]:
    """The entries of each record."""
    if entries[0].level not in (1, SINGLE_LEVEL):
        for entry in entries:
            if entry.level in (1, SINGLE_LEVEL):
                raise entry.refused("LEVEL_INVALID", "fields before the first record")
        return [entries]
    found: list[list[Entry]] = []
    for entry in entries:
        if entry.level in (1, SINGLE_LEVEL):
            found.append([])
        elif found[-1][0].level == SINGLE_LEVEL:
            raise entry.refused("LEVEL_INVALID", "a field below level 77")
        found[-1].append(entry)
    return found


@dataclass(frozen=True, slots=True)
class _Above:
    """What an entry has of the groups that it is in."""

    path: str = ""
    usage: Usage = "DISPLAY"
    sign: Sign = ""


class _Placing:
    """Gives the entries of one record their places."""

    def __init__(self, entries: list[Entry]) -> None:
        self._entries = entries
        self._tables = 0

    def record(self) -> Record:
        first = self._entries[0]
        is_group = len(self._entries) > 1 and self._entries[1].level > first.level
        if first.level in (1, SINGLE_LEVEL):
            self._entries[0] = first = replace(first, redefines="")
        if first.level == 1 and is_group:
            if first.occurs:
                raise first.refused("CLAUSE_INVALID", "OCCURS of a record")
            root, _ = self._item(0, 0, _Above())
            root = replace(root, path="")
        else:
            children, length = self._children(-1, 0, _Above())
            root = _group(children, length)
        name = first.name if first.level in (1, SINGLE_LEVEL) else ""
        self._check_names(root)
        objects = _Objects(self._entries, root).found()
        return Record(name, root, _least(root), root.length, objects)

    def _item(self, at: int, offset: int, above: _Above) -> tuple[Item, int]:
        """An entry with all below it, and the index of the next one beside it."""
        entry = self._entries[at]
        end = at + 1
        while end < len(self._entries) and self._entries[end].level > entry.level:
            end += 1
        is_group = end > at + 1
        is_root = is_group and at == 0 and entry.level == 1
        key = "" if is_root else self._key(entry, is_group=is_group)
        path = f"{above.path}.{key}" if above.path and key else key or above.path
        usage, sign = entry.usage or above.usage, entry.sign or above.sign
        children: tuple[Item, ...] = ()
        if is_group:
            _check_group(entry)
            children, length = self._children(at, offset, _Above(path, usage, sign))
        else:
            length = _length(entry, usage)
        if usage == "DISPLAY" and entry.picture and entry.picture.signed:
            length += sign.endswith("separate")
        else:
            sign = ""
        is_variable = bool(entry.occurs and entry.occurs.depending_on)
        item = Item(
            at, entry.name, key, path or FILLER, entry.level, offset, length, usage, entry.picture, sign,
            entry.occurs, entry.redefines, entry.is_justified, entry.value, tuple(entry.conditions), children,
            is_variable or any(child.is_variable for child in children),
        )  # fmt: skip
        return item, end

    def _key(self, entry: Entry, *, is_group: bool) -> str:
        if entry.name != FILLER:
            return entry.name
        if not is_group or entry.occurs is None:
            return ""
        self._tables += 1
        return f"{FILLER}-{self._tables}"

    def _children(self, parent: int, offset: int, above: _Above) -> tuple[tuple[Item, ...], int]:
        """What stands directly below an entry (-1: at the top), and the bytes of it all."""
        placed: list[Item] = []
        level = self._entries[parent].level if parent >= 0 else 0
        at, end = parent + 1, offset
        while at < len(self._entries) and self._entries[at].level > level:
            entry = self._entries[at]
            start = end if not entry.redefines else self._redefined(entry, placed).offset
            item, at = self._item(at, start, above)
            if entry.redefines and item.is_variable:
                raise entry.refused("REDEFINES_INVALID", "an alternative has no variable size")
            end = max(end, item.offset + item.room)
            if end > RECORD_BYTES_MAX:
                raise entry.refused("RECORD_TOO_LONG", f"over {RECORD_BYTES_MAX} bytes")
            placed.append(item)
        return tuple(placed), end - offset

    @staticmethod
    def _redefined(entry: Entry, placed: list[Item]) -> Item:
        """The field whose bytes an entry reads anew: the last one that is no alternative itself."""
        named = [item for item in placed if item.name == entry.redefines]
        base = next((item for item in reversed(placed) if not item.redefines), None)
        cluster = placed[placed.index(base) :] if base else []
        if not named or named[-1] not in cluster or base is None:
            detail = f"REDEFINES {entry.redefines}, which does not stand before it on its level"
            raise entry.refused("REDEFINES_INVALID", detail)
        if base.is_variable:
            raise entry.refused("REDEFINES_INVALID", f"{base.name} has a variable size")
        return base

    def _check_names(self, group: Item) -> None:
        """No name twice among the fields of one group."""
        seen: set[str] = set()
        for item in _named(group):
            if item.key in seen:
                entry = self._entries[item.number]
                raise entry.refused("NAME_DUPLICATE", f"{item.path} is there twice")
            seen.add(item.key)
            if item.is_group:
                self._check_names(item)


def _named(group: Item) -> Iterator[Item]:
    """The fields of a group, those of FILLER groups in it with them."""
    for child in group.children:
        if child.key:
            yield child
        else:
            yield from _named(child)


class _Objects:
    """Finds the field that each table of variable size depends on."""

    def __init__(self, entries: list[Entry], root: Item) -> None:
        self._entries = entries
        self._root = root
        self._before: list[tuple[Item, tuple[int, ...]]] = []
        """Fields so far, each with the numbers of the tables that it is in."""
        self._objects: dict[int, Item] = {}

    def found(self) -> dict[int, Item]:
        self._walk(self._root, ())
        return self._objects

    def _walk(self, item: Item, tables: tuple[int, ...]) -> None:
        if item.occurs and item.occurs.depending_on:
            self._objects[item.number] = self._object(item, item.occurs.depending_on, tables)
        if item.occurs:
            tables = (*tables, item.number)
        if not item.is_group:
            self._before.append((item, tables))
        for child in item.children:
            self._walk(child, tables)

    def _object(self, table: Item, name: str, tables: tuple[int, ...]) -> Item:
        for item, around in reversed(self._before):
            if item.name != name or item.redefines:
                continue
            picture = item.picture
            if around == tables[: len(around)] and picture and _counts(item, picture):
                return item
            raise self._refused(table, f"{name} is no whole number, or in another table")
        raise self._refused(table, f"{name} does not stand before it")

    def _refused(self, table: Item, detail: str) -> CopybookRefused:
        return self._entries[table.number].refused("ODO_INVALID", detail)


def _counts(item: Item, picture: Picture) -> bool:
    return picture.kind == "number" and picture.scale == 0 and not item.occurs


def _group(children: tuple[Item, ...], length: int) -> Item:
    """A group around fields that have none."""
    is_variable = any(child.is_variable for child in children)
    return Item(
        number=-1, name="", key="", path="", level=0, offset=0, length=length, usage="DISPLAY", picture=None, sign="",
        occurs=None, redefines="", is_justified=False, value=None, conditions=(), children=children,
        is_variable=is_variable,
    )  # fmt: skip


def _check_group(entry: Entry) -> None:
    if entry.picture or entry.is_justified:
        raise entry.refused("GROUP_INVALID", "a picture is of a field, and this is a group")
    if entry.is_synchronized:
        raise entry.refused("SYNCHRONIZED_UNSUPPORTED", "SYNCHRONIZED of a group")
    if entry.value:
        raise entry.refused("CLAUSE_UNSUPPORTED", "VALUE of a group")


def _least(item: Item) -> int:
    """Bytes of one occurrence with every table at its least."""
    if not item.is_variable:
        return item.length
    if not item.is_group:
        return item.length
    saved = 0
    for child in item.children:
        if child.is_variable:
            count = child.occurs.least if child.occurs else 1
            saved += child.room - count * _least(child)
    return item.length - saved


def _length(entry: Entry, usage: Usage) -> int:
    """Bytes of one occurrence of a field, but for a separate sign."""
    picture = entry.picture
    if usage in _FLOATS:
        if picture is not None:
            raise entry.refused("USAGE_INVALID", f"{usage} has no picture")
        _check_plain(entry, usage)
        return _FLOATS[usage]
    if picture is None:
        if usage == "DISPLAY" and entry.usage is None:
            raise entry.refused("GROUP_EMPTY", "no picture, and nothing below it")
        raise entry.refused("PICTURE_MISSING", f"{usage} wants a picture")
    if picture.kind != "number":
        if usage != "DISPLAY" or entry.sign:
            raise entry.refused("USAGE_INVALID", f"{usage}{' SIGN' * bool(entry.sign)} of a text")
        return picture.size
    if entry.is_justified:
        raise entry.refused("CLAUSE_INVALID", "JUSTIFIED is of texts")
    return _number_length(entry, picture, usage)


def _number_length(entry: Entry, picture: Picture, usage: Usage) -> int:
    if usage == "DISPLAY":
        if entry.sign and not picture.signed:
            raise entry.refused("CLAUSE_INVALID", "SIGN wants an S in the picture")
        return picture.size
    if usage == "COMP-3":
        _check_plain(replace(entry, is_synchronized=False), usage)
        return picture.size // 2 + 1
    _check_plain(entry, usage)
    for digits, size in _BINARY_BYTES:
        if picture.size <= digits:
            return size
    raise entry.refused("PICTURE_TOO_LONG", f"{usage} has up to {_BINARY_DIGITS_MAX} digits")


def _check_plain(entry: Entry, usage: Usage) -> None:
    """SIGN and JUSTIFIED are of DISPLAY only, and SYNCHRONIZED of what has no slack bytes."""
    if entry.sign or entry.is_justified:
        raise entry.refused("CLAUSE_INVALID", f"SIGN or JUSTIFIED of {usage}")
    if entry.is_synchronized:
        raise entry.refused("SYNCHRONIZED_UNSUPPORTED", f"SYNCHRONIZED of {usage}")
