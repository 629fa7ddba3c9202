"""Watch lists from files: which format a file has, and the entries in it.

Formats: OpenSanctions' `targets.simple.csv`, FollowTheMoney entities a line (`entities.ftm.json`), their deltas, OFAC's SDN
files in a folder, the UN's consolidated XML, and a CSV of a partner's own. Source: protocols.md 5.4.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec

from comptoir.actors.screening.entries import Entry, ListInvalid, entry_of
from comptoir.actors.screening.ofac import is_of_ofac, ofac_files, read_ofac
from comptoir.actors.screening.un import read_un

__all__ = [
    "apply_delta",
    "list_files",
    "read_ftm",
    "read_list",
    "read_partner_csv",
    "read_simple_csv",
    "source_of",
]

SIMPLE_HEADER: Final = (
    "id", "schema", "name", "aliases", "birth_date", "countries", "addresses", "identifiers", "sanctions",
    "phones", "emails", "program_ids", "dataset", "first_seen", "last_seen", "last_change",
)  # fmt: skip
"""In this order exactly: another order is another format."""
PARTNER_HEADER: Final = ("id", "schema", "name", "aliases", "birth_date", "countries", "gender", "topics")  # fmt: skip
FIELD_CHARS_MAX: Final = 4_000_000
"""An entry's addresses may be long; the module's own bound of 131,072 is met in practice."""
_NAMES: Final = ("name", "alias", "weakAlias", "previousName")
_COUNTRIES: Final = ("country", "nationality", "citizenship", "jurisdiction", "flag")
_LISTED: Final = ("Person", "Company", "Organization", "LegalEntity", "PublicBody", "Vessel", "Airplane")  # fmt: skip
"""Schemas of whom one may meet; sanctions, addresses and passports are entities too, and name nobody."""


def source_of(path: Path) -> Path:
    """What is read where this is named: of one of OFAC's files its folder, else itself.

    Raises:
        OSError: it cannot be read.
    """
    return path.parent if not path.is_dir() and is_of_ofac(path) else path


def list_files(path: Path) -> list[Path]:
    """The files that a list is read from.

    Raises:
        ListInvalid: one of OFAC's is there twice.
        OSError: they cannot be looked at.
    """
    source = source_of(path)
    return [*ofac_files(source).values()] if source.is_dir() else [source]


def read_list(path: Path) -> Iterator[Entry]:
    """Every entry of a file, or of OFAC's files in a folder (or of the folder that one of them is in).

    Raises:
        ListInvalid: it cannot be understood.
        OSError: it cannot be read.
    """
    if (source := source_of(path)).is_dir():
        yield from read_ofac(source)
        return
    with path.open("rb") as file:
        start = file.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n")
        file.seek(0)
        if start.startswith(b"<"):
            yield from read_un(file)
        elif start.startswith(b"{"):
            yield from read_ftm(file)
        elif start.replace(b'"', b"").startswith(b"id,schema,name,aliases,birth_date,countries,gender"):  # fmt: skip
            yield from read_partner_csv(file.read())
        else:
            yield from read_simple_csv(file.read())


def read_simple_csv(text: bytes) -> Iterator[Entry]:
    """OpenSanctions' simplest form. It has no topics: who has a sanction stated is `sanction`, others are listed only."""
    for line, row in _rows(text, SIMPLE_HEADER):
        yield entry_of(
            line,
            Entry(
                id=row["id"],
                schema=row["schema"],
                names=(row["name"], *_many(line, row["aliases"])),
                birth_dates=_dates(line, _many(line, row["birth_date"])),
                countries=_countries(line, _many(line, row["countries"])),
                topics=("sanction",) if row["sanctions"] or row["program_ids"] else (),
            ),
        )


def read_partner_csv(text: bytes) -> Iterator[Entry]:
    """A list of one's own: the columns of `PARTNER_HEADER`, many values parted by `;`."""
    for line, row in _rows(text, PARTNER_HEADER):
        yield entry_of(
            line,
            Entry(
                id=row["id"],
                schema=row["schema"] or "Person",
                names=(row["name"], *_many(line, row["aliases"])),
                birth_dates=_dates(line, _many(line, row["birth_date"])),
                countries=_countries(line, _many(line, row["countries"])),
                gender=row["gender"].lower() or None,
                topics=_many(line, row["topics"]),
            ),
        )


class _Ftm(msgspec.Struct):
    id: Annotated[str, msgspec.Meta(min_length=1)]
    schema: str
    properties: dict[str, list[Any]]


class _Delta(msgspec.Struct):
    op: Literal["ADD", "MOD", "DEL"]
    entity: dict[str, Any]


