"""Partners and connections from CSV: bytes in, typed rows or located errors out.

The rule: a file is taken whole or not at all. Whoever calls decides what to do with the rows; this
page only reads. An error says where (line, column), what (a stable code) and the rule that was
broken, never the value, because a value may be personal. At most `ERRORS_MAX` are told.

Form: UTF-8 with or without byte order mark, RFC 4180, a header row, columns in any order.
Source: interface.md 4; RFC 4180; ISO 18245 (merchant category codes).
"""

import csv
import difflib
import io
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Generic, TypeVar

import msgspec

from comptoir.actors import import_values as of
from comptoir.actors.import_values import (
    NAME_CHARS_MAX,
    PROVIDERS,
    Parser,
    Value,
    ValueRefusedError,
)
from comptoir.actors.merchants.partner import Partner

__all__ = [
    "ERRORS_MAX",
    "FILE_BYTES_MAX",
    "PROVIDERS",
    "ROWS_MAX",
    "ConnectionRow",
    "LineError",
    "Parsed",
    "parse_connections",
    "parse_partners",
    "read_connections",
    "read_partners",
]

ERRORS_MAX: Final = 100
"""Errors told of one file (interface.md 4)."""
ROWS_MAX: Final = 300_000
"""Rows of one file: three times the partners that the catalogue is built for. They are all held
until the last one is judged, at 300 bytes each; a daemon works within 512 MiB."""
FILE_BYTES_MAX: Final = 16 * 1024 * 1024
"""Three hundred thousand rows of 56 bytes. A file is in memory three times while it is read."""
ID_CHARS_MAX: Final = 128
CENTS_MAX: Final = 9_999_999_999
"""The largest amount that a webhook may carry, 99,999,999.99 (interface.md 6)."""
RATE_BP_MAX: Final = 10_000


class LineError(msgspec.Struct, frozen=True):
    """One thing wrong with a file."""

    line: int
    """The line on which the row begins, from 1."""
    column: str
    """The column's name; empty when the row or the file as a whole is meant."""
    code: str
    """Stable."""
    text: str


class ConnectionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of connections.csv; an absent value is empty."""

    connection_id: str
    user_id: str
    provider: str = "seed"
    bank_name: str = ""
    card_last4: str = ""
    consent_expires_on: str = ""


Row = TypeVar("Row")


class Parsed(msgspec.Struct, Generic[Row], frozen=True):
    """A file that was read: all its rows, or what is wrong with it. Never both."""

    rows: tuple[Row, ...]
    errors: tuple[LineError, ...]


def parse_partners(data: bytes | str) -> Parsed[Partner]:
    """Read partners.csv as a whole; `read_partners` reads it row by row."""
    return _collect(read_partners(data))


def parse_connections(data: bytes | str) -> Parsed[ConnectionRow]:
    """Read connections.csv as a whole; `read_connections` reads it row by row."""
    return _collect(read_connections(data))


def read_partners(data: bytes | str) -> Iterator[Partner | LineError]:
    """Read partners.csv lazily, so that a loop can breathe between rows.

    Yields:
        A partner or an error per row, in order (a row with several errors yields each). The caller
        stops when it has heard enough; a structural error ends the iteration by itself.
    """
    return _read(data, _PARTNER)


def read_connections(data: bytes | str) -> Iterator[ConnectionRow | LineError]:
    """Read connections.csv lazily; as `read_partners`."""
    return _read(data, _CONNECTION)


class _Schema(msgspec.Struct, Generic[Row], frozen=True):
    """What a file's columns are, and what a row becomes."""

    required: Mapping[str, Parser]
    optional: Mapping[str, Parser]
    make: Callable[[dict[str, Value]], Row]

    @property
    def columns(self) -> dict[str, Parser]:
        return {**self.required, **self.optional}

    @property
    def identity(self) -> str:
        """The column whose values are distinct: the first."""
        return next(iter(self.required))


def _collect(read: Iterator[Row | LineError]) -> Parsed[Row]:
    rows: list[Row] = []
    errors: list[LineError] = []
    for item in read:
        if isinstance(item, LineError):
            errors.append(item)
            if len(errors) == ERRORS_MAX:
                break
        else:
            rows.append(item)
    return Parsed((), tuple(errors)) if errors else Parsed(tuple(rows), ())


# --- the file ---------------------------------------------------------------------------------


def _read(data: bytes | str, schema: _Schema[Row]) -> Iterator[Row | LineError]:
    text = _decode(data)
    if isinstance(text, LineError):
        yield text
        return
    records = _records(text)
    header = next(records, None)
    if header is None or isinstance(header, LineError):
        yield header or LineError(1, "", "CSV_HEADER_MISSING", "the file has no header row")
        return
    names = header[1]
    if wrong := list(_header_errors(header[0], names, schema)):
        yield from wrong
        return
    first_lines: dict[str, int] = {}
    for count, record in enumerate(records, start=1):
        if isinstance(record, LineError):
            yield record
            return
        if count > ROWS_MAX:
            yield LineError(record[0], "", "CSV_TOO_LONG", f"at most {ROWS_MAX} rows in a file")
            return
        yield from _row(record, names, schema, first_lines)


