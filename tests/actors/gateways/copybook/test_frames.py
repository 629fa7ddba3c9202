"""Records in files: F, V, VB and D, both ways. Source: check-command contract (`record_format`); X12."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.gateways.copybook import (
    Codec,
    Options,
    RecordRefused,
    read_copybook,
    read_records,
    write_record,
    write_records,
)
from comptoir.actors.gateways.copybook.frames import BLOCK_BYTES, raw_records

SOURCE = "01 R.\n 05 N PIC 9(2).\n 05 T PIC X(2) OCCURS 0 TO 5 DEPENDING ON N.\n"
ROWS: list[dict[str, Any]] = [
    {"N": 0, "T": []},
    {"N": 2, "T": ["AB", "C"]},
    {"N": 5, "T": ["A"] * 5},
]


def _codec(form: str, source: str = SOURCE, **options: Any) -> Codec:
    return Codec(read_copybook(source), Options(record_format=form, **options))  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def _refusal(act: Callable[[], Any]) -> RecordRefused:
    with pytest.raises(RecordRefused) as refused:
        act()
    return refused.value


def _reading(codec: Codec, data: bytes) -> Callable[[], Any]:
    return lambda: list(read_records(codec, data))


def test_a_record_behind_its_descriptor_word() -> None:
    """V: the length with its own four bytes, and two zeros; VB: such records behind the length of the block."""
    assert write_record(_codec("V"), ROWS[1]).hex() == "000a0000f0f2c1c2c340"
    assert write_record(_codec("VB"), ROWS[1]).hex() == "000e0000000a0000f0f2c1c2c340"
    assert write_record(_codec("D"), ROWS[1]) == b"02ABC \n"
    assert write_record(_codec("F"), ROWS[1]).hex() == "f0f2c1c2c340"


@pytest.mark.parametrize("form", ["F", "V", "VB", "D"])
def test_files_both_ways(form: str) -> None:
    """Many records, and blocks of them: the same rows come back, and the same raw records."""
    codec = _codec(form)
    rows = ROWS * 3000
    parts = list(write_records(codec, rows))
    assert len(parts) == (len(rows) if form != "VB" else 4)
    assert all(len(part) <= BLOCK_BYTES for part in parts)
    data = b"".join(parts)
    assert list(read_records(codec, data)) == rows
    assert list(raw_records(codec, data)) == [codec.encode(row) for row in rows]


def test_lines_end_early_or_with_a_carriage_return() -> None:
    """LINE SEQUENTIAL takes blanks away at the end of a line, and Windows adds a sign; both are read."""
    codec = _codec("D", "05 A PIC X(2).\n05 B PIC 9.\n05 C PIC X(5).")
    rows = [{"A": "AB", "B": 1, "C": "X"}, {"A": "", "B": 2, "C": ""}]
    assert list(read_records(codec, b"AB1X\r\n  2\n")) == rows
    assert list(read_records(codec, b"AB1X\n  2")) == rows
    assert _refusal(lambda: list(read_records(codec, b"AB1X     \n"))).code == "RECORD_LENGTH_WRONG"
    assert _refusal(lambda: list(read_records(codec, b"AB1X\nA"))).record == 1
    assert (
        _refusal(lambda: write_record(codec, {"A": "\n", "B": 1, "C": ""})).code
        == "CHARACTER_UNMAPPED"
    )


def test_what_divides_into_no_records_is_refused() -> None:
    """A byte too few or too many, a descriptor word that cannot be; the refusal says which record (X12)."""
    fixed = _codec("F", "05 A PIC X(3).")
    assert _refusal(lambda: list(read_records(fixed, bytes(7)))).code == "RECORD_LENGTH_WRONG"
    good = write_record(_codec("V"), ROWS[1])
    for wrong in (
        b"\x00",
        good[:-1],
        b"\x00\x03\x00\x00",
        good[:2] + b"\x01\x00" + good[4:],
        good + b"\x00\x05\x00\x00",
    ):
        refused = _refusal(_reading(_codec("V"), wrong))
        assert refused.code == "RDW_INVALID"
    refused = _refusal(lambda: list(read_records(_codec("V"), good + b"\x00\x05\x00\x00\xf0")))
    assert (refused.code, refused.record) == ("RECORD_LENGTH_WRONG", 1)
    rows = [ROWS[0], {"N": 1, "T": ["ABC"]}]
    refused = _refusal(lambda: list(write_records(_codec("F"), rows)))
    assert (refused.code, refused.record, refused.field) == ("FIELD_TOO_LONG", 1, "T(1)")


@pytest.mark.parametrize(
    ("form", "source", "options"),
    [
        ("D", "05 A PIC 9 COMP.", {}),
        ("D", "05 A PIC X.", {"code_page": "cp037"}),
        ("V", "05 A PIC X(32757).", {}),
    ],
)
def test_a_copybook_that_cannot_be_in_such_a_file(form: str, source: str, options: Any) -> None:
    """Binary fields in lines, EBCDIC in lines, a record beyond what a data set takes: refused at once."""
    assert (
        _refusal(lambda: list(read_records(_codec(form, source, **options), b""))).code
        == "OPTION_INVALID"
    )


@given(st.binary(max_size=60), st.sampled_from(["F", "V", "VB", "D"]))
def test_raw_records_lose_no_byte(data: bytes, form: str) -> None:
    """Whatever the bytes: every one is in a record, or the descriptor word that cannot be is named (E11)."""
    codec = _codec(form)
    try:
        raw = list(raw_records(codec, data))
    except RecordRefused as refused:
        assert refused.code == "RDW_INVALID"  # noqa: PT017 - which of the two comes is the property's
        return
    if form == "F":
        assert b"".join(raw) == data
