"""CSV in, rows or located errors out: actors/imports.py."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.imports import (
    ERRORS_MAX,
    ConnectionRow,
    LineError,
    parse_connections,
    parse_partners,
    read_partners,
)
from comptoir.actors.merchants import Partner

HEADER = "id,name,rate_bp"


def codes(text: str | bytes) -> list[tuple[int, str, str]]:
    """Where and what is wrong with a partners file."""
    return [(error.line, error.column, error.code) for error in parse_partners(text).errors]


def test_a_partners_file_with_every_column() -> None:
    """interface.md 4: columns in any order, lists by semicolon, quotes, byte order mark."""
    text = (
        "\ufeffname,id,rate_bp,city,mcc,patterns,valid_from,valid_to,cap_cents_purchase,"
        'cap_cents_month\r\n"Dupont, père ""et"" fils",p_1,250,Lyon,5411;5812;5411,DUPONT; LE DUPONT;,'
        "2025-01-01,2025-12-31,10000,0\r\n"
    )
    expected = Partner(
        id="p_1",
        name='Dupont, père "et" fils',
        rate_bp=250,
        mcc=("5411", "5812"),
        patterns=("DUPONT", "LE DUPONT"),
        valid_from="2025-01-01",
        valid_to="2025-12-31",
        cap_cents_purchase=10_000,
        cap_cents_month=0,
        city="Lyon",
    )
    assert parse_partners(text.encode()).rows == (expected,)
    assert parse_partners(text).rows == (expected,)


def test_a_connections_file() -> None:
    """interface.md 4: provider is `seed` unless named."""
    text = (
        "connection_id,user_id,provider,bank_name,card_last4,consent_expires_on\n"
        "conn_1,u1,powens,Crédit Agricole,0123,2026-02-01\n\nconn_2,u1,,,,\n"
    )
    assert parse_connections(text).rows == (
        ConnectionRow(
            connection_id="conn_1",
            user_id="u1",
            provider="powens",
            bank_name="Crédit Agricole",
            card_last4="0123",
            consent_expires_on="2026-02-01",
        ),
        ConnectionRow(connection_id="conn_2", user_id="u1"),
    )


names = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=20).map(lambda s: f"a{s}b")


@given(st.lists(st.tuples(names, st.integers(0, 10_000)), max_size=10), st.booleans())
def test_what_a_csv_writer_writes_is_read(rows: list[tuple[str, int]], quote: bool) -> None:
    """RFC 4180: whatever Python's writer makes of any names is read back as it was."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL if quote else csv.QUOTE_MINIMAL)
    writer.writerow(HEADER.split(","))
    writer.writerows((f"p{index}", name, rate) for index, (name, rate) in enumerate(rows))
    parsed = parse_partners(out.getvalue().encode())
    assert parsed.errors == ()
    assert [(row.name, row.rate_bp) for row in parsed.rows] == rows


@given(st.binary(max_size=200))
def test_any_bytes_are_answered(data: bytes) -> None:
    """interface.md 4: rows or errors, never both, never a traceback."""
    for blob in (data, HEADER.encode() + b"\n" + data):
        parsed = parse_partners(blob)
        assert not (parsed.rows and parsed.errors)


@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        (",Lidl,1", "id", "VALUE_MISSING"),
        ("a b,Lidl,1", "id", "VALUE_INVALID"),
        ("é,Lidl,1", "id", "VALUE_INVALID"),
        (f"{'a' * 65},Lidl,1", "id", "VALUE_INVALID"),
        ("a,,1", "name", "VALUE_MISSING"),
        ("a,  ,1", "name", "VALUE_MISSING"),
        ("a,***,1", "name", "VALUE_INVALID"),
        (f"a,{'x' * 201},1", "name", "VALUE_TOO_LONG"),
        ("a,Li\x00dl,1", "name", "VALUE_CHARACTER_FORBIDDEN"),
        ('a,"Li\ndl",1', "name", "VALUE_CHARACTER_FORBIDDEN"),
        ("a,Lidl,", "rate_bp", "VALUE_MISSING"),
        ("a,Lidl,1.5", "rate_bp", "VALUE_INVALID"),
        ("a,Lidl,-1", "rate_bp", "VALUE_INVALID"),
        ("a,Lidl,٣", "rate_bp", "VALUE_INVALID"),
        ("a,Lidl,10001", "rate_bp", "VALUE_OUT_OF_RANGE"),
        ("a,Lidl,1,2", "", "CSV_FIELD_COUNT"),
        ("a,Lidl", "", "CSV_FIELD_COUNT"),
        ('a,"Lidl"x,1', "", "CSV_MALFORMED"),
        ('a,"Lidl,1', "", "CSV_MALFORMED"),
        (f"a,{'x' * 200_000},1", "", "CSV_MALFORMED"),
    ],
)
def test_bad_rows(row: str, column: str, code: str) -> None:
    """interface.md 4: each bad value has its line, its column and its code."""
    assert codes(f"{HEADER}\nok,Aldi,5\n{row}\n") == [(3, column, code)]


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("mcc", "541", "VALUE_INVALID"),
        ("mcc", "5411,5812", "VALUE_INVALID"),
        ("mcc", ";".join(f"{n:04d}" for n in range(51)), "VALUE_TOO_LONG"),
        ("patterns", "ok;***", "VALUE_INVALID"),
        ("patterns", "x" * 201, "VALUE_TOO_LONG"),
        ("valid_from", "2025-02-30", "VALUE_INVALID"),
        ("valid_from", "20250201", "VALUE_INVALID"),
        ("valid_to", "01/02/2025", "VALUE_INVALID"),
        ("cap_cents_purchase", "99999999999", "VALUE_OUT_OF_RANGE"),
        ("cap_cents_month", "x", "VALUE_INVALID"),
        ("city", "x" * 201, "VALUE_TOO_LONG"),
    ],
)
def test_bad_optional_values(column: str, value: str, code: str) -> None:
    """interface.md 4: optional columns are held to their form too."""
    assert codes(f'{HEADER},{column}\na,Lidl,1,"{value}"\n') == [(2, column, code)]


