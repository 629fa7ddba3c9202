"""Bytes and values, both ways: published vectors, properties, and every refusal. Source: protocols.md 5.7; X12, E11."""

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.gateways.copybook import (
    RECORD_CODES,
    Codec,
    CopybookRefused,
    Options,
    RecordRefused,
    read_copybook,
    read_records,
    write_record,
)
from tests.actors.gateways.copybook.drawn import copybooks

PAGES = ("cp037", "cp500", "cp1047", "cp1140", "cp875", "ascii")


def codec(source: str, **options: Any) -> Codec:
    """A codec of a copybook that begins below its record."""
    return Codec(read_copybook(source), Options(**options))


def _decoding(made: Codec, data: bytes) -> Callable[[], Any]:
    return lambda: made.decode(data)


def _encoding(made: Codec, values: Any) -> Callable[[], Any]:
    return lambda: made.encode(values)


def _one(clause: str, **options: Any) -> Codec:
    return codec(f"05 F {clause}.", **options)


def _refusal(act: Callable[[], Any]) -> RecordRefused:
    with pytest.raises(RecordRefused) as refused:
        act()
    return refused.value


# What is published: protocols.md 5.7 and IBM's manuals.
VECTORS: list[tuple[str, Any, str]] = [
    ("PIC X(8)", "MONTRÉAL", "d4d6d5e3d971c1d3"),
    ("PIC X(4)", "AB", "c1c24040"),
    ("PIC X(4) JUSTIFIED RIGHT", "AB", "4040c1c2"),
    ("PIC A(3)", "AB", "c1c240"),
    ("PIC 9(5)", 123, "f0f0f1f2f3"),
    ("PIC S9(5)", -38516, "f3f8f5f1d6"),
    ("PIC S9(5)", 38516, "f3f8f5f1c6"),
    ("PIC S9(3) LEADING", -247, "d2f4f7"),
    ("PIC S9(3) SIGN TRAILING SEPARATE", -247, "f2f4f760"),
    ("PIC S9(3) SIGN LEADING SEPARATE", 247, "4ef2f4f7"),
    ("PIC S999 COMP-3", 200, "200c"),
    ("PIC S999 COMP-3", -200, "200d"),
    ("PIC 999 COMP-3", 200, "200f"),
    ("PIC 9(4) COMP-3", 1234, "01234f"),
    ("PIC S9(7)V99 COMP-3", Decimal("-12345.67"), "001234567d"),
    ("PIC S9(4) COMP", -1, "ffff"),
    ("PIC 9(9) BINARY", 305419896, "12345678"),
    ("PIC S9(18) COMP-4", 1, "0000000000000001"),
    ("PIC 9(4) COMP-5", 65535, "ffff"),
    ("PIC S9(3)V99", Decimal("-1.20"), "f0f0f1f2d0"),
    ("PIC 9(3)P(3)", 123000, "f1f2f3"),
    ("PIC VP(2)9(2)", Decimal("0.0012"), "f1f2"),
    ("COMP-1", Decimal("-118.625"), "c276a000"),
    ("COMP-2", Decimal("0.15625"), "4028000000000000"),
    ("COMP-1", Decimal(1), "41100000"),
]


@pytest.mark.parametrize(("clause", "value", "data"), VECTORS)
def test_published_vectors_both_ways(clause: str, value: Any, data: str) -> None:
    """Each usage as its manual has it, in code page 1140 (protocols.md 5.7)."""
    made = _one(clause, code_page="cp1140")
    assert made.encode({"F": value}).hex() == data
    assert made.decode(bytes.fromhex(data)) == {"F": value}


