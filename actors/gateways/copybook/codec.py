"""A record as bytes, and as values: both ways, by one copybook.

Rules:
- a group is a dict, a table a list, a FILLER nothing; its bytes are blanks or zeros where a record is made;
- the length is proved: not a byte is missing, and none is left over;
- of alternatives (REDEFINES) all that can be read are given; where several are given to be written, they must be the
  same bytes, and what none of them says is blank;
- the field of DEPENDING ON may be left out beside its table: it is then as many as there are;
- what has no value has its VALUE, or is missing; what is not known is refused.
The functions of a layout are made once and kept; they hold nothing of a record.
Source: protocols.md 5.7; X12, E11.
"""

from collections.abc import Mapping
from typing import Any, Final

from comptoir.actors.gateways.copybook.giving import Giving
from comptoir.actors.gateways.copybook.items import Record
from comptoir.actors.gateways.copybook.options import Options
from comptoir.actors.gateways.copybook.pages import code_page
from comptoir.actors.gateways.copybook.refusals import RecordRefused
from comptoir.actors.gateways.copybook.runs import Run
from comptoir.actors.gateways.copybook.taking import Taking, Values

__all__ = ["Codec", "Values"]

DEFAULT_PAGE: Final = "cp037"
DEFAULT_LINES_PAGE: Final = "ascii"


class Codec:
    """Reads and writes the records of one copybook."""

    def __init__(self, record: Record, options: Options | None = None) -> None:
        """Make the functions of every field.

        Raises:
            RecordRefused: an option that does not fit the copybook, or a VALUE its field.
        """
        self.record = record
        self.options = options or Options()
        default = DEFAULT_LINES_PAGE if self.options.record_format == "D" else DEFAULT_PAGE
        self.page = code_page(self.options.code_page or default)
        self._is_variable = record.root.is_variable and self.options.odo == "actual"
        given = (record, self.options, self.page)
        self._take = Taking(*given, is_variable=self._is_variable).group(record.root)
        self._give = Giving(*given, is_variable=self._is_variable).group(record.root)

    def __repr__(self) -> str:
        return f"<Codec {self.record.name or 'record'} {self.least} to {self.most} bytes {self.page.name}>"

    @property
    def least(self) -> int:
        """Bytes of the shortest record."""
        return self.record.least if self._is_variable else self.record.most

    @property
    def most(self) -> int:
        return self.record.most

    def decode(self, data: bytes) -> Values:
        """The values of one record.

        Raises:
            RecordRefused: it is no such record.
        """
        if not self.least <= len(data) <= self.most:
            raise self._length_wrong(len(data))
        values, end = self.decode_at(data, self.page.text(data), 0)
        if end != len(data):
            raise self._length_wrong(len(data), end)
        return values

    def _length_wrong(self, given: int, wanted: int = 0) -> RecordRefused:
        most = self.most
        want = (
            str(wanted) if wanted else f"{self.least} to {most}" if self.least < most else f"{most}"
        )
        return RecordRefused("RECORD_LENGTH_WRONG", f"{given} bytes, where {want} are wanted")

    def decode_at(self, data: bytes, text: str, at: int) -> tuple[Values, int]:
        """The values of the record that begins there, and where it ends; `text` is `data` in characters."""
        run = Run(len(data) - at)
        if run.limit < self.least:
            raise self._length_wrong(run.limit)
        values: Values = {}
        self._take(values, data, text, at, run)
        return values, at + self.most - run.shift

    def encode(self, values: Mapping[str, Any]) -> bytes:
        """The bytes of one record.

        Raises:
            RecordRefused: the values make none.
        """
        data = self._give(values, Run(0))
        assert self.least <= len(data) <= self.most
        return data
