"""What the mainframe changes by itself is read strictly, or refused by name (S33, E11)."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.gateways.copybook.pages import EBCDIC_PAGES
from comptoir.actors.gateways.profile_change import ChangeUnreadable, ProfileChange, read_change
from comptoir.engine.settings.providers import CODE_PAGES

AT = 1_796_126_400_000


def record(**parts: str) -> bytes:
    """A change as the mainframe writes it, by offsets alone."""
    said = {
        "tran": "CHNG", "client": "ONB-2026-00001", "change": "CH00000001", "sequence": "000000007",
        "at": "20261201120000", "field": "CITY", "value": "MONTR\u00c9AL",
    } | parts  # fmt: skip
    widths = {
        "tran": 4,
        "client": 20,
        "change": 12,
        "sequence": 9,
        "at": 14,
        "field": 20,
        "value": 40,
    }
    return "".join(f"{said[name]:<{width}}" for name, width in widths.items()).encode("cp500")


def test_a_change_is_read_by_its_copybook() -> None:
    """Which field, what it is now, and in which turn."""
    change = read_change(record(), "cp500")
    assert change == ProfileChange(
        "ONB-2026-00001", "CH00000001", 7, AT, "address/city", "MONTR\u00c9AL"
    )


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (record()[:-1], "RECORD_LENGTH_WRONG"),
        (record() + b"@", "RECORD_LENGTH_WRONG"),
        (record(tran="ACRP"), "CHANGE_FOREIGN"),
        (record(field="SSN"), "CHANGE_FIELD_UNKNOWN"),
        (record(client=""), "CHANGE_INCOMPLETE"),
        (record(sequence="000000000"), "CHANGE_INCOMPLETE"),
        (record(at="20261301120000"), "CHANGE_TIME_INVALID"),
        (record(sequence="0000000-7"), "DIGIT_INVALID"),
        (record(client="ONB 2026"), "CHANGE_CLIENT_INVALID"),
        (record(client="ONB-2026\n"), "CHANGE_CLIENT_INVALID"),
        (record(client="ONB-\u00c9"), "CHANGE_CLIENT_INVALID"),
        (record(change="CH\x000001"), "CHANGE_CHARACTER_INVALID"),
        (record(value="MONTR\x00AL"), "CHANGE_CHARACTER_INVALID"),
        (record(value="MONTREAL\x07"), "CHANGE_CHARACTER_INVALID"),
    ],
)
def test_what_is_no_change_is_refused_by_name(wrong: bytes, code: str) -> None:
    """Nothing of it is applied; a national id is changed by nobody (X11)."""
    with pytest.raises(ChangeUnreadable) as refused:
        read_change(wrong, "cp500")
    assert refused.value.code == code


@given(st.binary(max_size=200))
def test_any_bytes_are_a_change_or_refused(data: bytes) -> None:
    """No other exception, whatever comes."""
    with suppress(ChangeUnreadable):
        read_change(data, "cp500")


def test_the_settings_know_the_codecs_pages() -> None:
    """A page that may be set is one that records can be written in (S30)."""
    assert CODE_PAGES == EBCDIC_PAGES
