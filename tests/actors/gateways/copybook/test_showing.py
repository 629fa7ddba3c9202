"""A record for the eye, whatever its bytes. Source: spec.md E11."""

from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.gateways.copybook import Codec, read_copybook
from comptoir.actors.gateways.copybook.showing import Shown, compare, show
from tests.actors.gateways.copybook.drawn import copybooks

SOURCE = """
01 R.
   05 KIND     PIC X.
      88 PERSON VALUE 'P'.
   05 FILLER   PIC X(2).
   05 N        PIC 9.
   05 ROW      OCCURS 0 TO 3 DEPENDING ON N.
      10 SUM   PIC S9(3) COMP-3.
   05 LAST-1   PIC 9(2).
"""


def test_every_field_with_its_bytes_and_what_is_wrong() -> None:
    """Offset, hex, meaning, the condition's name; a bad nibble is named and hides nothing of the rest (E11)."""
    codec = Codec(read_copybook(SOURCE))
    data = bytes.fromhex("d74040f2123c1a3df1f2")
    assert show(codec, data) == [
        Shown("KIND", 0, "X", "d7", "'P' = PERSON"),
        Shown("FILLER#1", 1, "X(2)", "4040", "''"),
        Shown("N", 3, "9", "f2", "2"),
        Shown("ROW(1).SUM", 4, "S9(3) COMP-3", "123c", "123"),
        Shown("ROW(2).SUM", 6, "S9(3) COMP-3", "1a3d", "", "NIBBLE_INVALID"),
        Shown("LAST-1", 8, "9(2)", "f1f2", "12"),
    ]
    assert show(codec, data + b"\x00")[-1] == Shown(
        "(left over)", 10, "", "00", "", "RECORD_LENGTH_WRONG"
    )
    assert show(codec, data[:-1])[-1].wrong == "RECORD_LENGTH_WRONG"


def test_records_of_different_length_are_compared() -> None:
    """A row that only one has is there with one side; what moved is compared by its name (E11)."""
    codec = Codec(read_copybook(SOURCE))
    left = codec.encode({"KIND": "P", "ROW": [{"SUM": 1}], "LAST-1": 9})
    right = codec.encode({"KIND": "P", "ROW": [{"SUM": 1}, {"SUM": 2}], "LAST-1": 9})
    differ = [row for row in compare(codec, left, right) if not row.is_same]
    assert [(row.left and row.left.field, row.right and row.right.field) for row in differ] == [
        ("N", "N"),
        (None, "ROW(2).SUM"),
    ]


@given(copybooks(), st.binary(max_size=60))
def test_any_bytes_are_shown(drawn: tuple[str, object, int], data: bytes) -> None:
    """Whatever was received: every byte of it is in some row, and nothing is raised (E11)."""
    codec = Codec(read_copybook(drawn[0]))
    seen: set[int] = set()
    for row in show(codec, data):
        seen.update(range(row.offset, row.offset + len(row.hex) // 2))
    assert seen == set(range(len(data)))