@pytest.mark.parametrize(
    ("data", "signs", "value"),
    [
        ("123c", "preferred", 123),
        ("123f", "preferred", 123),
        ("123d", "preferred", -123),
        ("123a", "preferred", None),
        ("123b", "preferred", None),
        ("123e", "preferred", None),
        ("123a", "any", 123),
        ("123e", "any", 123),
        ("123b", "any", -123),
        ("1239", "any", None),
    ],
)
def test_which_signs_are_read(data: str, signs: str, value: int | None) -> None:
    """C, D and F; A, B and E where it is said, as NUMPROC(NOPFD) has them; a digit is no sign."""
    packed = _one("PIC S9(3) COMP-3", signs=signs)
    zoned = _one("PIC S9(3)", signs=signs)
    as_zoned = bytes((0xF1, 0xF2, int(data[3], 16) << 4 | 3))
    for made, given_data in ((packed, bytes.fromhex(data)), (zoned, as_zoned)):
        if value is None:
            assert _refusal(_decoding(made, given_data)).code == "SIGN_INVALID"
        else:
            assert made.decode(given_data) == {"F": value}


REFUSED_VALUES: list[tuple[str, Any, str]] = [
    ("PIC X(3)", "ABCD", "FIELD_TOO_LONG"),
    ("PIC X(3)", "A ₿", "CHARACTER_UNMAPPED"),
    ("PIC X(3)", 12, "FIELD_TYPE_WRONG"),
    ("PIC X(3)", None, "FIELD_TYPE_WRONG"),
    ("PIC A(3)", "A1", "CHARACTER_INVALID"),
    ("PIC 9(3)", 1000, "VALUE_OUT_OF_RANGE"),
    ("PIC 9(3)", -1, "VALUE_NEGATIVE"),
    ("PIC 9(3)", 1.0, "FIELD_TYPE_WRONG"),
    ("PIC 9(3)", True, "FIELD_TYPE_WRONG"),
    ("PIC 9(3)", "12x", "FIELD_TYPE_WRONG"),
    ("PIC 9(3)", "١٢", "FIELD_TYPE_WRONG"),
    ("PIC 9(3)", "1.5", "FRACTION_TOO_LONG"),
    ("PIC 9(3)", Decimal("NaN"), "VALUE_OUT_OF_RANGE"),
    ("PIC 9(3)", Decimal("1E+999999"), "VALUE_OUT_OF_RANGE"),
    ("PIC 9(3)", 10**300, "VALUE_OUT_OF_RANGE"),
    ("PIC 9(3)P(3)", 123001, "FRACTION_TOO_LONG"),
    ("PIC S9(4) COMP", 10000, "VALUE_OUT_OF_RANGE"),
    ("PIC S9(4) COMP-5", 32768, "VALUE_OUT_OF_RANGE"),
    ("PIC 9(4) COMP-3", 12345, "VALUE_OUT_OF_RANGE"),
    ("COMP-1", Decimal("0.1"), "VALUE_INEXACT"),
    ("COMP-2", Decimal("1E+100"), "VALUE_INEXACT"),
    ("PIC X OCCURS 2", ["A"], "COUNT_WRONG"),
    ("PIC X OCCURS 2", "AB", "FIELD_TYPE_WRONG"),
]


@pytest.mark.parametrize(("clause", "value", "code"), REFUSED_VALUES)
def test_a_value_that_does_not_fit_is_refused(clause: str, value: Any, code: str) -> None:
    """By its name and why; nothing is cut, rounded or replaced (X12), and no value is repeated."""
    made = _one(clause)
    refused = _refusal(lambda: made.encode({"F": value}))
    assert (refused.code, refused.field, refused.offset) == (code, "F", 0)
    assert not (isinstance(value, str) and len(value) > 2 and value in str(refused))


REFUSED_BYTES: list[tuple[str, str, str, int]] = [
    ("PIC 9(3)", "f1c1f3", "DIGIT_INVALID", 1),
    ("PIC 9(3)", "404040", "SIGN_INVALID", 2),
    ("PIC 9(3)", "f1f2d3", "SIGN_INVALID", 2),
    ("PIC S9(3) SIGN LEADING SEPARATE", "f1f2f3f4", "SIGN_INVALID", 0),
    ("PIC 9(3) COMP-3", "1a3f", "NIBBLE_INVALID", 0),
    ("PIC 9(3) COMP-3", "123d", "SIGN_INVALID", 1),
    ("PIC 9(4) COMP-3", "11234f", "NIBBLE_INVALID", 0),
    ("PIC S9(4) COMP", "7fff", "VALUE_OUT_OF_RANGE", 0),
    ("PIC A(2)", "c1f1", "CHARACTER_INVALID", 0),
    ("PIC X(2)", "c1", "RECORD_LENGTH_WRONG", -1),
    ("PIC X(2)", "c1c2c3", "RECORD_LENGTH_WRONG", -1),
]