def test_days_in_the_wrong_order() -> None:
    """interface.md 4: an agreement ends on or after its first day."""
    text = f"{HEADER},valid_from,valid_to\na,Lidl,1,2025-02-01,2025-01-31\n"
    assert codes(text) == [(2, "valid_to", "DATES_REVERSED")]


def test_a_second_row_of_one_id() -> None:
    """interface.md 4: an id stands once in a file; the error names the first line."""
    text = f"{HEADER}\na,Lidl,1\nb,Aldi,1\na,Lidl,2\n"
    (error,) = parse_partners(text).errors
    assert (error.line, error.column, error.code) == (4, "id", "ID_DUPLICATE")
    assert "line 2" in error.text


def test_header_errors_name_the_nearest_column() -> None:
    """interface.md 4: unknown, doubled and missing columns, all in one answer."""
    errors = parse_partners("id,nam,rate_bp,rate_bp\na,b,1,1\n").errors
    assert [(error.line, error.column, error.code) for error in errors] == [
        (1, "nam", "CSV_COLUMN_UNKNOWN"),
        (1, "rate_bp", "CSV_COLUMN_DOUBLED"),
        (1, "name", "CSV_COLUMN_MISSING"),
    ]
    assert "did you mean name?" in errors[0].text
    (unknown,) = parse_partners(f"{HEADER},zzzzzzz\n").errors
    assert "known are id, name" in unknown.text


def test_files_without_content() -> None:
    """interface.md 4: no header is an error, a header alone is an empty file."""
    assert codes("") == codes(b"\xef\xbb\xbf") == [(1, "", "CSV_HEADER_MISSING")]
    assert parse_partners(HEADER).rows == ()
    assert parse_partners(HEADER).errors == ()


def test_a_file_that_is_not_utf_8() -> None:
    """interface.md 4: UTF-8 only; the line of the first bad byte is told."""
    text = f"{HEADER}\na,Lidl,1\nb,Café,1\n".encode("latin-1")
    assert codes(text) == [(3, "", "CSV_ENCODING")]
    assert codes(f"{HEADER}\na,\ud800,1\n") == [(2, "name", "VALUE_CHARACTER_FORBIDDEN")]


def test_at_most_a_hundred_errors() -> None:
    """interface.md 4: up to 100 errors, and reading stops there."""
    text = HEADER + "\n" + "!,Lidl,1\n" * 300
    errors = parse_partners(text).errors
    assert len(errors) == ERRORS_MAX
    assert errors[-1].line == 101


def test_lines_are_counted_through_quoted_line_breaks() -> None:
    """interface.md 4: an error names the line on which its row begins, in the file as edited."""
    text = f'{HEADER}\r\na,"one\r\ntwo",1\r\n\r\nb,Lidl,x\r\n'
    assert [line for line, *_ in codes(text)] == [2, 5]


def test_errors_never_tell_a_value() -> None:
    """Invariant 8: an error says the rule, not what was written."""
    text = "connection_id,user_id,card_last4,provider\nsecret-1,Jean,4974012345678901,sesame\n"
    errors = parse_connections(text).errors
    assert [error.code for error in errors] == ["VALUE_INVALID", "PROVIDER_UNKNOWN"]
    assert not any(word in error.text for error in errors for word in ("4974", "sesame", "Jean"))


def test_a_misspelled_provider_is_helped() -> None:
    """S42: the nearest provider is named."""
    (error,) = parse_connections("connection_id,user_id,provider\nc,u,Powen\n").errors
    assert "did you mean powens?" in error.text


def test_reading_is_lazy() -> None:
    """design.md 2 (nothing over a millisecond): rows come one at a time, before a later error."""
    reader = read_partners(f"{HEADER}\na,Lidl,1\n!,Lidl,1\n")
    assert isinstance(next(reader), Partner)
    assert isinstance(next(reader), LineError)
