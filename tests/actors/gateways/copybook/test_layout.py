"""Copybook source and the places of its fields; every refusal of one. Source: S30, protocols.md 5.7, check-command."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from comptoir.actors.gateways.copybook import (
    COPYBOOK_CODES,
    RECORD_CODES,
    Codec,
    CopybookRefused,
    Record,
    RecordRefused,
    read_copybook,
)

FIXED = """\
000100* A COMMENT, AND A LINE NUMBER                                    ABC00010
000200 01  ORDER-RECORD.                                                ABC00020
000300     05  TEXT-1        PIC X(60) VALUE 'A LITERAL THAT GOES ON ANDABC00030
000400-    ' ON, IT''S SO'.                                             ABC00040
000500D    05  DEBUG-1         PIC X.                                   ABC00050
           EJECT
      /    A NEW PAGE
           05  AMOUNT          PIC S9(7)V99
                               USAGE IS COMPUTATIONAL-3.
               88  NOTHING     VALUE ZERO.
           05  ROW             OCCURS 2 TIMES INDEXED BY I-1, I-2.
             10  KEY-1         PICTURE IS 9(4) BINARY.
             10  FILLER        PIC X.
"""
FREE = """
*> the same, free
01 order-record.
   05 text-1 pic x(60) value 'A literal that goes on and on'. *> beside it
   05 amount pic s9(7)v99 usage is packed-decimal. 88 nothing value zero.
   05 row occurs 2 times indexed by i-1 i-2.
     10 key-1 picture is 9(4), usage comp-4; 10 filler pic x.
"""
"""A comma or a semicolon before a blank only parts words, so that the last line holds two clauses of one entry."""


def _places(record: Record) -> list[tuple[Any, ...]]:
    return [
        (one["name"], one["level"], one["offset"], one["length"], one["picture"], one["usage"], one.get("occurs"))
        for one in record.fields()
    ]  # fmt: skip


def test_fixed_format_with_numbers_comments_and_continuation() -> None:
    """Columns 1 to 6 and 73 to 80 are nobody's, 7 is the indicator, a literal goes on to column 72."""
    record = read_copybook(FIXED)
    assert _places(record) == [
        ("ORDER-RECORD", 1, 0, 71, None, None, None),
        ("TEXT-1", 5, 0, 60, "X(60)", "DISPLAY", None),
        ("AMOUNT", 5, 60, 5, "S9(7)V99", "COMP-3", None),
        ("ROW", 5, 65, 3, None, None, 2),
        ("KEY-1", 10, 65, 2, "9(4)", "COMP", None),
        ("FILLER", 10, 67, 1, "X", "DISPLAY", None),
    ]
    value = record.items[1].value
    assert value is not None
    assert value.text == "A LITERAL THAT GOES ON AND ON, IT'S SO"
    assert record.items[2].conditions == (("NOTHING", "ZERO"),)


def test_free_format_and_lower_case() -> None:
    """Lines as they are written; words are those of COBOL in any case."""
    record = read_copybook(FREE.replace("; 10", ". 10"))
    assert _places(record) == _places(read_copybook(FIXED))
    assert read_copybook(FIXED, form="fixed").fields() == read_copybook(FIXED).fields()
    with pytest.raises(CopybookRefused):
        read_copybook(FREE, form="fixed")


def test_lengths_of_usages() -> None:
    """COMP-3 has n // 2 + 1 bytes; COMP 2, 4 or 8; a separate sign has a byte; S, V and P have none."""
    lengths = {
        "PIC S9(5) COMP-3": 3, "PIC 9(4) COMP-3": 3, "PIC 9 PACKED-DECIMAL": 1, "PIC S9(17)V9 COMP-3": 10,
        "PIC 9 COMP": 2, "PIC S9(4) COMP": 2, "PIC 9(5) BINARY": 4, "PIC S9(9) COMP-5": 4, "PIC 9(10) COMP-4": 8,
        "PIC S9(18) COMP": 8, "PIC S9(4)": 4, "PIC S9(4) SIGN LEADING SEPARATE CHARACTER": 5, "PIC S9(4) TRAILING": 4,
        "PIC 9(3)V9(2)": 5, "PIC 9(3)P(4)": 3, "PIC VPP99": 2, "PIC PP99": 2, "PIC XX9A": 4, "PIC AAA": 3,
        "COMP-1": 4, "USAGE COMP-2": 8, "PIC X(3) OCCURS 4": 3, "PIC 9(4) COMP-3 SYNC": 3, "PIC 9(38)": 38,
    }  # fmt: skip
    for clause, length in lengths.items():
        (item,) = read_copybook(f"05 F {clause}.").items
        assert (clause, item.length) == (clause, length)