@pytest.mark.parametrize(("clause", "data", "code", "offset"), REFUSED_BYTES)
def test_bytes_that_are_no_such_record_are_refused(
    clause: str, data: str, code: str, offset: int
) -> None:
    """At the byte that is wrong (E11)."""
    refused = _refusal(lambda: _one(clause).decode(bytes.fromhex(data)))
    assert (refused.code, refused.offset) == (code, offset)


def test_a_byte_that_is_no_character() -> None:
    """Code pages with gaps say so, and those without have none (X12)."""
    refused = _refusal(lambda: _one("PIC X(2)", code_page="cp875").decode(b"\xc1\xec"))
    assert (refused.code, refused.offset) == ("CHARACTER_UNMAPPED", 1)
    assert _refusal(lambda: _one("PIC X", code_page="utf-8")).code == "CODE_PAGE_UNKNOWN"
    assert _refusal(lambda: _one("PIC X", code_page="../../etc")).code == "CODE_PAGE_UNKNOWN"


def test_options_widen_what_is_read() -> None:
    """TRUNC(BIN), blanks as nothing, another byte order, and trimming are said, never guessed."""
    assert _one("PIC S9(4) COMP", trunc="bin").decode(b"\x7f\xff") == {"F": 32767}
    assert _one("PIC S9(4) COMP", trunc="bin").encode({"F": 32767}) == b"\x7f\xff"
    assert _one("PIC 9(4) COMP-5", byte_order="little").encode({"F": 1}) == b"\x01\x00"
    assert _one("PIC 9(4) COMP", byte_order="little").encode({"F": 1}) == b"\x00\x01"
    nothing = _one("PIC 9(3)", blanks="null")
    assert nothing.decode(b"\x40\x40\x40") == nothing.decode(bytes(3)) == {"F": None}
    assert nothing.encode({"F": None}) == b"\x40\x40\x40"
    trims = {"right": " A", "left": "A ", "both": "A", "none": " A "}
    for trim, value in trims.items():
        assert _one("PIC X(3)", trim=trim).decode(b"\x40\xc1\x40") == {"F": value}


GROUPS = """
01 ORDER-RECORD.
   05 ORDER-ID       PIC 9(4).
   05 FILLER         PIC X(2).
   05 LINES-N        PIC 9(2) COMP-3.
   05 LINE OCCURS 0 TO 3 DEPENDING ON LINES-N.
      10 SKU         PIC X(3).
      10 QUANTITY    PIC S9(3) COMP-3.
   05 WHO.
      10 KIND        PIC X(1).
      10 PERSON.
         15 BORN     PIC 9(4).
      10 COMPANY REDEFINES PERSON.
         15 CODE-1   PIC X(4).
   05 TOTAL          PIC S9(5)V99 VALUE -1.5.
"""


def test_groups_tables_and_alternatives() -> None:
    """What a group, a table, a FILLER, an alternative and a VALUE become; what follows a table moves with it."""
    made = codec(GROUPS)
    assert (made.least, made.most) == (4 + 2 + 2 + 5 + 7, 4 + 2 + 2 + 15 + 5 + 7)
    values = {
        "ORDER-ID": 7,
        "LINE": [{"SKU": "A", "QUANTITY": -1}, {"SKU": "B", "QUANTITY": 2}],
        "WHO": {"KIND": "P", "PERSON": {"BORN": 1984}},
    }
    data = made.encode(values)
    assert data.hex() == "f0f0f0f74040002fc14040001dc24040002cd7f1f9f8f4f0f0f0f0f1f5d0"
    read = made.decode(data)
    assert read == {
        **values,
        "LINES-N": 2,
        "WHO": {"KIND": "P", "PERSON": {"BORN": 1984}, "COMPANY": {"CODE-1": "1984"}},
        "TOTAL": Decimal("-1.50"),
    }
    assert made.encode(read) == data
    company = {**values, "WHO": {"KIND": "C", "COMPANY": {"CODE-1": "ACME"}}}
    assert made.decode(made.encode(company))["WHO"] == {"KIND": "C", "COMPANY": {"CODE-1": "ACME"}}


