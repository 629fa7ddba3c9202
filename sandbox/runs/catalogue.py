"""The partners and connections that a run draws from, read from the daemon's own import files.

Rule: only what has one certain outcome takes part: a partner that a tie, a cap, a validity date or
a name like a bank's prefix makes uncertain is left out, and counted.

Source: interface.md 4 (columns, and the rule that matches a label).
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from comptoir.sandbox.errors import Refused, invalid
from comptoir.sandbox.runs.words import PREFIX_WORDS, fold, joined_words_of, words_of

# A hundred thousand partners and a million connections, with room for names.
FILE_BYTES_MAX = 128 * 1024 * 1024
# Shorter names (in letters and digits) are where a careful matcher may refuse to guess.
NAME_LETTERS_MIN = 3
# Dots and plus signs are read in more than one way (S.N.C.F., CANAL+).
_PLAIN = re.compile(r"[A-Z0-9 &'\u2019/,!-]+")


@dataclass(frozen=True, slots=True)
class Partner:
    """A partner whose labels have one certain outcome."""

    name: str
    rate_bp: int
    mcc: tuple[str, ...]
    city: str


@dataclass(frozen=True, slots=True)
class Connection:
    """Whose card it is."""

    connection_id: str
    user_id: str


class Names:
    """All partners' names and patterns as words, to ask what a label may match."""

    def __init__(self) -> None:
        self._owners: dict[tuple[str, ...], set[int]] = {}
        self._longest = 0

    def add(self, words: tuple[str, ...], owner: int) -> None:
        if words:
            self._owners.setdefault(words, set()).add(owner)
            self._longest = max(self._longest, len(words))

    def matches(self, words: tuple[str, ...]) -> Iterator[set[int]]:
        """The owners of every name that the words begin with, longest name first."""
        for length in range(min(self._longest, len(words)), 0, -1):
            if owners := self._owners.get(words[:length]):
                yield owners

    def longest(self, words: tuple[str, ...]) -> set[int] | None:
        """The owners of the longest name that the words begin with."""
        return next(self.matches(words), None)

    def owner(self, words: tuple[str, ...]) -> int | None:
        """The one owner of the longest name that the words begin with, if there is just one."""
        owners = self.longest(words)
        return next(iter(owners)) if owners is not None and len(owners) == 1 else None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What a run draws from."""

    partners: tuple[Partner, ...]
    indexes: tuple[int, ...]
    """The number of each partner in the file, which is its owner number in `names`."""
    names: Names
    connections: tuple[Connection, ...]
    partners_left_out: int


def load(partners_csv: str, connections_csv: str) -> Catalogue:
    """Reads both files (a path, or the text itself if it has a line break). Blocks; see `Refused`.

    Raises:
        Refused: 422 with the line and column of what is wrong, or that nothing is left to draw.
    """
    rows = list(_rows(partners_csv, "/partnersCsv", ("id", "name", "rate_bp")))
    names = Names()
    for index, (_, row) in enumerate(rows):
        for text in (row["name"], *_listed(row, "patterns")):
            names.add(words_of(text), index)
            names.add(joined_words_of(text), index)
    found: list[Partner] = []
    indexes: list[int] = []
    for index, (line, row) in enumerate(rows):
        rate_bp = _rate(line, row)
        if _certain(row, index, names):
            partner = Partner(row["name"], rate_bp, _listed(row, "mcc"), row.get("city", ""))
            found.append(partner)
            indexes.append(index)
    connections = tuple(
        Connection(row["connection_id"], row["user_id"])
        for _, row in _rows(connections_csv, "/connectionsCsv", ("connection_id", "user_id"))
        if row.get("provider", "") in {"", "seed"}
    )
    if not connections:
        raise invalid("/connectionsCsv", "CSV_EMPTY", "no connection of provider seed")
    return Catalogue(tuple(found), tuple(indexes), names, connections, len(rows) - len(found))


def _certain(row: dict[str, str], index: int, names: Names) -> bool:
    words = words_of(row["name"])
    return (
        sum(map(len, words)) >= NAME_LETTERS_MIN
        and words[0] not in PREFIX_WORDS
        and _PLAIN.fullmatch(fold(row["name"])) is not None
        and names.owner(words) == index
        and not any(
            row.get(name)
            for name in ("valid_from", "valid_to", "cap_cents_purchase", "cap_cents_month")
        )
    )


def _rate(line: int, row: dict[str, str]) -> int:
    text = row["rate_bp"]
    if not (text.isascii() and text.isdigit() and int(text) <= 10_000):
        detail = f"line {line}, column rate_bp: not an integer from 0 to 10000"
        raise invalid("/partnersCsv", "CSV_INVALID", detail)
    return int(text)


def _listed(row: dict[str, str], name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in row.get(name, "").split(";") if part.strip())


def _rows(
    source: str, pointer: str, required: tuple[str, ...]
) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and columns of each row; the required ones are never empty."""
    reader = csv.reader(io.StringIO(_text(source, pointer), newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, list[str]())]
        for name in required:
            if name not in header:
                raise invalid(pointer, "CSV_INVALID", f"line 1: the column {name} is missing")
        for cells in reader:
            if not cells:
                continue
            row = dict(zip(header, (cell.strip() for cell in cells), strict=False))
            empty = next((name for name in required if not row.get(name)), None)
            if empty is not None:
                detail = f"line {reader.line_num}, column {empty}: empty"
                raise invalid(pointer, "CSV_INVALID", detail)
            yield reader.line_num, row
    except csv.Error as error:
        detail = f"line {reader.line_num}: not CSV: {error}"
        raise invalid(pointer, "CSV_INVALID", detail) from None


def _text(source: str, pointer: str) -> str:
    if "\n" in source:
        return source
    path = Path(source)
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise Refused(413, "PAYLOAD_TOO_LARGE", f"{pointer}: over {FILE_BYTES_MAX} bytes")
        return path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise invalid(pointer, "CSV_UNREADABLE", f"cannot be read: {reason}") from None
