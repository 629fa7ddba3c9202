"""The writing half of a codec: what gives the bytes of every part of a group.

Source: codec.py, whose rules these are.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from comptoir.actors.gateways.copybook.items import Item, Record
from comptoir.actors.gateways.copybook.options import Options
from comptoir.actors.gateways.copybook.pages import CodePage
from comptoir.actors.gateways.copybook.refusals import RecordRefused
from comptoir.actors.gateways.copybook.runs import Run, clusters, counted, counting_of, within
from comptoir.actors.gateways.copybook.writing import initial_of, writer_of

__all__ = ["Give", "Giving"]

Give = Callable[[Mapping[str, Any], Run], bytes]
"""Writes one part of a group from its dict."""
_Write = Callable[[Any, Run], bytes]
"""Writes one occurrence from its value."""


class Giving:
    """Makes the functions that write a layout."""

    def __init__(
        self, record: Record, options: Options, page: CodePage, *, is_variable: bool
    ) -> None:
        self._record = record
        self._options = options
        self._page = page
        self._is_variable = is_variable
        self._counted = counted(record)

    def group(self, group: Item) -> _Write:
        """Writes all parts of a group from one dict."""
        gives = tuple(self._give(cluster) for cluster in clusters(group))
        known = frozenset(_keys(group))

        def write(values: Any, run: Run) -> bytes:
            if not isinstance(values, Mapping):
                raise RecordRefused(
                    "FIELD_TYPE_WRONG", "a group is an object", group.path, group.offset
                )
            given = cast("Mapping[str, Any]", values)
            if not known.issuperset(given):
                unknown = next(str(name)[:60] for name in given if name not in known)
                raise RecordRefused("FIELD_UNKNOWN", f"{unknown} is no field of it", group.path)
            return b"".join([one(given, run) for one in gives])

        return write

    def _hoisted(self, group: Item) -> Give:
        """Writes a FILLER group from the dict of the group above."""
        gives = tuple(self._give(cluster) for cluster in clusters(group))
        return lambda values, run: b"".join([one(values, run) for one in gives])

    def _give(self, cluster: list[Item]) -> Give:
        if len(cluster) == 1:
            return self._give_one(cluster[0])
        gives = [(frozenset(_keys_of(item)), self._give_one(item)) for item in cluster]
        room = max(item.room for item in cluster)
        names = ", ".join(item.name for item in cluster)
        blank = bytes((self._page.blank,))

        def give(values: Mapping[str, Any], run: Run) -> bytes:
            said = [one(values, run) for keys, one in gives if not keys.isdisjoint(values)]
            data = max(said or [gives[0][1](values, run)], key=len)
            if any(data[: len(other)] != other for other in said):
                detail = f"{names} are the same bytes, and are said to differ"
                raise RecordRefused(
                    "REDEFINES_DISAGREE", detail, cluster[0].path, cluster[0].offset
                )
            return data + blank * (room - len(data))

        return give

    def _give_one(self, item: Item) -> Give:
        key = item.key
        if item.occurs is None and not key and item.is_group:
            return self._hoisted(item)
        if not (item.is_group or item.occurs) and item.number not in self._counted:
            return self._give_plain(item)
        write = self.group(item) if item.is_group else self._value(item)
        initial = None if item.is_group else initial_of(item, self._page, self._options)
        if item.occurs is not None:
            return self._give_table(item, write, initial)
        derived = self._derived(item) if item.number in self._counted else None

        def give(values: Mapping[str, Any], run: Run) -> bytes:
            if key in values:
                return write(values[key], run)
            if derived is not None and (count := derived(values)) is not None:
                return write(count, run)
            if initial is not None:
                if derived is not None:
                    raise RecordRefused("FIELD_MISSING", "it says how many", item.path, item.offset)
                return initial
            if item.is_group:
                return write({}, run)
            raise RecordRefused("FIELD_MISSING", "no value is given", item.path, item.offset)

        return give

    def _give_plain(self, item: Item) -> Give:
        """Writes a field that stands there once and counts nothing: nearly all of them."""
        key, write = item.key, writer_of(item, self._page, self._options)
        initial = initial_of(item, self._page, self._options)

        def give(values: Mapping[str, Any], _run: Run) -> bytes:
            if key in values:
                return write(values[key])
            if initial is None:
                raise RecordRefused("FIELD_MISSING", "no value is given", item.path, item.offset)
            return initial

        return give

    def _value(self, item: Item) -> _Write:
        write = writer_of(item, self._page, self._options)
        if item.number not in self._counted:
            return lambda value, _run: write(value)

        def write_count(value: Any, run: Run) -> bytes:
            data = write(value)
            run.counts[item.number] = int(value)
            return data

        return write_count

    def _derived(self, counter: Item) -> Callable[[Mapping[str, Any]], int | None]:
        """How many there are of the table beside the field that says so, where that is not given."""
        keys = [
            item.key
            for item in self._record.items
            if (found := self._record.objects.get(item.number)) and found.number == counter.number
            and item.path.rpartition(".")[0] == counter.path.rpartition(".")[0]
        ]  # fmt: skip

        def derived(values: Mapping[str, Any]) -> int | None:
            for key in keys:
                found: object = values.get(key)
                if isinstance(found, list | tuple):
                    return len(cast("Sequence[object]", found))
            return None

        return derived

    def _give_table(self, item: Item, write: _Write, initial: bytes | None) -> Give:
        counting, key = counting_of(self._record, item, shifts=self._is_variable), item.key
        fill = bytes((self._page.blank,)) * item.length

        def give(values: Mapping[str, Any], run: Run) -> bytes:
            count = counting(run)
            if key in values:
                data = self._rows(item, values[key], count, write, run)
            elif initial is not None:
                data = initial * count
            elif count and not item.is_group:
                raise RecordRefused("FIELD_MISSING", "no value is given", item.path, item.offset)
            else:
                data = self._rows(item, [{}] * count, count, write, run)
            assert item.occurs is not None
            return data if self._is_variable else data + fill * (item.occurs.most - count)

        return give

    @staticmethod
    def _rows(item: Item, rows: Any, count: int, write: _Write, run: Run) -> bytes:
        if not isinstance(rows, list | tuple):
            raise RecordRefused("FIELD_TYPE_WRONG", "a table is a list", item.path, item.offset)
        given = cast("Sequence[object]", rows)
        if len(given) != count:
            detail = f"{len(given)} of {count}"
            raise RecordRefused("COUNT_WRONG", detail, item.path, item.offset)
        parts: list[bytes] = []
        try:
            for row in given:
                parts.append(write(row, run))  # noqa: PERF401 - which one it is, if one is refused
        except RecordRefused as refused:
            raise within(refused, item, len(parts)) from None
        return b"".join(parts)


def _keys(group: Item) -> list[str]:
    """What a group's dict may hold."""
    return [key for item in group.children for key in _keys_of(item)]


def _keys_of(item: Item) -> list[str]:
    if item.key:
        return [item.key]
    return _keys(item) if item.is_group else []
