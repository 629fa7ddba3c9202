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
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Final, Generic, TypeVar

import msgspec

from comptoir.actors.merchants.normalise import keys
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
NAME_CHARS_MAX: Final = 200
ID_CHARS_MAX: Final = 128
LIST_ENTRIES_MAX: Final = 50
"""Codes or patterns of one partner."""
CENTS_MAX: Final = 9_999_999_999
"""The largest amount that a webhook may carry, 99,999,999.99 (interface.md 6)."""
RATE_BP_MAX: Final = 10_000
PROVIDERS: Final = ("seed", "powens", "plaid", "tink")
"""Providers a connection may belong to (S42)."""


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


class _ValueRefusedError(Exception):
    """A value breaks a rule: (code, text). Becomes a `LineError`, never leaves this page."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text


_Value = str | int | tuple[str, ...] | None
_Parser = Callable[[str], _Value]


class _Schema(msgspec.Struct, Generic[Row], frozen=True):
    """What a file's columns are, and what a row becomes."""

    required: Mapping[str, _Parser]
    optional: Mapping[str, _Parser]
    make: Callable[[dict[str, _Value]], Row]

    @property
    def columns(self) -> dict[str, _Parser]:
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
    values: dict[str, _Value] = {}
    errors: list[LineError] = []
    for name, field in zip(names, fields, strict=True):
        try:
            values |= _field(name, field, schema)
        except _ValueRefusedError as bad:
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
    except _ValueRefusedError as bad:
        yield LineError(line, "valid_to", bad.code, bad.text)


def _field(name: str, field: str, schema: _Schema[Row]) -> dict[str, _Value]:
    """Read one field; an empty optional one is absent."""
    if field == "":
        if name in schema.required:
            raise _ValueRefusedError("VALUE_MISSING", "a value is required")
        return {}
    for char in field:
        # Cc holds U+0000, which PostgreSQL refuses; Cs are lone surrogates, which UTF-8 has not.
        if unicodedata.category(char) in {"Cc", "Cs"}:
            rule = f"U+{ord(char):04X} is not allowed"
            raise _ValueRefusedError("VALUE_CHARACTER_FORBIDDEN", rule)
    return {name: schema.columns[name](field)}


# --- the values -------------------------------------------------------------------------------


def _text(chars_max: int) -> _Parser:
    def parse(field: str) -> str:
        value = field.strip()
        if not value:
            raise _ValueRefusedError("VALUE_MISSING", "blanks only")
        if len(value) > chars_max:
            raise _ValueRefusedError("VALUE_TOO_LONG", f"at most {chars_max} characters")
        return value

    return parse


def _form(pattern: str, rule: str) -> _Parser:
    compiled = re.compile(pattern)

    def parse(field: str) -> str:
        if compiled.fullmatch(field) is None:
            raise _ValueRefusedError("VALUE_INVALID", rule)
        return field

    return parse


def _whole_number(most: int) -> _Parser:
    def parse(field: str) -> int:
        if re.fullmatch(r"[0-9]{1,18}", field) is None:
            raise _ValueRefusedError("VALUE_INVALID", f"a whole number from 0 to {most}")
        if int(field) > most:
            raise _ValueRefusedError("VALUE_OUT_OF_RANGE", f"a whole number from 0 to {most}")
        return int(field)

    return parse


def _list_of(parse_entry: _Parser) -> _Parser:
    def parse(field: str) -> tuple[str, ...]:
        entries = [entry.strip() for entry in field.split(";")]
        if len(entries) > LIST_ENTRIES_MAX:
            raise _ValueRefusedError("VALUE_TOO_LONG", f"at most {LIST_ENTRIES_MAX} entries")
        # An empty entry is a stray semicolon. A doubled one says nothing new.
        return tuple(dict.fromkeys(str(parse_entry(entry)) for entry in entries if entry))

    return parse


def _day(field: str) -> str:
    rule = "a day that exists, YYYY-MM-DD"
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", field) is None:
        raise _ValueRefusedError("VALUE_INVALID", rule)
    try:
        date.fromisoformat(field)
    except ValueError:
        raise _ValueRefusedError("VALUE_INVALID", rule) from None
    return field


def _name(field: str) -> str:
    value = str(_text(NAME_CHARS_MAX)(field))
    if not keys(value):
        raise _ValueRefusedError(
            "VALUE_INVALID", "a name needs a letter or a digit, else no label can match it"
        )
    return value


def _provider(field: str) -> str:
    if field not in PROVIDERS:
        near = difflib.get_close_matches(field.lower(), PROVIDERS, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise _ValueRefusedError("PROVIDER_UNKNOWN", f"one of {', '.join(PROVIDERS)}{hint}")
    return field


def _partner(values: dict[str, _Value]) -> Partner:
    partner = msgspec.convert(values, Partner)
    if partner.valid_from and partner.valid_to and partner.valid_to < partner.valid_from:
        raise _ValueRefusedError("DATES_REVERSED", "the last day comes before the first")
    return partner


def _connection(values: dict[str, _Value]) -> ConnectionRow:
    return msgspec.convert(values, ConnectionRow)


_PARTNER: Final = _Schema[Partner](
    required={
        "id": _form(r"[A-Za-z0-9_-]{1,64}", "1-64 letters, digits, underscores or hyphens"),
        "name": _name,
        "rate_bp": _whole_number(RATE_BP_MAX),
    },
    optional={
        "mcc": _list_of(_form(r"[0-9]{4}", "codes of four digits, separated by semicolons")),
        "patterns": _list_of(_name),
        "valid_from": _day,
        "valid_to": _day,
        "cap_cents_purchase": _whole_number(CENTS_MAX),
        "cap_cents_month": _whole_number(CENTS_MAX),
        "city": _text(NAME_CHARS_MAX),
    },
    make=_partner,
)
_CONNECTION: Final = _Schema[ConnectionRow](
    required={"connection_id": _text(ID_CHARS_MAX), "user_id": _text(ID_CHARS_MAX)},
    optional={
        "provider": _provider,
        "bank_name": _text(NAME_CHARS_MAX),
        "card_last4": _form(r"[0-9]{4}", "four digits"),
        "consent_expires_on": _day,
    },
    make=_connection,
)
