"""JSON with one meaning or none."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.http.strict_json import DEPTH_MAX, Malformed, Number, parse

_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
_JSON = st.recursive(
    st.none() | st.booleans() | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(_JSON, st.booleans())
def test_json_is_read_as_it_stands(value: Any, ascii_only: bool) -> None:
    """RFC 8259: what the standard library writes is read back, escaped or not."""
    assert parse(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_judged(body: bytes) -> None:
    """Row 6 of interface.md 6: any bytes are a value or malformed, nothing else."""
    with contextlib.suppress(Malformed):
        parse(body)


def test_refusal_knows_nothing_of_the_body() -> None:
    """design.md 9.8: no exception that may be logged carries the bytes along."""
    with pytest.raises(Malformed) as caught:
        parse(b'{"secret": "x" "y"}')
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"nul",
        b"\xef\xbb\xbf{}",
        b"{} {}",
        b"{}x",
        b"[1,]",
        b"{'a':1}",
        b"\xff",
        b'"\xed\xa0\x80"',
        b'"\\ud800"',
        b'{"\\udfff":1}',
        b'["\\u0000"]',
        b'{"a\\u0000":1}',
        b'"a\x00b"',
        b'"a\nb"',
        b"NaN",
        b"[Infinity]",
        b'{"a":-Infinity}',
        b"01",
        b"+1",
        b".5",
        b"1.",
        b'{"a":1,"a":1}',
        b'{"a":{"b":1,"b":2}}',
        b'{"a":1,"\\u0061":2}',
        b"[" * (DEPTH_MAX + 1) + b"]" * (DEPTH_MAX + 1),
        b"[" * 60_000,
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
        '"é"'.encode("latin-1"),
        '{"a":1}'.encode("utf-16"),
    ],
)
def test_malformed_is_refused(body: bytes) -> None:
    """Row 6: none of these has one meaning that can be kept."""
    with pytest.raises(Malformed):
        parse(body)


@pytest.mark.parametrize("text", ["1e400", "-0", "1E2", "100.005", "9" * 5000, "1e-9999999999"])
def test_numbers_stay_text(text: str) -> None:
    """interface.md 1: a number is never made a float."""
    assert parse(text.encode()) == Number(text)


def test_depth_is_bounded_not_less() -> None:
    """Row 6: nesting up to the limit is taken, and so is a surrogate pair."""
    assert parse(b"[" * DEPTH_MAX + b"]" * DEPTH_MAX)
    assert parse(b'"\\ud83d\\ude00"') == "\U0001f600"
