"""The reading half of a codec: what takes every part of a group out of the bytes.

Source: codec.py, whose rules these are.
"""

from collections.abc import Callable
from typing import Any

from comptoir.actors.gateways.copybook.items import Item, Record
from comptoir.actors.gateways.copybook.options import Options
from comptoir.actors.gateways.copybook.pages import CodePage
from comptoir.actors.gateways.copybook.reading import Reader, Scalar, reader_of
from comptoir.actors.gateways.copybook.refusals import RecordRefused
from comptoir.actors.gateways.copybook.runs import Run, clusters, counted, counting_of, within

__all__ = ["Take", "Taking", "Values"]

Values = dict[str, Any]
"""Fields by name: str, int, Decimal, a dict for a group, a list for a table."""
Take = Callable[[Values, bytes, str, int, Run], None]
"""Reads one part of a group into its dict."""
_Read = Callable[[bytes, str, int, Run], Any]


class Taking:
    """Makes the functions that read a layout."""

    def __init__(
        self, record: Record, options: Options, page: CodePage, *, is_variable: bool
    ) -> None:
        self._record = record
        self._options = options
        self._page = page
        self._is_variable = is_variable
        self._counted = counted(record)

    def group(self, group: Item) -> Take:
        """Reads all parts of a group."""
        takes: list[Take] = []
        plain: list[tuple[str, Reader]] = []
        for cluster in clusters(group):
            if (read := self._plain(cluster)) is not None:
                plain.append((cluster[0].key, read))
                continue
            if plain:
                takes.append(_taking_plain(tuple(plain)))
                plain = []
            takes.append(self._take(cluster))
        if plain:
            takes.append(_taking_plain(tuple(plain)))
        if len(takes) == 1:
            return takes[0]

        def take(out: Values, data: bytes, text: str, at: int, run: Run) -> None:
            for one in takes:
                one(out, data, text, at, run)

        return take

    def _plain(self, cluster: list[Item]) -> Reader | None:
        """What reads a field that stands where it stands, alone and once: nearly all of them, so without a detour."""
        item = cluster[0]
        if len(cluster) > 1 or item.is_group or item.occurs or not item.key:
            return None
        if self._is_variable or item.number in self._counted:
            return None
        return reader_of(item, self._page, self._options)

    def _take(self, cluster: list[Item]) -> Take:
        if len(cluster) == 1:
            return self._take_one(cluster[0])
        takes = [self._take_one(item) for item in cluster]

        def take(out: Values, data: bytes, text: str, at: int, run: Run) -> None:
            refused: RecordRefused | None = None
            is_read = False
            for one in takes:
                alternative: Values = {}
                try:
                    one(alternative, data, text, at, run)
                except RecordRefused as error:
                    refused = refused or error
                else:
                    out |= alternative
                    is_read = True
            if refused is not None and not is_read:
                raise refused

        return take

    def _take_one(self, item: Item) -> Take:
        key = item.key
        if item.occurs is None and not key:
            return self.group(item) if item.is_group else _take_nothing
        if item.occurs is not None and not key:
            return self._skipped(item)
        read = self._table(item) if item.occurs else self._once(item)

        def take(out: Values, data: bytes, text: str, at: int, run: Run) -> None:
            out[key] = read(data, text, at, run)

        return take

    def _skipped(self, item: Item) -> Take:
        """A FILLER that occurs: it is not read, and has its length."""
        counting = counting_of(self._record, item, shifts=self._is_variable)

        def take(_out: Values, _data: bytes, _text: str, _at: int, run: Run) -> None:
            counting(run)

        return take

    def _once(self, item: Item) -> _Read:
        """Reads one occurrence."""
        if item.is_group:
            takes = self.group(item)

            def read_group(data: bytes, text: str, at: int, run: Run) -> Any:
                out: Values = {}
                takes(out, data, text, at, run)
                return out

            return read_group
        read = reader_of(item, self._page, self._options)
        if not self._is_variable:
            if item.number in self._counted:
                return _reading_count(item, lambda data, text, at, _run: read(data, text, at))
            return lambda data, text, at, _run: read(data, text, at)
        end = item.offset + item.length

        def read_shifted(data: bytes, text: str, at: int, run: Run) -> Any:
            if at + end - run.shift > len(text):
                detail = f"it ends after {run.limit} bytes, within a field"
                raise RecordRefused("RECORD_LENGTH_WRONG", detail, item.path, item.offset)
            return read(data, text, at - run.shift)

        return _reading_count(item, read_shifted) if item.number in self._counted else read_shifted

    def _table(self, item: Item) -> _Read:
        read, stride, counting = (
            self._once(item),
            item.length,
            counting_of(self._record, item, shifts=self._is_variable),
        )

        def read_table(data: bytes, text: str, at: int, run: Run) -> Any:
            found: list[Any] = []
            try:
                for _ in range(counting(run, apply=False)):
                    found.append(read(data, text, at, run))
                    at += stride
            except RecordRefused as refused:
                raise within(refused, item, len(found)) from None
            counting(run)
            return found

        return read_table


def _taking_plain(parts: tuple[tuple[str, Reader], ...]) -> Take:
    def take(out: Values, data: bytes, text: str, at: int, _run: Run) -> None:
        for key, read in parts:
            out[key] = read(data, text, at)

    return take


def _take_nothing(_out: Values, _data: bytes, _text: str, _at: int, _run: Run) -> None:
    """A FILLER."""


def _reading_count(item: Item, read: _Read) -> _Read:
    """A field that says how often another stands there."""

    def read_count(data: bytes, text: str, at: int, run: Run) -> Scalar:
        value: Scalar = read(data, text, at, run)
        if not isinstance(value, int):
            raise RecordRefused(
                "DIGIT_INVALID", "it says how many, and is blank", item.path, item.offset
            )
        run.counts[item.number] = value
        return value

    return read_count