def test_what_contradicts_itself_is_refused() -> None:
    """Alternatives that differ, a count that is not the table's, a field that is not known, one that is missing."""
    made = codec(GROUPS)
    lines = [{"SKU": "A", "QUANTITY": 1}]
    both = {"KIND": "P", "PERSON": {"BORN": 1984}, "COMPANY": {"CODE-1": "ACME"}}
    one = {"KIND": "P", "PERSON": {"BORN": 1984}}
    wrong: list[tuple[dict[str, Any], str, str]] = [
        ({"ORDER-ID": 1, "LINE": lines, "WHO": both}, "REDEFINES_DISAGREE", "WHO.PERSON"),
        ({"ORDER-ID": 1, "LINES-N": 2, "LINE": lines, "WHO": one}, "COUNT_WRONG", "LINE"),
        ({"ORDER-ID": 1, "LINES-N": 4, "LINE": lines, "WHO": one}, "COUNT_OUT_OF_RANGE", "LINE"),
        ({"ORDER-ID": 1, "LINE": lines * 4, "WHO": one}, "COUNT_OUT_OF_RANGE", "LINE"),
        ({"ORDER-ID": 1, "WHO": one}, "FIELD_MISSING", "LINES-N"),
        ({"LINE": lines, "WHO": one}, "FIELD_MISSING", "ORDER-ID"),
        ({"ORDER-ID": 1, "LINE": lines, "WHO": one, "X": 1}, "FIELD_UNKNOWN", ""),
        ({"ORDER-ID": 1, "LINE": lines, "WHO": {**one, "X": 1}}, "FIELD_UNKNOWN", "WHO"),
        ({"ORDER-ID": 1, "LINE": lines, "WHO": "x"}, "FIELD_TYPE_WRONG", "WHO"),
        (
            {"ORDER-ID": 1, "LINE": [*lines, {"SKU": "LONG", "QUANTITY": 1}], "WHO": one},
            "FIELD_TOO_LONG",
            "LINE(2).SKU",
        ),
    ]
    for values, code, field in wrong:
        refused = _refusal(_encoding(made, values))
        assert (refused.code, refused.field) == (code, field)
    good = made.encode({"ORDER-ID": 1, "LINE": lines * 2, "WHO": one})
    broken = good[:16] + b"\x1a\x1d" + good[18:]
    refused = _refusal(lambda: made.decode(broken))
    assert (refused.code, refused.field, refused.offset) == (
        "NIBBLE_INVALID",
        "LINE(2).QUANTITY",
        16,
    )
    for data in (good[:-1], good + b"\x40", good[:-7], b""):
        assert _refusal(_decoding(made, data)).code == "RECORD_LENGTH_WRONG"
    assert (
        _refusal(lambda: made.decode(good[:6] + b"\x09\x9f" + good[8:])).code
        == "COUNT_OUT_OF_RANGE"
    )


def test_a_table_may_keep_the_room_of_its_most() -> None:
    """`odo: most`: what follows a table stands where it does with the most of them."""
    made = codec(GROUPS, odo="most")
    values = {
        "ORDER-ID": 7,
        "LINE": [{"SKU": "A", "QUANTITY": 1}],
        "WHO": {"KIND": "P", "PERSON": {"BORN": 1984}},
    }
    data = made.encode(values)
    assert len(data) == made.least == made.most == 35
    assert data[23:24] == b"\xd7"
    assert made.decode(data)["LINE"] == values["LINE"]