def test_usage_and_sign_of_a_group_are_those_of_its_fields() -> None:
    """USAGE and SIGN of a group hold below it, but where a field says otherwise."""
    record = read_copybook(
        "01 R.\n 05 G COMP-3.\n  10 A PIC S9(3).\n  10 B PIC 9(2) USAGE DISPLAY.\n"
        " 05 H SIGN LEADING SEPARATE.\n  10 C PIC S9(3).\n  10 D PIC 9(3).\n  10 E PIC X."
    )
    assert [(item.name, item.length) for item in record.items if not item.is_group] == [
        ("A", 2), ("B", 2), ("C", 4), ("D", 3), ("E", 1),
    ]  # fmt: skip


def test_alternatives_share_their_bytes() -> None:
    """REDEFINES begins where its field does; the room is that of the longest."""
    record = read_copybook(
        "01 R.\n 05 A PIC X(4).\n 05 B REDEFINES A.\n  10 C PIC 9(2).\n  10 D PIC 9(4).\n"
        " 05 E REDEFINES B PIC X.\n 05 F PIC X."
    )
    assert [(item.name, item.offset) for item in record.items] == [
        ("R", 0), ("A", 0), ("B", 0), ("C", 0), ("D", 2), ("E", 0), ("F", 6),
    ]  # fmt: skip
    assert record.most == 7
    assert record.fields()[2]["redefines"] == "A"


def test_a_table_of_variable_size() -> None:
    """The length is of the most; the least is said beside it."""
    record = read_copybook(
        "01 R.\n 05 N PIC 9.\n 05 T OCCURS 1 TO 9 TIMES DEPENDING ON N.\n  10 A PIC X(3).\n 05 Z PIC X."
    )
    assert (record.least, record.most) == (5, 29)
    shown = record.fields()[2]
    assert (shown["occurs"], shown["occurs_least"], shown["depending_on"]) == (9, 1, "N")
    assert record.fields()[4]["offset"] == 28


def test_one_record_of_several() -> None:
    """Each level 01 and 77 is a record; one of them is named."""
    source = "01 A.\n 05 X PIC X.\n01 B REDEFINES A.\n 05 Y PIC X(2).\n77 C PIC 9(3).\n"
    assert [read_copybook(source, name).most for name in ("A", "b", "C")] == [1, 2, 3]
    with pytest.raises(CopybookRefused, match="one of A, B, C"):
        read_copybook(source)
    assert Codec(read_copybook(source, "C")).decode(b"\xf0\xf0\xf7") == {"C": 7}