def _decode(data: bytes | str) -> str | LineError:
    if len(data) > FILE_BYTES_MAX:
        return LineError(1, "", "CSV_TOO_LONG", f"at most {FILE_BYTES_MAX} bytes in a file")
    if isinstance(data, str):
        return data.removeprefix("\ufeff")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return LineError(line, "", "CSV_ENCODING", "the file is not UTF-8 from this line on")


def _records(text: str) -> Iterator[tuple[int, list[str]] | LineError]:
    """Give each record with the line on which it begins; blank lines are passed over."""
    # Not a StringIO, which takes four bytes for each character of the file.
    raw = io.BytesIO(text.encode("utf-8", "surrogatepass"))
    lines = io.TextIOWrapper(raw, "utf-8", "surrogatepass", newline="")
    reader = csv.reader(lines, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield LineError(line, "", "CSV_MALFORMED", f"not RFC 4180: {error}")
            return
        if fields:
            yield line, fields


def _header_errors(line: int, names: list[str], schema: _Schema[Row]) -> Iterator[LineError]:
    known = list(schema.columns)
    for position, name in enumerate(names):
        if name not in known:
            near = difflib.get_close_matches(name.strip().lower(), known, n=1, cutoff=0.4)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
            shown = "".join(char if char.isprintable() else "?" for char in name[:64])
            yield LineError(line, shown, "CSV_COLUMN_UNKNOWN", f"no such column: {hint}")
        elif name in names[:position]:
            yield LineError(line, name, "CSV_COLUMN_DOUBLED", "the column is given twice")
    for name in schema.required:
        if name not in names:
            yield LineError(line, name, "CSV_COLUMN_MISSING", "the column is required")


def _row(
    record: tuple[int, list[str]],
    names: list[str],
    schema: _Schema[Row],
    first_lines: dict[str, int],
) -> Iterator[Row | LineError]:
    line, fields = record
    if len(fields) != len(names):
        text = f"the header has {len(names)} fields, this row {len(fields)}"
        yield LineError(line, "", "CSV_FIELD_COUNT", text)
        return
    values: dict[str, Value] = {}
    errors: list[LineError] = []
    for name, field in zip(names, fields, strict=True):
        try:
            values |= _field(name, field, schema)
        except ValueRefusedError as bad:
            errors.append(LineError(line, name, bad.code, bad.text))
    key = values.get(schema.identity)
    if isinstance(key, str) and first_lines.setdefault(key, line) != line:
        text = f"the same value as on line {first_lines[key]}"
        errors.append(LineError(line, schema.identity, "ID_DUPLICATE", text))
    if errors:
        yield from errors
        return
    try:
        yield schema.make(values)
    except ValueRefusedError as bad:
        yield LineError(line, "valid_to", bad.code, bad.text)


def _field(name: str, field: str, schema: _Schema[Row]) -> dict[str, Value]:
    """Read one field; an empty optional one is absent."""
    if field == "":
        if name in schema.required:
            raise ValueRefusedError("VALUE_MISSING", "a value is required")
        return {}
    for char in field:
        # Cc holds U+0000, which PostgreSQL refuses; Cs are lone surrogates, which UTF-8 has not.
        if unicodedata.category(char) in {"Cc", "Cs"}:
            rule = f"U+{ord(char):04X} is not allowed"
            raise ValueRefusedError("VALUE_CHARACTER_FORBIDDEN", rule)
    return {name: schema.columns[name](field)}


def _partner(values: dict[str, Value]) -> Partner:
    partner = msgspec.convert(values, Partner)
    if partner.valid_from and partner.valid_to and partner.valid_to < partner.valid_from:
        raise ValueRefusedError("DATES_REVERSED", "the last day comes before the first")
    return partner


def _connection(values: dict[str, Value]) -> ConnectionRow:
    return msgspec.convert(values, ConnectionRow)


_PARTNER: Final = _Schema[Partner](
    required={
        "id": of.form(r"[A-Za-z0-9_-]{1,64}", "1-64 letters, digits, underscores or hyphens"),
        "name": of.name,
        "rate_bp": of.whole_number(RATE_BP_MAX),
    },
    optional={
        "mcc": of.list_of(of.form(r"[0-9]{4}", "codes of four digits, separated by semicolons")),
        "patterns": of.list_of(of.name),
        "valid_from": of.day,
        "valid_to": of.day,
        "cap_cents_purchase": of.whole_number(CENTS_MAX),
        "cap_cents_month": of.whole_number(CENTS_MAX),
        "city": of.text(NAME_CHARS_MAX),
        "trade_names": of.list_of(of.name),
        "stores": of.list_of(of.store),
        "excludes": of.list_of(of.name),
        "country": of.form(r"[A-Z]{2}", "two capitals (ISO 3166)"),
        "common_name": of.flag,
    },
    make=_partner,
)
_CONNECTION: Final = _Schema[ConnectionRow](
    required={"connection_id": of.text(ID_CHARS_MAX), "user_id": of.text(ID_CHARS_MAX)},
    optional={
        "provider": of.provider,
        "bank_name": of.text(NAME_CHARS_MAX),
        "card_last4": of.form(r"[0-9]{4}", "four digits"),
        "consent_expires_on": of.day,
    },
    make=_connection,
)