@given(copybooks(), st.sampled_from(PAGES), st.sampled_from(["F", "V", "VB"]))
def test_what_is_written_is_read(
    drawn: tuple[str, dict[str, Any], int], page: str, form: str
) -> None:
    """decode(encode(x)) = x, for any copybook, code page and frame; and its bytes are as many as its fields have."""
    source, values, length = drawn
    made = Codec(read_copybook(source), Options(code_page=page, record_format=form))  # type: ignore[arg-type]
    data = made.encode(values)
    assert len(data) == length
    read = made.decode(data)
    assert _without_alternatives(read) == values
    assert made.encode(_without_alternatives(read)) == data
    framed = write_record(made, values)
    assert list(read_records(made, framed * 3)) == [read] * 3


def _without_alternatives(values: Any) -> Any:
    """Values without the readings of REDEFINES, which drawn.py names X-."""
    match values:
        case dict():
            named = cast("dict[str, Any]", values)
            return {n: _without_alternatives(x) for n, x in named.items() if not n.startswith("X-")}
        case list():
            items: list[Any] = values  # pyright: ignore[reportUnknownVariableType]
            return [_without_alternatives(one) for one in items]
        case _:
            return values


@given(
    copybooks(), st.binary(max_size=80), st.sampled_from(PAGES), st.sampled_from(["F", "V", "VB"])
)
def test_any_bytes_are_a_record_or_refused(
    drawn: tuple[str, dict[str, Any], int], data: bytes, page: str, form: str
) -> None:
    """Whatever the bytes: records that can be written again, or a refusal that is listed; no other exception (E11)."""
    made = Codec(read_copybook(drawn[0]), Options(code_page=page, record_format=form))  # type: ignore[arg-type]
    with suppress(RecordRefused):
        for values in read_records(made, data):
            plain = _without_alternatives(values)
            assert _without_alternatives(made.decode(made.encode(plain))) == plain


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.decimals() | st.binary(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


@given(copybooks(), ODD, st.data())
def test_any_value_is_written_or_refused(
    drawn: tuple[str, dict[str, Any], int], odd: Any, data: st.DataObject
) -> None:
    """Something else in the place of one field: its bytes, or a refusal that is listed; no other exception (X12)."""
    source, values, _ = drawn
    made = Codec(read_copybook(source))
    if values:
        values = {**values, data.draw(st.sampled_from(sorted(values))): odd}
    try:
        written = made.encode(values)
    except RecordRefused as refused:
        assert refused.code in RECORD_CODES  # noqa: PT017 - which of the two comes is the property's
    else:
        assert made.least <= len(written) <= made.most


def test_every_code_of_a_record_is_met() -> None:
    """No code is listed that nothing is refused with: by the tests of this folder and of the records of accounts."""
    here = {code for *_, code in REFUSED_VALUES} | {code for *_, code, _ in REFUSED_BYTES}
    elsewhere = {
        "CODE_PAGE_UNKNOWN", "COUNT_OUT_OF_RANGE", "FIELD_MISSING", "FIELD_UNKNOWN", "REDEFINES_DISAGREE",
        "FIELD_LENGTH_WRONG", "OPTION_INVALID", "RDW_INVALID",
    }  # fmt: skip
    assert here | elsewhere == set(RECORD_CODES)


def test_a_value_clause_that_does_not_fit_its_field() -> None:
    """It is refused when the codec is made, not when a record happens to need it."""
    for clause in ("PIC X(2) VALUE 'ABC'", "PIC 9 VALUE 10", "PIC X VALUE X'4040'"):
        with pytest.raises((RecordRefused, CopybookRefused)):
            _one(clause)
    filled = codec(
        "05 A PIC X(2) VALUE SPACES.\n05 B PIC 9(2) VALUE ZERO.\n05 C PIC X(2) VALUE LOW-VALUES.\n05 D PIC X(2) VALUE X'C1'."
    )
    assert filled.encode({}).hex() == "4040f0f00000c140"