REFUSED: list[tuple[str, str, int, int]] = [
    ("", "RECORDS_NONE", 0, 0),
    ("* nothing", "RECORDS_NONE", 0, 0),
    ("01 R. 05 A PIC X. 01 S. 05 B PIC X.", "RECORDS_SEVERAL", 1, 19),
    ("01 R.\n05 A PIC X", "ENTRY_INVALID", 2, 1),
    ("01 R.\nA PIC X.", "ENTRY_INVALID", 2, 1),
    ("COPY OTHER.", "CLAUSE_UNSUPPORTED", 1, 1),
    ("01 R.\n05 A PIC X BLANK WHEN ZERO.", "CLAUSE_UNSUPPORTED", 2, 12),
    ("01 R EXTERNAL.\n05 A PIC X.", "CLAUSE_UNSUPPORTED", 1, 6),
    ("01 R.\n05 A PIC X.\n66 B RENAMES A.", "CLAUSE_UNSUPPORTED", 3, 1),
    ("01 R VALUE 'A'.\n05 A PIC X.", "CLAUSE_UNSUPPORTED", 1, 1),
    ("01 R.\n50 A PIC X.", "LEVEL_INVALID", 2, 1),
    ("01 R.\n00 A PIC X.", "LEVEL_INVALID", 2, 1),
    ("88 A VALUE 1.", "LEVEL_INVALID", 1, 1),
    ("05 A PIC X.\n01 R.", "LEVEL_INVALID", 2, 1),
    ("77 A PIC X.\n05 B PIC X.", "LEVEL_INVALID", 2, 1),
    ("01 R.\n05 -A PIC X.", "NAME_INVALID", 2, 4),
    ("01 R.\n05 A PIC X.\n05 a PIC X.", "NAME_DUPLICATE", 3, 1),
    ("01 R.\n05 A PIC X.\n05 FILLER.\n10 A PIC X.", "NAME_DUPLICATE", 4, 1),
    ("01 R.\n05 A.", "GROUP_EMPTY", 2, 1),
    ("01 R.\n05 A PIC X.\n10 B PIC X.", "GROUP_INVALID", 2, 1),
    ("01 R.\n05 A COMP.", "PICTURE_MISSING", 2, 1),
    ("01 R.\n05 A PIC Z(3).", "PICTURE_EDITED", 2, 10),
    ("01 R.\n05 A PIC -9(3).", "PICTURE_EDITED", 2, 10),
    ("01 R.\n05 A PIC $$9.99.", "PICTURE_EDITED", 2, 10),
    ("01 R.\n05 A PIC 9(3)CR.", "PICTURE_EDITED", 2, 10),
    ("01 R.\n05 A PIC 99/99.", "PICTURE_EDITED", 2, 10),
    ("01 R.\n05 A PIC N(3).", "PICTURE_UNSUPPORTED", 2, 10),
    ("01 R.\n05 A PIC G(2).", "PICTURE_UNSUPPORTED", 2, 10),
    ("01 R.\n05 A PIC X(0).", "PICTURE_INVALID", 2, 10),
    ("01 R.\n05 A PIC 9(2.", "PICTURE_INVALID", 2, 10),
    ("01 R.\n05 A PIC 9S9.", "PICTURE_INVALID", 2, 10),
    ("01 R.\n05 A PIC 9V9V9.", "PICTURE_INVALID", 2, 10),
    ("01 R.\n05 A PIC S.", "PICTURE_INVALID", 2, 10),
    ("01 R.\n05 A PIC 9P9.", "PICTURE_INVALID", 2, 10),
    ("01 R.\n05 A PIC.", "PICTURE_INVALID", 2, 6),
    ("01 R.\n05 A PIC 9(39).", "PICTURE_TOO_LONG", 2, 10),
    ("01 R.\n05 A PIC 9(19) COMP.", "PICTURE_TOO_LONG", 2, 1),
    ("01 R.\n05 A PIC X USAGE INDEX.", "USAGE_UNSUPPORTED", 2, 18),
    ("01 R.\n05 A COMP-6 PIC 9.", "USAGE_UNSUPPORTED", 2, 6),
    ("01 R.\n05 A PIC X COMP-3.", "USAGE_INVALID", 2, 1),
    ("01 R.\n05 A PIC 9 COMP COMP-3.", "USAGE_INVALID", 2, 17),
    ("01 R.\n05 A PIC 9 COMP-1.", "USAGE_INVALID", 2, 1),
    ("01 R.\n05 A PIC 9(4) COMP SYNC.", "SYNCHRONIZED_UNSUPPORTED", 2, 1),
    ("01 R.\n05 A PIC X PIC X.", "CLAUSE_INVALID", 2, 12),
    ("01 R.\n05 A PIC X WHATEVER.", "CLAUSE_INVALID", 2, 12),
    ("01 R.\n05 A PIC X 'A'.", "CLAUSE_INVALID", 2, 12),
    ("01 R.\n05 A PIC X OCCURS 0.", "CLAUSE_INVALID", 2, 19),
    ("01 R.\n05 A PIC X OCCURS 1 TO 3.", "CLAUSE_INVALID", 2, 24),
    ("01 R.\n05 A PIC X OCCURS MANY.", "CLAUSE_INVALID", 2, 19),
    ("01 R.\n05 A PIC 9 SIGN LEADING.", "CLAUSE_INVALID", 2, 1),
    ("01 R.\n05 A PIC 9 JUST.", "CLAUSE_INVALID", 2, 1),
    ("01 R OCCURS 2.\n05 A PIC X.", "CLAUSE_INVALID", 1, 1),
    ("01 R.\n05 A PIC X VALUE 'A.", "LITERAL_INVALID", 2, 18),
    ("01 R.\n05 A PIC X VALUE B.", "LITERAL_INVALID", 2, 18),
    ("01 R.\n05 A PIC X VALUE X'C'.", "LITERAL_INVALID", 2, 18),
    ("01 R.\n05 A PIC X.\n88 B VALUE.", "LITERAL_INVALID", 3, 6),
    ("01 R.\n05 B REDEFINES A PIC X.", "REDEFINES_INVALID", 2, 1),
    ("01 R.\n05 A PIC X.\n05 C PIC X.\n05 B REDEFINES A PIC X.", "REDEFINES_INVALID", 4, 1),
    ("01 R.\n05 T PIC X OCCURS 1 TO 2 DEPENDING ON N.", "ODO_INVALID", 2, 1),
    ("01 R.\n05 N PIC X.\n05 T PIC X OCCURS 1 TO 2 DEPENDING ON N.", "ODO_INVALID", 3, 1),
    ("01 R.\n05 N PIC 9V9.\n05 T PIC X OCCURS 1 TO 2 DEPENDING ON N.", "ODO_INVALID", 3, 1),
    ("01 R.\n05 G OCCURS 2.\n10 N PIC 9.\n05 T PIC X OCCURS 1 TO 2 DEPENDING ON N.", "ODO_INVALID", 4, 1),
    ("01 R.\n05 A PIC X(16777216) OCCURS 2.", "RECORD_TOO_LONG", 2, 1),
    ("      1 05 A PIC X.", "INDICATOR_UNKNOWN", 1, 7),
    ("      - 05 A PIC X.", "CONTINUATION_INVALID", 1, 8),
    ("       05 A PIC X VALUE 'A\n      -    B'.", "CONTINUATION_INVALID", 2, 12),
    (f"       05 A PIC X.{' ' * 70}A", "LINE_TOO_LONG", 1, 81),
    ("01 R. 05 A PIC X." * 70_000, "SOURCE_TOO_LONG", 0, 0),
    ("1 A PIC X.\n" * 10_001, "SOURCE_TOO_LONG", 10_001, 1),
]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "code", "line", "column"), REFUSED, ids=[f"{code}-{at}" for at, (_, code, *_) in enumerate(REFUSED)]
)  # fmt: skip
def test_what_is_not_understood_is_refused_where_it_stands(
    source: str, code: str, line: int, column: int
) -> None:
    """By a code that is listed, with line and column; nothing is guessed."""
    is_fixed = source.startswith("      ")
    with pytest.raises(CopybookRefused) as refused:
        read_copybook(source, form="fixed" if is_fixed else "free")
    assert (refused.value.code, refused.value.line, refused.value.column) == (code, line, column)