_FTM: Final = msgspec.json.Decoder(_Ftm)
_DELTA: Final = msgspec.json.Decoder(_Delta)


def read_ftm(lines: Iterable[bytes]) -> Iterator[Entry]:
    """FollowTheMoney entities, one a line; those that name nobody are passed over."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                entity = _FTM.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise ListInvalid(number, str(error)) from None
            if entity.schema in _LISTED:
                yield _of_ftm(number, entity)


def apply_delta(entries: dict[str, Entry], lines: Iterable[bytes]) -> int:
    """Bring a list to its next version: `{"op": "ADD|MOD|DEL", "entity": {...}}` a line.

    All of it or nothing: what cannot be applied (an addition of what is there, a change or removal of what is
    not) means that the delta is of another version.

    Returns:
        How many entries were touched.

    Raises:
        ListInvalid: the delta cannot be read or applied; `entries` is as it was.
    """
    after = dict(entries)
    touched = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            delta = _DELTA.decode(line)
            entity = None if delta.op == "DEL" else msgspec.convert(delta.entity, _Ftm)
        except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
            raise ListInvalid(number, str(error)) from None
        if entity is not None and entity.schema not in _LISTED:
            continue
        touched += _apply(number, after, delta, entity)
    entries.clear()
    entries.update(after)
    return touched


def _apply(line: int, after: dict[str, Entry], delta: _Delta, entity: _Ftm | None) -> int:
    if entity is None:
        # What names nobody was never kept, and goes without a word.
        gone = after.pop(str(delta.entity.get("id", "")), None)
        if gone is None and delta.entity.get("schema") in _LISTED:
            raise ListInvalid(line, "removes an entry that is not there")
        return gone is not None
    if (delta.op == "ADD") is (entity.id in after):
        there = "adds an entry that is there" if delta.op == "ADD" else "changes an entry that is not there"  # fmt: skip
        raise ListInvalid(line, there)
    after[entity.id] = _of_ftm(line, entity)
    return 1


def _of_ftm(line: int, entity: _Ftm) -> Entry:
    def texts(*names: str) -> tuple[str, ...]:
        return tuple(one for name in names for one in entity.properties.get(name, ()) if isinstance(one, str))  # fmt: skip

    return entry_of(
        line,
        Entry(
            id=entity.id,
            schema=entity.schema,
            names=texts(*_NAMES),
            birth_dates=_dates(line, texts("birthDate")),
            countries=_countries(line, texts(*_COUNTRIES)),
            gender=next(iter(texts("gender")), None),
            topics=texts("topics"),
        ),
    )


def _rows(text: bytes, header: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row with the line that it ends on."""
    try:
        whole = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ListInvalid(text[: error.start].count(b"\n") + 1, "not UTF-8") from None
    before = csv.field_size_limit(
        FIELD_CHARS_MAX
    )  # the process's: others keep the one that they count on
    reader = csv.reader(io.StringIO(whole, newline=""), strict=True)
    try:
        first = tuple(next(reader, list[str]()))
        if first != header:
            raise ListInvalid(1, f"the header is not {','.join(header)}")
        for row in reader:
            if len(row) != len(header):
                raise ListInvalid(reader.line_num, f"{len(row)} columns, not {len(header)}")
            yield reader.line_num, dict(zip(header, row, strict=True))
    except csv.Error as error:
        raise ListInvalid(reader.line_num, str(error)) from None
    finally:
        csv.field_size_limit(before)


def _many(line: int, text: str) -> tuple[str, ...]:
    """An inner row of CSV, parted by `;`."""
    if not text:
        return ()
    try:
        return tuple(one for row in csv.reader([text], delimiter=";", strict=True) for one in row if one)  # fmt: skip
    except csv.Error as error:
        raise ListInvalid(line, str(error)) from None


def _dates(line: int, texts: tuple[str, ...]) -> tuple[str, ...]:
    """Years, months or days; a time of day is cut off."""
    found = tuple(text[:10] for text in texts)
    for one in found:
        if not (one[:4].isdigit() and len(one) in (4, 7, 10) and one.replace("-", "").isdigit()):
            raise ListInvalid(line, "a birth date is no date of ISO 8601")
    return found


def _countries(line: int, texts: tuple[str, ...]) -> tuple[str, ...]:
    """ISO codes; what is longer (a former state, a region such as `ge-ab`) is left out, as no evidence."""
    for one in texts:
        if not one.replace("-", "").isalnum():
            raise ListInvalid(line, "a country is no code")
    return tuple(one for one in texts if len(one) == 2)  # noqa: PLR2004 - alpha-2
