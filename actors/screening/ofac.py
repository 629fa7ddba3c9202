"""OFAC's SDN files of the old form: sdn.csv, alt.csv, add.csv, sdn_comments.csv, without header, null is `-0-`.

Rule: the four files are one list. An alias whose entry sdn.csv does not have is listed all the same, under its number,
so that an excerpt or a half download lets nobody through; an address without one names nobody and is passed over.
Whichever of the four is named, the folder that it is in is meant; OFAC writes their names in capitals.
Source: protocols.md 5.4.
"""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from comptoir.actors.screening.countries import country_code
from comptoir.actors.screening.entries import Entry, ListInvalid, entry_of

__all__ = ["SDN", "is_of_ofac", "ofac_files", "read_ofac"]

NULL: Final = "-0-"
SDN: Final = "sdn.csv"
FILES: Final = (SDN, "alt.csv", "add.csv", "sdn_comments.csv")
SDN_COLUMNS, ALT_COLUMNS, ADD_COLUMNS, COMMENT_COLUMNS = 12, 5, 6, 2
_SCHEMAS: Final = {"individual": "Person", "vessel": "Vessel", "aircraft": "Airplane", NULL: "Organization"}  # fmt: skip
_MONTHS: Final = {
    name: number
    for number, name in enumerate(["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"], start=1)
}  # fmt: skip
_BORN: Final = re.compile(r"\bDOB (?:circa )?(?:(\d{1,2}) )?(?:([A-Z][a-z]{2}) )?(\d{4})\b")
_ALIAS: Final = re.compile(r"(?:a|f|n)\.k\.a\. '([^']+)'")
_NATION: Final = re.compile(r"\b(?:nationality|citizen) ([A-Z][A-Za-z ,]*?)(?:;|\.|$)")
_GENDER: Final = re.compile(r"\bGender (Male|Female)\b")
_Row = tuple[int, list[str]]


def is_of_ofac(path: Path) -> bool:
    """Whether a file is one of the four; a list of one's own may be called `add.csv`, and begins with a header.

    Raises:
        OSError: it cannot be read.
    """
    if path.name.lower() not in FILES:
        return False
    with path.open("rb") as file:
        return not file.read(16).lstrip(b'\xef\xbb\xbf"').startswith(b"id")


def ofac_files(folder: Path) -> dict[str, Path]:
    """Those of the four that are in a folder, by their names in small letters.

    Raises:
        ListInvalid: one is there twice.
        OSError: it cannot be looked into.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        name = path.name.lower()
        if name in FILES and found.setdefault(name, path) is not path:
            raise ListInvalid(1, f"{path.name} is there twice, in small letters and in capitals")
    return found


def read_ofac(folder: Path) -> Iterator[Entry]:
    """Every entry of the files in a folder; sdn.csv must be there, the others may be missing.

    Raises:
        ListInvalid: a file cannot be understood; the text names it.
    """
    files = ofac_files(folder)
    if SDN not in files:
        raise ListInvalid(1, f"{SDN} is not there, and without it the other files are no list")
    entries = {row[0]: (line, row) for line, row in _rows(files[SDN], SDN_COLUMNS)}
    aliases, countries, remarks = (defaultdict[str, list[str]](list) for _ in range(3))
    for name, columns, index, into in (
        ("alt.csv", ALT_COLUMNS, 3, aliases),
        ("add.csv", ADD_COLUMNS, 4, countries),
        ("sdn_comments.csv", COMMENT_COLUMNS, 1, remarks),
    ):
        for _, row in _rows(files[name], columns) if name in files else ():
            if row[index] != NULL:
                into[row[0]].append(row[index])
    for number, (line, row) in entries.items():
        remark = "".join(["" if row[11] == NULL else row[11], *remarks[number]])
        yield _entry(line, row, remark, (aliases[number], countries[number]))
    for number in sorted({*aliases, *remarks} - {*entries}, key=int):
        names = (*aliases[number], *_ALIAS.findall("".join(remarks[number])))
        if names:
            found = Entry(f"ofac-{number}", "LegalEntity", names, topics=("sanction",))
            yield entry_of(1, found)


def _entry(line: int, row: list[str], remark: str, more: tuple[list[str], list[str]]) -> Entry:
    if row[2] not in _SCHEMAS:
        raise ListInvalid(line, f"sdn.csv: no such type: {row[2][:32]!r}")
    aliases, countries = more
    names = (row[1], *aliases, *_ALIAS.findall(remark))
    places = (*countries, *_NATION.findall(remark))
    gender = _GENDER.search(remark)
    return entry_of(
        line,
        Entry(
            id=f"ofac-{row[0]}",
            schema=_SCHEMAS[row[2]],
            names=names,
            birth_dates=tuple(_date(*found) for found in _BORN.findall(remark)),
            countries=tuple(code for code in map(country_code, places) if code),
            gender=gender[1].lower() if gender else None,
            topics=("sanction",),
        ),
    )


def _date(day: str, month: str, year: str) -> str:
    number = _MONTHS.get(month)
    if number is None:
        return year
    return f"{year}-{number:02d}-{int(day):02d}" if day else f"{year}-{number:02d}"


def _rows(path: Path, columns: int) -> Iterator[_Row]:
    # The files end with a Ctrl-Z of DOS, and were in Latin-1 before they were in UTF-8.
    raw = path.read_bytes().rstrip(b"\x1a\r\n")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if len(cells) != columns:
                raise ListInvalid(reader.line_num, f"{path.name}: {len(cells)} columns, not {columns}")  # fmt: skip
            if not cells[0].isdigit():
                raise ListInvalid(reader.line_num, f"{path.name}: the first column is no number")
            yield reader.line_num, cells
    except csv.Error as error:
        raise ListInvalid(reader.line_num, f"{path.name}: {error}") from None