def test_every_code_of_a_copybook_is_met() -> None:
    """No code is listed that nothing is refused with."""
    asked = {
        "RECORD_UNKNOWN": ("05 A PIC X.", "B", "auto"),
        "FORMAT_UNKNOWN": ("05 A PIC X.", "", "x"),
    }
    for code, (source, name, form) in asked.items():
        with pytest.raises(CopybookRefused) as refused:
            read_copybook(source, name, form)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
        assert refused.value.code == code
    assert {code for _, code, *_ in REFUSED} | set(asked) == set(COPYBOOK_CODES)


def test_the_page_lists_every_code() -> None:
    """docs/copybook.md says of each what it is refused for, in the words of the code."""
    page = (Path(__file__).parents[4] / "docs" / "copybook.md").read_text(encoding="utf-8")
    for codes in (COPYBOOK_CODES, RECORD_CODES):
        rows = "".join(f"| `{code}` | {meaning} |\n" for code, meaning in codes.items())
        assert rows in page


SAID = (
    "01 05 10 77 88 66 A B FILLER . PIC X(3) 9(4) S9V9 OCCURS 2 TO 5 DEPENDING ON REDEFINES A COMP-3 COMP VALUE 'A' "
    "SIGN LEADING SEPARATE SYNC 0 999999999 X'00' , ; *> \n ' \" ( ) - ZERO"
)


@given(
    st.text(max_size=120) | st.lists(st.sampled_from(SAID.split(" ")), max_size=40).map(" ".join)
)
@example("01 A PIC X(\u0661).")
@example("0\u0661 A PIC X.")
def test_any_text_is_a_copybook_or_refused(text: str) -> None:
    """Whatever somebody takes for a copybook: a layout with a codec, or a refusal; no other exception."""
    with suppress(CopybookRefused, RecordRefused):
        record = read_copybook(text)
        assert 0 <= record.least <= record.most
        assert Codec(record).most == record.most
