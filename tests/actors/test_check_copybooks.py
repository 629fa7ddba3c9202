"""`comptoir check copybook-*`: the codec behind the JSON seam. Source: check-command contract; S30, X12, E11."""

import base64
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.gateways.account_record import copybook_source
from comptoir.engine.cli import checking

AMOUNT = "01 R.\n 05 A PIC X(3).\n 05 B PIC S9(5)V99 COMP-3.\n 05 N PIC 9(38).\n"
VALUES = {
    "CLIENT-ID": "ONB-2025-00123", "FIRST-NAME": "MARIE", "LAST-NAME": "TREMBLAY", "SSN": "046454286",
    "ADDRESS-LINE-1": "123 RUE SHERBROOKE", "CITY": "MONTRÉAL", "PROVINCE": "QC", "POSTAL-CODE": "H3A1B1",
}  # fmt: skip


def _checked(kind: str, *lines: Any) -> list[dict[str, Any]]:
    """The answers of a command in this process; a line is JSON, or text as it is."""
    said = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    sink = io.BytesIO()
    checking.run_check(f"copybook-{kind}", io.BytesIO(said.encode()), sink)
    return [json.loads(line) for line in sink.getvalue().splitlines()]


def test_the_record_of_the_source_through_the_seam() -> None:
    """Layout, bytes and values of S30: 165 bytes, with the accent in code page 1140 (protocols.md 5.7)."""
    copybook = copybook_source("ACCOUNT-CREATE-REQUEST")
    (layout,) = _checked("layout", {"copybook": copybook})
    assert (layout["ok"], layout["record_length"]) == (True, 165)
    (ssn,) = [field for field in layout["fields"] if field["name"] == "SSN"]
    assert ssn == {
        "name": "SSN",
        "level": 5,
        "offset": 84,
        "length": 9,
        "picture": "9(9)",
        "usage": "DISPLAY",
    }
    options = {"code_page": "cp1140"}
    asked = {"copybook": copybook, "record": VALUES, "options": options}
    around = {**asked, "record": {"ACCOUNT-CREATE-REQUEST": VALUES}}
    made, same = _checked("encode", asked, around)
    assert made == same
    assert made["fields"] == layout["fields"]
    data = base64.b64decode(made["data_b64"])
    assert (len(data), data[133:141].hex()) == (165, "d4d6d5e3d971c1d3")
    (read,) = _checked(
        "decode", {"copybook": copybook, "data_b64": made["data_b64"], "options": options}
    )
    assert read["records"] == [
        {"TRAN-CODE": "ACCT", **VALUES, "SSN": 46454286, "ACCOUNT-TYPE": "WM"}
    ]


def test_numbers_are_what_their_digits_say() -> None:
    """A JSON number is never a float on its way into a record, and a decimal is a text on its way out."""
    digits = "12345678901234567890123456789012345678"
    line = json.dumps({"copybook": AMOUNT, "record": {"A": "x", "B": "?", "N": "!"}})
    for said in ("-12345.60", '"-12345.6"'):
        (made,) = _checked("encode", line.replace('"?"', said).replace('"!"', digits))
        (read,) = _checked("decode", {"copybook": AMOUNT, "data_b64": made["data_b64"]})
        assert read["records"] == [{"A": "x", "B": "-12345.60", "N": int(digits)}]
    (refused,) = _checked(
        "encode", line.replace('"?"', "0.10000000000000000001").replace('"!"', "1")
    )
    assert refused["error"]["code"] == "FRACTION_TOO_LONG"


def test_options_are_those_of_the_codec() -> None:
    """Frames, trimming, one record of several; what is no option's value is malformed input."""
    copybook = "01 A.\n 05 X PIC X(2).\n01 B.\n 05 Y PIC X(3).\n"
    data = base64.b64encode(b"\x00\x07\x00\x00 y " * 2).decode()
    asked = {"copybook": copybook, "data_b64": data}
    options = {
        "record": "B",
        "record_format": "V",
        "code_page": "ascii",
        "trim": "both",
        "other": 1,
    }
    answers = _checked(
        "decode",
        {**asked, "options": options},
        {**asked, "options": {**options, "trim": False}},
        {**asked, "options": {"record": "B", "trim": "some"}},
        asked,
        {**asked, "options": options, "data_b64": "?"},
    )
    assert [answer.get("records") for answer in answers[:2]] == [
        [{"Y": "y"}] * 2,
        [{"Y": " y "}] * 2,
    ]
    codes = [answer["error"]["code"] for answer in answers[2:]]
    assert codes == ["CHECK_INPUT_INVALID", "RECORDS_SEVERAL", "CHECK_INPUT_INVALID"]


def test_a_refusal_says_where() -> None:
    """Line and column of a copybook, field and offset of a record; never a value of it (E11)."""
    (of_source,) = _checked("layout", {"copybook": "01 R.\n 05 A PIC Z(3)."})
    assert of_source["error"].items() >= {"code": "PICTURE_EDITED", "line": 2, "column": 11}.items()
    (of_value,) = _checked(
        "encode", {"copybook": AMOUNT, "record": {"A": "SECRET", "B": 1, "N": 1}}
    )
    assert (
        of_value["error"].items() >= {"code": "FIELD_TOO_LONG", "field": "A", "offset": 0}.items()
    )
    assert "SECRET" not in json.dumps(of_value)


@pytest.mark.parametrize("kind", ["layout", "decode", "encode"])
@given(line=st.text(max_size=40).filter(lambda text: not set(text) & set("\r\n")))
def test_any_line_has_an_answer(kind: str, line: str) -> None:
    """Malformed input is an answer, never a traceback (check-command contract)."""
    said = [
        "[1",
        "1e999999999999",
        "[" * 100_000,
        json.dumps({"copybook": line, "record": {}, "data_b64": ""}),
    ]
    for answer in _checked(kind, line.encode("utf-8", "replace").decode(), *said):
        assert answer["ok"] or answer["error"]["code"]
